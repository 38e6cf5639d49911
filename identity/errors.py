"""Every way in which Tetrad says no, in one tree.

Hostile or mistaken input raises one of these and nothing else; a `RuntimeError` means that we are
wrong ourselves. Each class carries a stable `code` for programs and the HTTP `status` that the
service answers with; each instance carries `detail` in plain words, a JSON `pointer` to the value
that offends, a `hint` of what to do next, and extra members that name what it conflicts with.
The table of codes stands in specs/4-errors.md, and a test compares the two.

    TetradError
    ├── InvalidInput            what was sent cannot be read
    │   ├── MalformedInput          not strict JSON, not base64, not a DID …
    │   ├── SchemaViolation         JSON, but not the shape that is asked for
    │   ├── InputTooLarge           more bytes, depth or lines than the limits allow
    │   ├── UnsupportedMediaType    a body of a type that this endpoint does not read
    │   ├── NotAcceptable           an answer in a form that we do not write
    │   ├── MethodNotAllowed        a method that this address does not have
    │   ├── SlowRequest             a request that did not arrive in time
    │   ├── MalformedPolicy         a witness policy that cannot be read
    │   └── InvalidCursor           a page that was never handed out
    ├── InvalidIdentifier       a code or number that its scheme does not allow
    │   ├── MalformedCode, CheckDigitWrong, UnknownScheme, AmbiguousCode, LookAlikeRefused
    ├── InvalidKey              a key that nobody should trust
    ├── InvalidProof            a signature, or the proof around it, that does not hold
    │   ├── MalformedProof, ForgedProof, UnknownMethod
    ├── CredentialRefused       a credential or presentation that does not hold
    │   ├── MalformedCredential, CredentialOutOfTime, CredentialRevoked, CredentialSuspended
    │   ├── StatusUnknown           whether it was revoked cannot be told
    │   ├── NotAccredited           its issuer has no right to issue it
    ├── AuthenticationFailed    a party did not prove who it is
    │   ├── InvalidChallenge, InvalidHandshake, InvalidToken
    ├── InvalidCertificate      an X.509 certificate or path that does not hold
    ├── NotEntitled             good signatures of the wrong parties
    │   ├── SignerMissing, SignerUnexpected, RightMissing
    │   ├── DataWithheld            data that its policy does not show to whoever asks
    ├── RuleBroken              well signed, but the rule book forbids it
    │   ├── WrongLedger, TimeOutOfBounds, InvalidDisclosure, PolicyViolated, QuotaExceeded
    │   └── Conflict                it collides with what is already true
    │       ├── CodeTaken, NumberTaken, ObjectTaken, PrefixTaken, KeyReused
    │       └── WrongSequence, WrongState
    ├── NotFound                nothing there
    │   ├── Gone                    there was; a tombstone is left
    │   ├── DataErased              the content of a data record was erased
    │   └── Delegated               another node knows: its prefix was granted away
    ├── EvidenceRefused         what a log or a server shows does not prove what it claims
    │   ├── InvalidCheckpoint, InvalidInclusion, InvalidConsistency, InvalidReceipt, InvalidAnswer
    │   ├── InvalidStateProof, InvalidVrfProof, StaleAnswer
    │   ├── RolledBack, ForkDetected, LedgerTampered, MisbehaviourUnproved
    │   ├── QuorumMissing           too few witnesses have cosigned
    ├── NodeRefused             a node of the tree whose answer does not hold
    │   └── HostRefused             one that may not be asked from here
    ├── Unavailable             try again later
    │   ├── Busy, RateLimited, ServerUnreachable, NodeUnreachable, StorageFailed
    │   └── LedgerStopped           a commit failed
    │       └── StaleHead
    └── KeystoreError           a wallet that cannot be opened or written
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar


class TetradError(Exception):
    """The root. `code` and `status` belong to the class, everything else to the instance."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "Refused"
    section: ClassVar[str] = "specs/4-errors.md"

    def __init__(self, detail: str, *, pointer: str = "", hint: str = "", **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer
        self.hint = hint
        self.members = members

    def problem(self) -> dict[str, Any]:
        """The error as a problem details object (RFC 9457, section 3)."""
        shown: dict[str, Any] = {
            "type": f"urn:tetrad:error:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "section": self.section,
        }
        if self.pointer:
            shown["pointer"] = self.pointer
        if self.hint:
            shown["hint"] = self.hint
        return {**self.members, **shown}


class InvalidInput(TetradError):
    """What was sent cannot be read."""

    code, title = "input", "Input cannot be read"


class MalformedInput(InvalidInput):
    """Not strict JSON, not base64, not a DID: refused before anything else looks at it."""

    code, title = "input.malformed", "Malformed input"
    section = "specs/1-identity.md#strict-json"


class SchemaViolation(InvalidInput):
    """Strict JSON, but not the shape that is asked for."""

    code, status, title = "input.schema", 422, "Not the expected shape"
    section = "specs/2-registry.md#operations"


class InputTooLarge(InvalidInput):
    """More bytes, depth or lines than the limits allow."""

    code, status, title = "input.too_large", 413, "Too large"
    section = "specs/1-identity.md#strict-json"


class UnsupportedMediaType(InvalidInput):
    """A body of a type that this endpoint does not read."""

    code, status, title = "input.media_type", 415, "Unsupported media type"


class NotAcceptable(InvalidInput):
    """An answer in a form that we do not write."""

    code, status, title = "input.not_acceptable", 406, "Not acceptable"
    section = "specs/3-resolution.md#http"


class MethodNotAllowed(InvalidInput):
    """A method that this address does not have."""

    code, status, title = "input.method", 405, "Method not allowed"


class SlowRequest(InvalidInput):
    """A request that did not arrive in time."""

    code, status, title = "input.slow", 408, "Request too slow"


class MalformedPolicy(InvalidInput):
    """A witness policy that cannot be read; `line` is where, from 1."""

    code, title = "input.policy", "Malformed witness policy"
    section = "specs/2-registry.md#witnesses"


class InvalidCursor(InvalidInput):
    """A page that was never handed out."""

    code, title = "input.cursor", "Unknown page"


class InvalidIdentifier(TetradError):
    """A code or a number that its scheme does not allow."""

    code, title = "code", "Invalid code or number"
    section = "specs/3-resolution.md#codes"


class MalformedCode(InvalidIdentifier):
    """It does not follow the grammar of its scheme."""

    code, title = "code.malformed", "Malformed code or number"


class CheckDigitWrong(InvalidIdentifier):
    """The check digit does not fit the rest."""

    code, title = "code.check_digit", "Wrong check digit"


class UnknownScheme(InvalidIdentifier):
    """No scheme of that name, or no scheme that recognizes the value."""

    code, title = "code.unknown_scheme", "Unknown scheme"


class LookAlikeRefused(InvalidIdentifier):
    """Characters that look like ASCII and are not."""

    code, title = "code.look_alike", "Look-alike characters"


class AmbiguousCode(InvalidIdentifier):
    """A valid value of several schemes; the candidates are members of the error."""

    code, status, title = "code.ambiguous", 300, "Several schemes recognize this code"


class InvalidKey(TetradError):
    """A key nobody should trust: off the curve, of small order, not canonical, unknown type."""

    code, status, title = "key.invalid", 422, "Key refused"
    section = "specs/1-identity.md#keys"


class InvalidProof(TetradError):
    """A signature, or the proof around it, that does not hold."""

    code, status, title = "proof", 403, "Proof refused"
    section = "specs/1-identity.md#proofs"


class MalformedProof(InvalidProof):
    """Not a Data Integrity proof of a suite that we accept, or for another purpose."""

    code, status, title = "proof.malformed", 422, "Malformed proof"


class ForgedProof(InvalidProof):
    """The signature is not one of that key over these bytes."""

    code, title = "proof.invalid", "Signature does not verify"


class UnknownMethod(InvalidProof):
    """The verification method is not one of that subject's present keys."""

    code, title = "proof.unknown_method", "Unknown verification method"


class CredentialRefused(TetradError):
    """A credential or a presentation that does not hold."""

    code, status, title = "credential", 422, "Credential refused"
    section = "specs/1-identity.md#credentials"


class MalformedCredential(CredentialRefused):
    """Not a credential or presentation of the data model, or a term that no context defines."""

    code, title = "credential.malformed", "Malformed credential"


class CredentialOutOfTime(CredentialRefused):
    """Not yet valid, no longer valid, or its proof has expired."""

    code, title = "credential.time", "Credential out of time"


class CredentialRevoked(CredentialRefused):
    """Revoked by its issuer, or its device is revoked or retired in the ledger."""

    code, title = "credential.revoked", "Credential revoked"
    section = "specs/1-identity.md#status-lists"


class CredentialSuspended(CredentialRefused):
    """Suspended by its issuer, or its device is suspended in the ledger."""

    code, title = "credential.suspended", "Credential suspended"
    section = "specs/1-identity.md#status-lists"


class StatusUnknown(CredentialRefused):
    """The status list is missing, stale, malformed, or another issuer's."""

    code, title = "credential.status", "Status cannot be told"
    section = "specs/1-identity.md#status-lists"


class NotAccredited(CredentialRefused):
    """No grant in force lets the issuer issue this type about this device."""

    code, title = "credential.accreditation", "Issuer not accredited"
    section = "specs/1-identity.md#accreditation"


class AuthenticationFailed(TetradError):
    """A party did not prove who it is."""

    code, status, title = "authentication", 401, "Not authenticated"
    section = "specs/1-identity.md#authentication"


class InvalidChallenge(AuthenticationFailed):
    """A challenge that is unknown, used, expired, or for another party or purpose."""

    code, title = "authentication.challenge", "Challenge refused"


class InvalidHandshake(AuthenticationFailed):
    """A message of a mutual authentication that does not follow the one before."""

    code, title = "authentication.handshake", "Handshake refused"
    section = "specs/1-identity.md#device-to-device"


class InvalidToken(AuthenticationFailed):
    """A token that is unknown, expired, or not presented by the key that it is bound to."""

    code, title = "authentication.token", "Token refused"


class InvalidCertificate(TetradError):
    """An X.509 certificate, or a path of them, that does not hold."""

    code, status, title = "certificate.invalid", 422, "Certificate refused"
    section = "specs/1-identity.md#enrolment"


class NotEntitled(TetradError):
    """Good signatures of the wrong parties."""

    code, status, title = "right", 403, "Not entitled"
    section = "specs/2-registry.md#signers"


class SignerMissing(NotEntitled):
    """A party whose signature the table of operations asks for has not signed."""

    code, title = "right.signer_missing", "A signature is missing"


class SignerUnexpected(NotEntitled):
    """A party has signed whom the table of operations does not name."""

    code, title = "right.signer_unexpected", "A signature too many"


class RightMissing(NotEntitled):
    """Nobody granted the right that this operation uses."""

    code, title = "right.missing", "Right not granted"
    section = "specs/2-registry.md#grants"


class DataWithheld(NotEntitled):
    """Content of a grade that is not shown to whoever asks; `satisfies` says to whom it is."""

    code, title = "data.withheld", "Data withheld"
    section = "specs/3-resolution.md#graded-data"


class RuleBroken(TetradError):
    """Well signed, but the rule book forbids it."""

    code, status, title = "rule", 422, "Forbidden by the rule book"
    section = "specs/2-registry.md#rules"


class WrongLedger(RuleBroken):
    """Signed for another ledger."""

    code, title = "rule.wrong_ledger", "Signed for another ledger"


class TimeOutOfBounds(RuleBroken):
    """`created` lies too far from the ledger's clock, or before what it must follow."""

    code, title = "rule.time", "Time out of bounds"


class InvalidDisclosure(RuleBroken):
    """A disclosure that is missing, malformed, or of another value than was committed to."""

    code, title = "rule.disclosure", "Disclosure refused"
    section = "specs/1-identity.md#disclosures"


class PolicyViolated(RuleBroken):
    """A policy of this ledger's genesis is not met."""

    code, title = "rule.policy", "Policy not met"
    section = "specs/2-registry.md#policy"


class QuotaExceeded(RuleBroken):
    """The sandbox gives each organization only so much."""

    code, status, title = "rule.quota", 429, "Quota exceeded"
    section = "specs/2-registry.md#policy"


class Conflict(RuleBroken):
    """It collides with what is already true; members name the place, never the other party."""

    code, status, title = "conflict", 409, "Conflict"


class CodeTaken(Conflict):
    """The code belongs to a device, or is the tombstone of one."""

    code, title = "conflict.code", "Code already registered"


class NumberTaken(Conflict):
    """The number is active on another device, whose controller has not signed."""

    code, title = "conflict.number", "Number already active"


class ObjectTaken(Conflict):
    """Maker, model and serial already belong to a device."""

    code, title = "conflict.object", "Object already registered"


class PrefixTaken(Conflict):
    """The prefix is granted, encloses a granted one, or lies under another's."""

    code, title = "conflict.prefix", "Prefix already granted"


class KeyReused(Conflict):
    """The key serves, or has served, before."""

    code, title = "conflict.key", "Key already used"


class WrongSequence(Conflict):
    """`sequence` or `previous` does not follow the subject's last operation."""

    code, title = "conflict.sequence", "Out of sequence"


class WrongState(Conflict):
    """The subject's state does not allow this operation."""

    code, title = "conflict.state", "Wrong state"


class NotFound(TetradError):
    """Nothing there."""

    code, status, title = "not_found", 404, "Not found"
    section = "specs/3-resolution.md#resolution"


class Gone(NotFound):
    """The device behind the code is revoked or retired; the tombstone says when."""

    code, status, title = "gone", 410, "Gone"


class DataErased(NotFound):
    """The content of a data record was erased; its commitment stays in the ledger."""

    code, status, title = "data.erased", 410, "Erased"
    section = "specs/3-resolution.md#graded-data"


class Delegated(NotFound):
    """Not here: the prefix, or the ledger that a DID names, was granted to another node."""

    code, title = "delegated", "Known to another node"
    section = "specs/3-resolution.md#delegation"


class EvidenceRefused(TetradError):
    """What a log or a server shows does not prove what it claims."""

    code, status, title = "evidence", 422, "Evidence refused"
    section = "specs/3-resolution.md#verification"


class InvalidCheckpoint(EvidenceRefused):
    """Not a checkpoint of this log, or not signed by its key."""

    code, title = "evidence.checkpoint", "Checkpoint refused"
    section = "specs/2-registry.md#checkpoints"


class InvalidInclusion(EvidenceRefused):
    """The entry is not where the proof puts it."""

    code, title = "evidence.inclusion", "Inclusion proof refused"
    section = "specs/2-registry.md#tree"


class InvalidConsistency(EvidenceRefused):
    """The larger tree does not extend the smaller one."""

    code, title = "evidence.consistency", "Consistency proof refused"
    section = "specs/2-registry.md#tree"


class InvalidStateProof(EvidenceRefused):
    """The record is not under that key in the state, or the key is not absent."""

    code, title = "evidence.state", "Proof of the state refused"
    section = "specs/2-registry.md#state-map"


class StaleAnswer(EvidenceRefused):
    """The answer is older than the caller allows, or nobody says how old it is."""

    code, title = "evidence.stale", "Too old"
    section = "specs/3-resolution.md#age"


class InvalidReceipt(EvidenceRefused):
    """Not a receipt of this operation."""

    code, title = "evidence.receipt", "Receipt refused"
    section = "specs/2-registry.md#receipts"


class InvalidAnswer(EvidenceRefused):
    """The answer says something that its evidence does not."""

    code, title = "evidence.answer", "Answer refused"


class RolledBack(EvidenceRefused):
    """The log is smaller than it was."""

    code, title = "evidence.rollback", "The log went backwards"


class ForkDetected(EvidenceRefused):
    """Two signed histories that cannot both be true; both are members of the error."""

    code, title = "evidence.fork", "The log forked"


class LedgerTampered(EvidenceRefused):
    """An audit found an entry that does not follow; `index` is the first."""

    code, title = "evidence.tampered", "The ledger was tampered with"
    section = "specs/2-registry.md#audit"


class QuorumMissing(EvidenceRefused):
    """Fewer witnesses have cosigned than the policy asks for; `missing` names the others."""

    code, title = "evidence.witnesses", "Too few witnesses"
    section = "specs/2-registry.md#witnesses"


class InvalidVrfProof(EvidenceRefused):
    """It does not show that this is the keyed hash of that value."""

    code, title = "evidence.vrf", "The keyed hash does not verify"
    section = "specs/1-identity.md#verifiable-random-function"


class MisbehaviourUnproved(EvidenceRefused):
    """What is held against a log is also what an honest one may have signed."""

    code, title = "evidence.unproved", "Misbehaviour not proved"
    section = "specs/2-registry.md#monitors-and-mirrors"


class NodeRefused(TetradError):
    """What a node answers does not hold; `node` names it, `reason` is the code of what is wrong."""

    code, status, title = "node.refused", 502, "Node refused"
    section = "specs/3-resolution.md#recursion"


class HostRefused(NodeRefused):
    """A grant names a host that a recursive resolver may not ask."""

    code, title = "node.host", "Host refused"


class Unavailable(TetradError):
    """Try again later."""

    code, status, title = "unavailable", 503, "Unavailable"


class Busy(Unavailable):
    """The queue is full; `retry_after` is in seconds."""

    code, title = "unavailable.busy", "Busy"


class RateLimited(Unavailable):
    """Too many requests of one kind from one place; `retry_after` is in seconds."""

    code, status, title = "unavailable.rate", 429, "Too many requests"


class LedgerStopped(Unavailable):
    """A commit failed: nothing is written until an operator has looked."""

    code, title = "unavailable.stopped", "The ledger has stopped"


class StaleHead(LedgerStopped):
    """Another writer has moved the head of the store."""

    code, title = "unavailable.stale_head", "Another writer is at work"


class ServerUnreachable(Unavailable):
    """No answer, or none that a registry gives."""

    code, title = "unavailable.unreachable", "Server unreachable"


class NodeUnreachable(Unavailable):
    """A node on the way gives no answer, and nothing that it said is recent enough."""

    code, status, title = "node.unreachable", 504, "Node unreachable"
    section = "specs/3-resolution.md#recursion"


class StorageFailed(Unavailable):
    """A folder that cannot be read or written."""

    code, title = "unavailable.storage", "Storage failed"


class KeystoreError(TetradError):
    """A wallet that cannot be opened or written."""

    code, title = "keystore", "Keystore"
    section = "specs/1-identity.md#wallet"


def catalogue() -> Iterator[type[TetradError]]:
    """Every error class once, the root first, in the order of the tree above."""
    pending: list[type[TetradError]] = [TetradError]
    while pending:
        error = pending.pop(0)
        yield error
        pending[:0] = error.__subclasses__()
