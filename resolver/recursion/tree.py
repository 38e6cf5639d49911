"""The tree of nodes as a directory: dialects are answered out of it as out of one ledger."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from identity.did import parse_tetrad_did
from identity.errors import Delegated, MalformedCode, NotFound
from registry.state import LinksRecord
from resolver.handles.encoding import HandleValue
from resolver.recursion.cache import FOUND, NONE
from resolver.recursion.recursing import Recursor
from resolver.resolution import Asked, Found
from resolver.schemes import SCHEMES, Code


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
        kept, _ = await self._recursor.find(asked.key, at)
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
        kept, _ = await self._recursor.find(asked.key)
        if kept.status == NONE:
            raise _missing(asked)
        # What has ended is kept as the error that says so, with the answer in it.
        return kept.proved if kept.status == FOUND else orjson.dumps(_answer_in(kept.proved))

    async def links(self, codes: Sequence[Code]) -> list[LinksRecord | None]:
        """Raises Delegated: links are asked of the node that answers for the code, which is looked
        for and proved. Raises NodeUnreachable, NodeRefused, Busy."""
        asked = self.code(codes[0].value, codes[0].scheme)
        kept, _ = await self._recursor.find(asked.key)
        raise Delegated(
            f"the node {kept.node['origin']} answers for this code, and has its links",
            hint="ask it",
            referral={"node": kept.node},
        )


def _missing(asked: Asked) -> NotFound:
    missing = NotFound("no device in the tree bears this")
    if asked.read_as is not None:
        missing.members["readAs"] = asked.read_as._asdict()
    return missing


def _answer_in(problem: bytes) -> object:
    return orjson.loads(problem)["answer"]
