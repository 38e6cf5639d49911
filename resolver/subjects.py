"""Whether the ledger still stands behind the subject of a credential.

A credential about a device of this ledger ends with the device: revoking it, retiring it or
suspending it does the same to every credential about it, whoever issued them.
"""

from __future__ import annotations

from typing import cast

import orjson

from identity.errors import CredentialRevoked, CredentialSuspended
from registry.state import Subject, state_key
from registry.store import Store


def subject_in_force(store: Store, identifier: str) -> None:
    """Raises CredentialRevoked or CredentialSuspended for a subject of this ledger that is not
    active. What is not on this ledger is not ours to judge."""
    if not identifier.startswith("did:tetrad:"):
        return
    did = identifier.partition("#")[0]
    (record,) = store.records([state_key(("did", did))])
    if record is None:
        return
    status = cast("Subject", orjson.loads(record))["status"]
    if status == "suspended":
        raise CredentialSuspended("its subject is suspended in the ledger", subject=did)
    if status != "active":
        raise CredentialRevoked(f"its subject is {status} in the ledger", subject=did)
