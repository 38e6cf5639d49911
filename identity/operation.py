"""Operations: the only way in which anything on a ledger changes.

    {"type": "device.update", "ledger": "zQm…", "created": "2026-11-22T08:00:00Z",
     "subject": "did:tetrad:…", "sequence": 1, "previous": "zQm…",
     "body": {"data": "none"}, "proof": [{"type": "DataIntegrityProof", …}]}

The models are closed: a member that is not named here is refused, so that nobody signs what the
rule book does not read. Values are strings, integers, lists and objects; no floats, no null, ASCII
member names, so that canonical JSON is the same everywhere (specs/1-identity.md, "JSON profile").

`operation_hash` is the one hash of an operation: the multihash of the JCS bytes without `proof`.
It is the identifier of the DID that a first operation creates, the `previous` of the next one, and
the key of idempotence. Section of the specification: specs/2-registry.md, "Operations".
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from identity.errors import InputTooLarge, SchemaViolation
from identity.jcs import Json, canonicalize
from identity.multibase import multihash

MAX_OPERATION_BYTES = 61_440
"""JCS bytes of one operation: an entry must fit a 65,535-byte slot of an entry bundle."""

MAX_PROOFS = 6

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def parse_time(text: str) -> int:
    """Seconds since the epoch of an RFC 3339 time in UTC with whole seconds.

    Raises ValueError for anything else, calendar errors included.
    """
    if not _TIME.fullmatch(text):
        raise ValueError("a time reads 2026-11-22T08:00:00Z")
    return int(datetime.fromisoformat(text).timestamp())


def format_time(seconds: int) -> str:
    """The inverse of `parse_time`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _real_time(text: str) -> str:
    parse_time(text)
    return text


def _normalized(text: str) -> str:
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        raise ValueError("text must be in Unicode normalization form C")
    if text != text.strip():
        raise ValueError("text must not begin or end with white space")
    return text


_TEXT = r"^[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+$"
_BASE58 = "[1-9A-HJ-NP-Za-km-z]"

Text = Annotated[
    str, Field(min_length=1, max_length=200, pattern=_TEXT), AfterValidator(_normalized)
]
Time = Annotated[str, Field(min_length=20, max_length=20), AfterValidator(_real_time)]
Hash = Annotated[str, Field(pattern=f"^zQm{_BASE58}{{44}}$")]
"""A SHA-256 multihash in base58btc: of an operation, or a key's thumbprint."""
Digest = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""base64url(SHA-256(…)) of a disclosure (RFC 9901, section 4.2.3)."""
Multikey = Annotated[str, Field(pattern=f"^z{_BASE58}{{40,4000}}$")]
TetradDid = Annotated[str, Field(pattern=f"^did:tetrad:[a-z2-7]{{16}}:zQm{_BASE58}{{44}}$")]
Seconds = Annotated[int, Field(ge=0, le=10 * 366 * 86_400)]
Identifier = Annotated[str, Field(pattern=r"^[!-~]{1,255}$")]
SchemeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Url = Annotated[
    str, Field(max_length=500, pattern=r"^(https?|coaps?|mqtts?|wss?|opc\.tcp|urn):[!-~]+$")
]
Keys = Annotated[list[Multikey], Field(min_length=1, max_length=3)]
Thumbprints = Annotated[list[Hash], Field(min_length=1, max_length=3)]


class Closed(BaseModel):
    """An object with exactly the members shown."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Proof(Closed):
    """One Data Integrity proof over the whole operation without `proof`."""

    type: Literal["DataIntegrityProof"]
    cryptosuite: Literal["eddsa-jcs-2022", "ecdsa-jcs-2019"]
    verificationMethod: Annotated[str, Field(max_length=4200)]  # noqa: N815 - the W3C's name
    proofPurpose: Literal["capabilityInvocation"]  # noqa: N815 - the W3C's name
    proofValue: Annotated[str, Field(pattern=f"^z{_BASE58}+$", max_length=200)]  # noqa: N815
    created: Time | None = None


class Recovery(Closed):
    """Who may replace lost keys: `threshold` of `keys`, after `wait` seconds in the open."""

    threshold: Annotated[int, Field(ge=1, le=5)]
    keys: Annotated[list[Hash], Field(min_length=1, max_length=5)]
    wait: Seconds

    @model_validator(mode="after")
    def _reachable(self) -> Recovery:
        if self.threshold > len(self.keys) or len(set(self.keys)) != len(self.keys):
            raise ValueError("threshold must be at most the number of distinct keys")
        return self


RecoveryOrNone = Recovery | Literal["none"]


