"""`tetrad meet`: two devices authenticate each other, over whatever carries three messages."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from identity.errors import KeystoreError, MalformedInput
from resolver.cli.frame import HOME, Frame, read_input, verb
from resolver.cli.terminal import visible, visible_json

if TYPE_CHECKING:
    from resolver.cli.transports import Address, Wire
    from resolver.handshake import Authenticated, Channel, Own, Terms
    from resolver.schemes import Code
    from resolver.verifier import VerifiedAnswer

DAY = 86_400


@click.command()
@verb(
    click.option("--as", "name", metavar="DEVICE", required=True, help="Its DID, or its code."),
    click.option("--listen", metavar="HOST:PORT", help="Wait for the other device there."),
    click.option("--connect", metavar="HOST:PORT", help="Speak to the one that waits there."),
    click.option(
        "--pipe",
        type=click.Choice(["first", "second"]),
        help="Over standard input and output, speaking first or second; the outcome is told on "
        "the standard error.",
    ),
    click.option("--peer", metavar="CODE|DID", help="Whom to expect; nobody else will do."),
    click.option(
        "--max-age",
        type=click.IntRange(min=0),
        default=DAY,
        show_default=True,
        metavar="SECONDS",
        help="How old the evidence of the other may be.",
    ),
    click.option("--any-age", is_flag=True, help="However old, even where nobody dates it."),
    click.option("--channel", metavar="TYPE:HEX", help="Of the channel, as in tls-exporter:9af0…"),
    click.option("--context", default="", help="What the two meet for: the same on both sides."),
    click.option(
        "--bundle",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Show this one, instead of the one that `device bundle` keeps.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0.1),
        default=30.0,
        show_default=True,
        metavar="SECONDS",
        help="To wait for each message.",
    ),
    HOME,
    server=False,
    wallet=True,
    acts=False,
)
def meet(frame: Frame, name: str, **options: Any) -> None:
    """Meet another device: each proves to the other who it is, and no server runs.

    Each shows its newest bundle, which is checked against the ledgers that are pinned here, and
    signs for this meeting. The exit code is 1 where the other is refused.
    """
    from resolver.handshake import Initiator, Responder

    ways = [one for one in ("listen", "connect", "pipe") if options[one]]
    if len(ways) != 1:
        raise click.UsageError("say one of --listen, --connect and --pipe")
    terms = _terms(frame, options)
    own = _own(frame, name, options["bundle"])
    begins = bool(options["connect"]) or options["pipe"] == "first"
    machine: Any = (Initiator if begins else Responder)(own, terms, os.urandom)
    with _wire(frame, options) as wire:
        if begins:
            wire.send(machine.first(frame.now))
        while machine.peer is None:
            reply = machine.receive(wire.receive(), frame.now)
            if reply:
                wire.send(reply)
    _tell(frame, machine.peer, terms, piped=bool(options["pipe"]))


def _wire(frame: Frame, options: dict[str, Any]) -> AbstractContextManager[Wire]:
    from resolver.cli import transports

    if options["connect"]:
        address = transports.address_of(options["connect"])
        return transports.connected(address, options["timeout"])
    if options["listen"]:

        def ready(address: Address) -> None:
            frame.note(f"Waiting at {address}")

        address = transports.address_of(options["listen"])
        return transports.listening(address, options["timeout"], ready)
    return transports.piped(options["timeout"])


def _terms(frame: Frame, options: dict[str, Any]) -> Terms:
    from resolver.handshake import Terms

    peer: str | Code | None = options["peer"]
    if isinstance(peer, str) and not peer.startswith("did:"):
        from resolver.schemes import SCHEMES

        peer = SCHEMES.read(peer)
    max_age = None if options["any_age"] else options["max_age"]
    channel = _channel(options["channel"])
    terms = Terms(frame.home.trusts(), max_age, peer, channel, options["context"])
    terms.check()
    return terms


def _channel(text: str | None) -> Channel | None:
    from resolver.handshake import Channel

    if text is None:
        return None
    type_, _, data = text.partition(":")
    try:
        return Channel(type_, bytes.fromhex(data))
    except ValueError:
        raise click.UsageError("a channel reads TYPE:HEX, as in tls-exporter:9af0…") from None


def _own(frame: Frame, name: str, file: Path | None) -> Own:
    """The device that is meant, with its keys and its bundle."""
    from resolver.handshake import Own

    data = read_input(str(file)) if file else _kept(frame, name)
    shown = _about(data)
    if name.startswith("did:") and name != shown.did:
        raise MalformedInput(f"the bundle is about {shown.did}, not {name}")
    trust = frame.home.trust_labelled(shown.did.split(":")[2])
    with frame.keystore(trust) as keystore:
        return Own(keystore.wallet, shown.did, data)


def _about(data: bytes) -> VerifiedAnswer:
    """What a bundle of one's own tells."""
    from identity.jcs import parse
    from resolver.bundle import read_bundle

    bundle = read_bundle(parse(data, max_bytes=2**20))
    return bundle.verify(bundle.trust)


