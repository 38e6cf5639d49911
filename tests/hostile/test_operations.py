"""Operations as an attacker sends them: only our errors come back, and nothing else gets through.

Whatever is changed in a signed operation, it is either the same operation (the same hash) or
refused. Known tricks with algorithms, signatures, methods, purposes and replays each have a test.
"""

from __future__ import annotations

import copy
import json
import unicodedata
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from identity.did import did_key_method, tetrad_method
from identity.errors import (
    ForgedProof,
    InputTooLarge,
    InvalidDisclosure,
    InvalidKey,
    InvalidProof,
    MalformedInput,
    MalformedProof,
    SchemaViolation,
    SignerUnexpected,
    TetradError,
    UnknownMethod,
    WrongLedger,
)
from identity.jcs import canonicalize
from identity.keys import P256, PrivateKey
from identity.multibase import multibase_decode, multibase_encode
from identity.operation import operation_hash
from identity.proof import CRYPTOSUITES, create_proof, proof_options, signing_input
from registry.checking import Checked, check_submission
from registry.ledger import Accepted
from registry.state import Changes
from resolver.schemes import SCHEMES
from tests.factory import RULES, UNIQUE, City, Operation, Signed, Subject, disclosed, key, sign
from tests.scenarios import Town, all_scenarios

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Attack(NamedTuple):
    """A valid operation before the ledger that would accept it."""

    town: Town
    signed: Signed

    def check(self, received: bytes) -> Checked:
        """The checker's word on what was received; it knows every key."""
        keys: dict[str, str] = {}
        for subject in (self.town.authority, self.town.acme, self.town.beta):
            keys[subject.key.public.thumbprint] = subject.key.public.multikey
        return check_submission(received, SCHEMES, UNIQUE, keys.get)

    def decide(self, received: bytes) -> Changes:
        """What the operation would change. Raises TetradError, and nothing else."""
        checked = self.check(received)
        state = self.town.ledger.state
        if checked.pending:
            (outcome,) = self.town.ledger.append([checked], self.town.now)
            raise outcome if isinstance(outcome, TetradError) else AssertionError("unverified")
        return RULES.apply(state, checked.operation, checked.hash, checked.unique, self.town.now)


def attack_on(name: str) -> Attack:
    """The scenario of that name."""
    scenario = next(one for one in all_scenarios() if one.name == name)
    town = scenario.world()
    return Attack(town, scenario.build(town))


# One of every type, none of which needs a key that only the state knows.
NAMES = [
    "registry.update-everything",
    "organization.register-sandbox",
    "organization.register-p-256",
    "organization.update-name",
    "grant.issue-first-come",
    "grant.withdraw-by-the-authority",
    "device.register-three-parties",
    "device.register-committed-code",
    "device.register-p-256-device",
    "device.update-data",
    "code.correct-by-one-organization",
    "keys.rotate-device",
    "recovery.begin-organization",
    "recovery.finish-by-anyone",
    "transfer.offer-to-an-organization",
    "transfer.accept-with-the-committed-key",
    "status.suspend-by-the-authority",
    "status.resume-ones-own",
    "status.revoke-by-the-prefix-holder",
    "status.retire-frees-the-number",
]


@pytest.fixture(scope="module")
def attacks() -> list[Attack]:
    return [attack_on(name) for name in NAMES if name != "device.register-three-parties"]


def submission(operation: Any, disclosures: Any = ()) -> bytes:
    return json.dumps({"operation": operation, "disclosures": list(disclosures)}).encode()


def must_not_pass(attack: Attack, received: bytes) -> None:
    """The operation is refused by one of our errors, or is the very same one."""
    try:
        attack.decide(received)
    except TetradError as error:
        json.dumps(error.problem())
        return
    assert attack.check(received).hash == attack.signed.hash


def test_the_attacked_operations_would_be_accepted(attacks: list[Attack]) -> None:
    for attack in attacks:
        assert attack.decide(attack.signed.submission)


# Anything, anywhere

which = st.integers(0, len(NAMES) - 2)


