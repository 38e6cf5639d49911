"""The three messages, read strictly and written canonically.

    1  {"protocol": "tetrad-handshake-1", "message": 1, "nonce": "…", "bundle": {…}}
    2  {"protocol": "tetrad-handshake-1", "message": 2, "nonce": "…", "bundle": {…}, "proof": […]}
    3  {"protocol": "tetrad-handshake-1", "message": 3, "proof": […]}

Closed objects, proofs included: what a message has, the transcript covers, or it is refused. Pure;
specified in specs/1-identity.md, "Device to device".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from identity.errors import InputTooLarge, InvalidHandshake, MalformedInput, MalformedProof
from identity.jcs import Json, canonicalize, parse
from identity.multibase import base64url_decode
from resolver.handshake.transcript import PROTOCOL

MOST_BYTES: Final = {1: 1_048_576, 2: 1_048_576, 3: 65_536}
"""Of each message: a bundle of a device that changed 256 times fits, signatures fit easily."""
NONCE_BYTES: Final = 32
MOST_PROOFS: Final = 2
"""One for each kind of key."""

_MEMBERS: Final = {
    1: {"protocol", "message", "nonce", "bundle"},
    2: {"protocol", "message", "nonce", "bundle", "proof"},
    3: {"protocol", "message", "proof"},
}
_PROOF: Final = {
    *("type", "cryptosuite", "verificationMethod", "proofPurpose"),
    *("challenge", "domain", "proofValue"),
}

Proofs = list[dict[str, str]]


class Message(NamedTuple):
    """A message that was read; nothing of it is verified."""

    nonce: str
    bundle: dict[str, Json]
    proof: Proofs


def write_message(number: int, members: Mapping[str, Any]) -> bytes:
    """The bytes to send. Raises InputTooLarge for what no peer would read."""
    data = canonicalize({"protocol": PROTOCOL, "message": number, **members})
    if len(data) > MOST_BYTES[number]:
        raise InputTooLarge(
            f"message {number} has {len(data)} bytes, where at most {MOST_BYTES[number]} are read"
        )
    return data


def read_message(data: bytes, number: int) -> Message:
    """Message `number` as it was received.

    Raises InvalidInput, MalformedProof; InvalidHandshake for another version or another message.
    """
    value = parse(data, max_bytes=MOST_BYTES[number])
    if not isinstance(value, dict) or value.get("protocol") != PROTOCOL:
        raise InvalidHandshake("not a handshake of this version", hint=f"it speaks {PROTOCOL}")
    shown = value.get("message")
    if type(shown) is not int or shown != number or set(value) != _MEMBERS[number]:
        raise InvalidHandshake(
            f"message {number} is due, with {', '.join(sorted(_MEMBERS[number]))}",
            pointer="/message",
        )
    nonce, bundle = value.get("nonce", ""), value.get("bundle", {})
    if number != 3:
        _check_nonce(nonce)
    if not isinstance(bundle, dict):
        raise InvalidHandshake("a bundle is an object", pointer="/bundle")
    proof = _read_proofs(value["proof"]) if number != 1 else []
    return Message(cast("str", nonce), bundle, proof)


def _check_nonce(nonce: Json) -> None:
    try:
        if isinstance(nonce, str) and len(base64url_decode(nonce)) == NONCE_BYTES:
            return
    except MalformedInput:
        pass
    raise InvalidHandshake(f"a nonce is base64url of {NONCE_BYTES} bytes", pointer="/nonce")


def _read_proofs(value: Json) -> Proofs:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_PROOFS:
        raise MalformedProof(f"a list of one proof, or {MOST_PROOFS}, is due", pointer="/proof")
    for place, proof in enumerate(value):
        if not isinstance(proof, dict) or set(proof) != _PROOF:
            raise MalformedProof(
                f"a proof here has {', '.join(sorted(_PROOF))}", pointer=f"/proof/{place}"
            )
        if not all(isinstance(member, str) for member in proof.values()):
            raise MalformedProof("every member is a string", pointer=f"/proof/{place}")
    return cast("Proofs", value)
