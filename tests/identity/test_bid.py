"""did:bid: read strictly, made out of keys, and held against them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.bid import bid_of, is_bid_of, parse_bid
from identity.errors import InvalidKey, MalformedInput
from identity.keys import public_key_of
from identity.multibase import base58_encode
from tests.factory import key

ED25519, SM2 = (key("bid", one).public.multikey for one in ("Ed25519", "SM2"))


def test_the_identifiers_of_the_chain(vectors: Path) -> None:
    """Four that are in use there; the one in base64 is written there with padding, which a DID
    cannot have."""
    for each in json.loads((vectors / "bid" / "bid_vectors.json").read_text("utf-8"))["vectors"]:
        raw = bytes.fromhex(each["raw"])
        if each["alg"] == "SM2":
            raw = bytes([2 + (raw[-1] & 1)]) + raw[1:33]
        multikey = public_key_of(each["alg"], raw).multikey
        shown = each["bid"].rstrip("=")
        bid = parse_bid(shown)
        assert is_bid_of(bid, [ED25519, multikey])
        assert parse_bid(bid_of(multikey)).raw == bid.raw
        if bid.encoding == "f":
            assert bid_of(multikey) == shown
        else:
            with pytest.raises(MalformedInput):
                parse_bid(each["bid"])


def test_a_chain_code_says_where() -> None:
    bid = parse_bid(bid_of(SM2, "acsn"))
    assert (bid.chain, bid.key_type, bid.encoding) == ("acsn", "z", "f")
    assert parse_bid(bid_of(SM2)).chain is None


def test_only_its_own_key() -> None:
    for one, other in ((ED25519, SM2), (SM2, ED25519)):
        bid = parse_bid(bid_of(one))
        assert is_bid_of(bid, [one])
        assert not is_bid_of(bid, [other])
        assert not is_bid_of(bid, [])


def test_what_is_read_and_can_be_told_of_no_key() -> None:
    """secp256k1, and addresses in Bech32."""
    own = parse_bid(bid_of(ED25519))
    for text in (f"did:bid:sf{own.address}", f"did:bid:et{own.address}"):
        assert not is_bid_of(parse_bid(text), [ED25519, SM2])


@pytest.mark.parametrize("algorithm", ["P-256", "P-384", "ML-DSA-44", "ML-DSA-65"])
def test_keys_that_the_chain_has_not(algorithm: str) -> None:
    with pytest.raises(MalformedInput):
        bid_of(key("bid", algorithm).public.multikey)
    with pytest.raises(InvalidKey):
        bid_of("z6Mk")


def test_the_alphabet_is_not_bitcoins() -> None:
    """B and b, and U and u, have changed places: whoever reads it with the usual alphabet takes it
    for another key's."""
    for n in range(20):
        multikey = key(f"bid {n}").public.multikey
        bid = parse_bid(bid_of(multikey))
        assert bid.raw is not None
        usual = base58_encode(bid.raw)
        assert bid.address == usual.translate(str.maketrans("BbUu", "bBuU"))
        if usual != bid.address:
            return
    raise AssertionError("none of these has such a letter")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-2],
        lambda text: text + "1",
        lambda text: text.upper(),
        lambda text: text.replace("did:bid:", "did:bid:abc:"),
        lambda text: text.replace("did:bid:", "did:bid:abcde:"),
        lambda text: text.replace(":e", ":x"),
        lambda text: text.replace(":ef", ":ex"),
        lambda text: text.replace(":ef", ":es"),
        lambda text: text + "=",
        lambda text: text + "\n",
        lambda text: text + "#key",
        lambda text: text[:20] + "0" + text[21:],
    ],
)
def test_other_texts_are_refused(change: object) -> None:
    assert callable(change)
    with pytest.raises(MalformedInput):
        parse_bid(change(bid_of(ED25519)))


@given(
    st.text(max_size=60)
    | st.from_regex(r"did:bid:([A-Za-z0-9]{4}:)?[ezs][fst][A-Za-z0-9]{18,42}", fullmatch=True)
)
def test_hostile_text_raises_only_our_errors(text: str) -> None:
    try:
        bid = parse_bid(text)
    except MalformedInput:
        return
    assert bid.raw is None or len(bid.raw) == 22
    assert not is_bid_of(bid, [ED25519])
