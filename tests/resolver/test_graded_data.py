"""Data by grade over HTTP: who is shown what, what is recorded of it, and what erasing leaves."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from identity.disclosure import CODE, disclosure_digest
from identity.errors import TetradError
from identity.members import format_time
from registry.audit import audit
from registry.rules import RuleBook
from registry.stores.sqlite import SqliteStore
from resolver.access_log import AccessLog, records_of
from resolver.accesses import ChainHead, verify_chain
from resolver.folder import LogSecrets, MemorySite, begin
from resolver.schemes import SCHEMES
from tests.factory import disclosed
from tests.resolver.authenticating import Visitor
from tests.resolver.grading import LABEL, MARK, Quarter
from tests.resolver.town import problem


@pytest.fixture
def quarter() -> Iterator[Quarter]:
    with Quarter() as quarter:
        yield quarter


def check_audit(quarter: Quarter) -> None:
    """The ledger holds, once nothing is written any more: a service that goes on closes trees."""
    quarter.run(quarter.service.stop())
    audit(quarter.service.reader, RuleBook(SCHEMES), stored=quarter.site.store)


def wants(issuer: str | None = None, type_: str = LABEL) -> dict[str, Any]:
    return {"credentials": [{"type": type_, **({"issuer": issuer} if issuer else {})}]}


def withheld(response: Any) -> dict[str, Any]:
    found = problem(response)
    assert (response.status_code, found["code"]) == (403, "data.withheld")
    assert MARK not in response.text
    return found


def test_general_data_is_for_anyone_and_nobody_is_recorded(quarter: Quarter) -> None:
    content = quarter.put("general")
    answer = quarter.ask()
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert shown["disclosure"] == content.encoded
    assert disclosure_digest(shown["disclosure"]) == shown["data"]["commitment"]
    assert shown["content"]["value"]["key"] == MARK
    assert shown["set"]["time"] == format_time(quarter.now)
    assert answer.headers["cache-control"] == "no-cache"
    assert quarter.accesses() == quarter.accesses("refused") == []


def test_core_data_is_for_nobody_and_never_kept(quarter: Quarter) -> None:
    content = quarter.content()
    record = quarter.record("core", content)
    body = {"data": record}
    sent = quarter.follow(
        quarter.meter, "device.update", body, by=[quarter.maker], disclosures=[content]
    )
    refused = problem(quarter.post(sent.submission))
    assert (refused["code"], refused["pointer"]) == ("rule.disclosure", "/body/data/commitment")
    assert MARK not in quarter.get("/metrics").text
    quarter.version -= 1
    content = quarter.put("core", content=content, tell=False)
    for who in (None, quarter.maker, quarter.authority, quarter.beta):
        assert withheld(quarter.ask(who))["commitment"] == content.digest


def test_important_data_asks_who_one_is(quarter: Quarter) -> None:
    quarter.put("important")
    refused = quarter.ask()
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("DPoP algs=")
    assert "/v1/challenges" in problem(refused)["hint"]
    garbage = quarter.get(quarter.path(), headers={"authorization": "DPoP x", "dpop": "y"})
    assert garbage.status_code == 401
    assert 'error="invalid_token"' in garbage.headers["www-authenticate"]


def test_without_a_policy_controller_and_maker_alone_read(quarter: Quarter) -> None:
    content = quarter.put("important")
    shown = quarter.ask(quarter.maker)
    assert shown.json()["disclosure"] == content.encoded
    assert shown.headers["cache-control"] == "private, no-store"
    for stranger in (quarter.beta, quarter.lab, quarter.authority, quarter.meter, quarter.other):
        told = withheld(quarter.ask(stranger))
        assert told["satisfies"] == {
            "controller": quarter.maker.did,
            "maker": quarter.maker.did,
        }
    offer = quarter.offer(quarter.meter, quarter.maker, quarter.beta)
    quarter.accept(offer)
    quarter.accept(quarter.accept_offer(quarter.meter, offer, [quarter.beta]))
    assert quarter.ask(quarter.beta).status_code == 200, "the new controller"
    assert quarter.ask(quarter.maker).status_code == 200, "still the maker"
    assert quarter.log(quarter.maker).status_code == 403
    seen = quarter.log(quarter.beta).json()["accesses"]
    assert [one["as"] for one in seen] == ["controller", "controller", "maker"]


def test_a_policy_names_parties_and_credentials(quarter: Quarter) -> None:
    policy = {**wants(quarter.lab.did), "parties": [quarter.beta.did]}
    content = quarter.put("important", policy=policy)
    assert quarter.ask(quarter.beta).json()["disclosure"] == content.encoded
    label = quarter.label(quarter.lab, quarter.other)
    assert quarter.ask(quarter.other, label).json()["disclosure"] == content.encoded
    told = withheld(quarter.ask(quarter.other))
    assert told["satisfies"] == {
        "controller": quarter.maker.did,
        "maker": quarter.maker.did,
        **policy,
    }
    party, credential = quarter.accesses()
    assert (party["by"], party["as"], party["outcome"]) == (quarter.beta.did, "party", "shown")
    assert credential["by"] == quarter.other.did
    assert credential["credential"]["type"] == LABEL
    assert credential["credential"]["issuer"] == quarter.lab.did
    assert MARK not in str([party, credential])


def test_a_credential_of_another_type_or_issuer_opens_nothing(quarter: Quarter) -> None:
    label = quarter.label(quarter.lab, quarter.other)
    for policy in (wants(quarter.beta.did), wants(type_="DeviceIdentity")):
        quarter.put("important", policy=policy)
        withheld(quarter.ask(quarter.other, label))


def asking(quarter: Quarter, *credentials: Any) -> Any:
    """Who authenticates now, and asks when it is called."""
    session = Visitor(quarter, quarter.other).authenticate(quarter.other, *credentials)

    def ask() -> Any:
        return quarter.get(quarter.path(), headers=session.headers("GET", quarter.path()))

    return ask


def test_a_credential_counts_for_as_long_as_it_holds(quarter: Quarter) -> None:
    quarter.put("important", policy=wants())
    ask = asking(
        quarter,
        quarter.label(quarter.lab, quarter.other, valid_until=format_time(quarter.now + 30)),
    )
    assert ask().status_code == 200
    quarter.now += 31
    withheld(ask())


def test_a_credential_that_is_revoked_after_the_token_was_given_opens_nothing(
    quarter: Quarter,
) -> None:
    quarter.put("important", policy=wants())
    quarter.publish(revoked=False)
    ask = asking(quarter, quarter.label(quarter.lab, quarter.other, status=[quarter.entry()]))
    assert ask().status_code == 200
    quarter.publish(revoked=True)
    withheld(ask())


def test_a_credential_of_an_issuer_that_lost_its_accreditation_opens_nothing(
    quarter: Quarter,
) -> None:
    quarter.put("important", policy=wants())
    ask = asking(quarter, quarter.label(quarter.lab, quarter.other))
    assert ask().status_code == 200
    body = {"grant": quarter.grant_of_lab.hash, "reason": "it labels whatever pays"}
    quarter.accept(quarter.follow(quarter.authority, "grant.withdraw", body))
    withheld(ask())


def test_the_policy_of_the_moment_decides(quarter: Quarter) -> None:
    quarter.put("important", policy=wants())
    ask = asking(quarter, quarter.label(quarter.lab, quarter.other))
    assert ask().status_code == 200
    quarter.put("important")
    withheld(ask())
    assert withheld(quarter.ask(quarter.other, quarter.label(quarter.lab, quarter.other)))


def test_the_token_of_another_and_a_suspended_party_get_nothing(quarter: Quarter) -> None:
    quarter.put("important", policy={"parties": [quarter.beta.did]})
    thief, owner = Visitor(quarter, quarter.lab), Visitor(quarter, quarter.beta)
    stolen = owner.authenticate(quarter.beta).headers("GET", quarter.path())
    own = thief.authenticate(quarter.lab).headers("GET", quarter.path())
    mixed = {**own, "authorization": stolen["authorization"]}
    assert quarter.get(quarter.path(), headers=mixed).status_code == 401
    assert quarter.get(quarter.path(), headers=stolen).status_code == 200
    assert quarter.get(quarter.path(), headers=stolen).status_code == 401, "a proof counts once"
    session = owner.authenticate(quarter.beta)
    order = quarter.supervise(quarter.beta, "status.suspend", "lost", quarter.authority)
    quarter.accept(order)
    headers = session.headers("GET", quarter.path())
    assert quarter.get(quarter.path(), headers=headers).status_code == 401


def test_a_key_that_two_clients_use_is_shown_nothing_until_it_is_rotated(
    quarter: Quarter,
) -> None:
    quarter.put("important")
    first = Visitor(quarter, quarter.maker)
    first.authenticate(quarter.maker)
    Visitor(quarter, quarter.maker).authenticate(quarter.maker)  # the copy
    first.authenticate(quarter.maker)
    session = first.authenticate(quarter.maker)
    for path in (quarter.path(), f"/v1/devices/{quarter.meter.did}/accesses"):
        refused = withheld(quarter.get(path, headers=session.headers("GET", path)))
        assert "rotate" in refused["detail"]
    refused = withheld(
        quarter.request("DELETE", quarter.path(), headers=session.headers("DELETE", quarter.path()))
    )
    assert "rotate" in refused["detail"]
    quarter.accept(quarter.rotate(quarter.maker))
    assert quarter.ask(quarter.maker).status_code == 200


def test_earlier_versions_stand_under_the_stricter_grade_and_the_present_policy(
    quarter: Quarter,
) -> None:
    first = quarter.put("general")
    then = format_time(quarter.now)
    quarter.now += 60
    second = quarter.put("important", policy={"parties": [quarter.beta.did]})
    assert quarter.ask(query="?version=1").status_code == 401, "general once, and important now"
    assert quarter.ask(quarter.beta, query="?version=1").json()["disclosure"] == first.encoded
    assert quarter.ask(quarter.beta, query=f"?at={then}").json()["data"]["version"] == 1
    quarter.put("general")
    assert quarter.ask(query="?version=1").json()["disclosure"] == first.encoded
    assert quarter.ask(query="?version=2").status_code == 401, "important once"
    withheld(quarter.ask(quarter.beta, query="?version=2"))  # no policy stands now
    assert quarter.ask(quarter.maker, query="?version=2").json()["disclosure"] == second.encoded
    quarter.put("core", tell=False)
    for version in (1, 2, 3):
        withheld(quarter.ask(quarter.maker, query=f"?version={version}"))
    quarter.accept(
        quarter.follow(quarter.meter, "device.update", {"data": "none"}, by=[quarter.maker])
    )
    assert quarter.ask().status_code == 404
    assert quarter.ask(query="?version=1").status_code == 200
    withheld(quarter.ask(quarter.maker, query="?version=4"))


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?version=9", 404),
        ("?version=0", 404),
        ("?version=x", 422),
        ("?version=1&at=2026-01-01T00:00:00Z", 422),
        ("?at=yesterday", 400),
        ("?at=2020-01-01T00:00:00Z", 404),
        ("?who=me", 422),
    ],
)
def test_what_cannot_be_asked(quarter: Quarter, query: str, status: int) -> None:
    quarter.put("general")
    assert problem(quarter.ask(query=query))["status"] == status


def test_who_may_not_read_is_not_told_whether_there_is_anything(quarter: Quarter) -> None:
    def told(**options: Any) -> tuple[int, dict[str, Any]]:
        quarter.put("important", **options)
        response = quarter.ask(quarter.beta)
        return response.status_code, response.json()

    there = told()
    assert told(tell=False) == there
    quarter.put("important")
    assert quarter.ask(quarter.maker, method="DELETE").status_code == 200
    again = quarter.ask(quarter.beta)
    assert (again.status_code, again.json()) == there
    assert quarter.ask(quarter.maker).status_code == 410


def test_a_policy_is_changed_without_sending_the_content_again(quarter: Quarter) -> None:
    content = quarter.put("important")
    quarter.put("important", content=content, tell=False, policy={"parties": [quarter.beta.did]})
    shown = quarter.ask(quarter.beta).json()
    assert (shown["disclosure"], shown["data"]["version"]) == (content.encoded, 2)
    assert quarter.ask(quarter.maker, method="DELETE").json()["erased"] == 1
    assert quarter.ask(quarter.maker, query="?version=1").status_code == 410


def test_head_and_ranges_give_no_more_than_get(quarter: Quarter) -> None:
    quarter.put("important")
    assert quarter.ask(method="HEAD").status_code == 401
    refused = quarter.ask(quarter.beta, method="HEAD")
    assert (refused.status_code, refused.content) == (403, b"")
    shown = quarter.ask(quarter.maker, method="HEAD")
    assert (shown.status_code, shown.content) == (200, b"")
    assert [one["outcome"] for one in quarter.accesses()] == ["shown"], "HEAD tells its length"
    session = Visitor(quarter, quarter.maker).authenticate(quarter.maker)
    headers = {**session.headers("GET", quarter.path()), "range": "bytes=0-9"}
    whole = quarter.get(quarter.path(), headers=headers)
    assert whole.status_code == 200
    assert whole.json()["content"]
    assert "etag" not in whole.headers


def test_the_content_appears_nowhere_else(
    quarter: Quarter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    content = quarter.put("important")
    withheld(quarter.ask(quarter.beta))
    assert quarter.ask(quarter.maker).status_code == 200
    did = quarter.meter.did
    code = "https://id.gs1.org/01/09506000134352/21/M-1"
    places = [
        f"/v1/devices/{did}?proof=1",
        f"/v1/devices/{did}/history",
        f"/v1/devices/{did}/receipt",
        f"/v1/resolve?code={code}&proof=1",
        f"/1.0/identifiers/{did}",
        "/v1/devices",
        "/metrics",
        "/.well-known/tetrad",
        "/openapi.json",
        "/tile/entries/000",
    ]
    for place in places:
        answer = quarter.get(place)
        assert answer.status_code in (200, 404), place
        assert content.encoded not in answer.text, place
        assert MARK not in answer.text, place
    assert content.encoded not in caplog.text
    assert MARK not in caplog.text


def test_the_log_is_a_chain_that_its_controller_reads(quarter: Quarter) -> None:
    quarter.put("important", policy={"parties": [quarter.beta.did]})
    for who in (quarter.beta, quarter.maker, quarter.beta):
        assert quarter.ask(who).status_code == 200
    assert quarter.log(quarter.beta).status_code == 403
    assert quarter.get(f"/v1/devices/{quarter.meter.did}/accesses").status_code == 401
    assert quarter.log(quarter.authority).status_code == 403, "it is the controller's"
    page = quarter.log(quarter.maker, "?limit=2")
    assert page.headers["cache-control"] == "private, no-store"
    more = quarter.log(quarter.maker, f"?cursor={page.json()['cursor']}").json()
    records = [*page.json()["accesses"], *more["accesses"]]
    assert [one["by"] for one in records] == [
        quarter.beta.did,
        quarter.maker.did,
        quarter.beta.did,
    ]
    assert more["cursor"] is None
    head = ChainHead(**more["head"])
    assert verify_chain(records, head, device=quarter.meter.did, chain="shown") == 0


def test_refusals_are_folded_and_push_out_nothing(quarter: Quarter) -> None:
    quarter.put("important")
    assert quarter.ask(quarter.maker).status_code == 200
    for _ in range(5):
        withheld(quarter.ask(quarter.beta))
    withheld(quarter.ask(quarter.lab))
    refused = quarter.log(quarter.maker, "?of=refused").json()
    assert [one["by"] for one in refused["accesses"]] == [quarter.beta.did, quarter.lab.did]
    (waiting,) = refused["waiting"]
    assert (waiting["by"], waiting["repeated"]) == (quarter.beta.did, 4)
    quarter.now += 3_600
    withheld(quarter.ask(quarter.beta))
    refused = quarter.log(quarter.maker, "?of=refused").json()
    assert [one.get("repeated") for one in refused["accesses"]] == [None, None, 4]
    assert refused["waiting"] == []
    assert len(quarter.accesses()) == 1


def test_nothing_is_shown_that_cannot_be_recorded(
    quarter: Quarter,
) -> None:
    quarter.put("important")
    assert quarter.ask(quarter.maker).status_code == 200
    log = quarter.site.accesses
    assert log._opened is not None
    log._opened.execute("PRAGMA query_only = ON")  # as on a disk that takes no more
    for _ in range(2):
        refused = quarter.ask(quarter.maker)
        assert refused.status_code == 503
        assert problem(refused)["code"] == "unavailable.storage"
        assert MARK not in refused.text


def test_erasing_leaves_a_ledger_that_audits_and_proves(quarter: Quarter) -> None:
    content = quarter.content()
    update = quarter.follow(
        quarter.meter,
        "device.update",
        {"data": quarter.record("important", content)},
        by=[quarter.maker],
        disclosures=[content],
    )
    quarter.accept(update)
    for stranger in (quarter.beta, quarter.meter, quarter.lab):
        withheld(quarter.ask(stranger, method="DELETE"))
    assert quarter.ask(method="DELETE").status_code == 401
    erased = quarter.ask(quarter.maker, method="DELETE")
    assert erased.status_code == 200, erased.text
    assert erased.json()["erased"] == 1
    gone = quarter.ask(quarter.maker)
    assert (gone.status_code, problem(gone)["code"]) == (410, "data.erased")
    assert problem(gone)["commitment"] == content.digest
    assert quarter.post(update.submission).status_code == 200, "repeated"
    assert quarter.ask(quarter.maker).status_code == 410, "a resend restores nothing"
    assert quarter.ask(quarter.authority, method="DELETE").json()["erased"] == 0
    answer = quarter.get(f"/v1/devices/{quarter.meter.did}?proof=1")
    assert answer.json()["device"]["data"]["commitment"] == content.digest
    check_audit(quarter)
    (last,) = quarter.accesses()
    assert (last["outcome"], last["of"], last["version"]) == ("erased", "data", 1)


@pytest.mark.parametrize("of", ["serial", "number", "code"])
def test_a_serial_and_numbers_are_erased_on_demand(quarter: Quarter, of: str) -> None:
    vin = disclosed(CODE, "1HGCM82633A004352")
    code = {"scheme": "vin", "prefix": "1HGCM82", "commitment": vin.digest}
    quarter.accept(quarter.prefix(quarter.maker, "vin:1HGCM82"))
    car = quarter.new_device("car", quarter.maker, number="1440000000001", code=code)
    assert car.first is not None
    quarter.accept(car.first._replace(disclosures=[*car.first.disclosures, vin.encoded]))
    path = f"/v1/devices/{car.did}/disclosures"
    entry = quarter.get(f"/v1/devices/{car.did}").json()["device"]["registered"]["entry"]
    before = quarter.site.store.disclosures(entry)
    session = Visitor(quarter, quarter.maker).authenticate(quarter.maker)
    erased = quarter.request("DELETE", f"{path}?of={of}", headers=session.headers("DELETE", path))
    assert erased.json()["erased"] == 1, erased.text
    assert len(quarter.site.store.disclosures(entry)) == len(before) - 1
    beta = Visitor(quarter, quarter.beta).authenticate(quarter.beta)
    assert (
        quarter.request(
            "DELETE", f"{path}?of={of}", headers=beta.headers("DELETE", path)
        ).status_code
        == 403
    )
    assert quarter.request("DELETE", f"{path}?of=all").status_code == 422
    check_audit(quarter)


def test_what_was_never_told_cannot_be_shown_or_erased(quarter: Quarter) -> None:
    content = quarter.put("general", tell=False)
    absent = quarter.ask()
    assert absent.status_code == 404
    assert problem(absent)["commitment"] == content.digest
    assert quarter.ask(quarter.maker, method="DELETE").status_code == 404


def test_a_device_that_is_retired_keeps_its_data_under_the_same_rules(quarter: Quarter) -> None:
    quarter.put("important")
    quarter.accept(
        quarter.follow(quarter.meter, "status.retire", {"reason": "old"}, by=[quarter.maker])
    )
    assert quarter.ask(quarter.maker).status_code == 200
    assert quarter.ask(quarter.beta).status_code == 403
    assert quarter.ask(quarter.maker, method="DELETE").json()["erased"] == 1


def test_a_credential_about_another_or_of_nobody_accredited_is_not_even_a_token(
    quarter: Quarter,
) -> None:
    quarter.put("important", policy=wants())
    visitor = Visitor(quarter, quarter.other)
    for credential in (
        quarter.label(quarter.lab, quarter.meter),
        quarter.label(quarter.beta, quarter.other),
        quarter.label(quarter.lab, quarter.other, valid_until=format_time(quarter.now - 1)),
    ):
        with pytest.raises(TetradError):
            visitor.authenticate(quarter.other, credential)


class Disk(MemorySite):
    """A site whose files lie in a folder."""

    folder: Path

    def __init__(self, keys: LogSecrets, genesis: Any) -> None:
        super().__init__(keys, genesis)
        self.store = SqliteStore(self.folder / "ledger.sqlite3")
        self.accesses = AccessLog(self.folder / "accesses.sqlite3")
        if self.store.head() is None:
            begin(self.store, keys, genesis)
        self.store.close()
        self.store = SqliteStore(self.folder / "ledger.sqlite3")


def traces(folder: Path, text: str) -> list[str]:
    return [one.name for one in folder.iterdir() if text.encode() in one.read_bytes()]


def test_erased_content_is_in_no_file_of_a_service_that_goes_on(tmp_path: Path) -> None:
    class Here(Disk):
        folder = tmp_path

    with Quarter(site=Here) as quarter:
        content = quarter.put("important")
        assert quarter.ask(quarter.maker).status_code == 200
        middle = content.encoded[30:90]
        assert traces(tmp_path, middle)
        assert quarter.ask(quarter.maker, method="DELETE").status_code == 200
        assert traces(tmp_path, middle) == []
        assert quarter.ask(quarter.maker).status_code == 410
        later = quarter.put("important")
        assert quarter.ask(quarter.maker).json()["disclosure"] == later.encoded
        did = quarter.meter.did
        check_audit(quarter)
    assert traces(tmp_path, middle) == []
    with closing(AccessLog(tmp_path / "accesses.sqlite3")) as log:
        kept = records_of(log.page(did, "shown", after=0, limit=9))
    assert [one["outcome"] for one in kept] == ["shown", "erased", "shown"]


def test_content_is_found_behind_many_other_changes_and_not_behind_too_many(
    quarter: Quarter, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = quarter.put("general")
    since = quarter.ask().json()["set"]
    for n in range(15):
        quarter.now += 1
        status = ("status.suspend", "status.resume")[n % 2]
        quarter.accept(quarter.supervise(quarter.meter, status, "again", quarter.authority))
    assert quarter.ask().json()["disclosure"] == content.encoded
    assert quarter.ask().json()["set"] == since
    assert quarter.ask(query="?version=1").json()["set"] == since
    monkeypatch.setattr("resolver.graded.MOST_CHANGES", 16)
    far = quarter.ask()
    assert far.status_code == 404
    assert "changes" in problem(far)["detail"]
    monkeypatch.setattr("resolver.graded._FIRST_PAGE", 1)
    monkeypatch.setattr("resolver.graded.MOST_CHANGES", 18)
    assert quarter.ask().json()["set"] == since
