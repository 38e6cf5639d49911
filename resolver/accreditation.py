"""Device credentials, verified from the signature to the pinned genesis.

    held = verify_device_credential(credential, evidence, pinned, now=now, status=lists, within=300)
    held.steps                       # each link, in a sentence

The evidence proves, under one published checkpoint, the issuer, the grants from its own up to the
authority's with the holder of each, and the device, all as they are *now*. So a withdrawn
accreditation ends what was issued under it, and a device that is revoked in the ledger takes its
credentials with it, whatever `created` says: that is the signer's word. Pure. Specified in
specs/1-identity.md, "Accreditation".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from identity.credentials.credential import StatusLists, VerifiedCredential, verify_credential
from identity.credentials.device import DeviceCredential, read_device_credential
from identity.credentials.subjects import DataGradeFilingSubject, DeviceIdentitySubject
from identity.errors import (
    CredentialRefused,
    CredentialRevoked,
    CredentialSuspended,
    InvalidAnswer,
    NotAccredited,
    StatusUnknown,
)
from identity.jcs import Json
from identity.members import Code, Data, Hash, Object, TetradDid, Time, parse_time
from identity.operation import operation_value
from identity.rights import CredentialScope
from registry.accreditation import MOST_GRANTS, covers
from registry.state import Key, Subject
from resolver.freshness import Age, age_of, check_age
from resolver.methods import subject_method
from resolver.pinned import Pinned
from resolver.schemes import SCHEMES
from resolver.verifier import Records, VerifiedState, verify_state

MOST_RECORDS: Final = 2 * MOST_GRANTS + 1


class _Shown(BaseModel):
    """A record as far as it is read here; the log answers for the rest."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class Party(_Shown):
    """The record of an issuer, or of a holder of a grant."""

    did: TetradDid
    kind: Literal["organization", "authority"]
    status: Literal["active", "suspended", "revoked", "retired"]
    keys: list[str]


class Accreditation(_Shown):
    """The record of a grant of the right `credential`."""

    grant: Hash
    right: Literal["credential"]
    issuer: TetradDid
    to: TetradDid
    scope: CredentialScope
    status: Literal["active", "withdrawn"]
    notAfter: Time | None = None  # noqa: N815 - X.509's name
    under: Hash | None = None


class Bearer(_Shown):
    """The record of the device."""

    did: TetradDid
    kind: Literal["device"]
    status: Literal["active", "suspended", "revoked", "retired"]
    object: Object
    code: Code
    data: Data


class Link(NamedTuple):
    """A grant, and the record of its holder."""

    grant: Accreditation
    holder: Party


T = TypeVar("T", bound=_Shown)


@dataclass(frozen=True, slots=True)
class VerifiedDeviceCredential:
    """What a device credential and its evidence prove."""

    type: str
    issuer: str
    device: str
    """The DID of the device about which it was verified."""
    status: str
    """Of the device: active."""
    claims: dict[str, Json]
    """The credential's subject."""
    credential: VerifiedCredential
    grants: tuple[Accreditation, ...]
    """From the issuer's own up to the authority's; none where the authority itself issued."""
    authority: str
    state: VerifiedState
    age: Age

    @property
    def steps(self) -> list[str]:
        """Each link from the credential to the genesis, in a sentence."""
        said = [f"{self.type} about {self.claims['id']}, signed by {self.issuer}"]
        for grant in self.grants:
            until = f", until {grant.notAfter}" if grant.notAfter else ""
            said.append(f"{grant.to} may issue it by grant {grant.grant} of {grant.issuer}{until}")
        said.append(f"{self.authority} is the authority of the pinned genesis")
        said.append(f"the device {self.device} is {self.status}")
        root = self.state.root.index
        said.append(f"all of this under the state of entry {root}, {self.age}")
        return said


def verify_device_credential(
    credential: Json,
    evidence: Json,
    pinned: Pinned,
    *,
    now: int,
    status: StatusLists | None = None,
    within: int | None = None,
    device: str | None = None,
) -> VerifiedDeviceCredential:
    """Checks a credential from its proof to the pinned genesis.

    `now` and `within` in seconds; `status` gives the status lists that it names, already fetched;
    `device` is the DID that it must be about. A credential about a model is held against the device
    of the evidence. Raises CredentialRefused, EvidenceRefused, InvalidProof, InvalidKey.
    """
    read = read_device_credential(credential)
    shown = _records(evidence)
    state = verify_state(shown, pinned)
    age = age_of(state.checkpoint, pinned.witnesses, now)
    if within is not None:
        check_age(age, within)
    records = Records(shown, state, None)
    keys = _keys(shown)
    chain = _chain(records, keys, read.issuer, pinned.authority)
    bearer = _bearer(records, keys[-1], device)
    _check_in_force(chain, read.name, bearer, now)
    _check_about(read, bearer)
    _check_state(bearer)
    issuer = _read(Party, records, keys[0])
    verified = _verify(credential, read, issuer, now, status)
    return VerifiedDeviceCredential(
        read.name,
        read.issuer,
        bearer.did,
        bearer.status,
        operation_value(read.subject),
        verified,
        tuple(link.grant for link in chain),
        pinned.authority,
        state,
        age,
    )


def _records(evidence: Json) -> dict[str, Json]:
    if not isinstance(evidence, dict) or set(evidence) != {"checkpoint", "state", "records"}:
        raise InvalidAnswer("the evidence of an accreditation has checkpoint, state and records")
    records = evidence["records"]
    if not isinstance(records, list) or not 2 <= len(records) <= MOST_RECORDS:
        raise InvalidAnswer(f"it shows 2 to {MOST_RECORDS} records", pointer="/records")
    return evidence


