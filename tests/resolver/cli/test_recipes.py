"""specs/examples/each-event.sh: events to a webhook, and to MQTT, at least once and in order."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

import orjson
import pytest

from tests.resolver.cli.conftest import REPOSITORY, Shell

SCRIPT = REPOSITORY / "specs" / "examples" / "each-event.sh"
PATIENCE = 60


@contextmanager
def running(shell: Shell, *command: str) -> Iterator[None]:
    """The script at work on the organizations that are registered."""
    tools = shell.home / "bin"
    tools.mkdir(exist_ok=True)
    tetrad = tools / "tetrad"
    tetrad.write_text(f"#!{sys.executable}\nfrom resolver.cli import main\nmain()\n")
    tetrad.chmod(0o755)
    environment = {
        **os.environ,
        **shell.environment,
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "TAIL": "--type organization.register",
        "PAUSE": "0",
    }
    process = subprocess.Popen(
        [str(SCRIPT), *command], cwd=shell.home, env=environment, start_new_session=True
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=PATIENCE)


def from_now_on(shell: Shell) -> None:
    """The position behind all that there is."""
    *_, last = shell.must("tail", "--json", "--type", "state.root").out.splitlines()
    position = shell.home / "each-event.position"
    position.write_text(f"{orjson.loads(last)['index']}\n")


@pytest.fixture
def webhook() -> Iterator[tuple[str, Queue[dict[str, Any]]]]:
    """An address that refuses the first event once, and a queue of what it has taken."""
    taken: Queue[dict[str, Any]] = Queue()
    refused: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = self.rfile.read(int(self.headers["content-length"]))
            if refused:
                taken.put(orjson.loads(event))
            self.send_response(204 if refused else 503)
            self.end_headers()
            refused.append(event)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", taken
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
def test_a_webhook_gets_each_event_and_after_a_stop_the_next(
    shell: Shell, webhook: tuple[str, Queue[dict[str, Any]]]
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is missing: the recipe for webhooks needs it")
    url, taken = webhook
    post = ("curl", "-sSf", "--json", "@-", url)
    from_now_on(shell)
    first = shell.must("org", "create", "Acme", "--json").json["did"]
    with running(shell, *post):
        assert taken.get(timeout=PATIENCE)["subject"] == first
        second = shell.must("org", "create", "Beta", "--json").json["did"]
        found = taken.get(timeout=PATIENCE)
        assert (found["subject"], found["type"]) == (second, "organization.register")
        third = shell.must("org", "create", "Gamma", "--json").json["did"]
        assert taken.get(timeout=PATIENCE)["subject"] == third
    fourth = shell.must("org", "create", "Delta", "--json").json["did"]
    with running(shell, *post):
        found = taken.get(timeout=PATIENCE)
        if found["subject"] == third:  # it was stopped before it could note that this was taken
            found = taken.get(timeout=PATIENCE)
        assert found["subject"] == fourth


@pytest.mark.slow
def test_a_broker_gets_each_event_under_its_type(shell: Shell) -> None:
    published = shell.home / "published"
    os.mkfifo(published)
    stand_in = shell.home / "bin" / "mosquitto_pub"
    stand_in.parent.mkdir()
    stand_in.write_text(f'#!/bin/sh\n{{ echo "$*"; cat; }} > {published}\n')
    stand_in.chmod(0o755)
    from_now_on(shell)
    did = shell.must("org", "create", "Acme", "--json").json["did"]
    publish = 'mosquitto_pub -h broker -q 1 -t "tetrad/$EVENT_TYPE" -s'
    with running(shell, "sh", "-c", publish):
        words, event = published.read_text().splitlines()
    assert words == "-h broker -q 1 -t tetrad/organization.register -s"
    assert orjson.loads(event)["subject"] == did


def test_a_command_must_be_named() -> None:
    done = subprocess.run([SCRIPT], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, "usage: each-event.sh COMMAND" in done.stderr) == (2, True)
