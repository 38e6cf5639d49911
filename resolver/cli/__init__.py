"""The command line: `tetrad`. A verb for every operation; errors end in a hint.

Each command lies in a module of its own that is imported when it is called: `tetrad --help` loads
none of them. Exit codes: 0 done, 1 refused, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click

COMMANDS = {
    "demo": ("playing", "See it all in a minute: a fleet registered, resolved, proved."),
    "init": ("serving", "Begin a ledger in a folder."),
    "serve": ("serving", "Run the service over a data folder."),
    "trust": ("trusting", "Pin the ledger behind a service."),
    "org": ("organizations", "Organizations: create, show, update, list."),
    "grant": ("granting", "Rights: issue, withdraw, list."),
    "registry": ("governing", "The registry itself: show, update, rotate the log's keys."),
    "register": ("registering", "Register devices: one, or those of a CSV file."),
    "enrol": ("enrolling", "Devices that register themselves, by their certificates."),
    "device": ("devices", "Devices: show, list, update, offer, accept, retire …"),
    "data": ("grading", "Data by grade: show, commit, log, erase."),
    "keys": ("keyring", "Keys: new, rotate, list."),
    "recovery": ("recovering", "Lost keys: share, begin, finish, status."),
    "status": ("statuses", "Suspend, resume, revoke, retire."),
    "links": ("linking", "Where a code leads to: set, show."),
    "credential": ("crediting", "Device credentials: issue, verify, present, revoke …"),
    "resolve": ("resolving", "From a code, DID or number to its device, proved."),
    "tail": ("tailing", "Show what is committed, proved, as it comes."),
    "history": ("histories", "What happened to a device or a number, proved."),
    "label": ("labelling", "QR labels of registered codes: SVG or PNG."),
    "verify": ("verifying", "Check receipts, answers and evidence, offline."),
    "authenticate": ("authenticating", "Show a service who one is."),
    "challenge": ("authenticating", "Ask a device whether it is what its code says."),
    "answer": ("authenticating", "Answer such a challenge with the device's key."),
    "meet": ("meeting", "Two devices authenticate each other, with no server at hand."),
    "witness": ("witnessing", "Be a witness: cosign the checkpoints of logs."),
    "audit": ("auditing", "Re-hash and replay a whole ledger."),
    "mirror": ("mirroring", "Keep a verified copy of a log, as static files."),
    "monitor": ("monitoring", "Watch a log: an alarm, with evidence, when it misbehaves."),
    "sign": ("signing", "Sign what was prepared for you to sign."),
    "send": ("signing", "Send what is signed, and prove its receipt."),
    "simulate": ("playing", "A fleet of devices against a service."),
    "bench": ("playing", "Measure this machine and the service on it."),
    "completion": ("completing", "Completion for your shell."),
}
"""Each command's module in this package, and its line in the help."""


def installed_version() -> str:
    """The version of the distribution; "0" where the sources run without being installed."""
    try:
        return version("tetrad")
    except PackageNotFoundError:
        return "0"


class LazyCommands(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order in which one needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command out of its module."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"{__name__}.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Out of the table above, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, naming the nearest command for one that there is not."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, 1)
            if not near:
                raise
            raise click.UsageError(f"{error.message} Did you mean {near[0]!r}?", ctx) from None


@click.group(
    cls=LazyCommands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nBegin with: tetrad demo\nTETRAD_HOME and TETRAD_URL stand for --home and --url.",
)
@click.version_option(installed_version(), prog_name="tetrad")
def tetrad() -> None:
    """One object, one code, one number, one data: device identity on a verifiable ledger."""


def main(*args: Any, **more: Any) -> None:
    """The entry point."""
    tetrad(*args, **{"prog_name": "tetrad", **more})
