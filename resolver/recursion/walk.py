"""The walk from the pinned root to whoever knows the answer, without input or output.

    walk = Walk(ledgers, now)
    found = yield from walk.code(("code", "gs1", "https://id.gs1.org/…"))
    found.answer, found.path.hops

Each ledger is asked for the code itself. It answers, proves that there is none, or refers to the
next one by a grant whose proof is checked before anything is asked there. What is found in the
end is verified as a whole, as whoever asked will do. DIDs are looked for by `search`.

A walk yields what is to be asked and where, and is sent responses or thrown errors; a failure of a
node is never an answer. Specified in specs/3-resolution.md, "Recursion".
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar, cast
from urllib.parse import quote

from identity.errors import (
    HostRefused,
    InvalidAnswer,
    NodeRefused,
    NodeUnreachable,
    NotFound,
    ServerUnreachable,
    TetradError,
)
from identity.jcs import Json
from registry.case import FINAL
from registry.state import Key
from resolver.client.flow import Flow, Pause, Request, Response, json_object
from resolver.path import MOST_LEDGERS, VerifiedPath, verify_path
from resolver.pinned import Pinned
from resolver.recursion.ledgers import Known, Ledgers
from resolver.referral import VerifiedReferral, shown_referral, verify_referral
from resolver.verifier import VerifiedAnswer

MOST_UPDATES: Final = 256
"""Of the keys of one log, that are followed; each is proved again with every answer."""
MOST_REASON: Final = 300
"""Characters of what is wrong with an answer."""

T = TypeVar("T")


class At(NamedTuple):
    """A question to a node."""

    url: str
    request: Request


Steps = Generator[At, Response, T]


@dataclass(frozen=True, slots=True)
class Walked:
    """What was found: a device, or that there is none."""

    answer: dict[str, Json]
    """With its `path`, as whoever asked can verify it."""
    path: VerifiedPath
    urls: tuple[str, ...]
    """Where the ledger that answers is asked."""

    @property
    def status(self) -> int:
        """As HTTP has it (200, 410, 404), by what is proved and not by what a node said."""
        found = self.path.outcome
        if not isinstance(found, VerifiedAnswer):
            return 404
        return 410 if found.status in FINAL else 200


class Said(NamedTuple):
    """What a node answers."""

    answer: dict[str, Json]
    refers: bool


class Walk:
    """One question on its way."""

    def __init__(self, ledgers: Ledgers, now: int, *, max_age: int | None = None) -> None:
        """`now` and `max_age`, the most that a checkpoint on the way may be old, in seconds."""
        self.ledgers = ledgers
        self.now = now
        self._max_age = max_age
        self._referred: list[tuple[Json, Pinned, Key, VerifiedReferral]] = []

    def code(self, key: Key, at: str | None = None) -> Steps[Walked]:
        """The device that bears a code in clear, or that there is none, now or `at` a time.

        Raises NodeUnreachable, NodeRefused (HostRefused); NotFound where none is known and that is
        not proved, as of the past.
        """
        node, before = self.ledgers.root, list[VerifiedReferral]()
        path: list[dict[str, Json]] = []
        while True:
            said = yield from self.ask(node, key, at)
            path.append(node.place(first=not path))
            if not said.refers:
                return self.verified(node, said, path, key, at)
            with of(node):
                path[-1]["referral"] = shown_referral(said.answer)
                referral = self.referral(node, path[-1]["referral"], key)
                _check_further(referral, before)
            before.append(referral)
            node = yield from self.follow(node, referral, path)

    def ask(self, node: Known, key: Key, at: str | None = None) -> Steps[Said]:
        """What a node answers, under a checkpoint that is held against what was seen of it."""
        query = {"proof": "1"} if at is None else {"proof": "1", "at": at}
        if key[0] == "code":
            request = Request("GET", "/v1/resolve", {"scheme": key[1], "code": key[2], **query})
        else:
            request = Request("GET", f"/v1/devices/{quote(key[1], safe=':')}", query)
        response = yield from first_of(node, request)
        with of(node):
            said = _said(response)
            note = _note(said.answer)
            if len(node.trust.updates) > MOST_UPDATES:
                raise InvalidAnswer(f"its log's keys were replaced over {MOST_UPDATES} times")
        if note is not None:
            yield from at_node(node, node.seeing.observe(note))
        elif at is None:
            raise refused_by(node, InvalidAnswer("an answer without proof"))
        return said

    def referral(self, node: Known, shown: Json, key: Key) -> VerifiedReferral:
        """A referral as it stands in a path. Raises what does not hold."""
        return self._refer(shown, node.trust.pinned, key, self.now)

    def _refer(self, shown: Json, pinned: Pinned, key: Key, now: int) -> VerifiedReferral:
        """`verify_referral`, once for the same: it is checked before anything is asked of the next
        node, and belongs to the whole that is verified at the end."""
        for one, under, of_key, verified in self._referred:
            if one is shown and (under, of_key, self.now) == (pinned, key, now):
                return verified
        verified = verify_referral(shown, pinned, key, now)
        self._referred.append((shown, pinned, key, verified))
        return verified

    def follow(
        self, node: Known, referral: VerifiedReferral, path: Sequence[Mapping[str, Json]]
    ) -> Steps[Known]:
        """The node to which a referral leads, pinned by the hash that the grant names."""
        if referral.node.ledger in [item["ledger"] for item in path]:
            raise refused_by(node, InvalidAnswer("it refers back to a ledger on the way to it"))
        known = self.ledgers.known(referral.node.ledger)
        if known is None:
            known = yield from self._introduced(referral)
        return known.at(referral.node.urls)

    def _introduced(self, referral: VerifiedReferral) -> Steps[Known]:
        asked = self.ledgers.stranger(referral.node)
        response = yield from first_of(asked, Request("GET", "/.well-known/tetrad"))
        with of(asked):
            if response.status != 200:
                raise InvalidAnswer(f"it answers {response.status} to who asks what it is")
            return self.ledgers.pin(referral.node, json_object(response.body).get("genesis"))

    def verified(
        self,
        node: Known,
        said: Said,
        path: list[dict[str, Json]],
        key: Key,
        at: str | None,
    ) -> Walked:
        """The answer at the end of a path, verified as a whole as whoever asked will do."""
        if "device" not in said.answer and at is not None:
            raise NotFound("no such device at that time", hint="of the past that is not proved")
        answer = {**said.answer, "path": cast("Json", path)}
        with of(node):
            verified = verify_path(
                answer,
                self.ledgers.root.trust,
                key,
                self.now,
                max_age=self._max_age,
                refer=self._refer,
            )
            if answer.get("asOf") != at:
                raise InvalidAnswer("the answer is about another time", pointer="/asOf")
        return Walked(answer, verified, node.urls)


def _check_further(referral: VerifiedReferral, before: Sequence[VerifiedReferral]) -> None:
    if before and len(referral.segments) < len(before[-1].segments):
        raise InvalidAnswer("it refers by a shorter prefix than the one that led to it")
    if len(before) + 2 > MOST_LEDGERS:
        raise InvalidAnswer(f"the way leads on after {MOST_LEDGERS} ledgers")


def at_node(node: Known, flow: Flow[T]) -> Steps[T]:
    """Drives a flow of a client by a node's addresses. Raises NodeUnreachable, NodeRefused."""
    response = None
    while True:
        try:
            step = flow.send(response)
        except StopIteration as end:
            return cast("T", end.value)
        except TetradError as error:
            # Whatever class it has: a flow takes that of a refusal from what the node wrote.
            raise refused_by(node, error) from error
        if isinstance(step, Pause):
            raise NodeUnreachable(f"the node {node.origin} is busy", node=node.origin)
        response = yield from first_of(node, step)


