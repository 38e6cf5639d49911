"""`tetrad registry …`: what the authority says about the registry itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from resolver.cli.frame import Frame, read_input, verb
from resolver.cli.organizations import acknowledged

if TYPE_CHECKING:
    from registry.logkeys import LogKeys
    from resolver.client import Acknowledged


@click.group()
def registry() -> None:
    """The registry itself: its log keys, its policy, the witnesses that it recommends."""


@registry.command(short_help="Show the registry's policy and its log keys.")
@verb()
def show(frame: Frame) -> None:
    """Show the registry's policy and its log keys, from the first to those in force.

    The keys are proved from the pinned genesis on; policy and witnesses are the service's word.
    """
    with frame.reading() as client:
        keys = client.log_keys()
        client.checkpoint()
        trust, record = client.trust, client.registry()
    shown = {
        "ledger": trust.ledger,
        "origin": trust.origin,
        "authority": trust.authority,
        "logKeys": _periods(keys),
        "policy": record.get("policy"),
        "witnesses": record.get("witnesses", ""),
    }
    frame.show(shown, *_lines(shown, keys))


def _periods(keys: LogKeys) -> list[dict[str, Any]]:
    """Since which size of the tree, and which keys."""
    first = {"fromSize": 1, "keys": [str(key) for key in keys.first]}
    later = [
        {"fromSize": entry + 2, "update": entry, "keys": [str(key) for key in found]}
        for entry, found in keys.later
    ]
    return [first, *later]


def _lines(shown: dict[str, Any], keys: LogKeys) -> list[str]:
    import orjson

    lines = [
        f"{shown['origin']}  ledger {shown['ledger']}",
        f"policy {orjson.dumps(shown['policy']).decode()}",
    ]
    for place, period in enumerate(_periods(keys)):
        since = "from the genesis on" if place == 0 else f"from {period['fromSize']} entries on"
        lines += [f"log keys {since}", *(f"  {_short(key)}" for key in period["keys"])]
    if shown["witnesses"]:
        lines += ["recommended witnesses", *(f"  {one}" for one in shown["witnesses"].splitlines())]
    return lines


def _short(vkey: str) -> str:
    return vkey if len(vkey) < 120 else f"{vkey[:60]}…"


@registry.command(short_help="Replace the log's keys, the policy or the witnesses.")
@verb(
    click.option(
        "--rotate-log-keys",
        "rotate",
        is_flag=True,
        help="Draw new keys of the log, and let them sign every tree beyond this update.",
    ),
    click.option(
        "--policy", metavar="FILE", help="JSON of the new policy: created, ipv6, prefixes."
    ),
    click.option(
        "--witnesses",
        metavar="FILE",
        help="A C2SP tlog-policy that you recommend to clients. It binds nobody.",
    ),
    click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="TETRAD_DATA",
        help="The service's data folder, for --rotate-log-keys; its authority.wallet is then used.",
    ),
    wallet=True,
    acts=False,
)
def update(
    frame: Frame, *, rotate: bool, policy: str | None, witnesses: str | None, data: Path | None
) -> None:
    """Replace the log's keys, the policy or the recommended witnesses, as the authority.

    The service is running: new keys are stored beside the present ones in its log.key before the
    update is sent, and it takes them up by itself. Receipts and checkpoints from before verify for
    ever; the old keys sign nothing that comes after. The authority's own keys rotate as well, to
    those that it has committed to.

    Interrupted, it is finished by the next call.
    """
    if not (rotate or policy or witnesses):
        raise click.UsageError("say what changes: --rotate-log-keys, --policy or --witnesses")
    if rotate and data is None:
        raise click.UsageError(
            "--rotate-log-keys needs --data DIR, where the service keeps log.key"
        )
    if data is not None:
        frame.prefer_wallet(data / "authority.wallet")
    given: dict[str, Any] = {
        "policy": _policy(policy) if policy else None,
        "witnesses": _recommended(witnesses) if witnesses else None,
    }
    with frame.writing() as client:
        done = frame.finished("registry.update")
        asked = {"log": rotate, "policy": policy, "witnesses": witnesses}
        if done is None or not {name for name, one in asked.items() if one} <= set(_body(done)):
            used = [str(key) for key in _all_keys(client.log_keys())]
            log = _drawn(data, used) if rotate and data is not None else []
            done = client.update_registry(log=log, **given)
    body = _body(done)
    changed = [name for name in ("log", "policy", "witnesses") if name in body]
    lines = [f"✓ {', '.join(changed)} replaced, entry {done.index}"]
    if "log" in body:
        lines += [f"  the new keys sign every tree of {done.index + 2} entries or more:"]
        lines += [f"  {_short(key)}" for key in body["log"]]
        lines += ["Keep a copy of log.key and authority.wallet elsewhere: both have changed."]
        lines += [
            "Witnesses refuse the new keys until each was told: tetrad witness add-log --data DIR "
            f"{frame.url}"
        ]
    frame.show(acknowledged(done) | {"changed": changed}, *lines)


def _body(done: Acknowledged) -> dict[str, Any]:
    body: dict[str, Any] = done.operation["body"]  # type: ignore[assignment]
    return body


def _all_keys(keys: LogKeys) -> list[Any]:
    return [*keys.first, *(key for _, found in keys.later for key in found)]


def _drawn(data: Path, used: list[str]) -> list[str]:
    from resolver.rotation import draw_log_keys

    return draw_log_keys(data, used)


def _recommended(path: str) -> str:
    """A policy that is one: it stays on the ledger. Raises MalformedPolicy."""
    from registry.policy import Policy

    text = read_input(path)
    Policy.parse(text)
    return text.decode()


def _policy(path: str) -> Any:  # noqa: ANN401 - the service says what is wrong with it
    from identity.jcs import parse

    return parse(read_input(path))
