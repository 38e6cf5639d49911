"""The walk from the pinned root to whoever knows the answer, without input or output.

    walk = Walk(ledgers, now)
    found = yield from walk.code(("code", "gs1", "https://id.gs1.org/…"))     # or walk.did(…)
    found.answer, found.path.hops

Each ledger is asked for the code itself. It answers, proves that there is none, or refers to the
next one by a grant whose proof is checked before anything is asked there. What is found in the
end is verified as a whole, as whoever asked will do. A DID is looked for where its label leads; a
ledger that the root does not name itself is found by asking the nodes which nodes *they* name, and
the way to it is then proved from label to label.

A walk yields what is to be asked and where, and is sent responses or thrown errors; a failure of a
node is never an answer. Specified in specs/3-resolution.md, "Recursion".
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar, cast
from urllib.parse import quote

from identity.did import tetrad_did
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
from registry.state import Key
from resolver.client.flow import Flow, Pause, Request, Response, json_object, member
from resolver.path import MOST_LEDGERS, VerifiedPath, verify_path
from resolver.recursion.ledgers import Known, Ledgers
from resolver.referral import VerifiedReferral, label_asked, shown_referral, verify_referral

MOST_CRAWLED: Final = 64
"""Nodes that are asked, for one DID, which nodes they name."""
_BUSY: Final = (429, 502, 503, 504)

T = TypeVar("T")


class At(NamedTuple):
    """A question to a node."""

    url: str
    request: Request


Steps = Generator[At, Response, T]


@dataclass(frozen=True, slots=True)
class Walked:
    """What was found: a device, or that there is none."""

    status: int
    """As HTTP has it: 200, 410, 404."""
    answer: dict[str, Json]
    """With its `path`, as whoever asked can verify it."""
    path: VerifiedPath


class _Said(NamedTuple):
    """What a node answers."""

    status: int
    answer: dict[str, Json]
    refers: bool


class Walk:
    """One question on its way."""

    def __init__(self, ledgers: Ledgers, now: int, *, max_age: int | None = None) -> None:
        """`now` and `max_age`, the most that a checkpoint on the way may be old, in seconds."""
        self._ledgers = ledgers
        self._now = now
        self._max_age = max_age

    def code(self, key: Key, at: str | None = None) -> Steps[Walked]:
        """The device that bears a code in clear, or that there is none, now or `at` a time.

        Raises NodeUnreachable, NodeRefused (HostRefused); NotFound where none is known and that is
        not proved, as of the past.
        """
        node, before = self._ledgers.root, list[VerifiedReferral]()
        path: list[dict[str, Json]] = []
        while True:
            said = yield from self._ask(node, key, at)
            path.append(node.place(first=not path))
            if not said.refers:
                return self._verified(node, said, path, key, at)
            with _of(node):
                path[-1]["referral"] = shown_referral(said.answer)
                referral = self._referral(node, path[-1]["referral"], key)
                _check_further(referral, before)
            before.append(referral)
            node = yield from self._follow(node, referral, path)

    def did(self, key: Key, at: str | None = None) -> Steps[Walked]:
        """The device with a DID of any ledger in the tree; see `code`."""
        nodes, path = [self._ledgers.root], list[dict[str, Json]]()
        wanted = cast("str", label_asked(key))
        for label in (yield from self._labels_to(wanted)):
            try:
                item, node = yield from self._step(nodes[-1], label, path)
            except NotFound:
                self._ledgers.forget(wanted)
                raise
            path.append(item)
            nodes.append(node)
        said = yield from self._ask(nodes[-1], key, at)
        path.append(nodes[-1].place(first=not path))
        if said.refers:
            raise _refused(nodes[-1], InvalidAnswer("the ledger of the DID refers to another"))
        return self._verified(nodes[-1], said, path, key, at)

    def _ask(self, node: Known, key: Key, at: str | None = None) -> Steps[_Said]:
        query = {"proof": "1"} if at is None else {"proof": "1", "at": at}
        if key[0] == "code":
            request = Request("GET", "/v1/resolve", {"scheme": key[1], "code": key[2], **query})
        else:
            request = Request("GET", f"/v1/devices/{quote(key[1], safe=':')}", query)
        response = yield from first_of(node, request)
        with _of(node):
            said = _said(response)
            note = _note(said.answer)
        if note is not None:
            yield from at_node(node, node.seeing.observe(note))
        elif at is None:
            raise _refused(node, InvalidAnswer("an answer without proof"))
        return said

    def _referral(self, node: Known, shown: Json, key: Key) -> VerifiedReferral:
        return verify_referral(shown, node.trust.pinned, key, self._now)

    def _follow(
        self, node: Known, referral: VerifiedReferral, path: Sequence[Mapping[str, Json]]
    ) -> Steps[Known]:
        """The node to which a referral leads, pinned by the hash that the grant names."""
        if referral.node.ledger in [item["ledger"] for item in path]:
            raise _refused(node, InvalidAnswer("it refers back to a ledger on the way to it"))
        known = self._ledgers.known(referral.node.ledger, referral.node.urls)
        if known is None:
            known = yield from self._introduced(referral)
        return known

    def _introduced(self, referral: VerifiedReferral) -> Steps[Known]:
        asked = self._ledgers.stranger(referral.node)
        response = yield from first_of(asked, Request("GET", "/.well-known/tetrad"))
        with _of(asked):
            if response.status != 200:
                raise InvalidAnswer(f"it answers {response.status} to who asks what it is")
            return self._ledgers.pin(referral.node, json_object(response.body).get("genesis"))

    def _verified(
        self,
        node: Known,
        said: _Said,
        path: list[dict[str, Json]],
        key: Key,
        at: str | None,
    ) -> Walked:
        if "device" not in said.answer and at is not None:
            raise NotFound("no such device at that time", hint="of the past that is not proved")
        answer = {**said.answer, "path": cast("Json", path)}
        with _of(node):
            verified = verify_path(
                answer, self._ledgers.root.trust, key, self._now, max_age=self._max_age
            )
            if answer.get("asOf") != at:
                raise InvalidAnswer("the answer is about another time", pointer="/asOf")
        return Walked(said.status, answer, verified)

    def _step(
        self, node: Known, label: str, path: Sequence[Mapping[str, Json]]
    ) -> Steps[tuple[dict[str, Json], Known]]:
        """From a ledger to the one with this label that it names, proved; with the item of the
        path that leads there."""
        ledger = self._ledgers.names.get(label, "")
        said = yield from self._ask(node, ("did", tetrad_did_of(label, ledger)))
        item = node.place(first=not path)
        if not said.refers:
            raise NotFound("no node in force knows the ledger of this DID")
        with _of(node):
            item["referral"] = shown_referral(said.answer)
            referral = self._referral(node, item["referral"], ("node", label))
        return item, (yield from self._follow(node, referral, [*path, item]))

    def _labels_to(self, label: str) -> Steps[tuple[str, ...]]:
        """The labels from below the root to that of the ledger, its own last."""
        if label == self._ledgers.root.trust.label:
            return ()
        if label not in self._ledgers.ways and self._ledgers.may_crawl(self._now):
            yield from self._crawl(label)
        way = self._ledgers.ways.get(label)
        if way is None:
            raise NotFound("no node of this tree is known to have the ledger of this DID")
        return way

    def _crawl(self, wanted: str) -> Steps[None]:
        """Asks the nodes which nodes they name, level by level, until the wanted one is found.

        What they say is a hint: each is asked only after its parent has proved that it names it.
        """
        level: list[tuple[Known, tuple[str, ...]]] = [(self._ledgers.root, ())]
        asked = 0
        while level:
            below: list[tuple[Known, tuple[str, ...]]] = []
            for node, way in level:
                asked += 1
                if asked > MOST_CRAWLED or len(way) + 2 > MOST_LEDGERS:
                    return
                for label, ledger in (yield from self._named_by(node)):
                    self._ledgers.learn(label, ledger, (*way, label))
                if wanted in self._ledgers.ways:
                    return
                below += yield from self._proved_below(node, way)
            level = below
        self._ledgers.crawled(self._now)

    def _named_by(self, node: Known) -> Steps[list[tuple[str, str]]]:
        try:
            response = yield from first_of(node, Request("GET", "/v1/nodes"))
            if response.status != 200:
                return []
            rows: list[Any] = member(json_object(response.body), "nodes", list)
            named = [(row["label"], row["ledger"]) for row in rows]
        except (TetradError, KeyError, TypeError):
            return []  # another may lead on
        return [one for one in named if all(isinstance(text, str) for text in one)]

    def _proved_below(
        self, node: Known, way: tuple[str, ...]
    ) -> Steps[list[tuple[Known, tuple[str, ...]]]]:
        found: list[tuple[Known, tuple[str, ...]]] = []
        for label in self._ledgers.below(way):
            try:
                _, child = yield from self._step(node, label, [])
            except TetradError:
                continue
            found.append((child, (*way, label)))
        return found


def _check_further(referral: VerifiedReferral, before: Sequence[VerifiedReferral]) -> None:
    if before and len(referral.segments) < len(before[-1].segments):
        raise InvalidAnswer("it refers by a shorter prefix than the one that led to it")
    if len(before) + 2 > MOST_LEDGERS:
        raise InvalidAnswer(f"the way leads on after {MOST_LEDGERS} ledgers")


def tetrad_did_of(label: str, ledger: str) -> str:
    """The DID of a ledger's authority, which stands for any DID with its label."""
    did = tetrad_did(ledger, ledger) if ledger else ""
    if did.split(":")[2:3] != [label]:
        raise InvalidAnswer("a node is listed under another label than its ledger's")
    return did


