"""Paths: an answer from a ledger that was found by way of others, verified from one pinned root.

    verified = verify_path(answer, trust, ("code", "gs1", "https://id.gs1.org/…"), now, max_age=600)
    verified.outcome                    # VerifiedAnswer, or VerifiedState where there is no device
    [hop.trust.origin for hop in verified.hops]             # root first, who answered last

`answer` is what a recursive resolver gives: the answer of the last ledger as that gave it, or the
problem `not_found` with its proof, with one member more:

    "path": [{"ledger": "zQm…", "updates": […], "referral": {"grant", "node", "proof"}},
             {"ledger": "zQm…", "genesis": {…}, "updates": […], "referral": {…}},
             {"ledger": "zQm…", "genesis": {…}, "updates": […]}]

Each ledger refers the question to the next one under its own log's keys, and the genesis of the
next one hashes to what the grant names: so trust goes from the one genesis that was pinned to
whoever answers, and nobody on the way has to be believed. A path by DID leads from label to label.
An answer out of the root itself has a path of one. Pure; `now` and ages in seconds. Specified in
specs/3-resolution.md, "Recursion".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, cast

from identity.did import ledger_label
from identity.errors import InvalidAnswer, StaleAnswer, TetradError
from identity.jcs import Json
from registry.state import Key
from resolver.freshness import Age, age_of, check_age
from resolver.pinned import Pinned
from resolver.referral import (
    VerifiedReferral,
    label_asked,
    may_be_delegated,
    verify_referral,
    verify_unregistered,
)
from resolver.trust import Trust
from resolver.verifier import VerifiedAnswer, VerifiedState, verify_absence, verify_answer

MOST_LEDGERS: Final = 8
"""Of one path, the root and the one that answers included."""

Refer = Callable[[Json, Pinned, Key, int], VerifiedReferral]


@dataclass(frozen=True, slots=True)
class Hop:
    """One ledger on the way."""

    trust: Trust
    referral: VerifiedReferral | None
    """To the next one; None of the last, which answers."""
    state: VerifiedState
    """Under which it refers or answers."""
    age: Age


@dataclass(frozen=True, slots=True)
class VerifiedPath:
    """What an answer and the way to it prove."""

    outcome: VerifiedAnswer | VerifiedState
    """The device; or the state in which there is none."""
    hops: tuple[Hop, ...]
    """The pinned root first, whoever answers last."""
    asserted: str
    """What rests on the word of whoever answers alone; "" where all is proved."""

    @property
    def responsible(self) -> Trust:
        """The ledger that answers."""
        return self.hops[-1].trust

    @property
    def root(self) -> Trust:
        """The pinned root, with the updates of its keys that came along."""
        return self.hops[0].trust

    def root_note(self, answer: Mapping[str, Json]) -> bytes:
        """The checkpoint of the root in the answer that was verified."""
        holder: Any = answer
        if self.hops[0].referral is not None:
            holder = cast("list[Any]", answer["path"])[0]["referral"]
        return cast("str", holder["proof"]["checkpoint"]).encode()

    @property
    def until(self) -> str | None:
        """When the first of the grants on the way ends; None where none does."""
        ends = [hop.referral.until for hop in self.hops if hop.referral and hop.referral.until]
        return min(ends, default=None)

    @property
    def age(self) -> Age:
        """The greatest of the hops; unknown where that of one is."""
        ages = [hop.age for hop in self.hops]
        unknown = [age for age in ages if age.seconds is None]
        return unknown[0] if unknown else max(ages, key=lambda age: age.seconds or 0)


def verify_path(
    answer: Mapping[str, Json],
    trust: Trust,
    key: Key,
    now: int,
    *,
    max_age: int | None = None,
    refer: Refer = verify_referral,
) -> VerifiedPath:
    """Checks an answer with its path under the pinned root `trust`, for the key that was asked for:
    ("code", scheme, value) in clear or ("did", DID).

    `max_age` bounds the age of every checkpoint on the way. `refer` is `verify_referral`, or what
    remembers its results: of who has just walked the way. Raises EvidenceRefused (StaleAnswer,
    QuorumMissing), InvalidProof, InvalidInput; InvalidIdentifier for a key that is none.
    """
    if key[0] not in ("code", "did") or not may_be_delegated(key):
        raise InvalidAnswer("an answer by way of other ledgers is about a code in clear or a DID")
    _check_read_as(answer, key)
    items = _items(answer.get("path"))
    trusts = [_root(items[0], trust)]
    referrals: list[VerifiedReferral] = []
    for place, (item, following) in enumerate(pairwise(items)):
        with _pointing(f"/path/{place}/referral"):
            referral = _referred(item, following, trusts[-1], key, now, refer)
            _check_longer(referrals, referral, key)
            referrals.append(referral)
        with _pointing(f"/path/{place + 1}"):
            trusts.append(_led_to(following, referral))
            if trusts[-1].ledger in [one.ledger for one in trusts[:-1]]:
                raise InvalidAnswer("the path leads back to a ledger that it came by")
    label = label_asked(key)
    if label is not None and trusts[-1].label != label:
        raise InvalidAnswer("the path does not lead to the ledger of the DID", pointer="/path")
    outcome = _outcome(answer, trusts[-1], key, now)
    last = outcome.state if isinstance(outcome, VerifiedAnswer) else outcome
    states = [*(one.state for one in referrals), last]
    shown: list[VerifiedReferral | None] = [*referrals, None]
    hops = tuple(
        Hop(*of, _age(of[0], of[2], now, max_age)) for of in zip(trusts, shown, states, strict=True)
    )
    return VerifiedPath(outcome, hops, _asserted(outcome, referrals, key))


@contextmanager
def _pointing(place: str) -> Iterator[None]:
    """Errors with a pointer to what they refuse."""
    try:
        yield
    except TetradError as error:
        error.pointer = place + error.pointer.removeprefix("/referral")
        raise


def _items(path: Json) -> list[dict[str, Json]]:
    """The elements of a path, each with exactly its members."""
    if not isinstance(path, list) or not 1 <= len(path) <= MOST_LEDGERS:
        raise InvalidAnswer(f"a path has 1 to {MOST_LEDGERS} ledgers", pointer="/path")
    for place, item in enumerate(path):
        members = {"ledger", "updates"}
        members |= {"genesis"} if place else set()
        members |= {"referral"} if place < len(path) - 1 else set()
        if not isinstance(item, dict) or set(item) != members:
            raise InvalidAnswer(
                f"here a path has the members {', '.join(sorted(members))}",
                pointer=f"/path/{place}",
            )
        if not isinstance(item["updates"], list):
            raise InvalidAnswer("updates are a list", pointer=f"/path/{place}/updates")
    return cast("list[dict[str, Json]]", path)


def _check_read_as(answer: Mapping[str, Json], key: Key) -> None:
    expected = {"scheme": key[1], "value": key[2]} if key[0] == "code" else None
    if answer.get("readAs") != expected:
        raise InvalidAnswer("the question was read as another one", pointer="/readAs")


def _root(item: Mapping[str, Json], trust: Trust) -> Trust:
    """The pinned root, with what the path knows of its keys beyond."""
    if item["ledger"] != trust.ledger:
        raise InvalidAnswer(
            "the path does not begin at the pinned root",
            pointer="/path/0/ledger",
            hint="tetrad trust shows which ledger is pinned",
        )
    for update in cast("list[Json]", item["updates"])[len(trust.updates) :]:
        trust = trust.extend(update)
    return trust


def _referred(
    item: Mapping[str, Json],
    following: Mapping[str, Json],
    trust: Trust,
    key: Key,
    now: int,
    refer: Refer,
) -> VerifiedReferral:
    """The referral from one ledger to the next: of a code by its prefixes, on the way to a DID by
    the label of the next ledger."""
    asked = key
    if key[0] == "did":
        try:
            asked = ("node", _label_of(following["ledger"]))
        except TetradError as error:
            raise InvalidAnswer(error.detail, pointer="/ledger") from None
    return refer(item["referral"], trust.pinned, asked, now)


def _check_longer(before: list[VerifiedReferral], referral: VerifiedReferral, key: Key) -> None:
    """Who was given a prefix refers questions under that prefix on, or under a longer one."""
    if key[0] == "code" and before and len(referral.segments) < len(before[-1].segments):
        raise InvalidAnswer(
            "the prefix is shorter than the one that led here", pointer="/referral/grant"
        )


def _led_to(item: Mapping[str, Json], referral: VerifiedReferral) -> Trust:
    """Trust in the ledger that a referral names. Raises InvalidAnswer for another one."""
    trust = Trust.begin(item["genesis"])
    if not trust.ledger == item["ledger"] == referral.node.ledger:
        raise InvalidAnswer("the genesis is not that of the node", pointer="/genesis")
    if trust.origin != referral.node.origin:
        raise InvalidAnswer("the ledger bears another name than the node", pointer="/genesis")
    for update in cast("list[Json]", item["updates"]):
        trust = trust.extend(update)
    return trust


def _label_of(ledger: Json) -> str:
    if not isinstance(ledger, str):
        raise InvalidAnswer("a ledger is named by the hash of its genesis")
    return ledger_label(ledger)


def _outcome(
    answer: Mapping[str, Json], trust: Trust, key: Key, now: int
) -> VerifiedAnswer | VerifiedState:
    if "device" in answer:
        return verify_answer(answer, trust.pinned, key=key)
    proof = answer.get("proof")
    if key[0] == "code":
        return verify_unregistered(proof, trust.pinned, key, now)
    return verify_absence(proof, trust.pinned, key)


def _age(trust: Trust, state: VerifiedState, now: int, max_age: int | None) -> Age:
    try:
        age = age_of(state.checkpoint, trust.witnesses, now)
        if max_age is not None:
            check_age(age, max_age)
    except StaleAnswer as error:
        error.detail = f"{trust.origin}: {error.detail}"
        raise
    return age


def _asserted(
    outcome: VerifiedAnswer | VerifiedState, referrals: list[VerifiedReferral], key: Key
) -> str:
    """What a path by DID does not prove: that the device's code leads to it. Its ledger may write
    what it likes about itself; where it was given the prefix, one above may still have the code, or
    have given a longer prefix to another."""
    if key[0] == "code" or not referrals or not isinstance(outcome, VerifiedAnswer):
        return ""
    return "that the code leads to this device is not shown by its DID: resolve the code"
