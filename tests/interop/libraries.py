"""Libraries of others that sign and verify credentials, each behind the same two questions.

`node/credentials.mjs` asks those of npm, `python/main.py` those of PyPI; both are programs of their
own, take one JSON value and give one, and fetch nothing. A set of proofs is put to them one proof
at a time, since one of them calls a whole set verified when a single proof is.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from identity.did import did_key, did_key_method
from identity.document import did_key_document
from identity.keys import ED25519, P256, P384, PrivateKey, private_key
from identity.multibase import base64url_encode, multibase_encode
from resolver.vcapi import SUITES, Suite

HERE = Path(__file__).parent
NODE = HERE / "node"
PYTHON = HERE.parent.parent / ".venv-interop" / "bin" / "python"
CREATED = "2026-11-22T08:00:00Z"
SECRET_CODECS = {ED25519: b"\x80\x26", P256: b"\x86\x26", P384: b"\x87\x26"}  # multicodec, varints

Document = dict[str, Any]
Ask = Callable[[str, Any], Any]


class Verdict(NamedTuple):
    """What a library says of a document."""

    verified: bool
    reason: str


class Unavailable(Exception):
    """A library that is not installed here; the message says what is missing."""


@cache
def signing_key(name: str, algorithm: str) -> PrivateKey:
    """The same key for the same name, in every run."""
    width = 48 if algorithm == P384 else 32
    return private_key(algorithm, hashlib.sha512(f"{name} {algorithm}".encode()).digest()[:width])


def did_of(key: PrivateKey) -> str:
    return did_key(key.public.multikey)


def method_of(key: PrivateKey) -> str:
    return did_key_method(key.public.multikey)


@dataclass(frozen=True)
class Library:
    """One library, or a door of one."""

    name: str
    suites: tuple[Suite, ...]
    presents: bool
    """Whether it signs and verifies presentations."""
    ask: Ask

    def sign(
        self, documents: Iterable[Document], suite: Suite, key: PrivateKey, **options: Any
    ) -> list[Document]:
        """The documents, each with a proof of this library's under our key."""
        task = {
            "library": self.name,
            "cryptosuite": suite.cryptosuite,
            "key": described(key),
            "created": CREATED,
            "purpose": "assertionMethod",
            **options,
        }
        answer: list[Document] = self.ask("sign", [{**task, "document": one} for one in documents])
        return answer

    def verify(self, documents: Iterable[Document], **options: Any) -> list[Verdict]:
        """The library's verdicts."""
        task = {"library": self.name, "purpose": "assertionMethod", **options}
        answers = self.ask("verify", [{**task, "document": one} for one in documents])
        return [Verdict(one["verified"], one["reason"]) for one in answers]


def described(key: PrivateKey) -> dict[str, str]:
    """A key as the libraries read it."""
    secret = key.secret()
    return {
        "type": "Multikey",
        "id": method_of(key),
        "controller": did_of(key),
        "publicKeyMultibase": key.public.multikey,
        "secretKeyMultibase": multibase_encode(SECRET_CODECS[key.public.algorithm] + secret),
        "algorithm": key.public.algorithm,
        "secret": base64url_encode(secret),
    }


def npm(keys: Iterable[PrivateKey]) -> Ask:
    """The program over the libraries of npm; `keys` are those that it can resolve.

    Raises Unavailable where Node.js or a library is missing.
    """
    program = shutil.which("node")
    wanted = json.loads((NODE / "package.json").read_bytes())["dependencies"]
    if program is None:
        raise Unavailable("node not found: the libraries of npm are not asked")
    if not all((NODE / "node_modules" / name).is_dir() for name in wanted):
        raise Unavailable("tests/interop/node/node_modules is not complete: npm ci")
    documents = [did_key_document(key.public.multikey) for key in keys]

    def ask(command: str, value: Any) -> Any:
        question = value if isinstance(value, dict) else {"didDocuments": documents, "tasks": value}
        return _run([program, str(NODE / "credentials.mjs"), command], question)

    return ask


def pypi() -> Ask:
    """The program over the libraries of PyPI. Raises Unavailable where they are not installed."""
    if not PYTHON.exists():
        raise Unavailable("no .venv-interop: tests/interop/python/install makes it")
    return lambda command, value: _run(
        [str(PYTHON), str(HERE / "python" / "main.py"), command], value
    )


def _run(command: list[str], value: Any) -> Any:
    done = subprocess.run(
        command, input=json.dumps(value), capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


_JCS_ED25519 = tuple(suite for suite in SUITES if suite.cryptosuite == "eddsa-jcs-2022")


def libraries(keys: Iterable[PrivateKey]) -> tuple[list[Library], list[str]]:
    """Those that are installed here, and for the others a line each that says why not."""
    found: list[Library] = []
    missing: list[str] = []
    try:
        ask = npm(keys)
        found += [
            Library("@digitalbazaar/data-integrity", SUITES, True, ask),
            Library("@digitalbazaar/vc", SUITES, True, ask),
        ]
    except Unavailable as why:
        missing.append(str(why))
    try:
        ask = pypi()
        found += [
            Library("openvc-core", SUITES, True, ask),
            Library("apsig", _JCS_ED25519, False, ask),
        ]
    except Unavailable as why:
        missing.append(str(why))
    return found, missing
