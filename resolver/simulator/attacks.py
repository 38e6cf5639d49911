"""Attacks that a fleet can play on a registry, each with the answer that it must get.

    for attack in ATTACKS:
        posted = attack.build(scene)          # bytes for POST /v1/operations
        # the service must answer with the problem code `attack.expected`

Whoever attacks here holds keys of a registered organization, Mallory's, and whatever the case says
has leaked. None of it may change anything on the ledger. Attacks on what a server shows to its
clients stand in resolver/simulator/deceptions.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from identity.did import did_key_method
from identity.jcs import canonicalize
from identity.keys import P256, PrivateKey
from identity.multibase import multibase_decode, multibase_encode
from identity.proof import CRYPTOSUITES, create_proof, proof_options
from resolver.prepared import PURPOSE
from resolver.simulator.fleet import Device, Fleet
from resolver.simulator.life import happen
from resolver.simulator.profiles import PAIR, PROFILES
from resolver.simulator.signing import Party, Signed

REPEATED = "repeated"
"""Not an error: the answer to the same operation sent again, which is registered once."""

MALLORY = "Mallory & Daughters"

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_IDENTITY = bytes([1, *[0] * 31])
"""The point of order one: under it as a key, any message verifies with R the same and S = 0."""


@dataclass
class Scene:
    """A fleet as the attacker finds it: its parties are registered, its devices as named."""

    fleet: Fleet
    mallory: Party
    victim: Device
    captured: Signed
    """The victim's registration, which anyone can read on the ledger."""
    rotated: Device
    """Its key was rotated once."""
    revoked: Device
    first_free: int
    """Devices from this number on are not registered."""
    created: str
    long_ago: str

    def fresh(self, profile: str = "meter", algorithm: str = "") -> Device:
        """A device of that kind that the ledger does not know; a new one each time."""
        wanted = next(one for one in PROFILES if one.name == profile)
        n, self.first_free = self.first_free, self.first_free + 1
        names = self.fleet.identifiers
        party = self.fleet.book.party("device", n, algorithm=algorithm or wanted.algorithm)
        party.controller = self.fleet.operator.did
        return Device(n, wanted, party, names.code(wanted, n), names.number(wanted, n))


Posted = Callable[[Scene], bytes]


class Attack(NamedTuple):
    """One attack: its name, what it tries, the code that must answer it, how it is made."""

    name: str
    says: str
    expected: str
    build: Posted


ATTACKS: list[Attack] = []


def _attack(name: str, expected: str) -> Callable[[Posted], Posted]:
    def listed(build: Posted) -> Posted:
        ATTACKS.append(Attack(name, (build.__doc__ or "").strip(), expected, build))
        return build

    return listed


def proved(operation: Mapping[str, Any], *methods: tuple[PrivateKey, str]) -> dict[str, Any]:
    """An operation, whatever is in it, signed anew by these keys under these methods."""
    unsigned = {name: value for name, value in operation.items() if name != "proof"}
    proofs = []
    for key, method in methods:
        options = proof_options(CRYPTOSUITES[key.public.algorithm], method, PURPOSE)
        proofs.append(create_proof(unsigned, key, options))
    return {**unsigned, "proof": proofs}


def _post(operation: Mapping[str, Any], disclosures: Sequence[str] = ()) -> bytes:
    return canonicalize({"operation": dict(operation), "disclosures": list(disclosures)})


def _methods(device: Device, *parties: Party) -> list[tuple[PrivateKey, str]]:
    own = device.party.keys_of(device.party.generation)
    return [
        *((key, did_key_method(key.public.multikey)) for key in own),
        *((party.key, party.method) for party in parties),
    ]


def _honest(scene: Scene, profile: str = "meter", **members: Any) -> tuple[Device, Signed]:
    """A registration that would be accepted, for an attack to spoil."""
    device = scene.fresh(profile)
    return device, scene.fleet.registration(device, scene.created, **members)


def _resigned(scene: Scene, change: Callable[[dict[str, Any]], object]) -> bytes:
    """A registration with its body changed, signed by all who must."""
    device, signed = _honest(scene)
    body: dict[str, Any] = {**signed.operation["body"]}  # type: ignore[dict-item]
    change(body)
    operation = {**signed.operation, "body": body}
    return _post(proved(operation, *_methods(device, scene.fleet.operator)), signed.disclosures)


@_attack("replay", REPEATED)
def _replay(scene: Scene) -> bytes:
    """A captured registration is sent again."""
    return scene.captured.submission


