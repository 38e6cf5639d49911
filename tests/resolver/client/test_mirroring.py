"""A mirror copies what the log has signed, and nothing else, whoever serves it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.errors import (
    EvidenceRefused,
    ForkDetected,
    InvalidCheckpoint,
    LedgerTampered,
    NotFound,
    RolledBack,
    ServerUnreachable,
    TetradError,
)
from registry.checkpoint import Checkpoint
from registry.merkle import EMPTY_ROOT
from registry.note import SignatureType, Signer, sign_note
from registry.tile import ENTRIES, encode_bundle, tile_path, tiles_of
from resolver.client import AsyncClient
from resolver.client.mirroring import Mirror
from resolver.static_log import StaticLog
from resolver.tile_folder import TileFolder
from tests.factory import LOG, NOW, ORIGIN, Maker
from tests.growing_log import GrowingLog, Host

SIZE = 1_100


@pytest.fixture(scope="module")
def log() -> GrowingLog:
    log = GrowingLog()
    log.grow(SIZE)
    return log


@pytest.fixture
def host(log: GrowingLog) -> Host:
    return Host(log)


def mirrored(host: httpx.AsyncBaseTransport, path: Path, log: GrowingLog) -> int:
    """`tetrad mirror`, once."""

    async def update() -> int:
        with TileFolder(path) as folder:
            async with AsyncClient("http://log", transport=host) as client:
                return await Mirror(client, log.trust, folder).update()

    return asyncio.run(update())


def files(path: Path) -> dict[str, bytes]:
    return {
        str(one.relative_to(path)): one.read_bytes() for one in path.rglob("*") if one.is_file()
    }


def expected(size: int) -> set[str]:
    names = {"checkpoint"}
    for tile in tiles_of(size):
        names.add(tile_path(*tile))
        if tile.level == 0:
            names.add(tile_path(ENTRIES, tile.n, tile.width))
    return names


def check(log: GrowingLog, path: Path, size: int) -> None:
    with StaticLog(path) as static:
        assert static.size == size
        assert [e for s in range(0, size, 256) for e in static.entries(s, min(s + 256, size))] == (
            log.entries(0, size)
        )
        for tile in tiles_of(size):
            assert (
                static.tile(tile.level, tile.n) == log.tile(tile.level, tile.n)[: tile.width * 32]
            )


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 512, 700, SIZE])
def test_the_copy_has_every_file(log: GrowingLog, host: Host, tmp_path: Path, size: int) -> None:
    host.size = size
    assert mirrored(host, tmp_path, log) == size
    assert set(files(tmp_path)) == expected(size)
    check(log, tmp_path, size)


def test_only_c2sp_paths_are_asked_for_and_only_what_is_new(
    log: GrowingLog, host: Host, tmp_path: Path
) -> None:
    host.size = 1_000
    mirrored(host, tmp_path, log)
    assert all(path == "/checkpoint" or path.startswith("/tile/") for path in host.asked)
    host.asked.clear()
    host.size = SIZE
    assert mirrored(host, tmp_path, log) == SIZE
    bundles = sorted(path for path in host.asked if "entries" in path)
    assert bundles == ["/tile/entries/003", "/tile/entries/004.p/76"]
    host.asked.clear()
    assert mirrored(host, tmp_path, log) == SIZE
    assert {path for path in host.asked if "entries" in path} == set()


def test_a_mirror_is_mirrored(log: GrowingLog, host: Host, tmp_path: Path) -> None:
    host.size = 600
    mirrored(host, tmp_path / "a", log)

    def serve(request: httpx.Request) -> httpx.Response:
        file = tmp_path / "a" / request.url.path[1:]
        return httpx.Response(200, content=file.read_bytes()) if file.is_file() else not_found

    not_found = httpx.Response(404)
    mirrored(httpx.MockTransport(serve), tmp_path / "b", log)
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_full_tiles_stand_in_for_partial_ones_that_are_gone(
    log: GrowingLog, host: Host, tmp_path: Path
) -> None:
    """The log has grown since its checkpoint was read, and has cleaned up."""
    host.note = log.note(700)
    host.lies = {"/tile/0/002.p/188": None, "/tile/entries/002.p/188": None}
    assert mirrored(host, tmp_path, log) == 700
    check(log, tmp_path, 700)


def test_an_update_that_was_cut_short_is_taken_up(
    log: GrowingLog, host: Host, tmp_path: Path
) -> None:
    host.lies = {"/tile/entries/003": None}
    with pytest.raises(NotFound):
        mirrored(host, tmp_path, log)
    assert "checkpoint" not in files(tmp_path)
    # What a kill leaves: some bundles written, none of them shown by a checkpoint.
    with TileFolder(tmp_path) as folder:
        for tile in list(tiles_of(SIZE))[:3]:
            folder.put(tile, log.tile(tile.level, tile.n))
            bundle = tile._replace(level=ENTRIES)
            folder.put(bundle, encode_bundle(log.entries(tile.n * 256, tile.n * 256 + 256)))
    host.lies, host.asked = {}, []
    assert mirrored(host, tmp_path, log) == SIZE
    # The first one is asked for once more: it holds the genesis.
    assert sorted(p for p in host.asked if "entries" in p) == [
        "/tile/entries/000", "/tile/entries/003", "/tile/entries/004.p/76",
    ]  # fmt: skip
    check(log, tmp_path, SIZE)


def test_the_newer_date_of_the_same_tree_is_kept(
    log: GrowingLog, host: Host, tmp_path: Path
) -> None:
    host.size, host.note = 300, log.note(300, NOW)
    mirrored(host, tmp_path, log)
    host.note = log.note(300, NOW + 60)
    mirrored(host, tmp_path, log)
    assert files(tmp_path)["checkpoint"] == host.note
    host.note = log.note(300, NOW + 30)
    mirrored(host, tmp_path, log)
    assert files(tmp_path)["checkpoint"] != host.note


# --- servers that lie, and operators that do


def refused(host: Host, path: Path, log: GrowingLog, kind: type[TetradError]) -> TetradError:
    """The refusal, after which the mirror shows what it showed before."""
    before = files(path)
    with pytest.raises(kind) as caught:
        mirrored(host, path, log)
    after = files(path)
    assert after.get("checkpoint") == before.get("checkpoint")
    assert {name: after[name] for name in before} == before
    for name, data in after.items():  # and what was written beside it is the signed tree's
        if name.startswith("tile"):
            assert data == Host(log).file(f"/{name}"), name
    return caught.value


@pytest.fixture
def older(log: GrowingLog, tmp_path: Path) -> Path:
    """A mirror of the first 300 entries."""
    host = Host(log)
    host.size = 300
    mirrored(host, tmp_path, log)
    return tmp_path


def test_a_fork_is_refused(log: GrowingLog, older: Path) -> None:
    other = log.fork(200)
    other.grow(400)
    error = refused(Host(other), older, log, ForkDetected)
    assert set(error.members) == {"seen", "shown"}
    same = Host(other)
    same.size = 300
    refused(same, older, log, ForkDetected)


def test_a_rollback_is_refused(log: GrowingLog, host: Host, older: Path) -> None:
    host.size = 299
    assert refused(host, older, log, RolledBack).members["shown"]


def test_a_checkpoint_by_another_key_is_refused(log: GrowingLog, host: Host, older: Path) -> None:
    stranger = Signer(ORIGIN, SignatureType.ED25519, b"stranger" * 4)
    host.note = log.note(SIZE, signers=(stranger,))
    refused(host, older, log, InvalidCheckpoint)


def test_another_ledger_is_refused(log: GrowingLog, tmp_path: Path) -> None:
    """Signed by the same keys, since a genesis may name any."""
    other = GrowingLog("entry", begins=Maker(now=NOW + 1))
    other.grow(300)
    error = refused(Host(other), tmp_path, log, LedgerTampered)
    assert error.members["index"] == 0


def flip(data: bytes | None, place: int = 5) -> bytes:
    assert data is not None
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize(
    ("path", "index"),
    [
        ("/tile/0/001", 256),
        ("/tile/0/004.p/76", None),
        ("/tile/1/000.p/4", None),
        ("/tile/entries/002", 512),
        ("/tile/entries/004.p/76", 1024),
    ],
)
def test_a_changed_file_is_refused(
    log: GrowingLog, host: Host, older: Path, path: str, index: int | None
) -> None:
    host.lies = {path: flip(host.file(path))}
    error = refused(host, older, log, LedgerTampered)
    assert error.members.get("index") == index


def test_a_swapped_entry_is_named(log: GrowingLog, host: Host, older: Path) -> None:
    bundle = host.file("/tile/entries/003")
    assert bundle is not None
    host.lies = {"/tile/entries/003": bundle.replace(b"entry 800", b"entry 8O0")}
    assert refused(host, older, log, LedgerTampered).members["index"] == 800


@pytest.mark.parametrize(
    "path", ["/tile/0/002", "/tile/entries/002", "/tile/0/004.p/76", "/tile/entries/004.p/76"]
)
@pytest.mark.parametrize("cut", [0, 32, -1, 1])
def test_a_file_of_another_length_is_refused(
    log: GrowingLog, host: Host, older: Path, path: str, cut: int
) -> None:
    data = host.file(path)
    assert data is not None
    host.lies = {path: data + b"\0" if cut == 1 else data[:cut]}
    refused(host, older, log, LedgerTampered)


def test_a_short_tile_under_the_path_of_a_full_one_is_refused(
    log: GrowingLog, host: Host, older: Path
) -> None:
    """The server cleaned up the partial tile, and wrote a short one where the full one belongs."""
    partial = host.file("/tile/0/004.p/76")
    host.lies = {"/tile/0/004.p/76": None, "/tile/0/004": partial}
    error = refused(host, older, log, LedgerTampered)
    assert "tile/0/004 has 2432 bytes, not 8192" in error.detail


def test_a_tree_without_its_files_is_refused(log: GrowingLog, host: Host, older: Path) -> None:
    host.lies = {"/tile/0/003": None}
    refused(host, older, log, NotFound)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_a_server_says_only_our_errors_come(
    data: st.DataObject, log: GrowingLog, tmp_path_factory: pytest.TempPathFactory
) -> None:
    host = Host(log)
    host.size = 600
    paths = ["/checkpoint", *(f"/{name}" for name in sorted(expected(600)))]
    path = data.draw(st.sampled_from(paths))
    honest = host.file(path) or b""
    lie = data.draw(
        st.one_of(
            st.none(),
            st.binary(max_size=200),
            st.integers(0, len(honest) - 1).map(lambda place: flip(honest, place)),
            st.integers(0, len(honest) - 1).map(lambda end: honest[:end]),
        )
    )
    host.lies = {path: lie}
    folder = tmp_path_factory.mktemp("any")
    try:
        mirrored(host, folder, log)
    except (EvidenceRefused, NotFound, ServerUnreachable):
        assert "checkpoint" not in files(folder)
    else:
        check(log, folder, 600)


def test_an_empty_log_has_nothing_to_copy(log: GrowingLog, host: Host, tmp_path: Path) -> None:
    host.note = sign_note(Checkpoint(ORIGIN, 0, EMPTY_ROOT).format(), [LOG], NOW)
    assert mirrored(host, tmp_path, log) == 0
    assert files(tmp_path) == {}
