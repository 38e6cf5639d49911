"""Asking witnesses: good ones are heard, all others cost neither time nor trust."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from identity.errors import MalformedPolicy, QuorumMissing
from registry.checkpoint import open_checkpoint
from registry.note import Note, VerifierKey, verify_note
from registry.policy import Policy
from registry.witness import AddCheckpoint
from resolver.settings import Settings
from resolver.witness.app import witness_app
from resolver.witness.cosigning import Witness
from resolver.witness.store import WitnessStore
from resolver.witnessing import MAX_ANSWER_BYTES, Witnesses, WitnessFigures
from tests.factory import LOG, NOW, ORIGIN, QUANTUM
from tests.witnesses import Leaves, cosigner, lines_of, policy, secrets

LEAVES = Leaves(16)
FORK = Leaves(16, fork=3)
PATIENT = 30.0
"""Seconds that no test may need."""
Answer = Callable[[httpx.Request], Awaitable[httpx.Response]]

ONE = policy("witness w1 {w1} https://w1.test/", "quorum w1")
TWO_OF_THREE = policy(
    "witness w1 {w1} https://w1.test",
    "witness w2 {w2} https://w2.test",
    "witness w3 {w3} https://w3.test",
    "group g 2 w1 w2 w3",
    "quorum g",
)


class Net(httpx.AsyncBaseTransport):
    """The witnesses by their hosts; whoever asks for another address fails."""

    def __init__(self, **hosts: httpx.AsyncBaseTransport | Answer) -> None:
        self.hosts = hosts
        self.asked: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        there = self.hosts[request.url.host.partition(".")[0]]
        if isinstance(there, httpx.AsyncBaseTransport):
            return await there.handle_async_request(request)
        await request.aread()
        return await there(request)

    def olds(self) -> list[int]:
        return [AddCheckpoint.parse(request.content).old for request in self.asked]


class Body(httpx.AsyncByteStream):
    """Bytes as they come from a connection."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


def says(status: int, content: bytes = b"", media: str = "text/plain") -> Answer:
    """A witness that always says the same."""

    async def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, stream=Body(content), headers={"content-type": media})

    return answer


async def never(_: httpx.Request) -> httpx.Response:
    """A witness that does not answer."""
    await asyncio.Event().wait()
    raise AssertionError


def lines(*names: str, note: bytes = LEAVES.note(5), time: int = NOW) -> Answer:
    """A witness that says these lines whatever it is asked."""
    return says(200, lines_of(*map(cosigner, names), note=note, time=time))


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Log:
    """A log that asks; what it publishes is opened at once."""

    def __init__(self, asked: Policy, net: Net, grace: float = 0.0) -> None:
        self.policy = asked
        self.net = net
        self.clock = Clock()
        self.witnesses = Witnesses(
            asked,
            ORIGIN,
            LEAVES.consistency,
            grace_seconds=grace,
            clock=lambda: NOW,
            monotonic=self.clock,
            transport=net,
        )

    async def cosign(self, size: int, seconds: float = PATIENT) -> list[tuple[VerifierKey, int]]:
        note = await self.witnesses.cosign(LEAVES.note(size), size, seconds)
        opened = open_checkpoint(note, [LOG.key, QUANTUM.key], self.policy.keys)
        assert opened.checkpoint == LEAVES.checkpoint(size)
        return [(key, time) for key, time in opened.times if key != QUANTUM.key]

    def publish(self, size: int, seconds: float = PATIENT) -> list[tuple[VerifierKey, int]]:
        return asyncio.run(self._once(size, seconds))

    async def _once(self, size: int, seconds: float) -> list[tuple[VerifierKey, int]]:
        try:
            return await self.cosign(size, seconds)
        finally:
            await self.witnesses.close()

    def figures(self, name: str = "w1") -> WitnessFigures:
        (found,) = (one for one in self.witnesses.figures() if one.name == name)
        return found

    def failures(self, name: str = "w1") -> dict[str, int]:
        return dict(self.figures(name).failures)


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Callable[[str], httpx.ASGITransport]]:
    """Our own witnesses, by name."""
    stores: list[WitnessStore] = []

    def make(name: str) -> httpx.ASGITransport:
        store = WitnessStore(tmp_path / f"{name}.sqlite3", create=True)
        stores.append(store)
        store.add_log(LOG.key)
        return httpx.ASGITransport(
            witness_app(Witness(secrets(name), store, lambda: NOW), Settings())
        )

    yield make
    for store in stores:
        store.close()


