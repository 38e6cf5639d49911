"""Rows registered batch by batch, so that a crash at any moment loses nothing and doubles nothing.

For each batch: its keys are saved in the wallet, its signed operations in a journal beside the
output, then it is sent, then its receipts are appended to the output and flushed. A run that finds
a journal sends it again as it was: what was registered already is answered with its receipt. Rows
whose receipts stand in the output are left alone.

    {"row": 17, "source": "…", "code": "https://…", "did": "did:tetrad:…", "index": 21,
     "time": "…", "hash": "zQm…", "receipt": "c2sp.org/tlog-proof@v1…", "operation": {…},
     "disclosures": ["WyJ…"]}

A line holds all that proves the registration offline, and the disclosures of what was committed to:
keep the file as you would keep the serials and numbers themselves.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from identity.durable import replace_file
from identity.errors import KeystoreError, MalformedInput, TetradError, Unavailable
from resolver.cli.rows import Row, Wrong, wrong_row
from resolver.client.sending import Acknowledged

if TYPE_CHECKING:
    from resolver.client import Client
    from resolver.prepared import Prepared


class Waiting(NamedTuple):
    """A row whose operation is signed."""

    row: int
    source: str
    code: str
    submission: dict[str, Any]


class Output:
    """The file of receipts, and the journal beside it."""

    def __init__(self, path: Path) -> None:
        """Reads what is there; a last line that a crash cut short is removed."""
        self.path = path
        self._journal = path.with_name(path.name + ".journal")
        self.done: set[str] = set()
        """The sources of the rows that have their receipt."""
        whole = 0
        for line in _content(path).splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            try:
                self.done.add(orjson.loads(line)["source"])
            except (ValueError, KeyError, TypeError):
                raise MalformedInput(
                    f"{path} is not the output of an earlier run", hint="name another --out"
                ) from None
            whole += len(line)
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
            os.ftruncate(file, whole)
        except OSError as failure:
            raise KeystoreError(f"{path} cannot be written: {failure.strerror}") from None
        os.lseek(file, 0, os.SEEK_END)
        self._file = os.fdopen(file, "wb")

    def journal(self) -> list[Waiting]:
        """The batch that an earlier run was sending."""
        lines = _content(self._journal).splitlines()
        try:
            found = [Waiting(**orjson.loads(line)) for line in lines]
        except (ValueError, TypeError):
            raise MalformedInput(
                f"{self._journal} is damaged", hint="look at it, then remove it"
            ) from None
        return [one for one in found if one.source not in self.done]

    def announce(self, batch: Iterable[Waiting]) -> None:
        """What is about to be sent, on the disk."""
        replace_file(self._journal, b"".join(orjson.dumps(one._asdict()) + b"\n" for one in batch))

    def append(self, one: Waiting, done: Acknowledged) -> None:
        """A receipt; `flush` puts it on the disk."""
        self.done.add(one.source)
        self._file.write(
            orjson.dumps(
                {
                    "row": one.row,
                    "source": one.source,
                    "code": one.code,
                    "did": done.did,
                    "index": done.index,
                    "time": done.time,
                    "hash": done.hash,
                    "receipt": done.receipt,
                    "operation": done.operation,
                    "disclosures": done.disclosures,
                },
                option=orjson.OPT_APPEND_NEWLINE,
            )
        )

    def flush(self) -> None:
        """What was appended is on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def forget_journal(self) -> None:
        """The batch has its outcomes."""
        self._journal.unlink(missing_ok=True)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def register_rows(
    client: Client,
    rows: list[Row],
    output: Output,
    prepare: Callable[[Row], Prepared],
    code_of: Callable[[Row], str],
    *,
    size: int,
    progress: Callable[[int, int], None],
) -> list[Wrong]:
    """Registers the rows that are not done yet; returns those that the registry refused.

    Raises Unavailable, and EvidenceRefused, with everything acknowledged so far in the output; a
    later run goes on from there.
    """
    refused: list[Wrong] = []
    total = len(rows)
    left = output.journal()
    if left:
        # A refusal counts for nothing here: the row comes again below, with a new signature.
        _send(client, output, left)
    begun = [row for row in rows if row.source not in output.done]
    progress(total - len(begun), total)
    for start in range(0, len(begun), size):
        chunk = begun[start : start + size]
        batch = []
        for row in chunk:
            prepared = prepare(row)
            submission = client.flows.sign(prepared)
            batch.append(Waiting(row.number, row.source, code_of(row), submission))
        client.flows.save_wallet()
        output.announce(batch)
        refused += _send(client, output, batch)
        progress(total - len(begun) + start + len(chunk), total)
    return refused


def _send(client: Client, output: Output, batch: list[Waiting]) -> list[Wrong]:
    outcomes = client.submit_batch([one.submission for one in batch])
    refused: list[Wrong] = []
    busy: TetradError | None = None
    for one, outcome in zip(batch, outcomes, strict=True):
        if isinstance(outcome, Acknowledged):
            output.append(one, outcome)
        elif isinstance(outcome, Unavailable):
            busy = outcome
        else:
            refused.append(wrong_row(one.row, outcome))
            client.flows.forget(one.submission)
    output.flush()
    if busy is not None:
        raise busy
    output.forget_journal()
    return refused


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as failure:
        raise KeystoreError(f"{path} cannot be read: {failure.strerror}") from None
