"""Many codes in one question: a line of the answer for each, in their order.

Codes that stand in clear alone: what must not stand in a URL is asked for one at a time, under the
limit that such questions have. The store is asked twice for each hundred codes rather than twice
for each, and proofs share the checkpoint and the root of the state that stand in a line above them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple, cast

import orjson
from starlette.responses import Response

from identity.errors import InputTooLarge, NotFound, SchemaViolation, TetradError
from identity.jcs import Json
from resolver.api.responses import HeldStream
from resolver.delegations import delegated
from resolver.publication import Published
from resolver.resolution import Asked, Found, Resolver, answer_bytes, has_ended, tombstone
from resolver.schemes import Code
from resolver.service import Service

MOST: Final = 1_000
"""Codes of one batch."""
MAX_BATCH_BYTES: Final = 524_288
"""Of its body."""
MAX_PROOF_BYTES: Final = 32 * 2**20
"""Of the lines of an answer with proof; those beyond are refused."""
TOGETHER: Final = 200
"""Lines that are made at a time, between which others have their turn."""
NDJSON: Final = "application/x-ndjson"

_CANONICAL: Final = "https://id.gs1.org/01/"
"""How the canonical codes begin that are asked for most. Whatever stands under a key of the state
is canonical, and no other scheme reads a text that is a canonical code of this one: where there is
a record, the text needs no reading."""


Now = tuple[bytes, Asked]
"""The newest record of a device, and the code by which it was found."""


class Missing(NamedTuple):
    """A code of which this ledger has no device, now or at the time that was asked about."""

    asked: Asked
    error: NotFound
    now: bool


One = Now | Found | Missing | TetradError


class Question(NamedTuple):
    """One of the codes."""

    code: str
    scheme: str | None
    at: str | None


def _is_canonical(question: Question) -> bool:
    """Whether it may be looked up as it is."""
    return question.code.startswith(_CANONICAL) and question.scheme in (None, "gs1")


def questions(codes: Json) -> list[Question]:
    """The codes of a batch. Raises SchemaViolation."""
    if not isinstance(codes, list) or not 0 < len(codes) <= MOST:
        raise SchemaViolation(f"codes is a list of 1 to {MOST}", pointer="/codes")
    return [_question(one, f"/codes/{place}") for place, one in enumerate(codes)]


def _question(one: Json, pointer: str) -> Question:
    if isinstance(one, str):
        return Question(one, None, None)
    if isinstance(one, dict) and set(one) <= {"code", "scheme", "at"} and "code" in one:
        texts = [one.get(name, "") for name in ("code", "scheme", "at")]
        if all(isinstance(text, str) for text in texts):
            code, scheme, at = map(str, texts)
            return Question(code, scheme or None, at or None)
    raise SchemaViolation(
        "a code is a text, or has code and perhaps scheme and at", pointer=pointer
    )


class Batches:
    """Answers batches over one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._resolver = service.resolver

    def answer(self, codes: Json, *, proof: bool) -> Response:
        """The answer to all of them. Raises SchemaViolation; Busy where there are too many."""
        asked = questions(codes)
        self._service.enter_batch()
        headers = {"cache-control": "no-cache"}
        return HeldStream(
            self._lines(asked, proof=proof), self._service.leave_batch, headers, NDJSON
        )

    async def _lines(self, asked: list[Question], *, proof: bool) -> AsyncIterator[bytes]:
        proving = _Proving(self._service) if proof else None
        for start in range(0, len(asked), TOGETHER):
            found = await self._found(asked[start : start + TOGETHER])
            if proving is None:
                lines = [self._plain(number, one) for number, one in enumerate(found, start + 1)]
            else:
                lines = await proving.lines(found, start + 1)
            yield b"".join(lines)
            await asyncio.sleep(0)

    async def _found(self, asked: Sequence[Question]) -> list[One]:
        """What is behind each, or why not. A text that has to be read may take milliseconds, such
        as one without its separators: others have their turn behind each."""
        read: list[Asked | TetradError] = []
        for question in asked:
            read.append(self._read(question))
            if not _is_canonical(question):
                await asyncio.sleep(0)
        keys = [one.key for one in read if isinstance(one, Asked)]
        records = iter(self._resolver.find_all(keys))
        found: list[One] = []
        for question, one in zip(asked, read, strict=True):
            if isinstance(one, TetradError):
                found.append(one)
                continue
            record = next(records)
            if record is None or question.at is not None:
                found.append(self._alone(question, one))
            else:
                found.append((record, one))
        return found

    def _plain(self, number: int, one: One) -> bytes:
        """A line without proof; mostly that of a living device, made of what is there already."""
        if isinstance(one, Missing):
            return _line(number, self._referred(one), None)
        if not isinstance(one, tuple):
            return _line(number, one, None)
        record, asked = one
        if asked.read_as is None or has_ended(record):
            return _line(number, Found.now(record, asked), None)
        read_as = orjson.dumps(asked.read_as._asdict())
        return b'{"line":%d,"status":200,"device":%b,"readAs":%b}\n' % (number, record, read_as)

    def _referred(self, missing: Missing) -> TetradError:
        """That there is none, or which other node is the one to ask."""
        try:
            self._service.delegations.refer(missing.asked, missing.error, self._service.now)
        except TetradError as error:
            return error

    def _read(self, question: Question) -> Asked | TetradError:
        if _is_canonical(question):
            return Asked(("code", "gs1", question.code), Code("gs1", question.code))
        try:
            return self._resolver.code(question.code, question.scheme)
        except TetradError as error:
            return error

    def _alone(self, question: Question, asked: Asked) -> Found | Missing | TetradError:
        """The past, a text that has to be read, or a code of nobody's: perhaps another node's."""
        try:
            if _is_canonical(question):  # it only looks like that
                asked = self._resolver.code(question.code, question.scheme)
        except TetradError as error:
            return error
        return _found(self._resolver, asked, question.at)


