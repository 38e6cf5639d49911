"""Holds an answer about a handle against the device's proved record.

    found = verify_handle(answer, trust, now)     # an answer that has TETRAD.PROOF.ANSWER as well
    found.verified.status, found.indexes

Every value is derived again from the record, so that it does not matter which of them were asked
for, nor who served them. Pure; specified in specs/3-resolution.md, "Handles".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import orjson

from identity.errors import InvalidAnswer, InvalidIdentifier, InvalidInput, MalformedInput
from identity.jcs import Json, parse
from registry.state import Key
from resolver.handles.encoding import HandleValue, digests_of
from resolver.handles.signing import jws_claims, unsigned
from resolver.handles.values import INLINE_PROOF, INLINE_TYPE, SIGNATURE, device_values
from resolver.path import Hop, verify_path
from resolver.schemes import SCHEMES, Code
from resolver.trust import Trust
from resolver.verifier import VerifiedAnswer, verify_answer

MOST_BYTES = 2**24


class VerifiedHandle(NamedTuple):
    """What holds of an answer about a handle."""

    verified: VerifiedAnswer
    trust: Trust
    """The ledger that answers."""
    hops: tuple[Hop, ...]
    """The way to it from the pinned root, where these are two."""
    indexes: tuple[int, ...]
    """Of the values that are those of the proved record."""
    unchecked: tuple[int, ...]
    """Of signatures and certificates of the handle world, whose anchor is not ours."""


def read_handle(text: str) -> Code:
    """The handle as a code: `idis` below an enterprise node of 88., else `handle`.

    Raises InvalidIdentifier.
    """
    if text.startswith("88."):
        try:
            return SCHEMES.read(text, "idis")
        except InvalidIdentifier:
            pass
    return SCHEMES.read(text, "handle")


def verify_handle(answer: Mapping[str, Json], trust: Trust, now: int) -> VerifiedHandle:
    """Checks an answer by the proof within it; `trust` is the ledger that answers, or the root of
    the way to it, its grants in force `now`, in seconds. Raises EvidenceRefused, InvalidProof.
    """
    handle = answer.get("handle")
    if answer.get("responseCode") != 1 or not isinstance(handle, str):
        raise InvalidAnswer("no answer about a handle that was found", pointer="/responseCode")
    values, inner = _values(answer), proved_within(answer)
    try:
        code = read_handle(handle)
    except InvalidIdentifier as error:
        raise InvalidAnswer(f"not a handle: {error.detail}", pointer="/handle") from None
    verified, responsible, hops = _verified(inner, trust, ("code", code.scheme, code.value), now)
    if verified.as_of is not None:
        raise InvalidAnswer("a handle is answered as it is now", pointer="/values")
    derived = device_values(code.value, code.scheme, verified.device)
    indexes: list[int] = []
    unchecked: list[int] = []
    for place, value in enumerate(values):
        index = value.get("index")
        if index == INLINE_PROOF and value.get("type") == INLINE_TYPE:
            continue
        if value.get("type") in ("HS_SIGNATURE", "HS_CERT"):
            _check_digests(value, derived, place)
            unchecked.append(index if type(index) is int else 0)
            continue
        expected = derived if index != SIGNATURE else unsigned(code.value, derived)
        if type(index) is not int or not any(
            _same(value, one) for one in expected if one.index == index
        ):
            raise InvalidAnswer(
                f"the value of index {index!r:.20} is not that of the proved record",
                pointer=f"/values/{place}",
            )
        indexes.append(index)
    return VerifiedHandle(verified, responsible, hops, tuple(indexes), tuple(unchecked))


def _verified(
    answer: Mapping[str, Json], trust: Trust, key: Key, now: int
) -> tuple[VerifiedAnswer, Trust, tuple[Hop, ...]]:
    if "path" not in answer:
        return verify_answer(answer, trust.pinned, key=key), trust, ()
    path = verify_path(answer, trust, key, now)
    if not isinstance(path.outcome, VerifiedAnswer):
        raise InvalidAnswer("the proof is of no device", pointer="/values")
    return path.outcome, path.responsible, path.hops


def _values(answer: Mapping[str, Json]) -> list[dict[str, Any]]:
    shown = answer.get("values")
    if not isinstance(shown, list) or not all(isinstance(one, dict) for one in shown):
        raise InvalidAnswer("an answer about a handle has values", pointer="/values")
    return cast("list[dict[str, Any]]", shown)


def proved_within(answer: Mapping[str, Json]) -> dict[str, Json]:
    """The answer and its proof that stand among the values, not verified. Raises InvalidAnswer."""
    for place, value in enumerate(_values(answer)):
        if value.get("index") == INLINE_PROOF and value.get("type") == INLINE_TYPE:
            try:
                found = parse(value["data"]["value"].encode(), max_bytes=MOST_BYTES)
                if isinstance(found, dict):
                    return found
            except (KeyError, TypeError, AttributeError, UnicodeEncodeError, InvalidInput):
                pass
            raise InvalidAnswer("the proof is not JSON", pointer=f"/values/{place}/data/value")
    raise InvalidAnswer(
        "there is no proof among the values",
        pointer="/values",
        hint=f"ask for it as well: index={INLINE_PROOF}",
    )


def _check_digests(value: dict[str, Any], derived: list[HandleValue], place: int) -> None:
    """A signature, whoever made it, is over the values of the proved record."""
    if value["type"] != "HS_SIGNATURE":
        return
    try:
        digests = jws_claims(value["data"]["value"]).get("digests")
    except (KeyError, TypeError, MalformedInput):
        digests = None
    if digests != digests_of(derived):
        raise InvalidAnswer(
            "the signature is over other values than those of the proved record",
            pointer=f"/values/{place}",
        )


def _same(shown: dict[str, Any], value: HandleValue) -> bool:
    # As bytes: Python takes True for 1 and 1.0 for 1.
    return _sorted(shown) == _sorted(orjson.loads(value.json()))


def _sorted(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
