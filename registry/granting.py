"""The rows of the rule book that give rights and take them back.

Specified in specs/2-registry.md, "Grants"; how rights enclose one another is told in
registry/grants.py.
"""

from __future__ import annotations

from typing import cast

from identity.errors import (
    NotFound,
    PolicyViolated,
    PrefixTaken,
    QuotaExceeded,
    RightMissing,
    WrongState,
)
from identity.members import parse_time
from identity.operation import GrantIssue, GrantWithdraw, operation_value
from identity.rights import (
    AdmitGrant,
    CredentialGrant,
    EnrolGrant,
    Grant,
    MakeGrant,
    PrefixGrant,
)
from registry import enrolment
from registry.accreditation import check_accreditation, may_withdraw
from registry.case import FINAL, Case, pointing
from registry.grants import (
    Segments,
    enclosing_prefix,
    grant_at,
    held,
    held_key,
    is_active,
    prefix_at,
)
from registry.nodes import forget_node, name_node
from registry.state import Changes, GrantRecord, Key, Organization, PrefixRecord, subject_of

MAX_HELD = 64
"""Grants of one right from one side to one holder that are in force at once."""


def grant_issue(case: Case) -> Changes:
    """grant.issue"""
    body = cast("GrantIssue", case.operation).body
    granter = case.organization()
    # Devices will come to be its receiver's without a further word of it: so it agrees beforehand.
    receiving = {body.to} if isinstance(body, EnrolGrant) else set()
    case.signers().exactly({granter["did"], *receiving})
    case.in_order(granter)
    receiver = _receiver(case, body.to)
    if body.notAfter is not None and parse_time(body.notAfter) <= case.now:
        raise PolicyViolated("the grant would be over before it begins", pointer="/body/notAfter")
    changes = _given(case, body, granter, receiver)
    grant: GrantRecord = {
        "grant": case.hash,
        "right": body.right,
        "issuer": granter["did"],
        "to": body.to,
        "scope": operation_value(body.scope),
        "status": "active",
        "issued": case.stamp,
    }
    if body.notAfter is not None:
        grant["notAfter"] = body.notAfter
    if isinstance(body, CredentialGrant) and body.under is not None:
        grant["under"] = body.under
    changes["grant", case.hash] = grant
    return case.changing(granter, changes)


def _given(case: Case, body: Grant, granter: Organization, receiver: Organization) -> Changes:
    """Whether the granter may give the right, and what else it changes: where it is listed."""
    by_authority = granter["did"] == case.registry["authority"]
    if isinstance(body, AdmitGrant):
        if not by_authority:
            raise RightMissing(
                "only the authority grants the right to admit", pointer="/body/right"
            )
        return _hold(case, held_key("admit", body.to))
    if isinstance(body, MakeGrant):
        if not by_authority and body.scope.maker != granter["did"]:
            raise RightMissing(
                "only the maker itself grants the use of its name", pointer="/body/scope/maker"
            )
        return _hold(case, held_key("make", body.to, body.scope.maker))
    if isinstance(body, PrefixGrant):
        segments = _segments_of(case, body)
        changes: Changes = {}
        if not by_authority and not _encloses(case, body, granter, segments):
            _check_first_come(case, body, granter, segments)
            taken: Organization = {**receiver, "prefixes": receiver["prefixes"] + 1}
            changes["did", body.to] = taken
        if body.scope.node is not None:
            changes |= name_node(case, body.scope.node, granter["did"])
        return changes | _take_prefix(case, segments)
    if isinstance(body, CredentialGrant):
        check_accreditation(case, body, granter)
        return _hold(case, held_key("credential", body.to, granter["did"]))
    if isinstance(body, EnrolGrant):
        return enrolment.begin(case, body, granter)
    raise PolicyViolated(
        f"a ledger of format 0 does not yet grant the right {body.right!r}",
        pointer="/body/right",
        hint="admit, prefix, make, credential and enrol are granted",
    )


