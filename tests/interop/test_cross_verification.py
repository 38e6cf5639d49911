"""Other people's libraries verify what we sign, we verify what they sign, nobody takes a copy in
which one thing was changed. `python -m tests.interop.matrix` prints the same as a table."""

from __future__ import annotations

import pytest

from identity.credentials.securing import secure, verify_secured
from identity.credentials.status_list import decode, new_list
from identity.errors import ForgedProof
from identity.methods import did_key_methods
from resolver.vcapi import SUITES, Suite
from tests.factory import NOW
from tests.interop.libraries import Document, Library, method_of, signing_key
from tests.interop.matrix import (
    KINDS,
    by_us,
    keys,
    markdown,
    options_of,
    other_key,
    our_verdict,
    row,
    unsigned,
)

NAMES = ("@digitalbazaar/data-integrity", "@digitalbazaar/vc", "openvc-core", "apsig")
QUICK = SUITES[0]


def check(library: Library, suite: Suite, kind: str, *, ours: bool) -> None:
    result = row(library, suite, kind, ours=ours)
    assert result.holds, result
    assert ("accepted" in markdown([result])) == result.accepted


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "theirs"])
@pytest.mark.parametrize("name", NAMES)
def test_credentials_verify_in_both_directions(
    found: dict[str, Library], name: str, *, ours: bool
) -> None:
    check(found[name], QUICK, "credential", ours=ours)


@pytest.mark.slow
@pytest.mark.parametrize("ours", [True, False], ids=["ours", "theirs"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
@pytest.mark.parametrize("name", NAMES)
def test_every_cell_of_the_matrix(
    found: dict[str, Library], name: str, suite: Suite, kind: str, *, ours: bool
) -> None:
    library = found[name]
    if suite in library.suites and (kind == "credential" or library.presents):
        check(library, suite, kind, ours=ours)


def test_a_set_with_one_forged_proof_is_refused_by_all(found: dict[str, Library]) -> None:
    """The npm libraries report the whole set as verified: each proof is put to them by itself."""
    document = by_us(by_us(unsigned("credential", QUICK), "credential", QUICK), "credential", QUICK)
    first, second = document["proof"]
    assert our_verdict(document, "credential").verified
    forged = {**document, "proof": [first, {**second, "created": "2026-11-22T08:00:01Z"}]}
    assert not our_verdict(forged, "credential").verified
    for library in found.values():
        if library.presents:
            assert [one.verified for one in library.verify([document, forged])] == [True, False]


def test_a_presentation_for_another_verifier_is_refused(found: dict[str, Library]) -> None:
    signed = by_us(unsigned("presentation", QUICK), "presentation", QUICK)
    for library in found.values():
        if library.presents:
            for wrong in ({"challenge": "another"}, {"domain": "elsewhere.example"}):
                asked = {**options_of("presentation"), **wrong}
                assert [one.verified for one in library.verify([signed], **asked)] == [False]


def test_a_jcs_proof_says_the_context_that_it_signs(found: dict[str, Library]) -> None:
    """openvc-core signs the @context and leaves it out of the proof: others cannot verify it."""
    key = keys()[QUICK.name]
    (signed,) = found["openvc-core"].sign(
        [unsigned("credential", QUICK)], QUICK, key, complete=False
    )
    assert "@context" not in signed["proof"]
    assert not our_verdict(signed, "credential").verified
    (verdict,) = found["@digitalbazaar/data-integrity"].verify([signed])
    assert not verdict.verified


@pytest.mark.parametrize("name", [NAMES[0], NAMES[2]])
@pytest.mark.parametrize("suite", SUITES[1:3], ids=lambda suite: suite.name)
def test_ecdsa_of_others_has_either_s(found: dict[str, Library], name: str, suite: Suite) -> None:
    """They sign with whichever comes out, we take both where we are told to, the ledger neither."""
    document, key = unsigned("credential", suite), keys()[suite.name]
    ids = [{**document, "id": f"urn:uuid:{number}"} for number in range(24)]
    refused = 0
    for signed in found[name].sign(ids, suite, key):
        assert our_verdict(signed, "credential").verified
        try:
            verify_secured(signed, did_key_methods, purpose="assertionMethod", now=NOW)
        except ForgedProof:
            refused += 1
    assert 0 < refused < len(ids)  # one in 2^23 that all came out alike


# --- status lists

LENGTH = 131_072
SET = (0, 1, 7, 8, 94_567, LENGTH - 1)
PROBED = [0, 1, 2, 6, 7, 8, 9, 94_566, 94_567, 94_568, LENGTH - 1]


def test_our_status_lists_are_read_by_others(found: dict[str, Library]) -> None:
    ours = new_list("revocation")
    for index in SET:
        ours.set(index, 1)
    question = {"encodedList": ours.encoded(), "indexes": PROBED}
    expected = [index in SET for index in PROBED]
    for name in ("@digitalbazaar/vc", "openvc-core"):
        assert [bool(bit) for bit in found[name].ask("bits", question)] == expected


def test_status_lists_of_others_are_read_here(found: dict[str, Library]) -> None:
    task = {"length": LENGTH, "set": SET, "purpose": "revocation", "id": "https://example.com/1"}
    theirs = found["@digitalbazaar/vc"].ask("list", task)["credentialSubject"]["encodedList"]
    for encoded in (theirs, found["openvc-core"].ask("list", task)):
        bits = decode(encoded)
        assert len(bits) * 8 == LENGTH
        assert {n for n in range(LENGTH) if bits[n >> 3] >> (7 - (n & 7)) & 1} == set(SET)


def revocable(index: int, url: str) -> Document:
    entry = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": str(index),
        "statusListCredential": url,
    }
    document = {**unsigned("credential", QUICK), "credentialStatus": entry}
    return by_us(document, "credential", QUICK)


def list_of(url: str, signer: str, *revoked: int) -> Document:
    kept = new_list("revocation")
    for index in revoked:
        kept.set(index, 1)
    key = signing_key(signer, QUICK.algorithm)
    unsigned_list = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": method_of(key).partition("#")[0],
        "credentialSubject": {
            "id": f"{url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": kept.encoded(),
        },
    }
    return secure(unsigned_list, key, method=method_of(key), purpose="assertionMethod")


def test_their_verifier_follows_our_status_lists(found: dict[str, Library]) -> None:
    """@digitalbazaar/vc with vc-bitstring-status-list: valid, revoked, another issuer's list."""
    url = "https://example.com/status/1"
    library = found["@digitalbazaar/vc"]
    good, revoked = revocable(5, url), revocable(6, url)
    lists = {url: list_of(url, QUICK.name, 6)}
    verdicts = library.verify([good, revoked], lists=lists)
    assert [one.verified for one in verdicts] == [True, False]
    assert verdicts[1].reason == "status revocation"
    others = {url: list_of(url, "another", 6)}
    assert other_key(QUICK) == signing_key("another", QUICK.algorithm)
    assert [one.verified for one in library.verify([good], lists=others)] == [False]
    assert [one.verified for one in library.verify([good], lists={})] == [False]
