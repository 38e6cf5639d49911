"""Verification methods: whose key a DID URL names, and what that key may be used for.

    method = did_key_methods("did:key:z6Mk…#z6Mk…")
    method.key.verify(signature, message)

Whoever checks a proof outside the ledger (a credential, a presentation, a message of a handshake)
asks a `Methods` for the key. This module knows `did:key`, which needs nobody; those of `did:tetrad`
come from a ledger's state or from verified evidence, and so from above. Nothing is ever fetched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from identity.did import parse_did_key
from identity.errors import MalformedInput, UnknownMethod
from identity.keys import PublicKey, public_key

SIGNING_PURPOSES = frozenset({"authentication", "assertionMethod", "capabilityInvocation"})
"""Of every key of a `did:tetrad` that is in use (identity/document.py)."""
_DID_KEY_PURPOSES = SIGNING_PURPOSES | {"capabilityDelegation"}


class Method(NamedTuple):
    """One verification method of one controller."""

    id: str
    """The DID URL, `did#fragment`."""
    controller: str
    """The DID that it belongs to."""
    key: PublicKey
    purposes: frozenset[str]
    """The relationships under which the controller's document lists it."""
    beside: tuple[str, ...] = ()
    """Algorithms of all keys that the controller has in force, this one's among them: where these
    are classical and post-quantum, one signature of each kind is needed (specs/1-identity.md,
    "Proofs")."""


Methods = Callable[[str], Method]
"""The method that a DID URL names. Raises UnknownMethod, or InvalidKey."""


def did_key_methods(url: str) -> Method:
    """The one method of a `did:key`. Raises UnknownMethod for anything else."""
    did, mark, fragment = url.partition("#")
    try:
        multikey = parse_did_key(url)
    except MalformedInput as refusal:
        raise UnknownMethod(refusal.detail) from None
    if not mark or not fragment:
        raise UnknownMethod("a verification method is a DID URL with a fragment")
    key = public_key(multikey)
    return Method(url, did, key, _DID_KEY_PURPOSES, (key.algorithm,))
