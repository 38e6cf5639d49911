"""Handle values, their JSON and their bytes (RFC 3651, section 3.1), and digests of them.

    value = HandleValue(21, "TETRAD.STATUS", "active", "2026-11-22T08:00:00Z")
    digest_of(value)                     # as Handle.Net and IDIS compute it for HS_SIGNATURE

A digest covers all of a value but its index and timestamp: time to live, permissions, type, data
and references. The index stands beside the digest.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final

import orjson

TTL: Final = 60
"""Seconds that a client may keep a value: the next entry of the ledger may change it."""
PERMISSIONS: Final = "1010"
"""Read by administrators and by everybody, written by nobody: changes are signed operations."""
_PERMISSION_BYTE: Final = bytes([int(PERMISSIONS, 2)])
_HEAD: Final = b"\x00" + TTL.to_bytes(4) + _PERMISSION_BYTE
"""Relative time to live (type 0), and the permissions."""
_NO_REFERENCES: Final = bytes(4)
_JSON: Final = (
    b'{"index":%%d,"type":"%%b","data":{"format":"%%b","value":%%b},"permissions":"%b","ttl":%d,'
    b'"timestamp":"%%b"}' % (PERMISSIONS.encode(), TTL)
)
"""Type and time are our own plain ASCII; what others wrote is dumped."""
ALGORITHM: Final = "SHA-256"
ADMIN_PERMISSIONS: Final = "000000000000"
"""Of the twelve rights of an administrator of a handle none: not to be had by this protocol."""


@dataclass(frozen=True, slots=True)
class Admin:
    """Who administers a handle: a value of another handle."""

    handle: str
    index: int

    def shown(self) -> dict[str, str | int]:
        """As the proxy's API writes it."""
        return {"handle": self.handle, "index": self.index, "permissions": ADMIN_PERMISSIONS}


@dataclass(frozen=True, slots=True)
class HandleValue:
    """One value of a handle record."""

    index: int
    type: str
    data: str | Admin
    timestamp: str
    """RFC 3339, as the ledger has it."""

    def json(self) -> bytes:
        """As the proxy's API writes it."""
        if isinstance(self.data, str):
            kind, shown = b"string", orjson.dumps(self.data)
        else:
            kind = b"admin"
            shown = orjson.dumps(self.data.shown())
        return _JSON % (self.index, self.type.encode(), kind, shown, self.timestamp.encode())


def digest_of(value: HandleValue) -> str:
    """The SHA-256 of a value without its index and timestamp, base64."""
    data = _data_bytes(value.data)
    covered = b"%b%b%b%b" % (_head(value.type), len(data).to_bytes(4), data, _NO_REFERENCES)
    return b2a_base64(sha256(covered).digest(), newline=False).decode()


@lru_cache(maxsize=64)
def _head(kind: str) -> bytes:
    """What comes before the data; there are few types."""
    return _HEAD + len(kind).to_bytes(4) + kind.encode()


def digests_of(values: Iterable[HandleValue]) -> dict[str, object]:
    """The claim `digests`: one digest for each index."""
    return {
        "alg": ALGORITHM,
        "digests": [{"index": value.index, "digest": digest_of(value)} for value in values],
    }


def _data_bytes(data: str | Admin) -> bytes:
    """The bytes of a value's data; an administrator as RFC 3651, section 3.2.1, has it."""
    if isinstance(data, str):
        return data.encode()
    handle = data.handle.encode()
    rights = int(ADMIN_PERMISSIONS, 2).to_bytes(2)
    return rights + len(handle).to_bytes(4) + handle + data.index.to_bytes(4)
