"""The head of a store moves at one point, and the clock of a ledger goes one way.

One process commits, and every syscall of its commit fails once and is the last one once. Another
process, which made its batch from the same head, then commits too. One of the two moves the head,
and all of its batch is there.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from identity.errors import StaleHead
from registry.audit import audit
from registry.store import Batch, Head
from registry.stores.sqlite import SqliteStore
from resolver.folder import DataFolder
from resolver.service import Service
from resolver.settings import Settings
from tests.factory import NOW, RULES, City, Maker
from tests.faults.runs import in_child, injecting, trace, traced
from tests.faults.story import Gate, Journal, Places, read_journal
from tests.faults.tracing import MAIN, Call


def store_in(places: Places) -> SqliteStore:
    places.data.mkdir(exist_ok=True)
    return SqliteStore(places.data / "ledger.sqlite3")


def begin(places: Places) -> None:
    with closing(store_in(places)) as store:
        City(store).organization("Acme")


def commit(places: Places, gate: Gate) -> None:
    """One more organization, acknowledged."""
    with closing(store_in(places)) as store:
        city = City(store)
        journal = Journal(places.journal)
        gate("committing")
        city.organization("First")
        journal.say("committed")


def rival(places: Places) -> tuple[Batch, Head | None]:
    """Another organization's batch, from the same head; it is not committed here."""
    made: list[tuple[Batch, Head | None]] = []

    def capture(batch: Batch, expected: Head | None) -> None:
        made.append((batch, expected))

    with closing(store_in(places)) as store:
        city = City(store)
        store.commit = capture  # type: ignore[method-assign]
        city.organization("Second")
    return made[0]


def compete(places: Places, batch: Batch, expected: Head | None) -> None:
    """Commits what another process had made, over what the fault has left."""
    with closing(store_in(places)) as store:
        try:
            store.commit(batch, expected)
            winner = "Second"
        except StaleHead:
            winner = "First"
    with closing(store_in(places)) as store:
        audited = audit(store, RULES, stored=store)
        last = orjson.loads(store.entries(audited.size - 1, audited.size)[0])
    acknowledged = any(line["kind"] == "committed" for line in read_journal(places.journal))
    names = {"Acme": 1, winner: 2}
    assert audited.operations["organization.register"] == len(names)
    assert last["operation"]["body"]["name"] == winner
    assert winner == "First" or not acknowledged
    (places.base / "winner").write_text(winner)


class Competition:
    """Runs of both, below one folder."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.template = Places(base / "template")
        self.template.base.mkdir()
        in_child(lambda: begin(self.template))
        self.batch, self.expected = rival(self.copy("rival"))
        self.winners: set[str] = set()

    def copy(self, name: str) -> Places:
        places = Places(self.base / name)
        shutil.copytree(self.template.base, places.base)
        return places

    def calls(self) -> list[Call]:
        """The syscalls of a commit, and of the acknowledgement."""
        found = trace(commit, self.copy("trace"), "committing")
        return [call for call in found if call.thread == MAIN]

    def strike(self, number: int, fault: str) -> None:
        places = self.copy(f"run-{number}")
        _, code = traced(commit, places, "committing", injecting([fault]), MAIN)
        assert code in (0, 3, -9), places.words.read_text()
        assert code == -9 or "KILL" not in fault, f"{fault} did not strike"
        code = in_child(lambda: compete(places, self.batch, self.expected))
        assert code == 0, f"{fault}: see the words above"
        self.winners.add((places.base / "winner").read_text())
        shutil.rmtree(places.base)


@pytest.mark.slow
def test_of_two_commits_from_one_head_one_moves_it_whatever_fails(tmp_path: Path) -> None:
    competition = Competition(tmp_path)
    calls = competition.calls()
    assert {"pwrite64", "fdatasync", "fcntl", "write"} <= {call.name for call in calls}
    faults = [
        f"{call.name}:{fault}:when={call.nth}"
        for call in calls
        for fault in ("signal=KILL", "error=EIO")
        if fault == "signal=KILL" or str(competition.base / "trace" / "journal") not in call.paths
    ]
    for number, fault in enumerate(faults):
        competition.strike(number, fault)
    assert competition.winners == {"First", "Second"}


DAY = 86_400


def times_of(path: Path) -> list[str]:
    """The times of the entries of a data folder."""
    with closing(DataFolder.open(path)) as folder:
        head = folder.store.head()
        assert head is not None
        return [orjson.loads(entry)["time"] for entry in folder.store.entries(0, head.size)]


def register_at(path: Path, clock: int, latest: int, number: int) -> None:
    """One organization through a service that is started for it, with this clock."""

    async def story(folder: DataFolder) -> None:
        maker: Any = Maker(now=latest)
        service = Service(Settings(checkers=0), folder, lambda: float(clock))
        maker.ledger_hash = service.ledger_hash
        await service.start()
        try:
            await service.submit(maker.new_organization(f"Org {number}").first.submission)
            await service.checkpoint()
        finally:
            await service.stop()

    with closing(DataFolder.open(path)) as folder:
        asyncio.run(story(folder))


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that begins at NOW."""
    path = tmp_path_factory.mktemp("clock") / "city"
    DataFolder.create(path, NOW).close()
    return path


@settings(max_examples=10)
@given(clocks=st.lists(st.integers(-400 * DAY, 400 * DAY), min_size=1, max_size=5))
@example(clocks=[10 * DAY, -10 * DAY, 0])
def test_entry_times_never_go_back_over_restarts(begun: Path, clocks: list[int]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "city"
        shutil.copytree(begun, path)
        latest = NOW
        for number, clock in enumerate(clocks):
            latest = max(latest, NOW + clock)
            register_at(path, NOW + clock, latest, number)
        times = times_of(path)
        assert times == sorted(times)
        assert len(times) >= 1 + len(clocks)
        with closing(DataFolder.open(path)) as folder:
            assert audit(folder.store, RULES, stored=folder.store).time == latest
