"""`tetrad links …`: where a code leads to, beside the device that bears it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from identity.errors import NotFound, SchemaViolation
from identity.jcs import Json, parse
from resolver.cli.frame import MAX_AGE, REFUSED, Frame, read_input, verb
from resolver.cli.organizations import acknowledged
from resolver.cli.resolving import absence_of, age_value

if TYPE_CHECKING:
    from resolver.client import Linked

_SCHEME = click.option("--scheme", help="The scheme of the code, where it is not plain.")


@click.group()
def links() -> None:
    """Links: where a code leads to, a product page or a manual."""


@links.command(name="set", short_help="Say where CODE leads to, in the place of what was said.")
@click.argument("code")
@verb(
    _SCHEME,
    click.option(
        "--link",
        "given",
        multiple=True,
        metavar="RELATION=URL,TITLE",
        help="A link, as in gs1:pip=https://acme.example/m1,Meter M1: repeat it. The first is the "
        "default.",
    ),
    click.option(
        "--file",
        "file",
        metavar="FILE",
        help="Links as JSON: a list of them, or an object with `links` and a `description`. With "
        "languages, media types and contexts.",
    ),
    click.option("--description", metavar="TEXT", help="The item, in words."),
    click.option("--none", "none", is_flag=True, help="Take all links away."),
    wallet=True,
)
def set_(
    frame: Frame,
    code: str,
    *,
    scheme: str | None,
    given: tuple[str, ...],
    file: str | None,
    description: str | None,
    none: bool,
) -> None:
    """Say where CODE leads to: a class of products, a batch, or one item, whether or not a device
    bears the code. All links are set at once, in the place of those before.

    Whoever holds the prefix which most closely encloses the code sets them, or the authority.
    """
    if [bool(given), file is not None, none].count(True) != 1:
        raise click.UsageError("give --link, --file or --none")
    found: list[dict[str, Json]] = [_link(one) for one in given]
    if file is not None:
        found, said = _read(read_input(file))
        description = description or said
    with frame.writing() as client:
        done = client.set_links(
            frame.actor(client.wallet), code, found, scheme=scheme, description=description
        )
    anchor: dict[str, Any] = done.operation["body"]["anchor"]  # type: ignore[index, call-overload, assignment]
    count = "1 link" if len(found) == 1 else f"{len(found)} links"
    frame.show(
        acknowledged(done) | {"anchor": anchor},
        f"read as {anchor['value']}",
        f"✓ {count} set, entry {done.index}",
    )


def _link(text: str) -> dict[str, Json]:
    relation, equals, rest = text.partition("=")
    href, comma, title = rest.partition(",")
    if not equals or not comma or not title.strip():
        raise click.UsageError(f"--link reads RELATION=URL,TITLE, not {text[:80]!r}")
    if not relation.strip().startswith(("gs1:", "https://")):
        raise click.UsageError(
            f"{relation[:80]!r} is no relation: gs1:pip, gs1:instructions …, or an https:// address"
        )
    return {"relation": relation.strip(), "href": href.strip(), "title": title.strip()}


def _read(data: bytes) -> tuple[list[dict[str, Json]], str | None]:
    """Links, and a description, out of a file. Raises MalformedInput, SchemaViolation."""
    value = parse(data)
    whole: dict[str, Json] = value if isinstance(value, dict) else {"links": value}
    found, said = whole.get("links"), whole.get("description")
    if (
        not isinstance(found, list)
        or set(whole) - {"links", "description"}
        or not isinstance(said, str | None)
    ):
        raise SchemaViolation(
            "a list of links is expected, or an object with `links` and a `description`",
            hint='[{"relation": "gs1:pip", "href": "https://…", "title": "…"}]',
        )
    listed = [one for one in found if isinstance(one, dict)]
    if len(listed) != len(found):
        raise SchemaViolation("a link is a JSON object", pointer="/links")
    return listed, said


@links.command(short_help="Where CODE leads to, proved.")
@click.argument("code")
@verb(_SCHEME, MAX_AGE)
def show(frame: Frame, code: str, *, scheme: str | None, max_age: int | None) -> None:
    """Where CODE leads to, whose word that is, and that it is the newest: proved.

    The exit code is 1 where nobody has set links, with a word on whether that is proved.
    """
    with frame.reading() as client:
        try:
            found = client.links(code, scheme=scheme, max_age=max_age)
        except NotFound as missing:
            frame.fail(missing)
            if not frame.as_json:
                frame.note(absence_of(missing))
            raise click.exceptions.Exit(REFUSED) from None
    frame.show(_value(found), *_lines(found))


def _value(found: Linked) -> dict[str, Any]:
    tree = found.verified.state.checkpoint.checkpoint
    return {
        "readAs": found.read_as._asdict(),
        "links": found.record,
        "verified": {
            "entry": found.verified.entry,
            "signer": found.verified.by,
            "checkpoint": {"origin": tree.origin, "size": tree.size, **age_value(found.age)},
            "asserted": found.asserted,
        },
        "proof": found.answer["proof"],
    }


def _lines(found: Linked) -> list[str]:
    record, verified = found.record, found.verified
    lines = [f"read as {found.read_as.value}"]
    lines += [record["description"]] if "description" in record else []
    marked = [one for one in record["links"] if "default" in one] or record["links"][:1]
    for one in record["links"]:
        about = [str(one[name]) for name in ("type",) if name in one]
        about += [", ".join(map(str, one[n])) for n in ("hreflang", "context") if n in one]  # type: ignore[arg-type]
        tail = f"  ({'; '.join(about)})" if about else ""
        sign = "→" if one in marked else " "
        lines.append(f"{sign} {one['relation']}  {one['href']}  {one['title']}{tail}")
    lines += [] if record["links"] else ["no links any more"]
    lines.append(f"✓ set by {verified.by}, who signed  ✓ in the ledger, entry {verified.entry}")
    lines.append(f"✓ the newest there is, by the state of entry {verified.state.root.index}")
    lines.append(f"✓ checkpoint by the pinned log, {found.age}")
    lines.append(f"– {found.asserted}")
    return lines
