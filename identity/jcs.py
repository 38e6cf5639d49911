"""Strict JSON in, canonical JSON out: the bytes that are hashed and signed.

`parse` is the only door through which JSON enters. It refuses whatever two parsers could read
differently: duplicate keys, NaN and infinities, integers beyond 2^53 - 1, numbers that overflow a
double, lone surrogates, a byte order mark, and more bytes or depth than the limits allow.

`canonicalize` writes RFC 8785 (JCS). Values inside a profile (no floats, integers below 2^53, no
character outside the Basic Multilingual Plane) take a path that is twenty times as fast; all others
take the general one. Both give the same bytes, which a property test asserts.

    >>> canonicalize(parse(b'{"b": 1.0, "a": "\\\\u20ac"}'))
    b'{"a":"\\xe2\\x82\\xac","b":1}'
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

import orjson
import rfc8785

from identity.errors import InputTooLarge, MalformedInput

Json = dict[str, Any] | list[Any] | str | int | float | bool | None
"""A JSON value as Python holds it."""

LARGEST_INTEGER = 2**53 - 1
"""The largest magnitude that every JSON implementation holds exactly (RFC 7493, section 2.2)."""

DEEPEST = 128
"""Nesting that `canonicalize` follows; orjson itself ends at 254."""

_EXACT = orjson.OPT_STRICT_INTEGER  # raises beyond 2^53 - 1
_PLAIN = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_SUBCLASS
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
)
# UTF-8 writes a character outside the Basic Multilingual Plane with one of these lead bytes.
_ASTRAL = (b"\xf0", b"\xf1", b"\xf2", b"\xf3", b"\xf4")


def parse(data: bytes, *, max_bytes: int = 262_144, max_depth: int = 32) -> Json:
    """Read one JSON value (RFC 8259) under the restrictions of I-JSON (RFC 7493).

    `max_bytes` counts the bytes as received, `max_depth` the arrays and objects around a value.
    Raises `InputTooLarge` for either limit and `MalformedInput` for everything else.
    """
    if len(data) > max_bytes:
        raise InputTooLarge(f"{len(data)} bytes of JSON, where at most {max_bytes} are read")
    try:
        value: Json = orjson.loads(data)
    except orjson.JSONDecodeError as refusal:
        if "depth" in refusal.msg:
            raise InputTooLarge(f"nested deeper than {max_depth} levels") from None
        raise MalformedInput(f"not strict JSON: {refusal}") from None
    # Fewer opening brackets than levels allowed: it cannot be too deep, and nothing is walked.
    if data.count(b"[") + data.count(b"{") > max_depth and _depth(value, max_depth) > max_depth:
        raise InputTooLarge(f"nested deeper than {max_depth} levels")
    try:
        if orjson.dumps(value, option=_EXACT) == data:
            return value  # every member was written back, so no key stood twice
    except TypeError:
        pass  # an integer beyond 2^53 - 1, or depth beyond orjson's: decided below
    return _parse_slowly(data)


def canonicalize(value: Json) -> bytes:
    """The canonical bytes of a value (RFC 8785), UTF-8.

    Tuples count as arrays. Raises `MalformedInput` for what JSON or I-JSON cannot hold (integers
    beyond 2^53 - 1, NaN, lone surrogates, keys that are not strings) and `InputTooLarge` for more
    than 128 levels. A float that is whole and between 2^53 and 10^21 is written as RFC 8785 asks,
    in digits, which `parse` then refuses to read: no schema of ours has such a number.
    """
    if _is_plain((value,), DEEPEST + 1):
        try:
            plain = orjson.dumps(value, option=_PLAIN)
        except TypeError as refusal:
            raise MalformedInput(f"not a JSON value: {refusal}") from None
        # JCS sorts keys by UTF-16 units (RFC 8785, 3.2.3), orjson by UTF-8 bytes. The two orders
        # differ only where a character has a surrogate pair.
        if plain.isascii() or not any(lead in plain for lead in _ASTRAL):
            return plain
    return _canonicalize_slowly(value)


def canonicalize_profile(value: Json) -> bytes:
    """As `canonicalize`, for a value that is known to keep to the JSON profile of operations.

    ASCII member names, integers below 2^53, no floats: what the models of operations and the
    records of the state allow. The caller vouches for it; a property test holds the two equal.
    """
    return orjson.dumps(value, option=_PLAIN)


def _is_plain(container: dict[str, Any] | list[Any] | tuple[Any, ...], levels: int) -> bool:
    """Whether it holds only what orjson writes as JCS does, whatever the order of keys, in at most
    so many levels of containers."""
    # Exact types, by identity: the cheapest test there is, and subclasses go the slow way.
    for item in container.values() if isinstance(container, dict) else container:
        kind = type(item)
        if kind is str:
            continue
        if kind is dict or kind is list or kind is tuple:
            if levels == 1 or not _is_plain(item, levels - 1):
                return False
        elif kind is not int and kind is not bool and item is not None:
            return False
    return True


def _canonicalize_slowly(value: Json) -> bytes:
    if _depth(value, DEEPEST) > DEEPEST:
        raise InputTooLarge(f"nested deeper than {DEEPEST} levels")
    try:
        return rfc8785.dumps(value)
    except (
        rfc8785.CanonicalizationError,
        UnicodeEncodeError,
        AttributeError,
        TypeError,
    ) as refusal:
        raise MalformedInput(f"not a JSON value: {refusal}") from None


def _depth(value: object, limit: int) -> int:
    """Levels of nesting, counted without recursion up to `limit + 1`."""
    level: list[object] = [value]
    deep = 0
    while deep <= limit:
        containers = [item for item in level if isinstance(item, (dict, list, tuple))]
        if not containers:
            break
        deep += 1
        level = [x for c in containers for x in (c.values() if isinstance(c, dict) else c)]
    return deep


def _parse_slowly(data: bytes) -> Json:
    """The standard decoder, for bytes that orjson has read and that are not too deep."""
    try:
        value: Json = json.loads(
            data,
            object_pairs_hook=_unique,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except ValueError as refusal:  # orjson has accepted the syntax: a difference between parsers
        raise MalformedInput(f"not strict JSON: {refusal}") from None
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, value in pairs:
        if key in members:
            raise MalformedInput(f"the key {key[:64]!r} stands twice in one object")
        members[key] = value
    return members


def _integer(digits: str) -> int:
    number = int(digits) if len(digits) <= 17 else LARGEST_INTEGER + 1  # no quadratic conversion
    if abs(number) > LARGEST_INTEGER:
        raise MalformedInput(
            f"the integer {digits[:24]} is beyond 2^53 - 1", hint="write it as a string"
        )
    return number


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise MalformedInput(f"the number {digits[:24]} is beyond the range of a double")
    return number


def _constant(name: str) -> NoReturn:
    raise MalformedInput(f"{name} is not JSON")
