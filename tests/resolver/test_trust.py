"""A client remembers: a log that goes back, or shows two histories, is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.did import did_key_method
from identity.errors import (
    ForkDetected,
    InvalidAnswer,
    InvalidCheckpoint,
    InvalidConsistency,
    RolledBack,
    TetradError,
)
from identity.keys import private_key
from identity.members import format_time
from identity.proof import create_proof, proof_options
from registry.checkpoint import Checkpoint
from registry.merkle import consistency_proof, leaf_hash, node_hash, root_at
from registry.note import SignatureType, Signer, sign_note
from resolver.trust import Trust, merged

NOW = 1_795_334_400
LOG = Signer("sandbox.test", SignatureType.ED25519, bytes(32))
DATED = Signer("sandbox.test", SignatureType.ML_DSA_44, bytes(32))
SIZES = st.integers(1, 40)


def genesis(**changes: Any) -> dict[str, Any]:
    authority = private_key("Ed25519", (1).to_bytes(32, "big"))
    operation: dict[str, Any] = {
        "type": "registry.genesis",
        "created": format_time(NOW),
        "body": {
            "format": 0,
            "origin": "sandbox.test",
            "mode": "sandbox",
            "authority": "Sandbox",
            "keys": [authority.public.multikey],
            "next": [private_key("Ed25519", bytes(32)).public.thumbprint],
            "recovery": "none",
            "log": [str(LOG.key), str(DATED.key)],
            "policy": {"created": {"past": 60, "future": 60}, "ipv6": "required", "prefixes": 9},
            "uniqueness": {"alg": "hmac-sha256"},
        }
        | changes,
    }
    method = did_key_method(authority.public.multikey)
    options = proof_options("eddsa-jcs-2022", method, "capabilityInvocation")
    operation["proof"] = [create_proof(operation, authority, options)]
    return operation


def read(history: int) -> Any:
    """The hashes of a log whose leaves tell which history they are of (from the fifth on)."""

    def at(level: int, n: int) -> bytes:
        if level == 0:
            return leaf_hash(b"%d" % n if n < 5 else b"%d of %d" % (n, history))
        return node_hash(at(level - 1, 2 * n), at(level - 1, 2 * n + 1))

    return at


def note(size: int, history: int = 0, *signers: Signer, time: int = NOW) -> bytes:
    body = Checkpoint("sandbox.test", size, root_at(size, read(history)))
    return sign_note(body.format(), signers or (LOG,), time)


def proof(size1: int, size2: int, history: int = 0) -> list[bytes]:
    return consistency_proof(size1, size2, read(history))


PINNED = Trust.begin(genesis())


@given(st.lists(SIZES, min_size=1, max_size=6))
def test_a_growing_log_is_followed_and_older_evidence_of_it_taken(sizes: list[int]) -> None:
    trust = PINNED
    for size in sizes:
        needed = trust.consistency_needed(note(size))
        trust = trust.observe(note(size), proof(*needed) if needed else None)
    assert trust.size == max(sizes)


@given(SIZES, SIZES)
def test_a_log_that_went_back_is_refused(first: int, second: int) -> None:
    larger, smaller = max(first, second) + 1, min(first, second)
    with pytest.raises(RolledBack) as refused:
        PINNED.observe(note(larger)).observe(note(smaller))
    assert refused.value.members["seen"] == note(larger).decode()
    assert refused.value.members["shown"] == note(smaller).decode()


def test_an_empty_log_after_entries_is_a_rollback() -> None:
    trust = PINNED.observe(note(3))
    assert trust.consistency_needed(note(0)) is None
    with pytest.raises(RolledBack):
        trust.observe(note(0))


@given(st.integers(6, 40), st.integers(6, 40))
def test_two_histories_are_noticed(first: int, second: int) -> None:
    trust = PINNED.observe(note(first, 1))
    sizes = sorted((first, second))
    hashes = proof(sizes[0], sizes[1], 2) if first != second else None
    with pytest.raises(ForkDetected) as refused:
        trust.observe(note(second, 2), hashes)
    assert {"seen", "shown"} <= set(refused.value.members)


def test_growth_without_a_proof_is_refused_and_changes_nothing() -> None:
    trust = PINNED.observe(note(3))
    with pytest.raises(InvalidConsistency):
        trust.observe(note(4))
    assert trust.size == 3


def test_another_logs_checkpoint_is_refused() -> None:
    stranger = Signer("sandbox.test", SignatureType.ED25519, b"x" * 32)
    with pytest.raises(InvalidCheckpoint):
        PINNED.observe(note(3, 0, stranger))


def test_of_one_tree_the_later_date_is_kept() -> None:
    early, late = (note(3, 0, LOG, DATED, time=NOW + seconds) for seconds in (0, 60))
    trust = PINNED.observe(early).observe(late).observe(early).observe(note(3))
    assert trust.newest == late


def test_trust_survives_its_json() -> None:
    trust = PINNED.observe(note(3))
    assert Trust.from_json(trust.to_json()) == trust
    assert Trust.from_json(PINNED.to_json()) == PINNED


def test_two_programs_that_saw_different_sizes_keep_the_larger() -> None:
    small, large = PINNED.observe(note(6)), PINNED.observe(note(7))
    assert merged(small, large) == merged(large, small) == large
    assert merged(PINNED, large) == merged(large, PINNED) == large
    with pytest.raises(ForkDetected):
        merged(large, PINNED.observe(note(7, 1)))


def test_what_the_genesis_says() -> None:
    assert PINNED.origin == "sandbox.test"
    assert PINNED.sandbox
    assert PINNED.authority == f"did:tetrad:{PINNED.label}:{PINNED.ledger}"
    assert not Trust.begin(genesis(mode="permissioned")).sandbox


def test_a_genesis_that_others_signed_or_that_names_others_keys_is_refused() -> None:
    altered = genesis()
    altered["body"]["authority"] = "Somebody else"
    unsigned = genesis()
    second = private_key("Ed25519", (2).to_bytes(32, "big")).public.multikey
    unsigned["body"]["keys"].append(second)
    for operation in (altered, unsigned, genesis(origin="elsewhere"), genesis(log=["x"])):
        with pytest.raises(TetradError):
            Trust.begin(operation)


def test_a_genesis_that_held_is_no_excuse_for_another_nor_changed_by_who_showed_it() -> None:
    shown = genesis()
    begun = Trust.begin(shown)
    shown["body"]["origin"] = "elsewhere.test"
    assert begun.origin == "sandbox.test"
    with pytest.raises(TetradError):
        Trust.begin(shown)
    assert Trust.begin(genesis()) == begun


def test_only_a_genesis_begins_a_ledger() -> None:
    operation = {
        "type": "status.revoke",
        "ledger": PINNED.ledger,
        "created": format_time(NOW),
        "subject": PINNED.authority,
        "body": {"reason": "x"},
        "proof": genesis()["proof"],
    }
    with pytest.raises(InvalidAnswer):
        Trust.begin(operation)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(JSON, JSON)
def test_hostile_state_raises_only_our_errors(value: Any, checkpoint: Any) -> None:
    for hostile in (value, {"genesis": value, "checkpoint": ""},
                    {"genesis": genesis(), "checkpoint": checkpoint or 1}):  # fmt: skip
        with pytest.raises(TetradError):
            Trust.from_json(hostile)


@given(st.binary(max_size=200))
def test_hostile_checkpoints_raise_only_our_errors(data: bytes) -> None:
    with pytest.raises(TetradError):
        PINNED.observe(data)
