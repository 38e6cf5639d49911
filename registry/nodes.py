"""Nodes: the ledgers of those who hold a prefix, as the grants of prefixes name them.

    "scope": {"scheme": "gtin", "prefix": "09506000",
              "node": {"ledger": "zQm…", "origin": "acme.example", "urls": ["https://acme.example"]}}

Such a grant says where to ask about codes under its prefix. Codes may still be registered here by
its holder: what the ledger has itself comes before what it refers to. Which grant answers for a
code is decided as everywhere (registry/grants.py): the longest one in force. A DID names its ledger
by a label of 80 bits, and so a record under that label lists the grants that name the ledger, one
and the same. Nobody shows a genesis when a grant is given, so that whoever may give one can make up
a hash with another ledger's label: what the authority names takes the label from that. Specified in
specs/3-resolution.md, "Delegation".
"""

from __future__ import annotations

from typing import Final, cast

from identity.did import ledger_label
from identity.errors import MalformedInput, PolicyViolated, QuotaExceeded
from identity.rights import Node
from registry.case import Case
from registry.grants import Segments, enclosing_prefix, grant_at, is_active
from registry.state import Changes, GrantRecord, Key, NodeRecord, State

MAX_NAMING: Final = 64
"""Grants in force that name one ledger."""


def node_key(label: str) -> Key:
    """Where the grants that name a ledger are listed."""
    return ("node", label)


def node_of(grant: GrantRecord | None) -> dict[str, object] | None:
    """The node that a grant names, if it names one."""
    return cast("dict[str, object] | None", grant["scope"].get("node")) if grant else None


def delegation_of_code(state: State, segments: Segments, now: int) -> GrantRecord | None:
    """The grant that refers questions about a code with these segments to another node; None where
    the longest one in force names none. That the code is not known here is for the caller."""
    grant = enclosing_prefix(state, segments, now, longest=len(segments))
    return grant if node_of(grant) is not None else None


def delegation_of_ledger(state: State, label: str, now: int) -> GrantRecord | None:
    """The first grant in force that names the ledger with this label; those that the authority
    gave stand first."""
    for grant in _naming(state, label):
        if is_active(state, grant, now):
            return grant
    return None


def _naming(state: State, label: str) -> list[GrantRecord]:
    record = cast("NodeRecord | None", state.get(node_key(label)))
    found = (grant_at(state, name) for name in (record["grants"] if record else ()))
    return [grant for grant in found if grant is not None]


def name_node(case: Case, node: Node, issuer: str) -> Changes:
    """Lists the grant that is being given under the label of the node's ledger.

    What is over drops out. The authority's grants stand first, and take the place of others where
    there are too many, or where those name another ledger: what a stranger took in a sandbox cannot
    keep out what the authority gave. Raises PolicyViolated, QuotaExceeded.
    """
    label = _label(case, node)
    before = cast("NodeRecord | None", case.state.get(node_key(label)))
    authority = case.registry["authority"]
    kept = [one for one in _naming(case.state, label) if is_active(case.state, one, case.now)]
    if before is not None and before["ledger"] != node.ledger:
        if any(issuer != authority or one["issuer"] == authority for one in kept):
            raise PolicyViolated(
                "another ledger is known by this label",
                pointer="/body/scope/node/ledger",
                hint="only the authority tells which of the two has it",
            )
        kept = []
    first = [one["grant"] for one in kept if one["issuer"] == authority]
    others = [one["grant"] for one in kept if one["issuer"] != authority]
    (first if issuer == authority else others).append(case.hash)
    if len(first) + len(others) > MAX_NAMING:
        if issuer != authority or not others:
            raise QuotaExceeded(
                f"{MAX_NAMING} grants name this node",
                pointer="/body/scope/node",
                hint="one will do",
            )
        others.pop()
    record: NodeRecord = {
        "ledger": node.ledger,
        "grants": [*first, *others],
        "named": before["named"] if before is not None else case.stamp,
    }
    return {node_key(label): record}


def _label(case: Case, node: Node) -> str:
    own = case.registry["ledger"]
    try:
        label = ledger_label(node.ledger)
    except MalformedInput as error:
        raise PolicyViolated(error.detail, pointer="/body/scope/node/ledger") from None
    if label == ledger_label(own):
        raise PolicyViolated(
            "a node is another ledger than this one",
            pointer="/body/scope/node/ledger",
            hint="leave the node out: codes under the prefix are registered here",
        )
    return label


def forget_node(case: Case, grant: GrantRecord) -> Changes:
    """Takes a grant that is withdrawn out of the list, if it names a node."""
    node = node_of(grant)
    if node is None:
        return {}
    key = node_key(ledger_label(cast("str", node["ledger"])))
    before = cast("NodeRecord | None", case.state.get(key))
    if before is None or grant["grant"] not in before["grants"]:  # another took its place
        return {}
    left = [name for name in before["grants"] if name != grant["grant"]]
    record: NodeRecord = {**before, "grants": left}
    return {key: record}
