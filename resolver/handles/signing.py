"""HS_SIGNATURE and HS_CERT, for an operator who was given a key and certificates for it.

    signer = read_signer(document, pem)
    signer.values("88.100.9999/dev0001", values)     # HS_SIGNATURE at 400, HS_CERT from 401

No key of a ledger signs handle values: the log's sign checkpoints and nothing else, the parties'
sign operations (specs/adr/0092-who-signs-a-handle.md). Without a signer the same digests stand, by
nobody signed and so by another name, in TETRAD.DIGESTS. What a signature claims is that these were
the values since the entry of its time; what is newest, the proof beside it says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    RSAPublicNumbers,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from identity.errors import MalformedInput, TetradError
from identity.jcs import Json, canonicalize_profile, parse
from identity.members import parse_time
from identity.multibase import base64url_decode, base64url_encode
from resolver.handles.encoding import HandleValue, digests_of
from resolver.handles.values import SIGNATURE

MAX_CHAIN: Final = 8
LEAST_BITS: Final = 2048
_HEADER: Final = base64url_encode(b'{"alg":"RS256"}')


@dataclass(frozen=True, slots=True)
class HandleSigner:
    """A key, in whose name it signs, and the certificates that lead from it to an anchor."""

    issuer: str
    """`index:handle` of the public key."""
    key: RSAPrivateKey
    chain: tuple[str, ...] = ()
    """Compact JWS, that about the key first."""

    def values(self, handle: str, values: Sequence[HandleValue]) -> list[HandleValue]:
        """The signature over the digests of all these values, and the certificates."""
        when = max(value.timestamp for value in values)
        claims: dict[str, Json] = {
            "digests": cast("Json", digests_of(values)),
            "chain": [f"{SIGNATURE + place}:{handle}" for place in range(1, len(self.chain) + 1)],
            "iss": self.issuer,
            "sub": handle,
            "iat": parse_time(when),
            "nbf": parse_time(when),
        }
        # RSA of this padding is a function of key and text: the same record, the same signature.
        signed = f"{_HEADER}.{base64url_encode(canonicalize_profile(claims))}"
        signature = base64url_encode(self.key.sign(signed.encode(), PKCS1v15(), SHA256()))
        shown = [HandleValue(SIGNATURE, "HS_SIGNATURE", f"{signed}.{signature}", when)]
        for place, certificate in enumerate(self.chain, 1):
            shown.append(HandleValue(SIGNATURE + place, "HS_CERT", certificate, when))
        return shown


def unsigned(handle: str, values: Sequence[HandleValue]) -> list[HandleValue]:
    """The digests alone, under a name that promises no signature."""
    when = max(value.timestamp for value in values)
    claims = cast("Json", {"sub": handle, "digests": digests_of(values)})
    return [HandleValue(SIGNATURE, "TETRAD.DIGESTS", canonicalize_profile(claims).decode(), when)]


def read_signer(document: bytes, pem: bytes) -> HandleSigner:
    """A signer out of `{"issuer": "300:0.NA/88.100", "chain": ["eyJ…", …]}` and an RSA key in PEM.

    Each certificate is signed by the key that the next one is about, and the first is about this
    key; whom the last one is by is the operator's affair. Raises MalformedInput.
    """
    try:
        given = parse(document)
        key = load_pem_private_key(pem, None)
    except (TetradError, ValueError, TypeError):
        raise MalformedInput(
            "a signer of handles is a JSON object, and an RSA key in PEM without a passphrase"
        ) from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < LEAST_BITS:
        raise MalformedInput(f"handles are signed by RSA keys of at least {LEAST_BITS} bits")
    if not isinstance(given, dict) or set(given) != {"issuer", "chain"}:
        raise MalformedInput("a signer of handles has the members issuer and chain")
    issuer, chain = given["issuer"], given["chain"]
    if not isinstance(issuer, str) or not isinstance(chain, list) or len(chain) > MAX_CHAIN:
        raise MalformedInput(f"issuer is a text, chain a list of at most {MAX_CHAIN}")
    _check_chain(chain, key.public_key())
    return HandleSigner(issuer, key, tuple(cast("list[str]", chain)))


def _check_chain(chain: Sequence[Json], key: RSAPublicKey) -> None:
    """Raises MalformedInput for certificates that do not lead away from the key."""
    about = [certified_key(one) for one in chain]
    if about and about[0].public_numbers() != key.public_numbers():
        raise MalformedInput("the first certificate is about another key", pointer="/chain/0")
    for place, by in enumerate(about[1:]):
        check_jws(cast("str", chain[place]), by)


def certified_key(certificate: Json) -> RSAPublicKey:
    """The key that an HS_CERT is about. Raises MalformedInput."""
    claims = jws_claims(certificate)
    try:
        jwk = cast("dict[str, str]", claims["publicKey"])
        numbers = [int.from_bytes(base64url_decode(jwk[name])) for name in ("e", "n")]
        return RSAPublicNumbers(*numbers).public_key()
    except (KeyError, TypeError, AttributeError, ValueError, TetradError):
        raise MalformedInput("a certificate of handles has an RSA publicKey") from None


def jws_claims(text: Json) -> Mapping[str, Any]:
    """The claims of a compact JWS, not verified. Raises MalformedInput."""
    try:
        _, payload, _ = cast("str", text).split(".")
        claims = parse(base64url_decode(payload))
        if isinstance(claims, dict):
            return claims
    except (ValueError, AttributeError, TetradError):
        pass
    raise MalformedInput("a compact JWS with claims is expected")


def check_jws(text: str, key: RSAPublicKey) -> None:
    """Raises MalformedInput unless a compact JWS verifies under the key; RS256 and nothing else,
    whatever its header says."""
    signed, _, signature = text.rpartition(".")
    try:
        header = parse(base64url_decode(signed.partition(".")[0]))
        if not isinstance(header, dict) or header.get("alg") != "RS256":
            raise MalformedInput("a signature of handle values is RS256")
        key.verify(base64url_decode(signature), signed.encode(), PKCS1v15(), SHA256())
    except InvalidSignature:
        raise MalformedInput("a signature of handle values does not verify") from None
    except (ValueError, UnicodeEncodeError):
        raise MalformedInput("a compact JWS is expected") from None
