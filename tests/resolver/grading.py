"""A street whose meter has graded data, and those who want to read it."""

from __future__ import annotations

from typing import Any

import httpx

from identity.disclosure import DATA, Disclosure
from identity.jcs import canonicalize
from tests.factory import Subject, disclosed
from tests.resolver.authenticating import Visitor
from tests.resolver.test_shown_credentials import LABEL, Street

SECRET = {"curve": [17, 4, 2], "key": "do-not-tell-0xC0FFEE"}
MARK = "do-not-tell-0xC0FFEE"


class Quarter(Street):
    """`meter` has important data; `other`, another device of the same maker, wants to read it."""

    version = 0

    def __enter__(self) -> Quarter:
        super().__enter__()
        self.beta = self.organization("Beta")
        return self

    def record(self, grade: str, content: Disclosure, **members: Any) -> dict[str, Any]:
        """A data record, of the next version."""
        self.version += 1
        return {
            "describes": "Load curve",
            "schema": "https://acme.example/schemas/load-1.json",
            "version": self.version,
            "grade": grade,
            "endpoints": [],
            "commitment": content.digest,
            **members,
        }

    def content(self, value: Any = SECRET) -> Disclosure:
        """A disclosure of a content, other than any before."""
        return disclosed(DATA, canonicalize({"n": self.version, "value": value}).decode())

    def put(
        self,
        grade: str,
        *,
        content: Disclosure | None = None,
        tell: bool = True,
        device: Subject | None = None,
        **members: Any,
    ) -> Disclosure:
        """A new data record for the meter; `tell` sends the content beside it."""
        content = content or self.content()
        signed = self.follow(
            device or self.meter,
            "device.update",
            {"data": self.record(grade, content, **members)},
            by=[self.maker],
            disclosures=[content] if tell else [],
        )
        self.accept(signed)
        return content

    def path(self, query: str = "", device: Subject | None = None) -> str:
        return f"/v1/devices/{(device or self.meter).did}/data{query}"

    def ask(
        self, who: Subject | None = None, *credentials: Any, query: str = "", method: str = "GET"
    ) -> httpx.Response:
        """Asks for the content, authenticated or not."""
        if who is None:
            return self.request(method, self.path(query))
        visitor = Visitor(self, who)
        session = visitor.authenticate(who, *credentials)
        headers = session.headers(method, self.path())
        return self.request(method, self.path(query), headers=headers)

    def log(self, who: Subject, query: str = "") -> httpx.Response:
        """The log of accesses, as somebody asks for it."""
        path = f"/v1/devices/{self.meter.did}/accesses"
        headers = Visitor(self, who).authenticate(who).headers("GET", path)
        return self.get(path + query, headers=headers)

    def accesses(self, of: str = "shown") -> list[dict[str, Any]]:
        """What its controller reads there."""
        found: list[dict[str, Any]] = self.log(self.maker, f"?of={of}").json()["accesses"]
        return found


__all__ = ["LABEL", "MARK", "SECRET", "Quarter"]
