"""The tree against a model written from the definition of RFC 6962, and against others' vectors."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import InvalidConsistency, InvalidInclusion, LedgerTampered
from registry.merkle import (
    EMPTY_ROOT,
    Frontier,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_at,
)

LEAVES = [leaf_hash(b"entry %d" % i) for i in range(300)]
sizes = st.integers(1, len(LEAVES))


def split(size: int) -> int:
    """The largest power of two below `size`: k of RFC 6962, section 2.1."""
    return 1 << (size - 1).bit_length() - 1


def model_root(leaves: list[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY_ROOT
    k = split(len(leaves))
    return node_hash(model_root(leaves[:k]), model_root(leaves[k:]))


def model_path(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*model_path(index, leaves[:k]), model_root(leaves[k:])]
    return [*model_path(index - k, leaves[k:]), model_root(leaves[:k])]


def model_consistency(size1: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    if size1 == len(leaves):
        return [] if whole else [model_root(leaves)]
    k = split(len(leaves))
    if size1 <= k:
        return [*model_consistency(size1, leaves[:k], whole=whole), model_root(leaves[k:])]
    return [*model_consistency(size1 - k, leaves[k:], whole=False), model_root(leaves[:k])]


def read(level: int, n: int) -> bytes:
    """Complete subtrees of LEAVES; asking for another is a mistake of the code under test."""
    assert (n + 1) << level <= len(LEAVES)
    return model_root(LEAVES[n << level : (n + 1) << level])


@given(sizes, st.data())
def test_inclusion_proofs_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, read)
    assert proof == model_path(index, LEAVES[:size])
    check_inclusion(proof, index, size, LEAVES[index], model_root(LEAVES[:size]))


@given(sizes, st.data())
def test_consistency_proofs_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    older = data.draw(st.integers(1, size))
    proof = consistency_proof(older, size, read)
    assert proof == model_consistency(older, LEAVES[:size])
    check_consistency(proof, older, size, model_root(LEAVES[:older]), model_root(LEAVES[:size]))


@given(sizes, st.data())
def test_a_proof_holds_for_nothing_else(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size).filter(lambda i: i != index))
    root = model_root(LEAVES[:size])
    proof = inclusion_proof(index, size, read)
    with pytest.raises(InvalidInclusion):
        check_inclusion(proof, other, size, LEAVES[index], root)
    with pytest.raises(InvalidInclusion):
        check_inclusion([*proof, root], index, size, LEAVES[index], root)
    with pytest.raises(InvalidInclusion):
        check_inclusion(proof, index, size, leaf_hash(b"another"), root)


@given(st.lists(st.binary(max_size=33)), *[st.integers(-2, 70)] * 2, *[st.binary(max_size=33)] * 2)
def test_hostile_proofs_raise_only_our_errors(
    proof: list[bytes], first: int, second: int, hash1: bytes, hash2: bytes
) -> None:
    with pytest.raises(InvalidInclusion):
        check_inclusion(proof, first, second, hash1, hash2)
    if second > 0 and first != second:
        with pytest.raises(InvalidConsistency):
            check_consistency(proof, first, second, hash1, hash2)


def test_the_frontier_knows_every_root_and_restarts_anywhere() -> None:
    frontier = Frontier()
    for size, leaf in enumerate(LEAVES):
        assert frontier.root() == model_root(LEAVES[:size])
        stored = Frontier.at(size, read)
        assert (frontier.size, frontier.hashes) == (size, stored.hashes)
        frontier = Frontier(frontier.size, frontier.hashes)
        frontier.append(leaf)


def test_a_damaged_frontier_is_noticed() -> None:
    with pytest.raises(LedgerTampered):
        Frontier(3, LEAVES[:1])
    with pytest.raises(LedgerTampered):
        Frontier(2, [b"short"])


def test_the_state_of_a_frontier_cannot_be_changed_from_outside() -> None:
    frontier = Frontier(1, LEAVES[:1])
    frontier.hashes.clear()
    assert frontier.root() == LEAVES[0]


def test_what_does_not_exist_has_no_proof() -> None:
    with pytest.raises(InvalidInclusion, match="no entry 5"):
        inclusion_proof(5, 5, read)
    with pytest.raises(InvalidInclusion):
        inclusion_proof(-1, 5, read)
    with pytest.raises(InvalidConsistency):
        consistency_proof(6, 5, read)
    with pytest.raises(InvalidConsistency):
        consistency_proof(-1, 5, read)


def test_an_empty_tree_is_extended_by_any_other_and_only_it_has_its_root() -> None:
    assert consistency_proof(0, 5, read) == []
    check_consistency([], 0, 5, EMPTY_ROOT, root_at(5, read))
    with pytest.raises(InvalidConsistency):
        check_consistency([], 0, 5, LEAVES[0], root_at(5, read))
    with pytest.raises(InvalidConsistency):
        check_consistency([LEAVES[0]], 0, 5, EMPTY_ROOT, root_at(5, read))


def load(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted(folder.glob("*/*.json"))]


def decode(hashes: list[str] | None) -> list[bytes]:
    return [b64decode(hash_) for hash_ in hashes or []]


def test_inclusion_vectors(vectors: Path) -> None:
    cases = load(vectors / "tlog" / "merkle" / "testdata" / "inclusion")
    assert len(cases) > 40
    for case in cases:
        root, leaf = decode([case["root"], case["leafHash"]])
        arguments = (decode(case["proof"]), case["leafIdx"], case["treeSize"], leaf, root)
        if case["wantErr"]:
            with pytest.raises(InvalidInclusion):
                check_inclusion(*arguments)
        else:
            check_inclusion(*arguments)


def test_consistency_vectors(vectors: Path) -> None:
    cases = load(vectors / "tlog" / "merkle" / "testdata" / "consistency")
    assert len(cases) > 35
    for case in cases:
        roots = decode([case["root1"], case["root2"]])
        arguments = (decode(case["proof"]), case["size1"], case["size2"], *roots)
        if case["wantErr"]:
            with pytest.raises(InvalidConsistency):
                check_consistency(*arguments)
        else:
            check_consistency(*arguments)


def test_the_reference_tree(vectors: Path) -> None:
    path = vectors / "tlog" / "derived" / "rfc6962_reference_tree.json"
    reference = json.loads(path.read_bytes())
    leaves = [leaf_hash(bytes.fromhex(entry)) for entry in reference["leaves_hex"]]

    def read_reference(level: int, n: int) -> bytes:
        return model_root(leaves[n << level : (n + 1) << level])

    for size, root in reference["roots_hex"].items():
        assert root_at(int(size), read_reference).hex() == root
    assert reference["inclusion"]
    for case in reference["inclusion"]:
        proof = inclusion_proof(case["index"], case["size"], read_reference)
        assert [hash_.hex() for hash_ in proof] == case["proof_hex"]
    assert reference["consistency"]
    for case in reference["consistency"]:
        proof = consistency_proof(case["old"], case["new"], read_reference)
        assert [hash_.hex() for hash_ in proof] == case["proof_hex"]
