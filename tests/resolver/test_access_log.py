"""The log of accesses: durable, bounded, folded, and a chain in which nothing is missing."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import InvalidAnswer, StorageFailed, TetradError
from resolver.access_log import AccessLog, Bounds, records_of
from resolver.accesses import REFUSED, SHOWN, ChainHead, chained, record_hash, verify_chain

HOUR = 3_600
NOW = 1_780_000_000


@pytest.fixture(params=["memory", "file"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AccessLog]:
    path = tmp_path / "accesses.sqlite3" if request.param == "file" else None
    with closing(AccessLog(path, Bounds(most=100, each=10))) as log:
        yield log


def access(by: str = "beta", device: str = "meter", **members: Any) -> dict[str, Any]:
    return {"device": device, "by": by, "version": 1, "outcome": "shown", **members}


def chain(log: AccessLog, device: str = "meter", of: str = SHOWN) -> list[dict[str, Any]]:
    """All of a chain, page by page, which must be unbroken."""
    records: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        page = log.page(device, of, after=after, limit=3)
        records += records_of(page)
        after = page.after
    verify_chain(records, page.head, device=device, chain=of)
    return records


def test_records_are_chained_for_each_device_apart(log: AccessLog) -> None:
    assert chain(log) == []
    for n in range(5):
        log.record(access(f"asker {n}"), NOW + n)
        log.record(access(device="car"), NOW + n)
    assert [one["by"] for one in chain(log)] == [f"asker {n}" for n in range(5)]
    assert [one["n"] for one in chain(log, "car")] == [1, 2, 3, 4, 5]
    assert chain(log)[0]["previous"] == "0" * 64
    assert chain(log)[0]["time"] == "2026-05-28T20:26:40Z"


def test_the_oldest_leave_at_the_front_and_the_numbers_say_so(log: AccessLog) -> None:
    for n in range(25):
        log.record(access(), NOW + n)
    records = chain(log)
    assert [one["n"] for one in records] == list(range(16, 26))
    head = log.page("meter", SHOWN, after=0, limit=1).head
    assert verify_chain(records, head, device="meter", chain=SHOWN) == 15


def test_all_devices_together_have_a_bound_and_refusals_one_of_their_own(log: AccessLog) -> None:
    for n in range(15):
        for m in range(10):
            log.record(access(device=f"device {m}", by=str(n)), NOW)
    kept = [one for m in range(10) for one in chain(log, f"device {m}")]
    assert len(kept) == 100
    for n in range(50):  # of as many askers
        log.refuse(access(f"asker {n}", device=f"device {n % 10}", outcome="withheld"), NOW)
    refused = [one for m in range(10) for one in chain(log, f"device {m}", REFUSED)]
    assert len(refused) == 10
    assert [one for m in range(10) for one in chain(log, f"device {m}")] == kept


def test_who_has_much_read_makes_no_other_devices_log_forget(log: AccessLog) -> None:
    for n in range(3):
        log.record(access(f"spy {n}", device="meter"), NOW)
    for n in range(20):  # devices of the spy's own, each within its bound
        for _ in range(10):
            log.record(access("spy", device=f"own {n}"), NOW)
    assert [one["by"] for one in chain(log)] == ["spy 0", "spy 1", "spy 2"]
    assert sum(len(chain(log, f"own {n}")) for n in range(20)) == 97


def test_the_last_record_of_a_chain_stays_so_that_its_head_is_held_against_it(
    log: AccessLog,
) -> None:
    for n in range(120):
        log.record(access(device=f"device {n}"), NOW)
    assert all(len(chain(log, f"device {n}")) == 1 for n in range(120))


def test_an_asker_that_is_refused_again_is_counted(log: AccessLog) -> None:
    for n in range(7):
        log.refuse(access(outcome="withheld"), NOW + n)
    assert len(chain(log, of=REFUSED)) == 1
    page = log.page("meter", REFUSED, after=0, limit=9)
    (waiting,) = page.waiting
    assert (waiting["by"], waiting["repeated"]) == ("beta", 6)
    assert log.page("meter", SHOWN, after=0, limit=9).waiting == []
    log.refuse(access("gamma", outcome="withheld"), NOW + HOUR + 6)  # closes what nobody came for
    records = chain(log, of=REFUSED)
    assert [(one["by"], one.get("repeated")) for one in records] == [
        ("beta", None),
        ("gamma", None),
        ("beta", 6),
    ]
    assert log.page("meter", REFUSED, after=0, limit=9).waiting == []


def test_a_clock_that_runs_back_folds_nothing_away(log: AccessLog) -> None:
    log.refuse(access(), NOW)
    log.refuse(access(), NOW - 10 * HOUR)
    assert len(chain(log, of=REFUSED)) == 2


def test_the_file_is_private_and_goes_on_where_it_was_closed(tmp_path: Path) -> None:
    path = tmp_path / "accesses.sqlite3"
    with closing(AccessLog(path)) as log:
        assert log.page("meter", SHOWN, after=0, limit=9).records == []
        assert not path.exists(), "a ledger without important data has no such file"
        log.record(access(), NOW)
        modes = {stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()}
        assert modes == {0o600}
    with closing(AccessLog(path)) as log:
        log.record(access("gamma"), NOW)
        assert [one["by"] for one in chain(log)] == ["beta", "gamma"]


def test_it_is_on_the_disk_when_it_was_recorded(tmp_path: Path) -> None:
    with closing(AccessLog(tmp_path / "accesses.sqlite3")) as log:
        log.record(access(), NOW)
        (tmp_path / "copy").mkdir()  # what a process that is killed now leaves
        for one in [*tmp_path.glob("accesses*")]:
            (tmp_path / "copy" / one.name).write_bytes(one.read_bytes())
        with closing(AccessLog(tmp_path / "copy" / "accesses.sqlite3")) as left:
            assert len(chain(left)) == 1


def test_a_log_that_failed_once_records_nothing_more(tmp_path: Path) -> None:
    with closing(AccessLog(tmp_path / "accesses.sqlite3")) as log:
        log.record(access(), NOW)
        assert log._opened is not None
        log._opened.execute("PRAGMA query_only = ON")
        with pytest.raises(StorageFailed):
            log.record(access(), NOW)
        log._opened.execute("PRAGMA query_only = OFF")
        for act in (log.record, log.refuse):
            with pytest.raises(StorageFailed):
                act(access(), NOW)
        assert len(chain(log)) == 1


def test_a_file_of_something_else_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "accesses.sqlite3"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE t (a)")
    with closing(AccessLog(path)) as log, pytest.raises(StorageFailed):
        log.record(access(), NOW)
    path.write_bytes(b"no database at all" * 99)
    with closing(AccessLog(path)) as log, pytest.raises(StorageFailed):
        log.page("meter", SHOWN, after=0, limit=9)


def a_chain(length: int) -> tuple[list[dict[str, Any]], ChainHead]:
    records: list[dict[str, Any]] = []
    head = ChainHead()
    for n in range(length):
        record = chained(access(chain=SHOWN, time=str(n)), head)
        records.append(record)
        head = ChainHead(n + 1, record_hash(record))
    return records, head


@given(length=st.integers(2, 6), data=st.data())
def test_whatever_is_taken_out_changed_or_moved_is_noticed(length: int, data: Any) -> None:
    records, head = a_chain(length)
    place = data.draw(st.integers(0, length - 1))
    change = data.draw(st.sampled_from(["drop", "edit", "swap", "repeat", "renumber"]))
    if change == "drop":
        if place == 0:  # at the front: told by the number of the first
            assert verify_chain(records[1:], head, device="meter", chain=SHOWN) == 1
            return
        del records[place]
    elif change == "edit":
        records[place] = {**records[place], "by": "nobody"}
    elif change == "swap":
        other = (place + 1) % length
        records[place], records[other] = records[other], records[place]
    elif change == "repeat":
        records.insert(place, records[place])
    else:
        records[place] = {**records[place], "n": records[place]["n"] + 1}
    with pytest.raises(InvalidAnswer):
        verify_chain(records, head, device="meter", chain=SHOWN)


def test_a_chain_of_another_device_or_kind_is_refused() -> None:
    records, head = a_chain(3)
    for device, kind in (("car", SHOWN), ("meter", REFUSED)):
        with pytest.raises(InvalidAnswer):
            verify_chain(records, head, device=device, chain=kind)
    with pytest.raises(InvalidAnswer):
        verify_chain([], head, device="meter", chain=SHOWN)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.lists(
        _JSON
        | st.fixed_dictionaries(
            {
                "device": st.just("meter"),
                "chain": st.just(SHOWN),
                "n": _JSON,
                "previous": _JSON,
                "more": _JSON,
            }
        ),
        max_size=3,
    )
)
def test_hostile_records_raise_only_our_errors(records: list[Any]) -> None:
    try:
        verify_chain(records, ChainHead(3, "00"), device="meter", chain=SHOWN)
    except TetradError:
        pass
    else:
        raise AssertionError("no such chain ends there")
