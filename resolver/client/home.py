"""What a person's client remembers between commands, under TETRAD_HOME (~/.tetrad by default).

    servers.json                   the addresses and the ledger behind each, and the one in use
    ledgers/<label>/trust.json     the pinned genesis and the newest checkpoint seen
    ledgers/<label>/wallet         the keystore: keys, what was signed, its receipts
    ledgers/<label>/issued-….json  what an issuer issued, and where its status stands
    ledgers/<label>/held.json      credentials that devices of this wallet received
    ledgers/<label>/bundles/       the newest bundle of each device that meets others offline

Every file is replaced in one step, so that a crash leaves the old one or the new one. Two programs
that saw different checkpoints keep the larger (resolver/trust.py, `merged`).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import orjson

from identity.did import ledger_label, parse_tetrad_did
from identity.durable import replace_file
from identity.errors import InvalidAnswer, KeystoreError, MalformedInput, TetradError
from identity.jcs import Json, parse
from identity.keystore import Keystore
from resolver.client.flow import check_address
from resolver.issued import IssuedBook
from resolver.trust import Trust, merged


class Home:
    """One folder of one person."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Home:
        """TETRAD_HOME, else ~/.tetrad."""
        named = environment.get("TETRAD_HOME")
        return cls(Path(named) if named else Path.home() / ".tetrad")

    def url(self) -> str:
        """The address in use: that of the ledger that was trusted last. Raises MalformedInput."""
        url = self._servers().get("default")
        if not isinstance(url, str):
            raise MalformedInput(
                "no service is named, and none is trusted yet", hint="tetrad trust URL"
            )
        return url

    def trust_at(self, url: str) -> Trust:
        """The ledger that is pinned for an address. Raises MalformedInput where none is."""
        label = cast("dict[str, Json]", self._servers().get("servers", {})).get(check_address(url))
        if not isinstance(label, str):
            raise MalformedInput(
                f"the service at {url} is not trusted yet", hint=f"tetrad trust {url}"
            )
        return self._read_trust(label)

    def trust_in(self, ledger: str) -> Trust:
        """The pinned ledger with this genesis hash. Raises MalformedInput where it is not one."""
        trust = self.trust_labelled(ledger_label(ledger))
        if trust.ledger != ledger:
            raise InvalidAnswer("two ledgers have the same label: one of them is an attack")
        return trust

    def trust_labelled(self, label: str) -> Trust:
        """The pinned ledger whose DIDs bear this label. Raises MalformedInput where none is."""
        if not self._trust_file(label).exists():
            raise MalformedInput(
                f"the ledger {label} is not trusted yet", hint="tetrad trust URL of its service"
            )
        return self._read_trust(label)

    def knows(self, trust: Trust) -> bool:
        """Whether this very ledger is pinned already."""
        return self._trust_file(trust.label).exists() and (
            self._read_trust(trust.label).ledger == trust.ledger
        )

    def pin(self, url: str, trust: Trust) -> None:
        """Pins a ledger, and makes its address the one in use.

        Raises InvalidAnswer where another ledger has the same label.
        """
        self.keep(trust)
        with self._locked():
            servers = self._servers()
            known = cast("dict[str, Json]", servers.get("servers", {}))
            address = check_address(url)
            value = {"default": address, "servers": {**known, address: trust.label}}
            self._write(self.path / "servers.json", value)

    def keep(self, trust: Trust) -> None:
        """Remembers the newest checkpoint of a ledger. Raises ForkDetected, InvalidAnswer."""
        with self._locked():
            path = self._trust_file(trust.label)
            if path.exists():
                before = self._read_trust(trust.label)
                if before.ledger != trust.ledger:
                    raise InvalidAnswer("two ledgers have the same label: one of them is an attack")
                # The policy is what whoever writes says; what was seen is both of theirs.
                trust = replace(merged(trust, before), witness_policy=trust.witness_policy)
            self._write(path, trust.to_json())

    def wallet_file(self, trust: Trust) -> Path:
        """Where the wallet for a ledger lies."""
        return self.path / "ledgers" / trust.label / "wallet"

    def trusts(self) -> list[Trust]:
        """Every pinned ledger. Raises KeystoreError for one that does not hold."""
        files = sorted((self.path / "ledgers").glob("*/trust.json"))
        return [self._read_trust(path.parent.name) for path in files]

    def keep_bundle(self, did: str, bundle: bytes) -> Path:
        """Keeps the newest bundle of a device, in place of the one before; where it lies."""
        path = self._bundle_file(did)
        self._replace(path, bundle)
        return path

    def bundle(self, did: str) -> bytes:
        """The kept bundle of a device. Raises KeystoreError where there is none."""
        path = self._bundle_file(did)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise KeystoreError(
                f"no bundle of {did} is kept here", hint=f"tetrad device bundle {did}"
            ) from None
        except OSError as failure:
            raise KeystoreError(f"{path} cannot be read: {failure.strerror}") from None

    def bundled(self) -> list[str]:
        """The DIDs of the devices whose bundles are kept."""
        files = sorted((self.path / "ledgers").glob("*/bundles/*.json"))
        return [f"did:tetrad:{file.parent.parent.name}:{file.stem}" for file in files]

    def _bundle_file(self, did: str) -> Path:
        label, identifier = parse_tetrad_did(did)
        return self.path / "ledgers" / label / "bundles" / f"{identifier}.json"

    def open_wallet(self, path: Path, passphrase: str) -> Keystore:
        """The wallet, which is made where there is none. Raises KeystoreError."""
        if path.exists():
            return Keystore.open(path, passphrase, os.urandom)
        return Keystore.create(path, passphrase, os.urandom)

    def book(self, trust: Trust, issuer: str, url: str) -> IssuedBook:
        """What an issuer has issued; where there is none yet, its lists will be shown at `url`."""
        value = self._read(self._issued_file(trust, issuer))
        return (
            IssuedBook(issuer, check_address(url)) if value is None else IssuedBook.from_json(value)
        )

    def keep_book(self, trust: Trust, book: IssuedBook) -> None:
        """Keeps it durably. Whoever has the wallet open is the only one who does."""
        self._write(self._issued_file(trust, book.issuer), book.to_json())

    def held(self, trust: Trust) -> list[dict[str, Json]]:
        """The credentials that were received."""
        value = self._read(self.path / "ledgers" / trust.label / "held.json")
        credentials = value.get("credentials", []) if isinstance(value, dict) else []
        return cast("list[dict[str, Json]]", credentials)

    def keep_held(self, trust: Trust, credentials: Sequence[dict[str, Json]]) -> None:
        """Keeps them durably."""
        path = self.path / "ledgers" / trust.label / "held.json"
        self._write(path, {"credentials": list(credentials)})

    def _issued_file(self, trust: Trust, issuer: str) -> Path:
        return self.path / "ledgers" / trust.label / f"issued-{parse_tetrad_did(issuer)[1]}.json"

    def _servers(self) -> dict[str, Json]:
        value = self._read(self.path / "servers.json")
        return value if isinstance(value, dict) else {}

    def _trust_file(self, label: str) -> Path:
        return self.path / "ledgers" / label / "trust.json"

    def _read_trust(self, label: str) -> Trust:
        path = self._trust_file(label)
        try:
            return Trust.from_json(self._read(path))
        except TetradError as error:
            raise KeystoreError(
                f"{path} does not hold: {error.detail}", hint="trust the service anew"
            ) from None

    def _read(self, path: Path) -> Json:
        try:
            return parse(path.read_bytes(), max_bytes=2**24)
        except FileNotFoundError:
            return None
        except OSError as failure:
            raise KeystoreError(f"{path} cannot be read: {failure.strerror}") from None

    def _write(self, path: Path, value: Json) -> None:
        self._replace(path, orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")

    def _replace(self, path: Path, data: bytes) -> None:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(path, data)
        except OSError as failure:
            raise KeystoreError(f"{path} cannot be written: {failure.strerror}") from None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One program at a time reads and writes back."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as failure:
            raise KeystoreError(f"{self.path} cannot be used: {failure.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
