"""`tetrad init` and `tetrad serve`: a ledger in a folder, and the service over it."""

from __future__ import annotations

import ipaddress
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from identity.errors import PolicyViolated
from resolver.cli.frame import HOME, Frame, read_input, verb
from resolver.cli.organizations import recovery_of, recovery_options
from resolver.cli.recursing import RECURSIVE, Below, serve_recursive
from resolver.vcapi import SUITES

if TYPE_CHECKING:
    from identity.jcs import Json
    from resolver.folder import DataFolder, MemorySite, Site
    from resolver.service import Clock
    from resolver.vcapi import Issuer

_DATA = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="TETRAD_DATA",
    help="The data folder.",
)
_ORIGIN = click.option("--origin", help="The name of the log.  [default: after the folder]")
_UNIQUENESS = click.option(
    "--uniqueness",
    type=click.Choice(["hmac-sha256", "ecvrf-edwards25519-sha512-tai"]),
    help="How a new ledger hashes numbers: the second can prove one absent.  [default: the first]",
)
_PASSPHRASE = click.option(
    "--passphrase-file",
    "secret",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Its first line protects the authority's keys; else TETRAD_PASSPHRASE, or a question.",
)


@click.command()
@verb(
    _DATA,
    click.option("--permissioned", is_flag=True, help="Only whom the authority admits registers."),
    click.option("--name", help="What the authority calls itself."),
    _ORIGIN,
    _UNIQUENESS,
    *recovery_options("the quorum that may replace the authority's keys"),
    _PASSPHRASE,
    server=False,
)
def init(
    frame: Frame,
    *,
    data: Path | None,
    permissioned: bool,
    name: str | None,
    origin: str | None,
    uniqueness: str | None,
    secret: Path | None,
    **appointed: Any,
) -> None:
    """Begin a ledger: a sandbox, or with --permissioned the real kind.

    The authority's keys come to lie in authority.wallet in that folder: keep a copy elsewhere. A
    quorum of others who can replace them is appointed here or never; each draws a key by `tetrad
    recovery share`, of whatever ledger, and signs with that wallet.
    """
    if data is None:
        raise click.UsageError("name the folder: --data DIR")
    folder = create(
        data,
        permissioned=permissioned,
        name=name,
        origin=origin,
        uniqueness=uniqueness,
        secret=secret,
        recovery=recovery_of(**appointed),
    )
    shown = _described(folder)
    folder.close()
    kind = "a permissioned ledger" if permissioned else "a sandbox: anyone may register"
    frame.show(
        shown,
        f"✓ {kind} in {data}",
        f"  Ledger {shown['ledger']}",
        f"  Authority {shown['authority']}, its keys in {data / 'authority.wallet'}",
        f"Next: tetrad serve --data {data}",
    )


