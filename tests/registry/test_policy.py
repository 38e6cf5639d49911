"""Witness policies: what is read, what is refused with its line, and how old a checkpoint is."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from identity.errors import MalformedPolicy, QuorumMissing
from registry.note import SignatureType, Signer, VerifierKey
from registry.policy import MAX_POLICY_BYTES, Policy
from tests.factory import LOG, NOW, QUANTUM
from tests.witnesses import NAMES, STRANGER, cosigner, policy

W1, W2, W3 = (f"witness {name} {cosigner(name).key}\n" for name in ("w1", "w2", "w3"))
THREE = W1 + W2 + W3


def refused(text: str | bytes) -> MalformedPolicy:
    with pytest.raises(MalformedPolicy) as caught:
        Policy.parse(text)
    return caught.value


def test_a_policy_with_everything() -> None:
    read = Policy.parse(
        "# a comment\n"
        "\n"
        f"log {LOG.key} https://log.example/\n"
        f" \tlog\t{QUANTUM.key} \n"
        "   # another\n"
        + THREE
        + f"witness w1q {cosigner('w1 quantum').key} https://w1.example/witness\n"
        "group two 2 w1 w2 w3\n"
        "group both all two w1q\n"
        "quorum both\n"
    )
    assert [log.key for log in read.logs] == [LOG.key, QUANTUM.key]
    assert [log.url for log in read.logs] == ["https://log.example/", None]
    assert read.log_keys("sandbox.test") == (LOG.key, QUANTUM.key)
    assert read.log_keys("another.test") == ()
    assert [witness.name for witness in read.witnesses] == ["w1", "w2", "w3", "w1q"]
    assert read.witnesses[3].url == "https://w1.example/witness"
    assert [(group.threshold, group.members) for group in read.groups] == [
        (2, ("w1", "w2", "w3")),
        (2, ("two", "w1q")),
    ]
    assert read.quorum == "both"
    assert Policy.parse(read.format()) == read


def test_the_quorum_line_alone() -> None:
    assert Policy.parse("quorum none\n") == Policy("none")
    assert Policy.parse(b"quorum none\n").cosigned_at([(cosigner("w1").key, NOW)]) is None


def test_lines_may_come_in_any_order_that_defines_before_it_names() -> None:
    read = Policy.parse(W1 + "quorum w1\n" + W2 + f"log {LOG.key}\n")
    assert [witness.name for witness in read.witnesses] == ["w1", "w2"]
    assert Policy.parse(read.format()) == read


def test_names_are_told_apart_by_their_bytes() -> None:
    kelvin = W2.replace("w2 ", "\u212a ", 1)
    read = Policy.parse(W1.replace("w1 ", "K ", 1) + kelvin + "quorum \u212a\n")
    assert read.quorum == "\u212a"


SAME_KEY = "witness a {0}\nwitness b {0}\nquorum a\n".format(cosigner("w1").key)
RENAMED = VerifierKey("other.example", SignatureType.ED25519_COSIGNATURE, cosigner("w1").key.public)


@pytest.mark.parametrize(
    ("text", "line", "detail"),
    [
        ("", None, "no quorum"),
        (THREE, None, "no quorum"),
        ("quorum none", None, "newline"),
        ("quorum none\r\n", None, "control"),
        ("quorum none\x7f\n", None, "control"),
        ("quorum none\x00\n", None, "control"),
        ("quorum\u00a0none\n", 1, "not a line"),
        ("quorum none\nquorum none\n", 2, "second quorum"),
        ("quorum w1\n" + W1, 1, "no witness or group 'w1'"),
        (W1 + "quorum w2\n", 2, "no witness or group 'w2'"),
        (W1 + "\n# x\nquorum w1 w1\n", 4, "not a line"),
        ("Quorum none\n", 1, "not a line"),
        (W1 + W1.replace("w1 ", "w2 ", 1) + "quorum w1\n", 2, "this key stands above"),
        (W1 + f"witness x {RENAMED}\nquorum w1\n", 2, "this key stands above"),
        (W1 + W2.replace("w2 ", "w1 ", 1) + "quorum w1\n", 2, "taken"),
        (W1.replace("w1 ", "none ", 1) + "quorum none\n", 1, "taken"),
        (SAME_KEY, 2, "stands above"),
        (f"log {LOG.key}\nlog {LOG.key} https://x\nquorum none\n", 2, "this key stands above"),
        (f"log {cosigner('w1').key}\nquorum none\n", 1, "type 04"),
        (f"witness w {LOG.key}\nquorum w\n", 1, "type 01"),
        ("witness w nonsense\nquorum w\n", 1, "bad key"),
        (W1.replace("+B", "+C", 1) + "quorum w1\n", 1, "bad key"),
        ("witness w\nquorum w\n", 1, "not a line"),
        (W1[:-1] + " https://a b\nquorum w1\n", 1, "not a line"),
        ("log\nquorum none\n", 1, "not a line"),
        (THREE + "group g 0 w1 w2\nquorum g\n", 4, "no threshold"),
        (THREE + "group g 3 w1 w2\nquorum g\n", 4, "no threshold"),
        (THREE + "group g 01 w1 w2\nquorum g\n", 4, "no threshold"),
        (THREE + "group g +1 w1 w2\nquorum g\n", 4, "no threshold"),
        (THREE + "group g \u0661 w1 w2\nquorum g\n", 4, "no threshold"),
        (THREE + "group g ALL w1 w2\nquorum g\n", 4, "no threshold"),
        (THREE + "group g any\nquorum g\n", 4, "not a line"),
        (THREE + "group g any w1 w1\nquorum g\n", 4, "a member already"),
        (THREE + "group g any w1\ngroup h any w1 g\nquorum h\n", 5, "a member already"),
        (THREE + "group g any g\nquorum g\n", 4, "no witness or group 'g'"),
        (THREE + "group g any h\ngroup h any w1\nquorum g\n", 4, "no witness or group 'h'"),
        (THREE + "group g any none\nquorum g\n", 4, "no witness or group 'none'"),
        (THREE + "group w1 any w2\nquorum w1\n", 4, "taken"),
        (THREE + "group none any w2\nquorum none\n", 4, "taken"),
        ("#" * MAX_POLICY_BYTES + "\nquorum none\n", None, "bytes"),
        (b"quorum none\n# \xff\n", None, "UTF-8"),
        ("quorum none\n# \ud800\n", None, "UTF-8"),
    ],
)
def test_what_is_no_policy(text: str | bytes, line: int | None, detail: str) -> None:
    error = refused(text)
    assert detail in error.detail
    assert error.members.get("line") == line
    assert line is None or f"line {line} " in error.detail


@given(st.text() | st.binary() | st.text("logwitnesgrupquorum1 \tnoneallany\n"))
@example("group a any a\nquorum a\n")
@example("witness w \ud800+00000000+AA==\n")
def test_hostile_policies_raise_only_our_error(text: str | bytes) -> None:
    try:
        read = Policy.parse(text)
    except MalformedPolicy:
        return
    assert Policy.parse(read.format()) == read


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Some witnesses, groups of them and of groups, and a quorum."""
    count = draw(st.integers(1, len(NAMES)))
    lines = [f"witness {name} {cosigner(name).key}" for name in NAMES[:count]]
    free = list(NAMES[:count])
    for number in range(draw(st.integers(0, 3))):
        members = draw(st.lists(st.sampled_from(free), min_size=1, unique=True))
        word = draw(st.sampled_from(["all", "any", *map(str, range(1, len(members) + 1))]))
        lines.append(f"group g{number} {word} {' '.join(members)}")
        free = [name for name in free if name not in members] + [f"g{number}"]
    lines.append(f"quorum {draw(st.sampled_from(free))}")
    return Policy.parse("".join(f"{line}\n" for line in lines))


