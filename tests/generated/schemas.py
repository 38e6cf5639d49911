"""specs/schemas: JSON Schemas (2020-12) of what is posted and answered, out of the models."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, TypeAdapter

from identity.credentials.device import TYPES
from identity.operation import OPERATION, AnyOperation, Submission
from registry.rules import ROWS
from tests.generated import file

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _type_of(model: type[AnyOperation]) -> str:
    (name,) = model.model_fields["type"].annotation.__args__  # type: ignore[union-attr]
    return str(name)


def _without_null(value: Any) -> Any:
    """A member that may be absent is never null: the models' `None` is our way to say absent."""
    if isinstance(value, list):
        return [_without_null(one) for one in value]
    if not isinstance(value, dict):
        return value
    shown = {name: _without_null(one) for name, one in value.items()}
    if isinstance(shown.get("title"), str):
        del shown["title"]  # pydantic's titles repeat the names
    if shown.get("default", 0) is None:
        del shown["default"]
        kept = [one for one in shown.get("anyOf", []) if one != {"type": "null"}]
        if len(kept) == 1:
            del shown["anyOf"]
            shown |= kept[0]
        elif kept:
            shown["anyOf"] = kept
    return shown


def schema(name: str, adapter: TypeAdapter[Any] | type[BaseModel]) -> dict[str, Any]:
    """The schema of a model, under its name."""
    made = (
        adapter.model_json_schema(by_alias=True)
        if isinstance(adapter, type)
        else adapter.json_schema(by_alias=True)
    )
    head = {"$schema": DIALECT, "$id": f"urn:tetrad:schema:{name}", "title": name}
    return {**head, **_without_null(made)}


def files() -> dict[str, bytes]:
    """A schema for each type of operation, for all of them, for what is posted, and for each
    type of device credential."""
    made = {_type_of(row): schema(_type_of(row), row) for row in ROWS}
    made["operation"] = schema("operation", OPERATION)
    made["submission"] = schema("submission", Submission)
    made |= {f"credentials/{name}": schema(f"credentials/{name}", TYPES[name]) for name in TYPES}
    return {f"schemas/{name}.json": file(value) for name, value in made.items()}
