"""What a simulation did, for people and for programs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, NamedTuple


class Played(NamedTuple):
    """An attack, the answer that it must get, and the one that it got."""

    name: str
    says: str
    expected: str
    got: str

    @property
    def held(self) -> bool:
        """Whether the service, or the verifier, stood firm."""
        return self.expected == self.got


@dataclass
class Summary:
    """What a run did."""

    url: str
    ledger: str
    seed: int
    operator: str = ""
    """DID of the organization that controls the fleet."""
    devices: int = 0
    """Acknowledged, each with a receipt that verifies."""
    seconds: float = 0.0
    """That the registrations of devices took."""
    lived: int = 0
    """Later operations that were acknowledged."""
    living_seconds: float = 0.0
    operations: Counter[str] = field(default_factory=Counter)
    """Acknowledged, by type."""
    profiles: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    """Honest operations that the service refused, by code: there should be none."""
    attacks: list[Played] = field(default_factory=list)
    out: PurePath | None = None

    @property
    def rate(self) -> float:
        """Registrations of devices a second."""
        return self.devices / self.seconds if self.seconds else 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing honest was refused and every attack got its answer."""
        return not self.refused and all(attack.held for attack in self.attacks)

    def value(self) -> dict[str, Any]:
        """As JSON."""
        names = ("url", "ledger", "seed", "operator", "devices", "seconds", "lived")
        shown: dict[str, Any] = {name: getattr(self, name) for name in names}
        for name in ("operations", "profiles", "refused"):
            shown[name] = dict(getattr(self, name))
        attacks = [{**one._asdict(), "held": one.held} for one in self.attacks]
        out = str(self.out) if self.out else None
        return {**shown, "rate": round(self.rate, 1), "attacks": attacks, "out": out, "ok": self.ok}

    def lines(self) -> list[str]:
        """For people."""
        found = [
            f"✓ {self.devices} devices registered, {self.rate:.0f}/s, every receipt verified",
            f"✓ {self.lived} things happened to them since"
            f"   (seed {self.seed}, operator {self.operator})",
        ]
        if self.out is not None:
            found.append(f"  receipts in {self.out}")
        found += [f"✗ {count} refused: {code}" for code, count in sorted(self.refused.items())]
        for attack in self.attacks:
            right = f"{attack.got} (as it should be)"
            got = right if attack.held else f"{attack.got}, must be {attack.expected}: BROKEN"
            found.append(f"{'✓' if attack.held else '✗'} {attack.name}: {got}")
        return found
