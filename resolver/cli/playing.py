"""`tetrad demo`, `tetrad simulate` and `tetrad bench`: thin, the work is done elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from resolver.cli.frame import Frame, verb
from resolver.cli.progress import Progress


@click.command()
@verb(
    click.option("--devices", type=click.IntRange(1), default=200, show_default=True),
    click.option("--workers", type=click.IntRange(1, 64), default=4, show_default=True),
    click.option(
        "--federation",
        is_flag=True,
        help="Instead: a tree of three nodes, and a recursive resolver that knows its root.",
    ),
    server=False,
)
def demo(frame: Frame, *, devices: int, workers: int, federation: bool) -> None:
    """See it all in a minute, on a ledger of its own that is gone afterwards."""
    from resolver.demo import run_demo
    from resolver.demo.federation import run_federation

    if federation:
        raise click.exceptions.Exit(run_federation(min(devices, 20), as_json=frame.as_json))

    code = run_demo(devices, workers, as_json=frame.as_json, progress=Progress)
    raise click.exceptions.Exit(code)


@click.command()
@click.argument("address", metavar="URL")
@verb(
    click.option("--devices", type=click.IntRange(1, 1_000_000), required=True, help="How many."),
    click.option("--workers", type=click.IntRange(1, 256), default=8, show_default=True),
    click.option(
        "--batch",
        type=click.IntRange(1, 500),
        default=1,
        show_default=True,
        help="Registrations of one request.",
    ),
    click.option("--seed", type=int, help="The same fleet again, on another ledger."),
    click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Receipts."),
    click.option("--hostile", is_flag=True, help="Attack as well: every attack must fail."),
    click.option("--factory", is_flag=True, help="Devices that enrol themselves by certificates."),
    click.option(
        "--algorithm",
        type=click.Choice(["P-256", "Ed25519"]),
        default="P-256",
        show_default=True,
        help="With --factory: of the keys in their certificates.",
    ),
    server=False,
)
def simulate(
    frame: Frame,
    address: str,
    *,
    devices: int,
    workers: int,
    batch: int,
    seed: int | None,
    out: Path | None,
    hostile: bool,
    factory: bool,
    algorithm: str,
) -> None:
    """Register a fleet of DEVICES over HTTP, and let it live.

    The service must be on this machine. With --out, a line of JSON with DID, code and receipt for
    each device, written the moment it is acknowledged. With --factory, a root and an issuing
    authority are made, and devices with certificates of theirs, which register without any
    organization's signature.
    """
    from resolver.simulator.enrolment import run_factory
    from resolver.simulator.run import run_simulation

    if factory:
        if hostile:
            raise click.UsageError("--factory and --hostile do not go together")
        made = run_factory(
            address,
            devices,
            workers=workers,
            batch=batch,
            seed=seed,
            out=out,
            algorithm=algorithm,
            progress=Progress,
        )
        frame.show(made.value(), *made.lines())
        if not made.ok:
            raise click.exceptions.Exit(1)
        return
    summary = run_simulation(
        address,
        devices,
        workers=workers,
        batch=batch,
        seed=seed,
        out=out,
        hostile=hostile,
        progress=Progress,
    )
    frame.show(summary.value(), *summary.lines())
    if not summary.ok:
        raise click.exceptions.Exit(1)


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
