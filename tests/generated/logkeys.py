"""specs/vectors/ledger/keys.json: a log whose keys are replaced twice, and who may sign what.

The evidence of each update, the keys in force for each size, and checkpoints that a client with the
whole history opens, or refuses.
"""

from __future__ import annotations

from typing import Any

from identity.jcs import Json
from registry.checkpoint import Checkpoint
from registry.keyupdates import KeyUpdates
from registry.merkle import root_at
from registry.note import Signer, sign_note
from registry.tile import subtree_reader
from tests.factory import ORIGIN, City, Signed, log_pair, log_vkeys
from tests.generated import file

UPDATES = (2, 5)
"""The entries of the updates."""


def rotated_city() -> City:
    """Genesis, Acme, update 1, a rotation of the authority's own keys, Beta, update 2, Gamma."""
    city = City()

    def happens(signed: Signed | None) -> None:
        assert signed is not None
        city.now += 60
        city.accept(signed)

    happens(city.new_organization("Acme").first)
    happens(city.update_registry(log=log_vkeys(1)))
    happens(city.rotate(city.authority))
    happens(city.new_organization("Beta").first)
    happens(city.update_registry(log=log_vkeys(2)[:1]))
    happens(city.new_organization("Gamma").first)
    return city


def note(city: City, size: int, signer: Signer) -> str:
    """A checkpoint of the city's tree of that size, by whoever."""
    root = root_at(size, subtree_reader(city.store.tile))
    return sign_note(Checkpoint(ORIGIN, size, root).format(), [signer], city.now).decode()


def _checkpoints(city: City, size: int) -> list[dict[str, Any]]:
    """Every tree, by the Ed25519 key of every generation."""
    reader = city.reader
    shown = []
    for n in range(1, size + 1):
        for generation in range(3):
            signer, _ = log_pair(generation)
            one: dict[str, Any] = {"size": n, "note": note(city, n, signer)}
            if reader.log_keys(n)[0] != str(signer.key):
                one["error"] = "evidence.checkpoint"
            shown.append(one)
    return shown


def files() -> dict[str, bytes]:
    """The one file."""
    city = rotated_city()
    reader = city.reader
    size = reader.head().size
    updates: list[dict[str, Json]] = KeyUpdates(city.store, reader).after(0)
    value = {
        "description": "Updates of a log's keys, and which key signs which tree.",
        "genesis": city.genesis.operation,
        "updates": updates,
        "in force": [{"size": n, "keys": reader.log_keys(n)} for n in range(1, size + 1)],
        "checkpoints": _checkpoints(city, size),
    }
    return {"vectors/ledger/keys.json": file(value)}
