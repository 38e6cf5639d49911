"""Checkpoints: which texts are one, and whose signature opens it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from identity.errors import InvalidCheckpoint
from registry.checkpoint import Checkpoint, open_checkpoint
from registry.merkle import EMPTY_ROOT, leaf_hash
from registry.note import Note, SignatureType, Signer, encode64, sign_note

ORIGIN = "log.example/one"
NOW = 1_795_334_400
LOG = Signer(ORIGIN, SignatureType.ED25519, bytes(32))
QUANTUM = Signer(ORIGIN, SignatureType.ML_DSA_44, bytes(32))
NEIGHBOUR = Signer("log.example/two", SignatureType.ED25519, b"2" * 32)
WITNESS = Signer("witness.example/w", SignatureType.ED25519_COSIGNATURE, b"3" * 32)
CHECKPOINT = Checkpoint(ORIGIN, 1, leaf_hash(b"entry"))


def signed(*signers: Signer, checkpoint: Checkpoint = CHECKPOINT) -> bytes:
    return sign_note(checkpoint.format(), signers, NOW)


def refused(data: bytes, *keys: Signer, witnesses: tuple[Signer, ...] = ()) -> str:
    with pytest.raises(InvalidCheckpoint) as caught:
        open_checkpoint(data, [k.key for k in keys or (LOG,)], [w.key for w in witnesses])
    return caught.value.detail


def test_a_checkpoint_is_opened_by_the_key_of_its_log() -> None:
    assert open_checkpoint(signed(LOG), [LOG.key]) == (CHECKPOINT, ())


def test_the_times_of_cosignatures_are_reported_by_key() -> None:
    opened = open_checkpoint(signed(LOG, QUANTUM, WITNESS), [LOG.key, QUANTUM.key], [WITNESS.key])
    assert opened.times == ((QUANTUM.key, NOW), (WITNESS.key, NOW))


def test_unknown_witnesses_are_ignored_and_known_ones_must_not_lie() -> None:
    log, witness = (signer.sign(CHECKPOINT.format(), NOW) for signer in (LOG, WITNESS))
    forged = witness._replace(signature=bytes(8) + witness.signature[8:])
    data = Note(CHECKPOINT.format(), (log, forged)).format()
    assert open_checkpoint(data, [LOG.key]).times == ()
    assert "witness.example" in refused(data, LOG, witnesses=(WITNESS,))


def test_the_key_of_another_log_does_not_open_it() -> None:
    assert "has not signed" in refused(signed(NEIGHBOUR), LOG, NEIGHBOUR)
    assert "None of the keys" in refused(signed(NEIGHBOUR))


def test_a_witness_alone_does_not_open_it() -> None:
    assert "has not signed" in refused(signed(WITNESS), witnesses=(WITNESS,))
    namesake = Signer(ORIGIN, SignatureType.ED25519_COSIGNATURE, bytes(32))
    assert "has not signed" in refused(signed(namesake), witnesses=(namesake,))


def test_an_empty_tree_has_the_empty_root() -> None:
    empty = Checkpoint(ORIGIN, 0, EMPTY_ROOT)
    assert open_checkpoint(signed(LOG, checkpoint=empty), [LOG.key]).checkpoint == empty
    assert "empty tree" in refused(signed(LOG, checkpoint=empty._replace(root=bytes(32))))


def test_a_signed_text_that_is_no_checkpoint_is_refused() -> None:
    assert "three lines" in refused(sign_note("log.example/one\n", [LOG], NOW))


def test_extension_lines_are_kept() -> None:
    extended = CHECKPOINT._replace(extensions=("one", "two words"))
    assert Checkpoint.parse(extended.format()) == extended
    assert open_checkpoint(signed(LOG, checkpoint=extended), [LOG.key]).checkpoint == extended


ROOT = encode64(bytes(32))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"log\n1\n{ROOT}",
        f"log\n01\n{ROOT}\n",
        f"log\n-1\n{ROOT}\n",
        f"log\n+1\n{ROOT}\n",
        f"log\n 1\n{ROOT}\n",
        f"log\n1_0\n{ROOT}\n",
        f"log\n١\n{ROOT}\n",
        f"log\n0x1\n{ROOT}\n",
        f"log\n\n{ROOT}\n",
        f"log\n{2**63}\n{ROOT}\n",
        f"\n1\n{ROOT}\n",
        f"log\n1\n{ROOT}\n\n",
        f"log\n1\n{ROOT}\n\nextension\n",
        f"log\n1\n{ROOT[:-1]}\n",
        f"log\n1\n{ROOT[:-2]}B=\n",
        f"log\n1\n{encode64(bytes(31))}\n",
        f"log\n1\n{encode64(bytes(33))}\n",
        f"log\n1\n{ROOT} \n",
    ],
)
def test_texts_that_are_no_checkpoint(text: str) -> None:
    with pytest.raises(InvalidCheckpoint):
        Checkpoint.parse(text)


@given(
    st.text("abc./ é", min_size=1),
    st.integers(0, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
    st.lists(st.text("abc ", min_size=1)),
)
def test_what_is_written_is_read(
    origin: str, size: int, root: bytes, extensions: list[str]
) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    assert Checkpoint.parse(checkpoint.format()) == checkpoint


SIGNED = signed(LOG)


@given(st.binary() | st.integers(0, len(SIGNED) - 1).map(lambda i: SIGNED[:i] + SIGNED[i + 1 :]))
def test_hostile_checkpoints_raise_only_our_errors(data: bytes) -> None:
    assume(data != SIGNED)
    refused(data)


def test_checkpoint_vectors(vectors: Path) -> None:
    path = vectors / "tlog" / "derived" / "checkpoint_parse.json"
    cases = json.loads(path.read_bytes())["cases"]
    assert any(case["c2sp_sha256_ok"] for case in cases)
    for case in cases:
        if case["c2sp_sha256_ok"]:
            assert Checkpoint.parse(case["body"]).format() == case["body"]
        else:
            with pytest.raises(InvalidCheckpoint):
                Checkpoint.parse(case["body"])
