"""Status lists over HTTP: whose they are, which is newer, how many, and that a start keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from identity.credentials.securing import secure
from identity.credentials.status_list import StatusList, list_credential, new_list, read_list
from identity.errors import TetradError
from identity.jcs import canonicalize
from identity.members import format_time
from resolver.list_folder import FolderLists
from resolver.methods import LedgerMethods
from resolver.settings import Settings
from resolver.status_lists import LISTS_OF_ONE, check_published, list_path
from tests.factory import Subject
from tests.resolver.town import Town, problem

DAY = 86_400
VC = {"content-type": "application/vc"}
Value = dict[str, Any]


@pytest.fixture
def town() -> Iterator[Town]:
    with Town() as town:
        yield town


def signed(
    town: Town,
    issuer: Subject,
    name: str = "revocation-1",
    *,
    age: int = 0,
    by: Subject | None = None,
    bits: StatusList | None = None,
    **members: Any,
) -> Value:
    """A list of an issuer's, `age` seconds old; `members` replace those of the credential."""
    unsigned = list_credential(
        bits or new_list("revocation"),
        url=f"https://town.test{list_path(issuer.did, name)}",
        issuer=issuer.did,
        valid_from=format_time(town.now - age),
        valid_until=format_time(town.now - age + DAY),
    )
    unsigned = {k: v for k, v in {**unsigned, **members}.items() if v is not None}
    key, method = (by or issuer).method
    return secure(
        unsigned, key, method=method, purpose="assertionMethod", created=format_time(town.now)
    )


def put(town: Town, issuer: Subject, value: Any, name: str = "revocation-1") -> httpx.Response:
    body = value if isinstance(value, bytes) else canonicalize(value)
    return town.request("PUT", list_path(issuer.did, name), content=body, headers=VC)


def test_what_is_published_is_shown_as_it_was_signed(town: Town) -> None:
    lab = town.organization("Lab")
    bits = new_list("revocation")
    bits.set(4711, 1)
    value = signed(town, lab, bits=bits)
    assert put(town, lab, value).status_code == 201
    shown = town.get(list_path(lab.did, "revocation-1"))
    assert (shown.status_code, shown.headers["content-type"]) == (200, "application/vc")
    assert shown.json() == value
    assert read_list(shown.json()).get(4711) == 1
    assert shown.headers["cache-control"] == "public, max-age=60"
    known = {"if-none-match": shown.headers["etag"]}
    assert town.get(list_path(lab.did, "revocation-1"), headers=known).status_code == 304


def test_the_same_again_changes_nothing(town: Town) -> None:
    lab = town.organization("Lab")
    value = signed(town, lab)
    assert [put(town, lab, value).status_code for _ in range(2)] == [201, 200]


def test_an_older_list_does_not_take_the_place_of_a_newer_one(town: Town) -> None:
    """A list that revokes cannot be put back by who kept an earlier one, its issuer included."""
    lab = town.organization("Lab")
    before, after = signed(town, lab, age=60), signed(town, lab, age=30)
    assert put(town, lab, before).status_code == 201
    assert put(town, lab, after).status_code == 200
    other = signed(town, lab, age=30, bits=new_list("suspension"))
    for value in (before, other):
        found = problem(put(town, lab, value))
        assert (found["code"], found["pointer"]) == ("conflict.state", "/validFrom")
    assert town.get(list_path(lab.did, "revocation-1")).json() == after


def test_whose_it_must_be(town: Town) -> None:
    lab, other = town.organization("Lab"), town.organization("Other")
    value = signed(town, lab)
    forged = {**value, "validUntil": format_time(town.now + 2 * DAY)}
    refused = {
        "proof.unknown_method": [signed(town, lab, by=other), signed(town, other)],
        "proof.invalid": [forged],
        "proof.malformed": [{k: v for k, v in value.items() if k != "proof"}],
        "credential.time": [signed(town, lab, age=-60), signed(town, lab, age=DAY + 1)],
        "credential.malformed": [
            signed(town, lab, "revocation-2"),
            signed(town, lab, id=None),
            signed(town, lab, validUntil=None),
            signed(town, lab, validFrom=None),
            signed(town, lab, type=["VerifiableCredential"]),
            signed(town, lab, bits=StatusList(bytes(16_384), ["refresh"])),
            signed(town, lab, extra="undefined"),
        ],
    }
    for code, values in refused.items():
        for place, one in enumerate(values):
            assert problem(put(town, lab, one))["code"] == code, (code, place)
    assert town.get(list_path(lab.did, "revocation-1")).status_code == 404


def test_who_is_out_of_use_publishes_nothing(town: Town) -> None:
    lab = town.organization("Lab")
    value = signed(town, lab)
    town.accept(town.supervise(lab, "status.revoke", "closed", town.authority))
    assert problem(put(town, lab, value))["code"] == "conflict.state"