class Sector(Closed):
    """Where a device works: the plan's domain and field, and for industry GB/T 4754's category."""

    domain: Literal["production", "consumption", "governance"]
    field: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    category: Annotated[str | None, Field(pattern=r"^[A-T]\d{2,4}$")] = None

    @property
    def industrial(self) -> bool:
        """Whether the IPv6 policy for industry terminals applies."""
        return self.domain == "production" and self.field == "industry"


class Exemption(Closed):
    """The one way round the IPv6 policy: say why, in the open."""

    exemption: Text


class Object(Closed):
    """The physical thing. `serial` is the digest of a disclosure."""

    maker: TetradDid
    model: Text
    serial: Digest
    parent: TetradDid | None = None
    sector: Sector
    ipv6: Literal["enabled", "supported", "none"] | Exemption


class PlainCode(Closed):
    """A code in canonical form."""

    scheme: SchemeName
    value: Identifier


class CommittedCode(Closed):
    """A code that reveals a person or a radio identity: its prefix in clear, the rest a digest."""

    scheme: SchemeName
    prefix: Identifier
    commitment: Digest


Code = PlainCode | CommittedCode


class CommittedNumber(Closed):
    """A communications number; never in clear."""

    scheme: SchemeName
    commitment: Digest


Number = CommittedNumber | Literal["none"]


class Endpoint(Closed):
    """Where data is served."""

    type: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,39}$")]
    url: Url


class DataRecord(Closed):
    """The one data record: what it describes, its schema, its grade (GB/T 43697-2024), where it
    is served, and a commitment to its content."""

    describes: Text
    schema_: Annotated[Url, Field(alias="schema")]
    version: Annotated[int, Field(ge=1, le=2**31)]
    grade: Literal["core", "important", "general"]
    endpoints: Annotated[list[Endpoint], Field(max_length=8)]
    commitment: Digest


Data = DataRecord | Literal["none"]


class TimeBounds(Closed):
    """How far `created` may lie from the entry's time, in seconds."""

    past: Seconds
    future: Seconds


class Policy(Closed):
    """What this ledger asks beyond the rule book."""

    created: TimeBounds
    ipv6: Literal["required", "optional"]
    prefixes: Annotated[int, Field(ge=1, le=1_000_000)]
    """Sandbox only: how many prefixes one organization may take for itself."""


class Uniqueness(Closed):
    """How committed values are compared without being seen."""

    alg: Literal["hmac-sha256"]


class GenesisBody(Closed):
    """The rules, keys and name under which a ledger begins."""

    format: Literal[0]
    origin: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]{1,100}$")]
    mode: Literal["permissioned", "sandbox"]
    authority: Text
    keys: Keys
    next: Thumbprints
    recovery: RecoveryOrNone
    log: Annotated[list[Annotated[str, Field(max_length=2000)]], Field(min_length=1, max_length=4)]
    policy: Policy
    uniqueness: Uniqueness


class OrganizationBody(Closed):
    """A maker, operator or issuer. `uscc`: China's unified social credit code."""

    name: Text
    uscc: Annotated[str | None, Field(pattern=r"^[0-9A-Z]{18}$")] = None
    keys: Keys
    next: Thumbprints
    recovery: RecoveryOrNone


class OrganizationUpdateBody(Closed):
    """What is given replaces what was."""

    name: Text | None = None
    uscc: Annotated[str | None, Field(pattern=r"^[0-9A-Z]{18}$")] = None

    @model_validator(mode="after")
    def _something(self) -> OrganizationUpdateBody:
        if self.name is None and self.uscc is None:
            raise ValueError("an update names at least one member")
        return self


class Prefix(Closed):
    """A prefix of codes, in the scheme's own notation."""

    scheme: SchemeName
    prefix: Identifier


class Node(Closed):
    """The holder's own ledger, which knows the codes under the prefix."""

    ledger: Hash
    origin: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]{1,100}$")]
    urls: Annotated[list[Url], Field(min_length=1, max_length=4)]


class AdmitScope(Closed):
    """To admit organizations: no bounds but time."""


class PrefixScope(Prefix):
    """To issue codes under a prefix; may name the holder's own node."""

    node: Node | None = None


class NumberScope(Prefix):
    """To assign numbers of a range, given as a prefix."""


class MakeScope(Closed):
    """To register devices under a maker's name; without `models`, all of them."""

    maker: TetradDid
    models: Annotated[list[Text] | None, Field(min_length=1, max_length=100)] = None


class CredentialScope(Closed):
    """To issue credentials of some types, about devices under a prefix where one is given."""

    types: Annotated[list[Text], Field(min_length=1, max_length=32)]
    prefix: Prefix | None = None