@click.command()
@verb(
    _DATA,
    click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True),
    click.option("--host", help="The address to listen on.  [default: 127.0.0.1]"),
    click.option("--public", is_flag=True, help="Let a sandbox listen beyond this machine."),
    click.option("--ephemeral", is_flag=True, help="A sandbox in memory, gone at the end."),
    click.option(
        "--address",
        "addresses",
        metavar="URL",
        multiple=True,
        help="Under which clients know the service: they authenticate for that address alone.  "
        "[default: the one that it listens on]",
    ),
    click.option(
        "--ready-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Written with the address once requests are answered.",
    ),
    click.option(
        "--publish",
        type=click.Path(path_type=Path, file_okay=False),
        help="A folder for tiles and checkpoints, which any file server can serve.",
    ),
    click.option(
        "--witnesses",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Whose cosignatures are asked for: a C2SP tlog-policy, with URLs.",
    ),
    click.option(
        "--test-clock",
        is_flag=True,
        help="Let POST /v1/test-clock put the clock forward (a sandbox on this machine).",
    ),
    click.option("--interop", is_flag=True, help="Also the VC-API, with did:key issuers."),
    click.option(
        "--handle-signer",
        nargs=2,
        metavar="JSON PEM",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Sign the values of handles (HS_SIGNATURE): issuer and certificates, and an RSA key.",
    ),
    _ORIGIN,
    _UNIQUENESS,
    click.option(
        "--role",
        type=click.Choice(["authoritative", "recursive"]),
        default="authoritative",
        show_default=True,
        help="Of a ledger of its own, or answering out of the tree of nodes below --root.",
    ),
    *RECURSIVE,
    HOME,
    server=False,
)
def serve(
    frame: Frame,
    *,
    role: str,
    root: str | None,
    ledger: str | None,
    allow_hosts: tuple[str, ...],
    allow_networks: tuple[str, ...],
    **own: Any,
) -> None:
    """Serve the ledger in --data; in an empty folder, a sandbox is made.

    With --role recursive it has no ledger: it finds what is asked for in the tree of nodes below
    --root, whose genesis is pinned (tetrad trust URL, or --ledger), and asks only the root and
    hosts that --allow-host names.

    Every limit is a setting, TETRAD_…, listed in the documentation. SIGTERM and Ctrl-C stop it once
    what was accepted is on the disk.
    """
    below = Below(root, ledger, allow_hosts, allow_networks)
    if role == "recursive":
        serve_recursive(frame, below, **own)
    elif any(below):
        raise click.UsageError("--root, --ledger and --allow-… are for --role recursive")
    else:
        _serve_ledger(frame, **own)


def _serve_ledger(
    frame: Frame,
    *,
    data: Path | None,
    port: int,
    host: str | None,
    public: bool,
    ephemeral: bool,
    addresses: tuple[str, ...],
    ready_file: Path | None,
    publish: Path | None,
    witnesses: Path | None,
    test_clock: bool,
    interop: bool,
    handle_signer: tuple[Path, Path] | None,
    origin: str | None,
    uniqueness: str | None,
) -> None:
    from registry.policy import Policy
    from registry.reader import LedgerReader
    from resolver import app
    from resolver.handles.signing import read_signer
    from resolver.interop import Interop
    from resolver.settings import Settings
    from resolver.tile_folder import TileFolder

    if ephemeral == (data is not None):
        raise click.UsageError("name a folder with --data, or say --ephemeral")
    host = host or ("0.0.0.0" if public else "127.0.0.1")  # noqa: S104 - said by --public
    settings = Settings.from_environment(os.environ)
    site = _site(data, origin, uniqueness)
    try:
        body: dict[str, object] = site.genesis["body"]  # type: ignore[assignment]
        sandbox = body["mode"] == "sandbox"
        if sandbox and not public and not _is_loopback(host):
            raise PolicyViolated(
                f"anyone may register in a sandbox, and {host} is not this machine alone",
                hint="--public, if that is meant",
            )
        if test_clock and not (sandbox and _is_loopback(host)):
            raise PolicyViolated(
                "anyone may put a test clock forward: it is for a sandbox on this machine alone",
                hint="without --test-clock" + ("" if sandbox else "; `tetrad serve --ephemeral`"),
            )
        policy = Policy.parse(read_input(str(witnesses))) if witnesses is not None else None
        public_folder = TileFolder(publish) if publish is not None else None
        kept = Interop(data) if interop else None
        signer = None
        if handle_signer is not None:
            signer = read_signer(*(read_input(str(one)) for one in handle_signer))
    except BaseException:
        site.close()
        raise

    def on_ready(address: str) -> None:
        reader = LedgerReader(site.store)
        name, identifier, key = reader.log_keys(reader.head().size + 1)[0].split("+", 2)
        if sandbox:
            click.echo("  SANDBOX: anyone may register. Not for production.")
        if test_clock:
            click.echo("  TEST CLOCK: POST /v1/test-clock puts it forward; clients must go along.")
        click.echo(f"  Listening on {address}   (API at /docs)")
        if kept is not None:
            click.echo(_issuing(kept.issuers))
        click.echo(
            f"  Log key {name}+{identifier}+{key[:2]}…    "
            f"Next, in another terminal: tetrad trust {address}"
        )

    quiet = frame.as_json
    app.serve(
        settings,
        site,
        host=host,
        port=port,
        ready_file=ready_file,
        on_ready=None if quiet else on_ready,
        publish=public_folder,
        witnesses=policy,
        addresses=addresses,
        interop=kept,
        clock=_movable(site) if test_clock else time.time,
        handle_signer=signer,
    )


