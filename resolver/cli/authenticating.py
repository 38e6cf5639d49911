"""`tetrad authenticate`, `challenge` and `answer`: who one is, and whether a device is who it says.

tetrad authenticate --as CODE                      # to the service
tetrad challenge CODE > challenge.json             # an integrator asks a device, by any way …
tetrad answer challenge.json > answer.json         # … the device answers …
tetrad resolve CODE --bundle device.json           # … and with its proved record, later offline,
tetrad verify answer.json --challenge challenge.json --bundle device.json
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import orjson

from identity.errors import AuthenticationFailed, InvalidAnswer, SchemaViolation
from resolver.cli.frame import Frame, only_organization, read_input, verb
from resolver.cli.subjects import subject_of


@click.command()
@verb(
    click.option(
        "--as",
        "name",
        metavar="NAME",
        help="A name in the wallet, a DID, or a device's code.  [default: the only organization]",
    ),
    click.option(
        "--credential",
        "files",
        type=click.Path(dir_okay=False, allow_dash=True),
        multiple=True,
        metavar="FILE",
        help="A device credential about who one is, to be shown as well: repeat it.",
    ),
    wallet=True,
    acts=False,
)
def authenticate(frame: Frame, name: str | None, files: tuple[str, ...]) -> None:
    """Prove to the service that the wallet has the keys, and show what it makes of that.

    The token that it gives is used once, to ask who one is, and forgotten. Of a --credential the
    service follows who signed it to the genesis, by the status lists that it has itself.
    """
    credentials = [read_credential(file) for file in files]
    with frame.writing() as client:
        did = subject_of(client, name) if name else only_organization(client.wallet)
        session = client.authenticate(did, credentials)
        path = "/v1/authentications/current"
        response = client.request_as(session, "GET", path)
    if response.status != 200:
        raise AuthenticationFailed("the service gives a token and does not take it")
    known = orjson.loads(response.body)
    if not isinstance(known, dict) or known.get("did") != did:
        raise InvalidAnswer("the service takes one for another", pointer="/did")
    warning = session.answer.get("warning")
    frame.show(
        known,
        f"✓ {session.domain} knows that this is {did}",
        f"  {known.get('kind')}, by the key {str(known.get('key')).rpartition('#')[2]}",
        f"  until {session.expires}, as long as it stays active and keeps that key",
        *(f"  shown: {one}" for one in session.answer.get("credentials", ())),
        *([f"! {warning}"] if isinstance(warning, str) else []),
    )


def read_credential(file: str) -> dict[str, Any]:
    """The credential in a file. Raises SchemaViolation, MalformedInput."""
    from identity.jcs import parse

    value = parse(read_input(file), max_bytes=2**24)
    if not isinstance(value, dict):
        raise SchemaViolation(f"{file} is no credential", hint="tetrad credential issue --out FILE")
    return value


@click.command()
@click.argument("code", required=False)
@verb(
    click.option(
        "--bundle",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The device of this bundle, instead of CODE: nobody is asked.",
    ),
    click.option(
        "--domain",
        metavar="TEXT",
        help="Who asks, as the device will be told.  [default: the DID of --by]",
    ),
    click.option(
        "--seconds",
        type=click.IntRange(1, 86_400),
        default=300,
        show_default=True,
        help="Within which the answer must be verified.",
    ),
    wallet=True,
)
def challenge(
    frame: Frame, code: str | None, *, bundle: Path | None, domain: str | None, seconds: int
) -> None:
    """Write a challenge that only the device with CODE can answer, on the standard output."""
    from resolver.challenges import names_server, new_challenge

    if (code is None) == (bundle is None):
        raise click.UsageError("name a code or a DID, or a --bundle")
    if domain is not None and names_server(domain):
        raise click.UsageError("an address is for a server to ask with: name a person or a firm")
    did = _bundled_did(frame, bundle) if bundle is not None else _resolved_did(frame, code or "")
    if domain is None:
        with frame.keystore(frame.trust()) as keystore:
            domain = frame.actor(keystore.wallet)
    made = new_challenge(os.urandom, domain=domain, did=did, expires=frame.now + seconds)
    click.echo(orjson.dumps(made.value(), option=orjson.OPT_INDENT_2))
    frame.note(f"for {did}, to be verified within {seconds} s, once")


def _resolved_did(frame: Frame, code: str) -> str:
    with frame.reading() as client:
        return client.resolve(code).did


def _bundled_did(frame: Frame, bundle: Path) -> str:
    from identity.jcs import parse
    from resolver.cli.checking import Wanted, check

    item = parse(read_input(str(bundle)), max_bytes=2**24)
    if not isinstance(item, dict) or "bundle" not in item:
        raise SchemaViolation(f"{bundle} is no bundle", hint="tetrad resolve --bundle FILE")
    return str(check(frame, item, Wanted(None, None, None)).value["did"])


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), default="-")
@verb(
    click.option("--as", "name", metavar="NAME", help="Who answers, where FILE does not say."),
    click.option("--domain", metavar="TEXT", help="Who is expected to ask: others get no answer."),
    wallet=True,
    acts=False,
)
def answer(frame: Frame, file: str, *, name: str | None, domain: str | None) -> None:
    """Answer the challenge in FILE with the wallet's keys, on the standard output.

    Who asks is said on the standard error. Nobody needs to be reached. A challenge of a server is
    not answered: whoever passed it on would be signed in there.
    """
    from identity.jcs import parse
    from resolver.authentication import answer_challenge
    from resolver.challenges import read_challenge

    asked = read_challenge(parse(read_input(file)))
    with frame.keystore(frame.trust()) as keystore:
        wallet = keystore.wallet
        did = asked.did or (frame.party(wallet, name) if name else only_organization(wallet))
        presentation = answer_challenge(wallet, asked, did, frame.now, domain=domain)
    click.echo(orjson.dumps(presentation))
    frame.note(f"{did} answers {asked.domain}")
