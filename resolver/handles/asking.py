"""A question about a handle: its text out of a raw path, its parameters, and what they select.

    handle_in(b"/api/handles/88.100.9999%2Fdev0001")         # "88.100.9999/dev0001"
    wanted = read_parameters(b"index=1&type=TETRAD.")
    wanted.selects(21, "tetrad.status")                        # True

The proxy's parameters and no others. `index` and `type` are repeated, and a value is selected that
any of them names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

from identity.errors import MalformedCode, SchemaViolation
from resolver.handles.values import INLINE_PROOF, INLINE_TYPE
from resolver.schemes.plain_text import percent_decoded, visible

PATH: Final = b"/api/handles/"
MAX_PARAMETERS: Final = 64
MAX_INDEX: Final = 2**31 - 1

_SWITCHES: Final = ("auth", "cert", "publicOnly", "pretty")
_INDEX = re.compile("[0-9]{1,10}").fullmatch
_TYPE = re.compile("[!-~]{1,64}").fullmatch
_NAMED_BY_NUMBER = re.compile("[0-9]").match


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which values are asked for; all, where neither indexes nor types are named."""

    indexes: frozenset[int] = frozenset()
    types: frozenset[str] = frozenset()
    """In lower case, since types are compared without regard to case."""
    subtypes: tuple[str, ...] = ()
    """Types that ended in a point, with it, in lower case: themselves and all below them."""

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return not (self.indexes or self.types or self.subtypes)

    @property
    def inline_proof(self) -> bool:
        """Whether the proof itself is asked for, which costs more than the rest together."""
        return INLINE_PROOF in self.indexes or INLINE_TYPE.lower() in self.types

    def selects(self, index: int, kind: str) -> bool:
        """Whether a value is asked for; `kind` is its type in lower case."""
        if self.everything or index in self.indexes or kind in self.types:
            return True
        return any(f"{kind}.".startswith(one) for one in self.subtypes)


ALL: Final = Wanted()


def handle_in(raw_path: bytes) -> str:
    """The handle in a raw path, percent-decoded once: `%2F`, `%40`, `%23` are what they stand for.
    Raises InvalidIdentifier."""
    try:
        text = raw_path.removeprefix(PATH).decode("ascii")
    except UnicodeDecodeError:
        raise MalformedCode("a handle in an address is percent-encoded ASCII") from None
    handle = visible(percent_decoded(text))
    if not _NAMED_BY_NUMBER(handle):  # another form, such as hdl:, would be decoded once more
        raise MalformedCode(
            "a handle begins with a number", hint="/api/handles/88.100.9999/dev0001"
        )
    return handle


@lru_cache(maxsize=256)
def read_parameters(raw: bytes) -> Wanted:
    """The parameters of the proxy's API. Raises SchemaViolation."""
    if not raw:
        return ALL
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError:  # UnicodeDecodeError is one
        raise SchemaViolation(
            f"the query is percent-encoded UTF-8, of at most {MAX_PARAMETERS} members"
        ) from None
    indexes: set[int] = set()
    types: set[str] = set()
    subtypes: set[str] = set()
    for name, value in pairs:
        if name == "index":
            indexes.add(_index(value))
        elif name == "type":
            if not _TYPE(value):
                raise SchemaViolation("a type has 1 to 64 visible characters", pointer="/type")
            (subtypes if value.endswith(".") else types).add(value.lower())
        elif name == "callback":
            raise SchemaViolation(
                "callback: no script is served here",
                pointer="/callback",
                hint="every page may read the JSON: CORS is open",
            )
        elif name not in _SWITCHES:
            raise SchemaViolation(
                f"{name[:40]!r} is not a parameter here",
                hint="known: index, type, " + ", ".join(_SWITCHES),
            )
        elif value.lower() not in ("", "true", "false"):
            raise SchemaViolation(f"{name} is true or false", pointer=f"/{name}")
    return Wanted(frozenset(indexes), frozenset(types), tuple(sorted(subtypes)))


def _index(text: str) -> int:
    if not _INDEX(text) or not 0 < int(text) <= MAX_INDEX:
        raise SchemaViolation("index is a positive number of 31 bits", pointer="/index")
    return int(text)
