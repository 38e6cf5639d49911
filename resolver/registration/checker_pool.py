"""The checkers at work: fresh processes, fed through pipes without blocking the event loop.

Each checker answers its requests in their order, so one may be sent before the last is answered. A
checker that dies is replaced; what it was working on is refused with Busy, and sending it again is
safe.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from identity.errors import Busy
from resolver.folder import LogSecrets
from resolver.registration.checkers import decode_items, encode_items, encode_request
from resolver.registration.keyring import Keyring
from resolver.settings import Settings

logger = logging.getLogger("tetrad")

SOURCES = Path(__file__).resolve().parents[2]


class Checker:
    """One process, and the requests that it has not answered yet."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.known = 0
        """How many keys of the keyring it was told."""
        self.pending: deque[asyncio.Future[bytes]] = deque()
        self.alive = True
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, uniqueness: bytes) -> Checker:
        """Starts a process, which imports the pure parts alone; `uniqueness` is its first frame."""
        paths = [str(SOURCES), *filter(None, [os.environ.get("PYTHONPATH")])]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "resolver.registration.checkers"),
            stdin=PIPE,
            stdout=PIPE,
            stderr=None,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,  # an interrupt at the terminal is for the service to handle
        )
        checker = cls(process)
        checker._send(uniqueness)
        return checker

    def ask(self, request: bytes) -> asyncio.Future[bytes]:
        """Sends a request; the future holds the answer."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.pending.append(answer)
        self._send(request)
        return answer

    def _send(self, frame: bytes) -> None:
        assert self.process.stdin is not None  # noqa: S101 - it was started with a pipe
        self.process.stdin.write(len(frame).to_bytes(4) + frame)

    async def _read(self) -> None:
        source = self.process.stdout
        assert source is not None  # noqa: S101 - it was started with a pipe
        try:
            while True:
                head = await source.readexactly(4)
                frame = await source.readexactly(int.from_bytes(head))
                answer = self.pending.popleft()
                if not answer.done():
                    answer.set_result(frame)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.alive = False
            for answer in self.pending:
                if not answer.done():
                    answer.set_exception(
                        Busy("a checker has died", hint="send it again", retry_after=1)
                    )

    async def stop(self) -> None:
        """Lets it end, and waits for that."""
        assert self.process.stdin is not None  # noqa: S101 - it was started with a pipe
        self.process.stdin.close()
        await self.process.wait()
        await self._reading


class CheckerPool:
    """The checkers of one service."""

    def __init__(self, settings: Settings, secrets: LogSecrets, keyring: Keyring) -> None:
        self._settings = settings
        self._uniqueness = encode_items([secrets.uniqueness_alg.encode(), secrets.uniqueness])
        self._keyring = keyring
        self._checkers: list[Checker] = []
        self._repair = asyncio.Lock()

    async def start(self) -> None:
        """Starts the processes."""
        for _ in range(self._settings.checkers):
            self._checkers.append(await Checker.start(self._uniqueness))

    async def stop(self) -> None:
        """Ends them."""
        for checker in self._checkers:
            await checker.stop()
        self._checkers.clear()

    @property
    def processes(self) -> list[int]:
        """Their process ids."""
        return [checker.process.pid for checker in self._checkers]

    async def check(self, lines: Sequence[bytes]) -> list[bytes]:
        """What came of each line, in their order, as items that `read_item` reads.

        Raises Busy where a checker died.
        """
        await self._replace_dead()
        size = self._settings.chunk_lines
        chunks = [lines[start : start + size] for start in range(0, len(lines), size)]
        frames = await asyncio.gather(*(self._ask(chunk) for chunk in chunks))
        return [item for frame in frames for item in decode_items(frame)]

    def _ask(self, chunk: Sequence[bytes]) -> asyncio.Future[bytes]:
        checker = min(self._checkers, key=lambda one: len(one.pending))
        request = encode_request(self._keyring.since(checker.known), chunk)
        checker.known = self._keyring.count
        return checker.ask(request)

    async def _replace_dead(self) -> None:
        if all(checker.alive for checker in self._checkers):
            return
        async with self._repair:
            for place, checker in enumerate(self._checkers):
                if not checker.alive:
                    logger.error("a checker died; starting another")
                    await checker.process.wait()
                    self._checkers[place] = await Checker.start(self._uniqueness)
