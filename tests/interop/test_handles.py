"""Other people's programs: PyHandle asks a running service, zxing-cpp reads its labels."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import pytest

from resolver.labels import LEVELS, Drawing, drawn, printed_url, readable
from resolver.schemes import SCHEMES
from tests.interop.libraries import PYTHON
from tests.resolver.cli.conftest import Shell, start, stop

HERE = Path(__file__).parent / "python"
HANDLE = "88.100.9999/dev0001"
Ask = Callable[[str, Any], Any]


class Running(NamedTuple):
    """A service, and someone who registers there."""

    url: str
    shell: Shell


@pytest.fixture(scope="module")
def ask() -> Ask:
    """Runs a program in the environment of other people's libraries."""
    if not PYTHON.exists():
        pytest.skip(".venv-interop not found: run tests/interop/python/install")

    def run(program: str, value: Any) -> Any:
        done = subprocess.run(
            [str(PYTHON), str(HERE / program)],
            input=json.dumps(value),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`tetrad serve --ephemeral` with a device under 88."""
    folder = tmp_path_factory.mktemp("handles")
    process, url = start("--ephemeral", ready=folder / "ready")
    try:
        shell = Shell(folder)
        shell.must("trust", "--yes", url)
        shell.must("org", "create", "Node", "--prefix", "idis:88.100.9999")
        data = {
            "describes": "water",
            "schema": "https://acme.example/s.json",
            "version": 1,
            "grade": "general",
            "endpoints": [{"type": "Page", "url": "https://acme.example/dev0001"}],
            "commitment": "Q1cJDLRPWhQqMGbrUPIfpDY8UjsXhrk2tHYK3kqX-bg",
        }
        words = ("--model", "M1", "--serial", "1", "--ipv6", "enabled", "--code", HANDLE)
        given = folder / "data.json"
        given.write_text(json.dumps(data))
        shell.must("register", *words)
        shell.must("device", "update", HANDLE, "--data", str(given))
        yield Running(url, shell)
    finally:
        stop(process)


def test_pyhandle_reads_records_values_and_their_absence(ask: Ask, running: Running) -> None:
    asked = {"url": running.url, "found": HANDLE, "absent": "88.100.9999/nobody"}
    found = ask("handles.py", asked)
    assert found["json"]["responseCode"] == 1
    assert found["json"]["handle"] == HANDLE
    assert found["url"] == "https://acme.example/dev0001"
    assert found["record"]["URL"] == "https://acme.example/dev0001"
    assert found["record"]["TETRAD.DID"].startswith("did:tetrad:")
    assert (found["status"], found["nothing"]) == ("active", None)
    assert found["rest"] == found["record"]
    assert found["absent"] is None
    assert found["refused"] == "HandleNotFoundException"


def test_zxing_reads_every_label_back_to_what_it_says(ask: Ask) -> None:
    labels, said = [], []
    schemes = [row for row in SCHEMES.describe() if not (row.number or row.committed)]
    for row, level in zip(schemes, cycle(LEVELS), strict=False):
        code = SCHEMES.read(row.example, row.name)
        url = printed_url("https://id.acme.example", code)
        for form in ("svg", "png"):
            drawing = Drawing(form, level, 3)
            data = base64.b64encode(drawn(url, readable(code), drawing)).decode()
            labels.append({"format": form, "data": data})
            said.append({"text": url, "kind": "QRCode", "level": level})
    assert len(labels) > 20
    assert ask("labels.py", labels) == said


def test_the_label_of_the_service_leads_back_to_the_device(ask: Ask, running: Running) -> None:
    served = httpx.get(f"{running.url}/v1/labels/{quote(HANDLE, safe='')}?format=png")
    data = base64.b64encode(served.content).decode()
    (read,) = ask("labels.py", [{"format": "png", "data": data}])
    assert read["text"] == f"{running.url}/c/idis/{HANDLE}"
    answer = httpx.get(read["text"], follow_redirects=True).json()
    assert answer["readAs"] == {"scheme": "idis", "value": HANDLE}