class EnrolScope(Closed):
    """A manufacturer's certificate authority for a code template (IEEE 802.1AR)."""

    scheme: SchemeName
    template: Identifier
    anchor: Hash
    intermediates: Annotated[list[Hash], Field(max_length=4)]
    quota: Annotated[int, Field(ge=1, le=2**40)]


class _Grant(Closed):
    to: TetradDid
    notAfter: Time | None = None  # noqa: N815 - X.509's name


class AdmitGrant(_Grant):
    """Right to admit organizations."""

    right: Literal["admit"]
    scope: AdmitScope


class PrefixGrant(_Grant):
    """Right to a prefix of codes."""

    right: Literal["prefix"]
    scope: PrefixScope


class NumberGrant(_Grant):
    """Right to a range of numbers."""

    right: Literal["number"]
    scope: NumberScope


class MakeGrant(_Grant):
    """Right to a maker's name."""

    right: Literal["make"]
    scope: MakeScope


class CredentialGrant(_Grant):
    """Right to issue credentials."""

    right: Literal["credential"]
    scope: CredentialScope


class EnrolGrant(_Grant):
    """Right of a certificate authority to enrol devices."""

    right: Literal["enrol"]
    scope: EnrolScope


Grant = Annotated[
    AdmitGrant | PrefixGrant | NumberGrant | MakeGrant | CredentialGrant | EnrolGrant,
    Field(discriminator="right"),
]


class WithdrawBody(Closed):
    """Ends a grant from now on."""

    grant: Hash
    reason: Text


class DeviceBody(Closed):
    """The four ones, the keys, and who controls them."""

    object: Object
    code: Code
    number: Number
    data: Data
    keys: Keys
    next: Thumbprints
    recovery: RecoveryOrNone
    controller: TetradDid


class DeviceUpdateBody(Closed):
    """What is given replaces what was; the object's name, the code and the keys never change here."""

    data: Data | None = None
    parent: TetradDid | Literal["none"] | None = None
    sector: Sector | None = None

    @model_validator(mode="after")
    def _something(self) -> DeviceUpdateBody:
        if self.data is None and self.parent is None and self.sector is None:
            raise ValueError("an update names at least one member")
        return self


class RebindBody(Closed):
    """The number that takes the place of the present one."""

    number: Number


class RotateBody(Closed):
    """New keys, committed to in the last establishment's `next`, and the next commitments."""

    keys: Keys
    next: Thumbprints


class StatusBody(Closed):
    """Why."""

    reason: Text


Proofs = Annotated[list[Proof], Field(min_length=1, max_length=MAX_PROOFS)]


class Operation(Closed):
    """What all operations share. `ledger` is absent from a genesis alone."""

    type: str
    created: Time
    proof: Proofs


class _OnLedger(Operation):
    ledger: Hash


class _Sequenced(_OnLedger):
    subject: TetradDid
    sequence: Annotated[int, Field(ge=1, le=2**53 - 1)]
    previous: Hash


class _Supervised(_OnLedger):
    """By the subject's own controller (with `sequence` and `previous`) or a supervisor (without)."""

    subject: TetradDid
    sequence: Annotated[int | None, Field(ge=1, le=2**53 - 1)] = None
    previous: Hash | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> _Supervised:
        if (self.sequence is None) != (self.previous is None):
            raise ValueError("sequence and previous go together")
        return self


class RegistryGenesis(Operation):
    """Creates the ledger and its authority."""

    type: Literal["registry.genesis"]
    body: GenesisBody


class OrganizationRegister(_OnLedger):
    """Creates an organization."""

    type: Literal["organization.register"]
    body: OrganizationBody


class OrganizationUpdate(_Sequenced):
    """Changes an organization's name or code."""

    type: Literal["organization.update"]
    body: OrganizationUpdateBody


class GrantIssue(_Sequenced):
    """Gives a right."""

    type: Literal["grant.issue"]
    body: Grant


class GrantWithdraw(_Sequenced):
    """Takes a right back, forward only."""

    type: Literal["grant.withdraw"]
    body: WithdrawBody


class DeviceRegister(_OnLedger):
    """Creates a device and binds its four ones."""

    type: Literal["device.register"]
    body: DeviceBody


class DeviceUpdate(_Sequenced):
    """A new data record, parent or sector."""

    type: Literal["device.update"]
    body: DeviceUpdateBody


class NumberRebind(_Sequenced):
    """Another number, or none."""

    type: Literal["number.rebind"]
    body: RebindBody


class KeysRotate(_Sequenced):
    """The pre-committed keys take over."""

    type: Literal["keys.rotate"]
    body: RotateBody


