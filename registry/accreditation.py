"""The right to issue credentials: how it is passed on, and when a chain of it is in force.

    {"right": "credential", "to": "did:tetrad:…laboratory", "under": "zQm…",
     "scope": {"types": ["NetworkSecurityLabel"], "prefix": {"scheme": "gtin", "prefix": "09506"}}}

The authority grants without `under`. A holder names the grant that it passes a part of on: fewer
types or the same, a prefix within its own, no later end, and one level less of `delegates`. So the
grants form chains of at most five, each of which begins with the authority; a grant gives its
right while all above it do. Specified in specs/2-registry.md, "Grants".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from identity.errors import InvalidIdentifier, NotFound, PolicyViolated, RightMissing
from identity.jcs import Json
from identity.members import parse_time
from identity.rights import CredentialGrant, CredentialScope, Prefix
from registry.case import Case, pointing
from registry.grants import Segments, grant_at, is_active
from registry.schemes import Schemes
from registry.state import GrantRecord, Organization, State

MOST_GRANTS: Final = 5
"""Of a chain: `delegates` is at most 4."""


def chain_of(state: State, grant: GrantRecord) -> list[GrantRecord]:
    """The grant and those above it, up to the one that the authority gave."""
    chain = [grant]
    while "under" in chain[-1]:
        above = grant_at(state, chain[-1]["under"])
        assert above is not None  # noqa: S101 - a record is never removed
        chain.append(above)
    return chain


def in_force(state: State, grant: GrantRecord, now: int) -> bool:
    """Whether a grant and all above it give their right now."""
    return all(is_active(state, one, now) for one in chain_of(state, grant))


def scope_segments(schemes: Schemes, scope: Mapping[str, Json]) -> Segments:
    """The segments of a scope's prefix; () where it has none, which encloses every code.

    Raises InvalidIdentifier."""
    prefix = cast("dict[str, str] | None", scope.get("prefix"))
    return schemes.prefix_segments(prefix["scheme"], prefix["prefix"]) if prefix else ()


def delegates_of(scope: Mapping[str, Json]) -> int:
    """How many grants may stand below one with this scope."""
    return cast("int", scope.get("delegates", 0))


def check_accreditation(case: Case, body: CredentialGrant, granter: Organization) -> None:
    """Whether the granter may give this right: the authority, or as a part of what it holds.

    Raises RightMissing, NotFound for an `under` that is no grant, PolicyViolated for a range of
    numbers, InvalidIdentifier.
    """
    segments = _segments_of(case, body.scope.prefix)
    if body.under is None:
        if granter["did"] != case.registry["authority"]:
            raise RightMissing(
                "only the authority accredits out of its own right",
                pointer="/body/under",
                hint="name the grant that you pass a part of on",
            )
        return
    above = grant_at(case.state, body.under)
    if above is None:
        raise NotFound("no such grant", pointer="/body/under")
    if above["right"] != "credential" or above["to"] != granter["did"]:
        raise RightMissing("the granter holds no such right", pointer="/body/under")
    if not in_force(case.state, above, case.now):
        raise RightMissing(
            "the grant, or one above it, is withdrawn or over", pointer="/body/under"
        )
    _check_enclosed(body.scope, segments, above, scope_segments(case.schemes, above["scope"]))
    _check_end(body, above)


def _segments_of(case: Case, prefix: Prefix | None) -> Segments:
    if prefix is None:
        return ()
    if case.schemes.is_number(prefix.scheme):
        raise PolicyViolated(
            f"{prefix.scheme} is a scheme of numbers; devices are told by their codes",
            pointer="/body/scope/prefix/scheme",
        )
    with pointing("/body/scope/prefix", "prefix"):
        return case.schemes.prefix_segments(prefix.scheme, prefix.prefix)


def _check_enclosed(
    scope: CredentialScope, segments: Segments, above: GrantRecord, enclosing: Segments
) -> None:
    if not set(scope.types) <= set(cast("list[str]", above["scope"]["types"])):
        raise RightMissing("a type that the grant above does not have", pointer="/body/scope/types")
    if segments[: len(enclosing)] != enclosing:
        raise RightMissing(
            "the grant above is for devices under another prefix", pointer="/body/scope/prefix"
        )
    if (scope.delegates or 0) >= delegates_of(above["scope"]):
        raise RightMissing(
            "the grant above is not to be passed on that far",
            pointer="/body/scope/delegates" if scope.delegates else "/body/under",
            hint=f"it has delegates: {delegates_of(above['scope'])}",
        )


def _check_end(body: CredentialGrant, above: GrantRecord) -> None:
    end = above.get("notAfter")
    if end is None:
        return
    if body.notAfter is None or parse_time(body.notAfter) > parse_time(end):
        raise RightMissing(
            "a grant cannot outlive the one that encloses it",
            pointer="/body/notAfter",
            hint=f"end it by {end}",
        )


def may_withdraw(case: Case, grant: GrantRecord) -> set[str]:
    """Beside the authority: the holder of the grant that this one stands under, while it has it."""
    if "under" not in grant:
        return set()
    above = grant_at(case.state, grant["under"])
    assert above is not None  # noqa: S101 - a record is never removed
    return {above["to"]} if in_force(case.state, above, case.now) else set()


def covers(
    schemes: Schemes, scope: Mapping[str, Json], type_: str, code: Mapping[str, Json]
) -> bool:
    """Whether the scope of a grant has a type, and encloses a device's code.

    Of a committed code the segments are those of the prefix that it shows.
    """
    if type_ not in cast("list[str]", scope["types"]):
        return False
    scheme = cast("str", code["scheme"])
    try:
        enclosing = scope_segments(schemes, scope)
        if "commitment" in code:
            segments = schemes.prefix_segments(scheme, cast("str", code["prefix"]))
        else:
            segments = schemes.segments(scheme, cast("str", code["value"]))
    except InvalidIdentifier:
        return False
    return segments[: len(enclosing)] == enclosing