@_attack("replay on another ledger", "rule.wrong_ledger")
def _other_ledger(scene: Scene) -> bytes:
    """A registration that was signed for another ledger is brought here."""
    other = {**scene.captured.operation, "ledger": scene.captured.hash}
    methods = _methods(scene.victim, scene.fleet.operator)
    return _post(proved(other, *methods), scene.captured.disclosures)


@_attack("change in transit", "proof.invalid")
def _changed(scene: Scene) -> bytes:
    """One word of a signed registration is changed on its way."""
    _, signed = _honest(scene)
    body: Any = signed.operation["body"]
    changed = {**body, "object": {**body["object"], "model": "M2"}}
    return _post({**signed.operation, "body": changed}, signed.disclosures)


@_attack("forged signature", "proof.invalid")
def _forged(scene: Scene) -> bytes:
    """Mallory signs in the operator's name with a key of her own."""
    device, signed = _honest(scene)
    own, operator = _methods(device, scene.fleet.operator)
    return _post(
        proved(signed.operation, own, (scene.mallory.key, operator[1])), signed.disclosures
    )


@_attack("stolen code", "conflict.code")
def _stolen_code(scene: Scene) -> bytes:
    """A second object bears the label of the first, and its operator signs without looking."""
    device = scene.fresh()
    device.code = scene.victim.code
    return scene.fleet.registration(device, scene.created).submission


@_attack("code of a revoked device", "conflict.code")
def _reissued(scene: Scene) -> bytes:
    """The code of a revoked device is given to a new one."""
    device = scene.fresh()
    device.code = scene.revoked.code
    return scene.fleet.registration(device, scene.created).submission


@_attack("cloned key", "conflict.key")
def _cloned(scene: Scene) -> bytes:
    """A second device holds a copy of the first one's key."""
    device = scene.fresh()
    device.party = replace(scene.victim.party, did="", sequence=0, previous="")
    return scene.fleet.registration(device, scene.created).submission


@_attack("stolen number", "conflict.number")
def _stolen_number(scene: Scene) -> bytes:
    """A new device claims the number that is active on another."""
    device = scene.fresh()
    device.number = scene.victim.number
    return scene.fleet.registration(device, scene.created).submission


@_attack("foreign prefix", "right.signer_missing")
def _foreign_prefix(scene: Scene) -> bytes:
    """Mallory registers a device of hers under a code that is the operator's to give."""
    device, signed = _honest(scene)
    body: Any = signed.operation["body"]
    hers = {
        **body,
        "object": {**body["object"], "maker": scene.mallory.did},
        "controller": scene.mallory.did,
    }
    operation = {**signed.operation, "body": hers}
    return _post(proved(operation, *_methods(device, scene.mallory)), signed.disclosures)


@_attack("prefix below another's", "right.missing")
def _squatted(scene: Scene) -> bytes:
    """Mallory takes a part of the operator's block for herself."""
    prefix = scene.fleet.identifiers.prefix("gs1") + "00"
    return scene.fleet.takes(scene.mallory, "gs1", prefix, scene.created).submission


@_attack("revocation by a stranger", "right.signer_unexpected")
def _revoked(scene: Scene) -> bytes:
    """Mallory revokes a device that is none of hers."""
    sign = scene.fleet.book.sign
    body: dict[str, Any] = {"reason": "because I can"}
    subject = scene.victim.party
    return sign(
        "status.revoke", body, scene.created, by=[scene.mallory], subject=subject
    ).submission


@_attack("wrong sequence", "conflict.sequence")
def _wrong_sequence(scene: Scene) -> bytes:
    """An update that leaves a place free before itself."""
    party = scene.victim.party
    ahead = replace(scene.victim, party=replace(party, sequence=party.sequence + 5))
    return happen(scene.fleet, ahead, "update", scene.created).submission


@_attack("stale signature", "rule.time")
def _stale(scene: Scene) -> bytes:
    """A registration that was signed a year ago and held back."""
    device = scene.fresh()
    return scene.fleet.registration(device, scene.long_ago).submission


@_attack("old key after a rotation", "proof.unknown_method")
def _old_key(scene: Scene) -> bytes:
    """A number is moved with the key that the device had before."""
    party = scene.rotated.party
    before = replace(party, generation=party.generation - 1)
    return happen(
        scene.fleet, replace(scene.rotated, party=before), "rebind", scene.created
    ).submission


@_attack("takeover by rotation", "proof.unknown_method")
def _takeover(scene: Scene) -> bytes:
    """A thief of the present key rotates to a key that was never committed to."""
    party = scene.victim.party
    thief = replace(party, generation=party.generation + 7)
    return happen(
        scene.fleet, replace(scene.victim, party=thief), "rotate", scene.created
    ).submission


