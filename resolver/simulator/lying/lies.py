"""What a lying operator does, and who must catch it.

    for lie in LIES:
        scene = lie.play(world)           # what is shown before, and the lie
        lie.caught                        # by watcher, the code with which it refuses it

A watcher that `caught` does not name looks, and finds nothing wrong: what the lie falsifies is
nothing that it reads, or nothing that anybody could see from there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from registry.merkle import HASH_SIZE
from registry.note import Note, Signature
from registry.reader import LedgerReader
from registry.receipt import TlogProof
from registry.tile import decode_bundle, encode_bundle
from resolver.simulator.life import happen
from resolver.simulator.lying.history import Bent, forged
from resolver.simulator.lying.registry import Shown, Tamper
from resolver.simulator.lying.scenes import FULL, Lie, Scene, World
from resolver.simulator.lying.watching import Question

HOUR = 3_600
BACK = 120
"""Seconds that the clock runs back: the rule book allows `created` to be so far ahead."""


LIES: list[Lie] = []

CLIENTS = ("client", "client that remembers", "client with policy")
ENTRIES = {"monitor": "evidence.tampered", "audit": "evidence.tampered"}
"""Who replays the entries."""
TILES = {**ENTRIES, "mirror": "evidence.tampered"}
"""Who reads the tiles."""


def _lie(
    name: str, *caught: dict[str, str], proved: str = "", **by: str
) -> Callable[[Callable[[World], Scene]], None]:
    def listed(play: Callable[[World], Scene]) -> None:
        merged = {who: code for part in caught for who, code in part.items()}
        merged |= {who.replace("_", " "): code for who, code in by.items()}
        LIES.append(Lie(name, " ".join((play.__doc__ or "").split()), merged, play, proved))

    return listed


def _by(who: tuple[str, ...], code: str) -> dict[str, str]:
    return dict.fromkeys(who, code)


def _scene(world: World, after: Shown, question: Question | None = None, **more: Any) -> Scene:
    before = more.pop("before", None) or world.honest()
    return Scene(before, after, question or world.about(), after.clock + 10, **more)


# Two histories


_FORKED = {
    **_by(("client that remembers", "monitor", "mirror"), "evidence.fork"),
    "client with policy": "evidence.witnesses",
}


@_lie("two trees of one size", _FORKED, witness="evidence.fork", proved="fork")
def _one_size(world: World) -> Scene:
    """A checkpoint is signed twice at one size, over two histories."""
    one, other = world.further(2)
    shown = world.honest(world.grown(one))
    return _scene(world, world.later(world.grown(other)), before=shown)


@_lie("a history rewritten", _FORKED, witness="evidence.consistency", proved="fork")
def _rewritten(world: World) -> Scene:
    """The newest entries are replaced, and more are written behind them."""
    one, *others = world.further(3)
    shown = world.honest(world.grown(one))
    return _scene(world, world.later(world.grown(*others)), before=shown)


@_lie(
    "a split view",
    client_with_policy="evidence.witnesses",
    witness="evidence.fork",
    monitor="evidence.fork",
    proved="fork",
)
def _split(world: World) -> Scene:
    """Clients are shown another history than everybody else, each the same one from then on; the
    monitor is told of both addresses (`--against`)."""
    one, other = world.further(2)
    aside = world.later(world.grown(other))
    return _scene(world, world.later(world.grown(one)), aside=aside)


@_lie("a receipt for an entry that is left out", client_that_remembers="evidence.fork")
def _left_out(world: World) -> Scene:
    """A client gets a receipt; then the entry is left out of what is published, and another one
    stands there. Nobody else has seen it."""
    one, other = world.further(2)
    given = world.grown(one)
    signed = world.base.registration(one)
    index = world.base.size
    reader = LedgerReader(given.store)
    extra = reader.entry(index)
    context = extra[: extra.index(b',"operation":')] + extra[extra.rindex(b',"previous":') :]
    note, hashes = reader.checkpoint(index + 1), reader.inclusion(index, index + 1)
    receipt = TlogProof(index, tuple(hashes), context, note).format()
    question = Question(world.about().code, (signed, receipt))
    after = world.grown(other)
    return _scene(world, world.later(after), question)


# Going back


@_lie(
    "a rollback",
    _by(("client that remembers", "monitor", "mirror"), "evidence.rollback"),
    client_with_policy="evidence.witnesses",
    witness="conflict",
    proved="rollback",
)
def _rollback(world: World) -> Scene:
    """The database is set back to an older state, which is signed and dated anew."""
    shown = world.honest(world.grown(*world.further()))
    return _scene(world, world.later(world.base.copy()), before=shown)


@_lie(
    "the newest entries held back",
    _by(("client that remembers", "monitor", "mirror"), "evidence.rollback"),
    client_with_policy="evidence.stale",
)
def _held_back(world: World) -> Scene:
    """An old checkpoint, cosigned when it was new, is shown for an hour."""
    old = world.honest()
    shown = world.honest(world.grown(*world.further()))
    return Scene(shown, old, world.about(), world.now + HOUR, earlier=old)


# States that do not follow


@_lie("a revocation kept out of the state", ENTRIES)
def _hidden(world: World) -> Scene:
    """A revocation stands in the ledger, and the device in the state as if nothing had
    happened."""
    history = world.base.copy()
    revoked = happen(history.fleet, history.plain(), "revoke", history.created)
    history.write(revoked, rules=Bent(drop=lambda _: True))
    return _scene(world, world.later(history.seal()))


@_lie("a stale root of the state", ENTRIES)
def _stale(world: World) -> Scene:
    """Entries are added, and the root of the state stays what it was."""
    history, numbers = world.base.copy(), world.further(3)
    for n in numbers:
        history.write(history.registration(n), rules=Bent(drop=lambda _: True))
    return _scene(world, world.later(history.seal()), Question(world.code(numbers[0])))


@_lie("a forged state without a code", ENTRIES)
def _forged_absence(world: World) -> Scene:
    """A code is registered, and its absence proved by a state that was made without it."""
    history, (n,) = world.base.copy(), world.further()
    history.write(history.registration(n), rules=Bent(drop=lambda key: key[0] == "code"))
    return _scene(world, world.later(history.seal()), Question(world.code(n)))


@_lie("a tree without a root of the state", ENTRIES, _by(CLIENTS, "evidence.answer"))
def _unsealed(world: World) -> Scene:
    """What is published ends in an operation, so that nothing says what the newest state is."""
    history, (n,) = world.base.copy(), world.further()
    history.write(history.registration(n))
    return _scene(world, world.later(history, unsealed=True))


# Entries that cannot be


@_lie("two devices with one code", ENTRIES)
def _two_devices(world: World) -> Scene:
    """The rule book is bent: a code that is taken is registered again."""
    history, (n,) = world.base.copy(), world.further()
    fleet, taken = history.fleet, history.plain().code
    signed = fleet.registration(fleet.device(n), history.created, code=taken._asdict())
    history.write(signed, rules=Bent(blind=("code",)))
    return _scene(world, world.later(history.seal()))


@_lie("a prefix granted twice", ENTRIES)
def _two_prefixes(world: World) -> Scene:
    """The rule book is bent: an organization takes a prefix that another one holds."""
    history = world.base.copy()
    fleet = history.fleet
    scheme, prefix = next(fleet.blocks(1))
    takes = fleet.takes(fleet.maker, scheme, prefix, history.created)
    history.write(takes, rules=Bent(blind=("prefix",)))
    return _scene(world, world.later(history.seal()))


@_lie("a forged signature", ENTRIES, proved="entry")
def _forged_signature(world: World) -> Scene:
    """A device is registered whose key has not signed that."""
    history, (n,) = world.base.copy(), world.further()
    history.append(map(forged, history.checked(history.registration(n))))
    return _scene(world, world.later(history.seal()))


@_lie("a clock that ran back", ENTRIES, proved="entry")
def _clock(world: World) -> Scene:
    """An entry is older than the one before it."""
    history, (n,) = world.base.copy(), world.further()
    history.append(history.checked(history.registration(n)), back=BACK)
    return _scene(world, world.later(history.seal()))


# Keys and cosignatures


@_lie(
    "a replaced log key that signs on",
    _by(("client that remembers", "monitor", "mirror", "audit"), "evidence.checkpoint"),
)
def _old_key(world: World) -> Scene:
    """The log's keys were rotated; a later tree is signed by the old ones."""
    history = world.base.copy()
    history.write(history.rotated())
    history.seal()
    grown = history.copy().register(world.further())
    after = world.later(grown, signers=grown.secrets.sets[0])
    return _scene(world, after, before=world.honest(history))


