"""specs/vectors/identity/handshake.json, read as any other implementation would read it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from identity.did import tetrad_method
from identity.errors import TetradError
from identity.jcs import canonicalize, parse
from identity.keys import private_key, public_key
from identity.multibase import base64url_decode
from identity.wallet import Identity, Wallet
from resolver.handshake import Channel, Initiator, Own, Responder, Terms
from resolver.schemes import Code
from resolver.trust import Trust
from tests.generated.__main__ import SPECS

FILE: Any = orjson.loads((SPECS / "vectors/identity/handshake.json").read_bytes())
GENESIS = FILE["bundles"]["one"]["genesis"]


def nothing_random(_: int) -> bytes:
    raise AssertionError("a wallet that is filled draws nothing")


def own(vector: Any) -> Own:
    """The device that the vector is about, with the key of that name."""
    bundle = FILE["bundles"][vector["bundle"]]
    wallet, held = Wallet(nothing_random), []
    secrets = FILE["keys"][vector["bundle"]]
    for multikey, secret in zip(bundle["answer"]["device"]["keys"], secrets, strict=True):
        key = private_key(public_key(multikey).algorithm, bytes.fromhex(secret))
        held.append(wallet.add_key(key).thumbprint)
    wallet.identities[vector["did"]] = Identity(held, [])
    return Own(wallet, vector["did"], canonicalize(bundle))


def terms(shown: Any) -> Terms:
    """What it asks for."""
    trusts = [Trust.begin(GENESIS).asking(FILE["policy"])]
    assert {trust.ledger for trust in trusts} >= set(shown["ledgers"])
    peer, channel = shown.get("peer"), shown.get("channel")
    return Terms(
        [trust for trust in trusts if trust.ledger in shown["ledgers"]],
        shown["maxAge"],
        Code(**peer) if isinstance(peer, dict) else peer,
        Channel(channel["type"], base64url_decode(channel["data"])) if channel else None,
        shown.get("context", ""),
    )


def message_of(shown: Any) -> bytes:
    """A message whose bundle stands under a name."""
    if isinstance(shown, str):
        return shown.encode()
    named = {"bundle": FILE["bundles"][shown["bundle"]]} if "bundle" in shown else {}
    return canonicalize({**shown, **named})


def play(vector: Any) -> Any:
    """Plays what the machine sent and received; it must send the very same."""
    nonce = base64url_decode(vector["nonce"])
    kind: Any = Initiator if vector["role"] == "initiator" else Responder
    machine = kind(own(vector), terms(vector["terms"]), lambda _: nonce)
    sent = b""
    for item in vector["messages"]:
        if "received" in item:
            sent = machine.receive(message_of(item["received"]), item["now"])
        elif not sent:
            sent = machine.first(item["now"])
        if "sent" in item:
            assert parse(sent, max_bytes=2**21) == parse(message_of(item["sent"]), max_bytes=2**21)
    return machine.peer


@pytest.mark.parametrize("vector", FILE["vectors"], ids=lambda vector: vector["name"])
def test_a_meeting_ends_as_the_vector_says(vector: Any) -> None:
    if "error" in vector:
        with pytest.raises(TetradError) as refused:
            play(vector)
        assert refused.value.code == vector["error"]
        return
    peer = play(vector)
    found = {"peer": peer.did, "methods": list(peer.methods), "transcript": peer.transcript}
    assert found == {name: vector[name] for name in found}
    assert all(method == tetrad_method(peer.did, method.split("#")[1]) for method in peer.methods)


def test_every_step_is_tried_and_every_kind_of_refusal() -> None:
    received = [[one for one in v["messages"] if "received" in one] for v in FILE["vectors"]]
    assert {len(messages) for messages in received} == {1, 2, 3}
    assert {v["role"] for v in FILE["vectors"]} == {"initiator", "responder"}
    errors = {v["error"].split(".")[0] for v in FILE["vectors"] if "error" in v}
    assert errors == {"authentication", "conflict", "evidence", "input", "proof"}
