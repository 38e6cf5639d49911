"""Authentication at one service: who answers a challenge gets a token, who bears one is known.

    who = authenticating.authenticated(request)       # Authenticated(did=…, key=…), or raises
    who.did, who.credentials, who.key_shared

`authenticated` is all that an endpoint needs which serves some parties and not others. A token is
held against the ledger whenever it is used: it ends with its key's rotation and with the
suspension, revocation or retirement of its subject. Nothing here is kept beyond a restart.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

import orjson
from starlette.requests import Request
from starlette.types import Scope

from identity.credentials.presentation import credentials_of
from identity.dpop import check_dpop, normal_address
from identity.errors import (
    AuthenticationFailed,
    CredentialOutOfTime,
    InvalidChallenge,
    InvalidKey,
    InvalidProof,
    InvalidToken,
    MalformedInput,
    SignerMissing,
    SignerUnexpected,
    TetradError,
    UnknownMethod,
)
from identity.jcs import canonicalize
from identity.jwk import JWS_ALGORITHMS, jwk_thumbprint
from identity.keys import ED25519, PublicKey, draw_key, thumbprint
from identity.methods import SIGNING_PURPOSES, Method
from identity.proof import SUITES
from registry.state import Subject, state_key
from resolver.api.limits import RateLimit
from resolver.api.shown_credentials import ShownCredentials
from resolver.authentication import (
    Answer,
    Authentication,
    challenge_of,
    check_active,
    key_method,
    read_answer,
    verify_answer_proofs,
)
from resolver.challenges import Challenge, Challenges
from resolver.service import Service
from resolver.shared_keys import SharedKeys
from resolver.tokens import MOST_SHOWN, WINDOW, Bound, Tokens, refused

SCHEME: Final = "DPoP"
BESIDE: Final = b"dpop-beside"
"""The header with the second proof, where a token is bound to two keys."""


class Authenticated(NamedTuple):
    """Who makes a request."""

    did: str
    kind: str
    """`device` or `organization`."""
    key: str
    """The thumbprint of the key, as in its verification method."""
    jkt: str
    """The same key's JWK thumbprint (RFC 7638)."""
    domain: str
    issued: int
    expires: int
    """Seconds since the epoch."""
    credentials: tuple[str, ...]
    """Types of the device credentials that it showed, which were verified then."""
    key_shared: bool
    """Two clients were seen to authenticate with this key."""
    beside: str
    """Of a pair, the other key's JWK thumbprint; "" where there is none."""
    shown: tuple[bytes, ...] = ()
    """Those credentials, as canonical JSON: who decides something by one verifies it again."""

    def value(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "did": self.did,
            "kind": self.kind,
            "key": f"{self.did}#{self.key}",
            "domain": self.domain,
            "credentials": list(self.credentials),
            "keyShared": self.key_shared,
        }


class Admitted(NamedTuple):
    """A successful authentication."""

    token: str
    next: str
    """To be shown with the following one."""
    who: Authenticated

    def __repr__(self) -> str:
        return f"Admitted({self.who.did})"