def first_of(node: Known, request: Request) -> Steps[Response]:
    """The answer of the first of a node's addresses that gives one. Raises NodeUnreachable; where
    none is merely down, NodeRefused for what one answers and HostRefused where none may be asked.
    """
    down, refused = "", list[TetradError]()
    for url in node.urls:
        try:
            response = yield At(url, request)
        except ServerUnreachable as error:
            down = error.detail
        except (HostRefused, InvalidAnswer) as error:
            refused.append(error)
        else:
            # What breaks inside a node is no answer either: it says nothing of what was asked.
            if response.status < 500 and response.status != 429:
                return response
            down = f"it answers {response.status}"
    if down or not refused:
        raise NodeUnreachable(f"the node {node.origin} cannot be asked: {down}", node=node.origin)
    # That one answers wrongly tells more than that another may not be asked.
    worst = next((one for one in refused if isinstance(one, InvalidAnswer)), refused[0])
    if not isinstance(worst, HostRefused):
        raise refused_by(node, worst)
    worst.members["node"] = node.origin
    raise worst


class of:  # noqa: N801 - reads as a word of the statement
    """What goes wrong within is the node's fault: raises NodeRefused, which says why."""

    def __init__(self, node: Known) -> None:
        self._node = node

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, TetradError) and not isinstance(error, NodeRefused | NodeUnreachable):
            raise refused_by(self._node, error) from error


def refused_by(node: Known, error: TetradError) -> NodeRefused:
    """The error that names the node whose answer does not hold."""
    # It may quote what a node wrote, and goes into the log.
    why = "".join(one if one.isprintable() else "?" for one in error.detail[:MOST_REASON])
    return NodeRefused(
        f"the node {node.origin} is not believed: {why}",
        hint="nothing of what it says is passed on",
        node=node.origin,
        reason=error.code,
    )


def _said(response: Response) -> Said:
    """A node's answer, as far as its form tells. Raises InvalidAnswer."""
    body = json_object(response.body)
    if response.status == 200:
        return Said(_members(body, "device", "readAs", "asOf", "proof"), refers=False)
    if response.status == 410:
        gone = body.get("answer")
        if not isinstance(gone, dict):
            raise InvalidAnswer("a tombstone without its answer")
        return Said(_members(gone, "device", "readAs", "asOf", "proof"), refers=False)
    if response.status == 404 and body.get("code") == "delegated":
        return Said(body, refers=True)
    if response.status == 404 and body.get("code") == "not_found":
        return Said(_members(body, "readAs", "proof"), refers=False)
    raise InvalidAnswer(f"it answers {response.status}, {str(body.get('code'))[:60]}")


def _members(value: Mapping[str, Json], *names: str) -> dict[str, Json]:
    return {name: value[name] for name in names if name in value}


def _note(answer: Mapping[str, Json]) -> bytes | None:
    """The checkpoint of an answer, a referral or an absence; None where nothing is proved."""
    proof = answer.get("proof")
    if proof is None:
        return None
    note = proof.get("checkpoint") if isinstance(proof, dict) else None
    if not isinstance(note, str):
        raise InvalidAnswer("a proof without a checkpoint", pointer="/proof/checkpoint")
    return note.encode("utf-8", "replace")
