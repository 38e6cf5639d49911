"""The ledgers by way of which an answer was found, as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resolver.path import Hop


def hop_lines(hops: Sequence[Hop]) -> list[str]:
    """The way from the pinned root to whoever answers, and what carried each step."""
    if not hops:
        return []
    names = [hop.trust.origin for hop in hops]
    lines = [f"✓ root {' → '.join(names)}, each step by a grant that is proved to be in force"]
    for hop, following in zip(hops, names[1:], strict=False):
        referral = hop.referral
        if referral is not None:
            until = f", until {referral.until}" if referral.until else ""
            prefix = f"{referral.prefix.scheme}:{referral.prefix.prefix}"
            lines.append(f"  {prefix} is {following}'s by grant {referral.grant}{until}, {hop.age}")
    lines.append(f"✓ ledger {hops[-1].trust.ledger} answers")
    return lines


def hop_values(hops: Sequence[Hop]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "ledger": hop.trust.ledger,
            "origin": hop.trust.origin,
            "age": hop.age.seconds,
            "datedBy": hop.age.by or None,
            **(
                {"grant": hop.referral.grant, "prefix": hop.referral.prefix.model_dump()}
                if hop.referral
                else {}
            ),
        }
        for hop in hops
    ]
