"""What specs/vectors and specs/schemas hold, made by our own code from names and a fixed clock.

`python -m tests.generated` writes all of it; tests/test_vectors.py and tests/test_schemas.py
compare the files with it byte for byte, and check them in other ways as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

WIDTH = 100


def layout(value: Mapping[str, Any], indent: str = "") -> str:
    """JSON with a line for each member and each element, so that people and diffs can read it."""
    names = value if not indent else sorted(value)
    members = [f"{indent}  {_text(name)}: {_line(value[name], indent + '  ')}" for name in names]
    return "{\n" + ",\n".join(members) + f"\n{indent}}}"


def _line(value: Any, indent: str) -> str:
    if len(_text(value)) <= WIDTH or isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return layout(value, indent)
    items = ",\n".join(f"{indent}  {_text(one)}" for one in value)
    return f"[\n{items}\n{indent}]"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def file(value: Any) -> bytes:
    """A whole file."""
    return layout(value).encode() + b"\n"


def every_file() -> dict[str, bytes]:
    """Path below specs/ -> content, of all that is generated."""
    from tests.generated import (
        accreditation,
        answers,
        authentication,
        certificates,
        codes,
        compression,
        credentials,
        evidence,
        graded,
        handles,
        handshake,
        histories,
        identity,
        ledger,
        links,
        logkeys,
        paths,
        rules,
        schemas,
        state_map,
        witnesses,
    )

    parts = (
        accreditation,
        authentication,
        certificates,
        codes,
        credentials,
        evidence,
        graded,
        identity,
        ledger,
        logkeys,
        state_map,
        rules,
        schemas,
        witnesses,
        answers,
        histories,
        paths,
        handles,
        handshake,
        links,
        compression,
    )
    made = [part.files() for part in parts]
    return {path: content for files in made for path, content in sorted(files.items())}
