"""Programs of others: `node/` over libraries of npm, `go/` over sumdb, and nginx."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.interop.libraries import Library, libraries
from tests.interop.matrix import known_keys
from tests.interop.resolving import Suite, configured
from tests.interop.suites import Implementation, serving

NODE = Path(__file__).parent / "node"


@pytest.fixture(scope="session")
def node() -> Callable[[str, str, Any], Any]:
    """Runs a program with a command and its input; gives its output. `npm ci` where it must."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        pytest.skip("node not found: the libraries of npm are not asked")
    wanted = json.loads((NODE / "package.json").read_bytes())["dependencies"]
    if not all((NODE / "node_modules" / name).is_dir() for name in wanted):
        if npm is None:
            pytest.skip("npm not found, and tests/interop/node/node_modules is not complete")
        command = [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(command, cwd=NODE, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"npm ci failed in tests/interop/node: {done.stderr.strip()[:200]}")

    def run(program: str, command: str, value: Any) -> Any:
        done = subprocess.run(
            [node, str(NODE / program), command],
            input=json.dumps(value),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program, built."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("go not found: the Go log client is not built")
    program = tmp_path_factory.mktemp("go") / "logclient"
    source = Path(__file__).parent / "go"
    run = partial(subprocess.run, cwd=source, capture_output=True, text=True, check=False)
    if (fetched := run([go, "mod", "download"])).returncode:
        pytest.skip(f"golang.org/x/mod cannot be fetched: {fetched.stderr.strip()}")
    built = run([go, "build", "-mod=readonly", "-o", str(program), "."])
    assert built.returncode == 0, built.stderr
    return program


@pytest.fixture(scope="session")
def implementation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Implementation]:
    """A running service with the VC-API."""
    with serving(tmp_path_factory.mktemp("interop")) as implementation:
        yield implementation


@pytest.fixture(scope="session")
def suite(implementation: Implementation) -> Iterator[Suite]:
    """The running service with DIDs of every kind."""
    with configured(implementation) as suite:
        yield suite


@pytest.fixture(scope="session")
def found() -> dict[str, Library]:
    """Other people's credential libraries by name; where one is missing, the test is skipped."""
    installed, missing = libraries(known_keys())
    if missing:
        pytest.skip("; ".join(missing))
    return {one.name: one for one in installed}


NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{server}
}}
"""
PATIENCE = 30


@contextmanager
def nginx(folder: Path, public: Path) -> Iterator[str]:
    """The address under which nginx serves `public`, configured as in specs/examples; its own
    files lie in `folder`."""
    program = shutil.which("nginx")
    if program is None:
        pytest.skip("nginx not found: no static files are served by others")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    example = (REPOSITORY / "specs" / "examples" / "nginx.conf").read_text(encoding="utf-8")
    assert "listen 80;" in example
    assert "root /srv/tetrad;" in example
    server = example.replace("listen 80;", f"listen 127.0.0.1:{port};")
    server = server.replace("root /srv/tetrad;", f"root {public};")
    configuration = folder / "nginx.conf"
    configuration.write_text(NGINX.format(folder=folder, server=server), encoding="utf-8")
    command = [program, "-p", str(folder), "-e", "stderr", "-c", str(configuration)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            limit = time.monotonic() + PATIENCE
            while not answers(port):
                assert process.poll() is None, process.communicate()[1]
                assert time.monotonic() < limit, "nginx does not start"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True
