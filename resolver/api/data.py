"""The content of data records over HTTP, by grade; the log of who was shown it; and erasure.

General data is answered to anyone, core data to nobody. Important data needs a token, and either a
role, the record's policy, or a credential that is verified again now, whatever it was worth when
the token was given out. What is shown of it is in the log first, on the disk.
"""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Any, Final, cast

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from identity.did import tetrad_did
from identity.disclosure import open_disclosure
from identity.errors import (
    AuthenticationFailed,
    DataErased,
    DataWithheld,
    NotFound,
    SchemaViolation,
    TetradError,
    Unavailable,
)
from identity.jcs import Json, parse
from identity.multibase import base64url_encode
from registry.reader import LedgerReader
from registry.state import Device
from resolver import graded
from resolver.access_log import Bounds, records_of
from resolver.accesses import CHAINS, SHOWN
from resolver.api.authenticating import Authenticated, Authenticating
from resolver.api.authentications import unauthenticated
from resolver.api.limits import RateLimit
from resolver.api.requests import client_of, header, number, query
from resolver.api.responses import NO_CACHE, json_response
from resolver.graded import DataVersion, Opening, Verified
from resolver.service import Service

PRIVATE: Final = {"cache-control": "private, no-store"}
"""Of all that is shown to one party and not to another."""


