"""What interoperability keeps in the data folder: keys of its `did:key` issuers, status lists.

    DIR/interop.key         a secret for each suite: JSON, readable to the owner alone
    DIR/interop.status      every change of their status lists, a line of JSON each

The keys are drawn when the folder is first served with `--interop`, and are in memory alone for a
ledger in memory. None of them is a key of the ledger or of its authority.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import orjson

from identity.durable import replace_file
from identity.errors import InvalidKey, KeystoreError, StorageFailed, TetradError
from identity.jcs import parse
from identity.keys import P384, PrivateKey, private_key
from identity.multibase import base64url_decode, base64url_encode
from resolver.status_book import StatusBook
from resolver.vcapi import SUITES, Issuer, Suite

FILE: Final = "interop.key"
STATUS: Final = "interop.status"


class Interop:
    """The issuers of one service, and their status lists."""

    def __init__(self, folder: Path | None = None) -> None:
        """In a data folder, or in memory. Raises KeystoreError for files that cannot be used."""
        self.issuers = issuers_of(folder)
        self._log: int | None = None
        self.statuses = StatusBook(self.issuers, self._append, secrets.randbelow)
        if folder is not None:
            self._open(folder / STATUS)

    def _open(self, path: Path) -> None:
        try:
            self._log = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with path.open("rb") as file:
                text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            if len(whole) < len(text):  # a line that was not answered: the process ended within it
                os.ftruncate(self._log, len(whole))
            self.statuses.replay(whole.splitlines())
        except (OSError, TetradError) as error:
            self.close()
            raise KeystoreError(f"{STATUS} cannot be used: {error}") from None

    def _append(self, line: bytes) -> None:
        if self._log is None:
            return
        size = os.fstat(self._log).st_size
        try:
            if os.write(self._log, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fdatasync(self._log)
        except OSError as error:
            # The rest of a line would be read as the beginning of the next.
            with suppress(OSError):
                os.ftruncate(self._log, size)
            raise StorageFailed(f"{STATUS} cannot be written: {error.strerror}") from None

    def close(self) -> None:
        """Lets go of the file."""
        if self._log is not None:
            os.close(self._log)
            self._log = None


def available_suites() -> tuple[Suite, ...]:
    """The suites that can sign here: those over RDF need PyLD (`pip install tetrad[interop]`)."""
    rdf = find_spec("pyld") is not None
    return tuple(suite for suite in SUITES if rdf or not suite.needs_rdf)


def issuers_of(folder: Path | None) -> dict[str, Issuer]:
    """The issuers by the name of their suite: those of a data folder, or new ones in memory.

    Raises KeystoreError where the file cannot be read or written.
    """
    kept = _read(folder / FILE) if folder is not None else {}
    keys = {suite.name: kept.get(suite.name) or _drawn(suite) for suite in SUITES}
    if folder is not None and keys.keys() != kept.keys():
        _write(folder / FILE, keys)
    return {suite.name: Issuer(suite, keys[suite.name]) for suite in available_suites()}


def _drawn(suite: Suite) -> PrivateKey:
    width = 48 if suite.algorithm == P384 else 32
    while True:
        try:
            return private_key(suite.algorithm, secrets.token_bytes(width))
        except InvalidKey:  # not a scalar of the curve: once in 2^32 draws
            continue


def _read(path: Path) -> dict[str, PrivateKey]:
    try:
        members = parse(path.read_bytes())
        if not isinstance(members, dict):
            raise KeystoreError(f"{FILE} does not hold an object")
        return {
            suite.name: private_key(suite.algorithm, base64url_decode(members[suite.name]))
            for suite in SUITES
            if suite.name in members
        }
    except FileNotFoundError:
        return {}
    except (OSError, TypeError, AttributeError, TetradError) as error:
        raise KeystoreError(
            f"{FILE} cannot be read: {error}", hint="without it, new issuers are made"
        ) from None


def _write(path: Path, keys: Mapping[str, PrivateKey]) -> None:
    kept = {name: base64url_encode(key.secret()) for name, key in keys.items()}
    try:
        replace_file(path, orjson.dumps(kept, option=orjson.OPT_INDENT_2) + b"\n")
    except OSError as error:
        raise KeystoreError(f"{FILE} cannot be written: {error.strerror}") from None
