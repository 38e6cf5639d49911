"""`tetrad data …`: what a device's data record commits to, for whom its grade allows.

tetrad data show CODE                              # general data: anyone
tetrad data show CODE --as NAME --credential FILE  # important data: whom its policy names
tetrad data commit FILE --keep FILE                # core data: committed to, and sent nowhere
tetrad data log CODE                               # who was shown it
tetrad data erase CODE
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from identity.errors import AuthenticationFailed, MalformedInput, SchemaViolation, TetradError
from resolver.cli.authenticating import read_credential
from resolver.cli.frame import Frame, only_organization, read_input, verb
from resolver.cli.subjects import subject_of

if TYPE_CHECKING:
    from resolver.client import Client, Session
    from resolver.client.graded import Content

AS = click.option(
    "--as",
    "name",
    metavar="NAME",
    help="Who asks: a name in the wallet, a DID, or a device's code.  [default: the only "
    "organization]",
)
VERSION = click.option(
    "--version", type=click.IntRange(min=1), help="An earlier version of the data record."
)


@click.group()
def data() -> None:
    """The content of data records, by grade.

    General data is for anyone. Important data is for the device's controller and maker, and whom
    its policy names: "policy": {"parties": [DID], "credentials": [{"type", "issuer"}]} in the data
    record. Core data stays where it is; the ledger has its commitment.
    """


@data.command(short_help="Show the content, checked against the proved record.")
@click.argument("code")
@verb(
    AS,
    click.option(
        "--credential",
        "files",
        type=click.Path(dir_okay=False, allow_dash=True),
        multiple=True,
        metavar="FILE",
        help="A device credential about who asks, for the policy: repeat it.",
    ),
    VERSION,
    click.option("--at", metavar="TIME", help="As it was then, as in 2026-11-22T08:00:00Z."),
    click.option(
        "--disclosure",
        metavar="WyJ…",
        help="Do not ask for the content: hold this against the record.",
    ),
    wallet=True,
    acts=False,
)
def show(
    frame: Frame,
    code: str,
    *,
    name: str | None,
    files: tuple[str, ...],
    version: int | None,
    at: str | None,
    disclosure: str | None,
) -> None:
    """Show the content of the data of the device with CODE, checked against its proved record.

    Without --as nobody is told who asks, unless the data is important. Each time that important
    data is shown is recorded for its controller.
    """
    if disclosure is not None:
        from resolver.client.graded import held_against

        with frame.reading() as client:
            _shown(frame, held_against(client.resolve(code, at=at, tombstones=True), disclosure))
        return
    credentials = [read_credential(file) for file in files]
    asked: dict[str, Any] = {"version": version, "at": at}
    if name is None and not files:
        with frame.reading() as client, suppress(AuthenticationFailed):
            _shown(frame, client.data(code, **asked))
            return
        # It is important: who asks has to say so.
    with frame.writing() as client:
        session = _session(client, name, credentials)
        _shown(frame, client.data(code, session=session, **asked))


def _session(
    client: Client, name: str | None, credentials: list[dict[str, Any]] | None = None
) -> Session:
    did = subject_of(client, name) if name else only_organization(client.wallet)
    return client.authenticate(did, credentials or [])


def _shown(frame: Frame, content: Content) -> None:
    try:
        value = content.json
        lines = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode().split("\n")
    except TetradError:  # committed to as text
        value, lines = content.value, [content.value]
    record = content.data
    frame.show(
        {
            "did": content.did,
            "data": record,
            "content": value,
            "disclosure": content.disclosure,
        },
        f"{record['describes']}, version {record['version']}, {record['grade']}",
        *lines,
        "✓ this is what the device's record commits to, proved",
    )


@data.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@verb(
    click.option(
        "--keep",
        type=click.Path(path_type=Path, dir_okay=False),
        required=True,
        help="Where the disclosure goes: without it nobody can show what was committed to.",
    ),
    server=False,
)
def commit(frame: Frame, file: str, keep: Path) -> None:
    """Commit to the content of the data record in FILE, and send nothing.

    FILE is JSON: describes, schema, grade … and content. The record with a commitment in the place
    of its content goes to the standard output, for `tetrad device update --data -`.
    """
    from identity.jcs import parse
    from resolver.description import committed_data

    value = parse(read_input(file))
    if not isinstance(value, dict):
        raise SchemaViolation("a data record is a JSON object")
    record, disclosure = committed_data(value, os.urandom)
    try:
        descriptor = os.open(keep, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(disclosure.encoded + "\n")
    except OSError as failure:
        raise MalformedInput(
            f"{keep} cannot be written: {failure.strerror}", hint="name a new file"
        ) from None
    click.echo(orjson.dumps(record, option=orjson.OPT_INDENT_2))
    frame.note(f"the disclosure is in {keep}: keep it, it is nowhere else")


@data.command(short_help="Who was shown the important data, or refused.")
@click.argument("code")
@verb(AS, wallet=True, acts=False)
def log(frame: Frame, code: str, *, name: str | None) -> None:
    """Who was shown the important data of the device with CODE, or refused.

    For its controller. A record that was taken out of the middle is noticed; keep the head, to see
    next time that the log goes on from there.
    """
    from resolver.accesses import REFUSED

    with frame.writing() as client:
        did = subject_of(client, code, ended=True)
        session = _session(client, name)
        shown = client.accesses(session, did)
        refused = client.accesses(session, did, of=REFUSED)
    lines = [*map(_line, shown.records), *map(_line, refused.records)]
    lines += [
        f"{one['since']}  withheld  {one['by']}  {one['repeated']} times more since"
        for one in refused.waiting
    ]
    for kind, read in (("shown", shown), ("refused", refused)):
        lines.append(
            f"✓ {kind}: {len(read.records)} in one chain, {read.dropped} older ones gone; "
            f"head {read.head.n} {read.head.hash[:16]}…"
        )
    frame.show(
        {
            kind: {
                "records": read.records,
                "dropped": read.dropped,
                "head": read.head._asdict(),
                "waiting": read.waiting,
            }
            for kind, read in (("shown", shown), ("refused", refused))
        },
        *lines,
    )


def _line(one: dict[str, Any]) -> str:
    credential = one.get("credential")
    why = f"{credential['type']} by {credential['issuer']}" if credential else one.get("as", "")
    again = f"{one['repeated']} times before" if "repeated" in one else ""
    of = f"version {one['version']}" if "version" in one else str(one.get("of", ""))
    said = (one["time"], f"{one['outcome']:8}", one["by"], of, why, again)
    return "  ".join(str(part) for part in said if part)


@data.command()
@click.argument("code")
@verb(
    AS,
    VERSION,
    click.option(
        "--of",
        type=click.Choice(["data", "serial", "number", "code"]),
        default="data",
        show_default=True,
        help="What is forgotten: the content of data, or another value that was disclosed.",
    ),
    click.option("--yes", is_flag=True, help="Do not ask."),
    wallet=True,
    acts=False,
)
def erase(
    frame: Frame, code: str, *, name: str | None, version: int | None, of: str, yes: bool
) -> None:
    """Erase what was disclosed of the device with CODE. It does not come back.

    The ledger keeps the commitment, and stays valid. Copies that others have are theirs.
    """
    if version is not None and of != "data":
        raise click.UsageError("--version is one of data")
    with frame.writing() as client:
        did = subject_of(client, code, ended=True)
        frame.confirm(f"Erase the {of} of {did} at {client.url}, for good?", yes=yes)
        session = _session(client, name)
        done = client.erase_data(session, did, version=version, of=of)
    count = done.get("erased")
    said = f"✓ erased: {count} disclosed" if count else "✓ it was erased before"
    frame.show(done, said, "  the commitment stays in the ledger, which is valid without it")
