"""`tetrad register`: one device by options, or those of a CSV file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from identity.errors import PolicyViolated, TetradError
from resolver.cli.algorithms import algorithm_option
from resolver.cli.frame import Frame, read_input, verb
from resolver.cli.organizations import (
    KNOWN_AS,
    acknowledged,
    known_as_of,
    recovery_of,
    recovery_options,
)
from resolver.cli.progress import Progress, bar
from resolver.cli.rows import COLUMNS, Row, Wrong, check_rows, device_body, read_rows, table

if TYPE_CHECKING:
    from resolver.client import Client
    from resolver.prepared import Prepared

_EPILOG = "\b\nColumns of the CSV file, and options of a single device:\n" + "\n".join(
    f"  {name:<15} {meaning}" for name, meaning in COLUMNS.items()
)
_SINGLE = ("model", "serial", "code", "scheme", "number", "sector", "ipv6", "parent")


def _cell(name: str) -> Callable[[Any], Any]:
    return click.option(f"--{name}", f"cell_{name}", help="See below.", metavar="TEXT")


@click.command(epilog=_EPILOG)
@verb(
    click.option("--from", "file", metavar="FILE.csv", help="Register the rows of this file."),
    click.option("--dry-run", is_flag=True, help="Say what is wrong; send nothing."),
    click.option(
        "--out",
        type=click.Path(path_type=Path, dir_okay=False),
        help="With --from: receipts, one line of JSON each; a later run goes on from there.",
    ),
    click.option("--skip-wrong", is_flag=True, help="Register the rows that are right."),
    click.option(
        "--default", "defaults", metavar="COLUMN=VALUE", multiple=True, help="For empty cells."
    ),
    click.option("--batch", type=click.IntRange(1, 1000), default=250, show_default=True,
                 help="Rows of one request."),
    click.option("--maker", metavar="NAME", help="Who made it.  [default: who acts]"),
    click.option("--also", metavar="NAME", multiple=True, help="Who signs as well."),
    algorithm_option("Of the devices' keys; a pair such as Ed25519+ML-DSA-44."),
    KNOWN_AS,
    *recovery_options("the quorum that may replace the devices' keys"),
    *map(_cell, _SINGLE),
    wallet=True,
)  # fmt: skip
def register(
    frame: Frame,
    file: str | None,
    *,
    dry_run: bool,
    out: Path | None,
    skip_wrong: bool,
    defaults: tuple[str, ...],
    batch: int,
    maker: str | None,
    also: tuple[str, ...],
    algorithm: str,
    known_as: tuple[str, ...],
    shares: tuple[str, ...],
    threshold: int | None,
    wait: int,
    **cells: str | None,
) -> None:
    """Register devices, each under keys of its own that are drawn here and kept in the wallet.

    Rows count as in a spreadsheet: the header is row 1. Whoever acts is the controller.
    """
    given = {name.removeprefix("cell_"): text for name, text in cells.items() if text is not None}
    if (file is None) == (not given):
        raise click.UsageError(
            "name a file with --from, or one device by --model, --serial, --code"
        )
    if file is not None and shares:
        raise click.UsageError(
            "--recovery-key is for one device: those who keep the keys draw new ones for each"
        )
    filled = {**dict(map(_default, defaults)), **given}
    with frame.writing() as client:
        common = {"recovery": recovery_of(shares, threshold, wait), **known_as_of(known_as)}
        registration = Registration(frame, client, maker, also, algorithm, common)
        if file is None:
            _one(frame, client, registration, Row(1, filled), dry_run=dry_run)
            return
        rows, wrong = read_rows(read_input(file), filled)
        ready, more = check_rows(rows, registration.check)
        wrong = sorted([*wrong, *more])
        if dry_run or (wrong and not skip_wrong):
            _report(frame, ready, wrong, dry_run=dry_run)
            return
        if out is None:
            raise click.UsageError("name a file for the receipts with --out")
        _all(frame, client, registration, ready, out, batch, skipped=wrong)


class Registration:
    """How a row becomes an operation."""

    def __init__(
        self,
        frame: Frame,
        client: Client,
        maker: str | None,
        also: tuple[str, ...],
        algorithm: str,
        common: dict[str, Any],
    ) -> None:
        from identity.keys import algorithms_named
        from identity.wallet import Wallet
        from resolver.client.writing import Writing

        self._client = client
        wallet = client.wallet
        self._controller = frame.actor(wallet)
        self._maker = frame.party(wallet, maker) if maker else self._controller
        self._also = [frame.party(wallet, name) for name in also]
        self._policy = client.trust.policy
        # Rows are tried out in a wallet of their own, with the same two keys again and again.
        parties = [self._controller, self._maker, *self._also]
        trial = Wallet(client.flows.random)
        for did in dict.fromkeys(did for did in parties if did in wallet.identities):
            identity = wallet.identities[did]
            for thumbprint in (*identity.keys, *identity.next):
                trial.add_key(wallet.key(thumbprint))
            trial.identities[did] = identity
        self._algorithm = algorithm
        self._common = common
        first = trial.draw(*algorithms_named(algorithm))
        self._keys = {"keys": list(first.keys), "next": list(first.next)}
        self._foreign = client.run(client.flows.keys_of(dict.fromkeys(parties)))
        self._trial = Writing(
            client.trust,
            trial,
            save=lambda: None,
            clock=client.flows.clock,
            random=client.flows.random,
        )

    def body(self, row: Row) -> dict[str, Any]:
        """The row's plain body. Raises SchemaViolation."""
        return {**device_body(row, self._maker, self._controller), **self._common}

    def check(self, row: Row) -> None:
        """Whatever can be told before anything is sent. Raises TetradError."""
        body = {**self.body(row), **self._keys}
        prepared = self._trial.prepare_device(body, also=self._also, foreign=self._foreign)
        self._trial.forget({"operation": prepared.operation})
        self._check_ipv6(body["object"])

    def _check_ipv6(self, about: dict[str, Any]) -> None:
        """The policy of this ledger, as registry/devices.py will apply it."""
        sector = about["sector"]
        industrial = (sector["domain"], sector["field"]) == ("production", "industry")
        required = self._policy.get("ipv6") == "required" and industrial
        if required and about["ipv6"] in ("none", "supported"):
            raise PolicyViolated(
                "not enabled",
                pointer="/body/object/ipv6",
                hint="enable it, or declare an exemption",
            )

    def prepare(self, row: Row) -> Prepared:
        """The operation, its keys in the wallet."""
        return self._client.flows.prepare_device(
            self.body(row), also=self._also, algorithm=self._algorithm, foreign=self._foreign
        )

    def code(self, row: Row) -> str:
        """The row's code in canonical form."""
        from resolver.description import read_code
        from resolver.schemes import SCHEMES

        return read_code(device_body(row, self._maker, self._controller)["code"], SCHEMES).value


