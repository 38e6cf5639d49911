"""ECVRF-EDWARDS25519-SHA512-TAI once more, in plain integers, straight from the pages of RFC 9381.

Slow, and not in constant time: it says whether the other one is right. It accepts what the RFC
accepts, which is a little more than identity/vrf.py does, and makes the proofs that lie between.
"""

from __future__ import annotations

from hashlib import sha512
from typing import NamedTuple

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


class Point(NamedTuple):
    x: int
    y: int

    def __add__(self, other: object) -> Point:
        assert isinstance(other, Point)
        product = D * self.x * other.x * self.y * other.y % P
        x = (self.x * other.y + other.x * self.y) * pow(1 + product, -1, P)
        y = (self.y * other.y + self.x * other.x) * pow(1 - product, -1, P)
        return Point(x % P, y % P)

    def times(self, scalar: int) -> Point:
        result, double = Point(0, 1), self
        while scalar:
            if scalar & 1:
                result = result + double
            double, scalar = double + double, scalar >> 1
        return result

    @property
    def negative(self) -> Point:
        return Point(-self.x % P, self.y)

    @property
    def encoded(self) -> bytes:
        return (self.y | (self.x & 1) << 255).to_bytes(32, "little")


def decoded(data: bytes) -> Point | None:
    """RFC 8032, section 5.1.3."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != square or (x == 0 and sign):
        return None
    return Point(x if x & 1 == sign else P - x, y)


def known(data: bytes) -> Point:
    """A point that is one."""
    point = decoded(data)
    assert point is not None
    return point


BASE = known((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
ORDER_8 = known(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"))


def to_curve(public: bytes, alpha: bytes) -> Point:
    for counter in range(256):
        data = sha512(b"\x03\x01" + public + alpha + bytes([counter, 0])).digest()[:32]
        found = decoded(data)
        if found is not None and found.times(8) != Point(0, 1):
            return found.times(8)
    raise AssertionError


def challenge(*points: bytes) -> bytes:
    return sha512(b"\x03\x02" + b"".join(points) + b"\0").digest()[:16]


def secret_of(seed: bytes) -> int:
    return int.from_bytes(sha512(seed).digest()[:32], "little") & (1 << 254) - 8 | 1 << 254


def plain_prove(seed: bytes, alpha: bytes, nonce: int, stray: Point | None = None) -> bytes:
    """A proof under any nonce, with a point added to Gamma if one is given."""
    x = secret_of(seed)
    public = BASE.times(x).encoded
    h = to_curve(public, alpha)
    gamma = h.times(x) + stray if stray else h.times(x)
    u, v = BASE.times(nonce), h.times(nonce)
    c = challenge(public, h.encoded, gamma.encoded, u.encoded, v.encoded)
    s = (nonce + int.from_bytes(c, "little") * x) % L
    return gamma.encoded + c + s.to_bytes(32, "little")


def plain_verify(public: bytes, alpha: bytes, proof: bytes) -> bytes:
    """RFC 9381, section 5.3, to the letter."""
    y, gamma = known(public), known(proof[:32])
    c, s = int.from_bytes(proof[32:48], "little"), int.from_bytes(proof[48:], "little")
    assert s < L
    h = to_curve(public, alpha)
    u = BASE.times(s) + y.times(c).negative
    v = h.times(s) + gamma.times(c).negative
    assert challenge(public, *(one.encoded for one in (h, gamma, u, v))) == proof[32:48]
    return sha512(b"\x03\x03" + gamma.times(8).encoded + b"\0").digest()
