"""What an operation says of links: where a code leads to, beside the device that bears it.

    {"anchor": {"scheme": "gtin", "value": "09506000134352"},
     "links": [{"relation": "gs1:pip", "href": "https://acme.example/m1", "title": "Meter M1",
                "type": "text/html", "hreflang": ["en"], "default": true}]}

Closed objects like the other bodies (identity/bodies.py). An address is one that a redirect can
name and a page can show: http or https, a host and nothing before it, the characters of RFC 3986.
Specified in specs/2-registry.md, "links.set".
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from identity.members import Closed, PlainCode, Text

MAX_LINKS = 64
"""Links of one code."""

GS1_VOCABULARY = "https://ref.gs1.org/voc/"
"""What `gs1:` stands for."""
_OTHER_VOCABULARIES = ("https://gs1.org/voc/", "https://www.gs1.org/voc/")
RESERVED = ("gs1:defaultLink", "gs1:defaultLinkMulti", "gs1:linkset", "gs1:all")
"""What `default` says, and what a resolver answers itself."""

# RFC 3986, appendix A: what may stand behind the authority, percent-encoded where it is anything
# else; so neither a quotation mark nor an angle bracket or backslash is left.
_REST = r"(%[0-9A-Fa-f]{2}|[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-])*"
# A name or an address, and a port: no user, no password, nothing percent-encoded.
_HOST = r"([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"

Href = Annotated[str, Field(max_length=500, pattern=rf"^https?://{_HOST}([/?#]{_REST})?$")]


def _relation(text: str) -> str:
    if text in RESERVED:
        raise ValueError(f"{text} is not a relation that can be set: mark a link with `default`")
    if text.startswith((GS1_VOCABULARY, *_OTHER_VOCABULARIES)):
        raise ValueError(f"write it as gs1:{text.partition('/voc/')[2]}")
    return text


Relation = Annotated[
    str,
    Field(
        max_length=300,
        pattern=rf"^(gs1:[A-Za-z][A-Za-z0-9]{{0,63}}|https://{_HOST}/{_REST})$",
        json_schema_extra={"not": {"enum": list(RESERVED)}},
    ),
    AfterValidator(_relation),
]
"""A link type of the GS1 Web vocabulary, or an extension relation type (RFC 8288, 2.1.2)."""
MediaType = Annotated[
    str,
    Field(
        max_length=127,
        pattern=r"^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}$",
    ),
]
"""RFC 6838, section 4.2, in lower case and without parameters."""
Language = Annotated[str, Field(max_length=35, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,7}$")]
"""A language tag of RFC 5646."""
Context = Annotated[str, Field(pattern=r"^[A-Za-z0-9._~:/-]{1,64}$")]
"""A word by which who asks chooses among links of one relation, such as a country."""


class LinkTarget(Closed):
    """One link."""

    relation: Relation
    href: Href
    title: Text
    type: MediaType | None = None
    hreflang: Annotated[list[Language] | None, Field(min_length=1, max_length=16)] = None
    context: Annotated[list[Context] | None, Field(min_length=1, max_length=16)] = None
    default: Literal[True] | None = None
    """Where the code leads who asks for nothing in particular."""


def _one_default(links: list[LinkTarget]) -> list[LinkTarget]:
    if sum(link.default is True for link in links) > 1:
        raise ValueError("one link is the default, or none is marked and it is the first")
    return links


_ONE_DEFAULT: dict[str, Any] = {
    "contains": {"required": ["default"]},
    "minContains": 0,
    "maxContains": 1,
}


class LinksBody(Closed):
    """All links of one code: they take the place of those before. None, where the list is empty."""

    anchor: PlainCode
    description: Text | None = None
    """Of the item, in words."""
    links: Annotated[
        list[LinkTarget],
        Field(max_length=MAX_LINKS, json_schema_extra=_ONE_DEFAULT),
        AfterValidator(_one_default),
    ]
