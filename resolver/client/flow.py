"""Conversations with a server, without input or output: what is asked, in which order, until when.

    def checkpoint(self) -> Flow[bytes]:
        response = yield from ask(Request("GET", "/checkpoint"))
        return response.body

A flow yields requests and pauses, and is sent responses. `Client` and `AsyncClient` drive the same
flows, one with blocking calls and one with awaited ones, so that nothing is said twice. A driver
throws ServerUnreachable into the flow where no answer came.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from identity.errors import (
    EvidenceRefused,
    InvalidAnswer,
    MalformedInput,
    ServerUnreachable,
    TetradError,
    catalogue,
)
from identity.jcs import Json, parse

MAX_BYTES = 64 * 2**20
"""Of a response; a driver reads no further."""
ATTEMPTS = 6
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 30.0
"""Seconds, of a Retry-After that is honoured."""

_ERRORS = {error.code: error for error in catalogue()}
_OWN = {"type", "title", "status", "code", "detail", "section", "pointer", "hint"}
_NOT_THEIRS = {*_OWN, "evidence"}
_BUSY = (429, 502, 503, 504)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. `path` is relative to the server's address."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    media: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Further ones, which may be secret."""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; `retry_after` in seconds, 0 where the server does not say."""

    status: int
    media: str
    body: bytes
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Pause:
    """The driver waits so many seconds."""

    seconds: float


Flow = Generator[Request | Pause, Response | None, T]


def ask(request: Request) -> Flow[Response]:
    """One request until it is answered.

    A server that is busy or out of reach is asked again, later each time: an operation is known by
    its hash, so that sending it twice registers it once. Raises ServerUnreachable.
    """
    for attempt in range(ATTEMPTS):
        last = attempt == ATTEMPTS - 1
        pause = FIRST_PAUSE * 2**attempt
        try:
            response = cast("Response", (yield request))
        except ServerUnreachable:
            if last:
                raise
        else:
            # The quota of lookups answers 429 as well, and a quota of the rule book does: only
            # what says when to come again is worth asking again.
            waiting = response.status in _BUSY and (
                response.status != 429 or 0 < response.retry_after <= LONGEST_PAUSE
            )
            if last or not waiting:
                return response
            pause = max(pause, min(response.retry_after, LONGEST_PAUSE))
        yield Pause(pause)
    raise RuntimeError("a loop that returns or raises has ended")


def ask_bytes(request: Request) -> Flow[bytes]:
    """The body of a response that says yes. Raises what the problem details say."""
    response = yield from ask(request)
    if not 200 <= response.status < 300:
        raise refusal(response)
    return response.body


def ask_json(request: Request) -> Flow[dict[str, Json]]:
    """As `ask_bytes`, for a JSON object."""
    body = yield from ask_bytes(request)
    return json_object(body)


def json_object(body: bytes) -> dict[str, Json]:
    """A JSON object that a server sent. Raises InvalidAnswer."""
    try:
        value = parse(body, max_bytes=MAX_BYTES)
    except TetradError as error:
        raise InvalidAnswer(f"the server's answer cannot be read: {error.detail}") from None
    if not isinstance(value, dict):
        raise InvalidAnswer("the server's answer is not a JSON object")
    return value


def refusal(response: Response) -> TetradError:
    """The error that a response stands for, of the class that its `code` names."""
    try:
        problem = json_object(response.body)
    except InvalidAnswer:
        return ServerUnreachable(
            f"no answer that a registry gives: HTTP {response.status}",
            hint="is this the address of a Tetrad service?",
        )
    return problem_error(problem)


def problem_error(problem: Mapping[str, Json]) -> TetradError:
    """Problem details (RFC 9457) as the error that wrote them; unknown codes as the root.

    That evidence does not hold, or convicts somebody, is found here and never taken from a server:
    such a code is the root's as well, and no member of that name is kept.
    """
    kind = _ERRORS.get(_text(problem, "code"), TetradError)
    if issubclass(kind, EvidenceRefused):
        kind = TetradError
    error = kind(
        _text(problem, "detail") or _text(problem, "title") or "refused without a reason",
        pointer=_text(problem, "pointer"),
        hint=_text(problem, "hint"),
    )
    # Not as keyword arguments: the names are the server's.
    error.members = {name: value for name, value in problem.items() if name not in _NOT_THEIRS}
    return error


def _text(problem: Mapping[str, Json], name: str) -> str:
    value = problem.get(name)
    return value if isinstance(value, str) else ""


def member(answer: Mapping[str, Json], name: str, kind: type[T]) -> T:
    """A member of an answer, of the type that it must have. Raises InvalidAnswer."""
    value: Any = answer.get(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InvalidAnswer(f"the server's answer lacks `{name}`", pointer=f"/{name}")
    return value


def json_lines(body: bytes) -> list[dict[str, Json]]:
    """The lines of an NDJSON answer. Raises InvalidAnswer."""
    return [json_object(line) for line in body.split(b"\n") if line.strip()]


def check_address(url: str) -> str:
    """A server's address without its last slash. Raises MalformedInput."""
    if not url.startswith(("http://", "https://")) or "?" in url or "#" in url or " " in url:
        raise MalformedInput(
            f"not the address of a server: {url[:80]!r}", hint="http://127.0.0.1:8000"
        )
    return url.rstrip("/")
