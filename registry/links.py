"""The row of the rule book that says where a code leads to.

Links belong to a code and not to a device: of a class of products, of a batch, of an instance
whether or not a device bears its code. They are set by whoever answers for the code at that moment,
and stay until somebody who answers for it then sets others. Specified in specs/2-registry.md,
"links.set".
"""

from __future__ import annotations

from typing import cast

from identity.errors import PolicyViolated, RightMissing
from identity.operation import LinksSet, operation_value
from registry import grants
from registry.case import Case, pointing
from registry.state import Changes, Key, LinksRecord, Stamp

_ANCHOR = "/body/anchor"


def links_key(scheme: str, value: str) -> Key:
    """Where the links of a code stand."""
    return ("links", scheme, value)


def links_set(case: Case) -> Changes:
    """links.set"""
    body = cast("LinksSet", case.operation).body
    setter = case.organization()
    case.signers().exactly({setter["did"]})
    case.in_order(setter)
    with pointing(_ANCHOR, "value"):
        if case.schemes.is_number(body.anchor.scheme) or case.schemes.is_committed(
            body.anchor.scheme
        ):
            raise PolicyViolated(
                f"{body.anchor.scheme} is not a scheme of codes that stand in clear",
                pointer=f"{_ANCHOR}/scheme",
            )
        segments = case.schemes.segments(body.anchor.scheme, body.anchor.value)
    if setter["did"] not in (
        case.registry["authority"],
        grants.prefix_holder(case.state, segments, case.now),
    ):
        raise RightMissing(
            "only who holds the prefix that most closely encloses the code, or the authority, "
            "says where it leads",
            pointer=_ANCHOR,
        )
    key = links_key(body.anchor.scheme, body.anchor.value)
    return case.changing(setter, {key: links_record(case.operation, case.stamp)})


def links_record(operation: LinksSet, stamp: Stamp) -> LinksRecord:
    """The record that a links.set makes, whatever there was before."""
    record = {**operation_value(operation.body), "by": operation.subject, "updated": stamp}
    return cast("LinksRecord", record)