def _hold(case: Case, key: Key) -> Changes:
    """Lists the grant among those of its holder; what is over drops out. Raises QuotaExceeded."""
    names = [grant["grant"] for grant in held(case.state, key, case.now)]
    if len(names) >= MAX_HELD:
        raise QuotaExceeded(
            f"its holder has {MAX_HELD} such grants",
            pointer="/body/to",
            hint="withdraw those that are not needed, or name all models in one",
        )
    return {key: {"grants": [*names, case.hash]}}


def _segments_of(case: Case, body: PrefixGrant) -> Segments:
    """The prefix as segments. Raises InvalidIdentifier: a range of numbers is no prefix."""
    scope = body.scope
    with pointing("/body/scope", "prefix"):
        if case.schemes.is_number(scope.scheme):
            raise PolicyViolated(
                f"{scope.scheme} is a scheme of numbers, whose ranges are granted as `number`",
                pointer="/body/scope/scheme",
            )
        return case.schemes.prefix_segments(scope.scheme, scope.prefix)


def _receiver(case: Case, did: str) -> Organization:
    found = subject_of(case.state, did)
    if found is None or found["kind"] == "device":
        raise NotFound("no such organization on this ledger", pointer="/body/to")
    if found["status"] in FINAL:
        raise WrongState(f"the organization is {found['status']}", pointer="/body/to")
    return cast("Organization", found)


def _encloses(case: Case, body: PrefixGrant, granter: Organization, segments: Segments) -> bool:
    """Whether the granter holds the prefix that encloses this one most closely.

    Raises RightMissing where another holds it, or where the grant would outlive its own.
    """
    encloser = enclosing_prefix(case.state, segments, case.now, longest=len(segments) - 1)
    if encloser is None:
        return False
    if encloser["to"] != granter["did"]:
        raise RightMissing(
            "the prefix lies under one that another organization holds",
            pointer="/body/scope/prefix",
            hint="ask its holder to grant it",
        )
    if "notAfter" in encloser and (
        body.notAfter is None or parse_time(body.notAfter) > parse_time(encloser["notAfter"])
    ):
        raise RightMissing(
            "a grant cannot outlive the one that encloses it",
            pointer="/body/notAfter",
            hint=f"end it by {encloser['notAfter']}",
        )
    return True


def _check_first_come(
    case: Case, body: PrefixGrant, granter: Organization, segments: Segments
) -> None:
    """A sandbox gives a free prefix to the first who asks, for itself and within bounds."""
    if case.registry["mode"] != "sandbox":
        raise RightMissing(
            "the prefix lies under nothing that the granter holds",
            pointer="/body/scope/prefix",
            hint="ask the authority to grant it",
        )
    if body.to != granter["did"]:
        raise RightMissing(
            "a free prefix goes to who asks for it, not to others", pointer="/body/to"
        )
    depth = case.schemes.minimal_prefix_depth(body.scope.scheme)
    if len(segments) < depth:
        raise PolicyViolated(
            "the prefix is too short for a sandbox to give away",
            pointer="/body/scope/prefix",
            hint=f"{body.scope.scheme} prefixes have at least {depth - 1} segments here",
        )
    if granter["prefixes"] >= cast("int", case.registry["policy"]["prefixes"]):
        raise QuotaExceeded("no further prefix for this organization", pointer="/body/scope/prefix")
    node = prefix_at(case.state, segments)
    if node is not None and node["below"]:
        raise PrefixTaken(
            "the prefix encloses one that is granted already", pointer="/body/scope/prefix"
        )


def _take_prefix(case: Case, segments: Segments) -> Changes:
    """The grant's node, the counts above it, and the namespace's depths. Raises PrefixTaken."""
    node = prefix_at(case.state, segments) or PrefixRecord(below=0)
    if "grant" in node and is_active(case.state, grant_at(case.state, node["grant"]), case.now):
        raise PrefixTaken("the prefix is granted already", pointer="/body/scope/prefix")
    # A grant that expired still counts above: its successor takes over its place in the count.
    nodes = {} if "grant" in node else _counted_above(case, segments, 1)
    nodes[segments] = {**node, "grant": case.hash}
    namespace = segments[:1]
    root = nodes.get(namespace) or prefix_at(case.state, namespace) or PrefixRecord(below=0)
    depths = sorted({*root.get("depths", []), len(segments)})
    nodes[namespace] = {**root, "depths": depths}
    return {("prefix", *place): record for place, record in nodes.items()}


