"""`tetrad resolve -`: lines of the standard input, such as a scanner types, each with its answer.

    ]d201095060001343521726123110LOT-1<GS>21M-0017

A line is answered before the next one is read, so that a person with a scanner sees each. With
`--json` every line gives one line: `{"line", "form", "readAs", "did", "status", "device", …}`, or
`{"line", "form", "error"}`. What was scanned is not repeated: it may be a number of a person.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import click
import orjson

from identity.errors import MalformedInput, NotFound, TetradError
from resolver.cli.frame import REFUSED, Frame
from resolver.cli.progress import Progress
from resolver.cli.resolving import absence_of, lines_of, value_of
from resolver.cli.terminal import visible_json

if TYPE_CHECKING:
    from resolver.client import Client, Resolved

_LONGEST = 8_192
"""Bytes of a line; what is longer is refused, whatever it is."""


class _Line(NamedTuple):
    number: int
    text: str
    read: int
    """Bytes of the input up to its end."""
    refusal: TetradError | None = None


def resolve_lines(frame: Frame, *, scheme: str | None, at: str | None, max_age: int | None) -> None:
    """Answers each line; the exit code is 1 if any was refused, or led to no active device."""
    given = sys.stdin.buffer
    size, progress = _size(given), Progress("bytes")
    well, ill = 0, 0
    with frame.reading() as client:
        for line in _lines(given):
            found = _resolved(client, line, scheme=scheme, at=at, max_age=max_age)
            alive = not isinstance(found, TetradError) and found.status == "active"
            well, ill = well + alive, ill + (not alive)
            _tell(frame, line, found, at)
            if size is not None:
                progress(min(line.read, size), size)
    frame.note(f"{well + ill} lines: {well} active, {ill} refused, not found or not active")
    if ill:
        raise click.exceptions.Exit(REFUSED)


def _resolved(
    client: Client, line: _Line, *, scheme: str | None, at: str | None, max_age: int | None
) -> Resolved | TetradError:
    """The answer to one line, or why there is none."""
    if line.refusal is not None:
        return line.refusal
    try:
        return client.resolve(line.text, scheme=scheme, at=at, tombstones=True, max_age=max_age)
    except TetradError as refusal:
        return refusal


def _tell(frame: Frame, line: _Line, found: Resolved | TetradError, at: str | None) -> None:
    from resolver.client import Resolved
    from resolver.schemes.scanned import form

    shape = form(line.text) if line.text else "text"
    if frame.as_json:
        told: dict[str, Any] = {"line": line.number, "form": shape}
        if isinstance(found, TetradError):
            told["error"] = found.problem()
        else:
            told |= value_of(found)
        click.echo(visible_json(orjson.dumps(told, default=str)))
        return
    scheme = found.read_as.scheme if isinstance(found, Resolved) and found.read_as else ""
    click.echo(f"{line.number}: {shape}{scheme and ', a code of '}{scheme}")
    if isinstance(found, TetradError):
        lines = [f"refused: {found.detail}  [{found.code}]"]
        lines += [f"hint: {found.hint}"] if found.hint else []
        lines += [absence_of(found)] if isinstance(found, NotFound) else []
        frame.show(None, *lines)
    else:
        frame.show(None, *lines_of(found, at))


def _lines(given: BinaryIO) -> Iterator[_Line]:
    """Lines end at LF alone: a scanner's separator (0x1D) would end them for `splitlines`."""
    number, read = 0, 0
    while raw := given.readline(_LONGEST):
        number, read = number + 1, read + len(raw)
        if len(raw) == _LONGEST and not raw.endswith(b"\n"):
            while (rest := given.readline(_LONGEST)) and not rest.endswith(b"\n"):
                read += len(rest)
            read += len(rest)
            yield _Line(number, "", read, MalformedInput(f"a line of {_LONGEST} bytes or more"))
            continue
        try:
            text = raw.decode().strip(" \t\r\n\v\f")
        except UnicodeDecodeError:
            yield _Line(number, "", read, MalformedInput("not UTF-8"))
            continue
        if text:
            yield _Line(number, text, read)


def _size(given: BinaryIO) -> int | None:
    """The bytes of the input where it is a file, from its beginning."""
    try:
        found = os.fstat(given.fileno())
    except (OSError, ValueError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) and found.st_size else None
