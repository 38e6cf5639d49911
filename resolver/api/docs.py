"""The page at /docs: what /openapi.json says, for people.

One page of HTML without scripts, images or anything from elsewhere; it works without internet, and
tells nobody who reads it. Each text in it is escaped, whoever wrote it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from shlex import quote as shell
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from identity.errors import NotFound
from resolver.api.requests import header, query
from resolver.api.responses import NO_CACHE

STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color-scheme:light dark}h2{font-size:1.1rem;margin-top:2.5rem}code,pre{font-size:.9rem}"
    "pre{overflow-x:auto;border:1px solid #8888;padding:.6rem}td{padding:0 1rem 0 0}"
)
STYLE_SOURCE: Final = f"'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'"
"""The one style that the page may use, as a Content-Security-Policy names it."""

_HOST: Final = re.compile(
    r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?"
)


class DocsEndpoints:
    """The page, and the way to it from the address that people type."""

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        return [Route("/docs", self.docs), Route("/", self.start)]

    async def docs(self, request: Request) -> Response:
        """The page; its commands ask the host that the browser asked."""
        query(request.scope, ())
        servers = [{"url": f"{request.scope['scheme']}://{host_of(request.scope)}"}]
        shown = page({**request.app.openapi(), "servers": servers})
        return Response(shown, 200, NO_CACHE, "text/html; charset=utf-8")

    async def start(self, request: Request) -> Response:
        """Whoever asks for a page is sent to /docs; there is nothing else here."""
        query(request.scope, ())
        if "text/html" in header(request.scope, b"accept").lower():
            return RedirectResponse("/docs", 307, {"vary": "accept", **NO_CACHE})
        raise NotFound("there is nothing at this address", hint="/openapi.json lists all addresses")


def host_of(scope: Scope) -> str:
    """The host that the client asked, as far as it can be one."""
    host = header(scope, b"host")
    return host if _HOST.fullmatch(host) else "127.0.0.1:8000"


def page(openapi: dict[str, Any]) -> str:
    """The page for a document; its first server is the one that the commands ask."""
    base = openapi.get("servers", [{"url": ""}])[0]["url"]
    info = openapi["info"]
    sections = [
        section
        for path, item in openapi["paths"].items()
        for method, operation in item.items()
        for section in _section(base, path, method.upper(), operation)
    ]
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{escape(info["title"])}</title>',
            '<meta name="viewport" content="width=device-width">',
            f"<style>{STYLE}</style></head><body>",
            f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>",
            f"<p>{escape(info.get('summary', ''))}. For machines: "
            '<a href="/openapi.json">/openapi.json</a>.</p>',
            *sections,
            "</body></html>\n",
        ]
    )


def _section(base: str, path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"<h2><code>{escape(method)} {escape(path)}</code></h2>"
    yield f"<p>{escape(operation['summary'])}</p>"
    if "description" in operation:
        yield f"<p>{escape(operation['description'])}</p>"
    parameters = operation.get("parameters", [])
    if parameters:
        yield f"<table>{''.join(_row(one) for one in parameters)}</table>"
    url = base + _address(path, parameters)
    for command in _commands(method, url, operation.get("requestBody", {}).get("content", {})):
        yield f"<pre>{escape(command)}</pre>"
    answers = (
        f"<tr><td><code>{escape(status)}</code></td><td>{escape(answer['description'])}</td></tr>"
        for status, answer in sorted(operation["responses"].items())
    )
    yield f"<table>{''.join(answers)}</table>"


def _row(parameter: dict[str, Any]) -> str:
    kind = f"{parameter['in']}, {parameter['schema'].get('type', 'string')}"
    if parameter["required"]:
        kind += ", required"
    said = parameter.get("description", "")
    cells = (f"<code>{escape(parameter['name'])}</code>", escape(kind), escape(said))
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _address(path: str, parameters: list[dict[str, Any]]) -> str:
    asked = {}
    for one in parameters:
        if "example" in one and one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", quote(str(one["example"]), safe="/:"))
        elif "example" in one:
            asked[one["name"]] = one["example"]
    return f"{path}?{urlencode(asked)}" if asked else path


def _commands(method: str, url: str, content: dict[str, Any]) -> Iterator[str]:
    plain = "curl -g" if "[" in url else "curl"  # brackets are a range to curl otherwise
    if method == "GET":
        yield f"{plain} {shell(url)}"
    for media, body in content.items():
        if "example" in body:
            example = body["example"]
            data = example if isinstance(example, str) else orjson.dumps(example).decode()
            kind = shell(f"content-type: {media}")
            yield f"{plain} -H {kind} --data-binary {shell(data)} {shell(url)}"
