"""The bodies of operations: what each of them says, member by member.

Closed objects: a member that is not named here is refused, so that nobody signs what the rule book
does not read. Specified in specs/2-registry.md, "Operations"; the JSON Schemas in specs/schemas
are generated from these models.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from identity.enrolment import Enrolment
from identity.members import (
    Closed,
    Code,
    Data,
    Digest,
    Hash,
    Keys,
    KnownAs,
    Multikey,
    Number,
    Object,
    RecoveryOrNone,
    Seconds,
    Sector,
    TetradDid,
    Text,
    Thumbprints,
    Time,
)


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


class HmacUniqueness(Closed):
    """Committed values are compared by a hash that only the operator can compute."""

    alg: Literal["hmac-sha256"]


class VrfUniqueness(Closed):
    """By one that the operator can prove, under this key, to whoever knows the value (RFC 9381)."""

    alg: Literal["ecvrf-edwards25519-sha512-tai"]
    key: Digest


Uniqueness = Annotated[HmacUniqueness | VrfUniqueness, Field(discriminator="alg")]
"""How committed values are compared without being seen."""


LogKeys = Annotated[list[Annotated[str, Field(max_length=2000)]], Field(min_length=1, max_length=4)]
"""Verifier keys of the log, as C2SP signed-note writes them."""


class GenesisBody(Closed):
    """The rules, keys and name under which a ledger begins."""

    format: Literal[0]
    origin: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]{1,100}$")]
    mode: Literal["permissioned", "sandbox"]
    authority: Text
    keys: Keys
    next: Thumbprints
    recovery: RecoveryOrNone
    log: LogKeys
    policy: Policy
    uniqueness: Uniqueness


MAX_WITNESSES = 8192
"""Characters of a recommended policy; ASCII, so that these are its bytes."""


class RegistryUpdateBody(Closed):
    """New keys of the authority, as in keys.rotate, and what is given replaces what was."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": [one]} for one in ("log", "policy", "witnesses")],
        }
    )

    keys: Keys
    next: Thumbprints
    log: LogKeys | None = None
    policy: Policy | None = None
    witnesses: Annotated[
        str | None,
        Field(min_length=1, max_length=MAX_WITNESSES, pattern=r"^[\t\n -~]*$"),
    ] = None
    """A C2SP tlog-policy that the authority recommends to clients; stored and served, no more."""

    @model_validator(mode="after")
    def _something(self) -> RegistryUpdateBody:
        if self.log is None and self.policy is None and self.witnesses is None:
            raise ValueError("an update names the log's keys, the policy or the witnesses")
        return self


class OrganizationBody(Closed):
    """A maker, operator or issuer. `uscc`: China's unified social credit code."""

    name: Text
    uscc: Annotated[str | None, Field(pattern=r"^[0-9A-Z]{18}$")] = None
    alsoKnownAs: KnownAs | None = None  # noqa: N815 - the W3C's name
    keys: Keys
    next: Thumbprints
    recovery: RecoveryOrNone


class OrganizationUpdateBody(Closed):
    """What is given replaces what was."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    name: Text | None = None
    uscc: Annotated[str | None, Field(pattern=r"^[0-9A-Z]{18}$")] = None

    alsoKnownAs: KnownAs | None = None  # noqa: N815 - the W3C's name
    """None of them where the list is empty."""

    @model_validator(mode="after")
    def _something(self) -> OrganizationUpdateBody:
        if self.name is None and self.uscc is None and self.alsoKnownAs is None:
            raise ValueError("an update names at least one member")
        return self


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
    alsoKnownAs: KnownAs | None = None  # noqa: N815 - the W3C's name
    keys: Keys
    next: Thumbprints
    recovery: RecoveryOrNone
    controller: TetradDid
    enrolment: Enrolment | None = None


class DeviceUpdateBody(Closed):
    """What is given replaces what was; maker, model, serial, code and keys do not change here."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    data: Data | None = None
    parent: TetradDid | Literal["none"] | None = None
    sector: Sector | None = None
    alsoKnownAs: KnownAs | None = None  # noqa: N815 - the W3C's name
    """None of them where the list is empty."""

    @model_validator(mode="after")
    def _something(self) -> DeviceUpdateBody:
        if (self.data, self.parent, self.sector, self.alsoKnownAs) == (None,) * 4:
            raise ValueError("an update names at least one member")
        return self


class RebindBody(Closed):
    """The number that takes the place of the present one."""

    number: Number


class CorrectBody(Closed):
    """The code that takes the place of a wrong one, and why."""

    code: Code
    reason: Text


class RotateBody(Closed):
    """New keys, committed to in the last establishment's `next`, and the next commitments."""

    keys: Keys
    next: Thumbprints


MAX_QUORUM = 5


class RecoveryBeginBody(Closed):
    """What the quorum asks for: keys that come into force after the wait, unless it is cancelled.

    `appointed` is the hash of the operation that appointed this quorum: the subject's registration,
    or the recovery.finish or transfer.accept that set its `recovery`. It holds the operation in its
    place of a sequence, which whoever has the present keys could move on for ever.
    """

    appointed: Hash
    quorum: Annotated[list[Multikey], Field(min_length=1, max_length=MAX_QUORUM)]
    """Recovery keys, revealed: as many as the threshold says."""
    keys: Keys
    next: Thumbprints
    recovery: RecoveryOrNone


class RecoveryFinishBody(Closed):
    """Brings what a recovery.begin asked for into force, after the wait."""

    begun: Hash
    """Operation hash of the recovery.begin."""


class Offer(Closed):
    """A device, to one organization, until a time."""

    to: TetradDid
    notAfter: Time  # noqa: N815 - X.509's name


class TransferOfferBody(Closed):
    """The offer that takes the place of an earlier one, or none."""

    offer: Offer | Literal["none"]


class TransferAcceptBody(Closed):
    """The offer that is accepted, and everything that the old controller must lose hold of."""

    offer: Hash
    """Operation hash of the transfer.offer."""
    keys: Keys
    next: Thumbprints
    recovery: RecoveryOrNone


class StatusBody(Closed):
    """Why."""

    reason: Text