@_lie("no cosignature", client_with_policy="evidence.witnesses")
def _no_witness(world: World) -> Scene:
    """The witnesses are not asked."""

    async def nobody(note: bytes, _: int) -> tuple[bytes, bool]:
        return note, False

    return _scene(world, world.later(world.grown(*world.further()), cosign=nobody))


@_lie("an old cosignature under a new tree", client_with_policy="evidence.checkpoint")
def _copied(world: World) -> Scene:
    """The witness's line under an older checkpoint is copied to a newer one."""
    base = world.base.copy()
    before = world.honest(base)

    async def copied(note: bytes, _: int) -> tuple[bytes, bool]:
        text, lines = Note.parse(note)
        old = Note.parse(base.store.published() or b"").signatures
        return Note(
            text, (*lines, *(one for one in old if one.name != base.secrets.origin))
        ).format(), True

    after = base.copy().register(world.further())
    return _scene(world, world.later(after, cosign=copied), before=before)


@_lie("a forged cosignature", client_with_policy="evidence.checkpoint")
def _forged_cosignature(world: World) -> Scene:
    """A line bears the witness's name and key ID, and no signature of it."""
    base = world.base.copy()
    before = world.honest(base)

    async def made_up(note: bytes, _: int) -> tuple[bytes, bool]:
        text, lines = Note.parse(note)
        old = Note.parse(base.store.published() or b"").signatures
        false = [
            Signature(one.name, one.id, one.signature[:8] + bytes(len(one.signature) - 8))
            for one in old
            if one.name != base.secrets.origin
        ]
        return Note(text, (*lines, *false)).format(), True

    after = base.copy().register(world.further())
    return _scene(world, world.later(after, cosign=made_up), before=before)


