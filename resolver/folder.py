"""The data folder: everything that a service keeps, and the checks before it is trusted again.

    DIR/ledger.sqlite3     entries, tiles, state (-wal beside it)
    DIR/log.key            the log's secrets, every set of keys: JSON, readable to the owner alone
    DIR/log.key.lock       held while further keys are drawn (resolver/rotation.py)
    DIR/authority.wallet   the authority's keys; in a sandbox under a known passphrase
    DIR/checkpoint         the newest signed checkpoint, written by temporary file, sync and rename
    DIR/genesis.json       the genesis as it was submitted
    DIR/accesses.sqlite3   who was shown important data (resolver/access_log.py)
    DIR/status-lists/      what issuers published (resolver/list_folder.py)
    DIR/lock               one process at a time

A folder whose checkpoint is ahead of its database, or of the same size with another root, is the
work of an old database that was put back: `open` refuses it. So it does where the right edge of the
tree does not hash to the head, or the first entry is not the genesis.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, cast

import orjson

from identity.did import did_key_method, tetrad_did
from identity.durable import replace_file
from identity.errors import KeystoreError, TetradError
from identity.jcs import Json, canonicalize, parse
from identity.keystore import Keystore
from identity.members import format_time, parse_time
from identity.multibase import base64url_decode, base64url_encode
from identity.operation import operation_hash
from identity.wallet import Wallet
from registry.checking import check_operation
from registry.ledger import Ledger
from registry.logkeys import LogSigners
from registry.note import Signer
from registry.reader import LedgerReader
from registry.rules import RuleBook
from registry.store import MemoryStore, Store
from registry.stores.sqlite import SqliteStore
from registry.uniqueness import ALGORITHMS, HMAC, Uniqueness
from resolver.access_log import AccessLog
from resolver.folder_lock import failing, lock_folder, unlock_folder
from resolver.held import log_pair, log_signers_of
from resolver.list_folder import FolderLists
from resolver.opening import check_store
from resolver.schemes import SCHEMES
from resolver.status_lists import ListStore, MemoryLists

DATABASE: Final = "ledger.sqlite3"
ACCESSES: Final = "accesses.sqlite3"
SANDBOX_ORIGIN: Final = "sandbox.local"
SANDBOX_PASSPHRASE: Final = "sandbox"  # noqa: S105 - it is known to all, and protects nothing
"""Of the authority's keys in a sandbox, where anyone is admitted anyway."""
SANDBOX_POLICY: Final[Mapping[str, Json]] = {
    "created": {"past": 86_400, "future": 300},
    "ipv6": "required",
    "prefixes": 16,
}


@dataclass(frozen=True)
class LogSecrets:
    """The log's name and its secrets, 32 bytes each."""

    origin: str
    ed25519: bytes = field(repr=False)
    ml_dsa_44: bytes = field(repr=False)
    uniqueness: bytes = field(repr=False)
    further: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False, kw_only=True)
    """Ed25519 and ML-DSA-44 secrets that were drawn for later: the state tells which are in force
    (resolver/rotation.py)."""
    uniqueness_alg: str = field(repr=False, default=HMAC, kw_only=True)

    @classmethod
    def new(
        cls,
        origin: str,
        random: Callable[[int], bytes] = secrets.token_bytes,
        *,
        uniqueness: str = HMAC,
    ) -> LogSecrets:
        """Secrets out of a random source; `uniqueness` names the keyed hash."""
        return cls(origin, random(32), random(32), random(32), uniqueness_alg=uniqueness)

    @property
    def signers(self) -> tuple[Signer, Signer]:
        """The Ed25519 signer and the ML-DSA-44 signer with which the log began."""
        return self.sets[0]

    @property
    def sets(self) -> list[tuple[Signer, Signer]]:
        """The signers of every set of keys, in the order in which they were drawn."""
        pairs = ((self.ed25519, self.ml_dsa_44), *self.further)
        return [log_pair(self.origin, *pair) for pair in pairs]

    @property
    def unique(self) -> Uniqueness:
        """The keyed hash of committed values."""
        return Uniqueness.of(self.uniqueness_alg, self.uniqueness)

    def to_json(self) -> bytes:
        """As it lies in `log.key`."""
        names = ("ed25519", "ml_dsa_44", "uniqueness")
        text = {name: base64url_encode(getattr(self, name)) for name in names}
        kept: dict[str, Any] = {"origin": self.origin, **text}
        kept["uniqueness_alg"] = self.uniqueness_alg
        if self.further:
            kept["further"] = [[base64url_encode(one) for one in pair] for pair in self.further]
        return orjson.dumps(kept, option=orjson.OPT_INDENT_2) + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> LogSecrets:
        """Reads `log.key`. Raises KeystoreError."""
        try:
            members = cast("dict[str, Any]", parse(data))
            found = [base64url_decode(members[n]) for n in ("ed25519", "ml_dsa_44", "uniqueness")]
            further = tuple(
                (base64url_decode(one), base64url_decode(other))
                for one, other in members.get("further", [])
            )
            if any(len(one) != 32 for one in (*found, *(one for pair in further for one in pair))):
                raise KeystoreError("a secret of the log does not have 32 bytes")
            algorithm = members["uniqueness_alg"]
            if algorithm not in ALGORITHMS:
                raise KeystoreError("log.key names a keyed hash that is not known here")
            return cls(members["origin"], *found, further=further, uniqueness_alg=algorithm)
        except (KeyError, TypeError, ValueError, AttributeError, TetradError) as error:
            raise KeystoreError(f"log.key cannot be read: {error}") from None

    @classmethod
    def read(cls, folder: Path) -> LogSecrets:
        """Those of a data folder. Raises KeystoreError."""
        try:
            return cls.from_json((folder / "log.key").read_bytes())
        except OSError as error:
            raise KeystoreError(f"log.key cannot be read: {error.strerror}") from None


