"""DID documents for which nobody has to be trusted: made here, out of what was proved.

    client.did_document("did:tetrad:…")["verificationMethod"]

A service that resolves DIDs says what it likes; the document follows from the device's record, and
the record is held against the pinned genesis as every answer is (specs/adr/0090).
"""

from __future__ import annotations

from typing import Any

from identity.did import parse_did_key
from identity.document import did_key_document
from resolver.client.flow import Flow
from resolver.client.reading import Reading
from resolver.did_resolution import document_of


def did_document(
    reading: Reading, did: str, *, at: str | None = None, max_age: int | None = None
) -> Flow[dict[str, Any]]:
    """The document of a device's DID, made of its proved record, or of a did:key, made of its key.

    `at` and `max_age` are those of `resolve`, whose errors it raises: NotFound, EvidenceRefused,
    Gone for a device that is revoked or retired. What a ledger says of organizations is not proved
    one by one, and their DIDs are not found.
    """
    if did.startswith("did:key:"):
        return did_key_document(parse_did_key(did))
    found = yield from reading.resolve(did, at=at, max_age=max_age)
    return document_of(found.device)
