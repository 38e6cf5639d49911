"""A log as a folder of static files, which any file server can serve (C2SP tlog-tiles).

    DIR/checkpoint                        the newest signed checkpoint
    DIR/tile/<L>/<N>[.p/<W>]              tiles
    DIR/tile/entries/<N>[.p/<W>]          entry bundles
    DIR/v1/ledger/keys                    where the log's keys were replaced: the evidence, as JSON
    DIR/.new/                             what is being written, for nobody else to read

    with TileFolder(path) as folder:
        publish(folder, reader, size, note)

There is nothing else in it: a client pins the ledger by its first entry, the genesis. Every file
is written apart, synced and renamed; folders are synced before the checkpoint that needs them,
which is replaced last, and only by one that extends it. A file that is there already must be the
same: another content raises LedgerTampered, and nothing is overwritten. What a crash leaves half
done is completed by publishing again. Symbolic links are neither followed nor written through.
"""

from __future__ import annotations

import fcntl
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

import orjson

from identity.errors import ForkDetected, LedgerTampered, RolledBack, StorageFailed
from identity.jcs import Json
from registry.checkpoint import Checkpoint
from registry.merkle import root_at
from registry.tile import (
    ENTRIES,
    WIDTH,
    Tile,
    cut_tile,
    encode_bundle,
    first_entry,
    fit_tile,
    grown_tiles,
    tile_path,
    tile_width,
)
from resolver.folder import DATABASE
from resolver.static_log import CHECKPOINT, StaticLog, failing, tree_of, walked

_ONCE_FAILED: Final = "once it can be written, start this process again: it writes no more"
_NEW: Final = ".new"
_OPEN_FOLDERS: Final = 200
_KEPT_PARTIALS: Final = 4
"""Tiles that are full and whose partial forms are still there, for who reads an older tree."""


class Reader(Protocol):
    """What is published: a LedgerReader is one."""

    def entries(self, start: int, end: int) -> list[bytes]:
        """The entries start … end-1, at most 256."""
        ...

    def tile(self, level: int, n: int) -> bytes:
        """A tile as wide as the published tree has it, or wider; 32 bytes a hash."""
        ...


def publish(folder: TileFolder, reader: Reader, size: int, note: bytes) -> None:
    """Makes a folder show the tree of `size` entries under its signed checkpoint.

    Raises what `publish_tiles` and `TileFolder.replace_checkpoint` raise.
    """
    publish_tiles(folder, reader, size)
    folder.replace_checkpoint(note)


def publish_tiles(folder: TileFolder, reader: Reader, size: int) -> None:
    """Writes the tiles of a tree, those that are new since the folder's checkpoint, and syncs them.

    Its checkpoint may be published once this has returned. Raises LedgerTampered where the folder
    holds another tile, StorageFailed.
    """
    for tile in grown_tiles(folder.size, size):
        folder.put(tile, cut_tile(reader.tile(tile.level, tile.n), tile.width))
        if tile.level == 0:
            start = tile.n * WIDTH
            entries = reader.entries(start, start + tile.width)
            folder.put(tile._replace(level=ENTRIES), encode_bundle(entries))
    folder.sync()


class PublishedFiles:
    """What is published, as a folder that follows it (resolver/publication.py)."""

    def __init__(
        self, folder: TileFolder, reader: Reader, updates: Callable[[], Sequence[Json]]
    ) -> None:
        """`updates` gives the evidence that the log's keys were replaced, all of it."""
        self._folder = folder
        self._reader = reader
        self._updates = updates
        self._whole: int | None = None
        """The size of the tree whose tiles and bundles are all there."""

    def tiles(self, size: int) -> None:
        """Every tile and bundle of the tree, on disk. Raises LedgerTampered, StorageFailed."""
        self._whole = None
        publish_tiles(self._folder, self._reader, size)
        self._folder.replace_updates(self._updates())
        self._whole = size

    def checkpoint(self, note: bytes) -> None:
        """The checkpoint, whose tiles are there. Raises as `replace_checkpoint` does; StorageFailed
        where `tiles` failed: a bundle that is missing does not show in the root."""
        if tree_of(note).size != self._whole:
            raise StorageFailed("the checkpoint is not shown: not all of its tiles are written")
        self._folder.replace_checkpoint(note)


