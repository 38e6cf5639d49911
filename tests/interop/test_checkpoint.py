"""Checkpoints under another implementation of ML-DSA-44 and of the bytes that a cosigner signs.

No public vector of a type 06 line of C2SP tlog-cosignature exists. The program in `node/` makes
the signed bytes as that page says and verifies with @noble/post-quantum; what it signs, we verify.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from identity.errors import InvalidCheckpoint
from registry.checkpoint import Checkpoint
from registry.note import (
    Note,
    Signature,
    SignatureType,
    Signer,
    VerifierKey,
    sign_note,
    verify_note,
)

Ask = Callable[[str, str, Any], Any]

ORIGIN = "log.example/interop"
SEED = bytes(range(32))
LOG = Signer(ORIGIN, SignatureType.ED25519, SEED)
QUANTUM = Signer(ORIGIN, SignatureType.ML_DSA_44, SEED)
WITNESS = "witness.example/w1"
TIME = 1_795_334_400
BODY = Checkpoint(ORIGIN, 66_000, bytes(range(32))).format()
NOTE = sign_note(BODY, [LOG, QUANTUM], TIME).decode()


def verdicts(node: Ask, note: str) -> list[dict[str, Any]]:
    """Of Node.js on the Ed25519 line and on the ML-DSA-44 line."""
    vkeys = [str(LOG.key), str(QUANTUM.key)]
    said: list[dict[str, Any]] = node("checkpoint.mjs", "verify", {"note": note, "vkeys": vkeys})
    return said


def test_both_lines_of_our_checkpoint_verify(node: Ask) -> None:
    assert verdicts(node, NOTE) == [
        {"verified": True, "time": None},
        {"verified": True, "time": TIME},
    ]


@pytest.mark.parametrize(
    "changed",
    [
        NOTE.replace(ORIGIN + "\n", "log.example/another\n", 1),
        NOTE.replace("\n66000\n", "\n66001\n"),
        NOTE.replace("\nAAEC", "\nAQEC"),
    ],
    ids=["origin", "size", "root"],
)
def test_neither_line_verifies_another_checkpoint(node: Ask, changed: str) -> None:
    assert changed != NOTE
    assert [one["verified"] for one in verdicts(node, changed)] == [False, False]
    for key in (LOG.key, QUANTUM.key):
        with pytest.raises(InvalidCheckpoint):
            verify_note(changed.encode(), [key])


@pytest.mark.parametrize("place", [7, 8, 1_000, -1], ids=["time", "first", "middle", "last"])
def test_a_changed_cosignature_is_refused_by_both(node: Ask, place: int) -> None:
    name, key_id, blob = QUANTUM.sign(BODY, TIME)
    forged = bytearray(blob)
    forged[place] ^= 1
    changed = Note(BODY, (LOG.sign(BODY, TIME), Signature(name, key_id, bytes(forged)))).format()
    assert [one["verified"] for one in verdicts(node, changed.decode())] == [True, False]
    with pytest.raises(InvalidCheckpoint):
        verify_note(changed, [QUANTUM.key])


def test_we_verify_the_cosignature_of_another_implementation(node: Ask) -> None:
    task = {"body": BODY, "name": WITNESS, "seed": SEED.hex(), "time": TIME}
    made = node("checkpoint.mjs", "cosign", task)
    key = VerifierKey.parse(made["vkey"])
    assert key == Signer(WITNESS, SignatureType.ML_DSA_44, SEED).key
    cosigned = (NOTE + made["line"]).encode()
    assert verify_note(cosigned, [LOG.key, key]).signatures == ((LOG.key, None), (key, TIME))
    with pytest.raises(InvalidCheckpoint):
        verify_note(cosigned.replace(b"\n66000\n", b"\n66001\n"), [key])
