"""Verification methods out of one ledger's state, and of `did:key`.

    methods = LedgerMethods(store)
    methods("did:tetrad:…#zQm…")        # identity.methods.Method

The keys are those in force in the newest committed state; a subject that is not active has none.
Whoever has evidence instead of a store uses `subject_method` on a record that was proved.
"""

from __future__ import annotations

from typing import cast

import orjson

from identity.errors import UnknownMethod, WrongState
from identity.keys import public_key
from identity.methods import SIGNING_PURPOSES, Method, did_key_methods
from registry.state import Subject, state_key
from registry.store import Store


def subject_method(subject: Subject, url: str) -> Method:
    """The method that `url` names among the keys in force of a record. Raises UnknownMethod, and
    WrongState where the subject is suspended, revoked or retired."""
    did, _, fragment = url.partition("#")
    if did != subject["did"]:
        raise UnknownMethod("a method of another party")
    if subject["status"] != "active":
        raise WrongState(f"the signer is {subject['status']}", party=did)
    keys = [public_key(multikey) for multikey in subject["keys"]]
    for key in keys:
        if key.thumbprint == fragment:
            beside = tuple(one.algorithm for one in keys)
            return Method(url, did, key, SIGNING_PURPOSES, beside)
    raise UnknownMethod(
        "this is not a present key of that party",
        hint="sign with its newest keys; earlier ones ended with their rotation",
    )


class LedgerMethods:
    """The methods of all subjects of one ledger (identity.methods.Methods)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, url: str) -> Method:
        """The method. Raises UnknownMethod, InvalidKey, WrongState."""
        if url.startswith("did:key:"):
            return did_key_methods(url)
        did, _, _ = url.partition("#")
        if not did.startswith("did:tetrad:"):
            raise UnknownMethod("keys are those of did:key or did:tetrad; nothing is fetched")
        (record,) = self._store.records([state_key(("did", did))])
        if record is None:
            raise UnknownMethod("no such party on this ledger")
        return subject_method(cast("Subject", orjson.loads(record)), url)