def _movable(site: Site) -> Clock:
    """A clock that is no earlier than the ledger's last entry, which an earlier run may have put
    ahead of the system's."""
    from resolver.movable_clock import MovableClock

    head = site.store.head()
    return MovableClock(time.time, max(0, head.time - int(time.time())) if head else 0)


def _issuing(issuers: dict[str, Issuer]) -> str:
    missing = "" if len(issuers) == len(SUITES) else "; the rdfc suites need tetrad[interop]"
    return f"  VC-API: signs for anyone with did:key issuers ({', '.join(issuers)}){missing}"


def _site(data: Path | None, origin: str | None, uniqueness: str | None) -> DataFolder | MemorySite:
    from registry.uniqueness import HMAC
    from resolver.folder import SANDBOX_ORIGIN, DataFolder, MemorySite

    if data is None:
        return MemorySite.sandbox(
            int(time.time()), origin or SANDBOX_ORIGIN, uniqueness=uniqueness or HMAC
        )
    if not DataFolder.exists(data):
        return create(data, permissioned=False, origin=origin, uniqueness=uniqueness)
    folder = DataFolder.open(data)
    if uniqueness not in (None, folder.secrets.uniqueness_alg):
        folder.close()
        raise click.UsageError(
            f"the ledger in {data} has {folder.secrets.uniqueness_alg}, from its genesis on"
        )
    return folder


def create(
    data: Path,
    *,
    permissioned: bool,
    name: str | None = None,
    origin: str | None = None,
    uniqueness: str | None = None,
    secret: Path | None = None,
    recovery: Json = "none",
) -> DataFolder:
    """A new ledger in a folder; the passphrase of a sandbox is known to all unless one is given."""
    from identity.keystore import read_passphrase
    from registry.uniqueness import HMAC
    from resolver.folder import SANDBOX_PASSPHRASE, DataFolder

    mode = "permissioned" if permissioned else "sandbox"
    given = secret or {"TETRAD_PASSPHRASE", "TETRAD_PASSPHRASE_FILE"} & set(os.environ)
    passphrase = (
        read_passphrase(os.environ, file=secret, confirm=True)
        if permissioned or given
        else SANDBOX_PASSPHRASE
    )
    return DataFolder.create(
        data,
        int(time.time()),
        origin=origin or _origin(mode, data),
        mode=mode,
        name=name or ("Authority" if permissioned else "Sandbox"),
        passphrase=passphrase,
        uniqueness=uniqueness or HMAC,
        recovery=recovery,
    )


def _origin(mode: str, data: Path) -> str:
    """`sandbox.city` for ./city."""
    name = re.sub(r"[^a-z0-9-]+", "-", data.resolve().name.lower()).strip("-") or "local"
    return f"{'sandbox' if mode == 'sandbox' else 'registry'}.{name}"[:100]


def _described(folder: DataFolder) -> dict[str, str]:
    from identity.did import tetrad_did
    from identity.operation import operation_hash

    hash_ = operation_hash(folder.genesis)
    body: dict[str, str] = folder.genesis["body"]  # type: ignore[assignment]
    return {
        "ledger": hash_,
        "authority": tetrad_did(hash_, hash_),
        "origin": body["origin"],
        "mode": body["mode"],
        "data": str(folder.path),
    }


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
