"""`tetrad sign` and `tetrad send`: for what was described by hand, with curl or another program."""

from __future__ import annotations

from typing import Any, cast

import click

from identity.errors import KeystoreError, MalformedInput, SchemaViolation
from resolver.cli.frame import HOME, Frame, read_input, verb
from resolver.cli.organizations import acknowledged
from resolver.cli.terminal import visible_json


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), default="-")
@verb(
    click.option("--yes", is_flag=True, help="Do not show the operation: it was read already."),
    HOME,
    server=False,
    wallet=True,
    acts=False,
)
def sign(frame: Frame, file: str, *, yes: bool) -> None:
    """Sign FILE, the answer of POST /v1/operations/prepare, with the wallet's keys.

    What is signed is computed from the operation, not taken from the answer; it is shown on the
    standard error, with the values that it commits to, so that you see what you sign. Out comes
    what POST /v1/operations takes, or, where others must sign too, what they can sign in the same
    way.
    """
    import orjson

    from resolver.client.signing import adopt_signed, committed_values, sign_what_we_can
    from resolver.prepared import read_prepared

    prepared = read_prepared(_json(file, "POST /v1/operations/prepare answers what is signed here"))
    trust = frame.home.trust_in(str(prepared.operation.get("ledger")))
    committed = committed_values(prepared)
    if not yes:
        operation = orjson.dumps(prepared.operation, option=orjson.OPT_INDENT_2)
        click.echo(visible_json(operation), err=True)
        for pointer, behind in committed.items():
            frame.note(f"{pointer} stands for {behind!r}")
    with frame.keystore(trust) as keystore:
        signed = sign_what_we_can(prepared, keystore.wallet)
        if len(signed.signing) == len(prepared.signing) and prepared.signing:
            raise KeystoreError(
                "the wallet holds none of the keys that sign here",
                hint="tetrad keys list, or another --wallet",
            )
        adopt_signed(signed, trust, keystore.wallet)
        keystore.save()
    if signed.signing:
        missing = ", ".join(wanted.method for wanted in signed.signing)
        frame.note(f"Still to be signed by {missing}")
    value = signed.value() if signed.signing else signed.submission()
    click.echo(orjson.dumps(value))


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), default="-")
@verb()
def send(frame: Frame, file: str) -> None:
    """Send FILE, a signed operation with its disclosures, and prove its receipt."""
    submission = _json(file, "`tetrad sign` writes what is sent here")
    if "operation" not in submission:
        raise SchemaViolation(f"{file} holds no signed operation", hint="`tetrad sign` writes one")
    with frame.reading() as client:
        done = client.submit(submission)
    did = [f"  {done.did}"] if done.did else []
    frame.show(acknowledged(done), f"✓ in the ledger, entry {done.index}", *did)


def _json(path: str, hint: str) -> dict[str, Any]:
    """The JSON object in a file. Raises MalformedInput, SchemaViolation, with the hint."""
    from identity.jcs import parse
    from identity.operation import as_object

    data = read_input(path)
    try:
        return cast("dict[str, Any]", as_object(parse(data)))
    except (MalformedInput, SchemaViolation) as error:
        error.detail = f"{path}: {error.detail}"
        error.hint = error.hint or hint
        raise
