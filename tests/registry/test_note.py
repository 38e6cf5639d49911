"""Signed notes: the traps of the format one by one, and what other implementations have signed."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import InvalidCheckpoint, InvalidKey
from registry.note import (
    MAX_BYTES,
    MAX_SIGNATURES,
    Note,
    Signature,
    SignatureType,
    Signer,
    VerifierKey,
    decode64,
    encode64,
    sign_note,
    subtree_message,
    tree_head,
    verify_note,
)

NAME = "log.example/one"
NOW = 1_795_334_400
TEXT = f"{NAME}\n3\n{encode64(bytes(range(32)))}\n"
LOG = Signer(NAME, SignatureType.ED25519, bytes(32))
OTHER = Signer("log.example/two", SignatureType.ED25519, b"2" * 32)
WITNESS = Signer("witness.example/w", SignatureType.ED25519_COSIGNATURE, b"3" * 32)
QUANTUM = Signer(NAME, SignatureType.ML_DSA_44, b"4" * 32)
SIGNED = sign_note(TEXT, [LOG], NOW)


def refused(data: bytes, *keys: VerifierKey) -> str:
    """The reason for which a note is refused."""
    with pytest.raises(InvalidCheckpoint) as caught:
        verify_note(data, keys or [LOG.key])
    return caught.value.detail


def flip(signature: Signature) -> Signature:
    """The same line with the last bit of its signature changed."""
    blob = signature.signature
    return signature._replace(signature=blob[:-1] + bytes([blob[-1] ^ 1]))


def test_every_type_of_signature_verifies_with_its_time() -> None:
    data = sign_note(TEXT, [LOG, WITNESS, QUANTUM], NOW)
    verified = verify_note(data, [QUANTUM.key, LOG.key, WITNESS.key])
    assert verified.text == TEXT
    assert verified.signatures == ((LOG.key, None), (WITNESS.key, NOW), (QUANTUM.key, NOW))


def test_an_ed25519_line_is_over_the_text_alone() -> None:
    _, key_id, signature = Note.parse(SIGNED).signatures[0]
    assert key_id == LOG.key.id
    Ed25519PublicKey.from_public_bytes(LOG.key.public).verify(signature, TEXT.encode())


def test_an_ed25519_cosignature_is_over_its_time_and_the_text() -> None:
    blob = WITNESS.sign(TEXT, NOW).signature
    message = b"cosignature/v1\ntime 1795334400\n" + TEXT.encode()
    assert blob[:8] == NOW.to_bytes(8)
    Ed25519PublicKey.from_public_bytes(WITNESS.key.public).verify(blob[8:], message)


def test_an_ml_dsa_cosignature_is_over_the_subtree_that_the_checkpoint_covers() -> None:
    blob = QUANTUM.sign(TEXT, NOW).signature
    assert (len(blob), blob[:8]) == (8 + 2420, NOW.to_bytes(8))
    message = (
        b"subtree/v1\n\x00"
        b"\x0flog.example/one"
        + NOW.to_bytes(8)
        + b"\x0flog.example/one"
        + bytes(8)
        + bytes([0, 0, 0, 0, 0, 0, 0, 3])
        + bytes(range(32))
    )
    MLDSA44PublicKey.from_public_bytes(QUANTUM.key.public).verify(blob[8:], message)


def test_a_later_subtree_carries_no_time() -> None:
    assert subtree_message("w", 0, "log", 4, 8, bytes(32)).endswith(
        bytes(8) + b"\x03log" + (4).to_bytes(8) + (8).to_bytes(8) + bytes(32)
    )
    with pytest.raises(InvalidCheckpoint):
        subtree_message("w", 1, "log", 4, 8, bytes(32))
    with pytest.raises(InvalidCheckpoint):
        subtree_message("w", 0, "l" * 256, 0, 8, bytes(32))


def test_cosignatures_are_of_checkpoints_only() -> None:
    for signer in (WITNESS, QUANTUM):
        with pytest.raises(InvalidCheckpoint):
            signer.sign("a letter to a friend\n", NOW)


@pytest.mark.parametrize("signer", [LOG, WITNESS, QUANTUM], ids=["01", "04", "06"])
def test_a_known_key_with_a_bad_signature_refuses_the_note(signer: Signer) -> None:
    good, bad = OTHER.sign(TEXT, NOW), flip(signer.sign(TEXT, NOW))
    data = Note(TEXT, (good, bad)).format()
    assert "does not verify" in refused(data, OTHER.key, signer.key)
    assert verify_note(data, [OTHER.key]).signatures == ((OTHER.key, None),)


@pytest.mark.parametrize("signer", [WITNESS, QUANTUM], ids=["04", "06"])
def test_the_time_of_a_cosignature_is_signed(signer: Signer) -> None:
    line = signer.sign(TEXT, NOW)
    later = line._replace(signature=(NOW + 1).to_bytes(8) + line.signature[8:])
    assert "does not verify" in refused(Note(TEXT, (later,)).format(), signer.key)


@pytest.mark.parametrize("signer", [LOG, WITNESS, QUANTUM], ids=["01", "04", "06"])
@pytest.mark.parametrize("length", [1, 7, 8, 9, 72])
def test_signatures_of_a_wrong_length_are_refused(signer: Signer, length: int) -> None:
    line = signer.sign(TEXT, NOW)
    cut = line._replace(signature=line.signature[:length] + b"\x00" * (length == 72))
    assert "does not verify" in refused(Note(TEXT, (cut,)).format(), signer.key)


def test_a_changed_text_is_refused() -> None:
    assert "does not verify" in refused(SIGNED.replace(b"\n3\n", b"\n4\n"))


def test_unknown_signers_are_ignored() -> None:
    theirs = flip(OTHER.sign(TEXT, NOW))
    data = Note(TEXT, (theirs, LOG.sign(TEXT, NOW), theirs)).format()
    assert verify_note(data, [LOG.key]).signatures == ((LOG.key, None),)
    assert "None of the keys" in refused(Note(TEXT, (OTHER.sign(TEXT, NOW),)).format())


def test_a_key_id_of_another_key_is_not_this_signer() -> None:
    line = LOG.sign(TEXT, NOW)
    renamed = line._replace(name="log.example/onf")
    other_id = line._replace(id=bytes(4))
    assert "None of the keys" in refused(Note(TEXT, (renamed, other_id)).format())


def test_sixteen_signatures_are_read_and_more() -> None:
    strangers = [flip(OTHER.sign(TEXT, NOW))] * (MAX_SIGNATURES - 1)
    data = Note(TEXT, (*strangers, LOG.sign(TEXT, NOW))).format()
    assert MAX_SIGNATURES >= 16
    assert verify_note(data, [LOG.key]).text == TEXT
    too_many = Note(TEXT, (*strangers, *strangers[:2])).format()
    assert "signatures" in refused(too_many)


def test_a_note_of_a_megabyte_is_not_read() -> None:
    assert "bytes" in refused(b"x" * MAX_BYTES + SIGNED)


def test_a_note_without_its_final_newline_is_refused() -> None:
    assert "end in a newline" in refused(SIGNED.removesuffix(b"\n"))


@pytest.mark.parametrize("control", [b"\x00", b"\t", b"\r", b"\x1f"])
def test_control_characters_are_refused(control: bytes) -> None:
    text = TEXT + f"before{control.decode()}after\n"
    assert "control characters" in refused(sign_note(text, [LOG], NOW))
    assert "control characters" in refused(SIGNED.replace(b"\n\n", b"\n" + control + b"\n\n"))


def test_what_is_not_utf8_is_refused() -> None:
    assert "UTF-8" in refused(b"\xff" + SIGNED)
    assert "UTF-8" in refused(b"\xed\xa0\x80" + SIGNED)


def test_non_canonical_base64_is_refused() -> None:
    line = SIGNED.splitlines()[-1]
    assert line.endswith(b"=")
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = alphabet.index(line[-2:-1])
    assert last % 4 == 0, "the pad bits that a sloppy decoder ignores"
    for replaced in (
        line[:-2] + alphabet[last + 1 : last + 2] + b"=",
        line[:-1],
        line + b"=",
        line[:40] + b" " + line[40:],
        line[:40] + b"-" + line[41:],
        line[:40] + "é".encode() + line[41:],
    ):
        assert "base64" in refused(SIGNED.replace(line, replaced))


def test_the_last_blank_line_divides_text_and_signatures() -> None:
    text = "before\n\n— log.example/one is part of the text\n\n\nafter\n"
    assert verify_note(sign_note(text, [LOG], NOW), [LOG.key]).text == text
    blank = "the text ends in a blank line\n\n"
    assert verify_note(sign_note(blank, [LOG], NOW), [LOG.key]).text == blank


@pytest.mark.parametrize(
    "line",
    [
        "- log.example/one AAAAAAA=",
        "—log.example/one AAAAAAA=",
        "— log.example/one",
        "—  AAAAAAA=",
        "— log.example/one AAAAAA==",
        "— log+example AAAAAAA=",
        "— log\u00a0example AAAAAAA=",
        "— log.example/one AAAAAAA= ",
        "— log.example/one  AAAAAAA=",
    ],
)
def test_lines_that_are_not_signatures_are_refused(line: str) -> None:
    refused(SIGNED + line.encode() + b"\n")


@pytest.mark.parametrize("data", [b"", b"\n", b"\n\n", b"text\n", b"text\n\n", b"text\n\n\n"])
def test_a_note_without_signatures_is_refused(data: bytes) -> None:
    refused(data)


@given(st.binary() | st.text().map(str.encode) | st.binary().map(lambda b: SIGNED + b))
def test_hostile_notes_raise_only_our_errors(data: bytes) -> None:
    try:
        note = Note.parse(data)
    except InvalidCheckpoint:
        return
    assert note.format() == data


@given(st.sampled_from([LOG, WITNESS, QUANTUM]), st.binary(max_size=100), st.text())
def test_hostile_signatures_raise_only_our_errors(signer: Signer, blob: bytes, text: str) -> None:
    with pytest.raises(InvalidCheckpoint):
        signer.key.verify(text, blob)


@given(st.text())
def test_hostile_checkpoint_texts_raise_only_our_errors(text: str) -> None:
    with pytest.raises(InvalidCheckpoint):
        tree_head(text)


# Verifier keys


@pytest.mark.parametrize("signer", [LOG, WITNESS, QUANTUM], ids=["01", "04", "06"])
def test_a_verifier_key_is_read_as_it_is_written(signer: Signer) -> None:
    key = VerifierKey.parse(str(signer.key))
    assert key == signer.key
    assert hash(key) == hash(signer.key)
    name, key_id, material = str(key).split("+", 2)
    assert (name, key_id) == (key.name, key.id.hex())
    assert decode64(material) == bytes([key.type]) + key.public


def test_the_same_key_of_two_types_has_two_ids() -> None:
    twin = Signer(NAME, SignatureType.ED25519_COSIGNATURE, bytes(32)).key
    assert twin.public == LOG.key.public
    assert twin.id != LOG.key.id


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb", "\x01", "\udcff"])
def test_names_with_spaces_or_a_plus_are_refused(name: str) -> None:
    with pytest.raises(InvalidKey):
        Signer(name, SignatureType.ED25519, bytes(32))


@pytest.mark.parametrize("type_", [SignatureType.ED25519, SignatureType.ML_DSA_44])
def test_a_seed_has_32_bytes(type_: SignatureType) -> None:
    with pytest.raises(InvalidKey):
        Signer(NAME, type_, bytes(31))


def test_a_key_of_small_order_is_refused() -> None:
    with pytest.raises(InvalidKey, match="small order"):
        VerifierKey(NAME, SignatureType.ED25519, b"\x01" + bytes(31))


def test_two_keys_with_one_name_and_id_are_refused() -> None:
    twin = VerifierKey(NAME, SignatureType.ED25519, OTHER.key.public)
    twin.__dict__["id"] = LOG.key.id  # a collision of four bytes takes a minute to find
    with pytest.raises(InvalidKey):
        verify_note(SIGNED, [LOG.key, twin])
    assert verify_note(SIGNED, [LOG.key, LOG.key]).text == TEXT


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "log",
        "log+",
        "log+00000000+",
        "log+00000000+!!!!",
        "log+é+é",
        f"log+00000000+{b64encode(bytes([5]) + bytes(32)).decode()}",
        f"log+00000000+{b64encode(bytes([1]) + bytes(32)).decode()}",
        f"{NAME}+{LOG.key.id.hex().upper()}+{encode64(bytes([1]) + LOG.key.public)}",
    ],
)
def test_bad_verifier_keys_are_refused(vkey: str) -> None:
    with pytest.raises(InvalidKey):
        VerifierKey.parse(vkey)


@given(st.text() | st.text().map(lambda text: str(LOG.key) + text))
def test_hostile_verifier_keys_raise_only_our_errors(vkey: str) -> None:
    try:
        key = VerifierKey.parse(vkey)
    except InvalidKey:
        return
    assert str(key) == vkey


def spoiled(vkey: str) -> Iterator[str]:
    """Every proper substring, and every single-byte increment (the property of note_keys.json)."""
    for start in range(len(vkey)):
        for end in range(start, len(vkey) + 1):
            if end - start < len(vkey):
                yield vkey[start:end]
    for i, char in enumerate(vkey):
        yield vkey[:i] + chr(ord(char) + 1) + vkey[i + 1 :]


def test_verifier_key_vectors(vectors: Path) -> None:
    keys = json.loads((vectors / "tlog" / "derived" / "note_keys.json").read_bytes())
    for vkey in keys["vkeys_valid"]:
        assert str(VerifierKey.parse(vkey)) == vkey
        for bad in spoiled(vkey):
            with pytest.raises(InvalidKey):
                VerifierKey.parse(bad)
    for vkey in keys["vkeys_invalid"]:
        with pytest.raises(InvalidKey):
            VerifierKey.parse(vkey)


def test_signed_note_vectors(vectors: Path) -> None:
    notes = json.loads((vectors / "tlog" / "derived" / "note_keys.json").read_bytes())
    for case in notes["signed_notes"]:
        key = VerifierKey.parse(case["vkey"])
        assert case["ok"] is True
        data = case["note"].encode()
        assert verify_note(data, [key]).signatures == ((key, None),)
        assert "does not verify" in refused(b"x" + data, key)


def test_checkpoints_of_the_witness_conversation(vectors: Path) -> None:
    path = vectors / "tlog" / "torchwood" / "litewitness_add_checkpoint_sequence.json"
    talk = json.loads(path.read_bytes())
    key = VerifierKey(
        talk["origin"], SignatureType.ED25519, bytes.fromhex(talk["log_public_key_hex"])
    )
    for number, step in enumerate(talk["steps"], 1):
        _, _, data = step["request_body"].encode().partition(b"\n\n")
        if number == 2:
            assert "base64" in refused(data, key)  # the pad bits are not zero
        elif step["spec_v1_status"] == 404:
            assert "None of the keys" in refused(data, key)
        else:
            text, signatures = verify_note(data, [key])
            assert (tree_head(text)[0], signatures) == (talk["origin"], ((key, None),))
