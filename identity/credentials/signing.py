"""Credentials and presentations, signed with a wallet: one proof for each kind of key in force.

    signed = sign_with(wallet, did, credential, purpose="assertionMethod", created=now)

Whoever has classical and post-quantum keys signs with one of each (specs/1-identity.md, "Proofs").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from identity.credentials.securing import secure
from identity.did import tetrad_method
from identity.keys import public_key
from identity.wallet import Wallet


def sign_with(
    wallet: Wallet,
    did: str,
    document: Mapping[str, Any],
    *,
    purpose: str,
    created: str,
    challenge: str | None = None,
    domain: str | None = None,
) -> dict[str, Any]:
    """The document with its proofs. Raises KeystoreError where the wallet lacks the keys."""
    signed = dict(document)
    for multikey in wallet.signing_keys(did):
        key = wallet.key(public_key(multikey).thumbprint)
        signed = secure(
            signed,
            key,
            method=tetrad_method(did, key.public.thumbprint),
            purpose=purpose,
            created=created,
            challenge=challenge,
            domain=domain,
        )
    return signed
