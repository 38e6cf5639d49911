"""Links of a code, and the proof that they are the newest and who has set them.

    answer = links_bytes(record, code, proof)                    # what GET /v1/links gives
    verified = verify_links(answer, pinned, ("links", "gtin", "09506000134352"))
    verify_no_links(problem["proof"], pinned, key)

Pure. The record stands below the last root of the state. The entry beside it made it what it is:
its history is that of the entry's leaf over the history before. The entry's operation is signed by
keys that the operations shown establish. Whether the signer held the prefix is for an audit.
Specified in specs/3-resolution.md, "Links".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson

from identity.errors import InvalidAnswer
from identity.jcs import Json, canonicalize
from identity.operation import LinksSet
from registry.links import links_record
from registry.state import Key, LinksRecord, next_history
from resolver.establishing import keys_of
from resolver.pinned import Pinned
from resolver.replaying import parties_of, shown_entries, shown_operations, verify_signatures
from resolver.schemes import Code
from resolver.verifier import Records, VerifiedState, verify_state

_HISTORY = re.compile("[0-9a-f]{64}").fullmatch


@dataclass(frozen=True, slots=True)
class VerifiedLinks:
    """What an answer about links proves."""

    record: LinksRecord
    entry: int
    """The entry that set them."""
    by: str
    """The organization whose signature was verified."""
    state: VerifiedState


def links_bytes(record: bytes, read_as: Code, proof: bytes | None = None) -> bytes:
    """The answer as JSON: the record as it is stored."""
    members = [b'"links":' + record, b'"readAs":' + orjson.dumps(read_as._asdict())]
    if proof is not None:
        members.append(b'"proof":' + proof)
    return b"{" + b",".join(members) + b"}"


def verify_links(answer: Mapping[str, Json], pinned: Pinned, key: Key) -> VerifiedLinks:
    """Checks an answer of GET /v1/links with its proof, for the key of the state that was asked
    for. Raises EvidenceRefused, InvalidProof."""
    record, proof = answer.get("links"), answer.get("proof")
    if not isinstance(record, dict) or not isinstance(proof, dict):
        raise InvalidAnswer("an answer that can be verified has the members `links` and `proof`")
    state = verify_state(proof, pinned)
    _below_root(record, proof, state, key)
    made, entry = _made(proof, pinned)
    # As bytes: Python takes True for 1 and 1.0 for 1.
    if canonicalize(record) != canonicalize(cast("Json", made)):
        raise InvalidAnswer("the links are not those that the entry sets", pointer="/links")
    anchor = made["anchor"]
    if key != ("links", anchor["scheme"], anchor["value"]):
        raise InvalidAnswer("the links are those of another code", pointer="/links/anchor")
    return VerifiedLinks(made, entry, made["by"], state)


def verify_no_links(proof: Json, pinned: Pinned, key: Key) -> VerifiedState:
    """Checks the proof that nobody ever set links of a code. Raises EvidenceRefused."""
    if not isinstance(proof, dict):
        raise InvalidAnswer("that there are none is said and not proved", pointer="/proof")
    state = verify_state(proof, pinned)
    Records(proof, state, None).absent(key)
    return state


def _below_root(
    record: dict[str, Json], proof: dict[str, Json], state: VerifiedState, key: Key
) -> None:
    shown = proof.get("records")
    if not isinstance(shown, list) or len(shown) != 1 or not isinstance(shown[0], dict):
        raise InvalidAnswer("the proof shows the one record", pointer="/proof/records")
    Records({"records": [{**shown[0], "record": record}]}, state, None).present(key)


def _made(proof: dict[str, Json], pinned: Pinned) -> tuple[LinksRecord, int]:
    """The record that the entry shown makes, with its history, and the index of the entry."""
    before = proof.get("before")
    if not isinstance(before, str) or not _HISTORY(before):
        raise InvalidAnswer("the history before is 64 hexadecimal digits", pointer="/proof/before")
    (own,) = shown_entries([proof.get("entry")])
    operation = own.operation
    if not isinstance(operation, LinksSet) or operation.ledger != pinned.ledger:
        raise InvalidAnswer("the entry sets no links on this ledger", pointer="/proof/entry")
    signers = shown_operations(proof.get("signers"))
    keys = keys_of([*signers, own], pinned)
    for item in (*signers, own):
        verify_signatures(item, keys)
    if parties_of(operation) != {operation.subject}:
        raise InvalidAnswer("who sets links signs, and nobody else", pointer="/proof/entry")
    record: Any = links_record(operation, {"entry": own.entry.index, "time": own.entry.time})
    history = next_history(bytes.fromhex(before), own.leaf).hex()
    return cast("LinksRecord", {**record, "history": history}), own.entry.index
