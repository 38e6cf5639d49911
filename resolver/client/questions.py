"""What a client asks about a device, and what the answer must then be about.

    question_of("(01)09506000134352(21)M-0017").key    # ('code', 'gs1', 'https://id.gs1.org/…')

Codes in clear travel in the address, everything else in the body.
"""

from __future__ import annotations

from dataclasses import dataclass

from identity.did import parse_tetrad_did
from identity.disclosure import NUMBER, open_disclosure
from identity.errors import MalformedCode, MalformedInput
from identity.jcs import Json, canonicalize
from registry.state import Key
from resolver.client.flow import Request
from resolver.schemes import SCHEMES, Code


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and what its answer must be about."""

    request: Request
    key: Key | None
    """Of the state; None where the registry alone can tell which it is."""
    read_as: Code | None = None
    disclosure: str | None = None
    presented: tuple[str, str, str] | None = None
    """Kind, scheme and canonical value of what a keyed hash stands for in the state."""


def question_of(
    code: str | None,
    scheme: str | None = None,
    disclosure: str | None = None,
    at: str | None = None,
) -> Question:
    """The question, and what its answer must be about. Raises InvalidIdentifier, MalformedInput."""
    if disclosure is not None:
        request = _disclosed(disclosure, scheme, at)
        presented = _presented(disclosure, scheme or "")
        return Question(request, None, disclosure=disclosure, presented=presented)
    if code is not None and code.startswith("did:tetrad:"):
        parse_tetrad_did(code)
        request = Request("GET", f"/v1/devices/{code}", query_of(at=at, proof="1"))
        return Question(request, ("did", code))
    read_as = SCHEMES.read(code or "", scheme)
    committed = SCHEMES.is_committed(read_as.scheme)
    plain = ("code", read_as.scheme, read_as.value)
    if committed:
        return Question(_coded(read_as, at), None, read_as, presented=plain)
    return Question(_coded(read_as, at), plain, read_as)


def _presented(disclosure: str, scheme: str) -> tuple[str, str, str] | None:
    """None for text that is not canonical: under its hash there is nothing, whoever has the value.
    Raises InvalidIdentifier."""
    opened = open_disclosure(disclosure)
    if SCHEMES.canonical(scheme, opened.value) != opened.value:
        return None
    return "number" if opened.name == NUMBER else "code", scheme, opened.value


def query_of(**members: str | None) -> dict[str, str]:
    """The parameters that are given."""
    return {name: value for name, value in members.items() if value is not None}


def _coded(code: Code, at: str | None) -> Request:
    if SCHEMES.is_number(code.scheme):
        raise MalformedCode(
            f"{code.scheme} is a scheme of numbers",
            hint="a number is resolved with the disclosure that came with it",
        )
    if SCHEMES.is_committed(code.scheme):
        return _question({"code": code.value, "scheme": code.scheme}, at)
    query = query_of(code=code.value, scheme=code.scheme, at=at, proof="1")
    return Request("GET", "/v1/resolve", query)


def _disclosed(disclosure: str, scheme: str | None, at: str | None) -> Request:
    open_disclosure(disclosure)
    if scheme is None:
        raise MalformedInput("name the scheme of what is disclosed", pointer="/scheme")
    asked: dict[str, Json] = {"disclosure": disclosure, "scheme": scheme}
    return _question(asked, at)


def _question(asked: dict[str, Json], at: str | None) -> Request:
    """Asked in the body, since it does not belong in a URL."""
    body = canonicalize({**asked, **query_of(at=at), "proof": True})
    return Request("POST", "/v1/resolve", body=body)
