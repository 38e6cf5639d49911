"""Pages of records, as every `list` command shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from resolver.cli.frame import Command, Frame


def page_options(statuses: Sequence[str]) -> list[Callable[[Command], Command]]:
    """The options of a listing."""
    return [
        click.option("--status", type=click.Choice(statuses), help="Only those in this status."),
        click.option("--limit", type=click.IntRange(1, 1000), help="How many, at most."),
        click.option("--cursor", help="Where the page before ended."),
    ]


def list_page(
    frame: Frame, kind: str, query: dict[str, Any], line: Callable[[dict[str, Any]], str]
) -> None:
    """Asks for one page, and shows it with the way to the next."""
    asked = {name: str(value) for name, value in query.items() if value is not None}
    with frame.reading() as client:
        page: dict[str, Any] = client.page(kind, asked)
    found = page.get(kind, [])
    more = [f"more: --cursor {page['cursor']}"] if page.get("cursor") else []
    frame.show(page, *(line(one) for one in found), *([] if found else ["none"]), *more)
