"""The lock of a data folder, and what becomes of a disk that fails under it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from identity.errors import KeystoreError


@contextmanager
def failing(path: Path) -> Iterator[None]:
    """Failures of the disk as errors of ours."""
    try:
        yield
    except OSError as error:
        raise KeystoreError(
            f"the folder {path.name} cannot be used: {error}",
            hint="make room or mend the disk or its permissions; what was receipted is kept",
        ) from None


def lock_folder(path: Path) -> int:
    """The lock of the folder, held until the file is closed. Raises KeystoreError."""
    with failing(path):
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            unlock_folder(lock)
            raise KeystoreError(
                "another process serves this folder", hint="one process at a time"
            ) from None
        except OSError:
            unlock_folder(lock)
            raise
    return lock


def unlock_folder(lock: int) -> None:
    with suppress(OSError):  # nothing was written through it
        os.close(lock)
