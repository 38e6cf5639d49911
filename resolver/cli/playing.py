"""`tetrad demo`, `tetrad simulate` and `tetrad bench`: thin, the work is done elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from resolver.cli.frame import HOME, Frame, verb


@click.command()
@verb(
    click.option("--devices", type=click.IntRange(1), default=200, show_default=True),
    click.option("--workers", type=click.IntRange(1, 64), default=4, show_default=True),
    server=False,
)
def demo(frame: Frame, *, devices: int, workers: int) -> None:
    """See it all in a minute, on a ledger of its own that is gone afterwards."""
    from resolver.demo import run_demo

    raise click.exceptions.Exit(run_demo(devices=devices, workers=workers, as_json=frame.as_json))


@click.command()
@click.argument("address", metavar="URL")
@verb(
    click.option("--devices", type=click.IntRange(1), required=True, help="How many."),
    click.option("--workers", type=click.IntRange(1, 256), default=8, show_default=True),
    click.option("--seed", type=int, default=1, show_default=True, help="The same fleet again."),
    click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Receipts."),
    click.option("--hostile", is_flag=True, help="Attack as well: every attack must fail."),
    HOME,
    server=False,
)
def simulate(
    frame: Frame,
    address: str,
    *,
    devices: int,
    workers: int,
    seed: int,
    out: Path | None,
    hostile: bool,
) -> None:
    """Register a fleet of DEVICES over HTTP, and let it live.

    With --out, a line of JSON with DID, code and receipt for each device, written the moment it is
    acknowledged.
    """
    from resolver.simulator import run_simulation

    raise click.exceptions.Exit(
        run_simulation(
            address,
            devices=devices,
            workers=workers,
            seed=seed,
            out=out,
            hostile=hostile,
            as_json=frame.as_json,
        )
    )


@click.command()
@verb(
    click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="JSON of it all."),
    click.option("--large", is_flag=True, help="Also at a million devices: takes a while."),
    server=False,
)
def bench(frame: Frame, *, out: Path | None, large: bool) -> None:
    """Measure this machine, and the service on it."""
    from resolver.bench import run_bench

    raise click.exceptions.Exit(run_bench(out=out, large=large, as_json=frame.as_json))
