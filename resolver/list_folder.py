"""Published status lists in the data folder: DIR/status-lists/<issuer>/<name>.json.

`<issuer>` is the hash in its DID. Each file is replaced in one step, so that a crash leaves the old
list or the new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from identity.did import parse_tetrad_did
from identity.durable import replace_file
from identity.errors import StorageFailed


class FolderLists:
    """Lists of issuers in a folder (resolver.status_lists.ListStore)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count: int | None = None

    def get(self, issuer: str, name: str) -> bytes | None:
        """See ListStore."""
        with _named():
            try:
                return self._file(issuer, name).read_bytes()
            except FileNotFoundError:
                return None

    def put(self, issuer: str, name: str, data: bytes) -> None:
        """See ListStore."""
        file = self._file(issuer, name)
        with _named():
            new = not file.exists()
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(file, data, mode=0o644)
        if new and self._count is not None:
            self._count += 1

    def names(self, issuer: str) -> list[str]:
        """See ListStore."""
        with _named():
            folder = self._file(issuer, "").parent
            return sorted(file.stem for file in folder.glob("[a-z]*.json"))

    def count(self) -> int:
        """See ListStore."""
        if self._count is None:
            with _named():
                self._count = sum(1 for _ in self._path.glob("*/[a-z]*.json"))
        return self._count

    def _file(self, issuer: str, name: str) -> Path:
        return self._path / parse_tetrad_did(issuer)[1] / f"{name}.json"


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageFailed(
            f"the folder of status lists cannot be used: {error.strerror}"
        ) from None
