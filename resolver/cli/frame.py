"""What every command has: its common options, its way to speak, and its way to fail.

    @verb()
    @click.argument("name")
    def show(frame: Frame, name: str) -> None: …

A refusal is one line and a hint on the standard error, exit code 1; with `--json` it is the problem
object (RFC 9457) on the standard output. An interrupted command ends with 130, and says nothing.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from identity.durable import replace_file
from identity.errors import KeystoreError, MalformedInput, SignerMissing, TetradError
from resolver.cli.terminal import visible, visible_json

if TYPE_CHECKING:
    from identity.wallet import Wallet
    from resolver.client import Acknowledged, Client
    from resolver.client.home import Home
    from resolver.trust import Trust

REFUSED = 1
INTERRUPTED = 130

Command = Callable[..., None]
Option = Callable[[Command], Command]

JSON = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for programs.")
HOME = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="TETRAD_HOME",
    help="Where keys and trust are kept.  [default: ~/.tetrad]",
)
SERVER: list[Option] = [
    HOME,
    click.option(
        "--url", envvar="TETRAD_URL", help="The service.  [default: the one trusted last]"
    ),
]
MAX_AGE = click.option(
    "--max-age",
    type=click.IntRange(min=0),
    metavar="SECONDS",
    help="Refuse what is older, or what nobody dates.",
)
POLICY = click.option(
    "--policy",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Whose cosignatures are asked for: a C2SP tlog-policy.",
)
WALLET: list[Option] = [
    click.option(
        "--wallet",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="TETRAD_WALLET",
        help="Another wallet than that in the home folder, such as an authority's.",
    ),
    click.option(
        "--passphrase-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Its first line opens the wallet; else TETRAD_PASSPHRASE, or a question. For a "
        "sandbox none is needed: its wallets then have a passphrase that is known to all.",
    ),
]
ACTING: list[Option] = [
    click.option(
        "--by",
        metavar="NAME",
        help="Who acts: a name in the wallet, a DID, or `authority`.  [default: the wallet's only "
        "organization]",
    ),
    click.option(
        "--pass-on",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Where others must sign too: a file for them to `tetrad sign` and `tetrad send`.",
    ),
]


class Frame:
    """One command at work."""

    def __init__(self, *, as_json: bool, options: Mapping[str, Any]) -> None:
        self.as_json = as_json
        self._options = options
        self._finished: list[Acknowledged] = []

    def finished(self, kind: str, **said: object) -> Acknowledged | None:
        """The operation of this kind that was interrupted and is done now, if it says the same:
        members of its body, or its `subject`."""
        for done in self._finished:
            operation: dict[str, Any] = done.operation
            words = {**operation["body"], "subject": operation.get("subject")}
            if operation["type"] == kind and said.items() <= words.items():
                return done
        return None

    @property
    def home(self) -> Home:
        """The folder of this person."""
        from resolver.client.home import Home

        path: Path | None = self._options.get("home")
        return Home(path) if path else Home.from_environment(os.environ)

    @property
    def now(self) -> int:
        """Whole seconds since the epoch, by the clock that `clock_of` gives."""
        return int(clock_of(os.environ)())

    @property
    def url(self) -> str:
        """The service that is meant."""
        return self._options.get("url") or self.home.url()

    def trust(self) -> Trust:
        """The ledger that is pinned for that service."""
        return self.home.trust_at(self.url)

    @contextmanager
    def reading(self) -> Iterator[Client]:
        """A client that asks and verifies, and changes nothing."""
        from resolver.client import Client

        trust, keep = self.trust(), self.home.keep
        with Client(self.url, trust=trust, on_trust=keep, clock=clock_of(os.environ)) as client:
            yield client

    @contextmanager
    def writing(self) -> Iterator[Client]:
        """A client with the wallet open."""
        from resolver.client import Client

        trust = self.trust()
        with (
            self.keystore(trust) as keystore,
            Client(
                self.url,
                trust=trust,
                wallet=keystore.wallet,
                save=keystore.save,
                on_trust=self.home.keep,
                clock=clock_of(os.environ),
            ) as client,
        ):
            client.flows.passes_on = self._options.get("pass_on") is not None
            self._finished = client.finish()
            for done in self._finished:
                kind = done.operation["type"]
                self.note(f"✓ an interrupted {kind} is in the ledger, entry {done.index}")
            yield client

    def keystore(self, trust: Trust) -> Any:  # noqa: ANN401 - a Keystore, loaded late
        """The wallet for a ledger, which is made where there is none."""
        path: Path = self._options.get("wallet") or self.home.wallet_file(trust)
        exists = path.exists()
        if self._options.get("wallet") and not exists:
            raise KeystoreError(f"no wallet at {path}", hint="look at --wallet and TETRAD_WALLET")
        passphrase = self._passphrase(trust, path, exists=exists)
        return self.home.open_wallet(path, passphrase)

    def prefer_wallet(self, path: Path) -> None:
        """The wallet to open where none was named."""
        self._options = {**self._options, "wallet": self._options.get("wallet") or path}

    def _passphrase(self, trust: Trust, path: Path, *, exists: bool) -> str:
        """The passphrase that was given; a sandbox, which protects nothing, has a common one."""
        from identity.keystore import read_passphrase

        file: Path | None = self._options.get("passphrase_file")
        named = file or {"TETRAD_PASSPHRASE", "TETRAD_PASSPHRASE_FILE"} & set(os.environ)
        if trust.sandbox and not named:
            from resolver.folder import SANDBOX_PASSPHRASE

            if not exists:
                self.note(
                    f"A wallet for this sandbox is made at {path}, not protected by a passphrase "
                    "of yours:\n  set TETRAD_PASSPHRASE to protect such keys."
                )
            return SANDBOX_PASSPHRASE
        return read_passphrase(os.environ, file=file, confirm=not exists)

    def actor(self, wallet: Wallet) -> str:
        """The DID of who acts: `--by`, else the only organization in the wallet."""
        by: str | None = self._options.get("by")
        return self.party(wallet, by) if by else only_organization(wallet)

    def party(self, wallet: Wallet, name: str) -> str:
        """A DID, or the DID of that name in the wallet, or of `authority`."""
        if name == "authority":
            return self.trust().authority
        return name if name.startswith("did:") else wallet.named(name)

    def by(self, wallet: Wallet) -> str | None:
        """The DID of `--by`, where it was given."""
        given: str | None = self._options.get("by")
        return self.party(wallet, given) if given else None

    def show(self, value: object, *lines: str) -> None:
        """The outcome: lines for a person, or the value as JSON."""
        if self.as_json:
            sys.stdout.flush()
            click.echo(visible_json(orjson.dumps(value, option=orjson.OPT_INDENT_2)))
            return
        for line in lines:
            click.echo(f"  {visible(line)}" if line else "")

    def note(self, text: str) -> None:
        """A remark beside the outcome, on the standard error."""
        for line in text.split("\n"):
            click.echo(f"  {visible(line)}", err=True)

    def confirm(self, question: str, *, yes: bool) -> None:
        """Asks; without anyone to ask, `--yes` must have been said. Raises Abort, UsageError."""
        if yes:
            return
        if not sys.stdin.isatty():
            raise click.UsageError("there is nobody to ask: say --yes if it is meant")
        click.confirm(f"  {question}", abort=True, err=True)

    def passed_on(self, error: TetradError) -> bool:
        """Whether what others must sign was written for them."""
        prepared = error.members.get("prepared") if isinstance(error, SignerMissing) else None
        path: Path | None = self._options.get("pass_on")
        if prepared is None:
            return False
        if path is None:
            del error.members["prepared"]
            error.hint = "--pass-on FILE writes what the others are to sign"
            return False
        path.write_bytes(orjson.dumps(prepared))
        missing = list(error.members["missing"])
        self.show(
            {"passedOn": str(path), "missing": missing},
            f"✓ signed, and still to be signed by {', '.join(missing)}",
            f"  tetrad sign {path} > signed.json, then tetrad send signed.json",
        )
        return True

    def fail(self, error: TetradError) -> None:
        """Says why not."""
        if self.as_json:
            problem = orjson.dumps(error.problem(), option=orjson.OPT_INDENT_2, default=str)
            click.echo(visible_json(problem))
            return
        place = f" (at {error.pointer})" if error.pointer else ""
        if "index" in error.members:
            place += f" (entry {error.members['index']})"
        click.echo(visible(f"Refused: {error.detail}{place}  [{error.code}]"), err=True)
        if error.hint:
            click.echo(visible(f"hint: {error.hint}"), err=True)


def clock_of(environment: Mapping[str, str]) -> Callable[[], float]:
    """The system's clock; beside a `tetrad serve --test-clock` as far ahead as that says, which
    TETRAD_TEST_CLOCK gives in seconds. Raises MalformedInput."""
    ahead = environment.get("TETRAD_TEST_CLOCK", "0")
    if not (ahead.isascii() and ahead.isdigit() and len(ahead) < 12):
        raise MalformedInput(
            f"TETRAD_TEST_CLOCK is {ahead[:40]!r}", hint="the seconds by which the clock is ahead"
        )
    return lambda: time.time() + int(ahead)


def only_organization(wallet: Wallet) -> str:
    """The one organization of a wallet; devices have no name there. Raises KeystoreError."""
    found = [did for did, identity in wallet.identities.items() if identity.name]
    if len(found) == 1:
        return found[0]
    if not found:
        raise KeystoreError(
            "the wallet holds no organization", hint='tetrad org create "Acme Meters"'
        )
    names = ", ".join(repr(wallet.identities[did].name) for did in found)
    raise KeystoreError(f"the wallet holds {len(found)} organizations", hint=f"--by one of {names}")


def verb(
    *options: Option, server: bool = True, wallet: bool = False, acts: bool = True
) -> Callable[[Command], Command]:
    """The common options of a command, and its errors; the function's first argument is a Frame.

    A command with the `wallet` open `acts` for somebody, unless it only reads or signs.
    """
    taken = {"home", "url", "wallet", "passphrase_file", "by", "pass_on"}

    def decorate(command: Command) -> Command:
        @wraps(command)
        def run(*, as_json: bool, **given: Any) -> None:
            frame = Frame(
                as_json=as_json, options={name: given.pop(name) for name in taken & set(given)}
            )
            try:
                command(frame, **given)
            except TetradError as error:
                if not frame.passed_on(error):
                    frame.fail(error)
                    raise click.exceptions.Exit(REFUSED) from None
            except KeyboardInterrupt:
                raise click.exceptions.Exit(INTERRUPTED) from None

        decorated: Command = run
        opening = [*WALLET, *(ACTING if acts else [])] if wallet else []
        common: list[Option] = [*(SERVER if server else []), *opening, JSON]
        for option in reversed([*options, *common]):
            decorated = option(decorated)
        return decorated

    return decorate


def read_input(path: str) -> bytes:
    """The bytes of a file, or of the standard input for "-". Raises MalformedInput."""
    try:
        if path == "-":
            return sys.stdin.buffer.read()
        return Path(path).read_bytes()
    except OSError as failure:
        raise MalformedInput(
            f"{path} cannot be read: {failure.strerror}",
            hint="look at its name; - is the standard input",
        ) from None


def write_output(path: Path, data: bytes) -> None:
    """A file that is there whole, or not at all. Raises MalformedInput."""
    try:
        replace_file(path, data, mode=0o644)
    except OSError as failure:
        raise MalformedInput(
            f"{path} cannot be written: {failure.strerror}", hint="name a file in another folder"
        ) from None


def prefix_of(text: str) -> dict[str, str]:
    """`gtin:09506000` as the scope of a prefix. Raises UsageError."""
    scheme, colon, prefix = text.partition(":")
    if not colon or not prefix:
        raise click.UsageError(f"a prefix reads SCHEME:PREFIX, as in gtin:09506000, not {text!r}")
    return {"scheme": scheme, "prefix": prefix}
