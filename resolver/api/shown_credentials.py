"""Credentials that are shown beside an answer to a challenge: verified to the genesis, or refused.

    name = await shown.verify(credential, holder)        # "NetworkSecurityLabel"

A device shows what is said about itself or its model, by whoever is accredited to say it, and not
revoked. The evidence is made here, of this ledger as it is now; the check is the one that anybody
makes (resolver/accreditation.py). Status lists are those that are published at this very service:
nothing is fetched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from identity.credentials.device import DeviceCredential, read_device_credential
from identity.dpop import normal_address
from identity.errors import NotAccredited, NotFound, StatusUnknown
from resolver.accreditation import verify_device_credential
from resolver.pinned import Pinned
from resolver.service import Service
from resolver.status_lists import PATH, check_name
from resolver.trust import Trust


class ShownCredentials:
    """The verifier of one service."""

    def __init__(self, service: Service, addresses: Callable[[], Sequence[str]]) -> None:
        """`addresses` are those under which the service is known."""
        self._service = service
        self._addresses = addresses
        self._trust: Trust | None = None

    async def verify(self, credential: dict[str, Any], holder: str) -> str:
        """The type of a device credential about the holder. Raises CredentialRefused,
        InvalidProof, EvidenceRefused."""
        service = self._service
        read = read_device_credential(credential)
        lists = await self._lists(read)
        try:
            found = service.accredited.find(read.issuer, read.name, holder, service.now)
        except NotFound as missing:
            raise NotAccredited(missing.detail, pointer=missing.pointer) from None
        published = service.publication.current
        if published is None or published.size <= found.entry:
            published = await service.publication.covering(found.entry + 1)
        evidence = service.evidence.of_records(found.keys, published.size, published.note)
        verified = verify_device_credential(
            credential,
            orjson.loads(evidence),
            self._pinned(),
            now=service.now,
            status=lambda entry: lists[entry["statusListCredential"]],
            device=holder,
        )
        return verified.type

    def _pinned(self) -> Pinned:
        """This service's own ledger, with the keys of its log as they were replaced."""
        trust = self._trust or Trust.begin(self._service.site.genesis)
        for item in self._service.key_updates.after(trust.history.entry):
            trust = trust.extend(item)
        self._trust = trust
        return trust.pinned

    async def _lists(self, read: DeviceCredential) -> dict[str, dict[str, Any]]:
        """The status lists that a credential names. Raises StatusUnknown for one that is elsewhere
        or not there."""
        found = {}
        for entry in read.credentialStatus or ():
            url = entry.statusListCredential
            issuer, name = self._place(url)
            data = await asyncio.to_thread(self._service.site.lists.get, issuer, name)
            if data is None:
                raise StatusUnknown("the status list is not published", pointer="/credentialStatus")
            found[url] = orjson.loads(data)
        return found

    def _place(self, url: str) -> tuple[str, str]:
        """Issuer and name of a list at this service."""
        address = normal_address(url) or ""
        for known in self._addresses():
            if address.startswith(known + PATH):
                issuer, _, name = address.removeprefix(known + PATH).partition("/")
                try:
                    check_name(name)
                except NotFound as missing:
                    raise StatusUnknown(missing.detail, pointer="/credentialStatus") from None
                return issuer, name
        raise StatusUnknown(
            "a status list that is not at this service is not fetched", pointer="/credentialStatus"
        )