@settings(max_examples=300)
@given(which=which, data=st.data())
def test_changed_bytes(attacks: list[Attack], which: int, data: st.DataObject) -> None:
    attack = attacks[which]
    received = bytearray(attack.signed.submission)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(received) - 1))
        how = data.draw(st.sampled_from(["flip", "insert", "remove", "cut"]))
        if how == "flip":
            received[at] ^= 1 << data.draw(st.integers(0, 7))
        elif how == "insert":
            received[at:at] = data.draw(st.sampled_from([b'"', b"{", b"0", b"\x00", b"\xff", b","]))
        elif how == "remove":
            del received[at]
        else:
            del received[at : at + data.draw(st.integers(1, 200))]
        received = received or bytearray(b"x")
    must_not_pass(attack, bytes(received))


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict | list):
        for name, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(one, (*path, name))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


deep: Any = "x"
for _ in range(40):
    deep = [deep]
HOSTILE: list[Any] = [
    None,
    True,
    0,
    -1,
    1.0,
    1.5,
    2**53,
    2**63,
    2**200,
    "",
    "\ud800",
    "é",
    "e\u0301",
    "\u202egpj.exe",
    "x\x00y",
    "x" * 5000,
    "did:web:evil.example#key",
    [],
    {},
    [[]],
    {"": ""},
    {"$ref": "#"},
    {"__proto__": {}},
    deep,
]
hostile = st.sampled_from(HOSTILE) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


@settings(max_examples=500)
@given(which=which, data=st.data())
def test_changed_values(attacks: list[Attack], which: int, data: st.DataObject) -> None:
    attack = attacks[which]
    changed: Any = {"operation": copy.deepcopy(attack.signed.operation)}
    changed["disclosures"] = list(attack.signed.disclosures)
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(list(paths(changed))))
        holder = at(changed, path[:-1])
        how = data.draw(st.sampled_from(["replace", "replace", "remove", "add", "repeat"]))
        if how == "replace":
            holder[path[-1]] = copy.deepcopy(data.draw(hostile))
        elif how == "remove":
            del holder[path[-1]]
        elif how == "add" and isinstance(holder, dict):
            holder[data.draw(st.text(max_size=6))] = copy.deepcopy(data.draw(hostile))
        elif isinstance(holder, list):
            holder.append(holder[path[-1]])
        if not changed:
            break
    try:
        received = json.dumps(changed).encode()
    except ValueError:
        return
    must_not_pass(attack, received)


@settings(max_examples=200)
@given(which=which, data=st.data())
def test_a_member_twice(attacks: list[Attack], which: int, data: st.DataObject) -> None:
    """Parsers differ on which one counts, so neither does."""
    attack = attacks[which]
    text = json.dumps({"operation": attack.signed.operation}, separators=(",", ":"))
    names = [place for place in range(len(text)) if text.startswith('{"', place)]
    place = data.draw(st.sampled_from(names))
    name = json.loads(text[place + 1 : text.index('"', place + 2) + 1])
    escaped = data.draw(st.booleans())
    shown = "".join(f"\\u{ord(letter):04x}" for letter in name) if escaped else name
    doubled = f'{text[: place + 1]}"{shown}":1,{text[place + 1 :]}'
    with pytest.raises(MalformedInput):
        attack.check(doubled.encode())


@settings(max_examples=100)
@given(received=st.binary(max_size=200))
@example(received=b"")
@example(received=b"[" * 100_000)
@example(received=b'{"operation":' * 10_000)
@example(received=b'{"operation":{"type":"device.register"}}')
@example(received=b'{"operation":[],"disclosures":{}}')
@example(received=b"\xef\xbb\xbf{}")
@example(received=b"null")
@example(received=b"1e400")
@example(received=b"9" * 5000)
def test_anything(attacks: list[Attack], received: bytes) -> None:
    with pytest.raises(TetradError):
        attacks[0].check(received)


# The shape of values

DEVICE = "device.register-by-one-organization"


def variant(attack: Attack, path: tuple[Any, ...], value: Any) -> bytes:
    operation = copy.deepcopy(attack.signed.operation)
    at(operation, path[:-1])[path[-1]] = value
    return submission(operation, attack.signed.disclosures)


@pytest.mark.parametrize("value", [1.0, "1", True, 0, -1, 2**53, None, [1]])
def test_a_sequence_is_an_integer_in_range(value: Any) -> None:
    attack = attack_on("organization.update-name")
    with pytest.raises(TetradError) as caught:
        attack.check(variant(attack, ("sequence",), value))
    assert isinstance(caught.value, SchemaViolation | MalformedInput)


