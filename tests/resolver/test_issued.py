"""The book of an issuer: places are given out once, and the lists say what the book says."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.credentials.status_list import SMALLEST, read_list
from identity.errors import KeystoreError, NotFound, WrongState
from identity.members import parse_time
from resolver.issued import BACKDATED, LIFETIME, Issued, IssuedBook

ISSUER = "did:tetrad:kta2wkpizqzouzvv:zQmTDmxoRbggVHiNhjj3aCzJBe39YmF2Hc3tq4mrV5wbYMx"
NOW = 1_795_334_400


def drawn(seed: int) -> Callable[[int], int]:
    """Numbers below n that follow from a seed."""
    state = [str(seed)]

    def below(n: int) -> int:
        state[0] = sha256(state[0].encode()).hexdigest()
        return int(state[0], 16) % n

    return below


def book() -> IssuedBook:
    return IssuedBook(ISSUER, "https://lists.test")


def added(one: IssuedBook, name: str, seed: int = 1) -> Issued:
    place = one.reserve(drawn(seed))
    issued = Issued(f"urn:uuid:{name}", "DeviceIdentity", "did:…", place.number, place.index)
    one.add(issued)
    return issued


def bits(one: IssuedBook, name: str) -> list[int]:
    status_list = read_list(one.lists(NOW)[name])
    return [index for index in range(SMALLEST) if status_list.get(index)]


def test_entries_name_the_lists() -> None:
    one = book()
    place = one.reserve(drawn(7))
    entries = one.entries(place)
    assert [entry["statusPurpose"] for entry in entries] == ["revocation", "suspension"]
    assert {entry["statusListIndex"] for entry in entries} == {str(place.index)}
    assert [entry["statusListCredential"] for entry in entries] == [
        one.lists(NOW)[name]["id"] for name in ("revocation-1", "suspension-1")
    ]


def test_a_place_is_given_out_once_also_where_nothing_was_signed() -> None:
    one = book()
    places = {(p.number, p.index) for p in (one.reserve(lambda n: n // 2) for _ in range(1))}
    again = IssuedBook.from_json(one.to_json())
    for seed in range(200):
        place = again.reserve(drawn(seed))
        assert (place.number, place.index) not in places
        places.add((place.number, place.index))


def test_a_list_that_is_half_full_is_followed_by_another() -> None:
    one = book()
    one.reserved = [list(range(SMALLEST // 2))]
    assert one.reserve(drawn(1)).number == 2
    assert sorted(one.lists(NOW)) == [
        "revocation-1", "revocation-2", "suspension-1", "suspension-2",
    ]  # fmt: skip


def test_what_the_lists_say() -> None:
    one = book()
    first, second = added(one, "a", 1), added(one, "b", 2)
    one.revoke(first, "recalled")
    one.suspend(second, "doubts")
    assert bits(one, "revocation-1") == [first.index]
    assert bits(one, "suspension-1") == [second.index]
    one.reinstate(second)
    assert bits(one, "suspension-1") == []
    assert (first.status, second.status) == ("revoked", "active")


def test_every_list_is_newer_than_the_one_before_and_none_lies_in_the_future() -> None:
    one = book()
    added(one, "a")
    times = [parse_time(one.lists(NOW)["revocation-1"]["validFrom"]) for _ in range(BACKDATED)]
    assert times == sorted(set(times))
    assert times[-1] < NOW
    until = one.lists(NOW + LIFETIME)["revocation-1"]["validUntil"]
    assert parse_time(until) > NOW + LIFETIME


def test_what_is_final_is_final() -> None:
    one = book()
    issued = added(one, "a")
    with pytest.raises(WrongState):
        one.reinstate(issued)
    one.suspend(issued, "doubts")
    with pytest.raises(WrongState):
        one.suspend(issued, "again")
    one.revoke(issued, "recalled")
    for change in (one.reinstate, lambda i: one.suspend(i, "x"), lambda i: one.revoke(i, "x")):
        with pytest.raises(WrongState):
            change(issued)


def test_the_book_follows_the_ledger() -> None:
    one = book()
    issued, own = added(one, "a", 1), added(one, "b", 2)
    one.suspend(own, "our own doubts")
    for status, expected in (
        ("active", "active"), ("suspended", "suspended"), ("suspended", "suspended"),
        ("active", "active"), ("retired", "revoked"), ("active", "revoked"),
    ):  # fmt: skip
        before = issued.status
        assert one.follow(issued, status) == (before != expected)
        assert issued.status == expected
    assert not one.follow(own, "active")  # what the issuer suspended, the issuer reinstates
    assert own.status == "suspended"


def test_found_by_its_beginning() -> None:
    one = book()
    issued = added(one, "0f3a", 1)
    added(one, "0f4b", 2)
    assert one.find("0f3") is issued
    assert one.find("urn:uuid:0f3a") is issued
    for name in ("0f", "", "9"):
        with pytest.raises(NotFound):
            one.find(name)


@given(st.lists(st.sampled_from(["add", "revoke", "suspend"]), max_size=12))
def test_what_is_kept_is_read_again(steps: list[str]) -> None:
    one = book()
    for number, step in enumerate(steps):
        issued = added(one, str(number), number)
        if step == "revoke":
            one.revoke(issued, "recalled")
        elif step == "suspend":
            one.suspend(issued, "doubts")
    again = IssuedBook.from_json(one.to_json())
    assert again == one


@pytest.mark.parametrize("value", [None, [], {}, {"issuer": 1}, {"credentials": [{"id": 1}]}])
def test_a_damaged_book(value: object) -> None:
    with pytest.raises(KeystoreError):
        IssuedBook.from_json(value)  # type: ignore[arg-type]
