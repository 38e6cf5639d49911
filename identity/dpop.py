"""Proofs of possession beside an HTTP request: DPoP (RFC 9449), made and checked.

    proof = create_dpop(key, method="GET", url=url, token=token, now=now, jti=jti)
    checked = check_dpop(proof, method="GET", url=url, token=token, now=now, window=60)
    checked.key                      # who signed; that it is the token's key is for the caller

A proof is a JWT (RFC 7519) that names the request and the hash of the token. It is worth nothing
elsewhere, later, or for another token; that it is used once is for whoever remembers `jti`. Pure:
clock and random values come in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from identity.errors import InvalidToken, TetradError
from identity.jcs import parse
from identity.jwk import JWS_ALGORITHMS, jwk_of, read_jwk
from identity.keys import PrivateKey, PublicKey, low_s
from identity.multibase import base64url_decode, base64url_encode

TYPE = "dpop+jwt"
LONGEST = 16_384
"""Characters of a proof that is looked at; one with an ML-DSA-65 key has about 8,500."""
_LONGEST_ID = 128
_URI = re.compile(r"[!-~]+")


class DpopProof(NamedTuple):
    """A proof that holds for the request, the token and the time that were asked about."""

    key: PublicKey
    """That signed it."""
    jti: str
    issued: int
    """Seconds since the epoch, by the signer's clock."""


def token_hash(token: str) -> str:
    """`ath`: base64url of SHA-256 of the token (RFC 9449, section 4.2)."""
    return base64url_encode(sha256(token.encode("utf-8", "replace")).digest())


def create_dpop(key: PrivateKey, *, method: str, url: str, token: str, now: int, jti: str) -> str:
    """The value of the header `DPoP` for one request (RFC 9449, sections 4.2 and 7).

    `url` may have a query, which is left out; `jti` is new for each, of at least 96 random bits.
    Raises InvalidKey for a key that has no JWK.
    """
    public = key.public
    jwk = jwk_of(public)
    header = {"typ": TYPE, "alg": JWS_ALGORITHMS[public.algorithm][0], "jwk": jwk}
    claims = {
        "jti": jti,
        "htm": method,
        "htu": _without_query(url),
        "iat": now,
        "ath": token_hash(token),
    }
    signed = f"{_part(header)}.{_part(claims)}"
    return f"{signed}.{base64url_encode(key.sign(signed.encode()))}"


def check_dpop(
    proof: str, *, method: str, url: str, token: str, now: int, window: int
) -> DpopProof:
    """Checks one proof (RFC 9449, section 4.3). `window` is by how many seconds its time may differ
    from `now`, either way. Raises InvalidToken."""
    try:
        header, claims, signature, signed = _read(proof)
        if header.get("typ") != TYPE or "crit" in header:  # steps 2 and 4; RFC 7515, 4.1.11
            raise InvalidToken(f"the proof is not a JWT of the type {TYPE}")
        key = read_jwk(header.get("jwk"))  # step 7: private members are refused
        if header.get("alg") not in JWS_ALGORITHMS[key.algorithm]:  # step 5
            raise InvalidToken("the algorithm of the proof is not that of its key")
        # Step 6. JWS allows both signatures of ECDSA, and most libraries make either: what a proof
        # is known by is its `jti`, and never its signature.
        key.verify(low_s(key.algorithm, signature), signed)
    except InvalidToken:
        raise
    except TetradError as refusal:
        raise InvalidToken(f"the proof beside the token: {refusal.detail}") from None
    return _claimed(key, claims, method, url, token, now, window)


def _claimed(
    key: PublicKey,
    claims: Mapping[str, Any],
    method: str,
    url: str,
    token: str,
    now: int,
    window: int,
) -> DpopProof:
    jti, issued = claims.get("jti"), claims.get("iat")
    if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_ID:  # step 3
        raise InvalidToken(f"jti of the proof has 1 to {_LONGEST_ID} characters")
    if type(issued) is not int:
        raise InvalidToken("iat of the proof is a number of whole seconds")
    if claims.get("htm") != method:  # step 8
        raise InvalidToken("the proof is for another method")
    if not _same_url(claims.get("htu"), url):  # step 9
        raise InvalidToken(
            "the proof is for another address", hint=f"its htu must be {_without_query(url)}"
        )
    if abs(now - issued) > window:  # step 11
        raise InvalidToken(
            f"the proof was not made within {window} seconds", hint="is the clock right?"
        )
    if claims.get("ath") != token_hash(token):  # step 12
        raise InvalidToken("the proof is for another token")
    return DpopProof(key, jti, issued)


def _read(proof: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    """Header, claims, signature and what is signed, of a JWS in compact form (RFC 7515, 7.1)."""
    if not proof.isascii() or len(proof) > LONGEST:
        raise InvalidToken("the proof beside the token is too long, or not ASCII")
    parts = proof.split(".")
    if len(parts) != 3:
        raise InvalidToken("the proof beside the token is not a JWT")
    header, claims = (parse(base64url_decode(part), max_bytes=LONGEST) for part in parts[:2])
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise InvalidToken("header and claims of a JWT are objects")
    return header, claims, base64url_decode(parts[2]), ".".join(parts[:2]).encode()


def _part(value: Mapping[str, Any]) -> str:
    return base64url_encode(json.dumps(value, separators=(",", ":")).encode())


def _without_query(url: str) -> str:
    return url.partition("#")[0].partition("?")[0]


def _same_url(claimed: object, url: str) -> bool:
    """Whether two addresses are the same but for query and fragment, and for what RFC 3986 (6.2.2
    and 6.2.3) calls the same: case of scheme and host, the port of the scheme."""
    asked = normal_address(url)
    return asked is not None and isinstance(claimed, str) and normal_address(claimed) == asked


def normal_address(url: str) -> str | None:
    """An http(s) address without query, fragment and last slash, in one form; None for others, as
    for what is no URI: what urlsplit drops (line feeds) or folds (the Kelvin sign) names nobody."""
    if not _URI.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return None
    shown = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}[parts.scheme]
    place = shown if port in (None, usual) else f"{shown}:{port}"
    return f"{parts.scheme}://{place}{parts.path.rstrip('/')}"
