"""What a person sees where a browser cannot simply be sent on: a small page without scripts.

Every text in it is escaped, whoever wrote it; addresses are those of links: http or https.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from resolver.gs1.linksets import Level, Link


def page(title: str, lines: Sequence[str], levels: Sequence[Level] = ()) -> bytes:
    """A title, some lines, and links by the code that they are of."""
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        '<meta name="viewport" content="width=device-width"></head><body>',
        f"<h1>{escape(title)}</h1>",
        *(f"<p>{escape(line)}</p>" for line in lines),
    ]
    for level in levels:
        if level.links:
            parts += [f"<h2>{escape(level.description)}</h2>", f"<p>{escape(level.anchor)}</p>"]
            parts += ["<ul>", *(_item(link) for link in level.links), "</ul>"]
    return "\n".join([*parts, "</body></html>\n"]).encode()


def _item(link: Link) -> str:
    languages = ", ".join(link.hreflang)
    about = "; ".join(one for one in (link.relation, link.type, languages, *link.context) if one)
    return (
        f'<li><a href="{escape(link.href)}" rel="noopener noreferrer">{escape(link.title)}</a> '
        f"({escape(about)})</li>"
    )
