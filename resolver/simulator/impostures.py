"""Impostors: who pretends to a service to be a device, and the answer that each must get.

    for imposture in IMPOSTURES:
        got = await imposture.play(Stage(scene, line, clock, random))      # `imposture.expected`

Mallory listens on the wire, holds keys of her own, and whatever the case says has leaked. Each
device has clients: programs with its wallet, of which a clone is one too many.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from identity.dpop import create_dpop
from identity.errors import AuthenticationFailed, TetradError
from identity.jcs import canonicalize
from identity.keys import PrivateKey
from identity.members import format_time
from identity.multibase import base64url_encode
from identity.wallet import Establishment, Wallet
from resolver.challenges import read_challenge
from resolver.simulator.attacks import Scene
from resolver.simulator.signing import Party

ADMITTED = "admitted"
NOTICED = "noticed"
"""Not an error: both clients are served, and both are told that there are two."""

_CURRENT = "/v1/authentications/current"
_EVIL = "https://evil.example"


class Line(Protocol):
    """The way to one service."""

    url: str

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> dict[str, Any] | TetradError:
        """The JSON object that answers a request, or the refusal."""
        ...


@dataclass
class Stage:
    """Where impostors play: a fleet and the service that knows it."""

    scene: Scene
    line: Line
    clock: Callable[[], float]
    """Seconds since the epoch."""
    random: Callable[[int], bytes]

    def client(self, party: Party) -> Client:
        """One more program with the keys of a party."""
        return Client(self, party)

    async def challenge(self, domain: str | None = None) -> dict[str, str] | TetradError:
        """A challenge of the service, in the name of `domain`."""
        asked = canonicalize({"domain": domain or self.line.url})
        return await self.line.ask("POST", "/v1/challenges", asked)

    async def answer(self, presentation: Mapping[str, Any]) -> dict[str, Any] | TetradError:
        """What the service says to a presentation."""
        posted = canonicalize({"verifiablePresentation": dict(presentation)})
        return await self.line.ask("POST", "/v1/authentications", posted)

    async def current(self, token: str, key: PrivateKey) -> dict[str, Any] | TetradError:
        """What the service says to a token that this key presents."""
        url, jti = self.line.url + _CURRENT, base64url_encode(self.random(16))
        now = int(self.clock())
        proof = create_dpop(key, method="GET", url=url, token=token, now=now, jti=jti)
        headers = {"authorization": f"DPoP {token}", "dpop": proof}
        return await self.line.ask("GET", _CURRENT, headers=headers)


class Client:
    """One program with a wallet, which keeps what the service gives out."""

    def __init__(self, stage: Stage, party: Party) -> None:
        self._stage = stage
        self.did = party.did
        self.key = party.key
        self._wallet = Wallet(stage.random)
        present, following = (party.keys_of(party.generation + n) for n in (0, 1))
        keys = [self._wallet.add_key(key).multikey for key in present]
        after = [self._wallet.add_key(key).thumbprint for key in following]
        self._wallet.adopt(party.did, Establishment(keys, after))

    async def present(self, domain: str | None = None) -> dict[str, Any]:
        """An answer to a challenge that was asked for. Raises the service's refusal."""
        asked = await self._stage.challenge()
        if isinstance(asked, TetradError):
            raise asked
        challenge = read_challenge(asked)
        return self._wallet.present(
            self.did,
            challenge=challenge.challenge,
            domain=domain or challenge.domain,
            created=format_time(int(self._stage.clock())),
            nonce=self._wallet.continuation(self.did, self._stage.line.url),
        )

    async def authenticate(self) -> dict[str, Any]:
        """What the service gives to whoever it believes. Raises its refusal."""
        admitted = await self._stage.answer(await self.present())
        if isinstance(admitted, TetradError):
            raise admitted
        self._wallet.keep_continuation(self.did, self._stage.line.url, admitted["next"])
        return admitted


Play = Callable[[Stage], Awaitable[dict[str, Any] | TetradError | str]]


class Imposture(NamedTuple):
    """One imposture: its name, what is tried, the code that must answer it, how it is played."""

    name: str
    says: str
    expected: str
    act: Play

    async def play(self, stage: Stage) -> str:
        """What the impostor got."""
        try:
            got = await self.act(stage)
        except AuthenticationFailed as error:
            got = error
        if isinstance(got, TetradError):
            return got.code
        return got if isinstance(got, str) else ADMITTED


IMPOSTURES: list[Imposture] = []


def _imposture(name: str, expected: str) -> Callable[[Play], Play]:
    def listed(act: Play) -> Play:
        IMPOSTURES.append(Imposture(name, (act.__doc__ or "").strip(), expected, act))
        return act

    return listed


@_imposture("replay of an authentication", "authentication.challenge")
async def _replay(stage: Stage) -> dict[str, Any] | TetradError:
    """A captured answer is sent again."""
    presentation = await stage.client(stage.scene.victim.party).present()
    admitted = await stage.answer(presentation)
    return admitted if isinstance(admitted, TetradError) else await stage.answer(presentation)


@_imposture("challenge in another's name", "authentication.challenge")
async def _relayed(stage: Stage) -> dict[str, Any] | TetradError:
    """Mallory, who runs a service herself, asks for a challenge that her visitors would answer."""
    return await stage.challenge(_EVIL)


@_imposture("answer to another service", "authentication.challenge")
async def _elsewhere(stage: Stage) -> dict[str, Any] | TetradError:
    """What a device signed for Mallory's service is passed on."""
    presentation = await stage.client(stage.scene.victim.party).present(domain=_EVIL)
    return await stage.answer(presentation)


@_imposture("answer with another key", "authentication")
async def _forged(stage: Stage) -> dict[str, Any] | TetradError:
    """Mallory answers for the victim, with her own key under its name."""
    mallory = stage.client(stage.scene.mallory)
    presentation = await mallory.present()
    return await stage.answer({**presentation, "holder": stage.scene.victim.party.did})


@_imposture("answer of a revoked device", "authentication")
async def _revoked(stage: Stage) -> dict[str, Any]:
    """A device that was revoked answers with the key that it still has."""
    return await stage.client(stage.scene.revoked.party).authenticate()


@_imposture("answer with the key before a rotation", "authentication")
async def _old_key(stage: Stage) -> dict[str, Any]:
    """A thief of the key that a device had before answers for it."""
    party = stage.scene.rotated.party
    client = stage.client(party)
    before = Party(party.names, party.seed, algorithm=party.algorithm, did=party.did)
    before.generation = party.generation - 1
    assert client.key.public != before.key.public  # noqa: S101 - or it would be no attack
    return await stage.client(before).authenticate()


@_imposture("stolen token", "authentication.token")
async def _stolen(stage: Stage) -> dict[str, Any] | TetradError:
    """Mallory has read the victim's token and presents it with a key of her own."""
    victim = stage.client(stage.scene.victim.party)
    token = (await victim.authenticate())["token"]
    own = await stage.current(token, victim.key)
    return (
        own if isinstance(own, TetradError) else await stage.current(token, stage.scene.mallory.key)
    )


@_imposture("two clients with one key", NOTICED)
async def _clone(stage: Stage) -> dict[str, Any] | str:
    """A second device has a copy of the first one's key and authenticates with it."""
    original, clone = (stage.client(stage.scene.rotated.party) for _ in range(2))
    for _ in range(2):
        admitted = await original.authenticate()
        if admitted["keyShared"]:
            return "noticed before there were two"
    told = [await client.authenticate() for client in (clone, original)]
    return NOTICED if all(one["keyShared"] for one in told) else told[0]
