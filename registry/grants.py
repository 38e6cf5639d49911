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

from typing import cast

from identity.members import parse_time
from registry.state import GrantRecord, HeldRecord, Key, PrefixRecord, State, subject_of

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
    """The organization that answers for a code with these segments, or None.

    A prefix encloses whatever begins with it, and so the code that is no longer than itself.
    """
    grant = enclosing_prefix(state, segments, now, longest=len(segments))
    return grant["to"] if grant else None


def held_key(right: str, to: str, giver: str | None = None) -> Key:
    """Where the grants of a right that one party holds are listed; those of a name by its maker,
    accreditations by who gave them.

    Apart from the holder's own record and from other givers', so that nobody can make another's
    registrations slow, or fill up its list, by giving it rights that it never asked for.
    """
    return ("held", right, to, *([giver] if giver else []))


def held(state: State, key: Key, now: int) -> list[GrantRecord]:
    """The active grants under a `held_key`, oldest first."""
    listed = cast("HeldRecord | None", state.get(key))
    found = (grant_at(state, name) for name in (listed["grants"] if listed else ()))
    return [grant for grant in found if grant and is_active(state, grant, now)]


def may_admit(state: State, did: str, now: int) -> bool:
    """Whether `did` holds the right to admit organizations."""
    return bool(held(state, held_key("admit", did), now))


def may_make(state: State, did: str, maker: str, model: str, now: int) -> bool:
    """Whether `did` may use a maker's name for a model."""
    if did == maker:
        return True
    scopes = (grant["scope"] for grant in held(state, held_key("make", did, maker), now))
    return any(model in cast("list[str]", scope.get("models", [model])) for scope in scopes)