class DataEndpoints:
    """Graded data of one service."""

    def __init__(self, service: Service, authenticating: Authenticating) -> None:
        settings = service.settings
        self._service = service
        self._store = service.store
        self._authenticating = authenticating
        self._log = service.site.accesses
        self._log.bounds = Bounds(settings.accesses, settings.accesses_each)
        self._limit = RateLimit(settings.data_reads, settings.lookup_clients, service.clock)

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        return [
            Route("/v1/devices/{did}/data", self.data, methods=["GET", "DELETE"]),
            Route("/v1/devices/{did}/disclosures", self.disclosures, methods=["DELETE"]),
            Route("/v1/devices/{did}/accesses", self.accesses),
        ]

    async def data(self, request: Request) -> Response:
        """The content of a data record, or its erasure."""
        try:
            if request.method == "DELETE":
                return await self._erase_data(request)
            return await self._show(request)
        except AuthenticationFailed as error:
            return _unauthenticated(request, error)

    async def _show(self, request: Request) -> Response:
        given = query(request.scope, ("version", "at"))
        self._limit.check(client_of(request))
        did = request.path_params["did"]
        self._device(did)
        found = await asyncio.to_thread(self._version, did, given)
        device = self._device(did)
        grade = graded.grade_in_force(device["data"], found.data)
        if grade == "general":  # for anyone, so that nobody is recorded
            content = await asyncio.to_thread(self._content, did, found)
            return json_response(self._answer(did, found, content), 200, NO_CACHE)
        if grade == "core":
            raise DataWithheld(
                "core data never leaves its controller: the ledger has its commitment alone",
                grade=grade,
                commitment=found.data["commitment"],
            )
        who = self._authenticating.authenticated(request)
        verified = await self._verified(graded.policy_of(device), who)
        return await self._show_important(request, who, verified, given)

    async def _show_important(
        self, request: Request, who: Authenticated, verified: list[Verified], given: dict[str, str]
    ) -> Response:
        """The same questions once more, on the record as it is by now."""
        did = request.path_params["did"]
        found = await asyncio.to_thread(self._version, did, given)
        device = self._device(did)
        opening = None if who.key_shared else graded.opened_by(device, who.did, verified)
        access: dict[str, Json] = {
            "device": did,
            "by": who.did,
            "key": who.key,
            "version": found.data["version"],
        }
        if graded.grade_in_force(device["data"], found.data) == "core":
            opening = None  # it has become so meanwhile
        now = self._service.now
        if opening is None:
            refused: dict[str, Json] = {**access, "outcome": "withheld"}
            await asyncio.to_thread(self._log.refuse, refused, now)
            raise _withheld(device, who)
        content = await asyncio.to_thread(self._content, did, found)
        shown = {**access, "outcome": "shown", **_reason(opening)}
        await asyncio.to_thread(self._log.record, shown, now)
        return json_response(self._answer(did, found, content), 200, PRIVATE)

    async def _verified(self, policy: dict[str, Any], who: Authenticated) -> list[Verified]:
        """The credentials beside a token that the policy asks for, and that hold now."""
        found: list[Verified] = []
        for data in who.shown if "credentials" in policy else ():
            credential = cast("dict[str, Any]", parse(data))
            type_, issuer = credential["type"][1], credential["issuer"]
            if graded.is_wanted(policy, type_, issuer):
                try:
                    await self._authenticating.shown.verify(credential, who.did)
                except Unavailable:
                    raise
                except TetradError:
                    continue  # it has ended, was revoked, or its issuer is no longer accredited
                found.append(Verified(type_, issuer, base64url_encode(sha256(data).digest())))
        return found

    def _device(self, did: str) -> Device:
        """The present record, whatever the device's state. Raises MalformedInput, NotFound."""
        resolver = self._service.resolver
        return resolver.find(resolver.did(did)).device

    def _version(self, did: str, given: dict[str, str]) -> DataVersion:
        """The version that is asked for. Raises NotFound, SchemaViolation, MalformedInput."""
        if "version" in given and "at" in given:
            raise SchemaViolation("one of version and at is asked for")
        if "version" in given:
            return graded.data_version(self._store, did, number(given, "version"))
        if "at" in given:
            return graded.data_at(self._store, did, given["at"])
        return graded.data_now(self._store, did)

    def _content(self, did: str, found: DataVersion) -> str:
        """The disclosure of a content. Raises DataErased, NotFound."""
        commitment = found.data["commitment"]
        text, erased = graded.disclosure_of(self._store, did, commitment)
        if erased:
            raise DataErased(
                "the content was erased; what is left is its commitment", commitment=commitment
            )
        if text is None:
            raise NotFound(
                "the content was committed to and not disclosed here",
                hint="ask at an endpoint of the record, and hold what it says against this",
                commitment=commitment,
            )
        return text

    def _answer(self, did: str, found: DataVersion, disclosure: str) -> bytes:
        return orjson.dumps(
            {
                "device": did,
                "data": found.data,
                "set": {"entry": found.entry, "time": found.time},
                "disclosure": disclosure,
                "content": _value(disclosure),
            }
        )

    async def accesses(self, request: Request) -> Response:
        """Who was shown the data of a device, or refused: for its controller."""
        given = query(request.scope, ("of", "cursor", "limit"))
        self._limit.check(client_of(request))
        chain = given.get("of", SHOWN)
        if chain not in CHAINS:
            raise SchemaViolation(f"of is {' or '.join(CHAINS)}", pointer="/of")
        rows = self._service.settings.page_rows
        limit = number(given, "limit", rows)
        if not 0 < limit <= rows:
            raise SchemaViolation(f"limit is 1 to {rows}", pointer="/limit")
        after = number(given, "cursor", 0)
        try:
            who = self._authenticating.authenticated(request)
        except AuthenticationFailed as error:
            return _unauthenticated(request, error)
        did = request.path_params["did"]
        self._check_acts(did, who, authority=False)
        page = await asyncio.to_thread(self._log.page, did, chain, after=after, limit=limit)
        shown = {
            "device": did,
            "of": chain,
            "accesses": records_of(page),
            "waiting": page.waiting,
            "head": page.head._asdict(),
            "cursor": page.after,
        }
        return json_response(orjson.dumps(shown), 200, PRIVATE)

    async def disclosures(self, request: Request) -> Response:
        """Erases the disclosures of a device's serial, code or numbers."""
        given = query(request.scope, ("of",))
        pointer = graded.ERASABLE.get(given.get("of", ""))
        if pointer is None:
            raise SchemaViolation(f"of is one of {', '.join(graded.ERASABLE)}", pointer="/of")
        try:
            who = self._eraser(request)
        except AuthenticationFailed as error:
            return _unauthenticated(request, error)
        did = request.path_params["did"]
        store, reader = self._store, LedgerReader(self._store)  # a reader belongs to one thread
        found = await asyncio.to_thread(graded.values_to_erase, store, reader, did, pointer)
        return await self._erase(did, who, found, {"of": given["of"]})

    async def _erase_data(self, request: Request) -> Response:
        given = query(request.scope, ("version",))
        who = self._eraser(request)
        did = request.path_params["did"]
        version = await asyncio.to_thread(self._version, did, given)
        commitment = version.data["commitment"]
        found = await asyncio.to_thread(graded.content_to_erase, self._store, did, commitment)
        said: dict[str, Json] = {"of": "data", "version": version.data["version"]}
        return await self._erase(did, who, found, said)

    def _eraser(self, request: Request) -> Authenticated:
        self._limit.check(client_of(request))
        who = self._authenticating.authenticated(request)
        self._check_acts(request.path_params["did"], who, authority=True)
        return who

    def _check_acts(self, did: str, who: Authenticated, *, authority: bool) -> None:
        """Whether it is the controller, or the authority, that asks. Raises DataWithheld."""
        device, service = self._device(did), self._service
        ledger = service.ledger_hash
        allowed = {device["controller"], *([tetrad_did(ledger, ledger)] if authority else [])}
        if who.did not in allowed or who.key_shared:
            raise DataWithheld(
                "this is for the controller of the device" + (_SHARED if who.key_shared else ""),
                satisfies={"controller": device["controller"]},
            )

    async def _erase(
        self,
        did: str,
        who: Authenticated,
        found: list[tuple[int, list[str]]],
        said: dict[str, Json],
    ) -> Response:
        def erase() -> None:
            for entry, texts in found:
                self._store.erase(entry, texts)

        count = sum(len(texts) for _, texts in found)
        if count:
            access: dict[str, Json] = {"device": did, "by": who.did, "key": who.key, **said}
            erased: dict[str, Json] = {**access, "outcome": "erased"}
            await asyncio.to_thread(self._log.record, erased, self._service.now)
        await self._service.writer.run(erase)
        shown = {"device": did, **said, "erased": count, "entries": [entry for entry, _ in found]}
        return json_response(orjson.dumps(shown), 200, PRIVATE)


_SHARED: Final = ", and two clients were seen with this key: rotate it"


def _withheld(device: Device, who: Authenticated) -> DataWithheld:
    return DataWithheld(
        "important data is shown to those whom its policy names"
        + (_SHARED if who.key_shared else ""),
        hint="`satisfies` names them; credentials are shown when one authenticates",
        grade="important",
        satisfies=graded.satisfies(device),
    )


def _reason(opening: Opening) -> dict[str, Json]:
    if opening.credential is None:
        return {"as": opening.role}
    return {"as": opening.role, "credential": cast("Json", opening.credential._asdict())}


def _value(disclosure: str) -> Json:
    """The content as JSON, which is how it is committed to; else as the text that it is."""
    text = open_disclosure(disclosure).value
    try:
        return parse(text.encode())
    except TetradError:
        return text


def _unauthenticated(request: Request, error: AuthenticationFailed) -> Response:
    """401; whoever has shown nothing yet is told how (RFC 6750, section 3.1)."""
    shown = header(request.scope, b"authorization")
    if not shown:
        error.hint = "POST /v1/challenges, answer it at /v1/authentications: tetrad data show --as"
    return unauthenticated(error, "invalid_token" if shown else "")