def _keys(shown: Mapping[str, Json]) -> list[Key]:
    """The keys of the records: did, grant, did, grant, … and the device's did, each once."""
    keys: list[Key] = []
    for place, item in enumerate(cast("list[Json]", shown["records"])):
        key = item.get("key") if isinstance(item, dict) else None
        last = place == len(cast("list[Json]", shown["records"])) - 1
        kind = "did" if last or place % 2 == 0 else "grant"
        if not (
            isinstance(key, list) and len(key) == 2 and key[0] == kind and isinstance(key[1], str)
        ):
            raise InvalidAnswer(
                "the records are the issuer, its grant, who gave that, the grant of that one, and "
                "so on; then the device",
                pointer=f"/records/{place}",
            )
        keys.append((kind, key[1]))
    if len(keys) % 2 == 0 and len(keys) > 2:
        raise InvalidAnswer("a chain with a hole", pointer="/records")
    return keys


def _read(kind: type[T], records: Records, key: Key) -> T:
    record = records.present(key)
    try:
        return kind.model_validate(record)
    except ValidationError as error:
        place = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise InvalidAnswer(
            f"the record of this {key[0]} is not one of its kind: {place['msg']}",
            pointer="/records",
        ) from None


def _bearer(records: Records, key: Key, device: str | None) -> Bearer:
    if device is not None and key != ("did", device):
        raise InvalidAnswer("the evidence is about another device", pointer="/records")
    return _read(Bearer, records, key)


def _chain(records: Records, keys: Sequence[Key], issuer: str, authority: str) -> list[Link]:
    """The grants from the issuer's own to the authority's, each with its holder."""
    if keys[0] != ("did", issuer):
        raise InvalidAnswer("the evidence is about another issuer", pointer="/records/0")
    if len(keys) == 2 and issuer != authority:
        raise NotAccredited("the evidence shows no grant to the issuer")
    chain: list[Link] = []
    for place in range(0, len(keys) - 2, 2):
        party = _read(Party, records, keys[place])
        grant = _read(Accreditation, records, keys[place + 1])
        if grant.to != party.did or grant.grant != keys[place + 1][1]:
            raise InvalidAnswer("a grant to another party", pointer=f"/records/{place + 1}")
        if chain and (chain[-1].grant.under, chain[-1].grant.issuer) != (grant.grant, party.did):
            raise InvalidAnswer(
                "the grant before it does not stand under this one", pointer=f"/records/{place + 1}"
            )
        chain.append(Link(grant, party))
    if chain and (chain[-1].grant.under is not None or chain[-1].grant.issuer != authority):
        raise InvalidAnswer("the chain does not end with the authority", pointer="/records")
    return chain


def _check_in_force(chain: Sequence[Link], name: str, bearer: Bearer, now: int) -> None:
    """Whether each grant gives its right now, for this type and this device. Raises
    NotAccredited."""
    code = operation_value(bearer.code)
    for depth, (grant, holder) in enumerate(chain):
        if holder.status == "revoked":
            refused = f"{holder.did}, which holds it, is revoked"
        elif grant.status != "active":
            refused = "it is withdrawn"
        elif grant.notAfter is not None and now > parse_time(grant.notAfter):
            refused = f"it ended at {grant.notAfter}"
        elif (grant.scope.delegates or 0) < depth:
            refused = "it was passed on further than it allows"
        elif not covers(SCHEMES, operation_value(grant.scope), name, code):
            refused = f"it is not for {name} about the device's code"
        else:
            continue
        raise NotAccredited(
            f"a grant that the issuer's right rests on does not hold: {refused}",
            hint="tetrad grant list --holder shows what it holds now",
            grant=grant.grant,
        )


def _check_about(read: DeviceCredential, bearer: Bearer) -> None:
    """Whether the device is the one, or of the model, that the credential is about, and is what
    the credential says it is. Raises CredentialRefused."""
    subject = read.subject
    if subject.device not in (None, bearer.did):
        raise CredentialRefused("it is about another device", pointer="/credentialSubject/id")
    if (subject.maker, subject.model) != (bearer.object.maker, bearer.object.model):
        raise CredentialRefused(
            "the ledger knows another maker or model of this device",
            pointer="/credentialSubject/model",
        )
    if isinstance(subject, DeviceIdentitySubject) and subject.code != bearer.code:
        raise CredentialRefused(
            "the ledger knows another code of this device", pointer="/credentialSubject/code"
        )
    if isinstance(subject, DataGradeFilingSubject) and (
        bearer.data == "none" or subject.grade != bearer.data.grade
    ):
        raise CredentialRefused(
            "the ledger knows another grade of this device's data",
            pointer="/credentialSubject/grade",
        )


def _check_state(bearer: Bearer) -> None:
    if bearer.status in ("revoked", "retired"):
        raise CredentialRevoked(f"the device is {bearer.status} in the ledger")
    if bearer.status == "suspended":
        raise CredentialSuspended("the device is suspended in the ledger")


def _verify(
    credential: Json, read: DeviceCredential, issuer: Party, now: int, status: StatusLists | None
) -> VerifiedCredential:
    """Proof, validity and status lists. Raises as `verify_credential`, and StatusUnknown where
    there is a list and nobody to give it."""
    if issuer.status != "active":
        raise NotAccredited(f"the issuer is {issuer.status}", party=issuer.did)
    record = cast("Subject", {"did": issuer.did, "status": issuer.status, "keys": issuer.keys})
    if read.credentialStatus and status is None:
        raise StatusUnknown(
            "the credential names a status list, which is not at hand",
            pointer="/credentialStatus",
        )
    return verify_credential(
        credential, lambda url: subject_method(record, url), now=now, status=status
    )
