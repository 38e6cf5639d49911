"""Publication: what was cosigned stays so for its tree, though its witness is gone by now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from identity.errors import LedgerStopped, TetradError
from registry.note import Note
from resolver.publication import Publication, with_cosignatures
from resolver.registration.writer import Writer
from tests.factory import LOG, NOW, QUANTUM, City
from tests.witnesses import Leaves, cosigner, lines_of

LEAVES = Leaves(8)


class Closed:
    """A writer whose tree is closed."""

    failure = None

    def __init__(self, size: int) -> None:
        self.size = size

    async def close(self) -> int:
        return self.size

    async def run(self, step: Callable[[], Any]) -> Any:
        return step()


def test_a_witness_that_is_gone_leaves_its_cosignature() -> None:
    city = City()
    city.accept(city.new_organization("Acme").first or city.genesis)
    size = city.ledger.close(city.now)
    asked: list[bytes] = []

    async def cosign(note: bytes, _: int) -> tuple[bytes, bool]:
        asked.append(note)
        if len(asked) > 1:
            return note, True
        return note + lines_of(cosigner("w1"), note=note), True

    async def story() -> None:
        publication = Publication(
            cast("Writer", Closed(size)),
            city.ledger,
            city.store,
            lambda _: [LOG, QUANTUM],
            lambda: NOW,
            every=0.01,
            cosign=cosign,
        )
        publication.start()
        await publication.covering(size)
        await publication.stop()  # publishes once more

    asyncio.run(story())
    note = city.store.published(size)
    assert note is not None
    assert len(asked) == 2
    names = [line.name for line in Note.parse(note).signatures]
    assert names == [LOG.key.name, QUANTUM.key.name, cosigner("w1").key.name]


def test_what_ends_publication_is_told() -> None:
    class Broken(Closed):
        async def close(self) -> int:
            raise LedgerStopped("the disk is full")

    async def story() -> TetradError | None:
        city = City()
        publication = Publication(
            cast("Writer", Broken(1)), city.ledger, city.store, lambda _: [LOG], lambda: NOW, 0.01
        )
        publication.start()
        with pytest.raises(LedgerStopped):
            await publication.covering(1)
        return publication.failure

    failure = asyncio.run(story())
    assert failure is not None
    assert "the disk is full" in failure.detail


def test_lines_are_not_carried_to_another_tree() -> None:
    before = LEAVES.note(4) + lines_of(cosigner("w1"), note=LEAVES.note(4))
    fresh = LEAVES.note(5)
    assert with_cosignatures(fresh, before) == fresh
    assert with_cosignatures(fresh, None) == fresh


def test_a_line_that_is_made_anew_takes_the_place_of_the_old_one() -> None:
    before = LEAVES.note(4) + lines_of(cosigner("w1"), note=LEAVES.note(4))
    fresh = LEAVES.note(4)
    carried = Note.parse(with_cosignatures(fresh, before))
    assert carried.signatures[:2] == Note.parse(fresh).signatures
    assert [line.name for line in carried.signatures[2:]] == [cosigner("w1").key.name]
