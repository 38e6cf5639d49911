"""specs/vectors/ledger: witness policies, what meets them and since when, and a witness's answers.

Ed25519 alone: ML-DSA-44 signs with fresh randomness.
"""

from __future__ import annotations

from typing import Any

from identity.errors import Conflict, QuorumMissing, TetradError
from registry.checkpoint import open_checkpoint
from registry.note import Note, SignatureType, Signer, VerifierKey, encode64
from registry.policy import Policy
from registry.witness import AddCheckpoint, Head, check_advance, open_request
from tests.factory import LOG, NOW, QUANTUM
from tests.generated import file
from tests.witnesses import STRANGER, Leaves, cosigner, lines_of

W1, W2, W3, W4 = (str(cosigner(name).key) for name in ("w1", "w2", "w3", "w4"))
THREE = f"witness w1 {W1}\nwitness w2 {W2}\nwitness w3 {W3}\n"
RENAMED = VerifierKey("other.example", SignatureType.ED25519_COSIGNATURE, cosigner("w1").key.public)

POLICIES: dict[str, str] = {
    "no cosignature asked for": "quorum none\n",
    "one witness": f"log {LOG.key} https://log.example\nwitness w1 {W1} https://w1.example\n"
    "quorum w1\n",
    "comments, blanks and tabs": f"# ours\n\n \t\n  # theirs\n\twitness  w1\t{W1} \nquorum w1\n",
    "groups of groups": f"{THREE}witness w4 {W4}\ngroup two 2 w1 w2 w3\ngroup both all two w4\n"
    "quorum both\n",
    "ML-DSA-44 of a log and of a witness": f"log {QUANTUM.key}\n"
    f"witness w1 {cosigner('w1 quantum').key}\nquorum w1\n",
    "a quorum before another witness": f"witness w1 {W1}\nquorum w1\nwitness w2 {W2}\n",
    "a witness in no group": f"{THREE}group g any w1 w2\nquorum g\n",
    "names of other letters": f"witness 见证人 {W1}\nquorum 见证人\n",
    "nothing": "",
    "no quorum": THREE,
    "two quorums": "quorum none\nquorum none\n",
    "quorum that is not defined": f"{THREE}quorum w4\n",
    "quorum that is defined below": f"quorum w1\nwitness w1 {W1}\n",
    "unknown line": "threshold 2\nquorum none\n",
    "keyword in capitals": "QUORUM none\n",
    "no newline at the end": "quorum none",
    "carriage return": "quorum none\r\n",
    "a space that is not ASCII": "quorum\u00a0none\n",
    "name taken": f"witness w1 {W1}\nwitness w1 {W2}\nquorum w1\n",
    "the name none": f"witness none {W1}\nquorum none\n",
    "group named like a witness": f"{THREE}group w1 any w2\nquorum w1\n",
    "witness key twice": f"witness w1 {W1}\nwitness w2 {W1}\nquorum w1\n",
    "witness key twice under two names": f"witness w1 {W1}\nwitness w2 {RENAMED}\nquorum w1\n",
    "log key twice": f"log {LOG.key}\nlog {LOG.key} https://log.example\nquorum none\n",
    "key of a witness as a log": f"log {W1}\nquorum none\n",
    "key of a log as a witness": f"witness w1 {LOG.key}\nquorum w1\n",
    "key ID of another key": f"witness w1 {W1.replace(W1.split('+')[1], '00000000')}\nquorum w1\n",
    "witness without a key": "witness w1\nquorum w1\n",
    "something behind the URL": f"witness w1 {W1} https://w1.example 1\nquorum w1\n",
    "threshold 0": f"{THREE}group g 0 w1 w2\nquorum g\n",
    "threshold of more than there are": f"{THREE}group g 3 w1 w2\nquorum g\n",
    "threshold with a leading zero": f"{THREE}group g 01 w1 w2\nquorum g\n",
    "group of nobody": f"{THREE}group g any\nquorum g\n",
    "group of itself": f"{THREE}group g any g\nquorum g\n",
    "group with none": f"{THREE}group g any none\nquorum g\n",
    "member that is defined below": f"{THREE}group g any h\ngroup h any w1\nquorum g\n",
    "member twice": f"{THREE}group g any w1 w1\nquorum g\n",
    "member of two groups": f"{THREE}group g any w1\ngroup h any w1 g\nquorum h\n",
}

LEAVES = Leaves(16)
FORK = Leaves(16, fork=3)
TWO_OF_THREE = f"{THREE}group g 2 w1 w2 w3\nquorum g\n"
NESTED = f"{THREE}witness w4 {W4}\ngroup two 2 w1 w2 w3\ngroup both all two w4\nquorum both\n"
NAMESAKE = Signer("w2.example/witness", SignatureType.ED25519_COSIGNATURE, bytes(32))
Times = list[tuple[Signer, int]]


def _by(**times: int) -> Times:
    return [(cosigner(name), NOW + time) for name, time in times.items()]


