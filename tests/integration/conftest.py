"""A server process that the tests of a module share, with its ledger in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on a free port, with a ledger in memory."""
    with Server(tmp_path_factory.mktemp("server") / "ephemeral") as server:
        yield server
