"""What a demonstration has shown so far: lines for a person, or one value for a program."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import click
import orjson


class Step(NamedTuple):
    """A thing that was done: its name, and the figures for programs."""

    name: str
    figures: dict[str, Any]


class Showing:
    """One showing, line by line."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._steps: list[Step] = []
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.perf_counter() - self._began

    def show(self, name: str, text: str, mark: str = "✓", **figures: Any) -> None:
        """A line of what was done."""
        self._steps.append(Step(name, figures))
        if not self._quiet:
            coloured = click.style(mark, fg="green" if mark == "✓" else "yellow")
            click.echo(f"  {coloured} {text}")

    def failed(self, problem: dict[str, Any]) -> None:
        """The last line, where a step did not go as it should."""
        if self._quiet:
            click.echo(orjson.dumps({**self._value(), "ok": False, "error": problem}))
            return
        click.echo(f"  {click.style('✗ FAILED', fg='red')} {problem['code']}: {problem['detail']}")
        if problem.get("hint"):
            click.echo(f"    {problem['hint']}")

    def done(self, following: str) -> None:
        """The last line."""
        if self._quiet:
            click.echo(orjson.dumps({**self._value(), "ok": True}))
        else:
            click.echo(f"  Next: {following}")

    def _value(self) -> dict[str, Any]:
        steps = [{"step": step.name, **step.figures} for step in self._steps]
        return {"seconds": round(self.seconds, 1), "steps": steps}


def insist(held: object, detail: str) -> None:
    """The demonstration promises something. RuntimeError: we are wrong ourselves."""
    if not held:
        raise RuntimeError(detail)
