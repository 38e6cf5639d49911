"""What device credentials say, type by type: the claims of each `credentialSubject`.

Closed objects. Where the wording of a scheme changes, its members stay: stars, the laboratory, the
standards, the number under which it is filed. Specified in specs/1-identity.md, "Device
credentials".
"""

from __future__ import annotations

from typing import Annotated, Final, Literal
from urllib.parse import quote

from pydantic import Field, model_validator

from identity.members import Closed, Code, Identifier, TetradDid, Text

_STARS: Final = {"cn-ccl": 3, "sg-cls": 4}
"""Stars of the best label, of schemes that are known."""

ModelUrl = Annotated[
    str,
    Field(
        pattern=r"^did:tetrad:[a-z2-7]{16}:zQm[1-9A-HJ-NP-Za-km-z]{44}/models/[A-Za-z0-9._~%-]+$",
        max_length=2000,
    ),
]
Standards = Annotated[list[Text], Field(min_length=1, max_length=16)]
"""As they are cited: "GB/T 43697-2024", "ETSI EN 303 645 V3.1.3"."""
SchemeToken = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]


def model_url(maker: str, model: str) -> str:
    """The name of a model: a DID URL of its maker, the model percent-encoded (RFC 3986)."""
    return f"{maker}/models/{quote(model, safe='')}"


class Subject(Closed):
    """What every device credential says: which device, or which model."""

    id: TetradDid
    maker: TetradDid
    model: Text

    @property
    def device(self) -> str | None:
        """The DID of the device; None where the credential is about a model."""
        return self.id if "/" not in self.id else None


class ModelSubject(Subject):
    """What may be said of a model: then `id` is the model's URL."""

    id: TetradDid | ModelUrl

    @model_validator(mode="after")
    def _named(self) -> ModelSubject:
        if self.device is None and self.id != model_url(self.maker, self.model):
            raise ValueError("a model is named by its maker's DID, /models/ and the model")
        return self


class DeviceIdentitySubject(Subject):
    """Who a device is: its maker, model and code."""

    code: Code


class ModelConformitySubject(ModelSubject):
    """What a model, or one specimen, was found to conform to, by whom."""

    standards: Standards
    laboratory: Text
    report: Text


class NetworkSecurityLabelSubject(ModelSubject):
    """A network security label: how many stars in which scheme.

    `scheme`: `cn-ccl`, China's label of 2026 (one to three stars), `sg-cls`, Singapore's (one to
    four), or another. `filing` is the number under which the scheme's owner lists it."""

    scheme: SchemeToken
    stars: Annotated[int, Field(ge=1, le=5)]
    standards: Standards
    laboratory: Text
    filing: Identifier

    @model_validator(mode="after")
    def _within_its_scheme(self) -> NetworkSecurityLabelSubject:
        most = _STARS.get(self.scheme, 5)
        if self.stars > most:
            raise ValueError(f"the best label of {self.scheme} has {most} stars")
        return self


class NetworkAccessLicenceSubject(ModelSubject):
    """That equipment may be connected to the public network, or may be tried there."""

    kind: Literal["licence", "trial"]
    equipment: Text
    licence: Identifier


class Ipv6ReadinessSubject(ModelSubject):
    """How far IPv6 works, as tested. `ipv6` as in the device's record; `only` says that it works in
    a network without IPv4."""

    scheme: SchemeToken
    ipv6: Literal["enabled", "supported"]
    only: Annotated[bool, Field(strict=True)]
    standards: Standards
    laboratory: Text
    certificate: Identifier


class DataGradeFilingSubject(Subject):
    """That a device's data were graded (GB/T 43697-2024), and where that was filed."""

    grade: Literal["core", "important", "general"]
    category: Text
    standards: Standards
    department: Text
    filing: Identifier


AnySubject = (
    DeviceIdentitySubject
    | ModelConformitySubject
    | NetworkSecurityLabelSubject
    | NetworkAccessLicenceSubject
    | Ipv6ReadinessSubject
    | DataGradeFilingSubject
)
