"""Rights that one party gives another: what each right's `scope` says (grant.issue).

Closed objects, like all of identity/bodies.py. Specified in specs/2-registry.md, "Grants".
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from identity.enrolment import EnrolScope
from identity.members import (
    Closed,
    Hash,
    Identifier,
    SchemeName,
    TetradDid,
    Text,
    Time,
)


class Prefix(Closed):
    """A prefix of codes, in the scheme's own notation."""

    scheme: SchemeName
    prefix: Identifier


NodeUrl = Annotated[
    str,
    Field(max_length=500, pattern=r"^https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?$"),
]
"""Where a node is asked. Others are sent there, in headers as well: it has no user, query or
fragment, and nothing that ends a header's value or a link in it."""


class Node(Closed):
    """The holder's own ledger, which knows the codes under the prefix."""

    ledger: Hash
    origin: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]{1,100}$")]
    urls: Annotated[list[NodeUrl], Field(min_length=1, max_length=4)]


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


CredentialType = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]{0,63}$")]
"""A type of credential, as its `type` names it."""


class CredentialScope(Closed):
    """To issue credentials of some types, about devices under a prefix where one is given.

    `delegates` is how many grants may stand below this one, each under the one before; absent: the
    holder issues, and passes nothing on."""

    types: Annotated[
        list[CredentialType],
        Field(min_length=1, max_length=32, json_schema_extra={"uniqueItems": True}),
    ]
    prefix: Prefix | None = None
    delegates: Annotated[int | None, Field(ge=1, le=4)] = None

    @model_validator(mode="after")
    def _distinct(self) -> CredentialScope:
        if len(set(self.types)) != len(self.types):
            raise ValueError("a type is named once")
        return self


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
    """Right to issue credentials; `under` is the grant that a holder passes on a part of."""

    right: Literal["credential"]
    scope: CredentialScope
    under: Hash | None = None


class EnrolGrant(_Grant):
    """Right of a certificate authority to enrol devices."""

    right: Literal["enrol"]
    scope: EnrolScope


Grant = Annotated[
    AdmitGrant | PrefixGrant | NumberGrant | MakeGrant | CredentialGrant | EnrolGrant,
    Field(discriminator="right"),
]
