"""From descriptions to operations that the ledger takes; what is refused before anyone signs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.did import did_key_method, tetrad_did, tetrad_method
from identity.disclosure import open_disclosures
from identity.errors import (
    AmbiguousCode,
    CheckDigitWrong,
    InvalidKey,
    MalformedCode,
    NotFound,
    SchemaViolation,
    SignerMissing,
    SignerUnexpected,
    TetradError,
    UnknownMethod,
)
from identity.keys import PrivateKey, private_key
from identity.members import format_time
from identity.operation import read_operation
from identity.proof import create_proof, proof_options
from registry.checking import Checked, check_operation, check_submission
from registry.rules import RuleBook
from registry.state import MemoryState
from registry.uniqueness import HMAC, Uniqueness
from resolver.positions import PresentState
from resolver.prepare import prepare
from resolver.prepared import Prepared, attach, read_prepared
from resolver.schemes import SCHEMES

NOW = 1_795_334_400
UNIQUE = Uniqueness.of(HMAC, b"k" * 32).hash


def key(seed: int, algorithm: str = "Ed25519") -> PrivateKey:
    return private_key(algorithm, seed.to_bytes(32, "big"))


class World:
    """A sandbox in memory, with one organization that holds gtin:09506000."""

    def __init__(self) -> None:
        self.state = MemoryState()
        self.counter = 0
        authority, following = key(1), key(2)
        genesis: dict[str, Any] = {
            "type": "registry.genesis",
            "created": format_time(NOW),
            "body": {
                "format": 0,
                "origin": "sandbox.test",
                "mode": "sandbox",
                "authority": "Sandbox",
                "keys": [authority.public.multikey],
                "next": [following.public.thumbprint],
                "recovery": "none",
                "log": ["sandbox.test+1f2e3d4c+AZ"],
                "policy": {
                    "created": {"past": 60, "future": 60},
                    "ipv6": "required",
                    "prefixes": 9,
                },
                "uniqueness": {"alg": "hmac-sha256"},
            },
        }
        method = did_key_method(authority.public.multikey)
        options = proof_options("eddsa-jcs-2022", method, "capabilityInvocation")
        genesis["proof"] = [create_proof(genesis, authority, options)]
        checked = check_operation(genesis, [], SCHEMES, UNIQUE, lambda _: None)
        self._apply(checked)
        self.ledger = checked.hash
        self.present = PresentState(self.state, self.ledger)
        self.owner, self.owner_next = key(3), key(4)
        founded = self.post(
            self.prepare(
                type="organization.register",
                body={
                    "name": "Acme Meters",
                    "keys": [self.owner.public.multikey],
                    "next": [self.owner_next.public.multikey],
                },
            ),
            self.owner,
        )
        self.did = tetrad_did(self.ledger, founded.hash)
        scope = {"scheme": "gtin", "prefix": "09506000"}
        self.post(
            self.prepare(
                type="grant.issue",
                subject=self.did,
                body={"right": "prefix", "to": self.did, "scope": scope},
                signers=[{"key": self.owner.public.multikey}],
            ),
            self.owner,
        )

    def random(self, count: int) -> bytes:
        self.counter += 1
        return self.counter.to_bytes(count, "big")

    def prepare(self, **description: Any) -> Prepared:
        return prepare(description, self.present, SCHEMES, NOW, self.random)

    def post(self, prepared: Prepared, *keys: PrivateKey) -> Checked:
        """Signs with the keys and applies, as the service would."""
        submission = attach(prepared, signatures(prepared, *keys))
        text = json.dumps(submission).encode()
        checked = check_submission(text, SCHEMES, UNIQUE, self._multikey)
        assert checked.pending == []
        self._apply(checked)
        return checked

    def _multikey(self, thumbprint: str) -> str | None:
        known = self.present.key(thumbprint)
        return known[1] if known else None

    def _apply(self, checked: Checked) -> None:
        rules = RuleBook(SCHEMES)
        self.state.advance(
            rules.apply(self.state, checked.operation, checked.hash, checked.unique, NOW)
        )

    def device(self, **changes: Any) -> dict[str, Any]:
        """A description's body."""
        return {
            "object": {
                "maker": self.did,
                "model": "M1",
                "serial": "SN17",
                "sector": {"domain": "production", "field": "industry"},
                "ipv6": "enabled",
            },
            "code": "(01)09506000134352(21)M-0017",
            "number": {"scheme": "msisdn-cn-iot", "value": "1440000000017"},
            "keys": [key(5).public.multikey],
            "next": [key(6).public.multikey],
            "controller": self.did,
        } | changes

    def signer(self) -> list[dict[str, str]]:
        return [{"key": self.owner.public.multikey}]


