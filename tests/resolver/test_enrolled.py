"""Answers about devices that enrolled themselves: what they prove, and every lie about it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from identity.errors import EvidenceRefused, InvalidAnswer, InvalidDisclosure, InvalidProof
from registry import enrolment
from resolver.positions import PresentState
from resolver.prepare import prepare
from resolver.prepared import attach
from resolver.schemes import SCHEMES
from resolver.verifier import verify_answer
from tests import certificates
from tests.enrolling import ISSUING, TEMPLATE, enrolled, granted
from tests.factory import NOW, Signed, Subject, key
from tests.identity.test_certificates import pem_text, text
from tests.resolver.answering import Answer, Answering, pinned
from tests.scenarios import Town

SERIAL = "SN-1"
CODE = ("code", "gs1", TEMPLATE.replace("{serial}", SERIAL))


class Works(Town):
    """Beta's device, enrolled under a grant of Acme's, and then suspended."""

    def __init__(self) -> None:
        super().__init__()
        self.granted = granted(self, self.acme, self.beta)
        self.accept(self.granted)
        self.first = enrolled(self, self.granted.hash, SERIAL, self.beta)
        (accepted,) = self.accept(self.first)
        self.did = f"did:tetrad:{self.acme.did.split(':')[2]}:{self.first.hash}"
        self.entry = accepted.index
        self.answering = Answering(self)
        self.answering.publish()
        self.answer = self.answering.answer(self.answering.resolver.code(CODE[2]))


WORKS = Works()


def test_an_answer_shows_the_grant_and_credits_nobody_with_a_signature() -> None:
    verified = verify_answer(WORKS.answer, pinned(WORKS), key=CODE)
    assert verified.signers == (WORKS.did,)
    assert verified.enrolled is not None
    assert verified.enrolled == (WORKS.granted.hash, WORKS.acme.did, WORKS.beta.did, SERIAL)
    assert verified.device["enrolment"] == WORKS.granted.hash
    shown = [one["type"] for one in WORKS.answer["proof"]["signers"]]
    assert shown == ["organization.register", "organization.register", "grant.issue"]


def test_other_devices_are_enrolled_by_nobody() -> None:
    town = Town()
    meter = town.meter()
    answering = Answering(town)
    answering.publish()
    answer = answering.answer(answering.resolver.did(meter.did))
    assert verify_answer(answer, pinned(town)).enrolled is None


def _signers(change: Callable[[list[Any]], list[Any]]) -> Callable[[Answer], None]:
    def apply(answer: Answer) -> None:
        answer["proof"]["signers"] = change(answer["proof"]["signers"])

    return apply


def _of_another_scope(signers: list[Any]) -> list[Any]:
    """The grant with another quota, signed by both sides: another operation."""
    other = granted(WORKS, WORKS.acme, WORKS.beta, quota=1)
    return [*signers[:-1], other.operation]


def _unsigned_by(name: str) -> Callable[[list[Any]], list[Any]]:
    """The very grant, whose hash does not cover its proofs, with one of them left out."""

    def change(signers: list[Any]) -> list[Any]:
        party: Subject = getattr(WORKS, name)
        grant = copy.deepcopy(signers[-1])
        grant["proof"] = [
            one for one in grant["proof"] if not one["verificationMethod"].startswith(party.did)
        ]
        assert len(grant["proof"]) == 1
        return [*signers[:-1], grant]

    return change


LIES = {
    "the grant left out": _signers(lambda signers: signers[:-1]),
    "another grant": _signers(_of_another_scope),
    "a grant without its granter": _signers(_unsigned_by("acme")),
    "a grant without its holder": _signers(_unsigned_by("beta")),
    "nobody's keys": _signers(lambda signers: signers[-1:]),
}


@pytest.mark.parametrize("lie", LIES, ids=lambda one: one.replace(" ", "-"))
def test_a_lie_is_refused(lie: str) -> None:
    answer = copy.deepcopy(WORKS.answer)
    LIES[lie](answer)
    with pytest.raises((EvidenceRefused, InvalidProof)):
        verify_answer(answer, pinned(WORKS), key=CODE)


class Lenient(Town):
    """A log that writes what the rule book refuses: registrations that it does not look at."""

    def __init__(self) -> None:
        super().__init__()
        self.granted = granted(self, self.acme, self.beta, models=["M1"])
        self.accept(self.granted)

    def answer_about(self, first: Signed) -> Answer:
        """The answer of a log that has accepted it all the same, by another rule book."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(enrolment, "enrol", lambda *_: {})
            self.accept(first)
        answering = Answering(self)
        answering.publish()
        did = f"did:tetrad:{self.acme.did.split(':')[2]}:{first.hash}"
        return answering.answer(answering.resolver.did(did))