class Authenticating:
    """Challenges, tokens and what is noticed of keys, for one service."""

    def __init__(self, service: Service, audiences: Sequence[str] = ()) -> None:
        """`audiences` are the addresses under which the service is known."""
        settings = service.settings
        self._service = service
        self._store = service.store
        self._audiences: list[str] = []
        for address in audiences:
            self.known_as(address)
        self.shown = ShownCredentials(service, lambda: self._audiences)
        self._limit = RateLimit(
            settings.challenges_per_minute, settings.lookup_clients, service.clock
        )
        random = secrets.token_bytes
        self.challenges = Challenges(settings.challenges, settings.challenge_seconds, random)
        self.tokens = Tokens(settings.tokens, settings.tokens_each, settings.token_proofs, random)
        self.keys = SharedKeys(settings.authenticated_keys, random)
        self.outcomes: Counter[str] = Counter()
        # Nobody has their private halves: they take the place of keys that there are not.
        self._decoys = {name: draw_key(name, random).public for name in JWS_ALGORITHMS}

    @property
    def audiences(self) -> Sequence[str]:
        """The addresses under which the service is known."""
        return self._audiences

    def known_as(self, address: str) -> None:
        """One more address of the service. Raises MalformedInput for what is none."""
        normal = normal_address(address)
        if normal is None:
            raise MalformedInput(
                f"not an address of this service: {address[:80]!r}",
                hint="https://registry.example, without query",
            )
        if normal not in self._audiences:
            self._audiences.append(normal)

    def challenge(self, client: str, *, domain: str | None, did: str | None) -> Challenge:
        """A challenge for whoever asks. `domain` is the address that the client knows the service
        by. Raises RateLimited, Busy, InvalidChallenge."""
        self._limit.check(client, "each challenge is answered once, and soon")
        return self.challenges.issue(domain=self._audience(domain), did=did, now=self._service.now)

    def _audience(self, domain: str | None) -> str:
        if domain is None and self._audiences:
            return self._audiences[0]
        normal = normal_address(domain or "")
        if normal is None or normal not in self._audiences:
            # A service that took any name would sign in whoever was asked under another.
            raise InvalidChallenge(
                "this service is not known by that address",
                pointer="/domain",
                hint="the operator names its addresses: tetrad serve --address https://…",
            )
        return normal

    async def authenticate(self, presentation: object) -> Admitted:
        """A token for whoever answers a challenge.

        The challenge is used up as soon as it is named. Raises InvalidChallenge; what is wrong with
        the form; and else AuthenticationFailed in the same words, whether there is such a subject
        or not. Only who has proved its keys is told that it is suspended.
        """
        try:
            return await self._authenticate(presentation)
        except TetradError:
            self.outcomes["refused"] += 1
            raise

    async def _authenticate(self, presentation: object) -> Admitted:
        now = self._service.now
        challenge = challenge_of(presentation)
        issued = self.challenges.consume(challenge, now)
        answer = read_answer(presentation, challenge=challenge, domain=issued.domain)
        found, before = self._verified(answer, issued, now)
        shown = [
            await self.shown.verify(one, found.did) for one in credentials_of(answer.presentation)
        ]
        bound = Bound(
            did=found.did,
            key=found.key.thumbprint,
            jkt=jwk_thumbprint(found.key),
            domain=issued.domain,
            issued=now,
            expires=now + self._service.settings.token_seconds,
            credentials=tuple(dict.fromkeys(shown)),
            shown=_kept(credentials_of(answer.presentation)),
            beside="" if found.beside is None else jwk_thumbprint(found.beside),
            orders=_orders(before),
        )
        record = self._record_in_force(bound)
        if record is None:  # it has changed while credentials were looked at
            raise _unproved()
        token = self.tokens.issue(bound, now)
        continued = self.keys.continues(bound.key, found.previous)
        self.outcomes["succeeded"] += 1
        if not continued.fits:
            self.outcomes["shared_key"] += 1
        return Admitted(token, continued.next, self._who(bound, record))

    def _verified(
        self, answer: Answer, issued: Challenge, now: int
    ) -> tuple[Authentication, Subject]:
        """The answer of an active subject of this ledger, and its record. Raises
        AuthenticationFailed."""
        record = self._record(answer.holder)
        proofs = {one.get("verificationMethod"): one for one in answer.proofs}

        def method(url: str) -> Method:
            """A key of the holder, or one that nobody has: a signature is checked either way."""
            try:
                if record is None:
                    raise UnknownMethod("no such party on this ledger")
                return key_method(record, url)
            except UnknownMethod:
                decoy = self._decoy(proofs[url])
                return Method(url, answer.holder, decoy, SIGNING_PURPOSES, (decoy.algorithm,))

        try:
            found = verify_answer_proofs(
                answer, method, challenge=issued.challenge, domain=issued.domain, now=now
            )
        except (InvalidProof, InvalidKey, SignerMissing, SignerUnexpected, CredentialOutOfTime):
            raise _unproved() from None
        if record is None:
            raise RuntimeError("a signature verifies under a key that nobody has")
        if issued.did is not None and issued.did != answer.holder:
            raise _unproved()
        check_active(record)
        return found, record

    def _decoy(self, proof: Mapping[str, Any]) -> PublicKey:
        """A key by which a proof of that form is checked in full, and in vain."""
        length = len(str(proof.get("proofValue")))
        for name, decoy in self._decoys.items():
            suite = SUITES[name]
            if suite.name == proof.get("cryptosuite") and length <= suite.longest:
                return decoy
        return self._decoys[ED25519]

    def authenticated(self, request: Request) -> Authenticated:
        """Who makes a request, by its token and the proof beside it (RFC 9449, section 7).

        Raises InvalidToken, RateLimited, Busy.
        """
        scope, now = request.scope, self._service.now
        token, *proofs = _credentials_of(scope)
        bound = self.tokens.find(token, now)
        path = (scope.get("raw_path") or scope["path"].encode()).decode("ascii", "replace")
        checked = [
            check_dpop(
                proof,
                method=scope["method"],
                url=f"{bound.domain}{path}",
                token=token,
                now=now,
                window=WINDOW,
            )
            for proof in proofs
        ]
        by = [jwk_thumbprint(one.key) for one in checked]
        if by != [bound.jkt, *([bound.beside] if bound.beside else [])]:
            raise refused()
        if len({one.jti for one in checked}) != 1:
            raise InvalidToken("the two proofs beside the token differ in their jti")
        who = self._in_force(token, bound)
        self.tokens.use(token, checked[0], now)
        return who

    def introspect(self, token: str) -> Authenticated | None:
        """What a token that somebody was shown stands for; None where it is not in force."""
        try:
            return self._in_force(token, self.tokens.find(token, self._service.now))
        except InvalidToken:
            return None

    def _in_force(self, token: str, bound: Bound) -> Authenticated:
        """Whose token it is, by the ledger as it is now. Raises InvalidToken, and ends it."""
        record = self._record_in_force(bound)
        if record is None:
            self.tokens.end(token)
            raise refused()
        return self._who(bound, record)

    def _record_in_force(self, bound: Bound) -> Subject | None:
        """The subject's record, if it has the key and has been active all the time."""
        record = self._record(bound.did)
        if record is None or record["status"] != "active" or _orders(record) != bound.orders:
            return None
        keys = (thumbprint(multikey) for multikey in record["keys"])
        return record if bound.key in keys else None

    def _who(self, bound: Bound, record: Subject) -> Authenticated:
        return Authenticated(
            bound.did,
            record["kind"],
            bound.key,
            bound.jkt,
            bound.domain,
            bound.issued,
            bound.expires,
            bound.credentials,
            self.keys.shared(bound.key),
            bound.beside,
            bound.shown,
        )

    def _record(self, did: str) -> Subject | None:
        """The newest committed record of a device or an organization of this ledger."""
        (stored,) = self._store.records([state_key(("did", did))])
        return None if stored is None else cast("Subject", orjson.loads(stored))


