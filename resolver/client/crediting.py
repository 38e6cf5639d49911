"""How a client verifies device credentials, and how an issuer's status lists are published.

Each method is a flow (resolver/client/flow.py). Evidence and lists are asked of the client's own
service alone: an address in a credential is its issuer's word, and nobody is sent elsewhere by it.
Whoever shows a list cannot change it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from identity.credentials.device import read_device_credential
from identity.errors import NotFound, SchemaViolation, StatusUnknown
from identity.jcs import Json, canonicalize
from resolver.accreditation import VerifiedDeviceCredential, verify_device_credential
from resolver.client.flow import Flow, Request, ask_json, member
from resolver.client.reading import Reading
from resolver.credential_bundle import lists_at_hand
from resolver.status_lists import PATH, list_path

_LIST: Final = re.compile(
    PATH + r"did:tetrad:[a-z2-7]{16}:zQm\w{44}/[a-z][a-z0-9-]{0,31}$", re.ASCII
)

FRESH: Final = 300
"""Seconds: what is published is dated anew every minute."""


@dataclass(frozen=True, slots=True)
class Proved:
    """A device credential that was verified, with all that proved it."""

    verified: VerifiedDeviceCredential
    credential: dict[str, Json]
    evidence: dict[str, Json]
    lists: list[dict[str, Json]]
    """The status lists, as their issuer signed them."""


class Crediting(Reading):
    """Flows about device credentials."""

    def accreditation(
        self, issuer: str, kind: str, device: str, *, grant: str | None = None
    ) -> Flow[dict[str, Json]]:
        """The evidence that lets an issuer issue a type about a device; nothing of it is checked
        here. Raises NotAccredited and NotFound on the server's word."""
        query = {"issuer": issuer, "type": kind, "device": device}
        query |= {"grant": grant} if grant is not None else {}
        answer = yield from ask_json(Request("GET", "/v1/accreditations", query))
        return member(answer, "evidence", dict)

    def verify_credential(
        self,
        credential: Mapping[str, Json],
        *,
        device: str | None = None,
        max_age: int | None = FRESH,
    ) -> Flow[Proved]:
        """A device credential, proved from its signature to the pinned genesis, as things are now.

        `device` is a DID or a code: the device that it must be about, needed where the credential
        is about a model. `max_age` bounds the evidence's age in seconds, since whoever holds back
        what is newer holds back a withdrawal; None takes any. Raises CredentialRefused,
        EvidenceRefused, InvalidProof.
        """
        read = read_device_credential(dict(credential))
        about = read.subject.device
        if device is not None and not device.startswith("did:"):
            device = (yield from self.resolve(device, tombstones=True)).did
        target = device or about
        if target is None:
            raise SchemaViolation(
                "the credential is about a model: name the device that it is held against",
                pointer="/device",
                hint="--device CODE",
            )
        evidence = yield from self.accreditation(read.issuer, read.name, target)
        note = str(evidence.get("checkpoint")).encode()
        yield from self.learn(note)
        lists: list[dict[str, Json]] = []
        for entry in read.credentialStatus or []:
            lists += [(yield from self.status_list(entry.statusListCredential))]
        verified = verify_device_credential(
            dict(credential),
            evidence,
            self.trust.pinned,
            now=int(self.clock()),
            status=lists_at_hand(lists),
            within=max_age,
            device=target,
        )
        yield from self.observe(note)
        return Proved(verified, dict(credential), evidence, lists)

    def status_list(self, url: str) -> Flow[dict[str, Json]]:
        """The newest list of an address, from this client's own service. Nothing of it is checked
        here. Raises StatusUnknown where the service does not show it."""
        place = _LIST.search(url)
        if place is None:
            raise StatusUnknown(
                "the status list lies elsewhere, and nothing is fetched from there",
                pointer="/credentialStatus",
                hint=f"fetch {url[:200]} and verify offline",
            )
        try:
            return (yield from ask_json(Request("GET", place.group())))
        except NotFound:
            raise StatusUnknown(
                "the service does not show this status list",
                pointer="/credentialStatus",
                hint="its issuer publishes it: tetrad credential sync",
            ) from None

    def publish_status_list(
        self, issuer: str, name: str, credential: Mapping[str, Json]
    ) -> Flow[dict[str, Json]]:
        """Publishes a list that its issuer has signed. Raises what the service refuses."""
        request = Request(
            "PUT",
            list_path(issuer, name),
            body=canonicalize(dict(credential)),
            media="application/vc",
        )
        return (yield from ask_json(request))