@pytest.mark.parametrize(
    "created",
    [
        "2026-11-22T08:00:00.000Z",
        "2026-11-22T08:00:00+00:00",
        "2026-11-22t08:00:00z",
        "2026-11-22 08:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T23:59:60Z",
        "2026-02-30T08:00:00Z",
        "0000-11-22T08:00:00Z",
        "२०२६-11-22T08:00:00Z",
        "2026-11-22T08:00:00Z\n",
    ],
)
def test_a_time_has_one_form(created: str) -> None:
    attack = attack_on("organization.update-name")
    with pytest.raises(SchemaViolation):
        attack.check(variant(attack, ("created",), created))


@pytest.mark.parametrize(
    "name",
    [
        unicodedata.normalize("NFD", "Müller"),
        " Acme",
        "Acme\u2003",
        "Ac\u200bme",
        "\u202eemcA",
        "Ac\x07me",
        "x" * 201,
        "",
    ],
)
def test_a_text_has_one_spelling_and_nothing_hidden(name: str) -> None:
    attack = attack_on("organization.update-name")
    with pytest.raises(SchemaViolation):
        attack.check(variant(attack, ("body", "name"), name))


def test_a_category_is_ascii() -> None:
    attack = attack_on(DEVICE)
    with pytest.raises(SchemaViolation):
        attack.check(variant(attack, ("body", "object", "sector", "category"), "C٤٠"))


def test_an_operation_beyond_its_size() -> None:
    attack = attack_on("grant.issue-make")
    models = [f"{n:03}" + "é" * 197 for n in range(100)]
    operation = copy.deepcopy(attack.signed.operation)
    operation["body"]["scope"]["models"] = [name + "水" * 3 for name in models]
    operation["body"]["scope"]["models"] = ["水" * 197 + f"{n:03}" for n in range(100)]
    assert len(canonicalize(operation)) <= 61_440
    attack.check(submission(sign(operation, attack.town.acme.method)))
    urls = [f"urn:{'x' * 490}{n}" for n in range(8)]
    operation = copy.deepcopy(operation)
    operation["body"]["scope"]["models"][0] = "x"
    operation["pad"] = urls
    with pytest.raises(SchemaViolation):
        attack.check(submission(operation))
    with pytest.raises(InputTooLarge):
        attack.check(b'{"operation":"' + b"x" * 300_000 + b'"}')


def test_more_members_are_refused_wherever_they_stand() -> None:
    attack = attack_on(DEVICE)
    operation = attack.signed.operation
    for path in [(), *paths(operation)]:
        if isinstance(at(operation, path), dict):
            changed = copy.deepcopy(operation)
            at(changed, path)["more"] = 1
            with pytest.raises(SchemaViolation):
                attack.check(submission(changed, attack.signed.disclosures))


# Keys, signatures and methods


def resigned(attack: Attack, place: int, **changes: Any) -> bytes:
    """The submission with members of one proof replaced."""
    operation = copy.deepcopy(attack.signed.operation)
    operation["proof"][place] |= changes
    return submission(operation, attack.signed.disclosures)


def refused(attack: Attack, received: bytes, expected: type[TetradError]) -> TetradError:
    with pytest.raises(expected) as caught:
        attack.decide(received)
    return caught.value


def test_every_proof_of_a_set_is_verified() -> None:
    attack = attack_on("device.register-three-parties")
    gamma = key("Gamma/0").public
    keys = {gamma.thumbprint: gamma.multikey}
    for subject in (attack.town.acme, attack.town.beta):
        keys[subject.key.public.thumbprint] = subject.key.public.multikey
    for place in range(4):
        stolen = attack.signed.operation["proof"][(place + 1) % 4]["proofValue"]
        received = resigned(attack, place, proofValue=stolen)
        with pytest.raises(ForgedProof) as caught:
            check_submission(received, SCHEMES, UNIQUE, keys.get)
        assert caught.value.pointer.startswith(f"/proof/{place}")


def test_a_forged_proof_of_a_key_that_only_the_writer_knows() -> None:
    """The checker leaves it pending; the writer verifies it all the same."""
    attack = attack_on("device.register-three-parties")
    for place in range(1, 4):
        stolen = attack.signed.operation["proof"][0]["proofValue"]
        received = resigned(attack, place, proofValue=stolen)
        checked = check_submission(received, SCHEMES, UNIQUE, lambda _: None)
        assert place in checked.pending
        size = attack.town.reader.head().size
        (outcome,) = attack.town.ledger.append([checked], attack.town.now)
        assert isinstance(outcome, ForgedProof)
        assert attack.town.reader.head().size == size


