"""A folder of static tiles as it is read: by an audit, by a mirror that goes on, by its writer.

    with StaticLog(path) as log:
        audit(log, RuleBook(SCHEMES), genesis=log.ledger())

Its files may have been written by anybody: nothing here is verified but that each holds exactly as
much as its path says. Symbolic links below the folder are not followed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from identity.errors import LedgerTampered, NotFound, StorageFailed
from identity.operation import operation_hash
from registry.checkpoint import Checkpoint
from registry.entry import parse_entry
from registry.merkle import Read
from registry.note import Note
from registry.tile import (
    ENTRIES,
    WIDTH,
    Tile,
    decode_bundle,
    first_entry,
    fit_tile,
    subtree_reader,
    tile_path,
    tile_width,
)

CHECKPOINT: Final = "checkpoint"
_LINKS: Final = (errno.ELOOP, errno.ENOTDIR)


class StaticLog:
    """Reads a folder of tiles: the `Source` of registry/audit.py, as of its checkpoint."""

    def __init__(self, path: Path) -> None:
        """Raises StorageFailed where there is no such folder."""
        self.path = path
        with failing(path):
            self._root = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._note = self._read(CHECKPOINT)
            self._tree = tree_of(self._note) if self._note is not None else None
        except BaseException:
            os.close(self._root)
            raise

    @property
    def size(self) -> int:
        """Entries under the checkpoint, 0 where there is none."""
        return self._tree.size if self._tree else 0

    def checkpoint(self) -> bytes | None:
        """The signed checkpoint, which nothing here has verified; None where there is none."""
        return self._note

    def entries(self, start: int, end: int) -> list[bytes]:
        """The entries start … end-1 of one bundle. Raises NotFound, LedgerTampered."""
        n = start // WIDTH
        width = tile_width(ENTRIES, n, self.size)
        data = self.stored(Tile(ENTRIES, n, width))
        if data is None:
            raise NotFound(f"there is no {tile_path(ENTRIES, n, width)}", index=start)
        return decode_bundle(data, width)[start - n * WIDTH : end - n * WIDTH]

    def ledger(self) -> str:
        """The hash of the first operation, which names the ledger. Raises LedgerTampered."""
        if self.size == 0:
            raise NotFound(f"there is no ledger in {self.path}")
        return operation_hash(parse_entry(self.entries(0, 1)[0], 0).operation)

    def tile(self, level: int, n: int) -> bytes:
        """A tile of the checkpoint's tree. Raises NotFound, LedgerTampered."""
        return self._tile(level, n, self.size)

    def reader(self, size: int) -> Read:
        """Subtrees out of the tiles of a tree of `size` entries, for roots and proofs."""
        return subtree_reader(lambda level, n: self._tile(level, n, size))

    def _tile(self, level: int, n: int, size: int) -> bytes:
        tile = Tile(level, n, tile_width(level, n, size))
        data = self.stored(tile)
        if data is None:
            raise NotFound(f"there is no {tile_path(*tile)}", index=first_entry(level, n))
        return data

    def stored(self, tile: Tile) -> bytes | None:
        """A tile or bundle in that width, cut out of the full one where only that is left; None
        where there is neither. Raises LedgerTampered for a tile that is too short."""
        for width in dict.fromkeys((tile.width, WIDTH)):
            data = self._read(tile_path(tile.level, tile.n, width))
            if data is not None:
                return fit_tile(tile, width, data)
        return None

    def _read(self, path: str) -> bytes | None:
        """A regular file that no symbolic link leads to. Raises LedgerTampered, StorageFailed."""
        *folders, name = path.split("/")
        with failing(self.path / path), walked(self._root, folders) as folder:
            if folder is None:
                return None
            try:
                file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
            except FileNotFoundError:
                return None
            with os.fdopen(file, "rb") as stream:
                if not stat.S_ISREG(os.fstat(file).st_mode):
                    raise LedgerTampered(f"{path} is not a file")
                return stream.read()

    def close(self) -> None:
        """Lets go of the folder."""
        os.close(self._root)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def tree_of(note: bytes) -> Checkpoint:
    return Checkpoint.parse(Note.parse(note).text)


@contextmanager
def walked(root: int, folders: Sequence[str]) -> Iterator[int | None]:
    """The folder below `root`, no symbolic link on the way; None where there is none."""
    opened: list[int] = []
    folder: int | None = root
    try:
        for name in folders:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            try:
                opened.append(os.open(name, flags, dir_fd=opened[-1] if opened else root))
            except FileNotFoundError:
                folder = None
                break
            folder = opened[-1]
        yield folder
    finally:
        for one in opened:
            os.close(one)


@contextmanager
def failing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        hint = "symbolic links are not followed here" if failure.errno in _LINKS else ""
        raise StorageFailed(f"{path}: {failure.strerror}", hint=hint) from None
