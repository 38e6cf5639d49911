"""What both devices sign: who meets whom, under which nonces, with which evidence.

    {"protocol": "tetrad-handshake-1", "signer": "responder",
     "initiator": {"did": "did:tetrad:…", "nonce": "…", "bundle": "zQm…"},
     "responder": {"did": "did:tetrad:…", "nonce": "…", "bundle": "zQm…"},
     "channel": {"type": "tls-exporter", "data": "…"}, "context": "…"}

This document is never sent. Each side builds it from what it sent and what it received, so that a
signature verifies only where both have seen the same. Pure; specified in specs/1-identity.md,
"Device to device".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from identity.errors import MalformedInput
from identity.jcs import Json, canonicalize
from identity.multibase import base64url_encode, multihash

PROTOCOL: Final = "tetrad-handshake-1"
"""The only version; there is nothing to negotiate, and so nothing to talk down."""
MOST_CONTEXT: Final = 255
"""Characters of a context, and bytes of a channel's data."""

Role = Literal["initiator", "responder"]

_CHANNEL_TYPE = re.compile(r"[a-z][a-z0-9-]{0,31}")
_CONTEXT = re.compile(r"[ -~]+")


class Channel(NamedTuple):
    """What names the secure channel that carries the messages (RFC 5056): both ends know it, and
    nobody in between has the same on both sides."""

    type: str
    """`tls-exporter` (RFC 9266), or `edhoc-exporter` (RFC 9528) for OSCORE."""
    data: bytes

    def check(self) -> None:
        """Raises MalformedInput for what no transcript can hold."""
        if not _CHANNEL_TYPE.fullmatch(self.type) or not 16 <= len(self.data) <= MOST_CONTEXT:
            raise MalformedInput(
                f"a channel has a type and 16 to {MOST_CONTEXT} bytes that name it",
                hint="tls-exporter and the 32 bytes of RFC 9266",
            )


class Side(NamedTuple):
    """One of the two, as the transcript names it."""

    did: str
    nonce: str
    """base64url of 32 bytes."""
    bundle: str
    """Multihash of the canonical form of the bundle that it shows."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """One meeting, as one of the two has seen it."""

    initiator: Side
    responder: Side
    channel: Channel | None = None
    context: str = ""
    """What the application meets for; "" for nothing."""

    def document(self, signer: Role) -> dict[str, Json]:
        """What this side signs, without its proof."""
        return {**self._members(), "signer": signer}

    @property
    def hash(self) -> str:
        """Names the meeting: equal on both sides, and never equal for two meetings."""
        return multihash(canonicalize(self._members()))

    def _members(self) -> dict[str, Any]:
        members: dict[str, Any] = {
            "protocol": PROTOCOL,
            "initiator": self.initiator._asdict(),
            "responder": self.responder._asdict(),
        }
        if self.channel is not None:
            data = base64url_encode(self.channel.data)
            members["channel"] = {"type": self.channel.type, "data": data}
        if self.context:
            members["context"] = self.context
        return members


def check_context(context: str) -> None:
    """Raises MalformedInput for what no transcript can hold."""
    if context and (len(context) > MOST_CONTEXT or not _CONTEXT.fullmatch(context)):
        raise MalformedInput(f"a context is at most {MOST_CONTEXT} characters of printable ASCII")
