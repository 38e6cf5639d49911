"""A witness on a loopback address: the one that `tetrad witness` is, in this process.

with LoopbackWitness(folder / "witness", time.time) as witness:
    witness.know(*trust.log_keys)
    policy = Policy.parse(witness.policy)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from identity.errors import TetradError
from registry.note import VerifierKey
from resolver.settings import Settings
from resolver.simulator.lying.loopback import Loopback
from resolver.witness.app import witness_app
from resolver.witness.cosigning import Witness
from resolver.witness.folder import WitnessFolder

NAME = "witness.test"


class Heard(Witness):
    """A witness that remembers what it said last."""

    refused = ""
    """The code of its last answer; "" where it cosigned."""

    def add_checkpoint(self, body: bytes) -> bytes:
        """See Witness."""
        try:
            lines = super().add_checkpoint(body)
        except TetradError as error:
            self.refused = error.code
            raise
        self.refused = ""
        return lines


class LoopbackWitness(Loopback):
    """One witness, over a folder of its own that does not exist yet."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._folder = WitnessFolder.create(path, NAME)
        self.heard = Heard(self._folder.secrets, self._folder.store, clock)
        super().__init__(witness_app(self.heard, Settings()))

    @property
    def policy(self) -> str:
        """A policy that asks for this witness, where it answers."""
        return f"witness w {self._folder.secrets.keys[0]} {self.url}\nquorum w\n"

    def know(self, *keys: VerifierKey) -> None:
        """Trusts a log's keys."""
        for key in keys:
            self._folder.store.add_log(key)

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        self._folder.store.close()
