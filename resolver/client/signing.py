"""Signatures by a wallet over what was prepared, here or elsewhere."""

from __future__ import annotations

from typing import cast

from identity.did import tetrad_did
from identity.disclosure import open_disclosures
from identity.errors import KeystoreError
from identity.jcs import Json
from identity.keys import PrivateKey, public_key
from identity.operation import read_operation
from identity.wallet import Establishment, Wallet
from registry.admission import admit
from resolver.prepare import ESTABLISHING
from resolver.prepared import Prepared
from resolver.schemes import SCHEMES
from resolver.trust import Trust


def committed_values(prepared: Prepared) -> dict[str, str]:
    """What an operation that is about to be signed commits to: values by JSON pointer.

    Digests tell nobody what they stand for: whoever prepared the operation could have put another
    number, serial or code behind them. So each must be disclosed beside it, and fit, as the service
    will ask as well; and what is no operation is not signed at all. Raises InvalidInput,
    InvalidDisclosure, InvalidIdentifier.
    """
    wanted = [{**one.options, "proofValue": "z1"} for one in prepared.signing]
    proofs = cast("Json", [*prepared.proofs, *wanted])
    model = read_operation({**prepared.operation, "proof": proofs})
    opened = open_disclosures(list(prepared.disclosures))
    admit(model, opened, SCHEMES, lambda kind, scheme, value: "")  # noqa: ARG005 - only its checks
    return {pointer: disclosure.value for pointer, disclosure in opened.items()}


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