def test_all_answer_and_a_log_that_grows_stays_cosigned(
    real: Callable[[str], httpx.ASGITransport],
) -> None:
    asked = Policy.parse(TWO_OF_THREE.format().replace("group g 2", "group g all"))
    log = Log(asked, Net(w1=real("w1"), w2=real("w2"), w3=real("w3")))
    for size in (3, 3, 5, 16):
        keys = {key for key, time in log.publish(size) if time == NOW}
        assert keys == {cosigner(name).key for name in ("w1", "w2", "w3")}
    assert log.net.olds() == [0] * 3 + [3] * 6 + [5] * 3
    assert log.figures("w2") == WitnessFigures(
        "w2", "https://w2.test", NOW, 16, 0, {}, {"unknown_key": 4}, paused=False
    )


def test_two_keys_at_one_address_are_asked_once(
    real: Callable[[str], httpx.ASGITransport],
) -> None:
    quantum = cosigner("w1 quantum").key
    log = Log(
        policy(
            "witness w1 {w1} https://w1.test",
            f"witness w1q {quantum} https://w1.test",
            "group g all w1 w1q",
            "quorum g",
        ),
        Net(w1=real("w1")),
    )
    assert log.publish(5) == [(cosigner("w1").key, NOW), (quantum, NOW)]
    assert len(log.net.asked) == 1
    assert log.failures() == {}


def test_a_witness_that_is_further_is_asked_again_from_where_it_is(
    real: Callable[[str], httpx.ASGITransport],
) -> None:
    w1 = real("w1")
    Log(ONE, Net(w1=w1)).publish(5)
    log = Log(ONE, Net(w1=w1))  # after a restart nothing is known of the witness
    assert log.publish(9) == [(cosigner("w1").key, NOW)]
    assert log.net.olds() == [0, 5]
    assert log.failures() == {}


def test_a_witness_that_has_seen_more_than_there_is_is_not_asked_again(
    real: Callable[[str], httpx.ASGITransport],
) -> None:
    w1 = real("w1")
    Log(ONE, Net(w1=w1)).publish(9)
    log = Log(ONE, Net(w1=w1))
    assert log.publish(5) == []
    assert log.net.olds() == [0]
    assert log.failures() == {"ahead": 1}


def test_a_witness_that_contradicts_itself_is_asked_twice_and_no_more() -> None:
    log = Log(ONE, Net(w1=says(409, b"3\n", "text/x.tlog.size")))
    assert log.publish(5) == []
    assert log.net.olds() == [0, 3]
    assert log.failures() == {"409": 1}


TEXT = LEAVES.checkpoint(5).format()
UNREAD = "— w1.example/witness AAAA\n".encode()


@pytest.mark.parametrize(
    ("answer", "reasons"),
    [
        (says(404, b"unknown log\n"), {"404"}),
        (says(403, b"no\n"), {"403"}),
        (says(422, b"no\n"), {"422"}),
        (says(500), {"5xx"}),
        (says(503), {"503"}),
        (says(299, lines_of(cosigner("w1"), note=LEAVES.note(5))), {"2xx"}),
        (says(409, b"3\n"), {"409"}),
        (says(409, b"03\n", "text/x.tlog.size"), {"malformed"}),
        (says(409, b"3", "text/x.tlog.size"), {"malformed"}),
        (says(409, b"99999999999999999999\n", "text/x.tlog.size"), {"malformed"}),
        (says(409, b"6\n", "text/x.tlog.size"), {"ahead"}),
        (says(200), {"malformed"}),
        (says(200, b"no newline"), {"malformed"}),
        (says(200, b"\n" * 60_000), {"malformed"}),
        (says(200, b"<html>\n"), {"no_cosignature", "malformed"}),
        (says(200, UNREAD), {"no_cosignature", "malformed"}),
        (says(200, b"x" * (MAX_ANSWER_BYTES + 1)), {"too_large"}),
        (lines("w2"), {"no_cosignature", "unknown_key"}),
        (lines("w1 quantum"), {"no_cosignature", "unknown_key"}),
        (lines("w1", time=0), {"no_cosignature", "undated"}),
        (lines("w1", time=NOW + 301), {"from_the_future", "no_cosignature"}),
        (lines("w1", time=2**64 - 1), {"from_the_future", "no_cosignature"}),
        (lines("w1", note=LEAVES.note(4)), {"no_cosignature", "forged"}),
        (lines("w1", note=FORK.note(5)), {"no_cosignature", "forged"}),
        (lines("w1", note=LEAVES.note(5).replace(b"sandbox", b"another", 1)),
         {"no_cosignature", "forged"}),
    ],
)  # fmt: skip
def test_what_is_of_no_use_is_counted_by_its_reason(answer: Answer, reasons: set[str]) -> None:
    log = Log(ONE, Net(w1=answer))
    assert log.publish(5) == []
    figures = log.figures()
    assert {*figures.failures, *figures.dropped} == reasons
    assert len(figures.failures) == 1
    assert (figures.time, figures.size, figures.behind, figures.paused) == (None, None, 5, True)


