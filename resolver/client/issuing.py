"""An issuer at work: credentials made from what the ledger says, signed, noted, and their lists.

    issuing = Issuing(client, home, did)
    signed = issuing.issue(Wish("NetworkSecurityLabel", {"stars": 2, …}), device)
    issuing.change(signed["id"], "revoke", "recalled")
    issuing.sync()                                  # the lists follow the ledger

A credential's place in the lists is on the disk before the credential is signed; it is noted before
it is handed out, and its list is published first, so that whoever gets it can verify it.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from identity.credentials.device import TYPES, new_device_credential
from identity.credentials.members import BASE_CONTEXT
from identity.credentials.signing import sign_with
from identity.credentials.subjects import model_url
from identity.errors import MalformedCredential, NotFound, StatusUnknown
from identity.jcs import Json
from identity.members import format_time
from registry.state import Device
from resolver.client import Client
from resolver.client.home import Home
from resolver.issued import LIFETIME, Issued


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be issued."""

    type: str
    claims: Mapping[str, Any]
    model: bool = False
    """About the device's model rather than the device."""
    valid_from: str | None = None
    valid_until: str | None = None


class Issuing:
    """One issuer. Its wallet is open, and so nobody else changes its book."""

    def __init__(self, client: Client, home: Home, issuer: str) -> None:
        self._client = client
        self._home = home
        self._issuer = issuer
        self.book = home.book(client.trust, issuer, client.url)

    @property
    def _now(self) -> int:
        return int(self._client.flows.clock())

    def issue(self, wish: Wish, device: str) -> dict[str, Any]:
        """A signed credential about a device, which is resolved and proved.

        Raises NotAccredited where no grant allows it, MalformedCredential, KeystoreError.
        """
        if wish.type not in TYPES:
            raise MalformedCredential(
                f"not a type of device credential: {wish.type[:60]!r}", hint=", ".join(TYPES)
            )
        record = self._client.resolve(device).device
        self._client.accreditation(self._issuer, wish.type, device)  # refused before it is signed
        identifier = f"urn:uuid:{uuid.uuid4()}"
        claims = claims_of(wish, record)
        self._made(wish, claims, identifier, None)  # its form, before a place is taken
        place = self.book.reserve(secrets.randbelow)
        self._keep()
        unsigned = self._made(wish, claims, identifier, self.book.entries(place))
        signed = sign_with(
            self._client.wallet,
            self._issuer,
            unsigned,
            purpose="assertionMethod",
            created=format_time(self._now),
        )
        self.book.add(
            Issued(
                identifier,
                wish.type,
                cast("str", claims["id"]),
                place.number,
                place.index,
                self._client.wallet.methods(self._issuer),
                wish.valid_until,
            )
        )
        if self._due(place.number):
            self.publish()
        else:
            self._keep()
        return signed

    def _made(
        self,
        wish: Wish,
        claims: dict[str, Any],
        identifier: str,
        status: list[dict[str, Any]] | None,
    ) -> dict[str, Any]:
        return new_device_credential(
            wish.type,
            claims,
            issuer=self._issuer,
            valid_from=wish.valid_from or format_time(self._now),
            valid_until=wish.valid_until,
            identifier=identifier,
            status=status,
        )

    def _due(self, number: int) -> bool:
        """Whether the lists are to be signed: one of them is new, or they have half run out."""
        if self.book.published + LIFETIME // 2 < self._now:
            return True
        try:
            self._client.status_list(self.book.address("revocation", number))
        except StatusUnknown:
            return True
        return False

    def change(self, name: str, change: str, reason: str = "") -> Issued:
        """`revoke`, `suspend` or `reinstate`, with the list that says so published.

        Raises NotFound, WrongState."""
        issued = self.book.find(name)
        if change == "revoke":
            self.book.revoke(issued, reason)
        elif change == "suspend":
            self.book.suspend(issued, reason)
        else:
            self.book.reinstate(issued)
        self.publish()
        return issued

    def sync(self) -> tuple[list[Issued], list[str]]:
        """Lets the book follow the ledger, and publishes every list anew: what changed, and the
        names of the lists."""
        changed: list[Issued] = []
        statuses: dict[str, str] = {}
        for issued in self.book.credentials.values():
            if "/" in issued.subject or issued.revoked:
                continue
            if issued.subject not in statuses:
                found = self._client.resolve(issued.subject, tombstones=True)
                statuses[issued.subject] = found.status
            if self.book.follow(issued, statuses[issued.subject]):
                changed.append(issued)
        return changed, self.publish()

    def outlived(self) -> list[Issued]:
        """Credentials whose keys were rotated since: nobody takes them any more, and whoever still
        needs them is issued new ones."""
        present = set(self._client.wallet.methods(self._issuer))
        issued = self.book.credentials.values()
        return [one for one in issued if not one.revoked and not present >= set(one.methods)]

    def publish(self) -> list[str]:
        """Signs every list and publishes it; the names."""
        lists = self.book.lists(self._now)
        self._keep()
        for name, unsigned in lists.items():
            signed = sign_with(
                self._client.wallet,
                self._issuer,
                unsigned,
                purpose="assertionMethod",
                created=format_time(self._now),
            )
            self._client.publish_status_list(self._issuer, name, signed)
        return list(lists)

    def _keep(self) -> None:
        self._home.keep_book(self._client.trust, self.book)


def claims_of(wish: Wish, device: Device) -> dict[str, Any]:
    """The claims with what the ledger knows: who the device is, its code, its data's grade."""
    about = cast("dict[str, str]", device["object"])
    maker, model = about["maker"], about["model"]
    known: dict[str, Any] = {
        "id": model_url(maker, model) if wish.model else device["did"],
        "maker": maker,
        "model": model,
    }
    if wish.type == "DeviceIdentity":
        known["code"] = device["code"]
    if wish.type == "DataGradeFiling" and isinstance(device["data"], dict):
        known["grade"] = device["data"]["grade"]
    return {**known, **wish.claims}


def presentation_of(
    device: str,
    about: Mapping[str, Json],
    held: Sequence[Mapping[str, Json]],
    types: Sequence[str],
) -> dict[str, Any]:
    """A presentation by a device of the kept credentials about it or its model, not yet signed.

    Raises NotFound where there are none."""
    subjects = {device, model_url(str(about["maker"]), str(about["model"]))}
    chosen: list[Any] = []
    for one in held:
        subject, named = cast("dict[str, Json]", one["credentialSubject"]), one["type"]
        if subject["id"] in subjects and (not types or cast("list[str]", named)[1] in types):
            chosen.append(dict(one))
    if not chosen:
        raise NotFound("no such credential is kept for this device", hint="tetrad credential keep")
    return {
        "@context": [BASE_CONTEXT],
        "type": ["VerifiablePresentation"],
        "holder": device,
        "verifiableCredential": chosen,
    }
