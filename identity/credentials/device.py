"""Device credentials: six types of what others say about a device, or about its model.

    read = read_device_credential(credential)       # DeviceCredential(type=…, issuer=…, …)
    read.subject.id                                 # 'did:tetrad:…', or a model's URL

A credential names its device by DID. What is true of a model (that it conforms, its label, its
licence, that it is ready for IPv6) may name the model instead, and then holds for each device that
its maker registered under it: `did:tetrad:…maker/models/M1`. The objects are closed and the
contexts are these two, so that a term means one thing and nothing is fetched. Specified in
specs/1-identity.md, "Device credentials"; the schemas in specs/schemas/credentials are generated
from these models.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, model_validator

from identity.credentials.members import BASE_CONTEXT, refuse
from identity.credentials.subjects import (
    AnySubject,
    DataGradeFilingSubject,
    DeviceIdentitySubject,
    Ipv6ReadinessSubject,
    ModelConformitySubject,
    NetworkAccessLicenceSubject,
    NetworkSecurityLabelSubject,
)
from identity.members import Closed, TetradDid, Time

CONTEXT: Final = "urn:tetrad:credentials:v1"
"""A name and no address: nobody else can own it, and nothing is to be fetched."""
SCHEMA: Final = "urn:tetrad:schema:credentials/"
"""What the `id` of a schema begins with; the type follows."""


class _Shown(Closed):
    """A member that is absent is left out: null would be read as if it were."""

    @model_validator(mode="before")
    @classmethod
    def _no_null(cls, value: Any) -> Any:  # noqa: ANN401 - hostile JSON
        if isinstance(value, dict) and None in value.values():
            raise ValueError("a member that is absent is left out, and not null")
        return value


class StatusEntry(_Shown):
    """Where one bit about the credential stands (Bitstring Status List 1.0)."""

    id: Annotated[str | None, Field(pattern=r"^[a-z][a-z0-9+.-]*:[!-~]+$", max_length=600)] = None
    type: Literal["BitstringStatusListEntry"]
    statusPurpose: Literal["revocation", "suspension"]  # noqa: N815 - the W3C's name
    statusListIndex: Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,9})$")]  # noqa: N815
    statusListCredential: Annotated[  # noqa: N815 - the W3C's name
        str, Field(pattern=r"^https?://[!-~]+$", max_length=500)
    ]


class DeviceCredential(_Shown):
    """What the six types have in common. `proof` is for identity/credentials/securing.py."""

    context: Annotated[
        tuple[
            Literal["https://www.w3.org/ns/credentials/v2"], Literal["urn:tetrad:credentials:v1"]
        ],
        Field(alias="@context", strict=False),
    ]
    id: Annotated[str | None, Field(pattern=r"^urn:uuid:[0-9a-f-]{36}$")] = None
    issuer: TetradDid
    validFrom: Time  # noqa: N815 - the W3C's name
    validUntil: Time | None = None  # noqa: N815 - the W3C's name
    credentialStatus: Annotated[  # noqa: N815 - the W3C's name
        list[StatusEntry] | None, Field(min_length=1, max_length=4)
    ] = None
    proof: dict[str, Any] | list[dict[str, Any]] | None = None

    @property
    def name(self) -> str:
        """The type beside VerifiableCredential."""
        return type(self).__name__

    @property
    def subject(self) -> AnySubject:
        """What it says."""
        subject: AnySubject = self.credentialSubject  # type: ignore[attr-defined]
        return subject


class DeviceIdentitySchema(Closed):
    """The schema of DeviceIdentity."""

    id: Literal["urn:tetrad:schema:credentials/DeviceIdentity"]
    type: Literal["JsonSchema"]


class DeviceIdentity(DeviceCredential):
    """Who a device is."""

    type: Annotated[
        tuple[Literal["VerifiableCredential"], Literal["DeviceIdentity"]], Field(strict=False)
    ]
    credentialSchema: DeviceIdentitySchema  # noqa: N815 - the W3C's name
    credentialSubject: DeviceIdentitySubject  # noqa: N815 - the W3C's name


class ModelConformitySchema(Closed):
    """The schema of ModelConformity."""

    id: Literal["urn:tetrad:schema:credentials/ModelConformity"]
    type: Literal["JsonSchema"]


class ModelConformity(DeviceCredential):
    """What a model conforms to."""

    type: Annotated[
        tuple[Literal["VerifiableCredential"], Literal["ModelConformity"]], Field(strict=False)
    ]
    credentialSchema: ModelConformitySchema  # noqa: N815 - the W3C's name
    credentialSubject: ModelConformitySubject  # noqa: N815 - the W3C's name


class NetworkSecurityLabelSchema(Closed):
    """The schema of NetworkSecurityLabel."""

    id: Literal["urn:tetrad:schema:credentials/NetworkSecurityLabel"]
    type: Literal["JsonSchema"]


class NetworkSecurityLabel(DeviceCredential):
    """A network security label."""

    type: Annotated[
        tuple[Literal["VerifiableCredential"], Literal["NetworkSecurityLabel"]], Field(strict=False)
    ]
    validUntil: Time  # noqa: N815 - the W3C's name
    credentialSchema: NetworkSecurityLabelSchema  # noqa: N815 - the W3C's name
    credentialSubject: NetworkSecurityLabelSubject  # noqa: N815 - the W3C's name


class NetworkAccessLicenceSchema(Closed):
    """The schema of NetworkAccessLicence."""

    id: Literal["urn:tetrad:schema:credentials/NetworkAccessLicence"]
    type: Literal["JsonSchema"]


class NetworkAccessLicence(DeviceCredential):
    """A network access licence."""

    type: Annotated[
        tuple[Literal["VerifiableCredential"], Literal["NetworkAccessLicence"]], Field(strict=False)
    ]
    validUntil: Time  # noqa: N815 - the W3C's name
    credentialSchema: NetworkAccessLicenceSchema  # noqa: N815 - the W3C's name
    credentialSubject: NetworkAccessLicenceSubject  # noqa: N815 - the W3C's name


class Ipv6ReadinessSchema(Closed):
    """The schema of Ipv6Readiness."""

    id: Literal["urn:tetrad:schema:credentials/Ipv6Readiness"]
    type: Literal["JsonSchema"]


class Ipv6Readiness(DeviceCredential):
    """That IPv6 works."""

    type: Annotated[
        tuple[Literal["VerifiableCredential"], Literal["Ipv6Readiness"]], Field(strict=False)
    ]
    credentialSchema: Ipv6ReadinessSchema  # noqa: N815 - the W3C's name
    credentialSubject: Ipv6ReadinessSubject  # noqa: N815 - the W3C's name


class DataGradeFilingSchema(Closed):
    """The schema of DataGradeFiling."""

    id: Literal["urn:tetrad:schema:credentials/DataGradeFiling"]
    type: Literal["JsonSchema"]


class DataGradeFiling(DeviceCredential):
    """That data were graded, and filed."""

    type: Annotated[
        tuple[Literal["VerifiableCredential"], Literal["DataGradeFiling"]], Field(strict=False)
    ]
    credentialSchema: DataGradeFilingSchema  # noqa: N815 - the W3C's name
    credentialSubject: DataGradeFilingSubject  # noqa: N815 - the W3C's name


TYPES: Final[dict[str, type[DeviceCredential]]] = {
    model.__name__: model
    for model in (
        DeviceIdentity,
        ModelConformity,
        NetworkSecurityLabel,
        NetworkAccessLicence,
        Ipv6Readiness,
        DataGradeFiling,
    )
}
"""The model of each type."""
_BRANCHES: Final = ("PlainCode", "CommittedCode", "function-after", "constrained-str")


def type_of(credential: Any) -> str:  # noqa: ANN401 - hostile JSON
    """Which of the six types a credential is of. Raises MalformedCredential for any other."""
    types = credential.get("type") if isinstance(credential, dict) else None
    name = types[1] if isinstance(types, list) and len(types) == 2 else None
    if types != ["VerifiableCredential", name] or not isinstance(name, str) or name not in TYPES:
        raise refuse(
            "not a device credential",
            "/type",
            '"type": ["VerifiableCredential", one of ' + ", ".join(TYPES) + "]",
        )
    return name


def read_device_credential(credential: Any) -> DeviceCredential:  # noqa: ANN401 - hostile JSON
    """A device credential, with or without its proof. Raises MalformedCredential with a pointer."""
    try:
        return TYPES[type_of(credential)].model_validate(credential)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        steps = [str(step) for step in first["loc"]]
        shown = [step for step in steps if not step.startswith(_BRANCHES)]
        message = "this member is missing" if first["type"] == "missing" else first["msg"]
        raise refuse(
            message,
            "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in shown),
            "the JSON Schemas in specs/schemas/credentials show every member",
        ) from None


def new_device_credential(
    name: str,
    claims: dict[str, Any],
    *,
    issuer: str,
    valid_from: str,
    valid_until: str | None = None,
    identifier: str | None = None,
    status: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """A credential of a type, not yet signed; `claims` is its subject, times are RFC 3339 in UTC.

    Raises MalformedCredential."""
    made = {
        "@context": [BASE_CONTEXT, CONTEXT],
        "id": identifier,
        "type": ["VerifiableCredential", name],
        "issuer": issuer,
        "validFrom": valid_from,
        "validUntil": valid_until,
        "credentialSchema": {"id": f"{SCHEMA}{name}", "type": "JsonSchema"},
        "credentialStatus": status,
        "credentialSubject": claims,
    }
    credential = {member: value for member, value in made.items() if value is not None}
    read_device_credential(credential)
    return credential
