"""`tetrad recovery …`: lost or stolen keys, replaced by those whom their owner appointed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from resolver.cli.algorithms import algorithm_option
from resolver.cli.frame import Frame, verb
from resolver.cli.organizations import acknowledged, recovery_of, recovery_options
from resolver.cli.subjects import subject_of

if TYPE_CHECKING:
    from resolver.client import Acknowledged, Client


@click.group()
def recovery() -> None:
    """Keys that are lost or stolen: replaced by a quorum, after a wait in the open."""


@recovery.command()
@verb(
    click.option("--note", default="", help="For whom you keep it."),
    wallet=True,
    acts=False,
)
def share(frame: Frame, note: str) -> None:
    """Draw a recovery key for somebody, and keep it in the wallet.

    Give them the thumbprint, for their `--recovery-key`. In an emergency, give whoever recovers the
    key (it is public), and `tetrad sign` what they send you, once you know that it is they.
    """
    from identity.takeovers import new_share

    with frame.keystore(frame.trust()) as keystore:
        key = new_share(keystore.wallet, note)
        keystore.save()
    shown = {"key": key.multikey, "thumbprint": key.thumbprint, "note": note}
    frame.show(shown, f"thumbprint  {key.thumbprint}", f"key         {key.multikey}")


@recovery.command(name="list", short_help="List the recovery keys that the wallet keeps.")
@verb(wallet=True, acts=False)
def list_(frame: Frame) -> None:
    """List the recovery keys that the wallet keeps, and what is under way."""
    with frame.keystore(frame.trust()) as keystore:
        wallet = keystore.wallet
        shares = [
            {"key": wallet.key(one).public.multikey, "thumbprint": one, "note": note}
            for one, note in wallet.shares.items()
        ]
        under_way = {did: one.kind for did, one in wallet.takeovers.items()}
    lines = [f"{one['thumbprint']}  {one['key']}  {one['note']}" for one in shares]
    lines += [f"{kind} under way  {did}" for did, kind in under_way.items()]
    frame.show({"shares": shares, "underWay": under_way}, *(lines or ["none yet"]))


@recovery.command(short_help="Ask for new keys of SUBJECT, by its quorum.")
@click.argument("subject")
@verb(
    click.option(
        "--key", "quorum", multiple=True, help="A recovery key that somebody else keeps: repeat it."
    ),
    click.option("--name", default="", help="What the wallet calls it from then on."),
    algorithm_option("Of the new keys; a pair such as Ed25519+ML-DSA-44."),
    *recovery_options("its next quorum"),
    wallet=True,
)
def begin(
    frame: Frame,
    subject: str,
    quorum: tuple[str, ...],
    name: str,
    algorithm: str,
    **appointed: Any,
) -> None:
    """Ask for new keys of SUBJECT, by its quorum: a DID, a device's code, or `authority`.

    New keys are drawn here. Recovery keys of this wallet sign at once; for the others, --pass-on
    FILE writes what they are to `tetrad sign`. Everybody sees it from then on, and who holds the
    committed keys can cancel it, once, by rotating to them.
    """
    with frame.writing() as client:
        did = subject_of(client, subject)
        done = frame.finished("recovery.begin", subject=did) or client.begin_recovery(
            did, quorum=quorum, recovery=recovery_of(**appointed), name=name, algorithm=algorithm
        )
        _show(frame, client, did, done, "✓ a recovery is under way")


@recovery.command(short_help="Bring the new keys of SUBJECT into force, after the wait.")
@click.argument("subject")
@verb(wallet=True)
def finish(frame: Frame, subject: str) -> None:
    """Bring the new keys of SUBJECT into force, after the wait; anyone can.

    Where that is done already, the wallet takes them up.
    """
    with frame.writing() as client:
        did = subject_of(client, subject)
        done = frame.finished("recovery.finish", subject=did) or client.finish_recovery(
            did, by=frame.by(client.wallet)
        )
        _show(frame, client, did, done, "✓ recovered")


@recovery.command()
@click.argument("subject")
@verb(wallet=True, acts=False)
def status(frame: Frame, subject: str) -> None:
    """Who may recover SUBJECT, and whether somebody is about to."""
    with frame.writing() as client:
        did = subject_of(client, subject, ended=True)
        record = client.subject(did)
    shown = {
        member: record[member]
        for member in ("did", "recovery", "recovering", "cancelled", "offer")
        if member in record
    }
    frame.show(shown, did, *standing(record))


def standing(record: dict[str, Any]) -> list[str]:
    """What a record says of its recovery, in lines; one that is about to happen above all."""
    appointed = record["recovery"]
    lines = []
    if "recovering" in record:
        ready, stands = record["recovering"]["ready"], "cancelled" in record
        lines.append(f"! a recovery is under way: its keys can come into force from {ready} on")
        lines.append(
            "  it stands: one attempt was cancelled already"
            if stands
            else "  not yours? `tetrad keys rotate` cancels it, once"
        )
    if appointed == "none":
        return [*lines, "no quorum: keys that are lost are lost"]
    wait = appointed["wait"]
    return [*lines, f"{appointed['threshold']} of {len(appointed['keys'])} keys, after {wait} s"]


def _show(frame: Frame, client: Client, did: str, done: Acknowledged | None, outcome: str) -> None:
    """What was done here, or by somebody else before."""
    record = client.subject(did)
    under_way = record.get("recovering")
    ready = [f"  ready at {under_way['ready']}: tetrad recovery finish {did}"] if under_way else []
    if done is None:
        frame.show({"did": did, "repeated": True}, f"{outcome}, as it was already", *ready)
        return
    frame.show(acknowledged(done), f"{outcome}, entry {done.index}", f"  {did}", *ready)
