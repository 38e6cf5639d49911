"""What there is to a code: links at each of its levels, and as a linkset (RFC 9264).

    levels = [level(code, anchor, record), …]       # the most granular first
    linkset_json(levels), linkset_text(levels)

The JSON form keeps to what GS1-Conformant Resolver 1.2 allows: an anchor with its description, link
types as whole URIs, targets with href, title, type, hreflang and context, and exactly one default
link, which has only href and title. Where other links of the default's own type differ from it in
language or the like, they stand under `defaultLinkMulti` with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

import orjson

from identity.links import GS1_VOCABULARY
from registry.state import LinksRecord
from resolver.gs1.requests import relation_uri

JSON_MEDIA: Final = "application/linkset+json"
TEXT_MEDIA: Final = "application/linkset"
CONTEXT: Final = "https://ref.gs1.org/standards/resolver/linkset-context"
"""The JSON-LD context of GS1's own; nothing here reads it."""


class Link(NamedTuple):
    """A link to choose."""

    relation: str
    href: str
    title: str
    type: str = ""
    hreflang: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    own: bool = False
    """To this service, which reads its own query: nothing is carried on to it."""

    def target(self) -> dict[str, Any]:
        """The target object (RFC 9264, 4.2.2), with what there is."""
        named = {"type": self.type, "hreflang": self.hreflang, "context": self.context}
        return {"href": self.href, "title": self.title} | {k: v for k, v in named.items() if v}


@dataclass(frozen=True, slots=True)
class Level:
    """The links of one code."""

    anchor: str
    description: str
    links: tuple[Link, ...]
    default: Link | None = None

    def multiple(self) -> list[Link]:
        """The links of the default's type, where there are several."""
        if self.default is None:
            return []
        alike = [link for link in self.links if link.relation == self.default.relation]
        return alike if len(alike) > 1 else []


def level(anchor: str, record: LinksRecord | None) -> Level:
    """What was set of one code."""
    if record is None or not record["links"]:
        return Level(anchor, "", ())
    links: list[Link] = []
    default: Link | None = None
    for one in cast("list[dict[str, Any]]", record["links"]):
        link = Link(
            one["relation"],
            one["href"],
            one["title"],
            one.get("type", ""),
            tuple(one.get("hreflang", ())),
            tuple(one.get("context", ())),
        )
        links.append(link)
        if "default" in one:
            default = link
    default = default or links[0]
    return Level(anchor, record.get("description", default.title), tuple(links), default)


def linkset_json(levels: Sequence[Level]) -> bytes:
    """application/linkset+json of the levels that have links."""
    deciding = next((one for one in levels if one.default is not None), None)
    contexts = [_context(one, choice=one is deciding) for one in levels if one.links]
    return orjson.dumps({"linkset": contexts})


def _context(level: Level, *, choice: bool) -> dict[str, Any]:
    """A link context object (RFC 9264, 4.2.1); `choice` says that its default is the one in force,
    among which a request may choose."""
    found: dict[str, Any] = {"anchor": level.anchor, "itemDescription": level.description}
    for link in level.links:
        found.setdefault(relation_uri(link.relation), []).append(link.target())
    if level.default is not None:
        default = {"href": level.default.href, "title": level.default.title}
        found[f"{GS1_VOCABULARY}defaultLink"] = [default]
    if choice and (multiple := level.multiple()):
        found[f"{GS1_VOCABULARY}defaultLinkMulti"] = [one.target() for one in multiple]
    return found


def linkset_text(levels: Sequence[Level]) -> bytes:
    """application/linkset: the syntax of the Link header, a link for each line (RFC 9264, 4.1)."""
    lines = []
    for one in levels:
        marked = [] if one.default is None else [one.default._replace(relation="gs1:defaultLink")]
        for link in (*one.links, *(Link(m.relation, m.href, m.title) for m in marked)):
            attributes = {
                "rel": relation_uri(link.relation),
                "anchor": one.anchor,
                "type": link.type,
            }
            parts = [f"<{link.href}>"]
            parts += [f"{name}={_quoted(value)}" for name, value in attributes.items() if value]
            parts += [f"hreflang={_quoted(tag)}" for tag in link.hreflang]
            parts += [f"context={_quoted(word)}" for word in link.context]
            parts.append(_title(link.title))
            lines.append("; ".join(parts))
    return ",\n".join(lines).encode() + b"\n"


def _quoted(text: str) -> str:
    """A quoted string (RFC 9110, 5.6.4)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _title(title: str) -> str:
    """As RFC 8288, 3.4.1: what is not ASCII by RFC 8187."""
    if title.isascii():
        return f"title={_quoted(title)}"
    encoded = "".join(
        chr(byte) if chr(byte).isalnum() and byte < 128 else f"%{byte:02X}"
        for byte in title.encode()
    )
    return f"title*=UTF-8''{encoded}"
