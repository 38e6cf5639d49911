"""The GS1-Conformant Resolver on its native paths, and linksets of codes of any scheme.

    GET /01/09506000134352/21/M-0017?linkType=gs1:pip      307 to where the code leads
    GET /01/09506000134352?linkType=linkset                200, all that there is
    GET /v1/linkset?scheme=handle&code=86.1000.1/sn-1

Dialects look codes up in a Directory (resolver/directory.py). Where another node is the one to ask,
the request is sent on to its native path. Specified in specs/3-resolution.md, "GS1".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, cast
from urllib.parse import quote, urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from identity.errors import Delegated, NotFound, TetradError
from resolver.api.frame import Direct
from resolver.api.links import asked_code
from resolver.api.problems import problem_response
from resolver.api.requests import header, query
from resolver.api.responses import NO_CACHE, json_response
from resolver.directory import Directory
from resolver.gs1.answers import (
    HTML,
    Answer,
    Looked,
    answered,
    carried,
    described,
    form_of,
    linkset,
    looked_up,
    question,
)
from resolver.gs1.formats import PRIMARY_KEYS
from resolver.gs1.pages import page
from resolver.gs1.requests import (
    LINKSET,
    SUPPORTED,
    DigitalLink,
    Wanted,
    path_of,
    read_compressed,
    read_path,
    read_query,
)
from resolver.resolution import Asked, Found
from resolver.schemes import Code

_OFFERED: Final = {"access-control-allow-methods": "GET, HEAD, OPTIONS"}
_VARYING: Final = {"vary": "accept, accept-language", **NO_CACHE, **_OFFERED}
_IN_ADDRESS: Final = "%:/?#[]@!$&'()*+,;=-._~"
"""What stands in an address as it is (RFC 3986, 2.2 and 2.3)."""
_GS1: Final = ("gtin", "gs1", "grai", "giai")


class Gs1Endpoints:
    """The endpoints over one directory."""

    def __init__(
        self, name: str, directory: Directory, addresses: Callable[[], Sequence[str]]
    ) -> None:
        """`name` is that of the log, `addresses` are those under which the service is known."""
        self._name = name
        self._directory = directory
        self._addresses = addresses
        self._known: tuple[tuple[str, ...], dict[str, str]] = ((), {})

    def routes(self) -> list[BaseRoute]:
        """The native paths of every primary key, and what stands beside them."""
        native = [
            Route(f"/{key}/{{path:path}}", Direct(self.resolve), methods=["GET"])
            for key in PRIMARY_KEYS
        ]
        return [
            *native,
            Route("/v1/linkset", self.linkset),
            Route("/.well-known/gs1resolver", self.description),
        ]

    def last_routes(self) -> list[BaseRoute]:
        """What is tried when nothing else fits: a compressed Digital Link is one segment."""
        one = Direct(self.compressed)
        return [Route(path, one, methods=["GET"]) for path in ("/{compressed}", "/{compressed}/")]

    async def resolve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A Digital Link (an ASGI application)."""
        response = await self._resolve(scope, read_path)
        await response(scope, receive, send)

    async def compressed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A compressed Digital Link; what is none is nothing that is here."""
        response = await self._resolve(scope, _decompressed)
        await response(scope, receive, send)

    async def _resolve(self, scope: Scope, read: Callable[[bytes], DigitalLink]) -> Response:
        said = header(scope, b"accept"), header(scope, b"accept-language")
        try:
            asked = read(_raw_path(scope))
            # What was compressed with the key belongs to the query of its uncompressed form.
            parts = (asked.attributes.encode(), scope["query_string"])
            wanted = read_query(b"&".join(filter(None, parts)), *said)
            return _response(await self._answer(asked, wanted, scope))
        except TetradError as error:
            return _refused(error, form_of(read_query(b"", *said)))

    async def _answer(self, asked: DigitalLink, wanted: Wanted, scope: Scope) -> Answer:
        root = self._root(scope)
        try:
            looked = await self._looked(asked.levels, [root + path for path in asked.paths])
        except Delegated as elsewhere:
            return self._passed_on(elsewhere, asked, wanted)
        answer = answered(asked, looked, wanted, root)
        if answer.status == 307 and await self._goes_round(answer, wanted, root):
            found = linkset(looked, root, form_of(wanted), answer.headers)
            headers = {k: v for k, v in found.headers.items() if k != "location"}
            return found._replace(status=300, headers=headers)
        return answer

    async def _looked(self, codes: Sequence[Code], anchors: Sequence[str]) -> Looked:
        """The links of a code's levels and its device. Raises Delegated."""
        records = await self._directory.links(codes)
        device: Found | None = None
        try:
            device = await self._directory.find(Asked(("code", *codes[0]), codes[0]))
        except Delegated:
            raise
        except NotFound:
            pass
        return looked_up(codes, records, device, anchors)

    def _passed_on(self, elsewhere: Delegated, asked: DigitalLink, wanted: Wanted) -> Answer:
        """A redirect to the node that the prefix is granted to. Raises Delegated where it is none
        that a browser reaches, or this one."""
        referral = cast("dict[str, Any]", elsewhere.members.get("referral", {}))
        for url in referral.get("node", {}).get("urls", []):
            if url.startswith(("https://", "http://")) and not self._is_here(url):
                # A grant's address may have characters that would end the one in a Link header.
                target = quote(url.rstrip("/"), safe=_IN_ADDRESS) + asked.paths[0]
                location = carried(target, wanted.query)
                return Answer(
                    307, {"location": location, "link": f'<{target}>; rel="gs1:handledBy"'}
                )
        raise elsewhere

    async def _goes_round(self, answer: Answer, wanted: Wanted, root: str) -> bool:
        """Whether a redirect leads to a native path of this service that itself leads to one: a
        code may stand for another here, and that one for none."""
        location = answer.headers["location"]
        if location.startswith(f"{root}/v1/") or not self._is_here(location):
            return False  # a question to this service is no native path
        parts = urlsplit(location)
        try:
            path = parts.path.encode()
            asked = read_path(path) if b"/" in path.strip(b"/") else _decompressed(path)
            again = read_query(parts.query.encode(), "", "")
            again = again._replace(accept=wanted.accept, languages=wanted.languages)
            looked = await self._looked(asked.levels, [root + path for path in asked.paths])
            following = answered(asked, looked, again, root)
        except TetradError:
            return False  # it is no native path, or ends there
        if following.status != 307:
            return False
        there = following.headers["location"]
        return self._is_here(there) and _is_native(urlsplit(there).path)

    def _is_here(self, url: str) -> bool:
        try:
            return urlsplit(url).netloc.lower() in self._hosts()
        except ValueError:  # a host in brackets that is no address
            return False

    def _hosts(self) -> dict[str, str]:
        """The addresses under which the service is known, by host and port."""
        addresses = tuple(self._addresses())
        if addresses != self._known[0]:  # it listens, and knows where, after this was made
            self._known = addresses, {urlsplit(one).netloc: one for one in addresses}
        return self._known[1]

    def _root(self, scope: Scope) -> str:
        """The address of this service that the client knows; never a host that it makes up."""
        hosts = self._hosts()
        if not hosts:
            host, port = scope.get("server") or ("127.0.0.1", 80)
            return f"http://{host}:{port}"
        return hosts.get(header(scope, b"host").lower()) or next(iter(hosts.values()))

    async def linkset(self, request: Request) -> Response:
        """The linkset of a code of any scheme that stands in clear."""
        given = query(request.scope, ("code", "scheme"))
        code = asked_code(given, self._directory)
        root = self._root(request.scope)
        wanted = read_query(b"", header(request.scope, b"accept"), "")._replace(link_type=LINKSET)

        def anchored(one: Code) -> str:
            if one.scheme in _GS1:
                return root + path_of(one)
            if one.value.startswith(("urn:", "https://", "http://", "did:")):
                return one.value
            return question(root, one)

        try:
            gs1 = code.scheme in _GS1
            codes = read_path(path_of(code).encode()).levels if gs1 else (code,)
            looked = await self._looked(codes, [anchored(one) for one in codes])
            return _response(linkset(looked, root, form_of(wanted), {}))
        except TetradError as error:
            return _refused(error, form_of(wanted))

    async def description(self, request: Request) -> Response:
        """The resolver description file."""
        query(request.scope, ())
        value = described(self._root(request.scope), SUPPORTED, self._name)
        return json_response(orjson.dumps(value))


def _raw_path(scope: Scope) -> bytes:
    """The path as it was sent: `%2F` is not `/` here."""
    raw = scope.get("raw_path")
    return quote(scope["path"]).encode() if raw is None else bytes(raw.partition(b"?")[0])


def _decompressed(raw: bytes) -> DigitalLink:
    found = read_compressed(raw)
    if found is None:
        raise NotFound("there is nothing at this address", hint="/openapi.json lists all addresses")
    return found


def _is_native(path: str) -> bool:
    first, _, rest = path.removeprefix("/").partition("/")
    return first in PRIMARY_KEYS or not rest


def _response(answer: Answer) -> Response:
    headers = {**_VARYING, **answer.headers}
    return Response(answer.body, answer.status, headers, answer.media or None)


def _refused(error: TetradError, form: str) -> Response:
    """An error, as a page where a person asks."""
    if form != HTML:
        return problem_response(error, _VARYING)
    body = page(error.title, [line for line in (error.detail, error.hint) if line])
    return Response(body, error.status, _VARYING, f"{HTML}; charset=utf-8")