def signatures(prepared: Prepared, *keys: PrivateKey) -> dict[str, bytes]:
    """Each key signs where its Multikey or thumbprint ends the method."""
    return {
        wanted.method: key.sign(wanted.input)
        for wanted in prepared.signing
        for key in keys
        if wanted.method.endswith((f"#{key.public.thumbprint}", f"#{key.public.multikey}"))
    }


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def registered(world: World) -> tuple[World, str]:
    prepared = world.prepare(type="device.register", body=world.device(), signers=world.signer())
    return world, tetrad_did(world.ledger, world.post(prepared, key(5), world.owner).hash)


def test_a_described_device_is_registered(world: World) -> None:
    prepared = world.prepare(type="device.register", body=world.device(), signers=world.signer())
    checked = world.post(prepared, key(5), world.owner)
    assert checked.hash == prepared.hash
    body = prepared.operation["body"]
    assert isinstance(body, dict)
    assert body["code"] == {
        "scheme": "gs1",
        "value": "https://id.gs1.org/01/09506000134352/21/M-0017",
    }
    assert body["data"] == body["recovery"] == "none"
    assert body["next"] == [key(6).public.thumbprint]
    disclosed = open_disclosures(list(prepared.disclosures))
    assert {name: opened.value for name, opened in disclosed.items()} == {
        "/body/object/serial": "SN17",
        "/body/number/commitment": "1440000000017",
    }
    assert b"SN17" not in checked.canonical
    assert b"1440000000017" not in checked.canonical


def test_every_new_key_signs_without_being_named(world: World) -> None:
    prepared = world.prepare(type="device.register", body=world.device(), signers=world.signer())
    methods = [wanted.method for wanted in prepared.signing]
    assert methods == [
        did_key_method(key(5).public.multikey),
        tetrad_method(world.did, world.owner.public.thumbprint),
    ]


def test_a_key_of_p256_signs_under_its_own_suite(world: World) -> None:
    device = key(7, "P-256")
    body = world.device(keys=[device.public.multikey])
    prepared = world.prepare(type="device.register", body=body, signers=world.signer())
    assert prepared.signing[0].options["cryptosuite"] == "ecdsa-jcs-2019"
    world.post(prepared, device, world.owner)


def test_a_private_code_shows_its_block_alone(world: World) -> None:
    prepared = world.prepare(
        type="device.register", body=world.device(code="00:1B:44:11:3A:B7"), signers=world.signer()
    )
    body = prepared.operation["body"]
    assert isinstance(body, dict)
    assert isinstance(body["code"], dict)
    assert body["code"]["prefix"] == "001b44"
    assert "113ab7" not in json.dumps(prepared.operation)
    opened = open_disclosures(list(prepared.disclosures))
    assert opened["/body/code/commitment"].value == "001b44113ab7"


def test_the_content_of_a_data_record_is_committed_to(world: World) -> None:
    data = {
        "describes": "meter readings",
        "schema": "https://acme.example/schema",
        "grade": "general",
        "content": {"b": 1, "a": [True]},
    }
    prepared = world.prepare(
        type="device.register", body=world.device(data=data), signers=world.signer()
    )
    opened = open_disclosures(list(prepared.disclosures))
    assert opened["/body/data/commitment"].value == '{"a":[true],"b":1}'
    assert "readings" in json.dumps(prepared.operation)


def test_the_life_of_a_device(registered: tuple[World, str]) -> None:
    world, did = registered

    def act(kind: str, body: dict[str, Any], *keys: PrivateKey, **more: Any) -> None:
        signers = [{"key": signer.public.multikey} for signer in keys]
        prepared = world.prepare(type=kind, subject=did, body=body, signers=signers, **more)
        world.post(prepared, *keys)

    act("device.update", {"sector": {"domain": "governance", "field": "safety"}}, world.owner)
    act("number.rebind", {"number": "+8613800138000"}, world.owner, key(5))
    act(
        "keys.rotate",
        {"keys": [key(6).public.multikey], "next": [key(8).public.multikey]},
        key(6),
    )
    act("status.suspend", {"reason": "theft"}, world.owner)
    act("status.resume", {"reason": "found"}, world.owner)
    act("status.suspend", {"reason": "audit"}, world.owner, **{"as": "supervisor"})
    act("status.revoke", {"reason": "counterfeit"}, world.owner)
    record = world.state.get(("did", did))
    assert record is not None
    assert record["status"] == "revoked"  # type: ignore[typeddict-item]


