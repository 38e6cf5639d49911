"""Relative references, resolved against a URI (RFC 3986, section 5), for any scheme.

    >>> resolve_reference("coaps://m-0017.example/data/now", "then?day=1")
    'coaps://m-0017.example/data/then?day=1'

`urllib.parse.urljoin` does this for the schemes that it has a list of, and gives others back as
they are. What is resolved here stays on the same host and climbs nowhere: dot segments are refused
in every encoding rather than removed (DID Resolution 1.0, section 13.7.1).
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from identity.errors import MalformedInput

# RFC 3986, appendix B, and the characters of appendix A.
_PARTS: Final = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):)?(?://(?P<authority>[^/?#]*))?"
    r"(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.DOTALL,
)
_CHARACTERS: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?#-]|%[0-9A-Fa-f]{2})*")
_DECODINGS: Final = 4
"""A path that is encoded more often than that is not one that anybody means."""


def resolve_reference(base: str, reference: str) -> str:
    """The URI that a relative reference names. Raises MalformedInput for one that has a scheme or
    a host, that has dot segments, or that is none."""
    given = _PARTS.fullmatch(reference)
    if given is None or _CHARACTERS.fullmatch(reference) is None or reference.count("#") > 1:
        raise MalformedInput("not a relative reference: encode what is no character of a URI")
    if given["scheme"] is not None or given["authority"] is not None:
        raise MalformedInput("a relative reference names neither a scheme nor a host")
    _check_climbs_nowhere(given["path"])
    known = _PARTS.fullmatch(base)
    if known is None or known["scheme"] is None:
        raise MalformedInput(f"not an absolute URI: {base[:80]!r}")
    # Section 5.2.2, without its steps for schemes, hosts and dot segments, which are refused above.
    path, query = given["path"], given["query"]
    if not path:
        path, query = known["path"], query if query is not None else known["query"]
    elif not path.startswith("/"):
        path = known["path"].rpartition("/")[0] + "/" + path  # section 5.2.3
    host = f"//{known['authority']}" if known["authority"] is not None else ""
    ending = "".join(
        mark + part for mark, part in (("?", query), ("#", given["fragment"])) if part is not None
    )
    return f"{known['scheme']}:{host}{path}{ending}"


def _check_climbs_nowhere(path: str) -> None:
    for _ in range(_DECODINGS):
        if {".", ".."} & set(re.split(r"[/\\]", path)):
            raise MalformedInput("a relative reference without dot segments, however encoded")
        decoded = unquote(path, errors="replace")
        if decoded == path:
            return
        path = decoded
    raise MalformedInput("a path that is encoded many times over")
