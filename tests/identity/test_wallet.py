"""The wallet signs what the registry accepts, loses no committed key, and keeps its secrets."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.did import did_key_method, tetrad_did
from identity.errors import InvalidKey, KeystoreError
from identity.keys import ALGORITHMS, private_key, public_key
from identity.multibase import multihash
from identity.operation import operation_hash
from identity.proof import verify_proof
from identity.wallet import Establishment, Wallet

LEDGER = multihash(b"genesis")


class Counter:
    """A random source that repeats itself in every run."""

    def __init__(self, seed: str = "") -> None:
        self.seed, self.calls = seed, 0

    def __call__(self, size: int) -> bytes:
        self.calls += 1
        return (sha256(f"{self.seed}{self.calls}".encode()).digest() * 2)[:size]


def registered(wallet: Wallet, algorithm: str = "Ed25519") -> tuple[str, dict[str, Any]]:
    """An identity of this wallet, and the signed operation that made it."""
    first = wallet.draw(algorithm)
    operation = {
        "type": "organization.register",
        "ledger": LEDGER,
        "created": "2026-11-22T08:00:00Z",
        "body": {"name": "Acme", "keys": first.keys, "next": first.next},
    }
    signed = wallet.sign(operation, *map(did_key_method, first.keys))
    did = tetrad_did(LEDGER, operation_hash(signed))
    wallet.adopt(did, first, name="Acme Meters")
    return did, signed


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_first_operation_is_signed_by_the_key_that_it_names(algorithm: str) -> None:
    _, signed = registered(Wallet(Counter()), algorithm)
    (proof,) = signed["proof"]
    (multikey,) = signed["body"]["keys"]
    assert public_key(multikey).algorithm == algorithm
    assert proof["verificationMethod"] == f"did:key:{multikey}#{multikey}"
    verify_proof(signed, proof, public_key(multikey), expected_purpose="capabilityInvocation")


def test_later_operations_are_signed_as_the_subject() -> None:
    wallet = Wallet(Counter())
    did, first = registered(wallet)
    signed = wallet.sign(
        {"type": "status.retire"}, *wallet.methods(did), created="2026-11-22T08:00:00Z"
    )
    (proof,) = signed["proof"]
    key = public_key(first["body"]["keys"][0])
    assert proof["verificationMethod"] == f"{did}#{key.thumbprint}"
    assert proof["created"] == "2026-11-22T08:00:00Z"
    verify_proof(signed, proof, key, expected_purpose="capabilityInvocation")


def test_two_wallets_sign_one_operation() -> None:
    device, owner = Wallet(Counter("device")), Wallet(Counter("owner"))
    (device_did, _), (owner_did, _) = registered(device), registered(owner)
    once = device.sign({"type": "number.rebind"}, *device.methods(device_did))
    both = owner.sign(once, *owner.methods(owner_did))
    again = device.sign(both, *device.methods(device_did))
    assert [proof["verificationMethod"] for proof in both["proof"]] == [
        *device.methods(device_did),
        *owner.methods(owner_did),
    ]
    assert len(again["proof"]) == 2
    for proof in again["proof"]:
        holder, did = (device, device_did) if device_did in str(proof) else (owner, owner_did)
        key = holder.key(holder.identity(did).keys[0]).public
        verify_proof(again, proof, key, expected_purpose="capabilityInvocation")


class TestPairs:
    def test_both_keys_of_a_pair_sign(self) -> None:
        wallet = Wallet(Counter())
        first = wallet.draw("Ed25519", "ML-DSA-44")
        assert [public_key(one).algorithm for one in first.keys] == ["Ed25519", "ML-DSA-44"]
        assert len(first.next) == len({*first.next}) == 2
        wallet.adopt("did:tetrad:a", first)
        signed = wallet.sign({"type": "device.update"}, *wallet.methods("did:tetrad:a"))
        for multikey, proof in zip(first.keys, signed["proof"], strict=True):
            key = public_key(multikey)
            assert proof["verificationMethod"] == f"did:tetrad:a#{key.thumbprint}"
            verify_proof(signed, proof, key, expected_purpose="capabilityInvocation")

    def test_of_three_keys_one_of_each_kind_signs(self) -> None:
        wallet = Wallet(Counter())
        first = wallet.draw("P-256", "ML-DSA-44", "P-384")
        wallet.adopt("did:tetrad:a", first)
        assert wallet.signing_keys("did:tetrad:a") == first.keys[:2]

    def test_a_fleet_moves_to_pairs_in_two_rotations(self) -> None:
        wallet = Wallet(Counter())
        did, _ = registered(wallet)
        committing = wallet.begin_rotation(did, "Ed25519", "ML-DSA-44")
        assert [public_key(one).algorithm for one in committing.keys] == ["Ed25519"]
        wallet.finish_rotation(did)
        assert len(wallet.methods(did)) == 1
        revealing = wallet.begin_rotation(did)
        assert [public_key(one).algorithm for one in revealing.keys] == ["Ed25519", "ML-DSA-44"]
        assert len(wallet.rotation_methods(did)) == 2
        wallet.finish_rotation(did)
        assert len(wallet.methods(did)) == 2
        again = Wallet.from_json(json.loads(json.dumps(wallet.to_json())), Counter("other"))
        assert again.methods(did) == wallet.methods(did)
        kept = [again.key(one).public.algorithm for one in again.identity(did).next]
        assert kept == ["Ed25519", "ML-DSA-44"]  # as before, unless others are named


class TestRotation:
    def test_the_committed_keys_come_into_force(self) -> None:
        wallet = Wallet(Counter())
        did, first = registered(wallet)
        rotation = wallet.begin_rotation(did)
        assert [public_key(key).thumbprint for key in rotation.keys] == first["body"]["next"]
        signed = wallet.sign({"type": "keys.rotate"}, *wallet.rotation_methods(did))
        for key, proof in zip(rotation.keys, signed["proof"], strict=True):
            verify_proof(signed, proof, public_key(key), expected_purpose="capabilityInvocation")
        wallet.finish_rotation(did)
        assert wallet.methods(did) == [f"{did}#{first['body']['next'][0]}"]
        assert wallet.identity(did).next == rotation.next

    def test_interrupted_it_is_the_same_rotation_again(self) -> None:
        wallet = Wallet(Counter())
        did, _ = registered(wallet)
        rotation = wallet.begin_rotation(did)
        restarted = Wallet.from_json(json.loads(json.dumps(wallet.to_json())), Counter("other"))
        assert restarted.begin_rotation(did) == rotation == wallet.begin_rotation(did)

    def test_the_old_key_is_forgotten_only_at_the_end(self) -> None:
        wallet = Wallet(Counter())
        did, _ = registered(wallet)
        old = wallet.identity(did).keys[0]
        wallet.begin_rotation(did)
        wallet.sign({"type": "device.update"}, f"{did}#{old}")
        wallet.finish_rotation(did)
        with pytest.raises(KeystoreError):
            wallet.sign({"type": "device.update"}, f"{did}#{old}")

    def test_a_key_that_serves_another_identity_is_kept(self) -> None:
        wallet = Wallet(Counter())
        first = wallet.draw()
        wallet.adopt("did:tetrad:a", first)
        wallet.adopt("did:tetrad:b", first)
        wallet.begin_rotation("did:tetrad:a")
        wallet.finish_rotation("did:tetrad:a")
        wallet.sign({}, *wallet.methods("did:tetrad:b"))

    def test_nothing_is_finished_that_was_not_begun(self) -> None:
        wallet = Wallet(Counter())
        did, _ = registered(wallet)
        with pytest.raises(KeystoreError, match="under way"):
            wallet.finish_rotation(did)


class TestRefusals:
    def test_keys_and_identities_of_others(self) -> None:
        wallet = Wallet(Counter())
        foreign = Wallet(Counter("other")).draw()
        with pytest.raises(KeystoreError):
            wallet.adopt("did:tetrad:x", foreign)
        with pytest.raises(KeystoreError):
            wallet.adopt("did:tetrad:x", Establishment(wallet.draw().keys, foreign.next))
        for method in (
            "did:tetrad:x#y",
            did_key_method(foreign.keys[0]),
            "did:key:\ud800#\ud800",
            "",
        ):
            with pytest.raises(KeystoreError):
                wallet.sign({}, method)
        with pytest.raises(KeystoreError):
            wallet.methods("did:tetrad:x")

    def test_a_name_must_be_of_one_identity(self) -> None:
        wallet = Wallet(Counter())
        did, _ = registered(wallet)
        assert wallet.named("Acme Meters") == did
        with pytest.raises(KeystoreError):
            wallet.named("Acme")
        registered(wallet)
        with pytest.raises(KeystoreError, match="2 identities"):
            wallet.named("Acme Meters")

    def test_unknown_algorithms(self) -> None:
        with pytest.raises(InvalidKey):
            Wallet(Counter()).new_key("RSA")

    def test_a_random_source_that_is_broken(self) -> None:
        with pytest.raises(RuntimeError):
            Wallet(lambda _: b"\xff" * 32).new_key("P-256")

    def test_an_unlucky_draw_is_repeated(self) -> None:
        draws = iter([bytes(32), b"\xff" * 32, b"\1" * 32])
        key = Wallet(lambda _: next(draws)).new_key("P-256")
        assert key == private_key("P-256", b"\1" * 32).public


class TestSerialisation:
    def test_round_trip(self) -> None:
        wallet = Wallet(Counter())
        did, signed = registered(wallet)
        registered(wallet, "P-256")
        wallet.begin_rotation(did)
        wallet.keep_receipt(operation_hash(signed), {"receipt": "c2sp.org/tlog-proof@v1"})
        value = json.loads(json.dumps(wallet.to_json()))
        again = Wallet.from_json(value, Counter())
        assert again.to_json() == value
        assert again.sign({}, *again.methods(did)) == wallet.sign({}, *wallet.methods(did))

    def test_a_wallet_does_not_show_its_secrets(self) -> None:
        wallet = Wallet(Counter())
        registered(wallet)
        secrets = [key["secret"] for key in wallet.to_json()["keys"].values()]
        assert secrets
        shown = repr(wallet) + str(vars(wallet))
        assert not any(secret in shown for secret in secrets)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["format", "keys", "identities", "receipts", "next", "secret"]),
                    inner,
                    max_size=6,
                )
            ),
            max_leaves=12,
        )
    )
    def test_hostile_values_raise_only_our_errors(self, value: Any) -> None:
        if isinstance(value, dict):
            value["format"] = 1
        try:
            Wallet.from_json(value, Counter())
        except KeystoreError:
            return
        assert {"keys", "identities", "receipts"} <= value.keys()

    def test_a_key_under_the_name_of_another_is_refused(self) -> None:
        wallet = Wallet(Counter())
        wallet.draw()
        value = wallet.to_json()
        one, two = value["keys"]
        value["keys"] = {one: value["keys"][two], two: value["keys"][one]}
        with pytest.raises(KeystoreError):
            Wallet.from_json(value, Counter())