def test_a_recovery_and_a_sale_are_prepared_out_of_what_stands(world: World) -> None:
    """Firmware names new keys and no hash: whom they follow is filled in, and who signs."""
    shares = [key(20).public.multikey, key(21).public.multikey]
    quorum = {"threshold": 1, "keys": shares, "wait": 0}
    prepared = world.prepare(
        type="device.register", body=world.device(recovery=quorum), signers=world.signer()
    )
    assert prepared.operation["body"]["recovery"]["keys"][0].startswith("zQm")  # type: ignore[index,call-overload]
    did = tetrad_did(world.ledger, world.post(prepared, key(5), world.owner).hash)
    with pytest.raises(NotFound) as none:
        world.prepare(type="recovery.finish", subject=did, body={})
    assert none.value.pointer == "/body/begun"

    def named(place: int) -> dict[str, Any]:
        return {"keys": [key(place).public.multikey], "next": [key(place + 1).public.multikey]}

    begun = world.prepare(
        type="recovery.begin", subject=did, body={"quorum": shares[:1], **named(30)}
    )
    assert begun.operation["body"]["appointed"] == did.rpartition(":")[2]  # type: ignore[index,call-overload]
    assert "sequence" not in begun.operation
    world.post(begun, key(30), key(20))
    ended = world.prepare(type="recovery.finish", subject=did, body={})
    assert ended.operation["body"] == {"begun": begun.hash}
    own = tetrad_method(did, key(30).public.thumbprint)
    assert [one.method for one in ended.signing] == [own]
    by_another = world.prepare(type="recovery.finish", subject=did, body={}, signers=world.signer())
    world.post(by_another, world.owner)
    other = world.prepare(type="organization.register", body={"name": "Beta", **named(40)})
    beta = tetrad_did(world.ledger, world.post(other, key(40)).hash)
    offer = {"to": beta, "notAfter": format_time(NOW + 60)}
    offered = world.prepare(
        type="transfer.offer", subject=did, body={"offer": offer}, signers=world.signer()
    )
    world.post(offered, world.owner)
    accepted = world.prepare(
        type="transfer.accept",
        subject=did,
        body=named(31),
        signers=[{"key": key(40).public.multikey}],
    )
    assert accepted.operation["body"]["offer"] == offered.hash  # type: ignore[index,call-overload]
    world.post(accepted, key(31), key(40))
    record: Any = world.state.get(("did", did))
    assert record["controller"] == beta


def test_a_controller_acts_in_sequence_and_a_supervisor_outside_it(
    registered: tuple[World, str],
) -> None:
    world, did = registered
    described: dict[str, Any] = {
        "type": "status.suspend",
        "subject": did,
        "body": {"reason": "theft"},
    }
    authority = [{"key": key(1).public.multikey}]
    assert world.prepare(**described, signers=world.signer()).operation["sequence"] == 1
    assert "sequence" not in world.prepare(**described, signers=authority).operation


def test_what_is_prepared_survives_its_json(world: World) -> None:
    prepared = world.prepare(type="device.register", body=world.device(), signers=world.signer())
    read = read_prepared(json.loads(json.dumps(prepared.value())))
    assert read == prepared
    half = prepared.signed(signatures(prepared, world.owner))
    passed_on = read_prepared(json.loads(json.dumps(half.value())))
    world.post(passed_on, key(5))  # the other party signs later, elsewhere


@pytest.mark.parametrize("member", ["hash", "input", "operation"])
def test_signing_is_refused_where_the_bytes_are_of_another_operation(
    world: World, member: str
) -> None:
    value: Any = world.prepare(
        type="device.register", body=world.device(), signers=world.signer()
    ).value()
    if member == "input":
        value["signing"][0]["input"] = "AAAA"
    elif member == "hash":
        value["hash"] = "zQm"
    else:
        value["operation"]["body"]["controller"] = "did:tetrad:elsewhere"
    with pytest.raises(SchemaViolation):
        read_prepared(value)


def test_options_are_never_taken_from_who_prepared(world: World) -> None:
    value: Any = world.prepare(
        type="device.register", body=world.device(), signers=world.signer()
    ).value()
    value["signing"][0]["proof"]["proofPurpose"] = "authentication"
    assert read_prepared(value).signing[0].options["proofPurpose"] == "capabilityInvocation"


