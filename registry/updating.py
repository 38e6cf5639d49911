"""The row of the rule book that changes the registry itself: registry.update.

The authority's pre-rotated keys sign, as in keys.rotate, so that who has stolen a key of the log,
or the authority's present one, cannot name another. Specified in specs/2-registry.md, "Log keys".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from identity.errors import InvalidKey, WrongState
from identity.operation import RegistryUpdate, operation_value
from registry.case import Case
from registry.note import SignatureType, VerifierKey
from registry.state import Changes, Registry
from registry.status import rotated


def registry_update(case: Case) -> Changes:
    """registry.update"""
    body = cast("RegistryUpdate", case.operation).body
    subject = case.subject()
    if subject["kind"] != "authority":
        raise WrongState("the registry is the authority's to update", pointer="/subject")
    claims = rotated(case, subject)
    registry: Registry = {**case.registry}
    if body.log is not None:
        check_log_keys(body.log, registry["origin"])
        if body.log == registry["log"]:
            raise WrongState("these are the log's keys already", pointer="/body/log")
        registry["replaced"] = {"log": registry["log"], "entry": case.state.size}
        registry["log"] = body.log
    if body.policy is not None:
        registry["policy"] = operation_value(body.policy)
    if body.witnesses is not None:
        registry["witnesses"] = body.witnesses
    return case.changing(subject, {**claims, ("registry",): registry})


def check_log_keys(log: Sequence[str], origin: str) -> tuple[VerifierKey, ...]:
    """The verifier keys of an update's `log`. Raises InvalidKey with a pointer."""
    keys: list[VerifierKey] = []
    for place, vkey in enumerate(log):
        pointer = f"/body/log/{place}"
        try:
            key = VerifierKey.parse(vkey)
        except InvalidKey as error:
            error.pointer = pointer
            raise
        if key.name != origin:
            raise InvalidKey(f"a key of the log bears its name, {origin}", pointer=pointer)
        if place == 0 and key.type != SignatureType.ED25519:
            raise InvalidKey("the first key of a log is an Ed25519 key", pointer=pointer)
        if key.type == SignatureType.ED25519_COSIGNATURE:
            raise InvalidKey("a log signs; cosignatures are its witnesses'", pointer=pointer)
        # Two of one ID could not be told apart in a note (C2SP signed-note, "Signatures").
        if any(key.id == other.id for other in keys):
            raise InvalidKey("the same key twice", pointer=pointer)
        keys.append(key)
    return tuple(keys)
