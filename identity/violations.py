"""What pydantic complains of, as one of our errors."""

from __future__ import annotations

from pydantic import ValidationError

from identity.errors import SchemaViolation

_TAGS = {
    (): ("type", "an operation says its type", "there is no operation of this type"),
    ("body", "uniqueness"): (
        "alg",
        "a keyed hash says its algorithm",
        "there is no keyed hash of this name",
    ),
    ("body",): ("right", "a grant says its right", "there is no right of this name"),
}
"""The member that tells one kind of object from another: what is said where it is missing or
unknown, by the place of the object."""


def schema_violation(error: ValidationError) -> SchemaViolation:
    """The first complaint of pydantic as one of our errors, with a JSON pointer (RFC 6901)."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    union_tags = {"function-after", "PlainCode", "CommittedCode", "CommittedNumber", "DataRecord",
                  "Recovery", "Exemption", "Offer"}  # fmt: skip
    steps = [str(step) for step in first["loc"]]
    if steps[:2] == ["grant.issue", "body"]:
        del steps[2:3]  # pydantic's note of which right it took the grant for
    if steps[:3] == ["registry.genesis", "body", "uniqueness"]:
        del steps[3:4]
    steps = [
        step.replace("~", "~0").replace("/", "~1")
        for step in steps
        if step not in union_tags
        and "." not in step
        and not step.startswith(("literal[", "function"))
    ]
    message = "this member is missing" if first["type"] == "missing" else first["msg"]
    if first["type"] in ("union_tag_not_found", "union_tag_invalid"):
        member, missing, unknown = _TAGS[tuple(steps)]
        message = missing if first["type"] == "union_tag_not_found" else unknown
        steps = [*steps, member]
    return SchemaViolation(
        message,
        pointer="".join(f"/{step}" for step in steps),
        hint="the JSON Schemas in specs/schemas show every member",
    )