@pytest.mark.parametrize("name", [DEVICE, "device.register-p-256-device"])
@pytest.mark.parametrize("suite", sorted(set(CRYPTOSUITES.values())))
def test_the_algorithm_belongs_to_the_key(name: str, suite: str) -> None:
    attack = attack_on(name)
    if attack.signed.operation["proof"][0]["cryptosuite"] != suite:
        error = refused(attack, resigned(attack, 0, cryptosuite=suite), MalformedProof)
        assert error.pointer == "/proof/0/cryptosuite"


@pytest.mark.parametrize("suite", ["none", "", "EdDSA-jcs-2022", "eddsa-rdfc-2022", "HS256", None])
def test_no_other_suite_is_known(suite: Any) -> None:
    attack = attack_on(DEVICE)
    refused(attack, resigned(attack, 0, cryptosuite=suite), SchemaViolation)


def test_a_second_signature_made_out_of_the_first() -> None:
    """ECDSA: (r, n - s) verifies wherever (r, s) does, but not here."""
    attack = attack_on("device.register-p-256-device")
    signature = multibase_decode(attack.signed.operation["proof"][0]["proofValue"])
    s = P256_ORDER - int.from_bytes(signature[32:], "big")
    twin = multibase_encode(signature[:32] + s.to_bytes(32, "big"))
    refused(attack, resigned(attack, 0, proofValue=twin), ForgedProof)


@pytest.mark.parametrize("signature", [b"", bytes(64), b"\xff" * 64, bytes(63), bytes(65)])
@pytest.mark.parametrize("name", [DEVICE, "device.register-p-256-device"])
def test_signatures_that_are_none(name: str, signature: bytes) -> None:
    attack = attack_on(name)
    received = resigned(attack, 0, proofValue=multibase_encode(signature))
    with pytest.raises(TetradError) as caught:
        attack.decide(received)
    assert isinstance(caught.value, InvalidProof | SchemaViolation)


