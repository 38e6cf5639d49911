"""`--algorithm`, wherever a command draws keys.

--algorithm P-384
--algorithm Ed25519+ML-DSA-44          one key of each kind: both sign, from then on
"""

from __future__ import annotations

import click

from identity.errors import InvalidKey
from resolver.cli.frame import Option


class Algorithms(click.ParamType[str]):
    """One algorithm, or up to three joined by `+`; kept as text."""

    name = "algorithm"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text, once every name in it is known."""
        from identity.keys import ALGORITHMS, algorithms_named

        try:
            algorithms_named(value)
        except InvalidKey as refusal:
            self.fail(f"{refusal.detail}; there are {', '.join(ALGORITHMS)}", param, ctx)
        return value


def algorithm_option(meaning: str, default: str = "Ed25519") -> Option:
    """The option; a rotation's `default` is empty, which keeps the algorithms."""
    return click.option(
        "--algorithm",
        type=Algorithms(),
        default=default or None,
        show_default=bool(default),
        metavar="NAME[+NAME]",
        help=meaning,
    )
