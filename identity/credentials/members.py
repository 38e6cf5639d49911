"""The members that credentials and presentations share, each by its section of Data Model 2.0.

Every check raises MalformedCredential with a pointer to the value that offends.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from identity.credentials.contexts import BASE, FIRST
from identity.errors import MalformedCredential

BASE_CONTEXT = BASE

# An absolute URL as far as an identifier needs it: a scheme, and no character that no URL has.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`\x00-\x20\x7f]+")


def refuse(detail: str, pointer: str = "", hint: str = "") -> MalformedCredential:
    """The error that says so."""
    return MalformedCredential(detail, pointer=pointer, hint=hint)


def is_url(value: object) -> bool:
    """Whether a value is an absolute URL."""
    return isinstance(value, str) and _URL.fullmatch(value) is not None


def identifier_of(party: object) -> str:
    """The URL of an issuer or holder that has been checked: itself, or its `id`."""
    return str(party["id"] if isinstance(party, dict) else party)


def check_contexts(document: Mapping[str, Any]) -> None:
    """Data Model 2.0, 4.3: an ordered set whose first item is the base context, a URL."""
    contexts = document.get("@context")
    if not isinstance(contexts, list):
        raise refuse("@context is a list", "/@context")
    if FIRST in contexts:
        raise refuse(
            "a credential of the data model 1.1", "/@context", "issue it by the data model 2.0"
        )
    if not contexts or contexts[0] != BASE_CONTEXT:
        raise refuse(f"the first item of @context is not {BASE_CONTEXT}", "/@context")
    check_each_context(contexts)


def check_each_context(contexts: list[Any]) -> None:
    """Each item of `@context` is a URL or an object."""
    for place, context in enumerate(contexts):
        if not isinstance(context, dict) and not is_url(context):
            raise refuse("a context is a URL or an object", f"/@context/{place}")


def check_types(document: Mapping[str, Any], needed: str) -> list[str]:
    """Data Model 2.0, 4.5: one or more strings, `needed` among them."""
    types = check_type(document.get("type"), "/type")
    if needed not in types:
        raise refuse(f"the type does not include {needed}", "/type")
    return types


def check_described(value: Mapping[str, Any], pointer: str = "") -> None:
    """`id` (4.4), `name` and `description` (4.6) of an object, where it has them."""
    check_identified(value, pointer)
    for member in ("name", "description"):
        if member in value:
            check_language(value[member], f"{pointer}/{member}")


def check_identified(value: Mapping[str, Any], pointer: str, *, needed: bool = False) -> None:
    """Data Model 2.0, 4.4: a single URL."""
    if ("id" in value or needed) and not is_url(value.get("id")):
        raise refuse("an id is a single URL", f"{pointer}/id")


def check_language(value: object, pointer: str) -> None:
    """Data Model 2.0, 11.1: a string, a language value object, or a list of these."""
    if isinstance(value, str):
        return
    if isinstance(value, list) and value:
        for place, item in enumerate(value):
            if isinstance(item, list):
                raise refuse("a list within a list", f"{pointer}/{place}")
            check_language(item, f"{pointer}/{place}")
        return
    if not isinstance(value, dict) or not isinstance(value.get("@value"), str):
        raise refuse("neither a string nor a language value object", pointer)
    if not value.keys() <= {"@value", "@language", "@direction"}:
        raise refuse("a language value object has @value, @language and @direction", pointer)
    if not isinstance(value.get("@language", ""), str):
        raise refuse("@language is not a string", f"{pointer}/@language")
    if value.get("@direction", "ltr") not in ("ltr", "rtl"):
        raise refuse("@direction is ltr or rtl", f"{pointer}/@direction")


def check_issuer(value: object, pointer: str = "/issuer") -> None:
    """Data Model 2.0, 4.7: a URL, or an object that has one as its id."""
    if isinstance(value, dict):
        check_identified(value, pointer, needed=True)
        check_described(value, pointer)
    elif not is_url(value):
        raise refuse("neither a URL nor an object with an id", pointer)


def check_subject(value: object) -> None:
    """Data Model 2.0, 4.8: one or more objects, each with a claim or an id."""
    subjects = value if isinstance(value, list) else [value]
    if not subjects:
        raise refuse("no credentialSubject", "/credentialSubject")
    for place, subject in enumerate(subjects):
        pointer = f"/credentialSubject/{place}" if isinstance(value, list) else "/credentialSubject"
        if not isinstance(subject, dict) or not subject:
            raise refuse("a credentialSubject is an object that says something", pointer)
        check_identified(subject, pointer)
        if "type" in subject:
            check_type(subject["type"], f"{pointer}/type")


def check_typed(
    document: Mapping[str, Any], member: str, *, identified: bool = False
) -> list[tuple[str, dict[str, Any]]]:
    """A member that holds one or more objects, each with a type (and an id where it needs one).

    Returns these with their pointers.
    """
    if member not in document:
        return []
    found = []
    value = document[member]
    items = value if isinstance(value, list) else [value]
    if not items:
        raise refuse(f"{member} is empty", f"/{member}")
    for place, item in enumerate(items):
        pointer = f"/{member}/{place}" if isinstance(value, list) else f"/{member}"
        if not isinstance(item, dict):
            raise refuse(f"{member} holds objects", pointer)
        check_type(item.get("type"), f"{pointer}/type")
        check_identified(item, pointer, needed=identified)
        found.append((pointer, item))
    return found


def check_type(value: object, pointer: str) -> list[str]:
    """Data Model 2.0, 4.5: one or more strings. Whether they mean anything, `terms` knows."""
    types: list[Any] = value if isinstance(value, list) else [value]
    if not types or not all(isinstance(item, str) and item for item in types):
        raise refuse("a type is one or more strings", pointer)
    return types
