"""Entries of the ledger as the events of a feed, and the stream in which they travel.

    event = event_of(entry, 7, label)
    event.type                       # 'number.rebind'
    sent(event, entries=False)       # b'id: 7\\nevent: number.rebind\\ndata: {…}\\n\\n'

Pure. An event says what its entry says and nothing else, so that it is the same whenever it is
asked for; what was disclosed beside an operation is not in its entry. The stream is that of
server-sent events (WHATWG HTML, section 9.2). Specified in specs/3-resolution.md, "Feed".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final, get_args

import orjson

from identity.errors import InvalidAnswer, SchemaViolation
from identity.operation import ESTABLISHING, AnyOperation, operation_hash
from registry.merkle import leaf_hash

STATE_ROOT: Final = "state.root"
"""The type of the event of an entry that closes a tree."""
CHECKPOINT: Final = "checkpoint"
"""The type of the event of a tree that was published; it is no entry, and has no id."""
OPERATIONS: Final = tuple(
    str(get_args(one.model_fields["type"].annotation)[0]) for one in get_args(AnyOperation)
)
TYPES: Final = (*OPERATIONS, STATE_ROOT, CHECKPOINT)
HEARTBEAT: Final = b":\n\n"
"""A comment, which says that the stream is alive."""

MAX_EVENT_BYTES: Final = 1_500_000
"""Of one event that a client reads: a checkpoint may have a megabyte, and is escaped."""


@dataclass(frozen=True, slots=True)
class Event:
    """One entry, as it is told."""

    index: int
    type: str
    subject: str
    """The DID that it is about, "" where there is none."""
    data: bytes
    """JSON, one line."""
    entry: bytes
    """The entry itself, canonical."""


def event_of(entry: bytes, index: int, label: str) -> Event:
    """The event of an entry that was committed on the ledger with this label."""
    value: dict[str, Any] = orjson.loads(entry)
    data: dict[str, Any] = {
        "index": index,
        "time": value["time"],
        "type": STATE_ROOT,
        "leaf": leaf_hash(entry).hex(),
        "previous": value["previous"],
    }
    subject = ""
    if "operation" in value:
        operation = value["operation"]
        hashed = operation_hash(operation)
        establishes = operation["type"] in ESTABLISHING
        subject = f"did:tetrad:{label}:{hashed}" if establishes else operation["subject"]
        data |= {"type": operation["type"], "operation": hashed, "subject": subject}
        code = operation["body"].get("code")
        if code is not None and "value" in code:  # a committed one stays out of what is sent around
            data["code"] = code
    return Event(index, data["type"], subject, orjson.dumps(data), entry)


def data_of(event: Event, *, entries: bool) -> bytes:
    """The JSON of an event, with the entry itself where it is wanted."""
    return event.data[:-1] + b',"entry":' + event.entry + b"}" if entries else event.data


def sent(event: Event, *, entries: bool) -> bytes:
    """An event as it is sent. JSON has no line ends, so that one `data` line holds it."""
    head = b"id: %d\nevent: %s\ndata: " % (event.index, event.type.encode())
    return head + data_of(event, entries=entries) + b"\n\n"


def sent_position(index: int) -> bytes:
    """That everything up to an entry was looked through, where nothing of it was wanted: it is not
    dispatched, and remembered as the last id (section 9.2.6)."""
    return b"id: %d\n\n" % index


def sent_checkpoint(size: int, note: bytes) -> bytes:
    """A tree that was published."""
    data = orjson.dumps({"size": size, "checkpoint": note.decode()})
    return b"event: checkpoint\ndata: " + data + b"\n\n"


def wanted_types(text: str) -> frozenset[str]:
    """Types out of a list with commas. Raises SchemaViolation for one that there is not, so that
    nobody waits for it."""
    types = frozenset(text.split(","))
    unknown = sorted(types - set(TYPES))
    if unknown:
        raise SchemaViolation(
            f"{unknown[0][:40]!r} is not a type of event",
            pointer="/type",
            hint="with commas between: " + ", ".join(TYPES),
        )
    return types


def wanted(event: Event, types: Collection[str], subject: str) -> bool:
    """Whether an event passes the filters; an empty one lets everything pass."""
    return (not types or event.type in types) and subject in ("", event.subject)


@dataclass(slots=True)
class Message:
    """An event that was read out of a stream."""

    type: str = ""
    data: str = ""
    id: str | None = None


class MessageReader:
    """Reads a stream line by line: `messages` of each piece of bytes that came.

    Raises InvalidAnswer for an event that is too long, or is not UTF-8.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._type = ""
        self._data: list[str] = []
        self._bytes = 0
        self._id: str | None = None
        self._return = False

    def messages(self, piece: bytes) -> Iterator[Message]:
        """The events that are complete with this piece."""
        if self._return and piece[:1] == b"\n":
            piece = piece[1:]  # of a line end CR LF that was cut in two
        self._return = piece[-1:] == b"\r" or (self._return and not piece)
        lines = (self._rest + piece).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > MAX_EVENT_BYTES:
            raise InvalidAnswer("an event of the feed is too long")
        for line in lines:
            found = self._line(line)
            if found is not None:
                yield found

    def _line(self, line: bytes) -> Message | None:
        if not line:
            return self._dispatched()
        try:
            name, _, value = line.decode().partition(":")
        except UnicodeDecodeError:
            raise InvalidAnswer("the feed is not UTF-8") from None
        value = value.removeprefix(" ")
        if name == "event":
            self._type = value
        elif name == "data":
            self._bytes += len(line)
            if self._bytes > MAX_EVENT_BYTES:
                raise InvalidAnswer("an event of the feed is too long")
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
        return None

    def _dispatched(self) -> Message | None:
        data, kind = self._data, self._type or "message"
        self._data, self._type, self._bytes = [], "", 0
        return Message(kind, "\n".join(data), self._id) if data else None
