"""Signatures by a wallet over what was prepared, here or elsewhere."""

from __future__ import annotations

from typing import cast

from identity.did import tetrad_did
from identity.errors import KeystoreError
from identity.keys import PrivateKey, public_key
from identity.wallet import Establishment, Wallet
from resolver.prepare import ESTABLISHING
from resolver.prepared import Prepared
from resolver.trust import Trust


def sign_what_we_can(prepared: Prepared, wallet: Wallet) -> Prepared:
    """With the signatures that this wallet's keys can make; what is left is for others."""
    made: dict[str, bytes] = {}
    for wanted in prepared.signing:
        try:
            made[wanted.method] = method_key(wallet, wanted.method).sign(wanted.input)
        except KeystoreError:
            continue
    return prepared.signed(made)


def method_key(wallet: Wallet, method: str) -> PrivateKey:
    """The key of a verification method. Raises KeystoreError, InvalidKey."""
    fragment = method.partition("#")[2]
    if method.startswith("did:key:"):
        fragment = public_key(fragment).thumbprint
    return wallet.key(fragment)


def adopt_signed(prepared: Prepared, trust: Trust, wallet: Wallet) -> None:
    """Speaks from now on for the DID that a first operation creates, where its keys are here."""
    operation = prepared.operation
    body = operation.get("body")
    if operation.get("type") not in ESTABLISHING or not isinstance(body, dict):
        return
    first = Establishment(cast("list[str]", body["keys"]), cast("list[str]", body["next"]))
    name = body.get("name", "")
    try:
        wallet.adopt(tetrad_did(trust.ledger, prepared.hash), first, name=str(name))
    except KeystoreError:
        return  # they are another's
