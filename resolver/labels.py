"""Labels: a code as a QR symbol (ISO/IEC 18004), with the text that a person reads under it.

    url = printed_url("https://id.acme.example", Code("gs1", "https://id.gs1.org/01/…/21/M-0017"))
    drawn(url, readable(code), Drawing("svg"))

The symbol holds one URL: the GS1 Digital Link on the resolver's own host; the code itself where it
is an identification link (IEC 61406); for all other schemes the resolver's `/c/SCHEME/VALUE`, which
a person can read as well. Pure; specified in specs/3-resolution.md, "Labels".
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any, Final, Literal
from urllib.parse import quote, unquote

import segno

from identity.errors import MalformedInput, NotFound, SchemaViolation
from resolver.schemes import Code

MEDIA: Final = {"svg": "image/svg+xml", "png": "image/png"}
LEVELS: Final = ("l", "m", "q", "h")
"""Of error correction: 7, 15, 25 and 30 percent of a symbol may be lost."""
QUIET: Final = 4
"""Modules of white around the symbol (ISO/IEC 18004)."""
MAX_SCALE: Final = 32
"""Pixels that the side of a module may have."""
MAX_BASE: Final = 200

_GS1: Final = "https://id.gs1.org/"
_BASE = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]{1,253}(?:/[A-Za-z0-9\-._~]+)*").fullmatch
_PLAIN: Final = "/:@!$&'()*+,;=~-._"
"""What stands in a path as it is (RFC 3986, 3.3)."""
_MODULE_MM: Final = 0.5
_FONT: Final = 3.0
"""Height of the text in modules; a letter of a monospaced font is 0.6 of that wide."""
_LINE: Final = 4.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """How a label is drawn. Raises SchemaViolation."""

    format: Literal["svg", "png"] = "svg"
    level: str = "m"
    scale: int = 8
    """Pixels for each module of a PNG."""

    def __post_init__(self) -> None:
        if self.format not in MEDIA:
            raise SchemaViolation("format is svg or png", pointer="/format")
        if self.level not in LEVELS:
            raise SchemaViolation("level is l, m, q or h", pointer="/level")
        if not 0 < self.scale <= MAX_SCALE:
            raise SchemaViolation(f"scale is 1 to {MAX_SCALE}", pointer="/scale")


def printed_url(base: str, code: Code) -> str:
    """What a label of a code says. `base` is the resolver's address. Raises MalformedInput."""
    if code.scheme == "iec61406":
        return code.value
    base = base.rstrip("/")
    if len(base) > MAX_BASE or not _BASE(base):
        raise MalformedInput(
            f"not an address to print: {base[:80]!r}", hint="as in https://id.acme.example"
        )
    if code.value.startswith(_GS1):
        return f"{base}/{code.value.removeprefix(_GS1)}"
    if code.scheme == "gtin":
        return f"{base}/01/{code.value}"
    path = quote(code.value, safe=_PLAIN)
    if any(part in (".", "..", "") for part in path.split("/")):  # a client would tidy them away
        path = quote(code.value, safe="")
    if path in (".", ".."):
        return f"{base}/v1/resolve?scheme={code.scheme}&code={path}"
    return f"{base}/c/{code.scheme}/{path}"


def check_current(code: Code, device: Mapping[str, Any]) -> None:
    """Raises NotFound for a code that a device bore until it was corrected: the labels that are
    printed lead on, and none is printed again."""
    current = device["code"]
    if current != code._asdict():
        right = f"{current['scheme']}: {current.get('value', 'a private one')}"
        raise NotFound(
            "this code was corrected: no label is drawn of it",
            hint=f"the device's code is {right}",
            readAs=code._asdict(),
        )


def printed_code(path: str) -> Code:
    """The code in what follows `/c/`, as `printed_url` writes it. Raises MalformedInput."""
    scheme, slash, value = path.partition("/")
    if not slash or not scheme or not value:
        raise MalformedInput("a label reads /c/SCHEME/VALUE")
    try:
        return Code(scheme[:40], unquote(value, errors="strict"))
    except UnicodeDecodeError:
        raise MalformedInput("a label is percent-encoded UTF-8") from None


def readable(code: Code) -> tuple[str, ...]:
    """The lines under the symbol: of GS1 its element strings, of all others the code itself."""
    if code.scheme == "gtin":
        return (f"(01) {code.value}",)
    if code.value.startswith(_GS1):
        parts = code.value.removeprefix(_GS1).split("/")
        pairs = zip(parts[::2], parts[1::2], strict=False)
        return tuple(f"({name}) {unquote(value)}" for name, value in pairs)
    return (code.value,)


@lru_cache(maxsize=256)
def drawn(url: str, lines: tuple[str, ...], drawing: Drawing) -> bytes:
    """The label as a file. Raises SchemaViolation where the URL does not fit a symbol."""
    try:
        # The level is what was asked for, and not a higher one that happens to fit.
        symbol = segno.make_qr(url, error=drawing.level, boost_error=False)
    except segno.DataOverflowError:
        raise SchemaViolation(
            f"{len(url)} characters do not fit a symbol of level {drawing.level}", hint="level=l"
        ) from None
    if drawing.format == "svg":
        return _svg(symbol, url, lines)
    out = io.BytesIO()
    symbol.save(out, kind="png", scale=drawing.scale, border=QUIET)
    return out.getvalue()


def _svg(symbol: segno.QRCode, url: str, lines: tuple[str, ...]) -> bytes:
    """The symbol as one path, the text below: attributes alone, since a style would need leave."""
    side = symbol.symbol_size(border=QUIET)[0]
    columns = max(1, int((side - 2) / (0.6 * _FONT)))
    rows = [line[at : at + columns] for line in lines for at in range(0, len(line), columns)]
    height = side + _LINE * len(rows) - (0 if not rows else _LINE - _FONT - 1)
    text = "".join(
        f'<text x="{side / 2:g}" y="{side - 1 + _LINE * place:g}">{escape(row)}</text>'
        for place, row in enumerate(rows)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {height:g}" '
        f'width="{side * _MODULE_MM:g}mm" height="{height * _MODULE_MM:g}mm" role="img">'
        f"<title>{escape(url)}</title>"
        f'<rect width="{side}" height="{height:g}" fill="#fff"/>'
        f'<path shape-rendering="crispEdges" d="{_path(symbol)}"/>'
        f'<g font-family="ui-monospace,monospace" font-size="{_FONT:g}" text-anchor="middle" '
        f'xml:space="preserve">{text}</g></svg>\n'
    ).encode()


def _path(symbol: segno.QRCode) -> str:
    """Each run of dark modules as a rectangle."""
    steps: list[str] = []
    for row, modules in enumerate(symbol.matrix):
        bits = "".join("1" if module else "0" for module in modules)
        for run in re.finditer("1+", bits):
            width = run.end() - run.start()
            steps.append(f"M{run.start() + QUIET} {row + QUIET}h{width}v1h-{width}z")
    return "".join(steps)
