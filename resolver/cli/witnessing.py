"""`tetrad witness …`: a witness in a folder, the logs that it knows, and the service over it."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import click

from identity.errors import InvalidAnswer
from resolver.cli.frame import HOME, Frame, verb

if TYPE_CHECKING:
    from registry.note import VerifierKey
    from resolver.witness.folder import WitnessFolder

_DATA = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The folder of the witness.",
)


@click.group()
def witness() -> None:
    """Be a witness: cosign the checkpoints of logs, each only if it extends the last.

    It speaks C2SP tlog-witness and signs with an Ed25519 and an ML-DSA-44 key. Run it elsewhere
    than the logs that it watches: that is what it is for.
    """


@witness.command(short_help="Begin a witness: make its keys.")
@verb(
    _DATA,
    click.option("--name", required=True, help="Its name, as in example.com/witness."),
    click.option("--address", metavar="URL", help="Where logs will reach it, for the policy."),
    server=False,
)
def init(frame: Frame, *, data: Path, name: str, address: str | None) -> None:
    """Begin a witness: make its keys, and show what a policy needs of them.

    The keys and the store in that folder belong together: never bring back an old copy of it, and
    never run two copies, since the keys would then sign for two histories.
    """
    from resolver.witness.folder import WitnessFolder

    folder = WitnessFolder.create(data, name)
    folder.store.close()
    classic, quantum = map(str, folder.secrets.keys)
    url = f" {address}" if address else ""
    policy = [
        f"witness {name} {classic}{url}",
        f"witness {name}/ml-dsa-44 {quantum}{url}",
        f"group {name}/any any {name} {name}/ml-dsa-44",
        f"quorum {name}/any",
    ]
    frame.show(
        {"name": name, "vkeys": [classic, quantum], "policy": policy, "data": str(data)},
        f"✓ the witness {name} in {data}",
        f"  Ed25519 {classic}",
        f"  ML-DSA-44 {quantum}",
        "A policy (C2SP tlog-policy) that asks for its cosignature, of either key:",
        *(f"  {line}" for line in policy),
        f"Next: tetrad witness add-log --data {data} URL-OR-VKEY, "
        f"then tetrad witness serve --data {data}",
    )


@witness.command(name="add-log", short_help="Cosign LOG from now on.")
@click.argument("logs", metavar="URL-OR-VKEY…", nargs=-1, required=True)
@verb(
    _DATA,
    HOME,
    click.option("--yes", is_flag=True, help="Do not ask: the fingerprint was compared already."),
    click.option("--ledger", metavar="zQm…", help="The fingerprint that you were told."),
    server=False,
)
def add_log(
    frame: Frame, *, data: Path, logs: tuple[str, ...], yes: bool, ledger: str | None
) -> None:
    """Cosign the checkpoints of these logs from now on, also while the witness is served.

    A log is named by its verifier key, or by the URL of a Tetrad service: the keys that its log
    signs with are then proved from its genesis on. One that is pinned in your home folder needs no
    question. When a log's keys were replaced, say this again: until then it is refused.
    """
    from resolver.witness.folder import WitnessFolder
    from resolver.witness.store import log_key

    keys = []
    for log in logs:
        if log.startswith(("http://", "https://")):
            keys += _keys_at(frame, log, yes=yes, ledger=ledger)
        else:
            keys.append(log_key(log))
    folder = WitnessFolder.open(data)
    try:
        added = _add(folder, keys)
    finally:
        folder.store.close()
    frame.show(
        {"logs": [{"origin": key.name, "vkey": str(key), "new": new} for key, new in added]},
        *(
            f"✓ {key.name}, key {key.id.hex()}{'' if new else ': it was there already'}"
            for key, new in added
        ),
    )


@witness.command()
@verb(
    _DATA,
    click.option("--port", type=click.IntRange(0, 65535), default=8010, show_default=True),
    click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen."),
    click.option("--prefix", default="", help="Of the addresses, as in /witness."),
    click.option("--log", "logs", metavar="VKEY", multiple=True, help="As add-log does, at first."),
    click.option(
        "--ready-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Written with the address once requests are answered.",
    ),
    server=False,
)
def serve(
    frame: Frame,
    *,
    data: Path,
    port: int,
    host: str,
    prefix: str,
    logs: tuple[str, ...],
    ready_file: Path | None,
) -> None:
    """Serve the witness in --data.

    POST <prefix>/add-checkpoint is where logs ask; GET <prefix>/<hex SHA-256 of an
    origin>/checkpoint shows what was cosigned last. The limits are those of `tetrad serve`.
    """
    from resolver.settings import Settings
    from resolver.witness import app
    from resolver.witness.folder import WitnessFolder
    from resolver.witness.store import log_key

    settings = Settings.from_environment(os.environ)
    keys = [log_key(vkey) for vkey in logs]
    folder = WitnessFolder.open(data)
    try:
        _add(folder, keys)
        known = sorted({key.name for key in folder.store.logs()})
    except BaseException:
        folder.store.close()
        raise

    def on_ready(address: str) -> None:
        click.echo(f"  Witness {folder.secrets.name} at {address}{prefix}/add-checkpoint")
        click.echo(f"  Logs: {', '.join(known) or 'none yet, see tetrad witness add-log'}")
        for origin in known:
            name = sha256(origin.encode()).hexdigest()
            click.echo(f"  What it cosigned of {origin}: {address}{prefix}/{name}/checkpoint")

    app.serve(
        settings,
        folder,
        host=host,
        port=port,
        prefix=prefix,
        ready_file=ready_file,
        on_ready=None if frame.as_json else on_ready,
    )


def _add(folder: WitnessFolder, keys: list[VerifierKey]) -> list[tuple[VerifierKey, bool]]:
    """Each key, and whether it is new."""
    return [(key, folder.store.add_log(key)) for key in keys]


def _keys_at(frame: Frame, url: str, *, yes: bool, ledger: str | None) -> list[VerifierKey]:
    """The log keys in force at the service there, once a person knows its ledger."""
    from resolver.client import Client

    with Client(url) as client:
        shown = client.introduce()
        client.pin(shown)  # for as long as its updates are read; nobody's cosignature is asked for
        keys = client.log_keys().every()[-1]
    if ledger is not None and ledger != shown.ledger:
        raise InvalidAnswer(
            f"the service shows the ledger {shown.ledger}, not {ledger}",
            hint="is this the right address?",
        )
    if not frame.home.knows(shown):
        frame.note(f"Ledger {shown.ledger}\n{shown.name}, log {shown.origin}")
        frame.confirm("Is this the fingerprint that you were told?", yes=yes or bool(ledger))
    return list(keys)
