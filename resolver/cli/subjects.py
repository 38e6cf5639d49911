"""Which subject a person means: a DID, or the code of a device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identity.errors import KeystoreError

if TYPE_CHECKING:
    from resolver.client import Client


def subject_of(client: Client, text: str) -> str:
    """The DID: itself, an organization's name in the wallet, or the device that bears a code.

    What a code leads to is proved. Raises InvalidIdentifier, NotFound, Gone.
    """
    if text.startswith("did:"):
        return text
    try:
        return client.wallet.named(text)
    except KeystoreError:
        return client.resolve(text).did
