"""The SDK: a client of one registry that verifies by default and raises rather than returns False.

    client = Client("http://127.0.0.1:8000")
    client.pin(client.introduce(), expected="zQm…")       # or Client(url, trust=…)
    acme = client.create_organization("Acme Meters")
    client.issue_grant(acme.did, "prefix", {"scheme": "gtin", "prefix": "09506000"})
    device = client.register_device({"object": {"maker": acme.did, "model": "M1", …}, …})
    client.resolve("(01)09506000134352(21)M-0017").status    # 'active', and proved

Every receipt and every answer is held against the pinned genesis and the newest checkpoint seen.
Busy servers are asked again. A client belongs to one thread, an AsyncClient to one event loop.
Without a wallet of its own (resolver/client/home.py keeps one) its keys live in memory alone.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from functools import update_wrapper
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

import httpx

from identity.errors import InvalidAnswer, ServerUnreachable
from identity.wallet import Wallet
from resolver.client.authenticating import Session
from resolver.client.documents import did_document
from resolver.client.enrolling import enrol_device, revoke_serials
from resolver.client.exchange import (
    LONGEST,
    arguments,
    check_encoding,
    check_length,
    check_time,
    response_of,
    spread,
    unreachable,
)
from resolver.client.flow import Flow, Pause, Request, Response, check_address
from resolver.client.graded import accesses, data, erase_data
from resolver.client.histories import History, proved_history
from resolver.client.linking import Linked, links, set_links
from resolver.client.living import Living
from resolver.client.many import resolve_batch
from resolver.client.resolved import Resolved
from resolver.client.sending import Acknowledged
from resolver.client.writing import Writing
from resolver.trust import Trust

__all__ = ["Acknowledged", "AsyncClient", "Client", "History", "Linked", "Resolved", "Session"]

P = ParamSpec("P")
T = TypeVar("T")

TIMEOUT = httpx.Timeout(30.0, connect=5.0)
"""Seconds: a commit waits for the disk, a batch for its signatures."""


class Blocking(Generic[P, T]):
    """A flow as a method that returns when the flow has ended."""

    def __init__(self, flow: Callable[Concatenate[Living, P], Flow[T]]) -> None:
        self._flow = flow
        self.__doc__ = flow.__doc__

    @overload
    def __get__(self, client: None, owner: type[Client]) -> Self: ...
    @overload
    def __get__(self, client: Client, owner: type[Client]) -> Callable[P, T]: ...
    def __get__(self, client: Client | None, owner: type[Client]) -> Self | Callable[P, T]:
        if client is None:
            return self

        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            return client.run(self._flow(client.flows, *args, **kwargs))

        return update_wrapper(call, self._flow)


class Awaited(Generic[P, T]):
    """A flow as a coroutine method."""

    def __init__(self, flow: Callable[Concatenate[Living, P], Flow[T]]) -> None:
        self._flow = flow
        self.__doc__ = flow.__doc__

    @overload
    def __get__(self, client: None, owner: type[AsyncClient]) -> Self: ...
    @overload
    def __get__(
        self, client: AsyncClient, owner: type[AsyncClient]
    ) -> Callable[P, Coroutine[None, None, T]]: ...
    def __get__(
        self, client: AsyncClient | None, owner: type[AsyncClient]
    ) -> Self | Callable[P, Coroutine[None, None, T]]:
        if client is None:
            return self

        async def call(*args: P.args, **kwargs: P.kwargs) -> T:
            return await client.run(self._flow(client.flows, *args, **kwargs))

        return update_wrapper(call, self._flow)


class _Base:
    """What both clients are made of."""

    def __init__(
        self,
        url: str,
        *,
        trust: Trust | None = None,
        wallet: Wallet | None = None,
        save: Callable[[], None] = lambda: None,
        on_trust: Callable[[Trust], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`save` is called before anything that the wallet must not lose is sent, `on_trust` with
        each newer checkpoint. Raises MalformedInput for a `url` that is none."""
        self.url = check_address(url)
        self.flows = Living(
            trust,
            wallet or Wallet(os.urandom),
            save=save,
            clock=clock,
            random=os.urandom,
            on_trust=on_trust,
            address=self.url,
        )

    @property
    def trust(self) -> Trust:
        """The pinned ledger and the newest checkpoint seen. Raises MalformedInput before."""
        return self.flows.trust

    @property
    def wallet(self) -> Wallet:
        """The keys."""
        return self.flows.wallet

    def pin(self, trust: Trust, *, expected: str | None = None) -> None:
        """Trusts a ledger from now on. `expected` is the genesis hash that one was told.

        Raises InvalidAnswer where it is another.
        """
        if expected is not None and trust.ledger != expected:
            raise InvalidAnswer(
                f"the server shows the ledger {trust.ledger}, not {expected}",
                hint="is this the right address?",
            )
        self.flows.set_trust(trust)


