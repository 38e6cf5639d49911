"""The log over HTTP: what a client of C2SP tlog-tiles reads is the tree that was signed."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator

import orjson
import pytest

from registry.checkpoint import Checkpoint, open_checkpoint
from registry.entry import StateRoot, parse_any
from registry.merkle import check_consistency, check_inclusion, leaf_hash, root_at
from registry.tile import (
    ENTRIES,
    WIDTH,
    Tile,
    decode_bundle,
    subtree_reader,
    tile_path,
    tile_width,
    tiles_of,
)
from resolver.settings import Settings
from tests.factory import LOG, NOW, QUANTUM
from tests.resolver.town import Town, problem

DEVICES = 600
SIZE = 1 + 1 + 2 + DEVICES + 1
"""The genesis, the root of the state behind it, Acme and its prefix, the devices, the last root."""
FIRST_BATCH = 204
"""Entries after the first batch of devices."""


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """A town whose log has full tiles, a partial one, and a second level."""
    # Published when it is asked for, and else not within the time that the tests take.
    with Town(Settings(checkers=0, checkpoint_seconds=60)) as town:
        town.get("/checkpoint")
        acme = town.acme()
        for start in range(0, DEVICES, 200):
            town.batch(town.submissions(acme, 200, start), "?receipts=0")
        town.now += 2
        yield town


def published(town: Town) -> Checkpoint:
    response = town.get("/checkpoint")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    opened = open_checkpoint(response.content, [LOG.key, QUANTUM.key])
    ((_, time),) = opened.times
    assert 0 <= town.now - time < 60
    tree = opened.checkpoint
    last = parse_any(town.get(f"/v1/ledger/entries/{tree.size - 1}").content, tree.size - 1)
    assert isinstance(last, StateRoot)  # what is published is always closed
    return tree


def fetch(town: Town, tile: Tile) -> bytes:
    response = town.get("/" + tile_path(*tile))
    assert response.status_code == 200, tile
    assert response.headers["content-type"] == "application/octet-stream"
    assert "immutable" in response.headers["cache-control"]
    return response.content


def test_the_tiles_hash_to_the_published_root_and_hold_the_entries(town: Town) -> None:
    tree = published(town)
    assert tree.size == SIZE
    tiles = {(tile.level, tile.n): fetch(town, tile) for tile in tiles_of(tree.size)}
    assert (1, 0) in tiles
    assert root_at(tree.size, subtree_reader(lambda level, n: tiles[level, n])) == tree.root
    entries: list[bytes] = []
    for n in range(3):
        width = tile_width(ENTRIES, n, tree.size)
        entries += decode_bundle(fetch(town, Tile(ENTRIES, n, width)), width)
    leaves = b"".join(leaf_hash(entry) for entry in entries)
    assert leaves == tiles[0, 0] + tiles[0, 1] + tiles[0, 2]
    for index in (0, 1, 255, 256, tree.size - 1):
        shown = town.get(f"/v1/ledger/entries/{index}")
        assert shown.content == entries[index]
        assert orjson.loads(shown.content)["index"] == index


def test_a_partial_tile_is_the_beginning_of_the_full_one(town: Town) -> None:
    published(town)
    full = fetch(town, Tile(0, 0, WIDTH))
    for width in (1, 3, 255):
        assert fetch(town, Tile(0, 0, width)) == full[: 32 * width]
        assert len(decode_bundle(fetch(town, Tile(ENTRIES, 0, width)), width)) == width


def test_what_is_not_in_the_published_tree_is_not_served(town: Town) -> None:
    tree = published(town)
    last = tile_width(0, 2, tree.size)
    for path in (
        f"/tile/0/002.p/{last + 1}",
        "/tile/0/002",
        "/tile/0/003.p/1",
        f"/tile/entries/002.p/{last + 1}",
        "/tile/entries/002",
        "/tile/1/000",
        "/tile/1/000.p/3",
        "/tile/2/000.p/1",
        "/tile/63/000.p/1",
        "/tile/0/x999/x999/x999/x999/999",
    ):
        assert problem(town.get(path))["code"] == "not_found", path
    for path in (
        "/tile/0/0",
        "/tile/0/000.p/0",
        "/tile/0/000.p/256",
        "/tile/00/000",
        "/tile/64/000",
        "/tile/0/x000/000",
        "/tile/0/%30%30%30",
        "/tile/0/000/",
        "/tile/0/000.p%2F1",
    ):
        assert problem(town.get(path))["code"] == "input.malformed", path


def test_an_entry_is_in_a_tile_only_when_its_checkpoint_is_out(town: Town) -> None:
    tree = published(town)
    organization = town.new_organization("Late")
    assert organization.first is not None
    town.accept(organization.first)
    path = "/" + tile_path(0, 2, tile_width(0, 2, tree.size + 1))
    beyond = "/" + tile_path(0, 2, tile_width(0, 2, tree.size + 3))
    assert town.get(beyond).status_code == 404
    assert town.get(path).status_code == 200  # asking for it has put its checkpoint out
    assert published(town).size == tree.size + 2  # the entry, and the root of the state behind it


def test_the_checkpoint_is_not_sent_again_to_who_has_it(town: Town) -> None:
    first = town.get("/checkpoint")
    again = town.get("/checkpoint", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = town.get("/checkpoint", headers={"if-none-match": '"other"'})
    assert other.content == first.content


def test_proofs_verify_and_say_for_which_tree_they_are(town: Town) -> None:
    town.now += 2
    tree = published(town)
    for index in (0, 255, 256, 511, tree.size - 1):
        shown = town.get(f"/v1/ledger/proofs/inclusion?index={index}&size={tree.size}").json()
        hashes = [b64decode(one) for one in shown["hashes"]]
        leaf = leaf_hash(town.get(f"/v1/ledger/entries/{index}").content)
        check_inclusion(hashes, shown["index"], shown["size"], leaf, tree.root)
    note = town.get(f"/v1/ledger/checkpoints/{FIRST_BATCH}").text
    old = Checkpoint.parse(note.partition("\n\n")[0] + "\n")
    assert old.size == FIRST_BATCH
    shown = town.get(f"/v1/ledger/proofs/consistency?from={FIRST_BATCH}&to={tree.size}").json()
    hashes = [b64decode(one) for one in shown["hashes"]]
    check_consistency(hashes, shown["from"], shown["to"], old.root, tree.root)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/ledger/entries/99999", "not_found"),
        ("/v1/ledger/entries/-1", "input.malformed"),
        ("/v1/ledger/entries/1.0", "input.malformed"),
        ("/v1/ledger/checkpoints/4444", "not_found"),
        ("/v1/ledger/proofs/inclusion", "input.schema"),
        ("/v1/ledger/proofs/inclusion?index=5&size=5", "not_found"),
        ("/v1/ledger/proofs/inclusion?index=5&size=99999", "not_found"),
        ("/v1/ledger/proofs/consistency?from=9&to=5", "not_found"),
        ("/v1/ledger/proofs/consistency?to=5", "input.schema"),
    ],
)
def test_what_is_not_there_is_refused_by_name(town: Town, path: str, code: str) -> None:
    assert problem(town.get(path))["code"] == code


def test_the_first_tree_is_published_at_once() -> None:
    with Town() as town:
        assert (published(town).size, town.now) == (2, NOW)


def test_an_entry_that_is_no_operation_is_read_like_any_other(town: Town) -> None:
    tree = published(town)
    data = town.get(f"/v1/ledger/entries/{tree.size - 1}").content
    assert set(orjson.loads(data)) == {"index", "time", "previous", "state_root"}