COSIGNED: dict[str, tuple[str, Times]] = {
    "no cosignature asked for": ("quorum none\n", _by(w1=10)),
    "one of one": (f"witness w1 {W1}\nquorum w1\n", _by(w1=10)),
    "two of three: the older of the two": (TWO_OF_THREE, _by(w1=10, w3=30)),
    "all of three: the second newest": (TWO_OF_THREE, _by(w1=10, w2=20, w3=30)),
    "any: the newest": (f"{THREE}group g any w1 w2 w3\nquorum g\n", _by(w1=10, w2=20)),
    "all: the oldest": (f"{THREE}group g all w1 w2 w3\nquorum g\n", _by(w1=10, w2=20, w3=30)),
    "groups of groups": (NESTED, _by(w1=10, w2=20, w3=30, w4=15)),
    "nobody": (TWO_OF_THREE, []),
    "one of three": (TWO_OF_THREE, _by(w2=20)),
    "the group, and not the other": (NESTED, _by(w1=10, w2=20, w3=30)),
    "a time of 0": (TWO_OF_THREE, [*_by(w1=10), (cosigner("w2"), 0)]),
    "one witness twice": (TWO_OF_THREE, [*_by(w1=10), *_by(w1=20)]),
    "a key that the policy does not have": (TWO_OF_THREE, _by(w1=10, w4=20)),
    "the name of a witness alone": (TWO_OF_THREE, [*_by(w1=10), (NAMESAKE, NOW + 20)]),
}


def _policy(name: str, text: str) -> dict[str, Any]:
    try:
        read = Policy.parse(text)
    except TetradError as error:
        line = {"line": error.members["line"]} if "line" in error.members else {}
        return {"name": name, "text": text, "error": error.code, **line}
    groups = [[group.name, group.threshold, list(group.members)] for group in read.groups]
    return {
        "name": name,
        "text": text,
        "logs": [log.key.name for log in read.logs],
        "witnesses": [[one.name, one.key.name, one.url] for one in read.witnesses],
        "groups": groups,
        "quorum": read.quorum,
    }


def _cosigned(name: str, text: str, times: Times) -> dict[str, Any]:
    policy = Policy.parse(text)
    note = LEAVES.note(5, LOG)
    note += b"".join(lines_of(signer, note=note, time=time) for signer, time in times)
    vector = {"name": name, "policy": text, "note": note.decode()}
    try:
        opened = open_checkpoint(note, [LOG.key], policy.keys)
        return {**vector, "time": policy.cosigned_at(opened.times)}
    except QuorumMissing as error:
        return {**vector, "error": error.code, "missing": error.members["missing"]}


def _requests() -> dict[str, bytes]:
    """A conversation: what a witness is asked, one after another."""
    note = LEAVES.note(9, LOG)
    proof = tuple(LEAVES.consistency(5, 9))
    return {
        "the first": LEAVES.request(0, 5, LOG),
        "nothing is new": LEAVES.request(5, 5, LOG),
        "it lost the answer": LEAVES.request(0, 5, LOG),
        "no request": b"old 5\n" + note,
        "old size with a leading zero": b"old 05\n\n" + note,
        "old size beyond the checkpoint": AddCheckpoint(10, (), note).format(),
        "base64 that is not canonical": LEAVES.request(5, 9, LOG)[:-3] + b"B=\n",
        "unknown origin": LEAVES.request(5, 9, LOG).replace(b"\nsandbox.test\n", b"\nx.test\n"),
        "signed by another": LEAVES.request(5, 9, STRANGER),
        "signature of another checkpoint": AddCheckpoint(
            5, proof, LEAVES.note(8, LOG).replace(b"\n8\n", b"\n9\n")
        ).format(),
        "no proof": AddCheckpoint(5, (), note).format(),
        "proof too long": AddCheckpoint(5, (*proof, bytes(32)), note).format(),
        "another history": FORK.request(5, 9, LOG),
        "another root at the same size": FORK.request(5, 5, LOG),
        "another root, from another size": FORK.request(3, 5, LOG),
        "the next": LEAVES.request(5, 9, LOG),
        "an older one": LEAVES.request(3, 5, LOG),
    }


def _conversation() -> list[dict[str, Any]]:
    """Each request with its status, and the size or the cosignature in the answer."""
    steps: list[dict[str, Any]] = []
    stored: Head | None = None
    signer = cosigner("w1")
    for number, (name, body) in enumerate(_requests().items()):
        step: dict[str, Any] = {"name": name, "request": body.decode(), "status": 200}
        try:
            opened = open_request(body, lambda origin: [LOG.key] if origin == LOG.key.name else [])
            check_advance(opened, stored)
            stored = opened.head
            line = signer.sign(opened.note.text, NOW + number)
            made = Note(opened.note.text, (line,)).format().decode()
            step["answer"] = made.removeprefix(opened.note.text + "\n")
        except TetradError as error:
            step["status"] = error.status
            if isinstance(error, Conflict):
                step["answer"] = f"{error.members['size']}\n"
        steps.append(step)
    return steps


def files() -> dict[str, bytes]:
    """Three files."""
    made: dict[str, dict[str, Any]] = {
        "policies": {
            "description": "Policies (C2SP tlog-policy): what they say, or the line that is wrong.",
            "policies": [_policy(name, text) for name, text in POLICIES.items()],
        },
        "cosigned": {
            "description": "Since when the quorum of a policy has cosigned, in seconds, or who is "
            "missing.",
            "log": str(LOG.key),
            "root": encode64(LEAVES.checkpoint(5).root),
            "vectors": [_cosigned(name, *given) for name, given in COSIGNED.items()],
        },
        "witness": {
            "description": "A witness that is asked one thing after another, a second apart (C2SP "
            "tlog-witness); it has an Ed25519 key alone.",
            "log": str(LOG.key),
            "witness": W1,
            "time": NOW,
            "steps": _conversation(),
        },
    }
    return {f"vectors/ledger/{name}.json": file(value) for name, value in made.items()}