def _kept(frame: Frame, name: str) -> bytes:
    """The bundle that is kept of a device, named by its DID or its code. Raises KeystoreError."""
    from registry.state import codes_of
    from resolver.schemes import SCHEMES

    if name.startswith("did:"):
        return frame.home.bundle(name)
    code = SCHEMES.read(name)._asdict()
    for data in map(frame.home.bundle, frame.home.bundled()):
        if code in codes_of(_about(data).device):
            return data
    raise KeystoreError(
        f"no bundle of a device with the code {code['value']} is kept here",
        hint=f"tetrad device bundle '{name}', while the service can be reached",
    )


def _tell(frame: Frame, peer: Authenticated, terms: Terms, *, piped: bool) -> None:
    value, lines = _value(peer), _lines(peer, terms)
    if not piped:
        frame.show(value, *lines)
    elif frame.as_json:
        click.echo(visible_json(orjson.dumps(value, option=orjson.OPT_INDENT_2)), err=True)
    else:
        click.echo("\n".join(f"  {visible(line)}" for line in lines), err=True)


def _value(peer: Authenticated) -> dict[str, Any]:
    answer, age = peer.evidence.answer, peer.evidence.age
    tree = answer.checkpoint.checkpoint
    return {
        "did": peer.did,
        "role": peer.role,
        "code": peer.code,
        "maker": peer.maker,
        "methods": list(peer.methods),
        "ledger": peer.evidence.trust.ledger,
        "checkpoint": {
            "origin": tree.origin,
            "size": tree.size,
            "age": age.seconds,
            "datedBy": age.by or None,
        },
        "transcript": peer.transcript,
        "unproved": list(peer.unproved),
    }


def _lines(peer: Authenticated, terms: Terms) -> list[str]:
    answer = peer.evidence.answer
    code, about = peer.code, answer.device["object"]
    bears = f"{code['scheme']} {code.get('value') or code['prefix'] + '…'}"
    # What was expected was compared: a DID, or a code. The other of the two was not.
    by_did, by_code = (", as expected" * isinstance(terms.peer, kind) for kind in (str, tuple))
    lines = [
        f"MET  {peer.did}{by_did}  {about['model']}, the {peer.role}",
        f"✓ it bears {bears}{by_code}",
        *(f"✓ signed for this meeting by {method}" for method in peer.methods),
        f"✓ active, in the ledger, entry {answer.entry}  ✓ the newest there is, by the state of "
        f"entry {answer.state.root.index}",
        f"✓ checkpoint by the pinned log, {peer.evidence.age}",
        *(["✓ bound to the channel"] if peer.bound else []),
        f"  meeting {peer.transcript}",
    ]
    return lines + [f"– {one}" for one in peer.unproved]
