"""The tree of nodes as a directory: dialects are answered out of it as out of one ledger.

What a dialect says has no place for the age of an answer. That it is an old one, since a node on
the way is down, is told in the header `Cache-Status`, which `telling_old_answers` adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Final

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from identity.did import parse_tetrad_did
from identity.errors import Delegated, MalformedCode, NotFound, TetradError
from registry.state import LinksRecord
from resolver.handles.encoding import HandleValue
from resolver.recursion.cache import FOUND, NONE, Kept, as_stale
from resolver.recursion.recursing import Recursor, Served
from resolver.resolution import Asked, Found
from resolver.schemes import SCHEMES, Code

_OLD: Final[ContextVar[list[TetradError] | None]] = ContextVar("old", default=None)
"""Why what a response says is old, as far as that is known while it is made."""


def cache_status(why: TetradError) -> str:
    """The header of an answer that is an old one (RFC 9211)."""
    return f"tetrad; hit; fwd=stale; detail={why.code}"


def telling_old_answers(app: ASGIApp) -> ASGIApp:
    """An application that says of each response whether it rests on an old answer of the tree."""

    async def telling(scope: Scope, receive: Receive, send: Send) -> None:
        old: list[TetradError] = []
        _OLD.set(old)

        async def told(message: Message) -> None:
            if old and message["type"] == "http.response.start":
                status = (b"cache-status", cache_status(old[0]).encode())
                message["headers"] = [*message.get("headers", ()), status]
            await send(message)

        await app(scope, receive, told)

    return telling


class TreeDirectory:
    """See resolver.directory.Directory."""

    def __init__(self, recursor: Recursor) -> None:
        self._recursor = recursor

    def code(self, text: str, scheme: str | None = None) -> Asked:
        """What is asked by a code in clear. Raises InvalidIdentifier."""
        code = SCHEMES.read(text, scheme)
        if SCHEMES.is_number(code.scheme) or SCHEMES.is_committed(code.scheme):
            raise MalformedCode(
                f"a value of {code.scheme} is known to its own ledger alone",
                hint="ask the node of that ledger: it is not passed on to others",
            )
        return Asked(("code", code.scheme, code.value), code)

    def did(self, did: str) -> Asked:
        """What is asked by a DID. Raises MalformedInput."""
        parse_tetrad_did(did)
        return Asked(("did", did))

    async def find(self, asked: Asked, *, at: str | None = None) -> Found:
        """The device, now or at a time. Raises NotFound, NodeUnreachable, NodeRefused, Busy."""
        kept = self._told(await self._recursor.find(asked.key, at))
        if kept.status == NONE:
            raise _missing(asked)
        return Found(kept.record, kept.entry, asked, at)

    def granted(self, prefix: str) -> list[HandleValue]:
        """See resolver.api.handles.Proving. Raises NotFound: a grant is told by who gave it."""
        raise NotFound(
            f"to whom {prefix[:80]} was granted is told by the ledger that granted it",
            hint="ask the root, or the node that a handle under this prefix leads to",
        )

    async def answer(self, asked: Asked) -> bytes:
        """See resolver.api.handles.Proving."""
        served = await self._recursor.find(asked.key)
        kept = self._told(served)
        if kept.status == NONE:
            raise _missing(asked)
        proved = kept.proved if served.stale is None else as_stale(kept.proved, served.stale)
        # What has ended is kept as the error that says so, with the answer in it.
        return proved if kept.status == FOUND else orjson.dumps(_answer_in(proved))

    async def links(self, codes: Sequence[Code]) -> list[LinksRecord | None]:
        """Raises Delegated: links are asked of the node that answers for the code, which is looked
        for and proved. Raises NodeUnreachable, NodeRefused, Busy."""
        asked = self.code(codes[0].value, codes[0].scheme)
        kept = self._told(await self._recursor.find(asked.key))
        raise Delegated(
            f"the node {kept.node['origin']} answers for this code, and has its links",
            hint="ask it",
            referral={"node": kept.node},
        )

    @staticmethod
    def _told(served: Served) -> Kept:
        old = _OLD.get()
        if served.stale is not None and old is not None:
            old.append(served.stale)
        return served.kept


def _missing(asked: Asked) -> NotFound:
    missing = NotFound("no device in the tree bears this")
    if asked.read_as is not None:
        missing.members["readAs"] = asked.read_as._asdict()
    return missing


def _answer_in(problem: bytes) -> object:
    return orjson.loads(problem)["answer"]