@_attack("weak key", "key.invalid")
def _weak_key(scene: Scene) -> bytes:
    """A key of small order, under which any signature verifies."""
    device, signed = _honest(scene)
    multikey = multibase_encode(b"\xed\x01" + _IDENTITY)
    body: Any = {**signed.operation["body"], "keys": [multikey]}  # type: ignore[dict-item]
    operation = proved(
        {**signed.operation, "body": body}, *_methods(device, scene.fleet.operator)[1:]
    )
    options = proof_options("eddsa-jcs-2022", f"did:key:{multikey}#{multikey}", PURPOSE)
    signature = multibase_encode(_IDENTITY + bytes(32))
    operation["proof"].insert(0, {**options, "proofValue": signature})
    return _post(operation, signed.disclosures)


@_attack("malleable signature", "proof.invalid")
def _malleable(scene: Scene) -> bytes:
    """The other of the two signatures that ECDSA allows: s replaced by n - s."""
    _, signed = _honest(scene, "wearable")
    proofs: Any = signed.operation["proof"]
    place = next(n for n, proof in enumerate(proofs) if proof["cryptosuite"] == CRYPTOSUITES[P256])
    value = multibase_decode(proofs[place]["proofValue"])
    high = _P256_ORDER - int.from_bytes(value[32:])
    twin = {**proofs[place], "proofValue": multibase_encode(value[:32] + high.to_bytes(32))}
    changed = [*proofs[:place], twin, *proofs[place + 1 :]]
    return _post({**signed.operation, "proof": changed}, signed.disclosures)


@_attack("confused algorithm", "proof.malformed")
def _confused(scene: Scene) -> bytes:
    """A P-256 key signs under the name of the suite for Ed25519."""
    _, signed = _honest(scene, "wearable")
    proofs: Any = signed.operation["proof"]
    renamed = [{**proof, "cryptosuite": CRYPTOSUITES["Ed25519"]} for proof in proofs]
    return _post({**signed.operation, "proof": renamed}, signed.disclosures)


@_attack("stripped proof", "right.signer_missing")
def _stripped(scene: Scene) -> bytes:
    """Of a pair of keys, the proof of the post-quantum one is left away."""
    device = scene.fresh(algorithm=PAIR)
    signed = scene.fleet.registration(device, scene.created)
    proofs: Any = signed.operation["proof"]
    left = [one for one in proofs if not one["cryptosuite"].startswith("mldsa")]
    return _post({**signed.operation, "proof": left}, signed.disclosures)


@_attack("duplicate keys", "input.malformed")
def _duplicate(scene: Scene) -> bytes:
    """Two members of one name, so that two parsers read two different operations."""
    _, signed = _honest(scene)
    return signed.submission[:-1] + b',"operation":{}}'


@_attack("null where nothing belongs", "input.schema")
def _null(scene: Scene) -> bytes:
    """A member that may be absent is sent as null."""
    return _resigned(scene, lambda body: body.update(object={**body["object"], "parent": None}))


@_attack("nested too deep", "input.too_large")
def _deep(scene: Scene) -> bytes:
    """A thousand brackets."""
    _, signed = _honest(scene)
    return signed.submission[:-1] + b',"x":' + b"[" * 1000 + b"]" * 1000 + b"}"


@_attack("oversized body", "input.too_large")
def _oversized(scene: Scene) -> bytes:
    """More bytes than any operation has."""
    _, signed = _honest(scene)
    return signed.submission[:-1] + b',"x":"' + b"x" * 300_000 + b'"}'


@_attack("wrong check digit", "code.check_digit")
def _check_digit(scene: Scene) -> bytes:
    """A code whose check digit is off by one, signed by all who must."""

    def spoil(body: dict[str, Any]) -> None:
        head, middle, tail = body["code"]["value"].partition("/21/")
        digit = (int(head[-1]) + 1) % 10
        body["code"] = {**body["code"], "value": f"{head[:-1]}{digit}{middle}{tail}"}

    return _resigned(scene, spoil)


@_attack("another value disclosed", "rule.disclosure")
def _disclosure(scene: Scene) -> bytes:
    """The disclosed serial is not the one that was committed to."""
    _, signed = _honest(scene)
    _, other = _honest(scene)
    return _post(signed.operation, other.disclosures)


@_attack("industry terminal without IPv6", "rule.policy")
def _no_ipv6(scene: Scene) -> bytes:
    """An industry terminal is declared without IPv6, and without an exemption."""
    return _resigned(scene, lambda body: body.update(object={**body["object"], "ipv6": "none"}))
