"""Authentication for tests: a town's subjects as clients of its service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from identity.wallet import Wallet
from resolver.client.authenticating import Session
from resolver.client.flow import Flow, Pause, Request, Response, T
from resolver.client.writing import Writing
from tests.factory import Subject
from tests.resolver.town import Town

HERE = "http://town.test"


def wallet_of(*subjects: Subject) -> Wallet:
    """A wallet with the present and the next keys of subjects."""
    wallet = Wallet(counted())
    for subject in subjects:
        now, later = (subject.keys_of(subject.generation + n) for n in range(2))
        keys = [wallet.add_key(one).multikey for one in now]
        after = [wallet.add_key(one).thumbprint for one in later]
        from identity.wallet import Establishment

        wallet.adopt(subject.did, Establishment(keys, after), name=subject.name)
    return wallet


def counted() -> Callable[[int], bytes]:
    """Bytes that are other ones each time, and the same in each run."""
    calls = 0

    def draw(n: int) -> bytes:
        nonlocal calls
        calls += 1
        return calls.to_bytes(n, "big")

    return draw


class Visitor:
    """A client of a town's service with keys of its own; `run` drives a flow."""

    def __init__(self, town: Town, *subjects: Subject, address: str = HERE) -> None:
        self.town = town
        self.wallet = wallet_of(*subjects)
        self.saved = 0
        self.flows = Writing(
            None,
            self.wallet,
            save=self._save,
            clock=lambda: float(town.now),
            random=counted(),
            address=address,
        )

    def _save(self) -> None:
        self.saved += 1

    def run(self, flow: Flow[T]) -> T:
        """Drives a flow to its end; pauses take no time."""
        try:
            step = next(flow)
            while True:
                step = flow.send(None if isinstance(step, Pause) else self.ask(step))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    def ask(self, request: Request) -> Response:
        """One request."""
        headers = {"content-type": request.media, **request.headers}
        answer = self.town.request(
            request.method,
            request.path,
            content=request.body,
            headers=headers,
            params=dict(request.query) or None,
        )
        return Response(answer.status_code, answer.headers["content-type"], answer.content)

    def authenticate(self, subject: Subject, *credentials: dict[str, Any]) -> Session:
        """The SDK's own flow."""
        return self.run(self.flows.authenticate(subject.did, credentials))

    def current(self, session: Session) -> httpx.Response:
        """Who the service says one is."""
        path = "/v1/authentications/current"
        return self.town.get(path, headers=session.headers("GET", path))
