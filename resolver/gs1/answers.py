"""The answer of a GS1-Conformant Resolver, out of what the ledger has: a status, headers, a body.

    answer = answered(asked, found, wanted, root)

Pure: the links and the device are looked up before. `root` is the address of this service, under
which anchors stand; never the host that a request names. A link that leads to a native path of this
service is followed at most once more, so that no request is sent around in a circle here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from identity.errors import NotFound
from registry.state import LinksRecord
from resolver.gs1.choosing import choose
from resolver.gs1.linksets import (
    CONTEXT,
    JSON_MEDIA,
    TEXT_MEDIA,
    Level,
    Link,
    level,
    linkset_json,
    linkset_text,
)
from resolver.gs1.pages import page
from resolver.gs1.requests import LINKSET, DigitalLink, Wanted
from resolver.resolution import Found, tombstone
from resolver.schemes import Code

HTML: Final = "text/html"
JSON: Final = "application/json"
_JSON_LD: Final = (
    f'<{CONTEXT}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
)
_FORMS: Final = {JSON_MEDIA: JSON_MEDIA, TEXT_MEDIA: TEXT_MEDIA, HTML: HTML, JSON: JSON,
                 "application/xhtml+xml": HTML}  # fmt: skip


class Answer(NamedTuple):
    """What is sent; an error of ours is raised instead."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    media: str = ""


@dataclass(frozen=True, slots=True)
class Looked:
    """What there is to a code."""

    code: Code
    levels: tuple[Level, ...]
    """Of what was set, the most granular first."""
    device: Found | None
    status: str = ""
    """The device's."""

    @property
    def corrected(self) -> bool:
        """Whether the device bears another code by now."""
        if self.device is None or b'"aliases":' not in self.device.record:
            return False
        return self.device.device["code"] != self.code._asdict()

    def whole(self, root: str) -> tuple[Level, ...]:
        """The levels, with the links to the device that bears the code at the first."""
        if self.device is None:
            return self.levels
        first = self.levels[0]
        set_already = {link.relation for link in first.links}
        own = [one for one in _own(self.code, self.status, root) if one.relation not in set_already]
        default = first.default
        if default is None and own and not any(one.default for one in self.levels):
            default = own[0]
        described = first.description or f"Device, {self.status}"
        links = (*first.links, *own)
        return (Level(first.anchor, described, links, default), *self.levels[1:])


def looked_up(
    codes: Sequence[Code],
    records: Sequence[LinksRecord | None],
    device: Found | None,
    anchors: Sequence[str],
) -> Looked:
    """What there is to a code, the first of those of its levels."""
    levels = tuple(level(one, record) for one, record in zip(anchors, records, strict=True))
    return Looked(codes[0], levels, device, "" if device is None else _status(device))


def _status(device: Found) -> str:
    for status in (b"active", b"suspended", b"revoked", b"retired"):
        if b'"status":"%b"' % status in device.record:
            return status.decode()
    raise RuntimeError("a device without a status")


def question(root: str, code: Code, path: str = "/v1/resolve") -> str:
    """The address under which this service answers about a code."""
    return f"{root}{path}?scheme={code.scheme}&code={_quoted(code.value)}"


@lru_cache(maxsize=16_384)
def _quoted(value: str) -> str:
    return quote(value, safe="")


def _own(code: Code, status: str, root: str) -> list[Link]:
    """The device's own links, with its state in their titles: a linkset has no other place."""
    asked = question(root, code)
    return [
        Link("gs1:masterData", asked, f"Record of the device: {status}", JSON, own=True),
        Link(
            "gs1:verificationService",
            f"{asked}&proof=1",
            f"Proof of the device's record: {status}",
            JSON,
            own=True,
        ),
    ]


