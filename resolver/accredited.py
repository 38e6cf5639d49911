"""Which grants let an issuer issue a credential about a device: what evidence is made of.

    found = Accredited(store, authority).find(issuer, "NetworkSecurityLabel", device, now)
    evidence.of_records(found.keys, published.size, published.note)

The issuer's own grants are looked through in the order in which they were given; the first that is
in force with all above it, and that covers type and device, is shown. Checked by
resolver/accreditation.py.
"""

from __future__ import annotations

from typing import Final, NamedTuple, cast

import orjson

from identity.did import parse_tetrad_did
from identity.errors import NotAccredited, NotFound
from identity.multibase import decode_multihash
from registry.accreditation import chain_of, covers, in_force
from registry.state import Device, GrantRecord, Key, Organization, Record, state_key
from registry.store import Store
from resolver.schemes import SCHEMES

_PAGE: Final = 256
MOST_LOOKED_AT: Final = 4_096
"""Grants of one holder; whoever has more names the grant."""


class Shown(NamedTuple):
    """The records of which evidence is made, in their order."""

    keys: list[Key]
    entry: int
    """The last that changed one of them."""


class _Records:
    """The state in a store, as it is at each question (registry.state.State)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def size(self) -> int:
        head = self._store.head()
        return head.size if head else 0

    def get(self, key: Key) -> Record | None:
        (found,) = self._store.records([state_key(key)])
        return cast("Record", orjson.loads(found)) if found is not None else None


class Accredited:
    """Looks for the grants of issuers in one store."""

    def __init__(self, store: Store, authority: str) -> None:
        self._store = store
        self._state = _Records(store)
        self._authority = authority

    def find(
        self, issuer: str, type_: str, device: str, now: int, *, grant: str | None = None
    ) -> Shown:
        """The records for evidence; `grant` names the one to show, by its hash.

        Raises NotFound for a party or a grant that does not exist, NotAccredited, MalformedInput.
        """
        parties = [self._party(issuer, "issuer"), self._party(device, "device")]
        if parties[0]["kind"] == "device":
            raise NotFound("no organization with this DID on this ledger", pointer="/issuer")
        if parties[1]["kind"] != "device":
            raise NotFound("no device with this DID on this ledger", pointer="/device")
        bearer = cast("Device", parties[1])
        keys: list[Key] = [("did", issuer)]
        if grant is not None:
            keys = self._keys(self._named(grant, issuer))
        elif issuer != self._authority:
            keys = self._keys(self._fitting(cast("Organization", parties[0]), type_, bearer, now))
        keys.append(("did", device))
        versions = [self._store.versions(state_key(key), limit=1) for key in keys]
        return Shown(keys, max(version[0].entry for version in versions))

    def _party(self, did: str, name: str) -> Organization | Device:
        parse_tetrad_did(did)
        record = self._state.get(("did", did))
        if record is None:
            raise NotFound("no such party on this ledger", pointer=f"/{name}")
        return cast("Organization | Device", record)

    def _named(self, grant: str, issuer: str) -> GrantRecord:
        decode_multihash(grant)
        record = cast("GrantRecord | None", self._state.get(("grant", grant)))
        if record is None or record["right"] != "credential" or record["to"] != issuer:
            raise NotFound("the issuer has no such accreditation", pointer="/grant")
        return record

    def _fitting(self, issuer: Organization, type_: str, bearer: Device, now: int) -> GrantRecord:
        after, looked_at = -1, 0
        while looked_at < MOST_LOOKED_AT:
            page = self._store.listing(
                "grant", after=after, limit=_PAGE, owner=issuer["registered"]["entry"]
            )
            for row in self._store.records([row.key for row in page.rows]):
                grant = cast("GrantRecord", orjson.loads(cast("bytes", row)))
                if (
                    grant["right"] == "credential"
                    and grant["status"] == "active"
                    and covers(SCHEMES, grant["scope"], type_, bearer["code"])
                    and in_force(self._state, grant, now)
                ):
                    return grant
            looked_at += len(page.rows)
            if page.after is None:
                break
            after = page.after
        raise NotAccredited(
            f"no grant in force lets the issuer issue {type_} about this device",
            hint="tetrad grant list --holder shows what it holds now",
        )

    def _keys(self, grant: GrantRecord) -> list[Key]:
        keys: list[Key] = []
        for one in chain_of(self._state, grant):
            keys += [("did", one["to"]), ("grant", one["grant"])]
        return keys
