"""Which subject a person means: a DID, or the code of a device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identity.errors import KeystoreError, UnknownScheme

if TYPE_CHECKING:
    from resolver.client import Client


def subject_of(client: Client, text: str, *, ended: bool = False) -> str:
    """The DID: itself, `authority`, an organization's name in the wallet, or the device of a code.

    What a code leads to is proved. Raises InvalidIdentifier, NotFound, and Gone for a device that
    is revoked or retired, unless `ended` ones are meant as well.
    """
    if text.startswith("did:"):
        return text
    if text == "authority":
        return client.trust.authority
    try:
        return client.wallet.named(text)
    except KeystoreError:
        pass
    try:
        return client.resolve(text, tombstones=ended).did
    except UnknownScheme as error:
        error.hint = f"a DID, a name out of `tetrad keys list`, or a device's code; {error.hint}"
        raise