class Site(Protocol):
    """What a service stands on."""

    secrets: LogSecrets
    store: Store
    genesis: dict[str, Json]
    """The genesis operation."""
    lists: ListStore
    """Status lists that issuers published."""
    accesses: AccessLog
    """Who was shown important data."""
    signers: LogSigners
    """The log's secrets by their verifier keys; it finds those that were added meanwhile."""

    def keep_checkpoint(self, note: bytes) -> None:
        """Makes a signed checkpoint durable, outside the database."""
        ...

    def close(self) -> None:
        """Lets go of everything."""
        ...


def genesis_operation(
    keys: LogSecrets,
    wallet: Wallet,
    *,
    now: int,
    mode: str = "sandbox",
    name: str = "Sandbox",
    policy: Mapping[str, Json] = SANDBOX_POLICY,
    recovery: Json = "none",
) -> dict[str, Json]:
    """The signed genesis of a new ledger, `now` in seconds since the epoch.

    The authority's keys are drawn from the wallet, which then speaks for it under its name;
    `recovery` is the quorum that may replace them.
    """
    first = wallet.draw()
    operation: dict[str, Any] = {
        "type": "registry.genesis",
        "created": format_time(now),
        "body": {
            "format": 0,
            "origin": keys.origin,
            "mode": mode,
            "authority": name,
            "keys": first.keys,
            "next": first.next,
            "recovery": recovery,
            "log": [str(signer.key) for signer in keys.signers],
            "policy": dict(policy),
            "uniqueness": keys.unique.member,
        },
    }
    signed = wallet.sign(operation, did_key_method(first.keys[0]))
    hash_ = operation_hash(signed)
    wallet.adopt(tetrad_did(hash_, hash_), first, name=name)
    return signed


def begin(store: Store, keys: LogSecrets, genesis: dict[str, Json]) -> None:
    """Writes the genesis as the first entry of an empty store. Raises what the rule book raises."""
    ledger = Ledger(store, RuleBook(SCHEMES), log_signers_of(lambda: keys), keys.origin)
    checked = check_operation(genesis, [], SCHEMES, keys.unique.hash, lambda _: None)
    (outcome,) = ledger.append([checked], parse_time(str(genesis["created"])))
    if isinstance(outcome, TetradError):
        raise outcome


class MemorySite:
    """A ledger in memory, for `serve --ephemeral` and tests; gone when the process ends."""

    def __init__(self, keys: LogSecrets, genesis: dict[str, Json]) -> None:
        self.secrets = keys
        self.genesis = genesis
        self.signers = log_signers_of(lambda: self.secrets)
        self.store: Store = MemoryStore()
        self.lists: ListStore = MemoryLists()
        self.accesses = AccessLog(None)
        begin(self.store, keys, genesis)

    @classmethod
    def sandbox(
        cls, now: int, origin: str = SANDBOX_ORIGIN, *, uniqueness: str = HMAC
    ) -> MemorySite:
        """A new sandbox, whose authority's keys nobody keeps."""
        keys = LogSecrets.new(origin, uniqueness=uniqueness)
        return cls(keys, genesis_operation(keys, Wallet(secrets.token_bytes), now=now))

    def keep_checkpoint(self, note: bytes) -> None:
        """Nothing outlives the process."""

    def close(self) -> None:
        """See Site."""
        self.accesses.close()
        self.store.close()


