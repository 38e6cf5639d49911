"""DIDs: the grammar of DID Core, `did:key` against its vectors, `did:tetrad` as a round trip."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.did import (
    did_key,
    did_key_method,
    ledger_label,
    parse_did_key,
    parse_did_url,
    parse_tetrad_did,
    tetrad_did,
    tetrad_method,
)
from identity.errors import InvalidKey, MalformedInput, TetradError
from identity.keys import private_key
from identity.multibase import digest_multihash, multihash

GENESIS = multihash(b"genesis")
digests = st.binary(min_size=32, max_size=32).map(digest_multihash)


class TestDidUrl:
    @pytest.mark.parametrize(
        ("text", "parts"),
        [
            ("did:example:123", ("did:example:123", "example", "123", "", None, None)),
            ("did:a:b:c::d", ("did:a:b:c::d", "a", "b:c::d", "", None, None)),
            ("did:x:%C3%A9", ("did:x:%C3%A9", "x", "%C3%A9", "", None, None)),
            ("did:x:y#", ("did:x:y", "x", "y", "", None, "")),
            ("did:x:y?", ("did:x:y", "x", "y", "", "", None)),
            ("did:x:y/a//b", ("did:x:y", "x", "y", "/a//b", None, None)),
            (
                "did:x:y/p;a=1?service=files&t=/?#k?/",
                ("did:x:y", "x", "y", "/p;a=1", "service=files&t=/?", "k?/"),
            ),
        ],
    )
    def test_parts(self, text: str, parts: tuple[str | None, ...]) -> None:
        assert tuple(parse_did_url(text)) == parts

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "did",
            "did:",
            "did:x",
            "did:x:",
            "did:x:y:",
            "did::y",
            "DID:x:y",
            "did:X:y",
            "did:x-y:z",
            "did:x:y z",
            "did:x:y%",
            "did:x:y%4",
            "did:x:y%GG",
            "did:x:é",
            "did:x:y#a#b",
            "did:x:y\n",
            " did:x:y",
            "did:x:y#[",
            "did:x:y?<script>",
            "did:x:" + "y" * 5300,
        ],
    )
    def test_refused(self, text: str) -> None:
        with pytest.raises(MalformedInput):
            parse_did_url(text)

    @given(st.text(max_size=40) | st.from_regex(r"did:[a-z0-9]+:\S+", fullmatch=True))
    def test_hostile_text_raises_only_our_errors(self, text: str) -> None:
        for parse in (parse_did_url, parse_did_key, parse_tetrad_did):
            try:
                parse(text)
            except TetradError:
                continue

    @given(st.sampled_from([":", "%", "a:", "%4", "%41"]), st.integers(0, 2000))
    def test_repetition_is_decided_in_linear_time(self, unit: str, times: int) -> None:
        """A grammar with nested repetition could take for ever; the whole run would then hang."""
        text = "did:x:" + unit * times + "!"
        with pytest.raises(MalformedInput):
            parse_did_url(text)


class TestDidKey:
    def test_ed25519_vectors(self, vectors: Path) -> None:
        cases = json.loads((vectors / "didkey" / "ed25519-x25519.json").read_bytes())
        for did, case in cases.items():
            multikey = private_key("Ed25519", bytes.fromhex(case["seed"])).public.multikey
            assert did_key(multikey) == did
            assert did_key_method(multikey) == case["didDocument"]["verificationMethod"][0]["id"]
            assert parse_did_key(did) == multikey

    def test_nist_vectors(self, vectors: Path) -> None:
        """P-256 and P-384 resolve; P-521, which we do not have, is refused."""
        cases = json.loads((vectors / "didkey" / "nist-curves.json").read_bytes())
        known = 0
        for did, case in cases.items():
            if not did.startswith(("did:key:zDn", "did:key:z82")):
                with pytest.raises(MalformedInput):
                    parse_did_key(did)
                continue
            known += 1
            multikey = parse_did_key(did)
            assert did_key(multikey) == did
            assert did_key_method(multikey) == case["didDocument"]["verificationMethod"][0]["id"]
        assert known == 5

    def test_x25519_is_no_signing_key(self, vectors: Path) -> None:
        cases = json.loads((vectors / "didkey" / "x25519.json").read_bytes())["didDocument"]
        for did in cases:
            with pytest.raises(MalformedInput):
                parse_did_key(did)

    def test_the_method_must_name_its_own_key(self) -> None:
        one = private_key("Ed25519", bytes(32)).public.multikey
        other = private_key("Ed25519", b"\1" * 32).public.multikey
        assert parse_did_key(f"did:key:{one}#{one}") == one
        for text in (f"did:key:{one}#{other}", f"did:key:{one}#", f"did:key:{one}?a", one):
            with pytest.raises(MalformedInput):
                parse_did_key(text)
        with pytest.raises(InvalidKey):
            did_key("z6Mk")


class TestDidTetrad:
    @given(digests, digests)
    def test_round_trip(self, genesis: str, operation: str) -> None:
        did = tetrad_did(genesis, operation)
        assert parse_tetrad_did(did) == (ledger_label(genesis), operation)
        method = parse_did_url(tetrad_method(did, GENESIS))
        assert (method.did, method.fragment) == (did, GENESIS)

    def test_the_label_is_ten_bytes_of_the_genesis_hash(self) -> None:
        assert ledger_label(digest_multihash(bytes(32))) == "a" * 16
        assert ledger_label(digest_multihash(b"\xff" * 10 + bytes(22))) == "7" * 16
        assert len(ledger_label(GENESIS)) == 16

    @pytest.mark.parametrize(
        "text",
        [
            f"did:tetrad:{'a' * 15}:{GENESIS}",
            f"did:tetrad:{'a' * 17}:{GENESIS}",
            f"did:tetrad:{'A' * 16}:{GENESIS}",
            f"did:tetrad:{'1' * 16}:{GENESIS}",
            f"did:tetrad:{'a' * 16}:{GENESIS}#x",
            f"did:tetrad:{'a' * 16}:{GENESIS}\n",
            f"did:tetrad:{'a' * 16}:{GENESIS[:-1]}",
            f"did:tetrad:{'a' * 16}:zQm{'z' * 44}",
            f"did:key:{'a' * 16}:{GENESIS}",
        ],
    )
    def test_refused(self, text: str) -> None:
        with pytest.raises(MalformedInput):
            parse_tetrad_did(text)

    def test_a_ledger_is_named_by_a_hash(self) -> None:
        with pytest.raises(MalformedInput):
            tetrad_did("zQmnot", GENESIS)
