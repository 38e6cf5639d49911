"""A service publishes, nginx serves, and everybody reads: Go's sumdb client, mirrors, the audit.

What nginx serves are files that our modules have written; nothing of ours answers a request.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from registry.note import VerifierKey
from resolver.static_log import StaticLog
from tests.integration.server import Server, Visitor
from tests.interop.conftest import nginx
from tests.interop.test_go_client import ask, log_key
from tests.resolver.cli.conftest import Shell

FLEET = 600


class Published(NamedTuple):
    """A folder that a service published and stopped, and what its clients pin."""

    public: Path
    ledger: str
    key: VerifierKey
    size: int


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder = tmp_path_factory.mktemp("service")
    with Server(folder / "city", publish=folder / "public") as running:
        visitor = Visitor(running)
        lines = visitor.submissions(visitor.acme(), FLEET)
        answers = visitor.batch(lines[:100]) + visitor.batch(lines[100:])
        assert {answer["status"] for answer in answers} == {201}
        ledger, key = visitor.ledger_hash, log_key(visitor)
    with StaticLog(folder / "public") as log:
        assert log.size > FLEET
        return Published(folder / "public", ledger, key, log.size)


@pytest.fixture(scope="module")
def url(published: Published, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with nginx(tmp_path_factory.mktemp("nginx"), published.public) as url:
        yield url


OWN_CHECKS = ["ok checkpoint", "ok tiles", "ok bundle", "ok inclusion", "ok consistency"]


@pytest.mark.parametrize("index", [0, 255, 256, 512, -1])
def test_go_verifies_what_nginx_serves(
    client: Path, published: Published, url: str, index: int
) -> None:
    status, lines = ask(client, url, index % published.size, published.key, "-static")
    assert [line.split(":")[0] for line in lines] == OWN_CHECKS
    assert lines[0] == f"ok checkpoint: signed, {published.size} entries"
    assert status == 0


def test_go_verifies_a_mirror_of_what_nginx_serves(
    client: Path, published: Published, url: str, tmp_path: Path
) -> None:
    shell = Shell(tmp_path)
    out = shell.must("mirror", url, str(tmp_path / "copy"), "--ledger", published.ledger).out
    assert f"✓ {published.size} entries, {published.size} of them new" in out
    (tmp_path / "nginx").mkdir()
    with nginx(tmp_path / "nginx", tmp_path / "copy") as copy:
        assert ask(client, copy, published.size - 1, published.key, "-static")[0] == 0
        shell.must("trust", copy, "--ledger", published.ledger)
        assert shell.must("audit", copy, "--json").json["size"] == published.size
    assert shell.must("audit", str(tmp_path / "copy"), "--json").json["size"] == published.size


def test_files_come_as_they_are(published: Published, url: str) -> None:
    with httpx.Client(base_url=url, headers={"accept-encoding": "gzip, br"}) as http:
        for path, kind in [
            ("/checkpoint", "text/plain; charset=utf-8"),
            ("/tile/0/000", "application/octet-stream"),
            (f"/tile/0/002.p/{published.size - 512}", "application/octet-stream"),
            ("/tile/entries/001", "application/octet-stream"),
        ]:
            answer = http.get(path)
            assert answer.status_code == 200
            assert answer.headers["content-type"] == kind
            assert "content-encoding" not in answer.headers
            assert answer.content == (published.public / path[1:]).read_bytes()
        assert "immutable" in http.get("/tile/0/000").headers["cache-control"]
        assert http.get("/.new/").status_code == 404
        assert http.get("/tile/0/003").status_code == 404
