"""How old an answer is: on whose word, and when nobody says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import QuorumMissing, StaleAnswer
from registry.checkpoint import OpenedCheckpoint, open_checkpoint
from registry.note import Note, Signer, sign_note
from registry.policy import Policy
from resolver.freshness import SKEW_SECONDS, Age, age_of, check_age
from tests.factory import LOG, NOW, QUANTUM
from tests.witnesses import Leaves, cosigner, policy

TEXT = Leaves(5).checkpoint(5).format()
NAMES = ("w1", "w2", "w3")
TWO_OF_THREE = policy(
    *(f"witness {name} {{{name}}} https://{name}.example" for name in NAMES),
    "group two 2 w1 w2 w3",
    "quorum two",
)
NOBODY = Policy.parse("quorum none\n")
TIMES = st.integers(NOW - 10_000, NOW + SKEW_SECONDS)


def opened(*signed: tuple[Signer, int], asked: Policy | None = None) -> OpenedCheckpoint:
    """A checkpoint with the lines of these signers, each at its time (seconds since 1970)."""
    plain = Note.parse(sign_note(TEXT, [LOG], NOW))
    lines = tuple(signer.sign(TEXT, time) for signer, time in signed)
    note = Note(TEXT, (*plain.signatures, *lines)).format()
    keys = asked.keys if asked else ()
    return open_checkpoint(note, [LOG.key, QUANTUM.key], keys)


def by_witnesses(*times: int, log: int | None = None) -> OpenedCheckpoint:
    """Cosigned by w1, w2 … at these times."""
    signed = [(cosigner(name), time) for name, time in zip(NAMES, times, strict=False)]
    own = [(QUANTUM, log)] if log is not None else []
    return opened(*own, *signed, asked=TWO_OF_THREE)


def test_the_quorum_dates_a_checkpoint_at_its_second_newest_cosignature() -> None:
    age = age_of(by_witnesses(NOW - 90, NOW - 60, NOW - 30), TWO_OF_THREE, NOW)
    assert age == Age(60, "witnesses")
    assert str(age) == "60 s old"


@given(st.lists(TIMES, min_size=2, max_size=3), TIMES)
def test_what_the_log_says_of_itself_makes_no_checkpoint_younger(
    times: list[int], log: int
) -> None:
    age = age_of(by_witnesses(*times, log=log), TWO_OF_THREE, NOW)
    assert age == Age(max(0, NOW - sorted(times)[-2]), "witnesses")


@pytest.mark.parametrize("names", [(), ("w1",)])
def test_too_few_cosignatures_are_refused_and_the_missing_named(names: tuple[str, ...]) -> None:
    checkpoint = by_witnesses(*(NOW for _ in names), log=NOW)
    with pytest.raises(QuorumMissing) as refused:
        age_of(checkpoint, TWO_OF_THREE, NOW)
    assert refused.value.members["missing"] == [name for name in NAMES if name not in names]


def test_a_stranger_and_one_witness_twice_are_no_quorum() -> None:
    for signed in (
        [(cosigner("w1"), NOW), (cosigner("w4"), NOW)],
        [(cosigner("w1"), NOW), (cosigner("w1"), NOW - 1)],
    ):
        with pytest.raises(QuorumMissing):
            age_of(opened(*signed, asked=TWO_OF_THREE), TWO_OF_THREE, NOW)


@pytest.mark.parametrize("asked", [None, NOBODY])
def test_without_witnesses_the_log_dates_itself_and_that_is_said(asked: Policy | None) -> None:
    age = age_of(opened((QUANTUM, NOW - 7)), asked, NOW)
    assert age == Age(7, "log")
    assert "the log's own clock" in str(age)


@pytest.mark.parametrize("asked", [None, NOBODY])
def test_where_nobody_dates_it_the_age_is_unknown(asked: Policy | None) -> None:
    assert age_of(opened(), asked, NOW) == Age(None, "")
    assert age_of(opened((QUANTUM, 0)), asked, NOW) == Age(None, "")  # 0 dates nothing
    assert "unknown" in str(Age(None, ""))


def test_the_cosignature_of_a_witness_is_not_the_word_of_the_log() -> None:
    """Without a policy a witness is a stranger, whatever it dates."""
    checkpoint = opened((cosigner("w1"), NOW))
    assert age_of(checkpoint, None, NOW) == Age(None, "")


@pytest.mark.parametrize("by", ["witnesses", "log"])
def test_a_date_in_the_future_is_refused_beyond_what_clocks_differ_by(by: str) -> None:
    def at(time: int) -> Age:
        if by == "log":
            return age_of(opened((QUANTUM, time)), None, NOW)
        return age_of(by_witnesses(time, time), TWO_OF_THREE, NOW)

    assert at(NOW + SKEW_SECONDS).seconds == 0
    with pytest.raises(StaleAnswer, match="from now"):
        at(NOW + SKEW_SECONDS + 1)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_an_answer_may_be_as_old_as_was_said_and_no_older(seconds: int, most: int) -> None:
    age = Age(seconds, "witnesses")
    if seconds <= most:
        check_age(age, most)
        return
    with pytest.raises(StaleAnswer) as refused:
        check_age(age, most)
    assert refused.value.members["age"] == seconds


def test_an_unknown_age_is_older_than_any() -> None:
    with pytest.raises(StaleAnswer, match="nobody"):
        check_age(Age(None, ""), 10**9)
