"""A ledger that proves its keyed hashes: what who presents a number is told, and what nobody is.

The keyed hashes of all numbers that were ever registered stand in public entries. Whoever is given
the hash of a number therefore finds its device, so these tests are about who is given it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from identity.disclosure import CODE, NUMBER, disclose
from identity.members import format_time
from registry.uniqueness import ECVRF, verify_shown
from resolver.folder import DataFolder
from resolver.settings import Settings
from tests.factory import Subject, disclosed
from tests.resolver.town import JSON, Town, problem

SCHEME = "msisdn-cn-iot"
BOUND, FREE, RETIRED, REBOUND = (f"144000000000{n}" for n in range(1, 5))
MAC = "00005e0053af"


class Place(Town):
    """A town on such a ledger, with numbers in every state."""

    def __init__(self, **options: Any) -> None:
        super().__init__(uniqueness=ECVRF, **options)
        self.owner: Subject

    def settle(self) -> None:
        """Devices whose numbers are bound, retired, and taken over by another."""
        self.owner = acme = self.acme()
        self.accept(self.prefix(acme, "eui48:00005e0"))
        self.device("M-bound", acme, number=BOUND)
        old = self.device("M-old", acme, number=RETIRED)
        self.device("M-first", acme, number=REBOUND)
        second = self.device("M-second", acme)
        self.now += 60
        self.accept(self.follow(old, "status.retire", {"reason": "worn out"}, by=[acme]))
        opened = disclose(NUMBER, REBOUND, lambda n: b"2" * n)
        body = {"number": {"scheme": SCHEME, "commitment": opened.digest}}
        by = [acme, second]
        self.accept(self.follow(second, "number.rebind", body, by=by, disclosures=[opened]))

    def ask(self, proof: bool = True, **question: Any) -> httpx.Response:
        """POST /v1/resolve."""
        body = orjson.dumps({**question, "proof": proof})
        return self.request("POST", "/v1/resolve", content=body, headers=JSON)

    def ask_number(self, value: str, *, guessed: bool = False, **more: Any) -> httpx.Response:
        """By the disclosure that was registered, or one with a salt that was made up."""
        opened = disclose(NUMBER, value, bytes) if guessed else disclosed(NUMBER, value)
        return self.ask(disclosure=opened.encoded, scheme=SCHEME, **more)


def hash_of(place: Place, kind: str, scheme: str, value: str, shown: Any) -> str:
    """What a verifier makes of the member `unique`, with nothing but the genesis."""
    member = place.genesis.operation["body"]["uniqueness"]
    return verify_shown(member, kind, scheme, value, shown)[2]


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """Such a town, shared by the tests of this module."""
    with Place(settings=Settings(checkers=0, lookups=1_000_000, absences=1_000_000)) as place:
        place.settle()
        yield place


def test_the_ledger_names_its_key(place: Place) -> None:
    assert place.get("/.well-known/tetrad").json()["genesis"]["body"]["uniqueness"] == {
        "alg": ECVRF,
        "key": place.uniqueness.member["key"],
    }


def test_who_finds_a_device_can_check_the_hash_in_its_record(place: Place) -> None:
    answer = place.ask_number(BOUND).json()
    assert (
        hash_of(place, "number", SCHEME, BOUND, answer["unique"])
        == answer["device"]["number"]["unique"]
    )
    assert "unique" not in place.ask_number(BOUND, proof=False).json()


def test_a_number_that_nobody_has_is_proved_to_have_no_record(place: Place) -> None:
    for guessed in (False, True):
        found = problem(place.ask_number(FREE, guessed=guessed))
        hashed = hash_of(place, "number", SCHEME, FREE, found["unique"])
        assert found["proof"]["records"][0]["key"] == ["number", SCHEME, hashed]
        assert all(hashed not in text for text in public_entries(place))


def test_a_guess_at_a_number_that_somebody_has_is_told_nothing(place: Place) -> None:
    for value in (BOUND, RETIRED, REBOUND):
        found = problem(place.ask_number(value, guessed=True))
        assert found["code"] == "not_found"
        assert not {"unique", "proof"} & set(found)
        hashed = place.uniqueness.hash("number", SCHEME, value)
        assert hashed not in orjson.dumps(found).decode()
        assert any(hashed in text for text in public_entries(place))  # it would have led there


def test_without_proof_a_guess_is_told_the_same_in_the_same_words(place: Place) -> None:
    answers = {
        place.ask_number(value, guessed=True, proof=False).text
        for value in (BOUND, FREE, RETIRED, REBOUND)
    }
    assert len(answers) == 1


def test_nor_is_a_guess_at_an_earlier_time_told_anything(place: Place) -> None:
    before = format_time(place.now - 3_600)
    assert "unique" not in problem(place.ask_number(BOUND, guessed=True, at=before))
    assert "unique" not in problem(place.ask_number(FREE, guessed=True, at=before))


def test_who_had_a_number_is_told_that_it_is_free(place: Place) -> None:
    found = problem(place.ask_number(RETIRED))
    assert found["code"] == "not_found"
    hashed = hash_of(place, "number", SCHEME, RETIRED, found["unique"])
    assert hashed == place.uniqueness.hash("number", SCHEME, RETIRED)


def test_who_had_a_number_that_another_has_now_is_told_nothing(place: Place) -> None:
    assert "unique" not in problem(place.ask_number(REBOUND))


def test_a_private_code_is_proved_to_who_reads_the_label(place: Place) -> None:
    missing = problem(place.ask(code=MAC, scheme="eui48"))
    hashed = hash_of(place, "code", "eui48", MAC, missing["unique"])
    opened = disclosed(CODE, MAC)
    code = {"scheme": "eui48", "prefix": "00005e0", "commitment": opened.digest}
    new = place.new_device("M-mac", place.owner, code=code)
    assert new.first is not None
    place.accept(new.first._replace(disclosures=[*new.first.disclosures, opened.encoded]))
    answer = place.ask(code=MAC, scheme="eui48").json()
    assert answer["device"]["code"]["unique"] == hashed
    assert hash_of(place, "code", "eui48", MAC, answer["unique"]) == hashed
    guessed = disclose(CODE, MAC, bytes).encoded
    assert "unique" not in problem(place.ask(disclosure=guessed, scheme="eui48"))


def test_a_public_code_needs_no_proof(place: Place) -> None:
    found = problem(place.ask(code="https://id.gs1.org/01/09506000134352/21/nobody"))
    assert "unique" not in found
    assert found["proof"]["records"]


def test_another_spelling_of_a_number_proves_nothing(place: Place) -> None:
    """It would have another hash, under which there is never anything."""
    spelled = disclosed(NUMBER, "2001:DB8::1").encoded
    assert "unique" not in problem(place.ask(disclosure=spelled, scheme="ipv6"))


def test_proofs_of_absence_have_a_quota_of_their_own() -> None:
    with Place(settings=Settings(checkers=0, absences=2)) as place:
        acme = place.acme()
        place.device("M-bound", acme, number=BOUND)
        # Registered under another salt or not registered at all: both count, and found does not.
        for value in (BOUND, FREE):
            assert place.ask_number(value, guessed=True).status_code == 404
            assert place.ask_number(BOUND).status_code == 200
        for value in (BOUND, FREE):
            refused = place.ask_number(value, guessed=True)
            assert problem(refused)["code"] == "unavailable.rate"
            assert int(refused.headers["retry-after"]) > 3_600
        assert place.ask_number(FREE, guessed=True, proof=False).status_code == 404
        place.now += 43_201
        assert "unique" in problem(place.ask_number(FREE))


def test_a_service_can_prove_no_absence_at_all() -> None:
    with Place(settings=Settings(checkers=0, absences=0)) as place:
        assert "unique" not in problem(place.ask_number(FREE))


def test_a_ledger_without_a_vrf_shows_no_difference() -> None:
    with Town(Settings(checkers=0)) as town:
        town.device("M-bound", town.acme(), number=BOUND)
        texts = set()
        for value in (BOUND, FREE):
            question = {"disclosure": disclose(NUMBER, value, bytes).encoded, "scheme": SCHEME}
            body = orjson.dumps({**question, "proof": True})
            texts.add(town.request("POST", "/v1/resolve", content=body, headers=JSON).text)
        assert len(texts) == 1


def public_entries(place: Place) -> list[str]:
    """All that the ledger shows to everybody."""
    head = place.site.store.head()
    assert head is not None
    return [place.get(f"/v1/ledger/entries/{index}").text for index in range(head.size)]


def test_a_folder_keeps_its_function(tmp_path: Path) -> None:
    folder = DataFolder.create(tmp_path / "city", 1_795_334_400, uniqueness=ECVRF)
    member = folder.secrets.unique.member
    folder.close()
    opened = DataFolder.open(tmp_path / "city")
    assert opened.secrets.unique.member == member == opened.genesis["body"]["uniqueness"]  # type: ignore[index, call-overload]
    opened.close()
