"""After a fault: is everything there that was handed out, once, and nothing shown that is not?

The folder is opened as a start opens it, every receipt and checkpoint of the journal compared with
the ledger, the ledger audited; then the service runs again, with a clock that stands an hour
behind, gets every operation again, and all is compared once more.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

import orjson

from identity.errors import TetradError
from identity.jcs import canonicalize
from identity.keystore import Keystore
from identity.operation import operation_hash
from registry.audit import audit
from registry.entry import join_entry
from registry.note import decode64
from registry.receipt import TlogProof
from registry.rules import RuleBook
from registry.tile import parse_tile_path
from resolver.folder import SANDBOX_PASSPHRASE, DataFolder
from resolver.registration.writer import Receipted
from resolver.schemes import SCHEMES
from resolver.service import Service
from resolver.trust import Trust
from resolver.verifier import verify_receipt
from tests.factory import NOW, Signed
from tests.faults.published import Tree, check_published, read_folder
from tests.faults.story import (
    Journal,
    Places,
    deck,
    open_or_begin,
    publish,
    read_journal,
    serving,
    submit,
)

LOST = "lost"
DOUBLED = "doubled"
UNSIGNED = "unsigned"
HALF = "half"
RESTART = "restart"
KINDS = (LOST, DOUBLED, UNSIGNED, HALF, RESTART)
"""An acknowledged operation that is gone or elsewhere; one that stands there twice; something
signed or shown that the ledger does not follow; a tile that is not whole; a folder that does not
start."""

Json = dict[str, Any]


class Finding(NamedTuple):
    """One thing that must not be."""

    kind: str
    text: str


class Examination:
    """Looks at the folder of one run; `findings` is empty where all is well."""

    def __init__(self, places: Places, *, wallet: bool = False, now: int = NOW) -> None:
        """`wallet`: whether the authority's is opened too. `now`: the `created` of the deck."""
        self.places = places
        self._now = now
        self.findings: list[Finding] = []
        self._wallet = wallet
        self._trust: Trust | None = None

    def examine(self) -> list[Finding]:
        """All of it."""
        # Read before anything is opened: what a client of a file server would have fetched.
        kept, published = self._kept(), read_folder(self.places.publish)
        before = read_journal(self.places.journal)
        with self._finding(RESTART, "the folder after the fault"):
            present = self._look(before, kept, published)
            genesis = self._serve(present)
            after = read_journal(self.places.journal)
            published = read_folder(self.places.publish)
            final = self._look(after, self._kept(), published, final=True)
            self._complete(final, genesis)
        return self.findings

    @contextmanager
    def _finding(self, kind: str, what: str) -> Iterator[None]:
        try:
            yield
        except TetradError as error:
            self._found(kind, f"{what}: {error.code}: {error.detail}")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            self._found(kind, f"{what}: {type(error).__name__}: {error}")

    def _found(self, kind: str, text: str) -> None:
        self.findings.append(Finding(kind, text))

    def _kept(self) -> bytes | None:
        path = self.places.data / "checkpoint"
        return path.read_bytes() if path.exists() else None

    def _look(
        self,
        journal: list[Json],
        kept: bytes | None,
        published: dict[str, bytes],
        *,
        final: bool = False,
    ) -> dict[str, list[int]]:
        """Opens the folder, compares and audits; where each operation stands, by its hash."""
        with closing(open_or_begin(self.places)) as folder:
            store, head = folder.store, folder.store.head()
            entries = store.entries(0, head.size if head else 0)
            tree, trust = Tree(entries), Trust.begin(folder.genesis)
            if head is None or (head.size, head.root) != (tree.size, tree.roots[-1]):
                self._found(UNSIGNED, "the head is not that of the entries")
            if self._trust is not None and self._trust.ledger != trust.ledger:
                self._found(LOST, "the ledger that was there is another one now")
            self._trust = trust
            if kept is not None:
                with self._finding(UNSIGNED, "the kept checkpoint"):
                    tree.check_note(kept, trust.log_keys)
            with self._finding(HALF, "the publish folder"):
                size = check_published(published, tree, trust.log_keys)
                assert not final or size == tree.size, (
                    f"{size} of {tree.size} entries are published"
                )
            present = self._operations(entries)
            for line in journal:
                self._compare(line, tree, present, trust)
            with self._finding(RESTART, "the audit"):
                audit(store, RuleBook(SCHEMES), genesis=trust.ledger, stored=store)
            if self._wallet:
                self._open_wallet(folder)
            return present

    def _operations(self, entries: Sequence[bytes]) -> dict[str, list[int]]:
        """Where each operation stands; looks at the times as well."""
        found: dict[str, list[int]] = {}
        times = []
        for index, entry in enumerate(entries):
            read = orjson.loads(entry)
            times.append(read["time"])
            if "operation" in read:  # an entry of the log itself has none
                found.setdefault(operation_hash(read["operation"]), []).append(index)
        if times != sorted(times):
            self._found(UNSIGNED, f"the clock of the entries ran back: {times}")
        for hash_, indexes in found.items():
            if len(indexes) > 1:
                self._found(DOUBLED, f"{hash_} stands at {indexes}")
        return found

    def _compare(
        self, line: Json, tree: Tree, present: Mapping[str, list[int]], trust: Trust
    ) -> None:
        """One line of the journal with the ledger as it is now."""
        if line["kind"] == "ledger" and line["genesis"] != trust.genesis:
            self._found(LOST, "the genesis is another one")
        elif line["kind"] == "receipt":
            with self._finding(LOST, f"the receipt of entry {line['index']}"):
                compare_receipt(line, tree, present, trust)
        elif line["kind"] == "checkpoint":
            with self._finding(UNSIGNED, "a published checkpoint"):
                tree.check_note(line["note"].encode(), trust.log_keys)
            with self._finding(HALF, "a served tile"):
                for path, data in line["tiles"].items():
                    assert decode64(data) == tree.tile(parse_tile_path(path)), path

    def _open_wallet(self, folder: DataFolder) -> None:
        """The authority's keys, which the genesis names, are in the wallet."""
        path = folder.path / "authority.wallet"
        with self._finding(LOST, "the authority's wallet"):
            with Keystore.open(path, SANDBOX_PASSPHRASE, os.urandom) as keystore:
                assert self._trust is not None
                keystore.wallet.methods(self._trust.authority)
            self._wallet = False

    def _serve(self, present: Mapping[str, list[int]]) -> Json:
        """The service again, with every operation sent again; the genesis."""
        with serving(self.places, self._now - 3600) as service:
            asyncio.run(self._resend(service, present))
            return service.site.genesis

    async def _resend(self, service: Service, present: Mapping[str, list[int]]) -> None:
        journal = Journal(self.places.journal)
        await service.start()
        try:
            for step in deck(service.site.genesis, self._now):
                lines = [one.submission for one in step]
                for one, outcome in zip(step, await service.submit_batch(lines), strict=True):
                    self._compare_outcome(one, outcome, present.get(one.hash, []))
                await submit(service, journal, step)
            await publish(service, journal)
        finally:
            await service.stop()

    def _compare_outcome(
        self, one: Signed, outcome: Receipted | TetradError, indexes: list[int]
    ) -> None:
        type_ = one.operation["type"]
        if isinstance(outcome, TetradError):
            self._found(RESTART, f"{type_}, sent again: {outcome.code}: {outcome.detail}")
        elif outcome.repeated != bool(indexes):
            self._found(DOUBLED, f"{type_}: repeated={outcome.repeated}, it stood at {indexes}")
        elif indexes and outcome.index != indexes[0]:
            self._found(DOUBLED, f"{type_} moved from {indexes} to {outcome.index}")

    def _complete(self, present: Mapping[str, list[int]], genesis: Json) -> None:
        """At the end each operation stands there, and nothing else does."""
        expected = {one.hash for step in deck(genesis, self._now) for one in step}
        expected.add(operation_hash(genesis))
        if missing := expected - present.keys():
            self._found(LOST, f"missing at the end: {sorted(missing)}")
        if strange := present.keys() - expected:
            self._found(DOUBLED, f"nobody sent {sorted(strange)}")


def compare_receipt(line: Json, tree: Tree, present: Mapping[str, list[int]], trust: Trust) -> None:
    """A receipt that was handed out, with the ledger. Raises AssertionError or a TetradError."""
    operation, index, receipt = line["operation"], line["index"], line["receipt"].encode()
    verified = verify_receipt(receipt, operation, trust.pinned)
    assert verified.index == index
    assert present.get(operation_hash(operation)) == [index], "it does not stand there"
    proof = TlogProof.parse(receipt)
    assert tree.entries[index] == join_entry(proof.extra, canonicalize(operation))
    tree.check_note(proof.checkpoint, trust.log_keys)
