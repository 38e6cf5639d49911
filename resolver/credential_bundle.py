"""Credential bundles: a device credential with all that is needed to check it far from any network.

    {"credentialBundle": 1, "genesis": {…}, "updates": […], "credential": {…}, "evidence": {…},
     "statusLists": [{…}]}

As in a bundle of an answer (resolver/bundle.py), the reader trusts the genesis by its hash, which
they were told, and nothing else in it. Pure; specified in specs/1-identity.md, "Accreditation".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

from identity.credentials.credential import StatusLists
from identity.errors import SchemaViolation, StatusUnknown
from identity.jcs import Json
from resolver.accreditation import VerifiedDeviceCredential, verify_device_credential
from resolver.trust import Trust

VERSION: Final = 1
MOST_LISTS: Final = 4
_MEMBERS: Final = {
    "credentialBundle",
    "genesis",
    "updates",
    "credential",
    "evidence",
    "statusLists",
}


def lists_at_hand(lists: Sequence[Json]) -> StatusLists:
    """Status lists by the address that each says is its own; the others are not at hand."""
    known = {
        one["id"]: one for one in lists if isinstance(one, dict) and isinstance(one.get("id"), str)
    }

    def find(entry: dict[str, Any]) -> dict[str, Any]:
        url = entry["statusListCredential"]
        if url not in known:
            raise StatusUnknown(
                "a status list that the credential names is not at hand",
                pointer="/credentialStatus",
                hint=f"fetch {url}",
            )
        return known[url]

    return find


class CredentialBundle(NamedTuple):
    """A bundle that was read; nothing of it is verified but the genesis against itself."""

    trust: Trust
    credential: dict[str, Json]
    evidence: dict[str, Json]
    lists: list[Json]

    def verify(
        self, trust: Trust, *, now: int, within: int | None = None, device: str | None = None
    ) -> VerifiedDeviceCredential:
        """Checks the credential by what is pinned; `trust` is `self.trust` or a better informed
        one. Raises as `verify_device_credential`."""
        return verify_device_credential(
            self.credential,
            self.evidence,
            trust.pinned,
            now=now,
            status=lists_at_hand(self.lists),
            within=within,
            device=device,
        )


def credential_bundle_bytes(
    trust: Trust,
    credential: Mapping[str, Json],
    evidence: Mapping[str, Json],
    lists: Sequence[Mapping[str, Json]],
) -> bytes:
    """The file for a verified credential."""
    value = {
        "credentialBundle": VERSION,
        "genesis": trust.genesis,
        "updates": list(trust.updates),
        "credential": dict(credential),
        "evidence": dict(evidence),
        "statusLists": [dict(one) for one in lists],
    }
    return orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n"


def is_credential_bundle(value: Json) -> bool:
    """Whether a file means to be one."""
    return isinstance(value, dict) and "credentialBundle" in value


def read_credential_bundle(value: Json) -> CredentialBundle:
    """Reads a bundle. Raises SchemaViolation, and what does not hold of its genesis and updates."""
    if not isinstance(value, dict) or set(value) != _MEMBERS:
        raise SchemaViolation(f"a credential bundle has the members {', '.join(sorted(_MEMBERS))}")
    if type(value["credentialBundle"]) is not int or value["credentialBundle"] != VERSION:
        raise SchemaViolation("not of this version", hint=f"credentialBundle is {VERSION}")
    updates, lists = value["updates"], value["statusLists"]
    credential, evidence = value["credential"], value["evidence"]
    if not isinstance(updates, list) or not isinstance(lists, list):
        raise SchemaViolation("updates and statusLists are lists")
    if not isinstance(credential, dict) or not isinstance(evidence, dict):
        raise SchemaViolation("credential and evidence are objects")
    if len(lists) > MOST_LISTS or not all(
        isinstance(one, dict) and isinstance(one.get("id"), str) for one in lists
    ):
        raise SchemaViolation(f"at most {MOST_LISTS} status lists, each with an id")
    trust = Trust.begin(value["genesis"])
    for item in updates:
        trust = trust.extend(item)
    return CredentialBundle(trust, credential, evidence, lists)
