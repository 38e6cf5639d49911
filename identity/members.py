"""The members of operations: field types and the small closed objects that bodies are made of.

Values are strings, integers, lists and objects with ASCII names; times have whole seconds; texts
are in Unicode normalization form C, so that two spellings of one name cannot stand side by side.
Specified in specs/2-registry.md, "Operations".
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from identity.x509.certificate import MAX_BASE64

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


@lru_cache(maxsize=1_024)
def parse_time(text: str) -> int:
    """Seconds since the epoch of an RFC 3339 time in UTC with whole seconds.

    Raises ValueError for anything else, calendar errors included.
    """
    if not _TIME.fullmatch(text):
        raise ValueError("a time reads 2026-11-22T08:00:00Z")
    return int(datetime.fromisoformat(text).timestamp())


@lru_cache(maxsize=64)
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
Multikey = Annotated[
    str, Field(min_length=41, max_length=2607, pattern=f"^(z{_BASE58}+|u[A-Za-z0-9_-]+)$")
]
"""Base58btc where the algorithm is classical, base64url where it is post-quantum."""
Bid = Annotated[str, Field(pattern=r"^did:bid:([A-Za-z0-9]{4}:)?[ez][fs][A-Za-z0-9]{20,40}$")]
"""A did:bid that can be held against a key: Ed25519 or SM2, in base58 or base64."""
KnownAs = Annotated[list[Bid], Field(max_length=4)]
"""Identifiers that one of the subject's keys has on another chain."""
TetradDid = Annotated[str, Field(pattern=f"^did:tetrad:[a-z2-7]{{16}}:zQm{_BASE58}{{44}}$")]
Seconds = Annotated[int, Field(ge=0, le=10 * 366 * 86_400)]
Identifier = Annotated[str, Field(pattern=r"^[!-~]{1,255}$")]
SchemeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Url = Annotated[
    str, Field(max_length=500, pattern=r"^(https?|coaps?|mqtts?|wss?|opc\.tcp|urn):[!-~]+$")
]
Certificate = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=MAX_BASE64)]
"""Base64 of the DER of an X.509 certificate."""
CertificateSerial = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""What fills a code template."""
Keys = Annotated[list[Multikey], Field(min_length=1, max_length=3)]
Thumbprints = Annotated[list[Hash], Field(min_length=1, max_length=3)]


class Closed(BaseModel):
    """An object with exactly the members shown."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Proof(Closed):
    """One Data Integrity proof over the whole operation without `proof`."""

    type: Literal["DataIntegrityProof"]
    cryptosuite: Literal[
        "eddsa-jcs-2022", "ecdsa-jcs-2019", "mldsa44-jcs-2024", "mldsa65-jcs-2024", "sm2-jcs-2026"
    ]
    verificationMethod: Annotated[str, Field(max_length=5300)]  # noqa: N815 - the W3C's name
    """The longest is the did:key method of an ML-DSA-65 key, which repeats it: 5,223."""
    proofPurpose: Literal["capabilityInvocation"]  # noqa: N815 - the W3C's name
    proofValue: Annotated[  # noqa: N815 - the W3C's name
        str, Field(pattern=f"^(z{_BASE58}+|u[A-Za-z0-9_-]+)$", max_length=4413)
    ]
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
    category: Annotated[str | None, Field(pattern=r"^[A-T][0-9]{2,4}$")] = None

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


class WantedCredential(Closed):
    """A device credential that opens important data, of whatever issuer where none is named."""

    type: Literal[
        "DeviceIdentity",
        "ModelConformity",
        "NetworkSecurityLabel",
        "NetworkAccessLicence",
        "Ipv6Readiness",
        "DataGradeFiling",
    ]
    issuer: TetradDid | None = None


class DataPolicy(Closed):
    """Who else than controller and maker reads important data: whoever shows one of these
    credentials about itself, and these parties."""

    credentials: Annotated[list[WantedCredential], Field(min_length=1, max_length=8)] | None = None
    parties: Annotated[list[TetradDid], Field(min_length=1, max_length=16)] | None = None

    @model_validator(mode="after")
    def _opens(self) -> DataPolicy:
        if self.credentials is None and self.parties is None:
            raise ValueError("a policy names credentials or parties; without any, leave it out")
        return self


class DataRecord(Closed):
    """The one data record: what it describes, its schema, its grade (GB/T 43697-2024), where it
    is served, who reads it, and a commitment to its content."""

    describes: Text
    schema_: Annotated[Url, Field(alias="schema")]
    version: Annotated[int, Field(ge=1, le=2**31)]
    grade: Literal["core", "important", "general"]
    endpoints: Annotated[list[Endpoint], Field(max_length=8)]
    policy: DataPolicy | None = None
    commitment: Digest

    @model_validator(mode="after")
    def _governed(self) -> DataRecord:
        if self.policy is not None and self.grade != "important":
            raise ValueError("a policy belongs to important data: general is open, core is closed")
        return self


Data = DataRecord | Literal["none"]
