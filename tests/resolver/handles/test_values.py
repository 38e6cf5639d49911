"""Values of handles, their bytes and digests, questions, and signatures, without a server."""

from __future__ import annotations

import contextlib
from hashlib import sha256
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import InvalidIdentifier, MalformedInput, SchemaViolation
from identity.multibase import base64_encode, base64url_encode
from resolver.handles.asking import ALL, handle_in, read_parameters
from resolver.handles.encoding import Admin, HandleValue, digest_of, digests_of
from resolver.handles.signing import check_jws, jws_claims, read_signer, unsigned
from resolver.handles.values import device_values

WHEN = "2026-11-22T08:00:00Z"
HANDLE = "88.100.9999/dev0001"
HEADER = base64url_encode(b'{"alg":"RS256"}')
UNSIGNED = base64url_encode(b'{"alg":"none"}')


def bits(number: int) -> str:
    return base64url_encode(number.to_bytes((number.bit_length() + 7) // 8))


def jwk(key: RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "e": bits(numbers.e), "n": bits(numbers.n)}


def pem(key: RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certificate(about: RSAPrivateKey, by: RSAPrivateKey) -> str:
    """An HS_CERT."""
    claims = orjson.dumps({"perms": [{"perm": "everything"}], "publicKey": jwk(about)})
    signed = f"{HEADER}.{base64url_encode(claims)}"
    return f"{signed}.{base64url_encode(by.sign(signed.encode(), PKCS1v15(), SHA256()))}"


@pytest.fixture(scope="module")
def keys() -> tuple[RSAPrivateKey, RSAPrivateKey]:
    return generate_private_key(65537, 2048), generate_private_key(65537, 2048)


def record(**members: Any) -> Any:
    return {
        "did": "did:tetrad:aaaaaaaaaaaaaaaa:zQmx",
        "status": "active",
        "controller": "did:tetrad:aaaaaaaaaaaaaaaa:zQmy",
        "updated": {"entry": 7, "time": WHEN},
        "object": {"maker": "did:tetrad:aaaaaaaaaaaaaaaa:zQmz", "model": "M1"},
        "data": {
            "describes": "water",
            "schema": "https://acme.example/s.json",
            "version": 1,
            "grade": "general",
            "endpoints": [{"type": "LwM2M", "url": "coaps://m.acme.example/9"}],
            "commitment": "Q1",
        },
        **members,
    }


def test_the_digest_is_over_the_bytes_of_rfc_3651_without_index_and_timestamp() -> None:
    value = HandleValue(21, "TETRAD.STATUS", "active", WHEN)
    covered = bytes.fromhex("00 0000003c 0a 0000000d") + b"TETRAD.STATUS"
    covered += bytes.fromhex("00000006") + b"active" + bytes(4)
    assert digest_of(value) == base64_encode(sha256(covered).digest())
    admin = HandleValue(100, "HS_ADMIN", Admin("0.NA/88.1", 22), WHEN)
    data = bytes.fromhex("0000 00000009") + b"0.NA/88.1" + bytes.fromhex("00000016")
    covered = bytes.fromhex("00 0000003c 0a 00000008") + b"HS_ADMIN"
    covered += len(data).to_bytes(4) + data + bytes(4)
    assert digest_of(admin) == base64_encode(sha256(covered).digest())


def test_an_endpoint_is_a_url_until_the_device_has_ended() -> None:
    active = {one.index: one.data for one in device_values(HANDLE, "idis", record())}
    assert active[1] == "coaps://m.acme.example/9"
    assert active[21] == "active"
    assert "endpoints" not in str(active[26])
    ended = device_values(HANDLE, "idis", record(status="retired", reason="scrapped"))
    shown = {one.index: one.data for one in ended}
    assert (shown[21], shown[28]) == ("retired", "scrapped")
    assert "URL" not in {one.type for one in ended}


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_a_record_says_is_json_that_says_the_same(model: str, url: str) -> None:
    about = {"maker": "did:x", "model": model}
    data = {**record()["data"], "endpoints": [{"type": "X", "url": url}]}
    for value in device_values(HANDLE, "idis", record(object=about, data=data)):
        shown = orjson.loads(value.json())
        assert shown["index"] == value.index
        if isinstance(value.data, str):
            assert shown["data"] == {"format": "string", "value": value.data}


def test_an_escape_in_the_address_is_decoded_once() -> None:
    assert handle_in(b"/api/handles/88.1%2Fa%23b%3Fc%40d%2525") == "88.1/a#b?c@d%25"
    for refused in (b"", b"hdl:88.1%252Fx", b"88.1/%ff", b"88.1/%zz", b"88.1/\xe4", b"x/y"):
        with pytest.raises(InvalidIdentifier):
            handle_in(b"/api/handles/" + refused)


def test_indexes_and_types_are_joined_and_a_point_means_what_is_below() -> None:
    wanted = read_parameters(b"index=1&index=400&type=tetrad.&type=HS_ADMIN")
    chosen = [(1, "url"), (400, "hs_signature"), (21, "tetrad.status"), (100, "hs_admin")]
    assert all(wanted.selects(*one) for one in chosen)
    assert not wanted.selects(2, "url")
    assert not wanted.selects(2, "tetrads.x")
    assert read_parameters(b"type=URL.").selects(1, "url")
    assert read_parameters(b"auth=true&publicOnly=FALSE&cert=&pretty=false") == ALL
    assert not read_parameters(b"type=TETRAD.").inline_proof
    assert read_parameters(b"index=301").inline_proof


@pytest.mark.parametrize(
    "query",
    [
        b"index=0",
        b"index=-1",
        b"index=2147483648",
        b"index=1e1",
        b"index=%D9%A1",
        b"type=",
        b"type=%00",
        b"type=" + b"x" * 65,
        b"type=%C3%A9",
        b"callback=alert",
        b"callback=%3Cscript%3E",
        b"auth=maybe",
        b"nonsense=1",
        b"&".join(b"index=%d" % n for n in range(1, 200)),
        b"%ff=%ff",
        b"\xff",
    ],
)
def test_other_questions_are_refused(query: bytes) -> None:
    with pytest.raises(SchemaViolation):
        read_parameters(query)


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_hostile_addresses_and_queries_are_refused_by_our_errors_alone(
    path: bytes, query: bytes
) -> None:
    for read, raw, error in (
        (handle_in, path, InvalidIdentifier),
        (read_parameters, query, SchemaViolation),
    ):
        with contextlib.suppress(error):
            read(raw)


def test_a_signature_and_the_digests_without_one_cover_the_same(
    keys: tuple[RSAPrivateKey, RSAPrivateKey],
) -> None:
    key, anchor = keys
    chain = [certificate(key, anchor), certificate(anchor, anchor)]
    document = orjson.dumps({"issuer": "300:0.NA/88.100", "chain": chain})
    signer = read_signer(document, pem(key))
    values = device_values(HANDLE, "idis", record())
    signed, *certificates = signer.values(HANDLE, values)
    assert [(one.index, one.type, one.data) for one in certificates] == [
        (401, "HS_CERT", chain[0]),
        (402, "HS_CERT", chain[1]),
    ]
    assert (signed.index, signed.type) == (400, "HS_SIGNATURE")
    assert isinstance(signed.data, str)
    check_jws(signed.data, key.public_key())
    claims = jws_claims(signed.data)
    assert (claims["iss"], claims["sub"]) == ("300:0.NA/88.100", HANDLE)
    assert claims["chain"] == [f"401:{HANDLE}", f"402:{HANDLE}"]
    assert claims["digests"] == digests_of(values)
    (bare,) = unsigned(HANDLE, values)
    assert (bare.index, bare.type) == (400, "TETRAD.DIGESTS")
    assert orjson.loads(str(bare.data)) == {"sub": HANDLE, "digests": digests_of(values)}
    with pytest.raises(MalformedInput):
        check_jws(signed.data, anchor.public_key())
    none = f"{UNSIGNED}.{signed.data.split('.')[1]}."
    with pytest.raises(MalformedInput):
        check_jws(none, key.public_key())


def test_a_signer_whose_certificates_do_not_lead_from_its_key_is_refused(
    keys: tuple[RSAPrivateKey, RSAPrivateKey],
) -> None:
    key, anchor = keys
    good = [certificate(key, anchor), certificate(anchor, anchor)]
    for chain in (
        [certificate(anchor, anchor)],
        [certificate(key, key), good[1]],
        ["x"],
        [5],
        [good[0]] * 9,
    ):
        with pytest.raises(MalformedInput):
            read_signer(orjson.dumps({"issuer": "300:x", "chain": chain}), pem(key))
    for document in (b"", b"[]", b"{}", b'{"issuer":1,"chain":[]}', b'{"issuer":"x","chain":{}}'):
        with pytest.raises(MalformedInput):
            read_signer(document, pem(key))
    with pytest.raises(MalformedInput):
        read_signer(b'{"issuer":"x","chain":[]}', b"no key")


@given(text=st.text(max_size=60))
def test_hostile_certificates_are_refused_by_our_errors_alone(
    keys: tuple[RSAPrivateKey, RSAPrivateKey], text: str
) -> None:
    with pytest.raises(MalformedInput):
        jws_claims(text)
    with pytest.raises(MalformedInput):
        check_jws(text, keys[0].public_key())
