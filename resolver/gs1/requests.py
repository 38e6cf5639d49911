"""What is asked by a Digital Link URI: the code with its levels, and what is wanted of it.

    >>> read_path(b"/01/9506000134352/21/M-0017/").levels
    (Code(scheme='gs1', value='https://id.gs1.org/01/09506000134352/21/M-0017'),
     Code(scheme='gtin', value='09506000134352'))

The path is read as it was sent, since `%2F` is not `/` here. A GTIN is padded to 14 digits, one
slash at the end falls away; `read_compressed` reads one segment of base64url. Whatever does not fit
raises InvalidIdentifier; a well-formed key that no scheme here knows raises NotFound. What of the
query is no word of a resolver is carried on, and read by nobody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, quote

from identity.errors import MalformedCode, MalformedInput, NotFound
from identity.links import GS1_VOCABULARY
from resolver.gs1.compression import Pair, decompress
from resolver.gs1.formats import CHECKED, PRIMARY_KEYS, QUALIFIERS
from resolver.schemes import SCHEMES, Code, check_digits
from resolver.schemes.gs1_syntax import LINK_BASE
from resolver.schemes.plain_text import percent_decoded, percent_encoded

SUPPORTED: Final = ("01", "8003", "8004")
"""Primary keys that are a scheme here."""
LINKSET: Final = "linkset"
MOST_PARAMETERS: Final = 64
MOST_SEGMENTS: Final = 2 + 2 * max(len(names) for names in QUALIFIERS.values())
"""Of a path: a key with its value, and each of its qualifiers."""
MOST_QUERY: Final = 4_096
"""Characters that are carried on."""

_SHAPES = {name: re.compile(shape).fullmatch for name, shape in PRIMARY_KEYS.items()}
_GS1_TYPE = re.compile(
    r"(?:gs1:|https?://(?:ref\.|www\.)?gs1\.org/voc/)?([A-Za-z][A-Za-z0-9]{0,63})"
).fullmatch
_VISIBLE = re.compile("[!-~]*").fullmatch


@dataclass(frozen=True, slots=True)
class DigitalLink:
    """A key with its qualifiers, in canonical form."""

    levels: tuple[Code, ...]
    """The most granular first; the last is the primary key alone. The code of an item has neither
    batch nor variant (resolver/schemes/gs1.py), and leads to those that the path names."""
    paths: tuple[str, ...]
    """Of each level, as it was asked for."""
    attributes: str = ""
    """The query of the uncompressed form of a compressed URI."""
    compressed: bool = False

    @property
    def code(self) -> Code:
        """What was asked about."""
        return self.levels[0]


def path_of(code: Code) -> str:
    """The path of a code's Digital Link."""
    return f"/01/{code.value}" if code.scheme == "gtin" else "/" + code.value[len(LINK_BASE) :]


def read_path(raw: bytes) -> DigitalLink:
    """A path as it was sent. Raises InvalidIdentifier, NotFound."""
    try:
        segments = tuple(raw.decode("ascii").removeprefix("/").removesuffix("/").split("/"))
    except UnicodeDecodeError:
        raise MalformedCode("a path is ASCII", hint="percent-encode the rest") from None
    if (
        len(segments) > MOST_SEGMENTS
    ):  # each level has a path of its own: that grows with the square
        raise MalformedCode(
            f"a path of {len(segments)} segments", hint="a Digital Link is /01/GTIN/21/SERIAL"
        )
    return _read(segments)


def read_compressed(raw: bytes) -> DigitalLink | None:
    """A path of one segment as it was sent; None where that is no compressed URI at all. Raises
    InvalidIdentifier, NotFound for one that says what is no Digital Link."""
    try:
        pairs = decompress(raw.decode("latin-1").removeprefix("/").removesuffix("/"))
    except MalformedCode:
        return None
    return _uncompressed(pairs)


@lru_cache(maxsize=16_384)
def _read(segments: tuple[str, ...]) -> DigitalLink:
    if len(segments) % 2:
        raise MalformedCode(
            f"'{segments[-1][:20]}' has no value", hint="a Digital Link is /01/GTIN/21/SERIAL"
        )
    pairs = [(key, percent_decoded(value)) for key, value in _two_by_two(segments)]
    return DigitalLink(*_levels(pairs))


def _two_by_two(segments: Sequence[str]) -> list[Pair]:
    return list(zip(segments[::2], segments[1::2], strict=True))


def _uncompressed(pairs: Sequence[Pair]) -> DigitalLink:
    """Of a compressed URI: its key and qualifiers in their order, the rest as a query."""
    keys = [pair for pair in pairs if pair[0] in PRIMARY_KEYS]
    # What can be a qualifier of another key is none here: 414 stands for a place beside a GTIN.
    key = next((pair for pair in keys if pair[0] == "01"), keys[0] if keys else None)
    if key is None:
        raise MalformedCode("a compressed Digital Link without a primary key")
    allowed = QUALIFIERS.get(key[0], ())
    qualifiers = sorted((p for p in pairs if p[0] in allowed), key=lambda p: allowed.index(p[0]))
    rest = [pair for pair in pairs if pair != key and pair not in qualifiers]
    attributes = "&".join(f"{name}={quote(value, safe=':')}" for name, value in rest)
    return DigitalLink(*_levels([key, *qualifiers]), attributes, compressed=True)


