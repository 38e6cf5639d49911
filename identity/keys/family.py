"""What a family of signature algorithms gives to identity.keys: widths, a verifier, a signer."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

Verify = Callable[[bytes, bytes], None]
"""(signature, message); raises ForgedProof."""
Sign = Callable[[bytes], bytes]
"""message -> signature."""


class Family(NamedTuple):
    """One algorithm. Lengths have been checked before the functions are called."""

    width: int
    """Bytes of a raw public key."""
    secret_width: int
    """Bytes of a secret."""
    verifier: Callable[[bytes], Verify]
    """Of a raw public key. Raises InvalidKey for one that nobody should trust."""
    signer: Callable[[bytes], tuple[bytes, Sign]]
    """Of a secret: the raw public key, and the function that signs. Raises InvalidKey where the
    library is not installed."""
    largest: int | None = None
    """Of secrets that are numbers from 1; None where any bytes are a seed."""
