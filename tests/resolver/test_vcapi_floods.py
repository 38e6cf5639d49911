"""The VC-API under requests that are small to send and large to answer, and under a full disk."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import resolver.interop
from identity.credentials.status_list import MOST_ENTRIES
from resolver.interop import STATUS, Interop, available_suites
from tests.resolver.town import Town

V2 = "https://www.w3.org/ns/credentials/v2"
Document = dict[str, Any]


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    interop = Interop(tmp_path)
    with Town(interop=interop) as town:
        yield town
    interop.close()


def credential(**members: Any) -> Document:
    return {
        "@context": [V2],
        "type": ["VerifiableCredential"],
        "issuer": "https://example.com/issuers/1",
        "credentialSubject": {"id": "did:example:subject"},
        **members,
    }


def post(town: Town, path: str, body: object) -> httpx.Response:
    headers = {"content-type": "application/json"}
    return town.request("POST", path, content=json.dumps(body).encode(), headers=headers)


def issue(town: Town, value: Document, prefix: str = "", entries: int = 0) -> httpx.Response:
    options: Document = {"credentialStatus": [{} for _ in range(entries)]} if entries else {}
    body = {"credential": value, "options": options}
    return post(town, f"{prefix}/credentials/issue", body)


def refused(response: httpx.Response, status: int, code: str) -> None:
    assert (response.status_code, response.json()["code"]) == (status, code)


def lines(folder: Path) -> list[bytes]:
    return (folder / STATUS).read_bytes().splitlines()


def test_so_many_entries_of_one_credential(town: Town, tmp_path: Path) -> None:
    """Each is a write to the disk, and a list to look at for whoever verifies."""
    made = issue(town, credential(), entries=MOST_ENTRIES)
    assert made.status_code == 201
    signed = made.json()["verifiableCredential"]
    verified = post(town, "/credentials/verify", {"verifiableCredential": signed})
    assert verified.status_code == 200
    refused(issue(town, credential(), entries=MOST_ENTRIES + 1), 400, "input.malformed")
    status = signed["credentialStatus"]
    again = credential(credentialStatus=status)
    refused(issue(town, again, entries=1), 400, "credential.malformed")
    refused(issue(town, again, "/bitstring-status-list"), 400, "credential.malformed")
    more = credential(credentialStatus=[*status, status[0]])
    refused(issue(town, more), 400, "credential.malformed")
    assert len(lines(tmp_path)) == MOST_ENTRIES


def test_so_many_statuses_of_one_request(town: Town, tmp_path: Path) -> None:
    for _ in range(3):
        issue(town, credential(id="urn:uuid:1"), entries=1)
    before = len(lines(tmp_path))
    body: Document = {"credentialId": "urn:uuid:1", "credentialStatus": [{}] * (MOST_ENTRIES + 1)}
    refused(post(town, "/credentials/status", body), 400, "input.schema")
    body["credentialStatus"] = [{"status": 1}, {"status": 0}]
    refused(post(town, "/credentials/status", body), 400, "input.schema")  # revoked, and not
    assert len(lines(tmp_path)) == before
    body["credentialStatus"] = [{}]
    done = post(town, "/credentials/status", body)
    assert len(done.json()["updated"]) == 3
    assert len(lines(tmp_path)) == before + 3


def test_a_large_document_over_rdf(town: Town) -> None:
    """PyLD took 48 seconds for this one, in which nobody else was answered."""
    value = credential(credentialSubject=[{"name": f"n{n}"} for n in range(3000)])
    for prefix, status in (("/eddsa-jcs-2022", 201), ("/eddsa-rdfc-2022", 413)):
        assert issue(town, value, prefix).status_code == status


def test_many_contexts(town: Town) -> None:
    value = credential(**{"@context": [V2, *({} for _ in range(20_000))]})
    refused(issue(town, value), 400, "credential.malformed")


def test_a_full_disk_leaves_no_half_line(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next line is not joined to it: the file is read again at the next start."""
    issue(town, credential(id="urn:uuid:1"), entries=1)
    before = (tmp_path / STATUS).read_bytes()
    write = os.write

    def half(file: int, data: bytes) -> int:
        return write(file, data[: len(data) // 2])

    def full(_file: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    for broken in (half, full):
        monkeypatch.setattr(os, "write", broken)
        response = issue(town, credential(id="urn:uuid:2"), entries=1)
        monkeypatch.undo()
        assert response.status_code == 503
        assert (tmp_path / STATUS).read_bytes() == before
    assert issue(town, credential(id="urn:uuid:3"), entries=1).status_code == 201
    again = Interop(tmp_path)
    again.close()
    assert again.statuses.update({"credentialId": "urn:uuid:1", "credentialStatus": {}})


def test_statuses_of_suites_that_are_not_installed_any_more(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue(town, credential(id="urn:uuid:1"), "/eddsa-rdfc-2022", entries=1)
    issue(town, credential(id="urn:uuid:2"), entries=1)
    for name in ("urn:uuid:1", "urn:uuid:2"):
        body: Document = {"credentialId": name, "credentialStatus": {}}
        assert post(town, "/credentials/status", body).status_code == 200
    jcs = tuple(suite for suite in available_suites() if not suite.needs_rdf)
    monkeypatch.setattr(resolver.interop, "available_suites", lambda: jcs)
    Interop(tmp_path).close()