def _levels(pairs: Sequence[Pair]) -> tuple[tuple[Code, ...], tuple[str, ...]]:
    """The codes of the levels, and their paths."""
    (key, value), *qualifiers = pairs
    shape = _SHAPES.get(key)
    if shape is None or not shape(value):
        raise MalformedCode(
            f"not a value of ({key[:8]})", hint="a Digital Link begins with a key, as /01/GTIN"
        )
    value = value.zfill(14) if key == "01" else value
    if key not in SUPPORTED:
        _check_other(key, value, [name for name, _ in qualifiers])
        raise NotFound(
            f"this resolver knows nothing of ({key})",
            hint=f"it knows {', '.join(SUPPORTED)}; see /.well-known/gs1resolver",
        )
    parts = [f"{key}/{percent_encoded(value)}"]
    parts += [f"{name}/{percent_encoded(text)}" for name, text in qualifiers]
    paths = ["/".join(parts[:end]) for end in range(len(parts), 0, -1)]
    codes = [SCHEMES.read(LINK_BASE + paths[0])]
    # What is above an item has no serial, and is canonical once the whole is.
    codes += [Code("gs1", LINK_BASE + path) for path in paths[1:-1]]
    codes += [Code("gtin", value)] if paths[1:] else []
    return tuple(codes), tuple(f"/{path}" for path in paths)


def _check_other(key: str, value: str, qualifiers: Sequence[str]) -> None:
    """What can be said of a key that no scheme here knows. Raises InvalidIdentifier."""
    end = CHECKED.get(key)
    if end is not None:
        right = check_digits.gs1(value[: end - 1])
        if right != value[end - 1]:
            raise check_digits.wrong("gs1", value[end - 1], right)
    allowed = QUALIFIERS.get(key, ())
    places = [allowed.index(name) if name in allowed else -1 for name in qualifiers]
    if -1 in places or any(one >= other for one, other in pairwise(places)):
        raise MalformedCode(
            f"not the qualifiers of ({key}), in their order", hint=", ".join(allowed) or "none"
        )


class Wanted(NamedTuple):
    """What a request asks for."""

    link_type: str = ""
    """"" for the default link, "linkset", or a relation as links have it."""
    context: str = ""
    media: str = ""
    language: str = ""
    accept: tuple[tuple[str, float], ...] = ()
    languages: tuple[tuple[str, float], ...] = ()
    query: str = ""
    """All of the query, to be carried on: visible ASCII."""


def read_query(query: bytes, accept: str, accept_language: str) -> Wanted:
    """A query as it was sent, and two headers. Raises MalformedInput."""
    if not query:
        return Wanted(accept=_weighted(accept), languages=_weighted(accept_language))
    text = query.decode("latin-1")
    if not _VISIBLE(text):
        text = quote(query, safe="!#$%&'()*+,/:;=?@[]~")
    if len(text) > MOST_QUERY:
        raise MalformedInput(f"a query of at most {MOST_QUERY} characters is carried on")
    try:
        pairs = parse_qsl(text, errors="replace", max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise MalformedInput("the query has too many members") from None
    said: dict[str, str] = {}
    for name, value in pairs:
        said.setdefault(name, value)
    return Wanted(
        _relation(said.get("linkType", "")),
        said.get("context", ""),
        said.get("mediaType", "").lower(),
        said.get("lang", "").lower(),
        _weighted(accept),
        _weighted(accept_language),
        text,
    )


def _relation(text: str) -> str:
    """A link type as links have it: those of GS1 under their prefix, however they are written."""
    if text in ("all", LINKSET):
        return LINKSET
    found = _GS1_TYPE(text)
    if found is None:
        return text
    return "" if found[1] in ("defaultLink", "defaultLinkMulti") else f"gs1:{found[1]}"


def relation_uri(relation: str) -> str:
    """The whole URI of a relation."""
    return GS1_VOCABULARY + relation[4:] if relation.startswith("gs1:") else relation


@lru_cache(maxsize=512)
def _weighted(text: str) -> tuple[tuple[str, float], ...]:
    """The members of an Accept or Accept-Language header with their weights (RFC 9110, 12.4.2),
    the heaviest first; those of weight 0, and what cannot be read, left out."""
    found: list[tuple[str, float]] = []
    for item in text[:1_000].lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                digits = parameter[2:]
                readable = re.fullmatch(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?", digits)
                weight = float(digits) if readable else 0.0
        if name and weight > 0:
            found.append((name, weight))
    return tuple(sorted(found, key=lambda one: -one[1]))
