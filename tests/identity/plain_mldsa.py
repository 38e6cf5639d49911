"""ML-DSA written a second time, step by step as in FIPS 204, and without randomness.

The library signs hedged: two signatures of one message differ, and no vector could be made twice.
This one takes 32 zero bytes for `rnd` (section 3.4, the deterministic variant), so that the vectors
follow from their seeds; and since nothing here is the library's, each is a check of it. Slow.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import shake_128, shake_256
from typing import NamedTuple

from identity.keys import PrivateKey

Q, D, N = 8_380_417, 13, 256
Poly = list[int]


class Parameters(NamedTuple):
    """Section 4, table 1; `challenge` is the length of c~ in bytes."""

    tau: int
    challenge: int
    gamma1: int
    gamma2: int
    k: int
    l: int  # noqa: E741 - the standard's name
    eta: int
    omega: int


SETS = {
    "ML-DSA-44": Parameters(39, 32, 1 << 17, (Q - 1) // 88, 4, 4, 2, 80),
    "ML-DSA-65": Parameters(49, 48, 1 << 19, (Q - 1) // 32, 6, 5, 4, 55),
}
_ZETAS = [pow(1753, int(f"{i:08b}"[::-1], 2), Q) for i in range(N)]


def _ntt(poly: Poly) -> Poly:
    w, m, length = list(poly), 0, 128
    while length:
        for start in range(0, N, 2 * length):
            m += 1
            for j in range(start, start + length):
                t = _ZETAS[m] * w[j + length] % Q
                w[j + length], w[j] = (w[j] - t) % Q, (w[j] + t) % Q
        length //= 2
    return w


def _inverse_ntt(poly: Poly) -> Poly:
    w, m, length = list(poly), N, 1
    while length < N:
        for start in range(0, N, 2 * length):
            m -= 1
            for j in range(start, start + length):
                t = w[j]
                w[j], w[j + length] = (t + w[j + length]) % Q, _ZETAS[m] * (w[j + length] - t) % Q
        length *= 2
    return [8_347_681 * x % Q for x in w]


def _times(a: Poly, b: Poly) -> Poly:
    return [x * y % Q for x, y in zip(a, b, strict=True)]


def _plus(a: Poly, b: Poly) -> Poly:
    return [(x + y) % Q for x, y in zip(a, b, strict=True)]


def _minus(a: Poly, b: Poly) -> Poly:
    return [(x - y) % Q for x, y in zip(a, b, strict=True)]


def _product(matrix: list[list[Poly]], vector: list[Poly]) -> list[Poly]:
    """A times a vector, both in the domain of the transform; the result out of it."""
    rows = []
    for row in matrix:
        total = [0] * N
        for a, b in zip(row, vector, strict=True):
            total = _plus(total, _times(a, b))
        rows.append(_inverse_ntt(total))
    return rows


def _centred(x: int, modulus: int) -> int:
    rest = x % modulus
    return rest - modulus if rest > modulus // 2 else rest


def _norm(vector: list[Poly]) -> int:
    return max(abs(_centred(x, Q)) for poly in vector for x in poly)


def _pack(values: list[int], bits: int) -> bytes:
    number = sum(value << bits * place for place, value in enumerate(values))
    return number.to_bytes(len(values) * bits // 8, "little")


def _uniform(seed: bytes) -> Poly:
    """RejNTTPoly, algorithm 30."""
    stream = shake_128(seed).digest(1_344)
    found = (
        stream[i] | stream[i + 1] << 8 | (stream[i + 2] & 127) << 16
        for i in range(0, len(stream), 3)
    )
    return [x for x in found if x < Q][:N]


def _bounded(seed: bytes, eta: int) -> Poly:
    """RejBoundedPoly, algorithm 31."""
    halves = (half for byte in shake_256(seed).digest(1_024) for half in (byte & 15, byte >> 4))
    if eta == 2:
        return [2 - half % 5 for half in halves if half < 15][:N]
    return [4 - half for half in halves if half < 9][:N]


def _in_ball(seed: bytes, tau: int) -> Poly:
    """SampleInBall, algorithm 29."""
    stream = iter(shake_256(seed).digest(8 + 1_024))
    signs = int.from_bytes(bytes(next(stream) for _ in range(8)), "little")
    c = [0] * N
    for i in range(N - tau, N):
        j = next(byte for byte in stream if byte <= i)
        c[i] = c[j]
        c[j] = 1 - 2 * (signs >> i + tau - N & 1)
    return c


def _decompose(r: int, gamma2: int) -> tuple[int, int]:
    """Algorithm 36: high and low part."""
    low = _centred(r % Q, 2 * gamma2)
    if r % Q - low == Q - 1:
        return 0, low - 1
    return (r % Q - low) // (2 * gamma2), low


class _Key(NamedTuple):
    public: bytes
    a: list[list[Poly]]
    k: bytes
    tr: bytes
    s1: list[Poly]
    s2: list[Poly]
    t0: list[Poly]


@lru_cache(maxsize=512)
def _key(name: str, seed: bytes) -> _Key:
    """Algorithm 6."""
    p = SETS[name]
    expanded = shake_256(seed + bytes([p.k, p.l])).digest(128)
    rho, rho_s, k = expanded[:32], expanded[32:96], expanded[96:]
    a = [[_uniform(rho + bytes([s, r])) for s in range(p.l)] for r in range(p.k)]
    small = [_bounded(rho_s + n.to_bytes(2, "little"), p.eta) for n in range(p.l + p.k)]
    s1, s2 = small[: p.l], small[p.l :]
    rows = _product(a, [_ntt(poly) for poly in s1])
    t = [_plus(row, poly) for row, poly in zip(rows, s2, strict=True)]
    t0 = [[_centred(x, 1 << D) for x in poly] for poly in t]
    high = [
        [(x - low) >> D for x, low in zip(poly, lows, strict=True)]
        for poly, lows in zip(t, t0, strict=True)
    ]
    public = rho + b"".join(_pack(poly, 10) for poly in high)
    tr = shake_256(public).digest(64)
    return _Key(public, a, k, tr, *[[_ntt(poly) for poly in one] for one in (s1, s2, t0)])


def public(name: str, seed: bytes) -> bytes:
    """The public key of a seed."""
    return _key(name, seed).public


def sign(name: str, seed: bytes, message: bytes) -> bytes:
    """Algorithms 2 and 7: pure, an empty context, and `rnd` of zero bytes."""
    p, key = SETS[name], _key(name, seed)
    mu = shake_256(key.tr + bytes(2) + message).digest(64)
    rho = shake_256(key.k + bytes(32) + mu).digest(64)
    bits = p.gamma1.bit_length()
    beta, kappa = p.tau * p.eta, 0
    while True:
        y = [_mask(rho, kappa + r, bits, p.gamma1) for r in range(p.l)]
        kappa += p.l
        w = _product(key.a, [_ntt(poly) for poly in y])
        w1 = [[_decompose(x, p.gamma2)[0] for x in poly] for poly in w]
        width = ((Q - 1) // (2 * p.gamma2) - 1).bit_length()
        c_tilde = shake_256(mu + b"".join(_pack(poly, width) for poly in w1)).digest(p.challenge)
        c = _ntt(_in_ball(c_tilde, p.tau))
        z = [_plus(one, _inverse_ntt(_times(c, s))) for one, s in zip(y, key.s1, strict=True)]
        less = [_minus(one, _inverse_ntt(_times(c, s))) for one, s in zip(w, key.s2, strict=True)]
        low = max(abs(_decompose(x, p.gamma2)[1]) for poly in less for x in poly)
        ct0 = [_inverse_ntt(_times(c, t)) for t in key.t0]
        hints = [
            [
                n
                for n, (x, t) in enumerate(zip(poly, carried, strict=True))
                if _decompose(x + t, p.gamma2)[0] != _decompose(x, p.gamma2)[0]
            ]
            for poly, carried in zip(less, ct0, strict=True)
        ]
        if (
            _norm(z) < p.gamma1 - beta
            and low < p.gamma2 - beta
            and _norm(ct0) < p.gamma2
            and sum(map(len, hints)) <= p.omega
        ):
            packed = [_pack([p.gamma1 - _centred(x, Q) for x in poly], bits) for poly in z]
            return c_tilde + b"".join(packed) + _hint(hints, p.omega)


def _mask(rho: bytes, number: int, bits: int, gamma1: int) -> Poly:
    """ExpandMask, algorithm 34, for one polynomial."""
    stream = shake_256(rho + number.to_bytes(2, "little")).digest(32 * bits)
    packed = int.from_bytes(stream, "little")
    return [gamma1 - (packed >> bits * n & (1 << bits) - 1) for n in range(N)]


def _hint(hints: list[list[int]], omega: int) -> bytes:
    """HintBitPack, algorithm 20."""
    places, ends = b"", b""
    for one in hints:
        places += bytes(one)
        ends += bytes([len(places)])
    return places.ljust(omega, b"\0") + ends


class PlainMldsa(PrivateKey):
    """A key that signs as `sign` does."""

    __slots__ = ()

    def sign(self, message: bytes) -> bytes:
        """The deterministic signature."""
        return sign(self.public.algorithm, self.secret(), message)
