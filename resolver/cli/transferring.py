"""`tetrad device offer` and `tetrad device accept`: a device goes to another controller."""

from __future__ import annotations

import re
from typing import Any

import click

from identity.errors import KeystoreError
from identity.members import format_time
from resolver.cli.frame import Frame, verb
from resolver.cli.organizations import acknowledged, recovery_of, recovery_options
from resolver.cli.subjects import subject_of

_SPAN = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@click.command(short_help="Offer DEVICE to the organization TO, or take the offer back.")
@click.argument("name", metavar="DEVICE")
@click.argument("to", required=False)
@verb(
    click.option("--for", "span", default="7d", show_default=True, help="How long: 90m, 12h, 7d."),
    click.option("--withdraw", is_flag=True, help="Take the offer back."),
    wallet=True,
)
def offer(frame: Frame, name: str, to: str | None, span: str, *, withdraw: bool) -> None:
    """Offer DEVICE to the organization TO (a DID, or a name in the wallet).

    A newer offer ends an earlier one. The key that is shown is the one to which the device has
    committed: whoever accepts names it with --key, and the holder of it signs.
    """
    if withdraw == (to is not None):
        raise click.UsageError("name the organization, or say --withdraw")
    with frame.writing() as client:
        did = subject_of(client, name)
        if withdraw or to is None:
            done = frame.finished("transfer.offer", subject=did, offer="none")
            done = done or client.withdraw_offer(did)
            frame.show(acknowledged(done), f"✓ taken back, entry {done.index}")
            return
        until = format_time(int(client.flows.clock()) + _seconds(span))
        done = client.offer_device(did, frame.party(client.wallet, to), until)
        committed = _committed(client.wallet, did)
    shown = acknowledged(done) | {"notAfter": until, "next": committed}
    lines = [f"  accepted with --key {one}" for one in committed]
    frame.show(shown, f"✓ on offer until {until}, entry {done.index}", *lines)


def _seconds(span: str) -> int:
    read = _SPAN.fullmatch(span)
    if read is None:
        raise click.UsageError(f"a time reads 90m, 12h or 7d, not {span!r}")
    return int(read[1]) * _UNITS[read[2]]


def _committed(wallet: Any, did: str) -> list[str]:  # noqa: ANN401 - a Wallet, loaded late
    """The Multikeys to which a device has committed, where its keys are here."""
    try:
        return [wallet.key(one).public.multikey for one in wallet.identity(did).next]
    except KeystoreError:
        return []


@click.command(short_help="Take over DEVICE, which is on offer.")
@click.argument("name", metavar="DEVICE")
@verb(
    click.option("--key", "keys", multiple=True, help="The key to which the device has committed."),
    click.option("--also", multiple=True, metavar="NAME", help="Who signs as well."),
    *recovery_options("its quorum"),
    wallet=True,
)
def accept(
    frame: Frame, name: str, keys: tuple[str, ...], also: tuple[str, ...], **appointed: Any
) -> None:
    """Take over DEVICE, which is on offer to an organization of this wallet.

    Its keys change with that: to those that it has committed to, in this wallet or named with
    --key, and otherwise to new ones, for which the holder of the code's prefix signs too: --also.
    Where others must sign, --pass-on FILE writes what they are to `tetrad sign`; once that is sent,
    say the same again.
    """
    with frame.writing() as client:
        did = subject_of(client, name)
        done = frame.finished("transfer.accept", subject=did) or client.accept_device(
            did,
            keys=keys or None,
            also=[frame.party(client.wallet, one) for one in also],
            recovery=recovery_of(**appointed),
        )
        held = not keys
    if done is None:
        frame.show({"did": did, "repeated": True}, "✓ taken over, as it was already")
    else:
        frame.show(acknowledged(done), f"✓ taken over, entry {done.index}", f"  {did}")
    if not held:
        frame.note(f"its key in force is held elsewhere: tetrad keys rotate {did}")
