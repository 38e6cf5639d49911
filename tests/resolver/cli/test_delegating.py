"""`tetrad grant issue --node`, and `tetrad resolve` by way of other ledgers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest

from resolver.client.home import Home
from tests.resolver.cli.conftest import Shell, start, stop
from tests.resolver.federating import BASE, Tree, code, path

CODE = BASE + "M-1"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of another ledger's node."""
    process, url = start("--ephemeral", ready=tmp_path_factory.mktemp("node") / "ready")
    yield url
    stop(process)


def test_a_grant_names_the_node_and_questions_are_referred_to_it(shell: Shell, node: str) -> None:
    shell.must("org", "create", "Acme Meters")
    grant = ("grant", "issue", "--prefix", "gtin:09506000", "--node", node)
    unasked = shell(*grant)
    assert (unasked.status, "say --yes" in unasked.err) == (2, True)
    wrong = shell(*grant, "--node-ledger", "zQm" + "1" * 44)
    assert (wrong.status, "not zQm" in wrong.err) == (1, True)
    shell.must(*grant, "--yes")
    assert ", node sandbox" in shell.must("grant", "list").out
    refused = shell("resolve", CODE)
    assert refused.status == 1
    assert "✓ the pinned ledger refers this to" in refused.err
    assert node in refused.err


@pytest.mark.parametrize(
    "words", [("--node", "http://127.0.0.1:1", "--admit"), ("--node-ledger", "zQm", "--admit")]
)
def test_a_node_goes_with_a_prefix(shell: Shell, words: tuple[str, ...]) -> None:
    assert shell("grant", "issue", *words).status == 2


@pytest.fixture
def resolver(tmp_path: Path) -> Iterator[Shell]:
    """A person who pinned the root, in front of what says one thing to every question."""
    tree = Tree(int(time.time()))
    said = orjson.dumps({**path(code("M-1"), tree.ledgers), "served": {"stale": True}})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    shell = Shell(tmp_path, url)
    Home(tmp_path / ".tetrad").pin(url, tree.trust)
    yield shell
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_way_from_the_root_is_shown_and_kept_in_a_bundle(
    resolver: Shell, tmp_path: Path
) -> None:
    file = tmp_path / "meter.bundle"
    shown = resolver.must("resolve", CODE, "--bundle", str(file)).out
    assert "✓ root root.test → nation.test → acme.test" in shown
    assert "gtin:09506 is nation.test's by grant zQm" in shown
    assert "! stale" in shown
    hops = resolver.must("resolve", CODE, "--json").json["verified"]["hops"]
    assert [hop["origin"] for hop in hops] == ["root.test", "nation.test", "acme.test"]
    verified = resolver.must("verify", str(file)).out
    assert "✓ root root.test → nation.test → acme.test" in verified


def test_lines_are_asked_one_by_one_where_there_are_no_batches(resolver: Shell) -> None:
    told = resolver.must("resolve", "-", "--json", stdin=f"{CODE}\n{CODE}\n")
    lines = [orjson.loads(line) for line in told.out.splitlines()]
    assert [line["line"] for line in lines] == [1, 2]
    assert all(line["verified"]["stale"] for line in lines)
