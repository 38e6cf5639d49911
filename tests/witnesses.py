"""A small log, witnesses and policies for tests: every key follows from a name.

log = Leaves(8)
log.note(5), log.consistency(3, 5), log.request(3, 5)
policy("witness w1 {w1} https://w1.example", "quorum w1")
"""

from __future__ import annotations

from hashlib import sha256

from registry.checkpoint import Checkpoint
from registry.merkle import EMPTY_ROOT, consistency_proof, leaf_hash, node_hash, root_at
from registry.note import Note, SignatureType, Signer, sign_note
from registry.policy import Policy
from registry.witness import AddCheckpoint
from resolver.witness.folder import WitnessSecrets
from tests.factory import LOG, NOW, ORIGIN, QUANTUM

STRANGER = Signer("stranger.test", SignatureType.ED25519, sha256(b"stranger").digest())
NAMES = ("w1", "w2", "w3", "w4", "w5", "w6")


def secrets(name: str) -> WitnessSecrets:
    """The secrets of a witness of that name."""
    return WitnessSecrets.new(
        f"{name}.example/witness", lambda n: sha256(f"witness {name}".encode()).digest()[:n]
    )


def cosigner(name: str) -> Signer:
    """The Ed25519 cosigner of that name; `w1 quantum` is the ML-DSA-44 cosigner of w1."""
    name, _, quantum = name.partition(" ")
    return secrets(name).signers[1 if quantum else 0]


def policy(*lines: str) -> Policy:
    """A policy in which {w1} … {w6} are the keys of cosigners."""
    text = "".join(f"{line}\n" for line in lines)
    return Policy.parse(text.format(**{name: cosigner(name).key for name in NAMES}))


class Leaves:
    """A log of so many leaves, or another history after the first `fork` of them."""

    def __init__(self, size: int, fork: int | None = None) -> None:
        self.size = size
        self._leaves = [
            leaf_hash(b"%d" % i if fork is None or i < fork else b"other %d" % i)
            for i in range(size)
        ]

    def read(self, level: int, n: int) -> bytes:
        """The hash of a complete subtree."""
        if level == 0:
            return self._leaves[n]
        return node_hash(self.read(level - 1, 2 * n), self.read(level - 1, 2 * n + 1))

    def checkpoint(self, size: int) -> Checkpoint:
        """Its checkpoint at a size."""
        return Checkpoint(ORIGIN, size, root_at(size, self.read) if size else EMPTY_ROOT)

    def note(self, size: int, *signers: Signer) -> bytes:
        """That checkpoint, signed by the log or by these."""
        return sign_note(self.checkpoint(size).format(), signers or (LOG, QUANTUM), NOW)

    def consistency(self, old: int, size: int) -> list[bytes]:
        """The proof between two sizes."""
        return consistency_proof(old, size, self.read)

    def request(self, old: int, size: int, *signers: Signer) -> bytes:
        """A request to cosign `size`, for a witness that is at `old`."""
        return AddCheckpoint(
            old, tuple(self.consistency(old, size)), self.note(size, *signers)
        ).format()


def lines_of(*signers: Signer, note: bytes, time: int = NOW) -> bytes:
    """The cosignature lines of these for a checkpoint."""
    text = Note.parse(note).text
    made = Note(text, tuple(signer.sign(text, time) for signer in signers)).format()
    return made.removeprefix(text.encode() + b"\n")
