"""Accreditations and device credentials out of a City, with their evidence.

street = Street()                       # the authority accredits Office, Office accredits Lab
label = street.issue("NetworkSecurityLabel", street.lab)
street.verify(label, street.evidence(street.lab))
"""

from __future__ import annotations

from typing import Any

import orjson

from identity.credentials.credential import StatusLists
from identity.credentials.device import new_device_credential
from identity.credentials.securing import secure
from identity.members import format_time
from resolver.accreditation import VerifiedDeviceCredential, verify_device_credential
from resolver.accredited import Accredited
from resolver.pinned import Pinned
from tests.factory import City, Signed, Subject
from tests.resolver.answering import Answering, pinned

LABEL = "NetworkSecurityLabel"
CODES = {"scheme": "gtin", "prefix": "09506000"}
Value = dict[str, Any]


class Street(City):
    """A ledger with a maker, its meter, an office that accredits, and the laboratory it chose."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.acme = self.organization("Acme")
        self.accept(self.prefix(self.acme, "gtin:09506000"))
        self.office = self.organization("Office")
        self.lab = self.organization("Lab")
        self.meter = self.device("M-1", self.acme)
        self.above = self.accredited(self.authority, self.office, [LABEL], delegates=1)
        self.own = self.accredited(
            self.office, self.lab, [LABEL], under=self.above.hash, prefix=CODES
        )
        self.answering = Answering(self)
        self._accredited = Accredited(self.store, self.authority.did)

    @property
    def pinned(self) -> Pinned:
        """What a verifier trusts."""
        return pinned(self)

    def accredited(self, by: Subject, to: Subject, types: list[str], **members: Any) -> Signed:
        """An accreditation in the ledger."""
        around = {name: members.pop(name) for name in ("under", "notAfter") if name in members}
        signed = self.grant(by, "credential", to, {"types": types, **members}, **around)
        self.accept(signed)
        return signed

    def claims(self, name: str, device: Subject, **members: Any) -> Value:
        """A subject of a type, about a device."""
        assert device.first is not None
        body = device.first.operation["body"]
        common = {"id": device.did, "maker": body["object"]["maker"], "model": "M1"}
        tested = {"standards": ["ETSI EN 303 645 V3.1.3"], "laboratory": "Lab"}
        own: dict[str, Value] = {
            "DeviceIdentity": {"code": body["code"]},
            "ModelConformity": {**tested, "report": "R-1"},
            LABEL: {**tested, "scheme": "sg-cls", "stars": 2, "filing": "CSA/221127/00117"},
            "NetworkAccessLicence": {
                "kind": "licence",
                "equipment": "wireless data terminal",
                "licence": "17-D203-264471",
            },
            "Ipv6Readiness": {
                **tested,
                "scheme": "ipv6-ready-logo",
                "ipv6": "enabled",
                "only": True,
                "certificate": "02-C-002417",
            },
            "DataGradeFiling": {
                "grade": "general",
                "category": "industrial data: equipment operation",
                "standards": ["GB/T 43697-2024"],
                "department": "MIIT",
                "filing": "DG-2026-1102",
            },
        }
        return {**common, **own[name], **members}

    def credential(
        self, name: str, issuer: Subject, claims: Value | None = None, **members: Any
    ) -> Value:
        """A credential, valid for a year, without a proof."""
        options = {
            "valid_from": format_time(self.now - 60),
            "valid_until": format_time(self.now + 365 * 86_400),
            **members,
        }
        subject = self.claims(name, self.meter) if claims is None else claims
        return new_device_credential(name, subject, issuer=issuer.did, **options)

    def issue(
        self, name: str, issuer: Subject, claims: Value | None = None, **members: Any
    ) -> Value:
        """The same, signed under `assertionMethod` with the issuer's present key."""
        return self.sign(self.credential(name, issuer, claims, **members), issuer)

    def sign(self, credential: Value, issuer: Subject, purpose: str = "assertionMethod") -> Value:
        """With one proof of a subject's present key."""
        key, method = issuer.method
        return secure(
            credential, key, method=method, purpose=purpose, created=format_time(self.now)
        )

    def evidence(
        self,
        issuer: Subject,
        name: str = LABEL,
        device: Subject | None = None,
        grant: Signed | None = None,
    ) -> Value:
        """The evidence, under a checkpoint that is published now."""
        found = self._accredited.find(
            issuer.did,
            name,
            (device or self.meter).did,
            self.now,
            grant=None if grant is None else grant.hash,
        )
        size = self.answering.publish()
        made: Value = orjson.loads(
            self.answering.evidence.of_records(found.keys, size, self.answering.note)
        )
        return made

    def verify(
        self, credential: Any, evidence: Any, *, status: StatusLists | None = None, **options: Any
    ) -> VerifiedDeviceCredential:
        """By the pinned genesis, now."""
        given = {"now": self.now, "status": status, **options}
        return verify_device_credential(credential, evidence, self.pinned, **given)
