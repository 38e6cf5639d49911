"""Receipts, as in C2SP tlog-proof: an entry's place in the log, to be checked offline.

    c2sp.org/tlog-proof@v1
    extra <base64>
    index 7
    <the hashes of the inclusion proof, one base64 a line>

    <the signed checkpoint>

Reading one proves nothing yet: open the checkpoint, rebuild the leaf, then check the inclusion.
Bad receipts raise InvalidReceipt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from identity.errors import InvalidReceipt
from registry.merkle import HASH_SIZE
from registry.note import MAX_BYTES, MAX_SIZE, decode64, encode64

MAX_HASHES: Final = 63
"""Of an inclusion proof in a tree of fewer than 2^63 entries."""

_HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class TlogProof:
    """An inclusion proof under a checkpoint; `extra` is not authenticated, and b"" when absent."""

    index: int
    hashes: tuple[bytes, ...]
    extra: bytes
    checkpoint: bytes

    @classmethod
    def parse(cls, data: bytes) -> TlogProof:
        """Read what `format` writes, and no other form (C2SP tlog-proof, section Format)."""
        if len(data) > MAX_BYTES:
            raise InvalidReceipt(f"A receipt of {len(data)} bytes; we read {MAX_BYTES}.")
        head, blank, checkpoint = data.partition(b"\n\n")
        if not blank or not checkpoint:
            raise InvalidReceipt("The receipt has no checkpoint below a blank line.")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise InvalidReceipt("The receipt is not ASCII above its checkpoint.") from None
        if lines.pop(0) != _HEADER:
            raise InvalidReceipt("The receipt does not begin as a tlog-proof of version 1.")
        extra = b""
        if lines and lines[0].startswith("extra "):
            extra = _decode(lines.pop(0).removeprefix("extra "))
            if not extra:
                raise InvalidReceipt("Extra data that is empty is left out.")
        found = _INDEX.fullmatch(lines.pop(0)) if lines else None
        if found is None or int(found[1]) >= MAX_SIZE:
            raise InvalidReceipt("The receipt has no index, or one that no tree has.")
        hashes = tuple(map(_decode, lines))
        if len(hashes) > MAX_HASHES or any(len(hash_) != HASH_SIZE for hash_ in hashes):
            raise InvalidReceipt("The receipt's hashes are not those of an inclusion proof.")
        return cls(int(found[1]), hashes, extra, checkpoint)

    def format(self) -> bytes:
        """Write the receipt."""
        extra = [f"extra {encode64(self.extra)}"] if self.extra else []
        lines = [_HEADER, *extra, f"index {self.index}", *map(encode64, self.hashes)]
        return "\n".join(lines).encode() + b"\n\n" + self.checkpoint


def _decode(text: str) -> bytes:
    try:
        return decode64(text)
    except ValueError:
        raise InvalidReceipt("A line of the receipt is not canonical base64.") from None
