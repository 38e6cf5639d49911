"""One acceptance rule for signatures: Wycheproof, and the forgeries that libraries differ about."""

from __future__ import annotations

import contextlib
import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import nacl.bindings
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.errors import ForgedProof, InvalidKey, TetradError
from identity.keys import (
    PublicKey,
    private_key,
    public_key,
    public_key_of,
    signing_key,
    thumbprint,
)
from identity.multibase import multibase_decode, multibase_encode, multihash

ED = private_key("Ed25519", bytes(range(32)))
P256 = private_key("P-256", bytes(range(1, 33)))
P384 = private_key("P-384", bytes(range(1, 49)))
ORDERS = {
    "P-256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "P-384": int(
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        16,
    ),
}
FILES = {
    "Ed25519": "ed25519_test.json",
    "P-256": "ecdsa_secp256r1_sha256_p1363_test.json",
    "P-384": "ecdsa_secp384r1_sha384_p1363_test.json",
}


def accepts(key: PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except ForgedProof:
        return False
    return True


def key_of_group(algorithm: str, group: dict[str, Any]) -> PublicKey:
    if algorithm == "Ed25519":
        return public_key_of(algorithm, bytes.fromhex(group["publicKey"]["pk"]))
    point = bytes.fromhex(group["publicKey"]["uncompressed"])
    width = (len(point) - 1) // 2
    return public_key_of(algorithm, bytes([2 + (point[-1] & 1)]) + point[1 : 1 + width])


class TestWycheproof:
    @pytest.mark.parametrize("algorithm", FILES)
    def test_every_case(self, vectors: Path, algorithm: str) -> None:
        """Valid verifies and invalid does not; a high s is refused although ECDSA allows it, and
        verifies once it is made low."""
        seen = {"valid": 0, "invalid": 0, "high s": 0}
        content = json.loads((vectors / "wycheproof" / FILES[algorithm]).read_bytes())
        for group in content["testGroups"]:
            key = key_of_group(algorithm, group)
            for case in group["tests"]:
                signature, message = bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"])
                name = f"{algorithm} case {case['tcId']}: {case['comment']}"
                if case["result"] == "valid" and high_s(algorithm, signature):
                    seen["high s"] += 1
                    assert not accepts(key, signature, message), name
                    assert accepts(key, twin(algorithm, signature), message), name
                else:
                    seen[case["result"]] += 1
                    assert accepts(key, signature, message) == (case["result"] == "valid"), name
        assert seen["valid"] > 80
        assert seen["invalid"] > 60
        assert (seen["high s"] > 60) == (algorithm != "Ed25519")


def high_s(algorithm: str, signature: bytes) -> bool:
    if algorithm == "Ed25519":
        return False
    return int.from_bytes(signature[len(signature) // 2 :], "big") > ORDERS[algorithm] // 2


def twin(algorithm: str, signature: bytes) -> bytes:
    """The other signature that plain ECDSA accepts: (r, n - s)."""
    half = len(signature) // 2
    s = ORDERS[algorithm] - int.from_bytes(signature[half:], "big")
    return signature[:half] + s.to_bytes(half, "big")


class Curve:
    """Edwards25519 in affine coordinates, straight from RFC 8032, section 5.1, to forge with."""

    p = 2**255 - 19
    order = 2**252 + 27742317777372353535851937790883648493
    d = -121665 * pow(121666, -1, p) % p

    @classmethod
    def add(cls, a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
        k = cls.d * a[0] * b[0] * a[1] * b[1] % cls.p
        x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + k, -1, cls.p)
        y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - k, -1, cls.p)
        return x % cls.p, y % cls.p

    @classmethod
    def times(cls, n: int, point: tuple[int, int]) -> tuple[int, int]:
        result = (0, 1)
        while n:
            if n & 1:
                result = cls.add(result, point)
            point, n = cls.add(point, point), n >> 1
        return result

    @classmethod
    def point(cls, y: int) -> tuple[int, int] | None:
        square = (y * y - 1) * pow(cls.d * y * y + 1, -1, cls.p) % cls.p
        x = pow(square, (cls.p + 3) // 8, cls.p)
        if x * x % cls.p != square:
            x = x * pow(2, (cls.p - 1) // 4, cls.p) % cls.p
        return (x, y) if x * x % cls.p == square else None

    @staticmethod
    def encode(point: tuple[int, int]) -> bytes:
        return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def base_point() -> tuple[int, int]:
    x, y = Curve.point(4 * pow(5, -1, Curve.p) % Curve.p) or (0, 0)
    return (x, y) if x % 2 == 0 else (Curve.p - x, y)


def torsion_point() -> tuple[int, int]:
    """A point of order eight."""
    for y in range(2, 100):
        point = Curve.point(y)
        if point and Curve.times(4, found := Curve.times(Curve.order, point)) != (0, 1):
            return found
    raise AssertionError


BASE, TORSION = base_point(), torsion_point()
SECRET, NONCE = 0x1234567890ABCDEF, 0xFEDCBA0987654321


def challenge(r: bytes, a: bytes, message: bytes) -> int:
    digest = hashlib.sha512(r + a + message).digest()
    return int.from_bytes(digest, "little") % Curve.order


def forge(r: tuple[int, int], nonce: int, a: bytes, message: bytes) -> bytes:
    encoded = Curve.encode(r)
    s = (nonce + challenge(encoded, a, message) * SECRET) % Curve.order
    return encoded + s.to_bytes(32, "little")


def cryptography_accepts(raw: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def small_order_encodings() -> list[bytes]:
    """All points of small order, with either sign bit and in every encoding."""
    found = set()
    point = (0, 1)
    for _ in range(8):
        for y in (point[1], point[1] + Curve.p):
            if y < 2**255:
                found.add(y.to_bytes(32, "little"))
                found.add((y | 1 << 255).to_bytes(32, "little"))
        point = Curve.add(point, TORSION)
    return sorted(found)


class TestEd25519Rule:
    def test_an_ordinary_signature_of_our_own_arithmetic_verifies(self) -> None:
        a = Curve.encode(Curve.times(SECRET, BASE))
        signature = forge(Curve.times(NONCE, BASE), NONCE, a, b"m")
        assert accepts(public_key_of("Ed25519", a), signature, b"m")

    @pytest.mark.parametrize("raw", small_order_encodings(), ids=bytes.hex)
    def test_keys_of_small_order_are_refused(self, raw: bytes) -> None:
        with pytest.raises(InvalidKey):
            public_key_of("Ed25519", raw)

    def test_the_identity_key_would_verify_everything_elsewhere(self) -> None:
        """Why: under A = identity, R = sB is a signature over any message."""
        identity = Curve.encode((0, 1))
        forged = Curve.encode(Curve.times(NONCE, BASE)) + NONCE.to_bytes(32, "little")
        assert all(cryptography_accepts(identity, forged, b"%d" % n) for n in range(20))
        with pytest.raises(InvalidKey, match="small order"):
            public_key_of("Ed25519", identity)

    def test_r_of_the_identity_is_refused_though_cryptography_accepts(self) -> None:
        a = Curve.encode(Curve.times(SECRET, BASE))
        signature = forge((0, 1), 0, a, b"m")
        assert cryptography_accepts(a, signature, b"m")
        assert not accepts(public_key_of("Ed25519", a), signature, b"m")

    def test_r_of_mixed_order_is_refused_since_no_cofactor_is_applied(self) -> None:
        a = Curve.encode(Curve.times(SECRET, BASE))
        r = Curve.add(Curve.times(NONCE, BASE), TORSION)
        signature = forge(r, NONCE, a, b"m")
        assert not accepts(public_key_of("Ed25519", a), signature, b"m")

    def test_a_of_mixed_order_verifies_only_where_the_torsion_vanishes(self) -> None:
        """Both libraries agree on every message: cofactorless on either side."""
        a = Curve.encode(Curve.add(Curve.times(SECRET, BASE), TORSION))
        key, r = public_key_of("Ed25519", a), Curve.times(NONCE, BASE)
        accepted = 0
        for number in range(40):
            message = b"%d" % number
            signature = forge(r, NONCE, a, message)
            vanishes = challenge(signature[:32], a, message) % 8 == 0
            assert accepts(key, signature, message) is vanishes
            assert cryptography_accepts(a, signature, message) is vanishes
            accepted += vanishes
        assert 0 < accepted < 40

    def test_encodings_of_r_that_are_not_canonical_are_refused(self) -> None:
        a = Curve.encode(Curve.times(SECRET, BASE))
        key = public_key_of("Ed25519", a)
        for low in range(19):
            for sign in (0, 1 << 255):
                r = (low + Curve.p | sign).to_bytes(32, "little")
                for s in (0, NONCE, challenge(r, a, b"m") * SECRET % Curve.order):
                    assert not accepts(key, r + s.to_bytes(32, "little"), b"m")

    def test_s_beyond_the_group_order_is_refused(self) -> None:
        signature = ED.sign(b"m")
        s = int.from_bytes(signature[32:], "little")
        while s < 2**256:
            variant = signature[:32] + s.to_bytes(32, "little")
            assert accepts(ED.public, variant, b"m") is (s < Curve.order)
            s += Curve.order

    def test_keys_that_are_not_canonical_are_refused(self) -> None:
        for low in range(19):
            for sign in (0, 1 << 255):
                with pytest.raises(InvalidKey):
                    public_key_of("Ed25519", (low + Curve.p | sign).to_bytes(32, "little"))

    def test_keys_off_the_curve_are_refused(self) -> None:
        for y in range(2, 60):
            raw = y.to_bytes(32, "little")
            if Curve.point(y):
                assert public_key_of("Ed25519", raw).raw == raw
            else:
                with pytest.raises(InvalidKey, match="curve"):
                    public_key_of("Ed25519", raw)

    def test_nothing_verifies_under_a_signing_key_off_the_curve(self) -> None:
        """`signing_key` leaves the curve to the signature: here is why it may."""
        off = (y for y in range(2, 60) if Curve.point(y) is None)
        for y in off:
            key = signing_key(multibase_encode(b"\xed\x01" + y.to_bytes(32, "little")))
            for r in (Curve.times(NONCE, BASE), (0, 1), TORSION):
                assert not accepts(key, forge(r, NONCE, key.raw, b"m"), b"m")
                assert not accepts(key, Curve.encode(r) + NONCE.to_bytes(32, "little"), b"m")

    @pytest.mark.parametrize("raw", small_order_encodings(), ids=bytes.hex)
    def test_a_signing_key_is_of_no_small_order_either(self, raw: bytes) -> None:
        with pytest.raises(InvalidKey):
            signing_key(multibase_encode(b"\xed\x01" + raw))

    @given(st.binary(min_size=32, max_size=32), st.binary(max_size=100))
    def test_two_libraries_agree_on_honest_signatures(self, seed: bytes, message: bytes) -> None:
        key = private_key("Ed25519", seed)
        signature = key.sign(message)
        key.public.verify(signature, message)
        assert cryptography_accepts(key.public.raw, signature, message)

    @given(st.binary(min_size=64, max_size=64), st.integers(0, 511))
    def test_two_libraries_agree_on_damaged_signatures(self, message: bytes, bit: int) -> None:
        damaged = bytearray(ED.sign(message))
        damaged[bit // 8] ^= 1 << bit % 8
        assert not accepts(ED.public, bytes(damaged), message)
        assert not cryptography_accepts(ED.public.raw, bytes(damaged), message)


class TestEcdsaRule:
    @pytest.mark.parametrize("key", [P256, P384], ids=["P-256", "P-384"])
    def test_the_twin_of_a_signature_is_refused(self, key: Any) -> None:
        for number in range(20):
            signature = key.sign(b"%d" % number)
            assert accepts(key.public, signature, b"%d" % number)
            other = twin(key.public.algorithm, signature)
            assert not accepts(key.public, other, b"%d" % number)

    @pytest.mark.parametrize("which", ["r", "s"])
    def test_zero_and_the_order_are_refused(self, which: str) -> None:
        r, s = P256.sign(b"m")[:32], P256.sign(b"m")[32:]
        for value in (0, ORDERS["P-256"], ORDERS["P-256"] + 1, 2**256 - 1):
            bad = value.to_bytes(32, "big")
            assert not accepts(P256.public, bad + s if which == "r" else r + bad, b"m")

    def test_der_signatures_are_refused(self) -> None:
        der = bytes.fromhex("3006020101020101")
        assert not accepts(P256.public, der, b"m")

    @pytest.mark.parametrize(
        "raw",
        [
            b"\x02" + (5).to_bytes(32, "big").replace(b"\x05", b"\x01"),
            b"\x02" + b"\xff" * 32,
            b"\x00" * 33,
            b"\x05" + P256.public.raw[1:],
            b"\x06" + P256.public.raw[1:],
        ],
        ids=["off the curve", "x beyond the field", "infinity", "prefix 5", "hybrid"],
    )
    def test_points_off_the_curve_or_badly_encoded(self, raw: bytes) -> None:
        with pytest.raises(InvalidKey):
            public_key_of("P-256", raw)

    def test_an_uncompressed_point_is_refused(self) -> None:
        with pytest.raises(InvalidKey):
            public_key(multibase_encode(b"\x80\x24\x04" + bytes(64)))


class TestMultikey:
    @pytest.mark.parametrize("key", [ED, P256, P384], ids=lambda key: key.public.algorithm)
    def test_round_trip(self, key: Any) -> None:
        public = key.public
        assert public_key(public.multikey) == public
        assert hash(public_key(public.multikey)) == hash(public)
        assert signing_key(public.multikey) == public
        assert public.thumbprint == multihash(public.multikey.encode())
        assert public.thumbprint == thumbprint(public.multikey)
        assert multibase_decode(public.multikey)[2:] == public.raw

    def test_the_prefixes_that_people_know(self) -> None:
        assert ED.public.multikey.startswith("z6Mk")
        assert P256.public.multikey.startswith("zDn")
        assert P384.public.multikey.startswith("z82")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "z",
            "z1",
            ED.public.multikey[1:],
            ED.public.multikey + "1",
            "z1" + ED.public.multikey[1:],
            ED.public.multikey[:-1],
            ED.public.multikey + "\n",
            ED.public.multikey.replace("k", "l"),
            "m7QEAAAAA",
            multibase_encode(b"\xec\x01" + ED.public.raw),
            multibase_encode(b"\xed\x01" + P256.public.raw),
            multibase_encode(b"\x80\x24" + ED.public.raw),
            multibase_encode(b"\xed\x81\x00" + ED.public.raw),
            multibase_encode(b"\xed"),
            "z" * 10_000,
        ],
        ids=range(16),
    )
    def test_refused(self, text: str) -> None:
        with pytest.raises(InvalidKey):
            public_key(text)

    @given(st.text(max_size=70) | st.binary(max_size=60).map(multibase_encode))
    def test_hostile_text_raises_only_our_errors(self, text: str) -> None:
        with contextlib.suppress(InvalidKey):
            assert public_key(text).multikey == text

    @given(
        st.sampled_from([b"\xed\x01", b"\x80\x24", b"\x81\x24"]),
        st.binary(min_size=31, max_size=50),
        st.binary(max_size=97),
    )
    def test_hostile_keys_and_signatures_raise_only_our_errors(
        self, codec: bytes, raw: bytes, signature: bytes
    ) -> None:
        try:
            public_key(multibase_encode(codec + raw)).verify(signature, b"m")
        except TetradError:
            return
        raise AssertionError("a random signature was accepted")


class TestSigning:
    def test_ed25519_of_rfc_8032(self) -> None:
        # RFC 8032, section 7.1, test 2
        seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
        key = private_key("Ed25519", bytes.fromhex(seed))
        assert key.public.raw.hex() == (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        )
        assert key.sign(b"\x72").hex() == (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        )

    def test_p256_nonces_of_rfc_6979(self) -> None:
        # RFC 6979, appendix A.2.5, SHA-256, "sample"; there s is high, here n - s
        scalar = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721"
        signature = private_key("P-256", bytes.fromhex(scalar)).sign(b"sample")
        s = 0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8
        assert signature[:32].hex().upper() == (
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
        )
        assert int.from_bytes(signature[32:], "big") == ORDERS["P-256"] - s

    @pytest.mark.parametrize(
        ("algorithm", "width"), [("Ed25519", 32), ("P-256", 32), ("P-384", 48)]
    )
    @given(data=st.data())
    @settings(max_examples=20)
    def test_a_secret_makes_the_same_key_again(
        self, algorithm: str, width: int, data: st.DataObject
    ) -> None:
        secret = b"\x01" + data.draw(st.binary(min_size=width - 1, max_size=width - 1))
        key = private_key(algorithm, secret)
        assert key.secret() == secret
        again = private_key(algorithm, key.secret())
        assert again.public == key.public
        assert again.sign(b"m") == key.sign(b"m")
        key.public.verify(key.sign(b"m"), b"m")

    @pytest.mark.parametrize(
        ("algorithm", "secret"),
        [
            ("Ed25519", bytes(31)),
            ("Ed25519", bytes(64)),
            ("P-256", bytes(32)),
            ("P-256", ORDERS["P-256"].to_bytes(32, "big")),
            ("P-256", b"\x01" * 33),
            ("RSA", bytes(32)),
        ],
    )
    def test_secrets_that_are_no_keys(self, algorithm: str, secret: bytes) -> None:
        with pytest.raises(InvalidKey):
            private_key(algorithm, secret)

    @pytest.mark.parametrize("key", [ED, P256], ids=["Ed25519", "P-256"])
    def test_a_private_key_does_not_show_itself(self, key: Any) -> None:
        secret = key.secret()
        for shown in (repr(key), str(key), f"{key}"):
            assert secret.hex() not in shown
            assert repr(secret) not in shown
            assert key.public.multikey in shown
        with pytest.raises(TypeError):
            pickle.dumps(key)

    def test_libsodium_is_the_library_that_the_rule_was_measured_on(self) -> None:
        """The rule is libsodium's; a build without its checks would show here first."""
        identity = Curve.encode((0, 1))
        forged = Curve.encode(Curve.times(NONCE, BASE)) + NONCE.to_bytes(32, "little")
        with pytest.raises(nacl.exceptions.BadSignatureError):
            nacl.bindings.crypto_sign_open(forged + b"m", identity)
