"""A witness at work: what it decides, keeps and signs, in that order, before it answers.

    witness = Witness(folder.secrets, folder.store, time.time)
    lines = witness.add_checkpoint(body)          # cosignature lines; on disk, or an error

Its clock never runs back. Where the machine's has, a little is made up for by stating the last time
again; after more than that it signs nothing, since the time would be a lie.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Final

from identity.errors import TetradError, Unavailable
from registry.note import Note
from registry.witness import Opened, check_advance, forks, open_request
from resolver.witness.folder import WitnessSecrets
from resolver.witness.store import Place, WitnessStore

MOST_SECONDS_BACK: Final = 60
"""By which the clock may be behind the newest time that was cosigned."""


class Witness:
    """One witness. Its methods may be called from any thread."""

    def __init__(
        self, keys: WitnessSecrets, store: WitnessStore, clock: Callable[[], float]
    ) -> None:
        self._signers = keys.signers
        self._store = store
        self._clock = clock

    def add_checkpoint(self, body: bytes) -> bytes:
        """Cosigns the checkpoint of a request; the new lines, one for each key.

        Raises what registry/witness.py raises, and Unavailable where nothing can be signed now.
        """
        opened = open_request(body, self._store.log_keys)
        origin = opened.checkpoint.origin
        contradicted = b""
        try:
            with self._store.advance(origin) as place:
                if forks(opened, place.head):
                    contradicted = place.note
                check_advance(opened, place.head)
                return self._cosign(opened, place)
        except TetradError:
            if contradicted:
                shown = opened.note.format()
                self._store.keep_evidence(origin, int(self._clock()), contradicted, shown)
            raise

    def checkpoint(self, name: bytes) -> bytes | None:
        """The checkpoint that was cosigned last, with its cosignatures, by the SHA-256 of its
        origin; None before the first."""
        return self._store.checkpoint(name)

    def _cosign(self, opened: Opened, place: Place) -> bytes:
        now = int(self._clock())
        if now < place.time - MOST_SECONDS_BACK:
            raise Unavailable(
                f"the clock is {place.time - now} seconds behind what was cosigned already"
            )
        time = max(now, place.time, 1)  # 0 would be no time (C2SP tlog-witness)
        text, lines = opened.note
        cosignatures = tuple(signer.sign(text, time) for signer in self._signers)
        note = Note(text, (*lines, *cosignatures))
        name = sha256(opened.checkpoint.origin.encode()).digest()
        place.keep(opened.head, note.format(), time, name)
        # What is returned leaves this process only after the transaction around it is on disk.
        return Note(text, cosignatures).format().removeprefix(text.encode() + b"\n")
