"""Signed notes, as in C2SP signed-note, and the cosignatures of C2SP tlog-cosignature.

    example.com/log
    8
    XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=

    — example.com/log Az3grlgtzPICa5OS8npVmf1Myq/5IZni…

A note is a text and signature lines below a blank line. Lines of keys that we do not know are
ignored; a known key with a bad signature refuses the whole note. Three types of signature:
Ed25519 over the text, and the cosignatures with a time, of Ed25519 and of ML-DSA-44 keys, which
sign nothing but checkpoints. Times are seconds since 1970, UTC.

Bad notes raise InvalidCheckpoint, bad verifier keys InvalidKey.
"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from hashlib import sha256
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from identity.errors import ForgedProof, InvalidCheckpoint, InvalidKey
from identity.keys import private_key, public_key_of

MAX_SIGNATURES: Final = 100
"""Lines of a note that we look at; C2SP signed-note wants 16 at least."""
MAX_BYTES: Final = 1_048_576
"""Of a whole note."""
MAX_SIZE: Final = 2**63 - 1
"""Entries of a tree: what other clients keep in a signed 64-bit number."""


class SignatureType(IntEnum):
    """The type identifier byte of C2SP signed-note."""

    ED25519 = 0x01
    ED25519_COSIGNATURE = 0x04
    ML_DSA_44 = 0x06


_KEY_BYTES = {
    SignatureType.ED25519: 32,
    SignatureType.ED25519_COSIGNATURE: 32,
    SignatureType.ML_DSA_44: 1312,
}
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,18})")
_CONTROLS = bytes({*range(0x20)} - {0x0A})


@dataclass(frozen=True)
class VerifierKey:
    """A name and a public key that we trust to sign under it; `str()` writes it as a vkey."""

    name: str
    type: SignatureType
    public: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not _is_name(self.name):
            raise InvalidKey("A key name is not empty and has no spaces and no plus sign.")
        if len(self.public) != _KEY_BYTES[self.type]:
            raise InvalidKey(f"A key of {len(self.public)} bytes is not of type {self.type:02x}.")
        _ = self._verify  # the point of an Ed25519 key is one that we trust anywhere else

    @classmethod
    def parse(cls, vkey: str) -> VerifierKey:
        """Read `name+<hex key ID>+base64(type ‖ public key)`, as `str()` writes it."""
        name, _, rest = vkey.partition("+")  # base64 may hold plus signs, names do not
        try:
            material = decode64(rest.partition("+")[2])
            key = cls(name, SignatureType(material[0]), material[1:])
        except (ValueError, IndexError):
            raise InvalidKey(
                "This is not a verifier key that we can use.",
                hint="example.com/log+1f2e3d4c+AZ…, of Ed25519 or ML-DSA-44",
            ) from None
        if str(key) != vkey:
            raise InvalidKey("The key ID does not belong to this name and key.")
        return key

    @cached_property
    def id(self) -> bytes:
        """The key ID: four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key)."""
        return sha256(b"%s\n%c%s" % (self.name.encode(), self.type, self.public)).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{encode64(bytes([self.type]) + self.public)}"

    @cached_property
    def _verify(self) -> Callable[[bytes, bytes], None]:
        if self.type == SignatureType.ML_DSA_44:
            return MLDSA44PublicKey.from_public_bytes(self.public).verify
        return public_key_of("Ed25519", self.public).verify

    def verify(self, text: str, signature: bytes) -> int | None:
        """Check the bytes behind the key ID; the time that a cosignature states, else None."""
        time = None
        if self.type != SignatureType.ED25519:
            time, signature = int.from_bytes(signature[:8]), signature[8:]
        try:
            self._verify(signature, _signed_message(self, text, time))
        except (ForgedProof, InvalidSignature):
            raise InvalidCheckpoint(f"The signature of {self.name} does not verify.") from None
        return time


class Signature(NamedTuple):
    """One signature line: a key's name and ID, and the bytes that its type defines."""

    name: str
    id: bytes
    signature: bytes


class Signer:
    """A private key under a name; `key` is what others need to verify."""

    def __init__(self, name: str, type_: SignatureType, seed: bytes) -> None:
        """From the 32 secret bytes that either algorithm grows its key from."""
        self._sign: Callable[[bytes], bytes]
        if type_ == SignatureType.ML_DSA_44:
            if len(seed) != 32:
                raise InvalidKey("The seed of an ML-DSA-44 key has 32 bytes.")
            quantum = MLDSA44PrivateKey.from_seed_bytes(seed)
            self._sign, public = quantum.sign, quantum.public_key().public_bytes_raw()
        else:
            classic = private_key("Ed25519", seed)
            self._sign, public = classic.sign, classic.public.raw
        self.key = VerifierKey(name, type_, public)

    def sign(self, text: str, time: int) -> Signature:
        """Sign a text; `time` goes into cosignatures and not into plain Ed25519 signatures.

        Ed25519 is deterministic. ML-DSA-44 is not: its library adds randomness against faults.
        """
        if self.key.type == SignatureType.ED25519:
            blob = self._sign(_signed_message(self.key, text, None))
        else:
            blob = time.to_bytes(8) + self._sign(_signed_message(self.key, text, time))
        return Signature(self.key.name, self.key.id, blob)


class Note(NamedTuple):
    """A text, which ends in a newline, and its signatures, verified or not."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Read a note; nothing is verified."""
        text, lines = _split(data)
        if len(lines) > MAX_SIGNATURES:
            raise InvalidCheckpoint(f"A note with {len(lines)} signatures; we read 100.")
        return cls(text, tuple(_parse_line(line) for line in lines))

    def format(self) -> bytes:
        """Write the note."""
        lines = [f"— {s.name} {encode64(s.id + s.signature)}\n" for s in self.signatures]
        return "".join([self.text, "\n", *lines]).encode()


