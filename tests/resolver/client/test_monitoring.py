"""A monitor remembers, replays, and tells what is wrong; what it keeps convinces others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from identity.errors import (
    EvidenceRefused,
    ForkDetected,
    InvalidCheckpoint,
    LedgerTampered,
    NotFound,
    RolledBack,
    StorageFailed,
)
from identity.members import format_time
from registry.entry import (
    StateRoot,
    entry_context,
    join_entry,
    parse_any,
    parse_entry,
    split_entry,
    state_root_entry,
)
from registry.evidence import Misbehaviour, check_evidence
from registry.merkle import leaf_hash
from registry.note import SignatureType, Signer
from resolver.client import Client
from resolver.client.monitoring import Looked, Monitor, View
from resolver.trust import Trust
from tests.factory import LOG, NOW, ORIGIN, City, Maker
from tests.growing_log import CityLog, GrowingLog, Host

SIZES = (4, 128, 200, 250, 255, 257, 290, 303)
"""Of what is published: each tree ends in the root of its state; that of 257 entries begins a
bundle with it."""


def city(name: str = "M") -> City:
    """303 entries, published now and then; those after the fourth depend on the name."""
    made = City()
    acme = made.organization("Acme")
    made.accept(made.prefix(acme, "gtin:09506000"))
    size = made.ledger.close(made.now)
    for published in SIZES[1:]:
        names = range(size, published - 1)
        devices = [made.new_device(f"{name}-{n:04}", acme) for n in names]
        made.accept(*(one.first for one in devices if one.first))
        size = made.ledger.close(made.now)
        assert size == published
    return made


@pytest.fixture(scope="module")
def log() -> CityLog:
    return CityLog(city())


@pytest.fixture(scope="module")
def other() -> CityLog:
    """Another history of the same ledger, by the same keys."""
    return CityLog(city("N"))


@pytest.fixture
def host(log: CityLog) -> Host:
    return Host(log)


@contextmanager
def monitor(path: Path, log: GrowingLog) -> Iterator[Monitor]:
    with Monitor(path / "state", log.trust) as watched:
        yield watched


def client(host: Host) -> Client:
    return Client("http://log", trust=host.log.trust, transport=host)


def look(path: Path, host: Host) -> Looked:
    """`tetrad monitor`, once, in a process of its own."""
    with monitor(path, host.log) as watched, client(host) as asking:
        return watched.look(asking)


def proved(error: EvidenceRefused, trust: Trust) -> Misbehaviour:
    """What the evidence proves to one who knows the ledger alone."""
    return check_evidence(error.members["evidence"], trust.ledger, Trust.begin(trust.genesis).open)


def test_a_monitor_goes_on_where_it_stopped(host: Host, tmp_path: Path) -> None:
    seen = []
    for size in (4, 200, 255, 257, 303, 303):
        host.size = size
        host.asked.clear()
        looked = look(tmp_path, host)
        assert looked.size == size
        assert looked.dated == NOW
        seen.append(looked.new)
    assert seen == [4, 196, 55, 2, 46, 0]


def test_a_monitor_asks_for_what_is_new(log: CityLog, host: Host, tmp_path: Path) -> None:
    host.size = 290
    with monitor(tmp_path, log) as watched, client(host) as asking:
        watched.look(asking)
        host.asked.clear()
        host.size = 303
        watched.look(asking)
    assert host.asked == [
        "/checkpoint", "/tile/0/001.p/47", "/tile/1/000.p/1",
        "/tile/entries/001.p/47", "/tile/0/001.p/47", "/tile/1/000.p/1",
    ]  # fmt: skip


def test_an_audit_from_zero_and_a_monitor_in_steps_agree(
    log: CityLog, host: Host, tmp_path: Path
) -> None:
    for size in (128, 257, 303):
        host.size = size
        look(tmp_path / "steps", host)
    look(tmp_path / "once", host)
    with monitor(tmp_path / "steps", log) as steps, monitor(tmp_path / "once", log) as once:
        assert steps._store.head() == once._store.head()
        assert steps._store.written(0, 9_999) == once._store.written(0, 9_999)
        for kind in ("organization", "device", "grant"):
            assert steps._store.listing(kind, after=-1, limit=999) == once._store.listing(
                kind, after=-1, limit=999
            )


def test_a_fork_of_one_size_convinces_others(
    log: CityLog, other: CityLog, host: Host, tmp_path: Path
) -> None:
    look(tmp_path, host)
    host.log = other
    with pytest.raises(ForkDetected) as caught:
        look(tmp_path, host)
    assert proved(caught.value, log.trust).said == "it signed two trees of 303 entries"
    assert "proof" not in caught.value.members["evidence"]


@pytest.mark.parametrize(("before", "after"), [(200, 303), (128, 257), (255, 257), (128, 290)])
def test_a_fork_of_two_sizes_convinces_others(
    log: CityLog, other: CityLog, host: Host, tmp_path: Path, before: int, after: int
) -> None:
    host.size = before
    look(tmp_path, host)
    host.log, host.size = other, after
    for _ in range(2):  # it remembers what it saw, and not what it refused
        with pytest.raises(ForkDetected) as caught:
            look(tmp_path, host)
        misbehaviour = proved(caught.value, log.trust)
        assert misbehaviour.kind == "fork"
        assert sorted(misbehaviour.sizes) == [before, after]
    host.log = log
    look(tmp_path, host)


def test_a_smaller_fork_convinces_others(
    log: CityLog, other: CityLog, host: Host, tmp_path: Path
) -> None:
    look(tmp_path, host)
    host.log, host.size = other, 200
    with pytest.raises(ForkDetected) as caught:
        look(tmp_path, host)
    assert proved(caught.value, log.trust).kind == "fork"


def test_a_dated_rollback_convinces_others(log: CityLog, host: Host, tmp_path: Path) -> None:
    look(tmp_path, host)
    host.size, host.note = 200, log.note(200, NOW + 60)
    with pytest.raises(RolledBack) as caught:
        look(tmp_path, host)
    assert proved(caught.value, log.trust).kind == "rollback"


@pytest.mark.parametrize("date", [0, NOW - 60, NOW])
def test_an_old_checkpoint_is_an_alarm_and_no_evidence(
    log: CityLog, host: Host, tmp_path: Path, date: int
) -> None:
    look(tmp_path, host)
    host.size = 200
    host.note = log.note(200, date) if date else log.note(200, 0, (LOG,))
    with pytest.raises(RolledBack) as caught:
        look(tmp_path, host)
    assert "evidence" not in caught.value.members


def test_what_the_log_has_not_signed_is_no_evidence_and_does_no_harm(
    host: Host, tmp_path: Path
) -> None:
    host.size = 257
    look(tmp_path, host)
    host.size = 303
    bundle = host.file("/tile/entries/001.p/47")
    assert bundle is not None
    host.lies = {"/tile/entries/001.p/47": bundle.replace(b"M-0283", b"M-0Z83")}
    with pytest.raises(LedgerTampered) as caught:
        look(tmp_path, host)
    assert caught.value.members["index"] == 283
    assert "evidence" not in caught.value.members
    host.lies = {"/tile/0/001.p/47": bytes(47 * 32)}
    with pytest.raises(LedgerTampered):
        look(tmp_path, host)
    host.lies = {"/tile/entries/001.p/47": None}
    with pytest.raises(NotFound):
        look(tmp_path, host)
    host.lies = {}
    assert look(tmp_path, host).new == 46


def test_a_stranger_s_checkpoint_is_refused(log: CityLog, host: Host, tmp_path: Path) -> None:
    stranger = Signer(ORIGIN, SignatureType.ED25519, b"stranger" * 4)
    host.note = log.note(303, NOW, (stranger,))
    with pytest.raises(InvalidCheckpoint):
        look(tmp_path, host)


def small() -> tuple[CityLog, City]:
    """A log of a few entries, to be continued by an operator who cheats."""
    made = City()
    acme = made.organization("Acme")
    made.accept(made.prefix(acme, "gtin:09506000"))
    made.device("M-1", acme)
    made.ledger.close(made.now)
    return CityLog(made), made


def forged(log: CityLog, **changes: Any) -> bytes:
    """The last operation once more, in an entry that follows but for the changes."""
    index = len(log.all)
    last = parse_entry(log.all[-2], index - 2)
    _, operation = split_entry(log.all[-2], index - 2)
    previous = changes.get("previous", leaf_hash(log.all[-1]).hex())
    time = changes.get("time", last.time)
    if "operation" in changes:
        operation = operation.replace(*changes["operation"])
    return join_entry(entry_context(index, time, previous, last.unique), operation)


def closing(log: CityLog, root: bytes) -> bytes:
    """An entry that closes the tree with a root."""
    previous = leaf_hash(log.all[-1]).hex()
    return state_root_entry(len(log.all), format_time(NOW), previous, root)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"previous": "0" * 64}, "does not follow"),
        ({"time": "2020-01-01T00:00:00Z"}, "older than"),
        ({"operation": (b'"model":"M1"', b'"model":"M2"')}, "none:"),
        ({"operation": (b'"model":"M1"', b'"madel":"M1"')}, "none:"),
    ],
)
def test_an_entry_that_cannot_be_one_convinces_others(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    log, _ = small()
    look(tmp_path, Host(log))
    entry = forged(log, **changes)
    log.add([entry])
    with pytest.raises(LedgerTampered) as caught:
        look(tmp_path, Host(log))
    assert caught.value.members["index"] == 5
    misbehaviour = proved(caught.value, log.trust)
    assert misbehaviour.kind == "entry"
    assert said in misbehaviour.said


def test_a_broken_rule_is_an_alarm_that_others_must_replay(tmp_path: Path) -> None:
    log, _ = small()
    look(tmp_path, Host(log))
    log.add([forged(log)])
    with pytest.raises(LedgerTampered, match="twice") as caught:
        look(tmp_path, Host(log))
    assert caught.value.members["index"] == 5
    assert "evidence" not in caught.value.members
    with pytest.raises(LedgerTampered, match="twice"):  # it stays one
        look(tmp_path, Host(log))


def test_a_tree_that_no_root_closes_is_an_alarm(host: Host, tmp_path: Path) -> None:
    host.size = 200
    look(tmp_path, host)
    host.size = 202
    for _ in range(2):  # and stays one, though nothing is new
        with pytest.raises(LedgerTampered, match="no root of the state"):
            look(tmp_path, host)
    host.size = 250
    assert look(tmp_path, host).new == 48


def test_a_wrong_root_of_the_state_is_an_alarm_that_others_must_replay(tmp_path: Path) -> None:
    log, made = small()
    made.organization("Beta")
    log.take()
    log.add([closing(log, bytes(32))])
    with pytest.raises(LedgerTampered, match="root is not that of the state") as caught:
        look(tmp_path, Host(log))
    assert caught.value.members["index"] == 6
    assert "evidence" not in caught.value.members


def test_two_roots_in_a_row_convince_others(tmp_path: Path) -> None:
    log, _ = small()
    look(tmp_path, Host(log))
    before = parse_any(log.all[-1], 4)
    assert isinstance(before, StateRoot)
    log.add([closing(log, before.root)])
    with pytest.raises(LedgerTampered) as caught:
        look(tmp_path, Host(log))
    assert "as is the one before it" in proved(caught.value, log.trust).said


def test_something_that_is_no_entry_convinces_others(tmp_path: Path) -> None:
    log = GrowingLog()
    log.grow(300)
    with pytest.raises(LedgerTampered) as caught:
        look(tmp_path, Host(log))
    assert caught.value.members["index"] == 1
    assert proved(caught.value, log.trust).said.startswith("its entry 1 is none")


# --- views of others


def compared(path: Path, host: Host, view: Host, *, tiles: bool = True) -> str:
    with monitor(path, host.log) as watched, client(host) as asking, client(view) as seen:
        watched.look(asking)
        return watched.compare([View("http://view", seen, tiles)])["http://view"]


@pytest.mark.parametrize(
    ("size", "said"),
    [(303, "the same tree"), (250, "40 entries behind"), (303, "13 entries ahead")],
)
def test_views_of_one_log_agree(
    log: CityLog, host: Host, tmp_path: Path, size: int, said: str
) -> None:
    view = Host(log)
    view.size = size
    host.size = 303 if said == "the same tree" else 290
    assert compared(tmp_path, host, view) == said


@pytest.mark.parametrize("size", [200, 290, 303])
@pytest.mark.parametrize("tiles", [True, False])
def test_a_split_view_is_caught(
    log: CityLog, other: CityLog, host: Host, tmp_path: Path, size: int, tiles: bool
) -> None:
    """One history for the monitor, another for somebody else: a mirror, or a witness."""
    host.size = 290
    view = Host(other)
    view.size = size
    if size > 290 and not tiles:  # a witness that is ahead: it is checked when the log gets there
        assert "to be checked" in compared(tmp_path, host, view, tiles=tiles)
        host.size = 303
    with pytest.raises(ForkDetected) as caught:
        compared(tmp_path, host, view, tiles=tiles)
    assert proved(caught.value, log.trust).kind == "fork"


def test_a_witness_that_is_ahead_of_the_log_is_held_to_what_it_said(
    log: CityLog, other: CityLog, host: Host, tmp_path: Path
) -> None:
    """It shows the fork once, and the true history ever after."""
    host.size = 290
    view = Host(other)
    view.size = 300
    compared(tmp_path, host, view, tiles=False)
    view.log, host.size = log, 303
    with pytest.raises(ForkDetected):
        compared(tmp_path, host, view, tiles=False)


def test_a_folder_is_about_one_ledger_and_one_monitor(log: CityLog, tmp_path: Path) -> None:
    with monitor(tmp_path, log) as watched:
        watched.remember(watched.trust)
        with pytest.raises(StorageFailed, match="another monitor"):
            Monitor(tmp_path / "state", log.trust)
    strange = Trust.begin(Maker(now=NOW + 1).genesis.operation)
    with pytest.raises(StorageFailed, match="another ledger"):
        Monitor(tmp_path / "state", strange)
