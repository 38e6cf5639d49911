"""Evidence convicts whoever misbehaved, and nobody else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.errors import MisbehaviourUnproved, TetradError
from registry import evidence
from registry.checkpoint import OpenedCheckpoint, open_checkpoint
from registry.evidence import check_evidence
from registry.merkle import leaf_hash, prefix_path, root_at, roots_of
from registry.note import SignatureType, Signer, VerifierKey, sign_note
from tests.factory import LOG, Maker
from tests.generated.__main__ import SPECS
from tests.generated.evidence import DATES, History

FILE = json.loads((SPECS / "vectors" / "ledger" / "evidence.json").read_bytes())
VECTORS: list[dict[str, Any]] = FILE["vectors"]
MAKER = Maker()
WHO: tuple[str, Any] = (MAKER.ledger_hash, MAKER.genesis.operation)
LIMIT = 40


def opened(note: bytes) -> OpenedCheckpoint:
    return open_checkpoint(note, [VerifierKey.parse(key) for key in FILE["keys"]])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vectors(vector: dict[str, Any]) -> None:
    if "error" in vector:
        with pytest.raises(TetradError) as caught:
            check_evidence(vector["evidence"], FILE["ledger"], opened)
        assert caught.value.code == vector["error"]
        return
    found = check_evidence(vector["evidence"], FILE["ledger"], opened)
    assert found.kind == vector["evidence"]["kind"]
    assert vector.get("said", found.said) == found.said


def test_a_vector_for_every_kind_and_both_outcomes() -> None:
    outcomes = {(vector["evidence"]["kind"], "error" in vector) for vector in VECTORS}
    assert outcomes == {(kind, error) for kind in evidence.KINDS for error in (False, True)}


def history(name: str, common: int = 0) -> History:
    """LIMIT leaves, the first `common` of which every history has."""
    return History([b"%d" % n if n < common else f"{name} {n}".encode() for n in range(LIMIT)])


SIZES = st.integers(1, LIMIT)


@settings(deadline=None)
@given(size1=SIZES, size2=SIZES)
def test_a_path_gives_both_roots(size1: int, size2: int) -> None:
    if size1 >= size2:
        return
    read = history("true").read
    roots = roots_of(prefix_path(size1, size2, read), size1, size2)
    assert roots == (root_at(size1, read), root_at(size2, read))


@settings(deadline=None)
@given(common=st.integers(0, LIMIT), size1=SIZES, size2=SIZES)
def test_a_fork_is_proved_and_an_extension_never(common: int, size1: int, size2: int) -> None:
    one, other = history("one", common), history("other", common)
    smaller, larger = sorted((size1, size2))
    path = other.path(smaller, larger) if smaller < larger else ()
    accused = evidence.fork(*WHO, one.note(smaller), other.note(larger), path)
    if smaller > common:
        assert check_evidence(accused, WHO[0], opened).kind == "fork"
    else:
        with pytest.raises(MisbehaviourUnproved):
            check_evidence(accused, WHO[0], opened)


@settings(deadline=None)
@given(
    sizes=st.tuples(SIZES, SIZES),
    path=st.lists(st.binary(min_size=32, max_size=32), max_size=8),
    data=st.data(),
)
def test_an_honest_log_is_never_convicted(
    sizes: tuple[int, int], path: list[bytes], data: st.DataObject
) -> None:
    log = history("true")
    smaller, larger = sorted(sizes)
    if smaller < larger and data.draw(st.booleans()):  # a true path with one thing changed
        path = log.path(smaller, larger)
        place = data.draw(st.integers(0, len(path) - 1))
        path[place] = data.draw(st.sampled_from([leaf_hash(b""), *path]))
    dates = data.draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    notes = log.note(smaller, min(dates)), log.note(larger, max(dates))
    for accused in (
        evidence.fork(*WHO, *notes, path),
        evidence.rollback(*WHO, notes[1], notes[0]),
    ):
        with pytest.raises(MisbehaviourUnproved):
            check_evidence(accused, WHO[0], opened)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@settings(deadline=None)
@given(data=st.data())
def test_whatever_is_called_evidence_raises_only_our_errors(data: st.DataObject) -> None:
    chosen = data.draw(st.sampled_from(VECTORS))["evidence"]
    name = data.draw(st.sampled_from([*chosen, "index", "entries", "proof"]))
    changed = {**chosen, name: data.draw(JSON)}
    for value in (changed, data.draw(JSON)):
        try:
            check_evidence(value, FILE["ledger"], opened)
        except TetradError:
            continue
        assert value == chosen or name in ("genesis", "proof"), value


def test_a_witness_that_dates_an_old_tree_proves_nothing() -> None:
    witness = Signer("witness.example", SignatureType.ED25519_COSIGNATURE, bytes(32))
    log = history("true")

    def cosigned(size: int, time: int) -> bytes:
        return sign_note(log.note(size).decode().split("\n\n")[0] + "\n", [LOG, witness], time)

    def by_both(note: bytes) -> OpenedCheckpoint:
        return open_checkpoint(note, [LOG.key, DATES.key], [witness.key])

    with pytest.raises(MisbehaviourUnproved):
        check_evidence(evidence.rollback(*WHO, cosigned(9, 1), cosigned(8, 2)), WHO[0], by_both)