def satisfied(read: Policy, name: str, cosigned: set[str]) -> bool:
    """The rule of C2SP tlog-policy, word by word."""
    for group in read.groups:
        if group.name == name:
            met = [member for member in group.members if satisfied(read, member, cosigned)]
            return len(met) >= group.threshold
    return name in cosigned


@given(policies())
def test_what_is_written_is_read(read: Policy) -> None:
    assert Policy.parse(read.format()) == read


@given(policies(), st.dictionaries(st.sampled_from(NAMES), st.integers(1, 9)))
def test_the_time_is_the_newest_from_which_on_the_quorum_has_cosigned(
    read: Policy, times: dict[str, int]
) -> None:
    names = {witness.name for witness in read.witnesses}
    known = {name: time for name, time in times.items() if name in names}
    fitting = [
        since
        for since in sorted(set(known.values()), reverse=True)
        if satisfied(read, read.quorum, {name for name, time in known.items() if time >= since})
    ]
    signatures = [(cosigner(name).key, time) for name, time in times.items()]
    if fitting:
        assert read.cosigned_at(signatures) == fitting[0]
    else:
        with pytest.raises(QuorumMissing) as caught:
            read.cosigned_at(signatures)
        missing = caught.value.members["missing"]
        assert missing
        assert not set(missing) & known.keys()
        everybody = known.keys() | set(missing)
        assert satisfied(read, read.quorum, everybody)


