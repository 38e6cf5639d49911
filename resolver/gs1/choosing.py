"""Which link a request gets.

    choice = choose(levels, wanted)      # one link, several, or none

A link type is looked for at the most granular level first, and the first level that has it decides.
Without one it is the default link of the first level that has one, unless the request says what
fits another link of the same type better. Among links of one type, what the query says comes first
(context, media type, language), then what the headers say; where neither says anything, or nothing
fits, a link that says nothing of the kind either. What is left over is for the client to choose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from resolver.gs1.linksets import Level, Link
from resolver.gs1.requests import Wanted


class Choice(NamedTuple):
    """What fits."""

    level: Level | None
    links: tuple[Link, ...]
    """None, one, or several that fit alike."""


def choose(levels: Sequence[Level], wanted: Wanted) -> Choice:
    """The links that fit a request best; of the default there is at most one."""
    if not wanted.link_type:
        for level in levels:
            if level.default is not None:
                return Choice(level, (_default(level, level.default, wanted),))
        return Choice(None, ())
    for level in levels:
        typed = [link for link in level.links if link.relation == wanted.link_type]
        if typed:
            return Choice(level, tuple(_narrowed(typed, wanted)))
    return Choice(None, ())


def _default(level: Level, default: Link, wanted: Wanted) -> Link:
    multiple = level.multiple()
    if not multiple or wanted == Wanted(query=wanted.query):
        return default
    fitting = _narrowed(multiple, wanted)
    return fitting[0] if len(fitting) == 1 else default


def _narrowed(links: list[Link], wanted: Wanted) -> list[Link]:
    for word, words in (
        (wanted.context, lambda link: link.context),
        (wanted.media, lambda link: (link.type,) if link.type else ()),
    ):
        if word:
            links = _said(links, word, words)
    if wanted.language:
        links = _in_language(links, [(wanted.language, 1.0)])
    if not wanted.context:
        links = _unspecific(links, lambda link: link.context)
    if not wanted.media:
        links = _accepted(links, wanted.accept)
    if not wanted.language:
        links = _in_language(links, wanted.languages)
    return links


_Words = Callable[[Link], tuple[str, ...]]


def _unspecific(links: list[Link], words: _Words) -> list[Link]:
    return [link for link in links if not words(link)] or links


def _said(links: list[Link], word: str, words: _Words) -> list[Link]:
    return [link for link in links if word in words(link)] or _unspecific(links, words)


def _accepted(links: list[Link], accept: Sequence[tuple[str, float]]) -> list[Link]:
    """By the Accept header; `*/*` says nothing."""
    weights = dict(reversed(accept))
    found: dict[Link, float] = {}
    for link in links:
        if link.type:
            family = link.type.partition("/")[0] + "/*"
            weight = weights.get(link.type, weights.get(family, 0.0))
            if weight:
                found[link] = weight
    if not found:
        return _unspecific(links, lambda link: (link.type,) if link.type else ())
    best = max(found.values())
    return [link for link in links if found.get(link) == best]


def _in_language(links: list[Link], ranges: Sequence[tuple[str, float]]) -> list[Link]:
    """By the first range that a link's language matches (RFC 4647, 3.4 Lookup, both ways: who asks
    for `de-CH` takes `de`, and who asks for `de` takes `de-CH`)."""
    for asked, _ in ranges:
        tag = asked
        while tag and tag != "*":
            fitting = [link for link in links if any(_speaks(one, tag) for one in link.hreflang)]
            if fitting:
                return fitting
            tag = tag.rpartition("-")[0]
    return _unspecific(links, lambda link: link.hreflang)


def _speaks(language: str, tag: str) -> bool:
    spoken = language.lower()
    return spoken == tag or spoken.startswith(f"{tag}-")
