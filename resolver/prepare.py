"""From a plain description to the operation to sign, and from signatures to what is posted.

    {"type": "device.register",
     "body": {"object": {"maker": "did:tetrad:…", "model": "M1", "serial": "SN000017",
                         "sector": {"domain": "production", "field": "industry"},
                         "ipv6": "enabled"},
              "code": "(01)09506000134352(21)M-0017",
              "number": {"scheme": "msisdn-cn-iot", "value": "1440000000017"},
              "keys": ["z6Mk…"], "next": ["z6Mk…"], "controller": "did:tetrad:…"},
     "signers": [{"key": "z6Mk…"}, {"method": "did:tetrad:…#zQm…"}]}

Plain values become what the ledger keeps: codes and numbers are read and put into canonical form,
private ones and serials and contents become salted commitments whose disclosures travel beside
the operation; keys under `next` become thumbprints; ledger, time, sequence and previous are filled
in. What comes out names, for each signer, the exact bytes to sign, so that firmware needs neither
canonical JSON nor base58. The service's `prepare` endpoint and the SDK are this one function.
Specified in specs/2-registry.md, "Prepare".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from identity.did import did_key_method, parse_did_key, tetrad_method
from identity.disclosure import Disclosure, open_disclosures
from identity.errors import (
    MalformedInput,
    NotFound,
    SchemaViolation,
    TetradError,
    UnknownMethod,
)
from identity.jcs import Json
from identity.keys import public_key
from identity.members import format_time
from identity.operation import as_object, read_operation
from identity.proof import CRYPTOSUITES, proof_options
from identity.x509.certificate import read_certificate
from registry.admission import admit
from resolver.description import plain_body
from resolver.positions import Position, Present
from resolver.prepared import PURPOSE, Prepared, list_member, text_member, to_sign
from resolver.schemes import SchemeTable

ESTABLISHING = ("organization.register", "device.register")
ROTATES = ("keys.rotate", "registry.update")
SUPERVISED = ("status.suspend", "status.resume")
UNSEQUENCED = (*ESTABLISHING, "recovery.begin", "recovery.finish", "status.revoke")
TYPES = (
    *ESTABLISHING,
    "registry.update",
    *("organization.update", "grant.issue", "grant.withdraw", "enrolment.revoke"),
    "links.set",
    *("device.update", "number.rebind", "code.correct"),
    *("keys.rotate", "recovery.begin", "recovery.finish", "transfer.offer", "transfer.accept"),
    *(*SUPERVISED, "status.revoke", "status.retire"),
)
_REVEALING = (*ESTABLISHING, *ROTATES, "recovery.begin", "transfer.accept")
_MEMBERS = {"type", "body", "subject", "signers", "created", "as"}


def prepare(
    description: Json,
    present: Present,
    schemes: SchemeTable,
    now: int,
    random: Callable[[int], bytes],
) -> Prepared:
    """The operation that a description means, ready to be signed.

    `now` is in seconds since the epoch, `random` gives so many random bytes. Raises InvalidInput,
    InvalidIdentifier, InvalidKey, InvalidDisclosure, NotFound or UnknownMethod, with a JSON pointer
    into the description.
    """
    described = as_object(description)
    kind = _checked_type(described)
    body, disclosures = plain_body(kind, described.get("body"), schemes, random)
    operation: dict[str, Json] = {
        "type": kind,
        "ledger": present.ledger,
        "created": described.get("created", format_time(now)),
        "body": body,
    }
    subject = described.get("subject")
    if kind not in ESTABLISHING:
        operation["subject"] = text_member(
            subject, "/subject", "the DID that the operation is about"
        )
    elif subject is not None:
        raise SchemaViolation(f"a {kind} creates its subject", pointer="/subject")
    position = None if kind in ESTABLISHING else present.position(cast("str", subject))
    named = _refer(kind, body, position) if kind in _REFERRING else ()
    keys = _Keys(kind, body, cast("str | None", subject), present, named)
    signing = keys.signing(described.get("signers"))
    if kind not in UNSEQUENCED:
        operation |= _order(described, kind, position, signing)
    _check(operation, signing, disclosures, schemes)
    return Prepared(
        operation,
        tuple(disclosure.encoded for disclosure in disclosures),
        tuple(
            to_sign(operation, method, public_key(multikey).algorithm)
            for method, multikey in signing.items()
        ),
    )


_REFERRING = {"recovery.begin": "appointed", "recovery.finish": "begun", "transfer.accept": "offer"}
"""The member by which a body names an earlier operation on its subject."""


def _refer(kind: str, body: dict[str, Json], position: Position | None) -> tuple[str, ...]:
    """Names the operation that this one follows, where it is left out. The keys that a recovery
    brings, which sign its end unless somebody else is named."""
    if position is None:
        raise NotFound("no such subject on this ledger", pointer="/subject")
    member = _REFERRING[kind]
    standing = cast("str", getattr(position, member))
    if member not in body:
        if not standing:
            raise NotFound("there is none that this could follow", pointer=f"/body/{member}")
        body[member] = standing
    return position.awaited if kind == "recovery.finish" and body[member] == standing else ()


class _Keys:
    """Which keys sign, and as which verification methods."""

    def __init__(
        self,
        kind: str,
        body: dict[str, Json],
        subject: str | None,
        present: Present,
        awaited: Sequence[str],
    ) -> None:
        self._present = present
        self._new: dict[str, str] = {}
        self._awaited = {
            tetrad_method(cast("str", subject), public_key(multikey).thumbprint): multikey
            for multikey in awaited
        }
        for member in ("keys", "quorum"):
            listed = body.get(member, []) if kind in _REVEALING else []
            for place, multikey in enumerate(list_member(listed, f"/body/{member}")):
                text = text_member(multikey, f"/body/{member}/{place}", "a Multikey")
                key = public_key(text)
                own = tetrad_method(subject, key.thumbprint) if subject else did_key_method(text)
                self._new[own] = text
        if kind == "device.register" and "enrolment" in body:
            # The certificate was read with the other plain values of the body.
            enrolment = cast("dict[str, str]", as_object(body["enrolment"]))
            leaf = read_certificate(enrolment["certificate"]).multikey
            self._new[did_key_method(leaf)] = leaf

    def signing(self, signers: Json) -> dict[str, str]:
        """Verification methods and their Multikeys: every new key, then those that are named."""
        found = dict(self._new) if signers else {**self._new, **self._awaited}
        for place, signer in enumerate(list_member([] if signers is None else signers, "/signers")):
            try:
                method, multikey = self._one(as_object(signer))
            except TetradError as error:
                error.pointer = f"/signers/{place}"
                raise
            found[method] = multikey
        if not found:
            raise SchemaViolation(
                "name who signs", pointer="/signers", hint='[{"key": "z6Mk…"}] or [{"method": …}]'
            )
        return found

    def _one(self, signer: dict[str, Json]) -> tuple[str, str]:
        if set(signer) == {"key"}:
            multikey = text_member(signer["key"], "", "a Multikey")
            thumbprint = public_key(multikey).thumbprint
            for method, new in {**self._awaited, **self._new}.items():
                if new == multikey:
                    return method, new
            known = self._present.key(thumbprint)
            if known is None:
                raise UnknownMethod("this key is not in use on the ledger")
            return tetrad_method(known[0], thumbprint), multikey
        if set(signer) == {"method"}:
            method = text_member(signer["method"], "", "a verification method")
            return method, self._named(method)
        raise SchemaViolation("a signer is named by its `key` or its `method`")

    def _named(self, method: str) -> str:
        if method in self._new or method in self._awaited:
            return self._new.get(method) or self._awaited[method]
        did, _, thumbprint = method.partition("#")
        if did.startswith("did:key:"):
            try:
                parse_did_key(method)
            except MalformedInput as error:
                raise UnknownMethod(error.detail) from None
            raise UnknownMethod("a did:key signs only where it is a new key of the body")
        known = self._present.key(thumbprint)
        if known is None or known[0] != did:
            raise UnknownMethod("this is not a present key of that party")
        return known[1]


def _checked_type(described: dict[str, Json]) -> str:
    unknown = sorted(set(described) - _MEMBERS)
    if unknown:
        raise SchemaViolation(
            f"a description has no member {unknown[0][:64]!r}",
            hint=f"it has {', '.join(sorted(_MEMBERS))}",
        )
    kind = described.get("type")
    if kind not in TYPES:
        raise SchemaViolation(
            "no operation of this type can be prepared",
            pointer="/type",
            hint=f"one of {', '.join(TYPES)}",
        )
    return kind


def _order(
    described: dict[str, Json],
    kind: str,
    position: Position | None,
    signing: Mapping[str, str],
) -> dict[str, Json]:
    """`sequence` and `previous`, unless a supervisor acts."""
    if position is None:
        raise NotFound("no such subject on this ledger", pointer="/subject")
    role = described.get("as")
    if role not in (None, "controller", "supervisor"):
        raise SchemaViolation("one acts as controller or as supervisor", pointer="/as")
    if kind in SUPERVISED:
        parties = {method.partition("#")[0] for method in signing}
        if role == "supervisor" or (role is None and position.controller not in parties):
            return {}
    return {"sequence": position.sequence + 1, "previous": position.previous}


def _check(
    operation: dict[str, Json],
    signing: Mapping[str, str],
    disclosures: Sequence[Disclosure],
    schemes: SchemeTable,
) -> None:
    """What the service will check of form and disclosed values, before anybody signs."""
    unsigned = [
        {
            **proof_options(CRYPTOSUITES[public_key(multikey).algorithm], method, PURPOSE),
            "proofValue": "z1",
        }
        for method, multikey in signing.items()
    ]
    model = read_operation({**operation, "proof": cast("Json", unsigned)})
    opened = open_disclosures([disclosure.encoded for disclosure in disclosures])
    admit(model, opened, schemes, lambda kind, scheme, value: "")  # noqa: ARG005 - only its checks