def answered(asked: DigitalLink, looked: Looked, wanted: Wanted, root: str) -> Answer:
    """The answer to a request. Raises NotFound; Gone, where a tombstone is all there is."""
    headers = _headers(asked, looked, root)
    form = form_of(wanted)
    if wanted.link_type == LINKSET or form in (JSON_MEDIA, TEXT_MEDIA):
        return linkset(looked, root, form, headers)
    needed = wanted.link_type or not any(one.default for one in looked.levels)
    choice = choose(looked.whole(root) if needed else looked.levels, wanted)
    if not choice.links:
        raise NotFound(
            f"no link of type {wanted.link_type[:80]} is set"
            if wanted.link_type
            else "nobody has set links of this code, and no device bears it",
            hint="?linkType=linkset shows what there is",
            readAs=asked.code._asdict(),
        )
    if len(choice.links) > 1:
        assert choice.level is not None  # noqa: S101 - links have a level
        shown = Level(choice.level.anchor, choice.level.description, choice.links)
        body, media = _shown([shown], form, "Several links fit")
        return Answer(300, headers, body, media)
    (link,) = choice.links
    if link.own:
        device = looked.device
        if device is not None and device.ended and not wanted.link_type:
            raise tombstone(device)
        # A browser is shown a page, and never the JSON that a program gets.
        location = question(root, asked.code, "/v1/linkset") if form == HTML else link.href
    else:
        location = carried(link.href, wanted.query)
    return Answer(307, {**headers, "location": location})


def linkset(looked: Looked, root: str, form: str, headers: Mapping[str, str]) -> Answer:
    """All that there is, as it was asked for. Raises NotFound where there is nothing."""
    levels = looked.whole(root)
    if not any(one.links for one in levels):
        raise NotFound(
            "nobody has set links of this code, and no device bears it",
            hint="whoever holds its prefix can: tetrad links set",
        )
    said = "Links" if looked.device is None else f"A device, {looked.status}"
    body, media = _shown(levels, form, said)
    return Answer(200, dict(headers), body, media)


def _shown(levels: Sequence[Level], form: str, title: str) -> tuple[bytes, str]:
    if form == HTML:
        return page(title, (), levels), f"{HTML}; charset=utf-8"
    if form == TEXT_MEDIA:
        return linkset_text(levels), TEXT_MEDIA
    return linkset_json(levels), form or JSON_MEDIA


def form_of(wanted: Wanted) -> str:
    """In which form a client wants to read: a media type, or "" where it does not say."""
    for name, _ in wanted.accept:
        if name in _FORMS:
            return _FORMS[name]
    return ""


def _headers(asked: DigitalLink, looked: Looked, root: str) -> dict[str, str]:
    anchor = root + asked.paths[0]
    links = [f'<{anchor}?linkType=linkset>; rel="linkset"; type="{JSON_MEDIA}"', _JSON_LD]
    if asked.compressed:
        query = f"?{asked.attributes}" if asked.attributes else ""
        links.insert(0, f'<{anchor}{query}>; rel="owl:sameAs"')
    if looked.device is not None:
        described = question(root, asked.code)
        known = f"device {looked.status}{', code corrected' if looked.corrected else ''}"
        links.append(f'<{described}>; rel="describedby"; type="{JSON}"; title="{known}"')
    return {"link": ", ".join(links)}


def carried(href: str, said: str) -> str:
    """An address with more of a query, before its fragment."""
    if not said:
        return href
    base, mark, fragment = href.partition("#")
    joint = "" if base.endswith(("?", "&")) else "&" if "?" in base else "?"
    return f"{base}{joint}{said.replace('#', '%23')}{mark}{fragment}"


def described(root: str, keys: Sequence[str], name: str) -> dict[str, Any]:
    """The resolver description file, /.well-known/gs1resolver."""
    return {
        "name": name,
        "resolverRoot": root,
        "supportedPrimaryKeys": list(keys),
        "supportedLinkType": [{"namespace": "https://ref.gs1.org/voc/", "prefix": "gs1:"}],
        "supportsLanguageVariants": True,
        "validatesAIcombinations": True,
    }
