"""The W3C's test suites, asked of a running service in our own words.

The suites are no packages that a client of a registry could install, so that what they send and
what they expect is put down here: each test names the section that it comes from. What a second
implementation has to sign, Digital Bazaar's libraries sign, as in the suites themselves.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.interop.libraries import Document

BASE = "https://www.w3.org/ns/credentials/v2"
PATIENCE = 60.0
_SERVE = (sys.executable, "-c", "from resolver.cli import main; main()", "serve")


@dataclass(frozen=True)
class Implementation:
    """The service, as a suite is configured with it."""

    client: httpx.Client

    def post(self, path: str, body: object) -> httpx.Response:
        """One request; no answer may be a mistake of ours."""
        response = self.client.post(path, json=body)
        assert response.status_code < 500, response.text
        return response

    def issue(self, credential: Document, prefix: str = "") -> httpx.Response:
        """A request to issue, with an issuer where the credential names none."""
        body = {"credential": {"issuer": "did:example:issuer", **credential}, "options": {}}
        return self.post(f"{prefix}/credentials/issue", body)

    def issued(self, credential: Document, prefix: str = "") -> Document:
        """What is issued: 201 with the credential."""
        response = self.issue(credential, prefix)
        assert response.status_code == 201, response.text
        found: Document = response.json()["verifiableCredential"]
        return found

    def verify(self, credential: object, **options: Any) -> httpx.Response:
        """A request to verify, as the suites send it: the proof alone, and the form."""
        asked = {"checks": ["proof"], **options}
        return self.post(
            "/credentials/verify", {"verifiableCredential": credential, "options": asked}
        )

    def verify_presentation(self, presentation: object, **options: Any) -> httpx.Response:
        """A request to verify a presentation."""
        asked = {"checks": [], **options}
        body = {"verifiablePresentation": presentation, "options": asked}
        return self.post("/presentations/verify", body)


@contextmanager
def serving(folder: Path) -> Iterator[Implementation]:
    """`tetrad serve --ephemeral --interop` in a process of its own."""
    ready = folder / "interop.ready"
    command = [*_SERVE, "--ephemeral", "--interop", "--port", "0", "--ready-file", str(ready)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            limit = time.monotonic() + PATIENCE
            while not ready.exists():
                assert process.poll() is None, "the service did not start"
                assert time.monotonic() < limit, "the service does not answer"
                time.sleep(0.01)
            with httpx.Client(base_url=ready.read_text().strip(), timeout=PATIENCE) as client:
                yield Implementation(client)
        finally:
            process.terminate()


def accepted(response: httpx.Response) -> None:
    """Neither refused nor redirected."""
    assert response.is_success, response.text


def refused(response: httpx.Response, *types: str) -> None:
    """400 with problem details, whose type is one of `types` (their last word) where some are
    given."""
    assert response.status_code == 400, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["verified"] is False
    if types:
        assert problem["type"].rpartition("#")[2] in types, problem


def credential(**members: Any) -> Document:
    """The smallest credential of the suites, with other members; None leaves one out."""
    document = {
        "@context": [BASE],
        "type": ["VerifiableCredential"],
        "credentialSubject": {"id": "did:example:subject"},
        **members,
    }
    return {name: value for name, value in document.items() if value is not None}


def presentation(*credentials: object, **members: Any) -> Document:
    """The smallest presentation of the suites."""
    document = {
        "@context": [BASE],
        "type": ["VerifiablePresentation"],
        **({"verifiableCredential": list(credentials)} if credentials else {}),
        **members,
    }
    return {name: value for name, value in document.items() if value is not None}
