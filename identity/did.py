"""Decentralized identifiers: `did:key`, `did:tetrad`, and the grammar of DID URLs.

`did:tetrad:<label>:<operation hash>` names a subject of a ledger. The operation hash is that of the
subject's first operation, so that the identifier proves its own first keys; the label, the first
ten bytes of the genesis hash in lower-case base32, tells which ledger to ask and proves nothing.

    >>> parse_did_url("did:key:z6MkiTBz#z6MkiTBz").fragment
    'z6MkiTBz'
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import NamedTuple

from identity.errors import InvalidKey, MalformedInput
from identity.keys import public_key
from identity.multibase import decode_multihash

_LONGEST = 5_300  # a did:key method of ML-DSA-65, which repeats its key, has 5,223
_LABEL_BYTES = 10

# DID Core 1.0, section 3.1 (DID syntax) and 3.2 (DID URL syntax) over RFC 3986.
_PCHAR = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_DID_URL = re.compile(
    r"(?P<did>did:(?P<method>[a-z0-9]+):"
    r"(?P<identifier>(?:(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})*:)*(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})+))"
    rf"(?P<path>(?:/{_PCHAR}*)*)"
    rf"(?:\?(?P<query>(?:{_PCHAR}|[/?])*))?"
    rf"(?:\#(?P<fragment>(?:{_PCHAR}|[/?])*))?"
)
_TETRAD = re.compile(r"did:tetrad:(?P<label>[a-z2-7]{16}):(?P<hash>zQm[1-9A-HJ-NP-Za-km-z]{44})")


class DidUrl(NamedTuple):
    """The parts of a DID URL. `query` and `fragment` are None where their mark is absent."""

    did: str
    method: str
    identifier: str
    path: str
    query: str | None
    fragment: str | None


def parse_did_url(text: str) -> DidUrl:
    """Split a DID or DID URL (DID Core, section 3.2). Raises `MalformedInput`."""
    if len(text) > _LONGEST:
        raise MalformedInput(f"a DID URL of {len(text)} characters")
    match = _DID_URL.fullmatch(text)
    if match is None:
        raise MalformedInput(f"not a DID or DID URL: {text[:80]!r}")
    return DidUrl(
        match["did"],
        match["method"],
        match["identifier"],
        match["path"],
        match["query"],
        match["fragment"],
    )


def did_key(multikey: str) -> str:
    """The `did:key` of a Multikey. Raises `InvalidKey`."""
    return f"did:key:{public_key(multikey).multikey}"


def did_key_method(multikey: str) -> str:
    """The one verification method of a `did:key`: `did:key:z6Mk…#z6Mk…`. Raises `InvalidKey`."""
    return f"{did_key(multikey)}#{multikey}"


def parse_did_key(text: str) -> str:
    """The Multikey of a `did:key` DID or of its verification method `did:key:M#M`.

    Raises `MalformedInput`, also for a key that is refused.
    """
    multikey, mark, fragment = text.removeprefix("did:key:").partition("#")
    if not text.startswith("did:key:") or (mark and fragment != multikey):
        raise MalformedInput(f"not a did:key or its verification method: {text[:80]!r}")
    try:
        return public_key(multikey).multikey
    except InvalidKey as refusal:
        raise MalformedInput(f"not a did:key: {refusal.detail}", hint=refusal.hint) from None


@lru_cache(maxsize=64)
def ledger_label(genesis_hash: str) -> str:
    """The label of a ledger: 16 characters of base32 out of its genesis hash (`zQm…`)."""
    return base64.b32encode(decode_multihash(genesis_hash)[:_LABEL_BYTES]).decode("ascii").lower()


def tetrad_did(genesis_hash: str, operation_hash: str) -> str:
    """The DID of the subject whose first operation has this hash. Raises `MalformedInput` for a
    genesis hash that is none; the operation hash is one that the caller has computed."""
    return f"did:tetrad:{ledger_label(genesis_hash)}:{operation_hash}"


def tetrad_method(did: str, thumbprint: str) -> str:
    """The verification method of a subject's key: `did#thumbprint`."""
    return f"{did}#{thumbprint}"


def tetrad_did_url(text: str) -> DidUrl | None:
    """A text as a did:tetrad without path, query and fragment, where it has the shape of one.

    Quick, for whoever looks the DID up: one that stands in a ledger has a hash that is one. Before
    anything else is made of it, `parse_tetrad_did` decides.
    """
    if _TETRAD.fullmatch(text) is None:
        return None
    return DidUrl(text, "tetrad", text[len("did:tetrad:") :], "", None, None)


def parse_tetrad_did(did: str) -> tuple[str, str]:
    """Label and operation hash of a `did:tetrad`. Raises `MalformedInput`."""
    match = _TETRAD.fullmatch(did)
    if match is None:
        raise MalformedInput(
            f"not a did:tetrad: {did[:80]!r}", hint="did:tetrad:<16 characters>:zQm…, nothing else"
        )
    decode_multihash(match["hash"])
    return match["label"], match["hash"]
