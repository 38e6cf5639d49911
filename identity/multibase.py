"""Bytes as text, one way only: base58btc, SHA-256 multihashes, base64url without padding, base64.

Multibase is base58btc (`z`), but for the long keys and signatures of post-quantum algorithms, which
are base64url (`u`) as W3C's suites for them say.

Every decoder accepts exactly what its encoder writes, so that no value has two spellings.

    >>> multihash(b"hello")
    'zQmRN6wdp1S2A5EtjW9A3M1vKSBuQQGcgvuhoMUoEz4iiT5'
"""

from __future__ import annotations

import base64
import binascii
import re
from hashlib import sha256

from identity.errors import MalformedInput

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# Encoding takes ten digits at a time, and within them two: few operations on large numbers, and no
# more tables than a page or two of memory.
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_TWO, _FOUR, _TEN = 58**2, 58**4, 58**10
_LONGEST = 4096  # a limit, far above any classical key or signature
# Decoding takes all digits at once. Each is a byte of one large number; neighbours are joined into
# pairs, these into fours, and so on: high * 2^width + low becomes high * 58^digits + low.
_NO_DIGIT = b"\xff"
_VALUES = bytes(_ALPHABET.find(chr(byte)) & 0xFF for byte in range(256))
_JOINS = [
    (width, 2**width - 58 ** (width // 8), int.from_bytes(half * (_LONGEST // len(half)), "big"))
    for width in (8 * 2**level for level in range(12))
    for half in [bytes(width // 8) + b"\xff" * (width // 8)]
]

_SHA2_256 = b"\x12\x20"  # multicodec sha2-256, 32 bytes
_MULTIHASH = re.compile(r"zQm[1-9A-HJ-NP-Za-km-z]{44}", re.ASCII)
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


def base58_encode(data: bytes) -> str:
    """Base58 with Bitcoin's alphabet, no multibase letter: each leading zero byte is a `1`."""
    number = int.from_bytes(data, "big")
    tens: list[str] = []
    while number:
        number, rest = divmod(number, _TEN)
        rest, de = divmod(rest, _FOUR)
        a, bc = divmod(rest, _FOUR)
        b, c, d, e = bc // _TWO, bc % _TWO, de // _TWO, de % _TWO
        tens.append(f"{_PAIRS[a]}{_PAIRS[b]}{_PAIRS[c]}{_PAIRS[d]}{_PAIRS[e]}")
    tens.reverse()
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + "".join(tens).lstrip("1")


def base58_decode(text: str) -> bytes:
    """The bytes behind base58 text. Raises `MalformedInput` for a foreign character."""
    if len(text) > _LONGEST:
        raise MalformedInput(f"base58 of {len(text)} characters is too long")
    digits = text.lstrip("1")
    try:
        values = digits.encode("ascii").translate(_VALUES)
    except UnicodeEncodeError:
        values = _NO_DIGIT
    if _NO_DIGIT in values:
        raise MalformedInput("a character that base58 does not have")
    number = int.from_bytes(values, "big")
    for width, surplus, lower_halves in _JOINS:
        if width >= 8 * len(values):
            break
        number -= surplus * (number >> width & lower_halves)
    return bytes(len(text) - len(digits)) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def multibase_encode(data: bytes) -> str:
    """Multibase with base58btc: `z` and the base58 digits."""
    return "z" + base58_encode(data)


def multibase_decode(text: str) -> bytes:
    """Bytes of a base58btc multibase string; any other base is refused (`MalformedInput`)."""
    if not text.startswith("z"):
        raise MalformedInput("multibase text must start with z (base58btc)")
    return base58_decode(text[1:])


def multibase_url_encode(data: bytes) -> str:
    """Multibase with base64url, no padding: `u` and the digits."""
    return "u" + base64url_encode(data)


def multibase_url_decode(text: str) -> bytes:
    """Bytes of a base64url multibase string; any other base is refused (`MalformedInput`)."""
    if not text.startswith("u"):
        raise MalformedInput("multibase text must start with u (base64url)")
    return base64url_decode(text[1:])


def multihash(data: bytes) -> str:
    """SHA-256 of the data as a multihash in base58btc multibase: 47 characters, `zQm…`."""
    return digest_multihash(sha256(data).digest())


def digest_multihash(digest: bytes) -> str:
    """A SHA-256 digest (32 bytes), already computed, as the multihash that `multihash` gives."""
    if len(digest) != 32:
        raise RuntimeError("a SHA-256 digest has 32 bytes")
    return "z" + base58_encode(_SHA2_256 + digest)


def decode_multihash(text: str) -> bytes:
    """The 32 bytes of digest in a `zQm…` string. Raises `MalformedInput`."""
    if not _MULTIHASH.fullmatch(text):
        raise MalformedInput(
            "not a SHA-256 multihash in base58btc", hint="47 characters that start with zQm"
        )
    data = base58_decode(text[1:])
    if len(data) != 34 or not data.startswith(_SHA2_256):
        raise MalformedInput("not a SHA-256 multihash: wrong length or hash function")
    return data[2:]


def base64url_encode(data: bytes) -> str:
    """Base64url without padding (RFC 4648, section 5; RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def base64url_decode(text: str) -> bytes:
    """The bytes of unpadded base64url. Raises `MalformedInput` for padding, a foreign character,
    or spare bits that are not zero (RFC 4648, section 3.5)."""
    if not _BASE64URL.fullmatch(text):
        raise MalformedInput("a character that base64url without padding does not have")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise MalformedInput("base64url of an impossible length") from None
    if base64url_encode(data) != text:
        raise MalformedInput("base64url whose last character carries spare bits")
    return data


def base64_encode(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648, section 4), as PEM has it between its lines."""
    return base64.b64encode(data).decode("ascii")


def base64_decode(text: str) -> bytes:
    """The bytes of standard base64 in its one canonical form. Raises `MalformedInput`."""
    try:
        data = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        raise MalformedInput("not base64 (RFC 4648, section 4)") from None
    if base64_encode(data) != text:
        raise MalformedInput("base64 whose last character carries spare bits")
    return data
