"""The rows of a CSV file as devices to register, and what is wrong with them, by row and column.

Rows count as in a spreadsheet: the header is row 1. UTF-8 with or without a byte order mark, any
line ends, commas, semicolons or tabs.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from identity.errors import SchemaViolation, TetradError
from identity.jcs import canonicalize, parse
from identity.multibase import base64url_encode

COLUMNS = {
    "model": "the maker's name for this type of device (required)",
    "serial": "unique with maker and model; never published (required)",
    "code": "as it is printed: a GS1 Digital Link or (01)…(21)…, a handle, an EUI … (required)",
    "scheme": "the scheme of the code, where it is not plain",
    "number": "+86…, SCHEME:VALUE (iccid:8986…), or none; never published",
    "sector": "DOMAIN/FIELD[/CATEGORY]; production/industry unless given",
    "domain": "the parts of the sector, in columns of their own:",
    "field": "  production, consumption or governance; a field; and",
    "category": "  for industry the category of GB/T 4754",
    "ipv6": "enabled, supported or none, or 'exempt: why'; none unless given",
    "parent": "the DID of the device that it is part of",
    "data_describes": "what the data record describes; the model unless given",
    "data_schema": "the URL of its schema; without any data_… there is no record",
    "data_url": "where it is served",
    "data_type": "the type of that endpoint; the URL's scheme unless given",
    "data_grade": "core, important or general; general unless given",
    "data_content": "its content as JSON; committed to, and shown by its grade",
    "data_commitment": "of core data, in the place of its content: tetrad data commit",
}
_REQUIRED = ("model", "serial", "code")
_PLACES = {
    "/body/object/model": "model",
    "/body/object/serial": "serial",
    "/body/object/sector": "sector",
    "/body/object/ipv6": "ipv6",
    "/body/object/parent": "parent",
    "/body/code": "code",
    "/body/number": "number",
    "/body/data/describes": "data_describes",
    "/body/data/schema": "data_schema",
    "/body/data/grade": "data_grade",
    "/body/data/endpoints": "data_url",
    "/body/data/commitment": "data_commitment",
    "/body/data/content": "data_content",
    "/body/data": "data_schema",
}
MAX_ROWS = 1_000_000


class Row(NamedTuple):
    """A row: its number, and its cells by column, empty ones left out."""

    number: int
    cells: dict[str, str]

    @property
    def source(self) -> str:
        """What tells this row from others, wherever it stands in the file."""
        return base64url_encode(sha256(canonicalize(dict(self.cells))).digest())


class Wrong(NamedTuple):
    """What is wrong with a row."""

    number: int
    column: str
    detail: str
    hint: str
    code: str


def read_rows(data: bytes, defaults: Mapping[str, str]) -> tuple[list[Row], list[Wrong]]:
    """The rows of a CSV file, with `defaults` where a cell is empty.

    Raises SchemaViolation for what is no such file as a whole.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SchemaViolation(
            f"line {line} is not UTF-8", hint="save the file as CSV in UTF-8"
        ) from None
    header = text.split("\n", 1)[0]
    mark = max(",;\t", key=header.count)
    rows: list[Row] = []
    wrong: list[Wrong] = []
    names: list[str] = []
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text), delimiter=mark), 1):
            if not names:
                names = _header(cells)
            elif any(cell.strip() for cell in cells):
                if any(cell.strip() for cell in cells[len(names) :]):
                    wrong.append(
                        Wrong(
                            number, "", "more cells than columns", "quote a comma", "input.schema"
                        )
                    )
                    continue
                filled = {n: c.strip() for n, c in zip(names, cells, strict=False) if c.strip()}
                rows.append(Row(number, {**defaults, **filled}))
            if number > MAX_ROWS:
                raise SchemaViolation(f"more than {MAX_ROWS} rows", hint="register it in parts")
    except csv.Error as error:
        raise SchemaViolation(f"not a CSV file: {error}") from None
    if not names:
        raise SchemaViolation("the file is empty", hint=_header_hint())
    if not rows and not wrong:
        raise SchemaViolation("no row stands below the header", hint="one device in each row")
    return rows, wrong


def _header(cells: list[str]) -> list[str]:
    names = [cell.strip().lower().replace(" ", "_").replace("-", "_") for cell in cells]
    while names and not names[-1]:
        names.pop()
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise SchemaViolation(f"there is no column {unknown[0][:40]!r}", hint=_header_hint())
    missing = [name for name in _REQUIRED if name not in names]
    if missing or len(set(names)) != len(names):
        what = f"the column {missing[0]} is missing" if missing else "a column stands there twice"
        raise SchemaViolation(what, hint=_header_hint())
    return names


