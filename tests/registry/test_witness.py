"""What a witness reads, and what it signs: each check of C2SP tlog-witness, in its order."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from identity.errors import (
    Conflict,
    ForgedProof,
    ForkDetected,
    InvalidConsistency,
    MalformedInput,
    NotFound,
    TetradError,
)
from registry.merkle import EMPTY_ROOT
from registry.note import VerifierKey, encode64
from registry.witness import (
    AddCheckpoint,
    Head,
    check_advance,
    forks,
    open_request,
    parse_cosignatures,
    parse_size,
)
from tests.factory import LOG, ORIGIN, QUANTUM
from tests.witnesses import STRANGER, Leaves, cosigner, lines_of

LEAVES = Leaves(16)
FORK = Leaves(16, fork=3)
HASH = encode64(bytes(32))
KEYS = {ORIGIN: [LOG.key, QUANTUM.key], "stranger.test": [STRANGER.key]}


def log_keys(origin: str) -> list[VerifierKey]:
    return KEYS.get(origin, [])


def decide(body: bytes, stored: Head | None) -> Head:
    opened = open_request(body, log_keys)
    check_advance(opened, stored)
    return opened.head


def at(size: int, leaves: Leaves = LEAVES) -> Head:
    return Head(size, leaves.checkpoint(size).root)


def test_a_log_that_grows_is_cosigned() -> None:
    stored = None
    for old, size in ((0, 3), (3, 3), (3, 4), (4, 11), (11, 16)):
        stored = decide(LEAVES.request(old, size), stored)
        assert stored == at(size)


def test_an_empty_log_is_cosigned() -> None:
    assert decide(LEAVES.request(0, 0), None) == Head(0, EMPTY_ROOT)
    assert decide(LEAVES.request(0, 5), Head(0, EMPTY_ROOT)) == at(5)


def test_only_lines_of_the_log_are_kept() -> None:
    note = LEAVES.note(5, LOG, STRANGER, cosigner("w1"))
    opened = open_request(AddCheckpoint(0, (), note).format(), log_keys)
    assert [line.id for line in opened.note.signatures] == [LOG.key.id]


REQUEST = LEAVES.request(3, 5)
NOTE = LEAVES.note(5)
WRONG = NOTE.replace(b"\n5\n", b"\n6\n")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"old 3\n",
        NOTE,
        REQUEST[4:],
        REQUEST.replace(b"old 3", b"old 03"),
        REQUEST.replace(b"old 3", b"old  3"),
        REQUEST.replace(b"old 3", b"old -3"),
        REQUEST.replace(b"old 3", b"old 3 "),
        REQUEST.replace(b"old 3", b"Old 3"),
        REQUEST.replace(b"old 3", b"old 9223372036854775808"),
        REQUEST.replace(b"old 3", "old ٣".encode()),
        REQUEST.replace(b"old 3\n", b"old 3\r\n"),
        b"old 3\n" + REQUEST,
        b"old 3\n%s\n\n" % encode64(bytes(31)).encode() + NOTE,
        b"old 3\nAAAA\n\n" + NOTE,
        b"old 3\n%s\n\n" % HASH.replace("A=", "B=").encode() + NOTE,
        b"old 3\n \n\n" + NOTE,
        b"old 3\n" + f"{HASH}\n".encode() * 64 + b"\n" + NOTE,
        b"old 3\n\n" + NOTE[:-1],
        b"old 3\n\n",
        b"old 3\n\n\n" + NOTE,
        REQUEST + b"\n",
        REQUEST.replace(b"\n5\n", b"\n05\n"),
        REQUEST[:-3] + b"B=\n",
        LEAVES.request(0, 5).replace(b"old 0", b"old 6"),
    ],
)
def test_malformed_requests_are_400(body: bytes) -> None:
    with pytest.raises(MalformedInput) as caught:
        decide(body, at(3))
    assert caught.value.status == 400


def test_sixty_three_hashes_are_read() -> None:
    body = b"old 3\n" + f"{HASH}\n".encode() * 63 + b"\n" + NOTE
    assert len(AddCheckpoint.parse(body).proof) == 63


def test_an_unknown_origin_is_404_whoever_signed() -> None:
    body = REQUEST.replace(b"\nsandbox.test\n", b"\nanother.test\n")
    with pytest.raises(NotFound):
        decide(body, at(3))


@pytest.mark.parametrize(
    "note",
    [
        LEAVES.note(5, STRANGER),
        LEAVES.note(5, cosigner("w1")),
        LEAVES.note(6).replace(b"\n6\n", b"\n5\n"),
        NOTE + WRONG.split(b"\n\n")[1],
    ],
    ids=["stranger", "a witness", "another checkpoint", "one good, one bad"],
)
def test_no_good_signature_or_a_bad_one_is_403(note: bytes) -> None:
    if note.startswith(NOTE):
        note = NOTE + lines_of(LOG, note=LEAVES.note(6))
    with pytest.raises(ForgedProof) as caught:
        decide(AddCheckpoint(3, tuple(LEAVES.consistency(3, 5)), note).format(), at(3))
    assert caught.value.status == 403


def test_a_key_of_one_log_does_not_speak_for_another() -> None:
    body = LEAVES.request(0, 5, STRANGER).replace(b"\nsandbox.test\n", b"\nstranger.test\n")
    with pytest.raises(ForgedProof):
        decide(body, None)


def test_old_beyond_the_checkpoint_is_400_before_anything_stored_is_compared() -> None:
    body = LEAVES.request(0, 5).replace(b"old 0", b"old 6")
    with pytest.raises(MalformedInput):
        decide(body, at(6))


@pytest.mark.parametrize("stored", [None, at(2), at(5), at(16), at(5, FORK)])
def test_another_old_size_is_409_with_the_stored_one(stored: Head | None) -> None:
    with pytest.raises(Conflict) as caught:
        decide(REQUEST, stored)
    assert caught.value.status == 409
    assert caught.value.members == {"size": stored.size if stored else 0}


def test_bad_proofs_are_422() -> None:
    good = LEAVES.consistency(3, 5)
    for proof in ([], good[:-1], [*good, bytes(32)], good[::-1]):
        with pytest.raises(InvalidConsistency) as caught:
            decide(AddCheckpoint(3, tuple(proof), NOTE).format(), at(3))
        assert caught.value.status == 422


def test_a_fork_is_422() -> None:
    with pytest.raises(InvalidConsistency):
        decide(FORK.request(5, 9), at(5))


def test_a_proof_with_old_0_is_422() -> None:
    with pytest.raises(InvalidConsistency):
        decide(AddCheckpoint(0, (bytes(32),), NOTE).format(), None)


def test_a_proof_of_the_same_size_is_422() -> None:
    with pytest.raises(InvalidConsistency):
        decide(AddCheckpoint(5, (bytes(32),), NOTE).format(), at(5))


def test_the_same_size_with_another_root_is_422_and_evidence() -> None:
    body = FORK.request(5, 5)
    with pytest.raises(ForkDetected) as caught:
        decide(body, at(5))
    assert caught.value.status == 422
    assert forks(open_request(body, log_keys), at(5))
    assert forks(open_request(FORK.request(3, 5), log_keys), at(5))
    assert not forks(open_request(FORK.request(3, 5), log_keys), at(4))
    assert not forks(open_request(FORK.request(3, 5), log_keys), None)


def test_an_empty_log_with_another_root_is_422() -> None:
    note = LEAVES.checkpoint(0)._replace(root=bytes(32)).format()
    signed = note.encode() + b"\n" + lines_of(LOG, note=note.encode() + b"\n" + STRANGER_LINE)
    with pytest.raises(InvalidConsistency):
        decide(AddCheckpoint(0, (), signed).format(), None)
    with pytest.raises(ForkDetected):
        decide(AddCheckpoint(0, (), signed).format(), Head(0, EMPTY_ROOT))


STRANGER_LINE = lines_of(STRANGER, note=NOTE)


@given(
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple),
    st.binary(),
)
def test_what_is_written_is_read(old: int, proof: tuple[bytes, ...], note: bytes) -> None:
    request = AddCheckpoint(old, proof, note)
    assert AddCheckpoint.parse(request.format()) == request


@given(
    st.binary()
    | st.integers(0, len(REQUEST) - 1).flatmap(
        lambda i: st.binary(max_size=2).map(lambda new: REQUEST[:i] + new + REQUEST[i + 1 :])
    )
)
@example(b"old 0\n\n")
def test_hostile_requests_raise_only_our_errors(body: bytes) -> None:
    status = 200
    try:
        signed = decide(body, at(3))
    except TetradError as error:
        status, signed = error.status, at(5)
    assert status in (200, 400, 403, 404, 409, 422)
    assert signed == at(5)  # what was changed then said nothing of the tree


def test_sizes() -> None:
    assert parse_size(b"0\n") == 0
    assert parse_size(b"20852014\n") == 20852014
    for body in (b"", b"\n", b"5", b"05\n", b"5\n\n", b" 5\n", b"-1\n", b"9223372036854775808\n"):
        with pytest.raises(MalformedInput):
            parse_size(body)


def test_answers_with_good_and_bad_lines() -> None:
    text = LEAVES.checkpoint(5).format()
    good = lines_of(cosigner("w1"), cosigner("w1 quantum"), note=NOTE)
    found = parse_cosignatures(text, b"nonsense\n" + good + b"\n")
    assert [line and line.id for line in found] == [
        None,
        cosigner("w1").key.id,
        cosigner("w1 quantum").key.id,
        None,
    ]


@given(st.binary() | st.lists(st.binary()).map(b"\n".join))
@example(b"")
@example(b"\n" * 17)
@example(b"a\n\n\xe2\x80\x94 n AAAAAAAA\n")
def test_hostile_answers_raise_only_our_error(answer: bytes) -> None:
    try:
        found = parse_cosignatures(LEAVES.checkpoint(5).format(), answer)
    except MalformedInput:
        return
    assert len(found) == answer.count(b"\n")