STRANGER = certificates.authority("stranger")
FALSE: dict[str, tuple[Callable[[Lenient], Signed], str]] = {
    "a strange certificate": (
        lambda log: enrolled(
            log, log.granted.hash, SERIAL, log.beta,
            certificate=certificates.device(SERIAL, below=STRANGER),
        ),
        "its issuer is none",
    ),
    "an expired one": (
        lambda log: enrolled(
            log, log.granted.hash, SERIAL, log.beta,
            certificate=certificates.device(
                SERIAL, below=ISSUING, ends="2026-11-01T00:00:00Z"
            ),
        ),
        "no longer valid",
    ),
    "another code": (
        lambda log: enrolled(
            log, log.granted.hash, SERIAL, log.beta,
            code={"scheme": "gs1", "value": TEMPLATE.replace("{serial}", "SN-2")},
        ),
        "the code is not the certificate's",
    ),
    "another controller": (
        lambda log: enrolled(log, log.granted.hash, SERIAL, log.acme),
        "another controller",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FALSE, ids=lambda one: one.replace(" ", "-"))
def test_what_a_log_should_have_refused_is_refused_by_whoever_asks(case: str) -> None:
    log = Lenient()
    build, words = FALSE[case]
    answer = log.answer_about(build(log))
    with pytest.raises(InvalidAnswer) as refused:
        verify_answer(answer, pinned(log))
    assert words in refused.value.detail


def test_a_registration_is_prepared_from_a_certificate_in_pem() -> None:
    town = Town()
    grant = granted(town, town.acme, town.acme)
    town.accept(grant)
    own, leaf = key("own"), certificates.leaf_key(SERIAL)
    description: Any = {
        "type": "device.register",
        "body": {
            "object": {
                "maker": town.acme.did,
                "model": "M1",
                "sector": {"domain": "production", "field": "industry"},
                "ipv6": "enabled",
            },
            "code": CODE[2],
            "keys": [own.public.multikey],
            "next": [key("own next").public.multikey],
            "controller": town.acme.did,
            "enrolment": {
                "grant": grant.hash,
                "certificate": pem_text(text(certificates.device(SERIAL, below=ISSUING))),
            },
        },
    }
    present = PresentState(town.ledger.state, town.ledger_hash)
    prepared = prepare(description, present, SCHEMES, NOW, lambda count: bytes(count))
    keys = {one.public.multikey: one for one in (own, leaf)}
    signatures = {
        wanted.method: keys[wanted.method.partition("#")[2]].sign(wanted.input)
        for wanted in prepared.signing
    }
    submission: Any = attach(prepared, signatures)
    town.accept(Signed(submission["operation"], submission["disclosures"]))


def test_the_serial_that_is_disclosed_is_the_certificates() -> None:
    town = Town()
    grant = granted(town, town.acme, town.acme)
    town.accept(grant)
    first = enrolled(town, grant.hash, SERIAL, town.acme, shown="SN-2")
    with pytest.raises(InvalidDisclosure) as refused:
        town.check(first)
    assert refused.value.pointer == "/body/object/serial"
