"""DPoP proofs and JWKs, against the examples of RFC 9449, RFC 7638 and RFC 8037 and a library."""

from __future__ import annotations

import json
from hashlib import sha512
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from identity.dpop import LONGEST, check_dpop, create_dpop, normal_address, token_hash
from identity.errors import InvalidKey, InvalidToken
from identity.jwk import JWS_ALGORITHMS, jwk_of, jwk_thumbprint, read_jwk
from identity.keys import PrivateKey, private_key
from identity.multibase import base64url_decode, base64url_encode
from tests.factory import key

URL = "https://resource.example.org/protectedresource"
# RFC 9449, section 7.1: the request to a protected resource, the token and the proof.
RFC_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
RFC_TIME = 1_562_262_618
RFC_HEADER: dict[str, Any] = {
    "typ": "dpop+jwt",
    "alg": "ES256",
    "jwk": {
        "kty": "EC",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        "crv": "P-256",
    },
}
RFC_CLAIMS = {
    "jti": "e1j3V_bKic8-LAEB",
    "htm": "GET",
    "htu": URL,
    "iat": RFC_TIME,
    "ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo",
}
RFC_SIGNATURE = (
    "2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)


def part(value: Any) -> str:
    return base64url_encode(json.dumps(value, separators=(",", ":")).encode())


RFC_PROOF = f"{part(RFC_HEADER)}.{part(RFC_CLAIMS)}.{RFC_SIGNATURE}"
ASKED: dict[str, Any] = {
    "method": "GET",
    "url": URL,
    "token": RFC_TOKEN,
    "now": RFC_TIME,
    "window": 60,
}
ED25519 = key("dpop")
SMALL_ORDER = base64url_encode(bytes([1, *[0] * 31]))


def proof(signer: PrivateKey = ED25519, **claimed: Any) -> str:
    asked = {"method": "GET", "url": URL, "token": RFC_TOKEN, "now": RFC_TIME, "jti": "x"}
    return create_dpop(signer, **{**asked, **claimed})


def altered(header: Any = None, claims: Any = None, signer: PrivateKey = ED25519) -> str:
    """A proof with other members, signed all the same."""
    first, second, _ = proof(signer).split(".")
    before = [json.loads(base64url_decode(one)) for one in (first, second)]
    made = [
        change(value) if callable(change) else {**value, **(change or {})}
        for value, change in zip(before, (header, claims), strict=True)
    ]
    signed = ".".join(part(one) for one in made)
    return f"{signed}.{base64url_encode(signer.sign(signed.encode()))}"


def test_the_example_of_the_rfc() -> None:
    checked = check_dpop(RFC_PROOF, **ASKED)
    assert checked.jti == "e1j3V_bKic8-LAEB"
    assert checked.issued == RFC_TIME
    # RFC 9449, section 6.1.
    assert jwk_thumbprint(checked.key) == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    assert token_hash(RFC_TOKEN) == RFC_CLAIMS["ath"]


def test_the_example_of_a_key_of_ed25519() -> None:
    # RFC 8037, appendix A.3.
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert jwk_thumbprint(read_jwk(jwk)) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("algorithm", sorted(JWS_ALGORITHMS))
def test_what_is_made_holds_for_every_algorithm(algorithm: str) -> None:
    width = 48 if algorithm == "P-384" else 32
    signer = private_key(algorithm, sha512(b"dpop").digest()[:width])
    assert read_jwk(jwk_of(signer.public)) == signer.public
    made = proof(signer)
    assert len(made) < LONGEST
    checked = check_dpop(made, **ASKED)
    assert checked.key == signer.public


def test_a_key_without_a_jwk_says_so() -> None:
    pytest.importorskip("gmalg", reason="the extra tetrad[sm] is not installed")
    with pytest.raises(InvalidKey, match="SM2"):
        proof(key("dpop", "SM2"))


def test_both_signatures_of_ecdsa_are_taken_as_jws_has_it() -> None:
    private = ec.derive_private_key(7, ec.SECP256R1())
    numbers = private.public_key().public_numbers()
    x, y = (base64url_encode(one.to_bytes(32)) for one in (numbers.x, numbers.y))
    header = {**RFC_HEADER, "jwk": {"kty": "EC", "crv": "P-256", "x": x, "y": y}}
    signed = f"{part(header)}.{part(RFC_CLAIMS)}"
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    r, s = decode_dss_signature(private.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    for one in (s, order - s):
        value = base64url_encode(r.to_bytes(32) + one.to_bytes(32))
        assert check_dpop(f"{signed}.{value}", **ASKED).jti == RFC_CLAIMS["jti"]
    for one in (0, order, s + 1):
        value = base64url_encode(r.to_bytes(32) + one.to_bytes(32))
        with pytest.raises(InvalidToken):
            check_dpop(f"{signed}.{value}", **ASKED)


@pytest.mark.parametrize(
    "asked",
    [
        {"method": "POST"},
        {"url": URL + "/x"},
        {"url": "http://resource.example.org/protectedresource"},
        {"url": "https://resource.example.org:8443/protectedresource"},
        {"url": "https://example.org/protectedresource"},
        {"token": RFC_TOKEN + "x"},
        {"now": RFC_TIME + 61},
        {"now": RFC_TIME - 61},
    ],
)
def test_a_proof_for_another_request(asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        check_dpop(RFC_PROOF, **{**ASKED, **asked})


def test_addresses_are_compared_as_rfc_3986_has_it() -> None:
    for same in (URL + "?a=b#c", URL.replace("resource.", "RESOURCE."), URL + "#", URL + "/"):
        assert check_dpop(RFC_PROOF, **{**ASKED, "url": same})
    assert normal_address("HTTPS://Registry.Example:443/x/?y") == "https://registry.example/x"
    assert normal_address("http://[::1]:8000") == "http://[::1]:8000"
    for none in (
        "ftp://x",
        "registry.example",
        "https://",
        "https://u@x",
        "https://x:y",
        "",
        "//x",
        "https://\u212bexample",  # the Angstrom sign, which lower() makes an å
        "https://registry.\u212aind",  # the Kelvin sign, which it makes a k
        "https://registry\n.example",  # urlsplit drops the line feed
        " https://registry.example",
        "https://registry.example/a b",
    ):
        assert normal_address(none) is None


@pytest.mark.parametrize("url", ["coap://lock/open", "lock", "https://registry.example/\x7f", ""])
def test_no_proof_is_for_an_address_that_is_none(url: str) -> None:
    """Two that are no http(s) address are not the same for that."""
    for htu in ("coap://lock/shut", url):
        with pytest.raises(InvalidToken, match="another address"):
            check_dpop(proof(url=htu), **{**ASKED, "url": url})


@given(st.text(st.characters(codec="ascii"), max_size=20))
def test_an_address_in_its_one_form_stays_as_it_is(rest: str) -> None:
    one = normal_address("https://Registry.example" + rest)
    assert one is None or normal_address(one) == one


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({"typ": "JWT"}, None),
        ({"typ": None}, None),
        ({"alg": "none"}, None),
        ({"alg": "HS256"}, None),
        ({"alg": "ES256"}, None),
        ({"alg": ["EdDSA"]}, None),
        ({"crit": ["exp"]}, None),
        ({"jwk": None}, None),
        ({"jwk": jwk_of(key("another").public)}, None),
        ({"jwk": {**jwk_of(ED25519.public), "d": "AAAA"}}, None),
        ({"jwk": {**jwk_of(ED25519.public), "crv": "X25519"}}, None),
        ({"jwk": {"kty": "oct", "k": "AAAA"}}, None),
        ({"jwk": {"kty": "OKP", "crv": "Ed25519", "x": SMALL_ORDER}}, None),
        (lambda _: [], None),
        (None, lambda _: []),
        (None, {"jti": ""}),
        (None, {"jti": 5}),
        (None, {"jti": "x" * 129}),
        (None, {"iat": str(RFC_TIME)}),
        (None, {"iat": True}),
        (None, {"iat": None}),
        (None, {"htm": "get"}),
        (None, {"htu": None}),
        (None, {"htu": [URL]}),
        (None, {"ath": None}),
        (None, lambda claims: {name: claims[name] for name in claims if name != "ath"}),
    ],
)  # fmt: skip
def test_what_must_be_in_a_proof(header: Any, claims: Any) -> None:
    with pytest.raises(InvalidToken):
        check_dpop(altered(header, claims), **ASKED)


def test_the_same_without_a_change_holds() -> None:
    assert check_dpop(altered(), **ASKED)
    assert check_dpop(altered({"alg": "Ed25519"}), **ASKED)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a.b.c",
        RFC_PROOF + ".x",
        RFC_PROOF[:-1],
        RFC_PROOF + "=",
        "é.é.é",
        "x" * 20_000,
    ],
)
def test_what_is_no_jwt(text: str) -> None:
    with pytest.raises(InvalidToken):
        check_dpop(text, **ASKED)


def test_a_point_that_is_off_the_curve() -> None:
    spoiled = {**RFC_HEADER["jwk"], "y": base64url_encode(bytes(31) + b"\x05")}
    with pytest.raises(InvalidKey):
        read_jwk(spoiled)


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(
    st.text(max_size=300)
    | st.builds(lambda a, b, c: f"{part(a)}.{part(b)}.{c}", JSONS, JSONS, st.text(max_size=9))
)
def test_hostile_proofs_raise_our_error_alone(text: str) -> None:
    with pytest.raises(InvalidToken):
        check_dpop(text, **ASKED)


@given(
    st.dictionaries(
        st.sampled_from(["kty", "crv", "x", "y", "alg", "pub"]),
        JSONS | st.sampled_from(["EC", "OKP", "AKP", "P-256", "Ed25519", "ML-DSA-44"]),
    )
)
def test_hostile_jwks_raise_our_error_alone(value: dict[str, Any]) -> None:
    with pytest.raises(InvalidKey):
        read_jwk(value)


def test_a_private_key_is_not_taken_for_a_public_one() -> None:
    with pytest.raises(InvalidKey, match="private"):
        read_jwk({**jwk_of(ED25519.public), "d": "x"})