class TileFolder(StaticLog):
    """Writes such a folder, alone: another process that would is refused. Not for several threads
    at once."""

    def __init__(self, path: Path) -> None:
        """Makes the folder where there is none, and removes what a crash has left half written.

        Raises StorageFailed; LedgerTampered where its tiles do not have the root of its checkpoint.
        """
        with failing(path):
            if (path / DATABASE).is_file():
                raise StorageFailed(
                    f"{path} is the data folder of a service", hint="another folder"
                )
            _make(path)
        super().__init__(path)
        self._new = -1
        self._touched: dict[tuple[str, ...], int] = {}
        self._grown: deque[Tile] = deque()
        self._failed = ""
        try:
            with failing(path):
                self._begin()
            if self._tree and root_at(self.size, self.reader(self.size)) != self._tree.root:
                raise LedgerTampered("the published tiles are not those of the checkpoint")
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        try:
            fcntl.flock(self._root, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageFailed(
                f"another process publishes into {self.path}", hint="one process at a time"
            ) from None
        with suppress(FileExistsError):
            os.mkdir(_NEW, 0o700, dir_fd=self._root)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        self._new = os.open(_NEW, flags, dir_fd=self._root)
        os.fchmod(self._new, 0o700)  # whoever made it; of another's, this fails
        _empty(self._new)

    def put(self, tile: Tile, data: bytes) -> None:
        """Writes a tile or bundle, which is on disk once `sync` has returned.

        Raises LedgerTampered where there is another one in its place, or where `data` is not as
        wide as its address says; StorageFailed.
        """
        if tile.width < 1:
            raise LedgerTampered("a tile of no hashes is never published")
        fit_tile(tile, tile.width, data)
        path = tile_path(*tile)
        *folders, name = path.split("/")
        there = self._read(path)
        if there is not None and there != data:
            raise LedgerTampered(
                f"another {path} has been published before",
                hint="this ledger is not the one that the folder shows; nothing was overwritten",
                index=first_entry(tile.level, tile.n),
            )
        with self._writing(path):
            folder = self._folder(tuple(folders))
            if there is None:
                self._write(path.replace("/", "_"), data, name, folder)

    def sync(self) -> None:
        """Returns when all that was put is on disk. Raises StorageFailed."""
        with self._writing(""):
            for folder in self._touched.values():
                os.fsync(folder)
            self._let_go()

    def replace_updates(self, updates: Sequence[Json]) -> None:
        """Shows the evidence that the log's keys were replaced, before the first checkpoint by new
        ones. Raises StorageFailed."""
        path = "v1/ledger/keys"
        data = orjson.dumps({"updates": updates})
        if not updates or self._read(path) == data:
            return
        *folders, name = path.split("/")
        with self._writing(path):
            self._write(path.replace("/", "_"), data, name, self._folder(tuple(folders)))
        self.sync()

    def replace_checkpoint(self, note: bytes) -> None:
        """Shows a checkpoint whose tiles were put before, whose signatures the caller vouches for.

        Raises LedgerTampered where the tiles do not have its root, RolledBack and ForkDetected
        where it does not extend the one that is there, StorageFailed.
        """
        if note == self._note:
            return
        tree, before = tree_of(note), self._tree
        if before is not None:
            _check_follows(tree, before)
        if root_at(tree.size, self.reader(tree.size)) != tree.root:
            raise LedgerTampered("the tiles do not have the root of the checkpoint", size=tree.size)
        if before and root_at(before.size, self.reader(tree.size)) != before.root:
            raise ForkDetected(
                f"{tree.size} entries do not extend the {before.size} that were published",
                seen=(self._note or b"").decode("utf-8", "replace"),
                shown=note.decode("utf-8", "replace"),
            )
        self.sync()
        with self._writing(CHECKPOINT):
            self._write(CHECKPOINT, note, CHECKPOINT, self._root)
            os.fsync(self._root)
        old, self._note, self._tree = self.size, note, tree
        self._remove_partials(old)

    def _write(self, temporary: str, data: bytes, name: str, folder: int) -> None:
        """Beside everything, synced, then renamed to `name` in `folder`."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW  # never into what is there
        file = os.open(temporary, flags, 0o600, dir_fd=self._new)
        with os.fdopen(file, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(file, 0o644)  # whatever the umask: a file server reads it
            os.fsync(file)
        os.rename(temporary, name, src_dir_fd=self._new, dst_dir_fd=folder)

    def _folder(self, parts: tuple[str, ...]) -> int:
        """A folder below this one, made where there is none; it is synced by the next `sync`."""
        if not parts:
            return self._root
        if parts not in self._touched:
            above = self._folder(parts[:-1])
            made = True
            try:
                os.mkdir(parts[-1], 0o755, dir_fd=above)
            except FileExistsError:
                made = False
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            folder = os.open(parts[-1], flags, dir_fd=above)
            if made:
                os.fchmod(folder, 0o755)
                os.fsync(above)
            if len(self._touched) >= _OPEN_FOLDERS:
                self._sync_open()
            self._touched[parts] = folder
        return self._touched[parts]

    def _sync_open(self) -> None:
        for folder in self._touched.values():
            os.fsync(folder)
        self._let_go()

    def _let_go(self) -> None:
        for folder in self._touched.values():
            os.close(folder)
        self._touched = {}

    @contextmanager
    def _writing(self, path: str) -> Iterator[None]:
        """A flush that failed once is never trusted again."""
        if self._failed:
            raise StorageFailed(f"{self._failed}, before", hint=_ONCE_FAILED)
        try:
            with failing(self.path / path):
                yield
        except StorageFailed as error:
            self._failed, error.hint = error.detail, _ONCE_FAILED
            raise

    def _remove_partials(self, old: int) -> None:
        """Partial forms of tiles that have become full, those of the newest few apart (C2SP
        tlog-tiles lets them go: who still wants one falls back to the full tile)."""
        self._grown.extend(
            tile
            for level in range(8)
            for tile in [Tile(level, *divmod(old >> 8 * level, WIDTH))]
            if tile.width and tile_width(level, tile.n, self.size) == WIDTH
        )
        while len(self._grown) > _KEPT_PARTIALS:
            tile = self._grown.popleft()
            for level in (tile.level, ENTRIES)[: 2 if tile.level == 0 else 1]:
                self._remove_partial(level, tile.n)

    def _remove_partial(self, level: int, n: int) -> None:
        *folders, name = f"{tile_path(level, n)}.p".split("/")
        with suppress(OSError), walked(self._root, folders) as above:
            if above is None:
                return
            with walked(above, [name]) as folder:
                if folder is not None:
                    _empty(folder)
                    os.rmdir(name, dir_fd=above)

    def close(self) -> None:
        """Lets go of the folder."""
        with suppress(OSError):  # what was written is flushed, or was not told of
            self._let_go()
            if self._new >= 0:
                os.close(self._new)
        super().close()


def _check_follows(tree: Checkpoint, before: Checkpoint) -> None:
    """What can be told without the tiles. Raises ForkDetected, RolledBack."""
    if tree.origin != before.origin:
        raise ForkDetected(f"the folder shows the log {before.origin}, not {tree.origin}")
    if tree.size < before.size:
        raise RolledBack(f"{before.size} entries are published: {tree.size} are fewer")
    if tree.size == before.size and tree.root != before.root:
        raise ForkDetected(f"another tree of {tree.size} entries has been published")


def _make(path: Path) -> None:
    if not path.is_dir():
        path.mkdir(parents=True)
        path.chmod(0o755)


def _empty(folder: int) -> None:
    with os.scandir(folder) as found:
        for one in found:
            os.unlink(one.name, dir_fd=folder)