def test_a_good_line_among_bad_ones_is_taken() -> None:
    note = LEAVES.note(5)
    bad = lines_of(cosigner("w2"), note=note) + lines_of(cosigner("w1"), note=LEAVES.note(4))
    good = lines_of(cosigner("w1"), note=note)
    log = Log(ONE, Net(w1=says(200, b"nonsense\n" + bad + good)))
    assert log.publish(5) == [(cosigner("w1").key, NOW)]
    figures = log.figures()
    assert figures.dropped == {"malformed": 1, "unknown_key": 1, "forged": 1}
    assert figures.failures == {}
    assert not figures.paused


def test_the_cosignature_of_another_witness_is_not_taken_from_this_one() -> None:
    log = Log(TWO_OF_THREE, Net(w1=lines("w1", "w2", "w3"), w2=says(500), w3=says(500)))
    assert log.publish(5) == [(cosigner("w1").key, NOW)]
    with pytest.raises(QuorumMissing):
        TWO_OF_THREE.cosigned_at(log.publish(5))


def test_an_old_line_of_the_note_gives_way_to_a_new_one() -> None:
    log = Log(ONE, Net(w1=lines("w1", time=NOW + 60)))

    async def again() -> bytes:
        old = LEAVES.note(5) + lines_of(cosigner("w1"), note=LEAVES.note(5))
        note = await log.witnesses.cosign(old, 5, PATIENT)
        await log.witnesses.close()
        return note

    note = asyncio.run(again())
    assert len(Note.parse(note).signatures) == 3
    assert open_checkpoint(note, [LOG.key], ONE.keys).times == ((cosigner("w1").key, NOW + 60),)


def test_redirects_are_not_followed() -> None:
    async def elsewhere(_: httpx.Request) -> httpx.Response:
        there = {"location": "https://w2.test/add-checkpoint"}
        return httpx.Response(307, headers=there, stream=Body(b""))

    log = Log(ONE, Net(w1=elsewhere, w2=lines("w1")))
    assert log.publish(5) == []
    assert [request.url.host for request in log.net.asked] == ["w1.test"]
    assert log.failures() == {"3xx": 1}


def test_only_the_addresses_of_the_policy_are_asked() -> None:
    log = Log(
        policy("witness w1 {w1} https://w1.test:8443/a/b/", "witness w2 {w2}", "quorum w1"),
        Net(w1=lines("w1")),
    )
    assert log.publish(5) == [(cosigner("w1").key, NOW)]
    assert [str(one.url) for one in log.net.asked] == ["https://w1.test:8443/a/b/add-checkpoint"]
    assert log.figures("w2") == WitnessFigures("w2", None, None, None, 5, {}, {}, paused=False)


def test_a_quorum_is_not_held_up_by_the_rest() -> None:
    log = Log(TWO_OF_THREE, Net(w1=lines("w1"), w2=lines("w2"), w3=never))
    assert TWO_OF_THREE.cosigned_at(log.publish(5)) == NOW
    assert log.failures("w3") == {"late": 1}
    assert not log.figures("w3").paused


def test_within_the_grace_the_others_are_heard() -> None:
    async def last(request: httpx.Request) -> httpx.Response:
        for _ in range(50):  # turns of the loop, not seconds
            await asyncio.sleep(0)
        return await lines("w3")(request)

    log = Log(TWO_OF_THREE, Net(w1=lines("w1"), w2=lines("w2"), w3=last), grace=PATIENT)
    assert len(log.publish(5)) == 3


def test_at_the_deadline_there_is_what_there_is() -> None:
    log = Log(TWO_OF_THREE, Net(w1=lines("w1"), w2=never, w3=never))
    assert log.publish(5, seconds=0.05) == [(cosigner("w1").key, NOW)]
    assert log.failures("w2") == log.failures("w3") == {"timeout": 1}
    assert log.figures("w2").paused
    # Meanwhile the two are not waited for: a deadline of half a minute is not reached.
    assert log.publish(6, seconds=PATIENT) == []
    assert log.failures("w2") == {"timeout": 1}


def test_a_failing_witness_is_asked_after_1_2_4_to_60_seconds() -> None:
    log = Log(ONE, Net(w1=says(500)))
    asked_at = []
    for second in range(200):
        log.clock.now = float(second)
        before = len(log.net.asked)
        log.publish(5)
        if len(log.net.asked) > before:
            asked_at.append(second)
    assert asked_at == [0, 1, 3, 7, 15, 31, 63, 123, 183]
    log.net.hosts["w1"] = lines("w1")
    log.clock.now = 243.0
    assert log.publish(5) == [(cosigner("w1").key, NOW)]
    log.net.hosts["w1"] = says(500)
    log.publish(5)
    log.clock.now = 244.0
    log.publish(5)
    assert log.failures() == {"5xx": 11}


