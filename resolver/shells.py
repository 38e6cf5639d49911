"""Asset links: under which names and values a device is found as an Asset Administration Shell.

    [{"name": "globalAssetId", "value": "https://id.gs1.org/01/09506000134352/21/M-0017"},
     {"name": "gs1", "value": "https://id.gs1.org/01/09506000134352/21/M-0017"},
     {"name": "maker", "value": "did:tetrad:…"}, {"name": "model", "value": "M1"}, …]

The identifier of a shell is the device's DID. What the record only commits to (serial numbers,
numbers, private codes) is no link. Pure. Specified in specs/3-resolution.md, "Shells".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from identity.errors import InvalidIdentifier, MalformedInput
from identity.jcs import Json, parse
from identity.multibase import base64url_decode
from registry.state import Device, codes_of
from resolver.schemes import SCHEMES

GLOBAL: Final = "globalAssetId"
DESCRIBING: Final = ("maker", "model", "controller")
"""Links that several devices share."""
SECRET: Final = ("serial", "serialNumber", "serialnumber", "SerialNumber")
MOST_LINKS: Final = 16
MOST_CHARACTERS: Final = 1_024


class Link(NamedTuple):
    """A name and a value that an asset has."""

    name: str
    value: str


def read_links(value: Json) -> list[Link]:
    """The links in a body (AAS Part 2, AssetLink). Raises MalformedInput."""
    if not isinstance(value, list) or len(value) > MOST_LINKS:
        raise MalformedInput(f"an array of at most {MOST_LINKS} asset links")
    return [_link(one, f"/{place}") for place, one in enumerate(value)]


def read_asset_ids(encoded: Sequence[str]) -> list[Link]:
    """The links in `assetIds=`, each base64url of a SpecificAssetId. Raises MalformedInput."""
    parts = [one for many in encoded for one in many.split(",")]
    if len(parts) > MOST_LINKS:
        raise MalformedInput(f"at most {MOST_LINKS} asset links", pointer="/assetIds")
    return [_link(parse(decoded(one)), "/assetIds") for one in parts]


def decoded(text: str) -> bytes:
    """The bytes of an identifier as AAS Part 2 writes it in a URL: base64url, with or without
    padding. Raises MalformedInput."""
    try:
        return base64url_decode(text.rstrip("="))
    except MalformedInput:
        raise MalformedInput("identifiers in a URL are base64url") from None


def _link(value: Json, pointer: str) -> Link:
    if not isinstance(value, dict):
        raise MalformedInput("an asset link has a name and a value", pointer=pointer)
    name, found = value.get("name"), value.get("value")
    if not isinstance(name, str) or not isinstance(found, str):
        raise MalformedInput("an asset link has a name and a value", pointer=pointer)
    if not 0 < len(name) <= MOST_CHARACTERS or not 0 < len(found) <= MOST_CHARACTERS:
        raise MalformedInput(
            f"names and values have 1 to {MOST_CHARACTERS} characters", pointer=pointer
        )
    return Link(name, found)


def check_public(links: Sequence[Link]) -> None:
    """Raises MalformedInput for a link that the ledger only commits to: an empty answer would say
    that there is no such device."""
    for link in links:
        scheme = _scheme_of(link)
        private = scheme is not None and (SCHEMES.is_number(scheme) or SCHEMES.is_committed(scheme))
        if link.name in SECRET or private:
            raise MalformedInput(
                f"{scheme or link.name} is committed to and cannot be matched",
                hint="whoever has the disclosure asks POST /v1/resolve",
            )


def _scheme_of(link: Link) -> str | None:
    """The scheme of codes that a link is of, which the global identifier does not name."""
    if link.name != GLOBAL:
        return link.name if link.name in SCHEMES.names() else None
    try:
        return SCHEMES.read(link.value).scheme
    except InvalidIdentifier:
        return None


def links_of(device: Device) -> list[Link]:
    """The links of a device, the one under which it is known everywhere first."""
    about = device["object"]
    public = [one for one in codes_of(device) if isinstance(one.get("value"), str)]
    codes = [Link(str(one["scheme"]), str(one["value"])) for one in public]
    known = codes[0].value if codes and ":" in codes[0].value else device["did"]
    links = [Link(GLOBAL, known), Link("did", device["did"]), *codes]
    links += [
        Link("maker", str(about["maker"])),
        Link("model", str(about["model"])),
        Link("controller", device["controller"]),
    ]
    return links


def matches(device: Device, links: Sequence[Link], identified: Link | None = None) -> bool:
    """Whether a device has all links; `identified` is one by which it was found, in any form."""
    known = set(links_of(device))
    return all(link in known for link in links if link != identified)


def identifying(links: Sequence[Link]) -> Link | None:
    """A link that leads to one device at most: a code, a DID, or the global identifier."""
    for link in links:
        if link.name in (GLOBAL, "did") or link.name in SCHEMES.names():
            return link
    return None


def unknown(links: Sequence[Link]) -> bool:
    """Whether there is a link that no device has."""
    return any(
        link.name not in (GLOBAL, "did", *DESCRIBING) and link.name not in SCHEMES.names()
        for link in links
    )