class StatusSuspend(_Supervised):
    """Out of use until resumed."""

    type: Literal["status.suspend"]
    body: StatusBody


class StatusResume(_Supervised):
    """Lifts one's own suspension; the authority any."""

    type: Literal["status.resume"]
    body: StatusBody


class StatusRevoke(_OnLedger):
    """Ended by a supervisor, for good."""

    type: Literal["status.revoke"]
    subject: TetradDid
    body: StatusBody


class StatusRetire(_Sequenced):
    """Ended by the controller, for good; frees the number, keeps the code."""

    type: Literal["status.retire"]
    body: StatusBody


AnyOperation = (
    RegistryGenesis
    | OrganizationRegister
    | OrganizationUpdate
    | GrantIssue
    | GrantWithdraw
    | DeviceRegister
    | DeviceUpdate
    | NumberRebind
    | KeysRotate
    | StatusSuspend
    | StatusResume
    | StatusRevoke
    | StatusRetire
)

OPERATION: TypeAdapter[AnyOperation] = TypeAdapter(
    Annotated[AnyOperation, Field(discriminator="type")]
)

ESTABLISHING = ("registry.genesis", "organization.register", "device.register")
"""Types whose operation creates a DID, and so takes no `subject`."""


class Submission(Closed):
    """What is posted: an operation, with the disclosures that travel beside it."""

    operation: AnyOperation = Field(discriminator="type")
    disclosures: Annotated[list[Annotated[str, Field(max_length=8192)]], Field(max_length=8)] = []


def schema_violation(error: ValidationError, prefix: str = "") -> SchemaViolation:
    """The first complaint of pydantic as one of our errors, with a JSON pointer (RFC 6901)."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    union_tags = {"function-after", "PlainCode", "CommittedCode", "CommittedNumber", "DataRecord",
                  "Recovery", "Exemption"}  # fmt: skip
    steps = [str(step) for step in first["loc"]]
    steps = [
        step.replace("~", "~0").replace("/", "~1")
        for step in steps
        if step not in union_tags
        and "." not in step
        and not step.startswith(("literal[", "function"))
    ]
    pointer = "".join(f"/{step}" for step in steps)
    return SchemaViolation(
        f"{prefix}{first['msg']}",
        pointer=pointer,
        hint="the JSON Schemas in specs/schemas show every member",
    )


def read_operation(value: Json) -> AnyOperation:
    """An operation from parsed JSON. Raises SchemaViolation with a pointer."""
    try:
        return OPERATION.validate_python(value)
    except ValidationError as error:
        raise schema_violation(error) from None


def operation_value(operation: BaseModel) -> dict[str, Any]:
    """The operation as JSON values, members that are absent left out."""
    return operation.model_dump(mode="json", by_alias=True, exclude_none=True)


def unsigned_bytes(operation: dict[str, Json]) -> bytes:
    """JCS of the operation without `proof`: what is hashed and what proofs sign over."""
    return canonicalize({name: value for name, value in operation.items() if name != "proof"})


def operation_hash(operation: dict[str, Json]) -> str:
    """The one hash of an operation, 'zQm…'."""
    return multihash(unsigned_bytes(operation))


def check_size(canonical: bytes) -> None:
    """Raises InputTooLarge when the JCS bytes of a signed operation exceed 61,440."""
    if len(canonical) > MAX_OPERATION_BYTES:
        raise InputTooLarge(
            f"the operation has {len(canonical)} bytes; {MAX_OPERATION_BYTES} are allowed",
            hint="move long texts and keys not in use out of the operation",
        )


def as_object(value: Json) -> dict[str, Json]:
    """The value, which must be a JSON object. Raises SchemaViolation."""
    if not isinstance(value, dict):
        raise SchemaViolation("a JSON object is expected")
    return cast("dict[str, Json]", value)


def check_no_null(operation: dict[str, Json], canonical: bytes) -> None:
    """Raises SchemaViolation where a member is null: absent members are left out, never null.

    The models alone would let null pass for a member that may be absent. The search of the bytes
    spares the walk for all operations but those that hold the six characters `":null`.
    """
    if b'":null' not in canonical:
        return
    pending: list[tuple[str, Json]] = [("", operation)]
    while pending:
        pointer, value = pending.pop()
        if value is None:
            raise SchemaViolation("null is not a value here: leave the member out", pointer=pointer)
        if isinstance(value, dict):
            pending += [(f"{pointer}/{name}", member) for name, member in value.items()]
        elif isinstance(value, list):
            pending += [(f"{pointer}/{place}", member) for place, member in enumerate(value)]
