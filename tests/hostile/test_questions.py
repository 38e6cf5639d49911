"""Questions that cost the asker nothing and the service much, or that tell what they must not."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from identity.disclosure import NUMBER, disclose
from identity.errors import NotFound
from identity.members import format_time
from registry.store import MemoryStore, Version
from registry.stores.sqlite import SqliteStore
from resolver.did_resolution import Documents, Options, Resolution
from resolver.resolution import Resolver
from resolver.schemes import SCHEMES
from tests.factory import NOW, UNIQUE, City

CHANGES = 400


class Counting(MemoryStore):
    """Counts the versions that are read."""

    read = 0

    def versions(self, key: bytes, *, limit: int, before: int | None = None) -> list[Version]:
        found = super().versions(key, limit=limit, before=before)
        self.read += len(found)
        return found


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_device_that_changed_often_is_as_quickly_asked_for(kind: str, tmp_path: Path) -> None:
    store = Counting() if kind == "memory" else SqliteStore(tmp_path / "store", durable=False)
    city = City(store)
    acme = city.organization("Acme")
    city.accept(city.prefix(acme, "gtin:09506000"))
    device = city.device("M-1", acme)
    for field in range(CHANGES):
        city.now = NOW + 10 * (field + 1)
        sector = {"domain": "production", "field": f"field-{field}"}
        city.accept(city.follow(device, "device.update", {"sector": sector}, by=[acme]))
    resolver = Resolver(store, city.reader, SCHEMES, UNIQUE)
    if isinstance(store, Counting):
        store.read = 0
    for changes in (0, 1, CHANGES // 2, CHANGES):
        found = resolver.find(resolver.did(device.did), at=format_time(NOW + 10 * changes + 5))
        assert found.device["sequence"] == changes
        then = Options(time=format_time(NOW + 10 * changes))
        document = Documents(store, city.ledger_hash).resolve(device.did, then)
        assert isinstance(document, Resolution)
        assert document.metadata["versionId"] == str(found.entry)
    with pytest.raises(NotFound):
        resolver.find(resolver.did(device.did), at=format_time(NOW - 1))
    if isinstance(store, Counting):
        assert store.read < 20
    store.close()


def test_a_number_under_another_salt_is_not_found_in_the_same_words() -> None:
    city = City()
    acme = city.organization("Acme")
    city.accept(city.prefix(acme, "gtin:09506000"))
    city.device("M-1", acme, number="1440000000001")
    resolver = Resolver(city.store, city.reader, SCHEMES, UNIQUE)
    problems = []
    for number in ("1440000000001", "1440000000002"):
        guessed = disclose(NUMBER, number, secrets.token_bytes)
        with pytest.raises(NotFound) as refused:
            resolver.find(resolver.disclosure("msisdn-cn-iot", guessed.encoded))
        problems.append(refused.value.problem())
    assert problems[0] == problems[1]
