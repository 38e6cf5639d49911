"""ECDSA signatures as other people's libraries make them: with either of the two values of s.

Wherever (r, s) verifies, so does (r, n - s). Tetrad signs with the lower one, and its ledger takes
no other (identity/keys.py). The cryptosuite of the W3C asks for neither: of its own test vectors
half have the higher. A proof over a credential is nobody's name for anything, so that a second
signature for the same statement does no harm, and both are taken here.
"""

from __future__ import annotations

from identity.keys import P256, P384

_ORDERS = {
    P256: 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    P384: 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
}


def with_low_s(algorithm: str, signature: bytes) -> bytes:
    """The signature with the lower s; unchanged where it has it, or is of another algorithm.

    What is out of range stays so, and is refused by whoever verifies it.
    """
    order = _ORDERS.get(algorithm)
    if order is None or len(signature) % 2:
        return signature
    half = len(signature) // 2
    s = int.from_bytes(signature[half:], "big")
    if not order // 2 < s < order:
        return signature
    return signature[:half] + (order - s).to_bytes(half, "big")
