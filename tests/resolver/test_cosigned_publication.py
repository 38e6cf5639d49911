"""Publications of a service with witnesses: none of them holds up more than it may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from identity.errors import QuorumMissing
from registry.policy import Policy
from registry.witness import AddCheckpoint
from resolver.freshness import age_of
from resolver.publication import RESTAMP_SECONDS
from resolver.service import Service
from resolver.settings import Settings
from resolver.trust import Trust
from tests.factory import NOW, Maker
from tests.resolver.publishing import RecordingSite, size_of, until
from tests.witnesses import cosigner, lines_of, policy

WITNESS_SECONDS = 1
"""That a publication waits, where a test waits for it to have waited."""
PATIENT = 60
"""That it waits for a witness that answers at once, however loaded this machine is."""


class LoopbackWitness:
    """One witness on loopback: it answers nothing, refuses, or cosigns, as it is told."""

    def __init__(self, name: str = "w1") -> None:
        self.name = name
        self.asked = 0
        self.mode = "cosigns"
        self.wakes = asyncio.Event()
        self.policy: Policy

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, with one request after another."""
        try:
            while head := await self._head(reader):
                body = await reader.readexactly(head)
                self.asked += 1
                if self.mode == "is silent":
                    await self.wakes.wait()
                writer.write(self._response(body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _head(self, reader: asyncio.StreamReader) -> int:
        """The length of the body of a request; 0 at the end of the connection."""
        length = 0
        while (line := await reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return length

    def _response(self, body: bytes) -> bytes:
        status, content = b"403 Forbidden", b"no\n"
        if self.mode != "refuses":
            note = AddCheckpoint.parse(body).note
            status = b"200 OK"
            content = lines_of(cosigner(self.name), note=note, time=NOW)
        return b"HTTP/1.1 %b\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n%b" % (
            status,
            len(content),
            content,
        )


@asynccontextmanager
async def listening(witness: LoopbackWitness) -> AsyncIterator[None]:
    """The witness at an address of its own, which its policy then names."""
    server = await asyncio.start_server(witness.answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    name = witness.name
    witness.policy = policy(f"witness {name} {{{name}}} http://127.0.0.1:{port}", f"quorum {name}")
    try:
        yield
    finally:
        server.close()


Story = Callable[[Service, Maker, LoopbackWitness], Awaitable[Any]]


def run(story: Story, mode: str = "cosigns", seconds: int = PATIENT) -> None:
    """Tells a story about a service with one witness, which is the quorum."""
    maker = Maker()
    site = RecordingSite(maker, [])

    async def told() -> None:
        witness = LoopbackWitness()
        witness.mode = mode
        async with listening(witness):
            settings = Settings(checkers=0, checkpoint_seconds=0, witness_seconds=seconds)
            service = Service(settings, site, lambda: float(NOW), witnesses=witness.policy)
            await service.start()
            try:
                await story(service, maker, witness)
            finally:
                await service.stop()

    asyncio.run(told())


def organization(maker: Maker, name: str) -> bytes:
    first = maker.new_organization(name).first
    assert first is not None
    return first.submission


def cosigned(maker: Maker, note: bytes, asked: Policy) -> str:
    """Who dates a checkpoint for a client with that policy. Raises QuorumMissing."""
    trust = Trust.begin(maker.genesis.operation).asking(asked.format())
    return age_of(trust.pinned.open(note), asked, NOW).by


def test_what_is_published_bears_the_cosignature_and_is_stored_with_it() -> None:
    async def story(service: Service, maker: Maker, witness: LoopbackWitness) -> None:
        published = await service.checkpoint()
        assert cosigned(maker, published.note, witness.policy) == "witnesses"
        assert service.store.published(published.size) == published.note
        assert service.publication.cosigned

    run(story)


def test_a_witness_that_never_answers_holds_up_no_registration() -> None:
    async def story(service: Service, maker: Maker, witness: LoopbackWitness) -> None:
        await until(lambda: witness.asked == 1)
        assert service.publication.current is None  # it waits for the witness
        for n in range(5):
            receipted = await service.submit(organization(maker, f"Org {n}"))
            assert receipted.receipt
        assert service.publication.current is None
        witness.wakes.set()
        assert (await service.checkpoint()).size == service.reader.head().size
        assert service.publication.cosigned

    run(story, "is silent")


def test_a_witness_that_never_answers_holds_up_a_publication_by_the_bound_alone() -> None:
    async def story(service: Service, maker: Maker, witness: LoopbackWitness) -> None:
        loop = asyncio.get_running_loop()
        await until(lambda: witness.asked == 1)
        began = loop.time()
        published = await service.publication.covering(1)
        assert WITNESS_SECONDS / 2 < loop.time() - began < 10 * WITNESS_SECONDS
        assert not service.publication.cosigned
        assert len(published.note.decode().partition("\n\n")[2].splitlines()) == 2  # the log's own
        # It is left alone for now: the next publication does not wait at all.
        await service.submit(organization(maker, "Next"))
        again = await service.checkpoint()
        assert again.size > published.size

    run(story, "is silent", seconds=WITNESS_SECONDS)


def test_without_its_quorum_it_is_published_and_the_witness_asked_again_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passed = looked = 0

    def monotonic() -> float:
        nonlocal looked
        looked += 1
        return passed

    monkeypatch.setattr("resolver.publication.time", SimpleNamespace(monotonic=monotonic))
    monkeypatch.setattr("resolver.witnessing.FIRST_PAUSE", 1e-9)  # seconds: it may be asked again

    async def story(service: Service, maker: Maker, witness: LoopbackWitness) -> None:
        nonlocal passed
        first = await service.publication.covering(1)
        with pytest.raises(QuorumMissing):
            cosigned(maker, first.note, witness.policy)
        witness.mode = "cosigns"
        while not service.publication.cosigned:
            passed += 1
            assert passed < RESTAMP_SECONDS / 2, "it waited for the next minute"
            seen = looked + 4  # looks at the time, between which it publishes if that is due
            await until(lambda seen=seen: looked >= seen)  # type: ignore[misc]
        published = service.publication.current
        assert published is not None
        assert published.size == first.size == size_of(published.note)
        assert cosigned(maker, published.note, witness.policy) == "witnesses"
        assert service.store.published() == published.note

    run(story, "refuses")