class DataFolder:
    """A ledger on disk, held by this process alone."""

    def __init__(
        self, path: Path, lock: int, keys: LogSecrets, genesis: dict[str, Json], store: Store
    ) -> None:
        self.path = path
        self.secrets = keys
        self.genesis = genesis
        self.signers = log_signers_of(lambda: LogSecrets.read(path))
        self.store = store
        self.lists: ListStore = FolderLists(path / "status-lists")
        self.accesses = AccessLog(path / ACCESSES)
        self._lock = lock

    @staticmethod
    def exists(path: Path) -> bool:
        """Whether there is a ledger in this folder. Raises KeystoreError where that is not known:
        a disk that fails must not look like a folder without one."""
        with failing(path):
            return (path / "log.key").exists()

    @classmethod
    def create(
        cls,
        path: Path,
        now: int,
        *,
        origin: str = SANDBOX_ORIGIN,
        mode: str = "sandbox",
        name: str = "Sandbox",
        policy: Mapping[str, Json] = SANDBOX_POLICY,
        passphrase: str = SANDBOX_PASSPHRASE,
        uniqueness: str = HMAC,
        recovery: Json = "none",
    ) -> DataFolder:
        """Begins a ledger in a folder without one, and opens it. Raises KeystoreError.

        `passphrase` protects the authority's keys; `uniqueness` names the keyed hash. The wallet is
        written before anything that depends on its keys, `log.key` last: a folder without it is
        begun anew.
        """
        with failing(path):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if cls.exists(path):
            raise KeystoreError(
                "there is a ledger in this folder", hint="choose another, or serve this one"
            )
        lock = lock_folder(path)
        try:
            with failing(path):
                keys = LogSecrets.new(origin, uniqueness=uniqueness)
                (path / "authority.wallet").unlink(missing_ok=True)
                with Keystore.create(
                    path / "authority.wallet", passphrase, secrets.token_bytes
                ) as keystore:
                    genesis = genesis_operation(
                        keys,
                        keystore.wallet,
                        now=now,
                        mode=mode,
                        name=name,
                        policy=policy,
                        recovery=recovery,
                    )
                    keystore.save()
                replace_file(path / "genesis.json", canonicalize(genesis) + b"\n", mode=0o644)
                replace_file(path / "log.key", keys.to_json())
        finally:
            unlock_folder(lock)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> DataFolder:
        """Opens a ledger after the checks of the docstring above.

        Raises KeystoreError, RolledBack, ForkDetected, LedgerTampered.
        """
        if not cls.exists(path):
            raise KeystoreError("there is no ledger in this folder", hint="tetrad init")
        lock = lock_folder(path)
        try:
            with failing(path):
                keys = LogSecrets.read(path)
                genesis = parse((path / "genesis.json").read_bytes())
                if not isinstance(genesis, dict):
                    raise KeystoreError("genesis.json does not hold an operation")
                store = _checked_store(path, keys, genesis)
                return cls(path, lock, keys, genesis, store)
        except TetradError:
            unlock_folder(lock)
            raise

    def keep_checkpoint(self, note: bytes) -> None:
        """See Site. Raises KeystoreError."""
        with failing(self.path):
            replace_file(self.path / "checkpoint", note, mode=0o644)

    def close(self) -> None:
        """See Site."""
        self.accesses.close()
        self.store.close()
        unlock_folder(self._lock)


def _checked_store(path: Path, keys: LogSecrets, genesis: dict[str, Json]) -> Store:
    kept = _kept(path)
    store = SqliteStore(path / DATABASE)
    if store.head() is None and kept is None:  # the first time, or `create` was interrupted
        try:
            begin(store, keys, genesis)
            replace_file(path / "checkpoint", LedgerReader(store).checkpoint(), mode=0o644)
        finally:
            store.close()
        # Opened anew: a store serves the thread that commits through a connection of its own, and
        # from here on that is the writer's thread.
        store, kept = SqliteStore(path / DATABASE), _kept(path)
    try:
        check_store(store, keys, genesis, kept)
    except TetradError:
        store.close()
        raise
    return store


def _kept(path: Path) -> bytes | None:
    try:
        return (path / "checkpoint").read_bytes()
    except FileNotFoundError:
        return None
