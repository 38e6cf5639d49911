"""`tetrad resolve -`: lines of the standard input, such as a scanner types, each with its answer.

    ]d201095060001343521726123110LOT-1<GS>21M-0017

The lines that have come are answered before more are waited for: a person with a scanner sees each
at once, and those of a file are asked for many at a time. With `--json` every line gives one line:
`{"line", "form", "readAs", "did", "status", "device", …}`, or `{"line", "form", "error"}`. What was
scanned is not repeated: it may be a number of a person.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

import click
import orjson

from identity.errors import MalformedInput, NotFound, ServerUnreachable, TetradError
from resolver.cli.frame import REFUSED, Frame
from resolver.cli.progress import Progress
from resolver.cli.resolving import absence_of, lines_of, value_of
from resolver.cli.terminal import visible_json

if TYPE_CHECKING:
    from io import BufferedReader

    from resolver.client import Client, Resolved

_LONGEST = 8_192
"""Bytes of a line; what is longer is refused, whatever it is."""
_CHUNK = 65_536
"""Bytes that are read at a time, where so many have come."""
_TOGETHER = 500
"""Lines that are asked for at a time."""


class _Line(NamedTuple):
    number: int
    text: str
    refusal: TetradError | None = None


class _Asking(NamedTuple):
    """What all lines are asked with."""

    client: Client
    scheme: str | None
    at: str | None
    max_age: int | None

    def answers(self, lines: list[_Line]) -> Iterator[Resolved | TetradError]:
        """The answer to each line, or why there is none."""
        found = iter(self._found([line.text for line in lines if line.refusal is None]))
        for line in lines:
            yield line.refusal or next(found)

    def _found(self, texts: list[str]) -> Iterable[Resolved | TetradError]:
        client, scheme, at, max_age = self
        if len(texts) > 1:
            try:
                return client.resolve_batch(
                    texts, scheme=scheme, at=at, tombstones=True, max_age=max_age
                )
            except TetradError as refusal:
                # It takes one question at a time, or one answer spoils the others.
                first = self._alone(texts[0])
                if isinstance(first, ServerUnreachable) and isinstance(refusal, ServerUnreachable):
                    return [first] * len(texts)
                return chain([first], map(self._alone, texts[1:]))
        return map(self._alone, texts)

    def _alone(self, text: str) -> Resolved | TetradError:
        client, scheme, at, max_age = self
        try:
            return client.resolve(text, scheme=scheme, at=at, tombstones=True, max_age=max_age)
        except TetradError as refusal:
            return refusal


def resolve_lines(frame: Frame, *, scheme: str | None, at: str | None, max_age: int | None) -> None:
    """Answers each line; the exit code is 1 if any was refused, or led to no active device."""
    given = cast("BufferedReader", sys.stdin.buffer)
    size, progress = _size(given), Progress("bytes")
    well, ill = 0, 0
    with frame.reading() as client:
        asking = _Asking(client, scheme, at, max_age)
        for lines, read in _groups(given):
            for line, found in zip(lines, asking.answers(lines), strict=True):
                alive = not isinstance(found, TetradError) and found.status == "active"
                well, ill = well + alive, ill + (not alive)
                _tell(frame, line, found, at)
            if size is not None:
                progress(min(read, size), size)
    frame.note(f"{well + ill} lines: {well} active, {ill} refused, not found or not active")
    if ill:
        raise click.exceptions.Exit(REFUSED)


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


def _groups(given: BufferedReader) -> Iterator[tuple[list[_Line], int]]:
    """Lines that came together, and how many bytes of the input have been read. They end at LF
    alone: a scanner's separator (0x1D) would end them for `splitlines`."""
    number, read, rest = 0, 0, b""
    while chunk := given.read1(_CHUNK):
        read += len(chunk)
        *ended, rest = (rest + chunk).split(b"\n")
        rest = rest[:_LONGEST]  # which is too long already, and stays so
        for start in range(0, len(ended), _TOGETHER):
            yield _lines(ended[start : start + _TOGETHER], number + start + 1), read
        number += len(ended)
    yield _lines([rest], number + 1), read


def _lines(raw: list[bytes], number: int) -> list[_Line]:
    """Those that are not blank, counted from a number on."""
    lines = []
    for place, one in enumerate(raw, number):
        text, refusal = "", None
        try:
            text = one[:_LONGEST].decode().strip(" \t\r\n\v\f")
        except UnicodeDecodeError:
            refusal = MalformedInput("not UTF-8")
        if len(one) >= _LONGEST:
            text, refusal = "", MalformedInput(f"a line of {_LONGEST} bytes or more")
        if text or refusal:
            lines.append(_Line(place, text, refusal))
    return lines


def _size(given: BinaryIO) -> int | None:
    """The bytes of the input where it is a file, from its beginning."""
    try:
        found = os.fstat(given.fileno())
    except (OSError, ValueError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) and found.st_size else None