def _default(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or name not in COLUMNS:
        raise click.UsageError(f"--default reads COLUMN=VALUE, not {text!r}")
    return name, value


def _report(frame: Frame, ready: list[Row], wrong: list[Wrong], *, dry_run: bool) -> None:
    """What a dry run finds; or why a real one does not begin."""
    value = {"ready": len(ready), "wrong": [one._asdict() for one in wrong]}
    lines = [f"{len(ready)} ready, {len(wrong)} wrong", *table(wrong)]
    if not dry_run:
        lines.append("nothing was sent: correct these rows, or --skip-wrong")
    frame.show(value, *lines)
    if wrong:
        raise click.exceptions.Exit(1)


def _one(
    frame: Frame, client: Client, registration: Registration, row: Row, *, dry_run: bool
) -> None:
    try:
        registration.check(row)
    except TetradError as error:
        if error.pointer.count("/") == 1:
            error.pointer = f"--{error.pointer.removeprefix('/')}"
        raise
    if dry_run:
        frame.show({"ready": 1, "wrong": []}, "1 ready, 0 wrong")
        return
    prepared = registration.prepare(row)
    done = client.send(prepared)
    shown = acknowledged(done) | {"code": registration.code(row), "disclosures": done.disclosures}
    frame.show(
        shown,
        f"✓ registered, entry {done.index}",
        f"  {done.did}",
        f"  {registration.code(row)}",
        *(f"  disclosure {one}" for one in done.disclosures if _asks(one)),
    )


def _asks(disclosure: str) -> bool:
    """Whether one resolves by it: whoever loses it asks for that number or code in vain."""
    from identity.disclosure import CODE, NUMBER, open_disclosure

    return open_disclosure(disclosure).name in (CODE, NUMBER)


def _all(
    frame: Frame,
    client: Client,
    registration: Registration,
    rows: list[Row],
    out: Path,
    batch: int,
    *,
    skipped: list[Wrong],
) -> None:
    from resolver.cli.batches import Output, register_rows

    output = Output(out)
    try:
        refused = register_rows(
            client,
            rows,
            output,
            registration.prepare,
            registration.code,
            size=batch,
            progress=Progress(),
        )
    except KeyboardInterrupt:
        frame.note(f"interrupted; what was acknowledged is in {out}: the same command goes on")
        raise
    finally:
        output.close()
    done = len(rows) - len(refused)
    value = {
        "registered": done,
        "refused": [one._asdict() for one in refused],
        "skipped": [one._asdict() for one in skipped],
        "out": str(out),
    }
    lines = [f"{bar(done, len(rows))}   receipts in {out}", *table(refused)]
    if skipped:
        lines += [f"{len(skipped)} wrong, skipped:", *table(skipped)]
    frame.show(value, *lines)
    if refused:
        raise click.exceptions.Exit(1)