class Client(_Base):
    """Blocking calls."""

    def __init__(
        self, url: str, *, transport: httpx.BaseTransport | None = None, **more: Any
    ) -> None:
        super().__init__(url, **more)
        self._http = httpx.Client(base_url=self.url, timeout=TIMEOUT, transport=transport)

    def run(self, flow: Flow[T]) -> T:
        """Drives a flow to its end."""
        try:
            step = next(flow)
            while True:
                if isinstance(step, Pause):
                    time.sleep(spread(step))
                    step = flow.send(None)
                    continue
                try:
                    response = self._ask(step)
                except ServerUnreachable as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(response)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    def _ask(self, request: Request) -> Response:
        end = time.monotonic() + LONGEST
        try:
            with self._http.stream(**arguments(request)) as response:
                check_encoding(response)
                body = bytearray()
                for part in response.iter_bytes():
                    body += part
                    check_length(body)
                    check_time(self.url, end)
                return response_of(response, bytes(body))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise unreachable(self.url, error) from error

    def close(self) -> None:
        """Ends the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    describe = Blocking(Writing.describe)
    introduce = Blocking(Writing.introduce)
    checkpoint = Blocking(Writing.checkpoint)
    resolve = Blocking(Writing.resolve)
    resolve_batch = Blocking(resolve_batch)
    proved_history = Blocking(proved_history)
    did_document = Blocking(did_document)
    device = Blocking(Writing.device)
    history = Blocking(Writing.history)
    receipt = Blocking(Writing.receipt)
    operation_receipt = Blocking(Writing.operation_receipt)
    log_keys = Blocking(Writing.log_keys)
    registry = Blocking(Writing.registry)
    organization = Blocking(Writing.organization)
    grant = Blocking(Writing.grant)
    page = Blocking(Writing.page)
    fetch = Blocking(Writing.fetch)
    subject = Blocking(Writing.subject)
    send = Blocking(Writing.send)
    finish = Blocking(Writing.finish)
    submit = Blocking(Writing.submit)
    submit_batch = Blocking(Writing.submit_batch)
    create_organization = Blocking(Writing.create_organization)
    update_organization = Blocking(Writing.update_organization)
    issue_grant = Blocking(Writing.issue_grant)
    withdraw_grant = Blocking(Writing.withdraw_grant)
    register_device = Blocking(Writing.register_device)
    enrol_device = Blocking(enrol_device)
    revoke_serials = Blocking(revoke_serials)
    set_links = Blocking(set_links)
    links = Blocking(links)
    update_device = Blocking(Writing.update_device)
    rebind_number = Blocking(Writing.rebind_number)
    correct_code = Blocking(Living.correct_code)
    rotate_keys = Blocking(Writing.rotate_keys)
    update_registry = Blocking(Writing.update_registry)
    begin_recovery = Blocking(Living.begin_recovery)
    finish_recovery = Blocking(Living.finish_recovery)
    offer_device = Blocking(Living.offer_device)
    withdraw_offer = Blocking(Living.withdraw_offer)
    accept_device = Blocking(Living.accept_device)
    suspend = Blocking(Writing.suspend)
    resume = Blocking(Writing.resume)
    revoke = Blocking(Writing.revoke)
    retire = Blocking(Writing.retire)
    accreditation = Blocking(Writing.accreditation)
    verify_credential = Blocking(Writing.verify_credential)
    status_list = Blocking(Writing.status_list)
    publish_status_list = Blocking(Writing.publish_status_list)
    authenticate = Blocking(Writing.authenticate)
    request_as = Blocking(Writing.request_as)
    introspect = Blocking(Writing.introspect)
    data = Blocking(data)
    accesses = Blocking(accesses)
    erase_data = Blocking(erase_data)


class AsyncClient(_Base):
    """Awaited calls; several may be under way at a time."""

    def __init__(
        self, url: str, *, transport: httpx.AsyncBaseTransport | None = None, **more: Any
    ) -> None:
        super().__init__(url, **more)
        self._http = httpx.AsyncClient(base_url=self.url, timeout=TIMEOUT, transport=transport)

    async def run(self, flow: Flow[T]) -> T:
        """Drives a flow to its end."""
        try:
            step = next(flow)
            while True:
                if isinstance(step, Pause):
                    await asyncio.sleep(spread(step))
                    step = flow.send(None)
                    continue
                try:
                    response = await self._ask(step)
                except ServerUnreachable as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(response)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    async def _ask(self, request: Request) -> Response:
        end = time.monotonic() + LONGEST
        try:
            async with self._http.stream(**arguments(request)) as response:
                check_encoding(response)
                body = bytearray()
                async for part in response.aiter_bytes():
                    body += part
                    check_length(body)
                    check_time(self.url, end)
                return response_of(response, bytes(body))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise unreachable(self.url, error) from error

    async def close(self) -> None:
        """Ends the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    describe = Awaited(Writing.describe)
    introduce = Awaited(Writing.introduce)
    checkpoint = Awaited(Writing.checkpoint)
    resolve = Awaited(Writing.resolve)
    resolve_batch = Awaited(resolve_batch)
    proved_history = Awaited(proved_history)
    did_document = Awaited(did_document)
    device = Awaited(Writing.device)
    history = Awaited(Writing.history)
    receipt = Awaited(Writing.receipt)
    operation_receipt = Awaited(Writing.operation_receipt)
    log_keys = Awaited(Writing.log_keys)
    registry = Awaited(Writing.registry)
    organization = Awaited(Writing.organization)
    grant = Awaited(Writing.grant)
    page = Awaited(Writing.page)
    fetch = Awaited(Writing.fetch)
    subject = Awaited(Writing.subject)
    send = Awaited(Writing.send)
    finish = Awaited(Writing.finish)
    submit = Awaited(Writing.submit)
    submit_batch = Awaited(Writing.submit_batch)
    create_organization = Awaited(Writing.create_organization)
    update_organization = Awaited(Writing.update_organization)
    issue_grant = Awaited(Writing.issue_grant)
    withdraw_grant = Awaited(Writing.withdraw_grant)
    register_device = Awaited(Writing.register_device)
    enrol_device = Awaited(enrol_device)
    revoke_serials = Awaited(revoke_serials)
    set_links = Awaited(set_links)
    links = Awaited(links)
    update_device = Awaited(Writing.update_device)
    rebind_number = Awaited(Writing.rebind_number)
    correct_code = Awaited(Living.correct_code)
    rotate_keys = Awaited(Writing.rotate_keys)
    update_registry = Awaited(Writing.update_registry)
    begin_recovery = Awaited(Living.begin_recovery)
    finish_recovery = Awaited(Living.finish_recovery)
    offer_device = Awaited(Living.offer_device)
    withdraw_offer = Awaited(Living.withdraw_offer)
    accept_device = Awaited(Living.accept_device)
    suspend = Awaited(Writing.suspend)
    resume = Awaited(Writing.resume)
    revoke = Awaited(Writing.revoke)
    retire = Awaited(Writing.retire)
    accreditation = Awaited(Writing.accreditation)
    verify_credential = Awaited(Writing.verify_credential)
    status_list = Awaited(Writing.status_list)
    publish_status_list = Awaited(Writing.publish_status_list)
    authenticate = Awaited(Writing.authenticate)
    request_as = Awaited(Writing.request_as)
    introspect = Awaited(Writing.introspect)
    data = Awaited(data)
    accesses = Awaited(accesses)
    erase_data = Awaited(erase_data)