TWO_OF_THREE = policy(
    "witness w1 {w1}", "witness w2 {w2}", "witness w3 {w3}", "group g 2 w1 w2 w3", "quorum g"
)


def at(**times: int) -> list[tuple[VerifierKey, int | None]]:
    return [(cosigner(name).key, time) for name, time in times.items()]


def test_two_of_three() -> None:
    assert TWO_OF_THREE.cosigned_at(at(w1=10, w2=20, w3=30)) == 20
    assert TWO_OF_THREE.cosigned_at(at(w1=10, w3=30)) == 10
    for pair in combinations(("w1", "w2", "w3"), 2):
        assert TWO_OF_THREE.cosigned_at(at(**dict.fromkeys(pair, 7))) == 7


def test_of_two_cosignatures_of_one_witness_the_newest_counts_and_only_once() -> None:
    assert TWO_OF_THREE.cosigned_at([*at(w1=10, w2=5), *at(w2=20)]) == 10
    with pytest.raises(QuorumMissing):
        TWO_OF_THREE.cosigned_at([*at(w1=10), *at(w1=11), *at(w1=12)])


def test_who_is_missing_is_named() -> None:
    with pytest.raises(QuorumMissing) as caught:
        TWO_OF_THREE.cosigned_at(at(w2=20))
    assert caught.value.members == {"missing": ["w1", "w3"]}
    assert "missing are w1, w3" in caught.value.detail
    assert caught.value.code == "evidence.witnesses"


def test_a_time_of_zero_dates_nothing() -> None:
    with pytest.raises(QuorumMissing):
        TWO_OF_THREE.cosigned_at(at(w1=10, w2=0))


@pytest.mark.parametrize(
    "key",
    [
        STRANGER.key,
        LOG.key,
        Signer("w2.example/witness", SignatureType.ED25519_COSIGNATURE, bytes(32)).key,
        VerifierKey(
            "w9.example/witness", SignatureType.ED25519_COSIGNATURE, cosigner("w2").key.public
        ),
        cosigner("w2 quantum").key,
    ],
    ids=["stranger", "log", "the name alone", "the bytes alone", "another key of the witness"],
)
def test_only_keys_of_the_policy_count(key: Any) -> None:
    with pytest.raises(QuorumMissing):
        TWO_OF_THREE.cosigned_at([*at(w1=10), (key, 20)])


def test_a_signature_without_a_time_counts_for_nothing() -> None:
    with pytest.raises(QuorumMissing):
        TWO_OF_THREE.cosigned_at([*at(w1=10), (cosigner("w2").key, None)])


def test_a_deep_policy_is_no_trouble() -> None:
    lines = [f"group g{i} all {f'g{i - 1}' if i else 'w1'}" for i in range(2_000)]
    deep = policy("witness w1 {w1}", *lines, "quorum g1999")
    assert deep.cosigned_at(at(w1=10)) == 10
    with pytest.raises(QuorumMissing, match="missing are w1"):
        deep.cosigned_at([])