def _counted_above(case: Case, segments: Segments, step: int) -> dict[Segments, PrefixRecord]:
    nodes: dict[Segments, PrefixRecord] = {}
    for depth in range(1, len(segments)):
        above = prefix_at(case.state, segments[:depth]) or PrefixRecord(below=0)
        nodes[segments[:depth]] = {**above, "below": above["below"] + step}
    return nodes


def grant_withdraw(case: Case) -> Changes:
    """grant.withdraw"""
    body = cast("GrantWithdraw", case.operation).body
    withdrawer = case.organization()
    case.signers().exactly({withdrawer["did"]})
    case.in_order(withdrawer)
    grant = grant_at(case.state, body.grant)
    if grant is None:
        raise NotFound("no such grant", pointer="/body/grant")
    if grant["status"] == "withdrawn":
        raise WrongState("the grant is withdrawn already", pointer="/body/grant")
    if withdrawer["did"] not in _withdrawers(case, grant):
        raise RightMissing(
            "only the authority or the holder of what encloses the grant withdraws it",
            pointer="/body/grant",
        )
    changes: Changes = {}
    if grant["right"] == "prefix":
        changes |= _leave_prefix(case, _granted_segments(case, grant), body.grant)
        changes |= forget_node(case, grant)
    elif grant["right"] != "enrol":
        key = _held_under(grant)
        left = [one["grant"] for one in held(case.state, key, case.now)]
        changes[key] = {"grants": [name for name in left if name != body.grant]}
    ended: GrantRecord = {
        **grant,
        "status": "withdrawn",
        "reason": body.reason,
        "withdrawn": case.stamp,
    }
    changes["grant", body.grant] = ended
    return case.changing(withdrawer, changes)


def _held_under(grant: GrantRecord) -> Key:
    """Where a grant that is no prefix is listed."""
    givers = {
        "make": cast("str | None", grant["scope"].get("maker")),
        "credential": grant["issuer"],
    }
    return held_key(grant["right"], grant["to"], givers.get(grant["right"]))


def _granted_segments(case: Case, grant: GrantRecord) -> Segments:
    scope = cast("dict[str, str]", grant["scope"])
    return case.schemes.prefix_segments(scope["scheme"], scope["prefix"])


def _withdrawers(case: Case, grant: GrantRecord) -> set[str]:
    """Who may take a grant back: the authority, and whoever holds what encloses it *now*.

    Not its granter as such: whoever lost a prefix has lost what it granted under it as well.
    """
    entitled = {case.registry["authority"]}
    if grant["right"] == "make":
        entitled.add(cast("str", grant["scope"]["maker"]))
    if grant["right"] == "enrol":
        entitled |= enrolment.closers(case, grant)
    if grant["right"] == "credential":
        entitled |= may_withdraw(case, grant)
    if grant["right"] == "prefix":
        segments = _granted_segments(case, grant)
        encloser = enclosing_prefix(case.state, segments, case.now, longest=len(segments) - 1)
        if encloser is not None:
            entitled.add(encloser["to"])
        elif grant["issuer"] == grant["to"]:
            entitled.add(grant["to"])  # what a sandbox gave away may be given back
    return entitled


def _leave_prefix(case: Case, segments: Segments, grant: str) -> Changes:
    """Frees the grant's node, unless a later grant took it over."""
    node = prefix_at(case.state, segments)
    if node is None or node.get("grant") != grant:
        return {}
    freed = node.copy()
    del freed["grant"]
    nodes = {segments: freed, **_counted_above(case, segments, -1)}
    return {("prefix", *place): record for place, record in nodes.items()}