def test_without_a_quorum_all_are_heard() -> None:
    log = Log(policy("witness w1 {w1} https://w1.test", "quorum none"), Net(w1=lines("w1")))
    assert log.publish(5) == [(cosigner("w1").key, NOW)]


def test_a_policy_without_witnesses_asks_nobody() -> None:
    log = Log(Policy("none"), Net())
    assert log.publish(5) == []
    assert log.witnesses.figures() == []


def test_a_witness_falls_behind() -> None:
    log = Log(ONE, Net(w1=lines("w1")))
    log.publish(5)
    log.net.hosts["w1"] = says(500)
    log.publish(9)
    figures = log.figures()
    assert (figures.time, figures.size, figures.behind) == (NOW, 5, 4)


def test_the_note_is_the_one_that_is_meant() -> None:
    log = Log(ONE, Net(w1=lines("w1")))
    with pytest.raises(RuntimeError):
        asyncio.run(log.witnesses.cosign(LEAVES.note(5), 6, PATIENT))


@pytest.mark.parametrize(
    "url",
    [
        "w1.test",
        "ftp://w1.test",
        "https://",
        "https:///w1",
        "https://u:p@w1.test",
        "https://w1.test/?a",
        "https://w1.test/#a",
        "https://w1.test:x",
        "file:///etc/passwd",
    ],
)
def test_urls_that_cannot_be_asked(url: str) -> None:
    with pytest.raises(MalformedPolicy):
        Log(policy(f"witness w1 {{w1}} {url}", "quorum w1"), Net())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.integers(200, 599), st.binary(max_size=300), st.sampled_from(["text/x.tlog.size", "x"]))
def test_whatever_a_witness_says_the_log_publishes(status: int, body: bytes, media: str) -> None:
    log = Log(ONE, Net(w1=says(status, body, media)))
    assert log.publish(5) == []
    assert log.failures()


async def served(handle: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> asyncio.Server:
    """A server of loopback that reads a request and leaves the answer to `handle`."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await handle(writer)
        except (ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(connected, "127.0.0.1", 0)


def over_tcp(
    handle: Callable[[asyncio.StreamWriter], Awaitable[None]], seconds: float
) -> tuple[float, dict[str, int]]:
    """How long it took to publish without that witness, and why."""

    async def run() -> tuple[float, dict[str, int]]:
        server = await served(handle)
        port = server.sockets[0].getsockname()[1]
        asked = policy(f"witness w1 {{w1}} http://127.0.0.1:{port}", "quorum w1")
        witnesses = Witnesses(asked, ORIGIN, LEAVES.consistency)
        start = asyncio.get_running_loop().time()
        note = await witnesses.cosign(LEAVES.note(5), 5, seconds)
        took = asyncio.get_running_loop().time() - start
        assert verify_note(note, [LOG.key]).text == TEXT
        await witnesses.close()
        server.close()
        await server.wait_closed()
        return took, dict(witnesses.figures()[0].failures)

    return asyncio.run(run())


def test_an_answer_that_drips_ends_at_the_deadline() -> None:
    async def drips(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.005)

    took, failures = over_tcp(drips, 0.2)
    assert took < 5
    assert failures == {"timeout": 1}


def test_an_answer_without_end_is_read_up_to_its_limit() -> None:
    async def floods(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    took, failures = over_tcp(floods, PATIENT)
    assert took < PATIENT / 2
    assert failures == {"too_large": 1}


def test_a_small_answer_that_is_huge_inside_is_not_unpacked() -> None:
    async def bomb(writer: asyncio.StreamWriter) -> None:
        body = gzip.compress(bytes(10_000_000))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n")
        writer.write(b"content-length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()

    _, failures = over_tcp(bomb, PATIENT)
    assert len(failures) == 1
    assert set(failures) <= {"malformed", "no_cosignature"}


def test_what_is_no_http_is_as_good_as_nobody_there() -> None:
    async def other(writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-none\r\n\r\n")
        await writer.drain()

    assert over_tcp(other, PATIENT)[1] == {"unreachable": 1}


def test_nobody_there() -> None:
    async def run() -> dict[str, int]:
        server = await served(lambda _: asyncio.sleep(0))
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        asked = policy(f"witness w1 {{w1}} http://127.0.0.1:{port}", "quorum w1")
        witnesses = Witnesses(asked, ORIGIN, LEAVES.consistency)
        await witnesses.cosign(LEAVES.note(5), 5, PATIENT)
        await witnesses.close()
        return dict(witnesses.figures()[0].failures)

    assert asyncio.run(run()) == {"unreachable": 1}
