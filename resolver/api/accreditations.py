"""GET /v1/accreditations: the evidence that lets an issuer issue a type about a device.

Whoever verifies a device credential asks for it, and checks all of it (resolver/accreditation.py).
"""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from identity.errors import SchemaViolation
from resolver.api.requests import query
from resolver.api.responses import json_response
from resolver.service import Service

_TYPE = re.compile(r"[A-Z][A-Za-z0-9]{0,63}")


class AccreditationEndpoint:
    """The endpoint over one service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[BaseRoute]:
        """The one route."""
        return [Route("/v1/accreditations", self.get)]

    async def get(self, request: Request) -> Response:
        """Evidence under a published checkpoint that has all that it shows."""
        given = query(request.scope, ("issuer", "type", "device", "grant"))
        for name in ("issuer", "type", "device"):
            if name not in given:
                raise SchemaViolation(
                    f"name the {name}",
                    pointer=f"/{name}",
                    hint="/v1/accreditations?issuer=did:…&type=NetworkSecurityLabel&device=did:…",
                )
        if _TYPE.fullmatch(given["type"]) is None:
            raise SchemaViolation("not the name of a type of credential", pointer="/type")
        service = self._service
        found = service.accredited.find(
            given["issuer"], given["type"], given["device"], service.now, grant=given.get("grant")
        )
        published = service.publication.current
        if published is None or published.size <= found.entry:
            published = await service.publication.covering(found.entry + 1)
        evidence = service.evidence.of_records(found.keys, published.size, published.note)
        return json_response(b'{"evidence":%b}' % evidence)