def _kept(credentials: Sequence[dict[str, Any]]) -> tuple[bytes, ...]:
    """The credentials that a token keeps: each once, in their order, as far as there is room."""
    kept: list[bytes] = []
    for data in dict.fromkeys(map(canonicalize, credentials)):
        if sum(map(len, kept)) + len(data) <= MOST_SHOWN:
            kept.append(data)
    return tuple(kept)


def _orders(record: Subject) -> tuple[tuple[str, str], ...]:
    """What has been ordered about the status of a subject, as a value that can be compared."""
    return tuple(sorted(record["orders"].items()))


def _credentials_of(scope: Scope) -> list[str]:
    """The token of a request and the proofs beside it, one or two; each header stands once. Raises
    InvalidToken."""
    found: dict[bytes, list[str]] = {b"authorization": [], b"dpop": [], BESIDE: []}
    for name, value in scope["headers"]:
        if name in found:
            found[name].append(value.decode("latin-1"))
    beside = found.pop(BESIDE)
    if [len(values) for values in found.values()] != [1, 1] or len(beside) > 1:
        raise InvalidToken(
            "a request is authenticated by one header Authorization and one header DPoP",
            hint="Authorization: DPoP TOKEN, and beside it a DPoP proof (RFC 9449)",
        )
    scheme, _, token = found[b"authorization"][0].partition(" ")
    if scheme.lower() != SCHEME.lower() or not token.strip():
        raise InvalidToken(
            "tokens are presented with the scheme DPoP, and never alone",
            hint="Authorization: DPoP TOKEN",
        )
    return [token.strip(), *found[b"dpop"], *beside]


def _unproved() -> AuthenticationFailed:
    return AuthenticationFailed(
        "the presentation does not prove that its holder has keys in force here",
        hint="sign with the newest keys, for the challenge and the domain that were given",
    )