def test_signatures_are_complete_and_no_more(world: World) -> None:
    prepared = world.prepare(type="device.register", body=world.device(), signers=world.signer())
    with pytest.raises(SignerMissing) as missing:
        attach(prepared, signatures(prepared, world.owner))
    assert missing.value.members["missing"] == [did_key_method(key(5).public.multikey)]
    with pytest.raises(SignerUnexpected):
        attach(prepared, {"did:key:z#z": b""})


Broken = tuple[Callable[[dict[str, Any]], object], type[TetradError], str]


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], object]:
    def change(description: dict[str, Any]) -> None:
        *steps, last = path.strip("/").split("/")
        target: Any = description
        for step in steps:
            target = target[step]
        target[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "error", "pointer"),
    [
        (_set("type", "registry.genesis"), SchemaViolation, "/type"),
        (_set("type", ["device.register"]), SchemaViolation, "/type"),
        (_set("subjekt", "x"), SchemaViolation, ""),
        (_set("subject", "did:x:y"), SchemaViolation, "/subject"),
        (_set("created", "yesterday"), SchemaViolation, "/created"),
        (_set("body", []), SchemaViolation, "/body"),
        (_set("body/code", "(01)09506000134358(21)A"), CheckDigitWrong, "/body/code"),
        (_set("body/code", {"scheme": "iccid", "value": "8986040123456789019"}), MalformedCode,
         "/body/code"),
        (_set("body/code", {"scheme": 1}), SchemaViolation, "/body/code"),
        (_set("body/number", "490154203237518"), AmbiguousCode, "/body/number"),
        (_set("body/number", "gtin:09506000134352"), MalformedCode, "/body/number"),
        (_set("body/number", None), SchemaViolation, "/body/number"),
        (_set("body/object", 1), SchemaViolation, "/body/object"),
        (_set("body/object/serial", 17), SchemaViolation, "/body/object/serial"),
        (_set("body/object/ipv6", "maybe"), SchemaViolation, "/body/object/ipv6"),
        (_set("body/keys", ["z6Mk"]), InvalidKey, ""),
        (_set("body/next", ["z6Mk"]), InvalidKey, "/body/next/0"),
        (_set("signers", {}), SchemaViolation, "/signers"),
        (_set("signers", [{"key": key(99).public.multikey}]), UnknownMethod, "/signers/0"),
        (_set("signers", [{"method": did_key_method(key(99).public.multikey)}]), UnknownMethod,
         "/signers/0"),
        (_set("signers", [{"method": "did:key:x#y"}]), UnknownMethod, "/signers/0"),
        (_set("signers", [{"method": "did:tetrad:x#y"}]), UnknownMethod, "/signers/0"),
        (_set("signers", [{}]), SchemaViolation, "/signers/0"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_its_place(
    world: World, change: Callable[[dict[str, Any]], object], error: type[TetradError], pointer: str
) -> None:
    description = {"type": "device.register", "body": world.device(), "signers": world.signer()}
    change(description)
    with pytest.raises(error) as refused:
        world.prepare(**description)
    if pointer:
        assert refused.value.pointer == pointer


def test_an_unknown_subject_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        world.prepare(
            type="status.retire", subject="did:x:y", body={"reason": "x"}, signers=world.signer()
        )


def test_who_signs_must_be_said(registered: tuple[World, str]) -> None:
    world, did = registered
    with pytest.raises(SchemaViolation, match="who signs"):
        world.prepare(type="status.retire", subject=did, body={"reason": "scrapped"})


WORLD = World()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON)
def test_hostile_descriptions_raise_only_our_errors(value: Any) -> None:
    with pytest.raises(TetradError):
        prepare(value, WORLD.present, SCHEMES, NOW, WORLD.random)
    with pytest.raises(TetradError):
        read_prepared(value)


@given(
    st.sampled_from(["subject", "as", "created", "signers", "body"]),
    st.sampled_from(["code", "number", "data", "keys", "next", "object", "recovery", "controller"]),
    JSON,
)
def test_hostile_members_raise_only_our_errors(outer: str, inner: str, value: Any) -> None:
    described: dict[str, Any] = {
        "type": "device.register",
        "body": WORLD.device(),
        "signers": WORLD.signer(),
    }
    if outer == "body":
        described["body"][inner] = value
    else:
        described[outer] = value
    try:
        prepared = WORLD.prepare(**described)
    except TetradError:
        return
    submission = attach(prepared, signatures(prepared, key(5), WORLD.owner))
    read_operation(submission["operation"])