class VerifiedNote(NamedTuple):
    """A text, and who signed it; with the time that a cosignature states."""

    text: str
    signatures: tuple[tuple[VerifierKey, int | None], ...]


def sign_note(text: str, signers: Sequence[Signer], time: int) -> bytes:
    """A signed note over a text that ends in a newline."""
    return Note(text, tuple(signer.sign(text, time) for signer in signers)).format()


def verify_note(data: bytes, keys: Sequence[VerifierKey]) -> VerifiedNote:
    """Check every signature of a known key; at least one is needed, and none may be bad.

    C2SP signed-note, section Signatures. An unknown name or key ID is ignored.
    """
    known = {(key.name, key.id): key for key in keys}
    if len(known) != len(set(keys)):
        raise InvalidKey("Two keys of one name and key ID: no telling which has signed.")
    note = Note.parse(data)
    verified: list[tuple[VerifierKey, int | None]] = []
    for name, id_, signature in note.signatures:
        if (key := known.get((name, id_))) is not None:
            verified.append((key, key.verify(note.text, signature)))
    if not verified:
        raise InvalidCheckpoint("None of the keys that we trust has signed this note.")
    return VerifiedNote(note.text, tuple(verified))


def tree_head(text: str) -> tuple[str, int, bytes, tuple[str, ...]]:
    """Origin, size, root and extension lines of a checkpoint's text (C2SP tlog-checkpoint)."""
    origin, *rest = text.removesuffix("\n").split("\n")
    if not text.endswith("\n") or not origin or len(rest) < 2 or not all(rest):
        raise InvalidCheckpoint("A checkpoint has three lines or more, and none is empty.")
    size, root, *extensions = rest
    if _DECIMAL.fullmatch(size) is None or int(size) > MAX_SIZE:
        raise InvalidCheckpoint("The size of the tree is not a decimal number below 2^63.")
    try:
        hash_ = decode64(root)
    except ValueError:
        hash_ = b""
    if len(hash_) != 32:
        raise InvalidCheckpoint("The root is not the base64 of a SHA-256 hash.")
    return origin, int(size), hash_, tuple(extensions)


def encode64(data: bytes) -> str:
    """Standard base64 (RFC 4648, section 4)."""
    return b64encode(data).decode()


def decode64(text: str) -> bytes:
    """The bytes of standard base64 in its one canonical form; anything else is a ValueError."""
    data = a2b_base64(text.encode("ascii"), strict_mode=True)
    if b64encode(data).decode() != text:  # RFC 4648, section 3.5: pad bits must be zero
        raise ValueError("not canonical base64")
    return data


def _is_name(name: str) -> bool:
    # A surrogate (out of bytes of a command line that are no UTF-8) cannot be written.
    return bool(name) and not any(
        c == "+" or c.isspace() or c < " " or "\ud800" <= c <= "\udfff" for c in name
    )


def _split(data: bytes) -> tuple[str, list[str]]:
    """The text of a note and its signature lines (C2SP signed-note, section Format)."""
    if len(data) > MAX_BYTES:
        raise InvalidCheckpoint(f"A note of {len(data)} bytes; we read {MAX_BYTES}.")
    if data.translate(None, _CONTROLS) != data:
        raise InvalidCheckpoint("The note has control characters in it.")
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise InvalidCheckpoint("The note is not UTF-8.") from None
    if not whole.endswith("\n"):
        raise InvalidCheckpoint("The note does not end in a newline.")
    text, blank, lines = whole.rpartition("\n\n")  # the last blank line, not the first
    if not blank or not lines:
        raise InvalidCheckpoint("The note has no signatures below a blank line.")
    return text + "\n", lines.removesuffix("\n").split("\n")


def _parse_line(line: str) -> Signature:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    try:
        blob = decode64(encoded)
    except ValueError:
        raise InvalidCheckpoint("A signature is not canonical base64.") from None
    if dash != "—" or not _is_name(name) or len(blob) < 5:
        raise InvalidCheckpoint("A line below the blank line is not a signature line.")
    return Signature(name, blob[:4], blob[4:])


def _signed_message(key: VerifierKey, text: str, time: int | None) -> bytes:
    """The bytes that a key of this type signs for a text."""
    if key.type == SignatureType.ED25519:
        return text.encode()
    origin, size, root, _ = tree_head(text)  # a cosignature is over a checkpoint
    if key.type == SignatureType.ED25519_COSIGNATURE:
        return f"cosignature/v1\ntime {time}\n{text}".encode()
    return subtree_message(key.name, time or 0, origin, 0, size, root)


def subtree_message(
    cosigner: str, time: int, origin: str, start: int, end: int, root: bytes
) -> bytes:
    """What an ML-DSA-44 cosignature signs (C2SP tlog-cosignature): a checkpoint from `start` 0.

    Raises InvalidCheckpoint where a name has more than 255 bytes, or a later start has a time.
    """
    names = cosigner.encode(), origin.encode()
    if max(map(len, names)) > 255 or (start and time):
        raise InvalidCheckpoint("No cosignature can be made over this subtree.")
    return b"".join(
        [
            b"subtree/v1\n\x00",
            len(names[0]).to_bytes(1),
            names[0],
            time.to_bytes(8),
            len(names[1]).to_bytes(1),
            names[1],
            start.to_bytes(8),
            end.to_bytes(8),
            root,
        ]
    )
