"""Which hosts, and at which addresses, a recursive resolver asks."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import HostRefused, MalformedInput
from resolver.recursion.allowed import AllowList, Target, is_public

ALLOWED = AllowList.of(
    ["acme.example", "*.nodes.example", "meters.example:8443", "127.0.0.1:8101", "[2001:db8::7]"],
    ["10.1.0.0/16"],
)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://acme.example", Target("https", "acme.example", 443)),
        ("https://ACME.example./", Target("https", "acme.example", 443)),
        ("http://acme.example:8080", Target("http", "acme.example", 8080)),
        ("https://a.nodes.example", Target("https", "a.nodes.example", 443)),
        ("https://b.a.nodes.example", Target("https", "b.a.nodes.example", 443)),
        ("https://meters.example:8443", Target("https", "meters.example", 8443)),
        ("http://127.0.0.1:8101", Target("http", "127.0.0.1", 8101)),
        ("https://[2001:db8::7]", Target("https", "2001:db8::7", 443)),
    ],
)
def test_a_host_that_is_named_is_asked(url: str, target: Target) -> None:
    assert ALLOWED.target(url) == target


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example",
        "https://nodes.example",  # below it, not itself
        "https://notnodes.example",
        "https://acme.example.evil.example",
        "https://meters.example",  # on another port
        "https://acme.example@evil.example",
        "https://user:secret@acme.example",
        "https://acme.example#@evil.example",
        "https://acme.example/v1",
        "https://acme.example?x",
        "https://acme.example\\@evil.example",
        "https://аcme.example",  # the first letter is Cyrillic
        "https://acme。example",
        "ftp://acme.example",
        "file:///etc/passwd",
        "//acme.example",
        "acme.example",
        "https://",
        "http://127.0.0.1",
        "http://127.0.0.1:8102",
        "http://localhost:8101",
        "http://2130706433:8101",
        "http://0x7f000001:8101",
        "http://0x7f.1:8101",
        "http://0177.0.0.1:8101",
        "http://127.1:8101",
        "http://127.0.0.1.:8101x",
        "http://[::ffff:127.0.0.1]:8101",
        "http://[::1]:8101",
        "http://[fe80::1%25eth0]:8101",
        "https://acme.example:0",
        "https://acme.example:99999",
        "https://acme.example:443\r\nX: y",
    ],
)
def test_any_other_spelling_is_refused(url: str) -> None:
    with pytest.raises(HostRefused):
        ALLOWED.target(url)


@given(st.text(max_size=80) | st.text("htps:/.@[]0123456789abcdefx%-", max_size=60))
def test_whatever_is_read_is_one_of_those_that_were_named(url: str) -> None:
    try:
        target = ALLOWED.target(url)
    except HostRefused:
        return
    assert target.host in {"acme.example", "meters.example", "127.0.0.1", "2001:db8::7"} or (
        target.host.endswith(".nodes.example")
    )


PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104 - to be refused
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(HostRefused, match="not public"):
        ALLOWED.check_address(Target("https", "acme.example", 443), address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_a_public_address_is_allowed(address: str) -> None:
    ALLOWED.check_address(Target("https", "acme.example", 443), address)


def test_what_the_operator_names_is_allowed() -> None:
    ALLOWED.check_address(Target("https", "acme.example", 443), "10.1.2.3")
    ALLOWED.check_address(ALLOWED.target("http://127.0.0.1:8101"), "127.0.0.1")
    with pytest.raises(HostRefused):
        ALLOWED.check_address(Target("https", "acme.example", 443), "10.2.0.1")


@pytest.mark.parametrize(
    "pattern", ["", "*", "*.", "a b", "acme.example:x", "acme.example:0", "https://a.example",
                "*.127.0.0.1", "a..b", "-a.example", "0x7f.1"]
)  # fmt: skip
def test_a_pattern_that_means_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(MalformedInput):
        AllowList.of([pattern])


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(MalformedInput):
        AllowList.of([], ["10.1.0.1/16"])