def test_places_that_are_none(town: Town) -> None:
    lab = town.organization("Lab")
    for name in ("Revocation", "a" * 33, "..", "a.b", "%2e%2e"):
        response = town.get(f"/v1/status-lists/{lab.did}/{name}")
        assert response.status_code == 404, name
    for issuer in ("did:key:z6Mk", "..", "x"):
        assert town.get(f"/v1/status-lists/{issuer}/revocation-1").status_code in (400, 404)
        assert town.request(
            "PUT", f"/v1/status-lists/{issuer}/revocation-1", content=b"{}", headers=VC
        ).status_code in (400, 404)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "input.malformed"),
        (b"[]", "credential.malformed"),
        (b"null", "credential.malformed"),
        (b'{"a":1,"a":2}', "input.malformed"),
        (b"[" * 100_000, "input.too_large"),
        (b" " * 200_000, "input.too_large"),
    ],
)
def test_bodies_that_are_no_list(town: Town, body: bytes, code: str) -> None:
    lab = town.organization("Lab")
    assert problem(put(town, lab, body))["code"] == code


def test_another_media_type(town: Town) -> None:
    lab = town.organization("Lab")
    response = town.request(
        "PUT", list_path(lab.did, "a"), content=b"{}", headers={"content-type": "text/plain"}
    )
    assert problem(response)["code"] == "input.media_type"


def test_so_many_lists_of_one_issuer() -> None:
    with Town(Settings(checkers=0, list_writes=LISTS_OF_ONE + 5)) as town:
        lab = town.organization("Lab")
        for n in range(LISTS_OF_ONE):
            name = f"revocation-{n}"
            assert put(town, lab, signed(town, lab, name), name).status_code == 201
        last = signed(town, lab, "one-more")
        assert problem(put(town, lab, last, "one-more"))["code"] == "rule.quota"
        newer = signed(town, lab, "revocation-3", age=-1)
        town.now += 1
        assert put(town, lab, newer, "revocation-3").status_code == 200


def test_so_many_lists_of_all() -> None:
    with Town(Settings(checkers=0, status_lists=1)) as town:
        lab, other = town.organization("Lab"), town.organization("Other")
        assert put(town, lab, signed(town, lab)).status_code == 201
        assert problem(put(town, other, signed(town, other)))["code"] == "rule.quota"


def test_so_many_writes_from_one_address() -> None:
    with Town(Settings(checkers=0, list_writes=2)) as town:
        lab = town.organization("Lab")
        codes = [put(town, lab, b"{}").status_code for _ in range(3)]
        assert codes[:2] == [422, 422]
        assert codes[2] == 429


def test_a_folder_keeps_them(tmp_path: Path, town: Town) -> None:
    lab, other = town.organization("Lab"), town.organization("Other")
    lists = FolderLists(tmp_path / "status-lists")
    assert (lists.get(lab.did, "a"), lists.names(lab.did), lists.count()) == (None, [], 0)
    lists.put(lab.did, "a", b"one")
    lists.put(lab.did, "b", b"two")
    lists.put(lab.did, "a", b"three")
    lists.put(other.did, "a", b"four")
    for again in (lists, FolderLists(tmp_path / "status-lists")):
        assert again.get(lab.did, "a") == b"three"
        assert again.names(lab.did) == ["a", "b"]
        assert again.count() == 3


def test_a_folder_that_cannot_be_written(tmp_path: Path, town: Town) -> None:
    lab = town.organization("Lab")
    (tmp_path / "status-lists").write_bytes(b"a file stands there")
    with pytest.raises(TetradError, match="cannot be used"):
        FolderLists(tmp_path / "status-lists").put(lab.did, "a", b"x")


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_only_our_errors(town: Town, data: st.DataObject) -> None:
    """A list with any member, or any member of its subject or proof, replaced by anything."""
    lab = _once(town)
    value = signed(town, lab)
    parts = {"": value, "credentialSubject": value["credentialSubject"], "proof": value["proof"]}
    part = data.draw(st.sampled_from(list(parts)))
    member = data.draw(st.sampled_from(sorted(parts[part])))
    other = data.draw(JSON)
    changed = orjson.loads(orjson.dumps(value))
    (changed if not part else changed[part])[member] = other
    if changed == value:
        return
    with pytest.raises(TetradError):
        check_published(
            changed,
            lab.did,
            "revocation-1",
            LedgerMethods(town.service.store),
            town.now,
        )


_LABS: dict[int, Subject] = {}


def _once(town: Town) -> Subject:
    if id(town) not in _LABS:
        _LABS[id(town)] = town.organization("Lab")
    return _LABS[id(town)]