class _Proving:
    """The lines of one answer with proofs, which stand on what was published last."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._note = b""
        self._bytes = 0

    async def lines(self, found: Sequence[One], number: int) -> list[bytes]:
        """Lines with this number and the following ones, behind a line with the checkpoint where
        that is another one than before."""
        publication, evidence = self._service.publication, self._service.evidence
        whole = [Found.now(*one) if type(one) is tuple else one for one in found]
        needed = max(map(self._entry, whole)) + 1
        published = publication.current
        if published is None or published.size < needed:
            # What changes while we wait may not be under that root: it is found again below it.
            published = await publication.covering(needed)
            whole = [self._again(one, published.size) for one in whole]
        lines: list[bytes] = []
        if published.note != self._note:
            self._note = published.note
            lines.append(b"{%b}\n" % evidence.stands_on(published.size, published.note))
        for place, one in enumerate(whole, number):
            lines.append(self._proved(place, one, published))
            self._bytes += len(lines[-1])
        return lines

    def _again(self, one: One, size: int) -> One:
        """The same question, answered by the first `size` entries."""
        resolver = self._service.resolver
        if isinstance(one, Found):
            return _found(resolver, one.asked, one.as_of, size)
        if isinstance(one, Missing) and one.now:
            return _found(resolver, one.asked, None, size)
        return one

    def _entry(self, one: One) -> int:
        """The last entry on which an answer depends."""
        if isinstance(one, Missing):
            service = self._service
            return max(0, service.delegations.read_for(one.asked.key, service.now).entry)
        return one.entry if isinstance(one, Found) else 0

    def _proved(self, number: int, one: One, published: Published) -> bytes:
        size, note = published.size, published.note
        evidence = self._service.evidence
        if self._bytes > MAX_PROOF_BYTES:
            beyond = InputTooLarge(
                f"the proofs of one batch have at most {MAX_PROOF_BYTES} bytes",
                hint="ask for the rest in another batch",
            )
            return _line(number, beyond, None)
        if isinstance(one, Found):
            return _line(number, one, evidence.of(one, size, note, standing=False))
        if not isinstance(one, Missing):
            return _line(number, cast("TetradError", one), None)
        service, error = self._service, one.error
        read = service.delegations.read_for(one.asked.key, service.now, size)
        if read.grant is not None:
            error = delegated(read.grant, one.asked)
        if read.grant is not None or one.now:
            shown = evidence.of_records(read.keys, size, note, standing=False)
            error.members["proof"] = orjson.loads(shown)
        return _line(number, error, None)


def _found(
    resolver: Resolver, asked: Asked, at: str | None, within: int | None = None
) -> Found | Missing | TetradError:
    try:
        return resolver.find(asked, at=at, within=within)
    except NotFound as error:
        return Missing(asked, error, now=at is None)
    except TetradError as error:
        return error


def _line(number: int, one: Found | TetradError, proof: bytes | None) -> bytes:
    error = tombstone(one, proof) if isinstance(one, Found) and one.ended else one
    if isinstance(error, TetradError):
        shown = {"line": number, "status": error.status, "error": error.problem()}
        return orjson.dumps(shown, option=orjson.OPT_APPEND_NEWLINE)
    return b'{"line":%d,"status":200,%b\n' % (number, answer_bytes(error, proof)[1:])
