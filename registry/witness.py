"""What a witness reads and when it signs, as in C2SP tlog-witness.

    old 20852014
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
    …

    example.com/behind-the-sofa
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZni…

Bytes in, a checkpoint or an error out. A request is checked in the order of that page, in two
steps: `open_request` needs the log's keys alone, `check_advance` also what was cosigned last.
Whoever keeps that must call it, and store the new head, in one transaction. The errors carry the
status that the page asks for:

    400 MalformedInput      not such a request, or `old` is beyond the checkpoint
    404 NotFound            an origin that the witness does not know
    403 ForgedProof         no line of a log key, or one that does not verify
    409 Conflict            `old` is not the size that was cosigned last, which is its member `size`
    422 InvalidConsistency  the checkpoint does not extend what was cosigned last
    422 ForkDetected        it has the same size and another root
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from identity.errors import (
    Conflict,
    ForgedProof,
    ForkDetected,
    InvalidCheckpoint,
    MalformedInput,
    NotFound,
)
from registry.checkpoint import Checkpoint, check_extensions
from registry.merkle import EMPTY_ROOT, HASH_SIZE, check_consistency
from registry.note import MAX_SIZE, Note, Signature, VerifierKey, decode64, encode64, verify_note

MAX_PROOF_LINES: Final = 63
"""Hashes of a consistency proof: enough for any tree."""
MAX_COSIGNATURES: Final = 16
"""Lines of an answer that we read."""
SIZE_MEDIA_TYPE: Final = "text/x.tlog.size"
"""Of the answer 409, which is a size and a newline."""

LogKeys = Callable[[str], Sequence[VerifierKey]]
"""The keys that a witness trusts for an origin: none for one that it does not know."""

_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,18})")


class Head(NamedTuple):
    """The size and the root that a witness cosigned last for an origin."""

    size: int
    root: bytes


NOTHING: Final = Head(0, EMPTY_ROOT)
"""Before the first checkpoint of an origin."""


class AddCheckpoint(NamedTuple):
    """The body of POST add-checkpoint."""

    old: int
    """The size that the witness is believed to have cosigned last."""
    proof: tuple[bytes, ...]
    """Consistency of the checkpoint with that size (RFC 6962, section 2.1.2)."""
    note: bytes
    """The signed checkpoint."""

    @classmethod
    def parse(cls, body: bytes) -> AddCheckpoint:
        """Read a request; of the checkpoint nothing is read. Raises MalformedInput."""
        # No line of the head is empty: the first blank line ends it, and the checkpoint begins.
        head, blank, note = body.partition(b"\n\n")
        first, *rest = head.split(b"\n")
        if not blank or not first.startswith(b"old "):
            raise MalformedInput("not an old size, a proof, a blank line and a checkpoint")
        if len(rest) > MAX_PROOF_LINES:
            raise MalformedInput(f"a proof of {len(rest)} hashes; at most {MAX_PROOF_LINES}")
        return cls(_decimal(first[4:]), tuple(map(_hash, rest)), note)

    def format(self) -> bytes:
        """Write the request."""
        lines = [f"old {self.old}\n", *(f"{encode64(hash_)}\n" for hash_ in self.proof), "\n"]
        return "".join(lines).encode() + self.note


class Opened(NamedTuple):
    """A request for a log that the witness knows, signed by that log."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: Checkpoint
    note: Note
    """The checkpoint with the lines of the log's trusted keys, and no others."""

    @property
    def head(self) -> Head:
        """What will have been cosigned last."""
        return Head(self.checkpoint.size, self.checkpoint.root)


def open_request(body: bytes, log_keys: LogKeys) -> Opened:
    """Read a request and verify the log's signatures, before anything is looked up.

    One line of a trusted key must verify, and none may fail (C2SP signed-note, Signatures). Raises
    MalformedInput, NotFound, ForgedProof.
    """
    request = AddCheckpoint.parse(body)
    try:
        note = Note.parse(request.note)
        checkpoint = Checkpoint.parse(note.text)
    except InvalidCheckpoint as error:
        raise MalformedInput(error.detail) from None
    keys = [key for key in log_keys(checkpoint.origin) if key.name == checkpoint.origin]
    if not keys:
        raise NotFound("unknown log: its origin is not one that this witness cosigns")
    try:
        _, signed = verify_note(request.note, keys)
        check_extensions(checkpoint, [key for key, _ in signed])
    except InvalidCheckpoint as error:
        raise ForgedProof(f"invalid signature: {error.detail}") from None
    if request.old > checkpoint.size:
        raise MalformedInput(f"old size {request.old} is beyond the checkpoint's")
    trusted = {(key.name, key.id) for key in keys}
    lines = tuple(line for line in note.signatures if (line.name, line.id) in trusted)
    return Opened(request.old, request.proof, checkpoint, Note(note.text, lines))


def check_advance(opened: Opened, stored: Head | None) -> None:
    """Check that a witness may cosign this after what it cosigned last for the same origin.

    Raises Conflict, ForkDetected, InvalidConsistency.
    """
    last = stored or NOTHING
    if opened.old != last.size:
        raise Conflict(f"old size is {opened.old}, cosigned last was {last.size}", size=last.size)
    if forks(opened, stored):
        raise ForkDetected(
            f"two roots of {last.size} entries: the log has forked",
            seen=encode64(last.root),
            shown=encode64(opened.checkpoint.root),
        )
    # Size 0 needs the empty root, and old = 0 an empty proof: `check_consistency` asks for both.
    check_consistency(
        opened.proof, opened.old, opened.checkpoint.size, last.root, opened.checkpoint.root
    )


def forks(opened: Opened, stored: Head | None) -> bool:
    """Whether a signed checkpoint contradicts what was cosigned at its size, whatever `old` is.

    Both notes together are evidence that a third party can check.
    """
    return (
        stored is not None
        and opened.checkpoint.size == stored.size
        and opened.checkpoint.root != stored.root
    )


def parse_size(body: bytes) -> int:
    """The size in an answer 409. Raises MalformedInput."""
    if not body.endswith(b"\n"):
        raise MalformedInput("a size ends in a newline")
    return _decimal(body[:-1])


def parse_cosignatures(text: str, lines: bytes) -> list[Signature | None]:
    """The signature lines of an answer 200 to a checkpoint of this text, none of them verified.

    None stands for a line that is none: another one may be good. Raises MalformedInput where the
    answer does not end in a newline, or has more lines than a witness has keys.
    """
    if not lines.endswith(b"\n") or lines.count(b"\n") > MAX_COSIGNATURES:
        raise MalformedInput(f"an answer is 1 to {MAX_COSIGNATURES} lines, each with its newline")
    found: list[Signature | None] = []
    for line in lines[:-1].split(b"\n"):
        try:
            (signature,) = Note.parse(b"%s\n%s\n" % (text.encode(), line)).signatures
        except InvalidCheckpoint:
            signature = None
        found.append(signature)
    return found


def _decimal(text: bytes) -> int:
    number = text.decode("ascii", "replace")
    if _DECIMAL.fullmatch(number) is None or int(number) > MAX_SIZE:
        raise MalformedInput("a size is a decimal number below 2^63, without leading zeros")
    return int(number)


def _hash(line: bytes) -> bytes:
    try:
        hash_ = decode64(line.decode("ascii"))
    except ValueError:  # UnicodeDecodeError is one
        hash_ = b""
    if len(hash_) != HASH_SIZE:
        raise MalformedInput("a line of the proof is not the base64 of a SHA-256 hash")
    return hash_
