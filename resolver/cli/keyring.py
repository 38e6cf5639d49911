"""`tetrad keys …`: the keys of the wallet."""

from __future__ import annotations

import click

from resolver.cli.algorithms import algorithm_option
from resolver.cli.frame import Frame, verb
from resolver.cli.organizations import acknowledged
from resolver.cli.subjects import subject_of


@click.group()
def keys() -> None:
    """Keys: drawn here, kept in the wallet, never shown."""


@keys.command(short_help="Draw keys, for an operation described by hand.")
@verb(
    algorithm_option("What the hardware of the signer can do; a pair such as Ed25519+ML-DSA-44."),
    wallet=True,
    acts=False,
)
def new(frame: Frame, algorithm: str) -> None:
    """Draw a key and the key to follow it, for an operation that you describe by hand.

    Put the first under `keys` and the second under `next`, then: prepare, tetrad sign, send. Of a
    pair there are two of each.
    """
    from identity.keys import algorithms_named

    with frame.keystore(frame.trust()) as keystore:
        first = keystore.wallet.draw(*algorithms_named(algorithm))
        keystore.save()
    shown = {"keys": list(first.keys), "next": list(first.next)}
    lines = [f"key   {key}" for key in first.keys] + [f"next  {one}" for one in first.next]
    frame.show(shown, *lines)


@keys.command(short_help="Let the committed keys of SUBJECT take over.")
@click.argument("subject", required=False)
@verb(
    algorithm_option("Of the keys to follow.  [default: the same as now]", default=""),
    wallet=True,
)
def rotate(frame: Frame, subject: str | None, algorithm: str | None) -> None:
    """Let the committed keys of SUBJECT take over: a device, or the wallet's organization.

    Another --algorithm is committed to now and comes into force with the rotation after this one:
    two rotations move a subject to post-quantum keys.
    """
    with frame.writing() as client:
        did = subject_of(client, subject) if subject else frame.actor(client.wallet)
        done = frame.finished("keys.rotate", subject=did) or client.rotate_keys(
            did, algorithm=algorithm or ""
        )
    frame.show(acknowledged(done), f"✓ rotated, entry {done.index}", f"  {did}")


@keys.command(name="list")
@verb(wallet=True, acts=False)
def list_(frame: Frame) -> None:
    """List whom the wallet speaks for; secrets are never shown."""
    with frame.keystore(frame.trust()) as keystore:
        held = keystore.wallet.identities
        shown = {
            did: {"name": one.name, "keys": one.keys, "next": one.next} for did, one in held.items()
        }
    lines = [f"{did}  {one['name']}" for did, one in shown.items()]
    frame.show(shown, *(lines or ["none yet"]))