def _header_hint() -> str:
    return f"row 1 names the columns: {','.join(COLUMNS)}"


def sector_of(text: str) -> dict[str, str]:
    """`production/industry/C4016` as a sector."""
    return dict(zip(("domain", "field", "category"), text.split("/"), strict=False))


def device_body(row: Row, maker: str, controller: str) -> dict[str, Any]:
    """A row as the plain body of a registration (resolver/description.py).

    Raises SchemaViolation for a cell that is missing or cannot be read.
    """
    cells = row.cells
    for name in _REQUIRED:
        if name not in cells:
            raise SchemaViolation("missing", pointer=f"/{name}")
    about: dict[str, Any] = {
        "maker": maker,
        "model": cells["model"],
        "serial": cells["serial"],
        "sector": sector_of(cells.get("sector", "production/industry"))
        | {name: cells[name] for name in ("domain", "field", "category") if name in cells},
        "ipv6": _ipv6(cells.get("ipv6", "none")),
    }
    if "parent" in cells:
        about["parent"] = cells["parent"]
    scheme = cells.get("scheme")
    return {
        "object": about,
        "code": {"scheme": scheme, "value": cells["code"]} if scheme else cells["code"],
        "number": cells.get("number", "none"),
        "data": _data(cells),
        "controller": controller,
    }


def _ipv6(text: str) -> str | dict[str, str]:
    word, colon, reason = text.partition(":")
    return {"exemption": reason.strip()} if colon and word.startswith("exempt") else text.lower()


def _data(cells: Mapping[str, str]) -> dict[str, Any] | str:
    if not any(name.startswith("data_") for name in cells):
        return "none"
    url = cells.get("data_url")
    kind = cells.get("data_type") or (url or "").partition(":")[0]
    try:
        content = parse(cells.get("data_content", "{}").encode("utf-8", "replace"))
    except TetradError as error:
        raise SchemaViolation(error.detail, pointer="/data_content") from None
    record: dict[str, Any] = {
        "describes": cells.get("data_describes", cells.get("model")),
        "version": 1,
        "grade": cells.get("data_grade", "general"),
        "endpoints": [{"type": kind, "url": url}] if url else [],
    }
    if "data_commitment" in cells and "data_content" not in cells:
        record["commitment"] = cells["data_commitment"]
    else:
        record["content"] = content
    if "data_schema" in cells:
        record["schema"] = cells["data_schema"]
    return record


def wrong_row(number: int, error: TetradError) -> Wrong:
    """An error of one row, with the column that its pointer means."""
    pointer = error.pointer
    column = pointer.removeprefix("/") if pointer.count("/") == 1 else ""
    for place in sorted(_PLACES, key=len, reverse=True):
        if pointer == place or pointer.startswith(place + "/"):
            column = _PLACES[place]
            break
    return Wrong(number, column, error.detail, error.hint, error.code)


def check_rows(
    rows: Iterable[Row], prepare: Callable[[Row], object]
) -> tuple[list[Row], list[Wrong]]:
    """Rows that can be registered as far as can be told here, and those that cannot.

    `prepare` raises TetradError for a row that is wrong in itself.
    """
    ready: list[Row] = []
    wrong: list[Wrong] = []
    seen: dict[tuple[str, ...], int] = {}
    for row in rows:
        cells = row.cells
        try:
            for column, value in (
                ("code", (cells.get("code", ""),)),
                ("serial", (cells.get("model", ""), cells.get("serial", ""))),
                ("number", (cells.get("number", "none"),)),
            ):
                before = seen.setdefault((column, *value), row.number)
                if before != row.number and value != ("none",) and all(value):
                    raise SchemaViolation(f"as in row {before}", pointer=f"/{column}")
            prepare(row)
        except TetradError as error:
            wrong.append(wrong_row(row.number, error))
        else:
            ready.append(row)
    return ready, wrong


def table(wrong: Iterable[Wrong]) -> list[str]:
    """`row 17 code   check digit is 8, should be 2        hint: 09506000134352?`"""
    listed = sorted(wrong)
    if not listed:
        return []
    digits = max(len(str(one.number)) for one in listed)
    column = max(len(one.column) for one in listed)
    detail = max(len(one.detail) for one in listed)
    return [
        f"row {one.number:>{digits}} {one.column:<{column}}   {one.detail:<{detail}}"
        f"{'        hint: ' + one.hint if one.hint else ''}".rstrip()
        for one in listed
    ]
