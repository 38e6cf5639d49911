"""A service in this process for tests: a maker of operations in front of an application.

    with Town() as town:
        acme = town.organization("Acme")          # registered over HTTP
        town.get("/v1/organizations")

The clock is `town.now`; keys, salts and the log's secrets are those of tests/factory.py.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import orjson

from resolver.app import create_app
from resolver.folder import LogSecrets, MemorySite, Site
from resolver.interop import Interop
from resolver.service import Service
from resolver.settings import Settings
from tests.factory import NOW, ORIGIN, SECRET, Maker, Signed, Subject, log_seeds


def secrets_of(origin: str = ORIGIN) -> LogSecrets:
    """The secrets of a log, those of tests/factory.py."""
    further = log_seeds(1, origin), log_seeds(2, origin)
    return LogSecrets(origin, *log_seeds(0, origin), SECRET, further=further)


SECRETS = secrets_of()
INLINE = Settings(checkers=0)
JSON = {"content-type": "application/json"}
NDJSON = {"content-type": "application/x-ndjson"}


Result = TypeVar("Result")


class Town(Maker):
    """A `Maker` whose operations are posted to an application in this process."""

    def __init__(
        self,
        settings: Settings = INLINE,
        mode: str = "sandbox",
        *,
        now: int = NOW,
        site: Callable[[LogSecrets, Any], Site] = MemorySite,
        interop: Interop | None = None,
        **options: Any,
    ) -> None:
        super().__init__(mode, now=now, **options)
        secrets = replace(
            secrets_of(self.origin), uniqueness_alg=str(self.uniqueness.member["alg"])
        )
        self.site = site(secrets, self.genesis.operation)
        self.app = create_app(
            settings,
            self.site,
            lambda: float(self.now),
            addresses=["http://town.test"],
            interop=interop,
        )
        self.service: Service = self.app.state.service
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._lifespan: AbstractAsyncContextManager[Any] | None = None
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False),
            base_url="http://town.test",
            timeout=60,
        )

    def __enter__(self) -> Self:
        self._thread.start()
        self._lifespan = self.app.router.lifespan_context(self.app)
        self.run(self._lifespan.__aenter__())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.run(self._client.aclose())
        if self._lifespan is not None:
            self.run(self._lifespan.__aexit__(kind, error, trace))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.site.close()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Runs a coroutine in the service's event loop, to its end."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request, whatever comes of it."""
        return self.run(self._client.request(method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET, whatever comes of it."""
        return self.request("GET", path, **options)

    def post(self, body: bytes, query: str = "", **headers: str) -> httpx.Response:
        """One operation's bytes to /v1/operations."""
        return self.request(
            "POST", f"/v1/operations{query}", content=body, headers={**JSON, **headers}
        )

    def batch(self, lines: list[bytes], query: str = "") -> list[Any]:
        """The answers to the lines of a batch."""
        response = self.request(
            "POST", f"/v1/operations{query}", content=b"\n".join(lines), headers=NDJSON
        )
        assert response.status_code == 200, response.text
        return [orjson.loads(line) for line in response.content.splitlines()]

    def accept(self, *signed: Signed) -> list[dict[str, Any]]:
        """Posts operations one by one; each must be accepted, and moves its subject on."""
        answers = []
        for one in signed:
            response = self.post(one.submission)
            assert response.status_code == 201, response.text
            one.accepted()
            answers.append(response.json())
        return answers

    def organization(self, name: str, **options: Any) -> Subject:
        """A registered organization."""
        return self._register(self.new_organization(name, **options))

    def device(self, name: str, controller: Subject, **options: Any) -> Subject:
        """A registered device; options as of `new_device`."""
        return self._register(self.new_device(name, controller, **options))

    def _register(self, subject: Subject) -> Subject:
        assert subject.first is not None
        self.accept(subject.first)
        return subject

    def acme(self) -> Subject:
        """Acme with gtin:09506000."""
        acme = self.organization("Acme")
        self.accept(self.prefix(acme, "gtin:09506000"))
        return acme

    def submissions(self, controller: Subject, count: int, start: int = 0) -> list[bytes]:
        """That many devices' registrations, not yet posted."""
        made = [
            self.new_device(f"M-{n:06}", controller, number=f"14400{n:08}")
            for n in range(start, start + count)
        ]
        return [one.first.submission for one in made if one.first]


def problem(response: httpx.Response) -> dict[str, Any]:
    """The problem details of a refusal, whose form is checked."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    found: dict[str, Any] = response.json()
    assert found["status"] == response.status_code
    assert found["detail"]
    assert found["title"]
    assert found["type"].endswith(found["code"])
    return found
