"""specs/vectors: the form of device credentials, and their verification up to the genesis.

identity/device_credentials.json: {"name", "credential", "error"?, "pointer"?}, not signed.
resolution/accreditation.json: a genesis, credentials and evidence by name, and vectors that put
one of each together: {"name", "credential", "evidence", "now", "device"?, "within"?, "lists"?},
with what is proved, or an "error".
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import orjson

from identity.credentials.device import TYPES
from identity.credentials.status_list import entry, list_credential, new_list
from identity.credentials.subjects import model_url
from identity.members import format_time
from tests.factory import LOG, Subject
from tests.generated import file
from tests.resolver.accrediting import LABEL, Street, Value

DAY = 86_400
_PURPOSES = ("revocation", "suspension")
LIST = "https://lists.example/v1/status-lists/lab/revocation-1"


def _claims(street: Street, name: str, **members: Any) -> Value:
    return street.claims(name, street.meter, **members)


def _forms() -> Value:
    """Each type as it should be, and with one thing wrong."""
    street = Street()
    vectors: list[Value] = []

    def add(case: str, credential: Value, pointer: str | None = None) -> None:
        wrong = {} if pointer is None else {"error": "credential.malformed", "pointer": pointer}
        vectors.append({"name": case, "credential": credential, **wrong})

    for name in TYPES:
        add(name, street.credential(name, street.lab))
    model = _claims(street, LABEL, id=model_url(street.acme.did, "M1"))
    label = street.credential(LABEL, street.lab, model)
    add("about a model", label)
    subject = label["credentialSubject"]

    def claim(case: str, pointer: str, **members: Any) -> None:
        changed = {k: v for k, v in {**subject, **members}.items() if v is not None}
        add(case, {**label, "credentialSubject": changed}, f"/credentialSubject{pointer}")

    claim("a model under another's name", "", id=model_url(street.lab.did, "M1"))
    claim("no star", "/stars", stars=0)
    claim("stars as text", "/stars", stars="2")
    claim("more stars than the scheme has", "", stars=5)
    claim("no laboratory", "/laboratory", laboratory=None)
    claim("no standard", "/standards", standards=[])
    claim("a claim that the type does not have", "/grade", grade="core")
    identity = street.credential("DeviceIdentity", street.lab)
    about_model = {**identity["credentialSubject"], "id": model_url(street.acme.did, "M1")}
    add(
        "an identity of a model",
        {**identity, "credentialSubject": about_model},
        "/credentialSubject/id",
    )
    envelope: dict[str, tuple[str, Value]] = {
        "a type of no grant": ("/type", {"type": ["VerifiableCredential", "Alumni"]}),
        "two types": ("/type", {"type": ["VerifiableCredential", LABEL, "DeviceIdentity"]}),
        "types in another order": ("/type", {"type": [LABEL, "VerifiableCredential"]}),
        "another context": ("/@context/1", {"@context": [label["@context"][0], "urn:other"]}),
        "the schema of another type": (
            "/credentialSchema/id",
            {"credentialSchema": identity["credentialSchema"]},
        ),
        "an issuer that is no DID of a ledger": ("/issuer", {"issuer": "did:key:z6Mk"}),
        "a time with a fraction": ("/validFrom", {"validFrom": "2026-11-22T08:00:00.5Z"}),
        "two subjects": ("/credentialSubject", {"credentialSubject": [subject, subject]}),
        "terms of use": ("/termsOfUse", {"termsOfUse": {"type": "Policy"}}),
    }
    for case, (pointer, change) in envelope.items():
        add(case, {**label, **change}, pointer)
    endless = {k: v for k, v in label.items() if k != "validUntil"}
    add("a label without an end", endless, "/validUntil")
    return {
        "description": "Device credentials before they are signed: form only.",
        "vectors": vectors,
    }


class _Play:
    """A ledger that goes on, and what was issued and shown on the way."""

    def __init__(self) -> None:
        self.street = Street()
        # Ed25519 alone: it signs the same bytes alike at every making.
        self.street.answering.signers = (LOG,)  # type: ignore[assignment]
        self.credentials: dict[str, Value] = {}
        self.evidence: dict[str, Value] = {}
        self.vectors: list[Value] = []

    def say(
        self, name: str, credential: str, evidence: str, error: str | None = None, **given: Any
    ) -> None:
        """One vector, now."""
        now = given.pop("now", format_time(self.street.now))
        made: Value = {
            "name": name, "credential": credential, "evidence": evidence, "now": now, **given,
        }  # fmt: skip
        if error is not None:
            self.vectors.append({**made, "error": error})
            return
        held = self.street.verify(
            self.credentials[credential],
            self.evidence[evidence],
            now=self.street.now,
            status=(lambda _: given["lists"][0]) if "lists" in given else None,
        )
        proved = {
            "issuer": held.issuer,
            "device": held.device,
            "grants": [grant.grant for grant in held.grants],
            "authority": held.authority,
            "stateRoot": held.state.root.index,
        }
        self.vectors.append({**made, "proves": proved})

    def change(self, evidence: str, name: str, make: Callable[[list[Value]], list[Value]]) -> None:
        """Evidence with other records."""
        shown = copy.deepcopy(self.evidence[evidence])
        self.evidence[name] = {**shown, "records": make(shown["records"])}

    def of_keys(self, name: str, keys: list[tuple[str, str]]) -> None:
        """Evidence for any records, under the newest checkpoint."""
        answering = self.street.answering
        made = answering.evidence.of_records(list(keys), answering.size, answering.note)
        self.evidence[name] = orjson.loads(made)


def _records() -> Value:
    play = _Play()
    street = play.street
    other = street.device("M-2", street.acme)
    street.accept(street.prefix(street.acme, "gtin:09506001"))
    code = {"scheme": "gs1", "value": "https://id.gs1.org/01/09506001000007/21/M-9"}
    aside = street.device("M-9", street.acme, code=code)
    stray = street.accredited(street.authority, street.acme, [LABEL], delegates=1)
    _issue(play, other, aside)
    play.evidence["lab"] = street.evidence(street.lab)
    play.of_keys("another device", [*_links(street), ("did", other.did)])
    play.of_keys("outside the prefix", [*_links(street), ("did", aside.did)])
    play.of_keys("authority", [("did", street.authority.did), ("did", street.meter.did)])
    play.of_keys("office", [*_links(street)[2:], ("did", street.meter.did)])
    play.of_keys(
        "an office that did not give it",
        [
            *_links(street)[:2],
            ("did", street.acme.did),
            ("grant", stray.hash),
            ("did", street.meter.did),
        ],
    )
    _broken(play)
    _said(play)
    _later(play)
    return {
        "description": "Device credentials, from the signature to the pinned genesis.",
        "genesis": street.genesis.operation,
        "credentials": play.credentials,
        "evidence": play.evidence,
        "vectors": play.vectors,
    }


def _links(street: Street) -> list[tuple[str, str]]:
    return [
        ("did", street.lab.did),
        ("grant", street.own.hash),
        ("did", street.office.did),
        ("grant", street.above.hash),
    ]


def _issue(play: _Play, other: Subject, aside: Subject) -> None:
    street = play.street
    plain = street.credential(LABEL, street.lab)
    changed = street.issue(LABEL, street.lab)
    changed["credentialSubject"]["stars"] = 3
    model = street.claims(LABEL, other, id=model_url(street.acme.did, "M1"))
    listed = entry(LIST, 4711, "revocation")
    play.credentials |= {
        "label": street.issue(LABEL, street.lab),
        "by the authority": street.issue("Ipv6Readiness", street.authority),
        "by the office": street.issue(LABEL, street.office),
        "of the model": street.issue(LABEL, street.lab, model),
        "of another device": street.issue(LABEL, street.lab, street.claims(LABEL, other)),
        "outside the prefix": street.issue(LABEL, street.lab, street.claims(LABEL, aside)),
        "outside the types": street.issue("NetworkAccessLicence", street.lab),
        "another model": street.issue(LABEL, street.lab, _claims(street, LABEL, model="M2")),
        "not yet": street.issue(LABEL, street.lab, valid_from=format_time(street.now + DAY)),
        "no longer": street.issue(LABEL, street.lab, valid_until=format_time(street.now - 1)),
        "changed": changed,
        "unsigned": plain,
        "for another purpose": street.sign(plain, street.lab, "authentication"),
        "by another's key": street.sign(plain, street.office),
        "with a list": street.issue(LABEL, street.lab, status=[listed]),
    }


def _broken(play: _Play) -> None:
    def swapped(records: list[Value]) -> list[Value]:
        return [records[place] for place in (0, 3, 2, 1, 4)]

    play.change("lab", "no grant", lambda records: [records[0], records[-1]])
    play.change("lab", "a hole", lambda records: [*records[:2], records[-1]])
    play.change("lab", "a grant without a holder", lambda r: [*r[:2], *r[3:]])
    play.change("lab", "grants swapped", swapped)
    play.change("lab", "the device first", lambda r: [r[-1], *r[1:-1], r[0]])

    def withdrawn(records: list[Value]) -> list[Value]:
        records[1]["record"]["status"] = "withdrawn"
        return records

    play.change("lab", "a record that was changed", withdrawn)
    foreign = Street(prefixes=3)
    foreign.answering.signers = (LOG,)  # type: ignore[assignment]
    play.evidence["another ledger"] = foreign.evidence(foreign.lab)


def _said(play: _Play) -> None:
    say = play.say
    say("holds", "label", "lab")
    say("by the authority, without a grant", "by the authority", "authority")
    say("about the model, for each device of it", "of the model", "lab")
    say("about the model, for another device of it", "of the model", "another device")
    say("the device that was asked for", "label", "lab", device=play.street.meter.did)
    say(
        "not the device that was asked for", "label", "lab", "evidence.answer",
        device=play.street.acme.did,
    )  # fmt: skip
    say("about another device", "of another device", "lab", "credential")
    say("evidence about another device", "label", "another device", "credential")
    say("the ledger knows another model", "another model", "lab", "credential")
    say("a type outside the scope", "outside the types", "lab", "credential.accreditation")
    say(
        "a code outside the prefix", "outside the prefix", "outside the prefix",
        "credential.accreditation",
    )  # fmt: skip
    say("no grant is shown", "label", "no grant", "credential.accreditation")
    for wrong in (
        "a hole", "a grant without a holder", "grants swapped", "the device first",
        "an office that did not give it", "office", "authority", "another ledger",
    ):  # fmt: skip
        say(f"evidence: {wrong}", "label", wrong, "evidence.answer")
    say(
        "evidence: a record that was changed",
        "label",
        "a record that was changed",
        "evidence.state",
    )
    say("by an office that passes it on as well", "by the office", "office")
    say("not yet valid", "not yet", "lab", "credential.time")
    say("no longer valid", "no longer", "lab", "credential.time")
    say("changed after it was signed", "changed", "lab", "proof.invalid")
    say("not signed", "unsigned", "lab", "proof.malformed")
    say("signed for another purpose", "for another purpose", "lab", "proof.malformed")
    say("signed by another", "by another's key", "lab", "proof.unknown_method")
    say("nobody dates the evidence", "label", "lab", "evidence.stale", within=60)
    say("a status list that is not at hand", "with a list", "lab", "credential.status")
    _lists(play)


def _lists(play: _Play) -> None:
    street = play.street

    def shown(issuer: Subject, *, bit: bool = False, age: int = 60) -> list[Value]:
        bits = new_list("revocation")
        bits.set(4711, int(bit))
        times = [format_time(street.now - age), format_time(street.now - age + DAY)]
        unsigned = list_credential(
            bits, url=LIST, issuer=issuer.did, valid_from=times[0], valid_until=times[1]
        )
        return [street.sign(unsigned, issuer)]

    say = play.say
    say("not revoked by its list", "with a list", "lab", lists=shown(street.lab))
    say(
        "revoked by its list", "with a list", "lab", "credential.revoked",
        lists=shown(street.lab, bit=True),
    )  # fmt: skip
    say(
        "a status list of another issuer", "with a list", "lab", "credential.status",
        lists=shown(street.office),
    )  # fmt: skip
    say(
        "a status list that is over", "with a list", "lab", "credential.status",
        lists=shown(street.lab, age=DAY + 1),
    )  # fmt: skip


def _later(play: _Play) -> None:
    """The same credentials, after the ledger has gone on."""
    street = play.street

    def then(name: str, signed: Any, error: str) -> None:
        street.now += 60
        street.accept(signed)
        street.answering.publish()
        play.of_keys(name, [*_links(street), ("did", street.meter.did)])
        play.say(f"afterwards: {name}", "label", name, error)

    suspend = street.supervise(street.meter, "status.suspend", "doubts", street.authority)
    then("the device is suspended", suspend, "credential.suspended")
    street.now += 60
    street.accept(street.supervise(street.meter, "status.resume", "fine", street.authority))
    street.answering.publish()
    play.of_keys("resumed", [*_links(street), ("did", street.meter.did)])
    play.say("afterwards: the device is resumed", "label", "resumed")
    play.say("afterwards: what was shown before, of any age", "label", "lab")
    then("the issuer's key is rotated", street.rotate(street.lab), "proof.unknown_method")
    body = {"grant": street.above.hash, "reason": "over"}
    withdraw = street.follow(street.authority, "grant.withdraw", body)
    then("the grant above is withdrawn", withdraw, "credential.accreditation")
    revoke = street.supervise(street.lab, "status.revoke", "closed", street.authority)
    then("the issuer is revoked", revoke, "credential.accreditation")
    revoke = street.supervise(street.meter, "status.revoke", "stolen", street.authority)
    street.now += 60
    street.accept(revoke)
    street.answering.publish()
    play.of_keys(
        "the device is revoked", [("did", street.authority.did), ("did", street.meter.did)]
    )
    play.say(
        "afterwards: the device is revoked", "by the authority", "the device is revoked",
        "credential.revoked",
    )  # fmt: skip


@lru_cache(maxsize=1)
def example() -> tuple[Value, Value]:
    """A label with its place in the lists, and its evidence: what the specification shows."""
    street = Street()
    street.answering.signers = (LOG,)  # type: ignore[assignment]
    places = [entry(LIST.replace("revocation", one), 4711, one) for one in _PURPOSES]
    label = street.issue(LABEL, street.lab, status=places)
    return label, street.evidence(street.lab)


@lru_cache(maxsize=1)
def files() -> dict[str, bytes]:
    """Both files."""
    return {
        "vectors/identity/device_credentials.json": file(_forms()),
        "vectors/resolution/accreditation.json": file(_records()),
    }
