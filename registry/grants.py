"""Grants: who may do what, and how rights enclose one another.

A right is given by the authority or by the holder of the enclosing one, works from the entry that
gives it, and is taken back forward only: what was issued under it stays, and supervision of it
passes to the encloser. Specified in specs/2-registry.md, "Grants".

Prefixes form a tree of segments, never of characters: `88.118.1` does not hold `88.118.10/…`. Each
node on the way to a granted prefix counts the active grants below it, so that one look tells
whether a prefix is free; the namespace remembers at which depths prefixes exist, so that finding
the longest one costs a look for each depth in use rather than for each segment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from identity.members import parse_time
from registry.state import GrantRecord, Organization, PrefixRecord, State, subject_of

Segments = tuple[str, ...]


def grant_at(state: State, grant: str) -> GrantRecord | None:
    """The record of a grant."""
    return cast("GrantRecord | None", state.get(("grant", grant)))


def is_active(state: State, grant: GrantRecord | None, now: int) -> bool:
    """Whether a grant gives its right now: not withdrawn, not expired, its holder not revoked."""
    if grant is None or grant["status"] != "active":
        return False
    if "notAfter" in grant and now > parse_time(grant["notAfter"]):
        return False
    holder = subject_of(state, grant["to"])
    return holder is not None and holder["status"] != "revoked"


def prefix_at(state: State, segments: Segments) -> PrefixRecord | None:
    """The node of the prefix tree at these segments."""
    return cast("PrefixRecord | None", state.get(("prefix", *segments)))


def enclosing_prefix(
    state: State, segments: Segments, now: int, *, longest: int
) -> GrantRecord | None:
    """The active prefix grant with most segments, at most `longest`, that encloses `segments`."""
    namespace = prefix_at(state, segments[:1])
    if namespace is None:
        return None
    for depth in reversed(namespace.get("depths", [])):
        if depth > longest:
            continue
        node = prefix_at(state, segments[:depth])
        if node and "grant" in node:
            grant = grant_at(state, node["grant"])
            if is_active(state, grant, now):
                return grant
    return None


def prefix_holder(state: State, segments: Segments, now: int) -> str | None:
    """The organization that answers for a code with these segments, or None."""
    grant = enclosing_prefix(state, segments, now, longest=len(segments) - 1)
    return grant["to"] if grant else None


def holds(
    state: State, did: str, right: str, now: int, fits: Callable[[dict[str, Any]], bool]
) -> bool:
    """Whether `did` holds an active grant of `right` whose scope fits."""
    holder = subject_of(state, did)
    if holder is None or holder["kind"] == "device":
        return False
    for name in cast("Organization", holder)["grants"].get(right, []):
        grant = grant_at(state, name)
        if grant and is_active(state, grant, now) and fits(grant["scope"]):
            return True
    return False


def may_make(state: State, did: str, maker: str, model: str, now: int) -> bool:
    """Whether `did` may use a maker's name for a model."""
    return did == maker or holds(
        state,
        did,
        "make",
        now,
        lambda scope: scope["maker"] == maker and model in scope.get("models", [model]),
    )