def at_node(node: Known, flow: Flow[T]) -> Steps[T]:
    """Drives a flow of a client by a node's addresses. Raises NodeUnreachable, NodeRefused."""
    with _of(node):
        try:
            step = next(flow)
            while True:
                if isinstance(step, Pause):
                    raise NodeUnreachable(f"the node {node.origin} is busy", node=node.origin)
                step = flow.send((yield from first_of(node, step)))
        except StopIteration as end:
            return cast("T", end.value)


def first_of(node: Known, request: Request) -> Steps[Response]:
    """The answer of the first of a node's addresses that gives one. Raises NodeUnreachable,
    HostRefused where none of them may be asked."""
    refused: HostRefused | None = None
    why = "it is busy"
    for url in node.urls:
        try:
            response = yield At(url, request)
        except HostRefused as error:
            refused = refused or error
        except ServerUnreachable as error:
            why = error.detail
        except InvalidAnswer as error:
            raise _refused(node, error) from None
        else:
            if response.status not in _BUSY:
                return response
    if refused is not None:
        refused.members["node"] = node.origin
        raise refused
    raise NodeUnreachable(f"the node {node.origin} cannot be asked: {why}", node=node.origin)


class _of:  # noqa: N801 - reads as a word of the statement
    """What goes wrong within is the node's fault: raises NodeRefused, which says why."""

    def __init__(self, node: Known) -> None:
        self._node = node

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, TetradError) and not isinstance(error, NodeRefused | NodeUnreachable):
            raise _refused(self._node, error) from error


def _refused(node: Known, error: TetradError) -> NodeRefused:
    return NodeRefused(
        f"the node {node.origin} is not believed: {error.detail}",
        hint="nothing of what it says is passed on",
        node=node.origin,
        reason=error.code,
    )


def _said(response: Response) -> _Said:
    """A node's answer, as far as its form tells. Raises InvalidAnswer."""
    body = json_object(response.body)
    if response.status == 200:
        return _Said(200, _members(body, "device", "readAs", "asOf", "proof"), refers=False)
    if response.status == 410:
        gone = body.get("answer")
        if not isinstance(gone, dict):
            raise InvalidAnswer("a tombstone without its answer")
        return _Said(410, _members(gone, "device", "readAs", "asOf", "proof"), refers=False)
    if response.status == 404 and body.get("code") == "delegated":
        return _Said(404, body, refers=True)
    if response.status == 404 and body.get("code") == "not_found":
        return _Said(404, _members(body, "readAs", "proof"), refers=False)
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