def of_small_order() -> list[bytes]:
    """Ed25519 points under which everyone can sign, canonical or not."""
    prime = 2**255 - 19
    root = pow(2, (prime - 1) // 4, prime)  # of -1
    d = -121665 * pow(121666, -1, prime) % prime
    # Of order 8 are the points that double to (root, 0): x = y or x = -y, and d y^4 + 2 y^2 = 1.
    half = pow(1 + d, (prime + 3) // 8, prime)
    half = half if half * half % prime == (1 + d) % prime else half * root % prime
    squares = [(s - 1) * pow(d, -1, prime) % prime for s in (half, prime - half)]
    roots = [pow(one, (prime + 3) // 8, prime) for one in squares]
    tried = [(y * f % prime, one) for y, one in zip(roots, squares, strict=True) for f in (1, root)]
    order_8 = next(y for y, one in tried if y * y % prime == one)
    ys = [0, 1, prime - 1, order_8, prime - order_8, prime, prime + 1]
    return [(y | sign << 255).to_bytes(32, "little") for y in ys for sign in (0, 1)]


def test_those_points_are_the_known_ones() -> None:
    known = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
    assert bytes.fromhex(known) in of_small_order()


@pytest.mark.parametrize("raw", of_small_order(), ids=bytes.hex)
def test_a_key_under_which_anything_verifies(raw: bytes) -> None:
    attack = attack_on(DEVICE)
    multikey = multibase_encode(b"\xed\x01" + raw)
    operation = copy.deepcopy(attack.signed.operation)
    operation["body"]["keys"] = [multikey]
    operation["proof"][0] |= {
        "verificationMethod": f"did:key:{multikey}#{multikey}",
        "proofValue": multibase_encode(raw + bytes(32)),
    }
    refused(attack, submission(operation, attack.signed.disclosures), InvalidKey)


def test_a_signature_for_another_purpose() -> None:
    attack = attack_on("organization.update-name")
    signer, method = attack.town.acme.method
    unsigned = {k: v for k, v in attack.signed.operation.items() if k != "proof"}
    for purpose in ("assertionMethod", "authentication", "capabilityDelegation"):
        proof = create_proof(unsigned, signer, proof_options("eddsa-jcs-2022", method, purpose))
        refused(attack, submission({**unsigned, "proof": [proof]}), SchemaViolation)
        relabelled = {**proof, "proofPurpose": "capabilityInvocation"}
        refused(attack, submission({**unsigned, "proof": [relabelled]}), ForgedProof)


def test_a_signature_of_another_operation() -> None:
    attack = attack_on("organization.update-name")
    town = attack.town
    other = town.follow(town.acme, "organization.update", {"name": "Other"})
    stolen = other.operation["proof"][0]["proofValue"]
    refused(attack, resigned(attack, 0, proofValue=stolen), ForgedProof)


def test_a_signature_over_the_document_alone() -> None:
    """Without the options in front, a signature says nothing about what it is for."""
    attack = attack_on("organization.update-name")
    signer, method = attack.town.acme.method
    options = proof_options("eddsa-jcs-2022", method, "capabilityInvocation")
    message = signing_input(attack.signed.operation, options)
    for part in (message[32:], message[32:] + message[:32], message[:32]):
        forged = multibase_encode(signer.sign(part))
        refused(attack, resigned(attack, 0, proofValue=forged), ForgedProof)


@pytest.mark.parametrize(
    "more",
    [
        {"id": "urn:x"},
        {"domain": "x"},
        {"challenge": "x"},
        {"nonce": "x"},
        {"previousProof": "urn:x"},
        {"expires": "2026-11-22T08:00:00Z"},
        {"@context": "https://www.w3.org/ns/credentials/v2"},
    ],
    ids=lambda more: next(iter(more)),
)
def test_proofs_have_no_other_members(more: dict[str, str]) -> None:
    attack = attack_on("organization.update-name")
    refused(attack, resigned(attack, 0, **more), SchemaViolation)
    unsigned = {k: v for k, v in attack.signed.operation.items() if k != "proof"}
    signer, method = attack.town.acme.method
    options = {**proof_options("eddsa-jcs-2022", method, "capabilityInvocation"), **more}
    proof = create_proof(unsigned, signer, options)
    refused(attack, submission({**unsigned, "proof": [proof]}), SchemaViolation)


def test_a_date_added_to_a_proof() -> None:
    attack = attack_on("organization.update-name")
    refused(attack, resigned(attack, 0, created="2026-11-22T08:00:00Z"), ForgedProof)


def methods(subject: Subject) -> dict[str, str]:
    """Verification methods that are almost the right one."""
    did, thumbprint = subject.did, subject.key.public.thumbprint
    multikey = subject.key.public.multikey
    return {
        "no fragment": did,
        "an empty fragment": f"{did}#",
        "two fragments": f"{did}#{thumbprint}#{thumbprint}",
        "a query": f"{did}?versionId=1#{thumbprint}",
        "a path": f"{did}/keys#{thumbprint}",
        "a space": f"{did}#{thumbprint} ",
        "a line": f"{did}#{thumbprint}\n",
        "upper case": f"{did.upper()}#{thumbprint}",
        "another label": f"did:tetrad:{'a' * 16}:{did.rpartition(':')[2]}#{thumbprint}",
        "the key itself": f"{did}#{multikey}",
        "percent-encoded": f"{did}%23{thumbprint}",
        "did:key": f"did:key:{multikey}#{multikey}",
        "did:key of another": f"did:key:{multikey}#{thumbprint}",
        "did:web": f"did:web:acme.example#{thumbprint}",
        "a URL": f"https://acme.example/#{thumbprint}",
        "nothing": "",
        "a hash": "#" + thumbprint,
    }


@pytest.mark.parametrize("trick", methods(Subject("x", did="did:tetrad:a:zQm")))
def test_methods_that_are_almost_right(trick: str) -> None:
    attack = attack_on("organization.update-name")
    acme = attack.town.acme
    signed = sign(attack.signed.operation, (acme.key, methods(acme)[trick]))
    refused(attack, submission(signed), UnknownMethod)


def test_a_device_cannot_sign_its_registration_as_did_tetrad() -> None:
    """Its DID is the hash of what it signs, so no ledger knows it yet."""
    attack = attack_on(DEVICE)
    device = key("M-1/0")
    did = f"{attack.town.acme.did.rpartition(':')[0]}:{attack.signed.hash}"
    method = tetrad_method(did, device.public.thumbprint)
    signed = sign(attack.signed.operation, (device, method), attack.town.acme.method)
    received = submission(signed, attack.signed.disclosures)
    checked = attack.check(received)
    (outcome,) = attack.town.ledger.append([checked], attack.town.now)
    assert isinstance(outcome, UnknownMethod)


def test_proofs_without_number() -> None:
    attack = attack_on("organization.update-name")
    refused(attack, submission({**attack.signed.operation, "proof": []}), SchemaViolation)
    many = attack.signed.operation["proof"] * 10
    refused(attack, submission({**attack.signed.operation, "proof": many}), SchemaViolation)
    twice = attack.signed.operation["proof"] * 2
    refused(attack, submission({**attack.signed.operation, "proof": twice}), SignerUnexpected)


# Replays


def test_a_capture_is_applied_once_and_gets_the_same_receipt(attacks: list[Attack]) -> None:
    for attack in map(attack_on, NAMES):
        town, signed = attack
        ((first,), (again,)) = town.submit(signed), town.submit(signed, signed)[1:]
        assert isinstance(first, Accepted)
        assert again == Accepted(first.hash, first.index, repeated=True)
        assert town.reader.head().size == first.index + 1
    assert attacks


def test_the_order_of_proofs_makes_no_second_operation() -> None:
    town, signed = attack_on("device.register-three-parties")
    (first,) = town.submit(signed)
    turned = {**signed.operation, "proof": signed.operation["proof"][::-1]}
    (again,) = town.submit(Signed(turned, signed.disclosures))
    assert isinstance(first, Accepted)
    assert again == Accepted(first.hash, first.index, repeated=True)


def test_captures_of_another_ledger_with_the_same_keys() -> None:
    """The authority runs a second ledger under the same name and keys."""
    elsewhere = City(mode="permissioned")
    assert elsewhere.authority.key.public == Town().authority.key.public
    for attack in map(attack_on, NAMES):
        checked = elsewhere.check(attack.signed)
        (outcome,) = elsewhere.ledger.append([checked], elsewhere.now)
        assert isinstance(outcome, WrongLedger | UnknownMethod | SignerUnexpected | ForgedProof)
        (genuine,) = attack.town.submit(attack.signed)
        assert isinstance(genuine, Accepted)
    assert elsewhere.reader.head().size == 1


def relabelled(operation: Operation, ledger: str, signer: PrivateKey, method: str) -> Operation:
    """The same operation signed anew for another ledger."""
    return sign({**operation, "ledger": ledger}, (signer, method))


def test_the_hash_covers_the_ledger() -> None:
    town, signed = attack_on("organization.register-sandbox")
    gamma = key("Gamma/0")
    other = relabelled(signed.operation, signed.hash, gamma, did_key_method(gamma.public.multikey))
    assert operation_hash(other) != signed.hash
    (outcome,) = town.submit(Signed(other, []))
    assert isinstance(outcome, WrongLedger)


# Disclosures


def test_disclosures_of_other_things() -> None:
    attack = attack_on("device.register-by-one-organization")
    right = attack.signed.disclosures
    wrong: list[list[str]] = [
        [],
        right[:1],
        [*right, right[0]],
        [*right, disclosed("/body/data/commitment", "x").encoded],
        [*right, disclosed("/body/model", "M1").encoded],
        [disclosed("/body/object/serial", "another").encoded, *right[1:]],
        [disclosed("/body/number/commitment", "SN-M-1").encoded, *right[:1]],
        [right[0] + "=", *right[1:]],
        [" " + right[0], *right[1:]],
    ]
    for disclosures in wrong:
        received = submission(attack.signed.operation, disclosures)
        refused(attack, received, InvalidDisclosure)


def test_nine_disclosures() -> None:
    attack = attack_on(DEVICE)
    received = submission(attack.signed.operation, attack.signed.disclosures * 5)
    refused(attack, received, SchemaViolation)


def test_p_256_is_what_the_p_256_attacks_attack() -> None:
    attack = attack_on("device.register-p-256-device")
    assert attack.signed.operation["proof"][0]["cryptosuite"] == "ecdsa-jcs-2019"
    assert key("M-1/0", P256).public.multikey in attack.signed.operation["body"]["keys"]