# Answers and files


def _answers(change: Callable[[dict[str, Any], int], tuple[dict[str, Any], int]]) -> Tamper:
    def tamper(path: str, status: int, body: bytes) -> tuple[int, bytes]:
        if path != "/v1/resolve":
            return status, body
        changed, status = change(orjson.loads(body), status)
        return status, orjson.dumps(changed)

    return tamper


@_lie("a doctored record", _by(CLIENTS, "evidence.state"))
def _doctored(world: World) -> Scene:
    """An answer shows a revoked device as active, with the true proof."""
    history = world.base.copy()
    history.write(happen(history.fleet, history.plain(), "revoke", history.created))

    def active(gone: dict[str, Any], _: int) -> tuple[dict[str, Any], int]:
        answer = gone["answer"]
        answer["device"]["status"] = "active"
        return answer, 200

    return _scene(world, world.later(history.seal(), tamper=_answers(active)))


@_lie("a suspension left out of an answer", _by(CLIENTS, "evidence.answer"))
def _forgotten(world: World) -> Scene:
    """The operations that an answer shows end before the suspension; its record is the true
    one."""
    history = world.base.copy()
    history.write(happen(history.fleet, history.plain(), "suspend", history.created))

    def shorter(answer: dict[str, Any], status: int) -> tuple[dict[str, Any], int]:
        answer["proof"]["entries"].pop()
        return answer, status

    return _scene(world, world.later(history.seal(), tamper=_answers(shorter)))


@_lie("a doctored absence", _by(CLIENTS, "evidence.state"))
def _doctored_absence(world: World) -> Scene:
    """A registered code is said not to be, with the proof of its presence cut to fit."""

    def absent(answer: dict[str, Any], _: int) -> tuple[dict[str, Any], int]:
        for record in answer["proof"]["records"]:
            record.pop("record", None)
        problem = {"code": "not_found", "status": 404, "title": "Not found", "detail": "none"}
        fit = {name: answer["proof"][name] for name in ("checkpoint", "state", "records")}
        return {**problem, "proof": fit}, 404

    return _scene(world, world.later(world.base.copy(), tamper=_answers(absent)))


@_lie("an old root under a new checkpoint", _by(CLIENTS, "evidence.answer"))
def _old_root(world: World) -> Scene:
    """An answer stands on the root of an older state, which is passed off as the newest tree's."""
    (last,) = world.early.store.entries(world.early.size - 1, world.early.size)
    root = orjson.loads(last)["state_root"]

    def old(answer: dict[str, Any], status: int) -> tuple[dict[str, Any], int]:
        answer["proof"]["state"]["entry"]["state_root"] = root
        return answer, status

    return _scene(world, world.later(world.base.copy(), tamper=_answers(old)))


def _files(pattern: str, change: Callable[[bytes], bytes]) -> Tamper:
    matches = re.compile(pattern).fullmatch

    def tamper(path: str, status: int, body: bytes) -> tuple[int, bytes]:
        return status, change(body) if matches(path) and status == 200 else body

    return tamper


@_lie("a tile cut short under its full path", TILES)
def _short_tile(world: World) -> Scene:
    """A full tile has fewer hashes than its path says."""
    cut = _files("/tile/0/000", lambda tile: tile[: 9 * HASH_SIZE])
    after = world.later(world.large.copy(), tamper=cut)
    return _scene(world, after, before=world.honest())


@_lie("two entries exchanged in a bundle", TILES)
def _exchanged(world: World) -> Scene:
    """A bundle holds the entries of its tile in another order."""

    def exchange(bundle: bytes) -> bytes:
        entries = decode_bundle(bundle, FULL)
        entries[100], entries[101] = entries[101], entries[100]
        return encode_bundle(entries)

    after = world.later(world.large.copy(), tamper=_files("/tile/entries/000", exchange))
    return _scene(world, after, before=world.honest())
