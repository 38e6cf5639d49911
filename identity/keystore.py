"""A wallet in one encrypted file. An edge: it reads and writes files, and asks for a passphrase.

    with Keystore.create(path, passphrase, os.urandom) as store:
        store.wallet.draw()
        store.save()

The file is a line of JSON in clear (format, cipher, salt, cost, nonce) and the ciphertext. Its key
is scrypt(passphrase, salt) (RFC 7914), its cipher ChaCha20-Poly1305 (RFC 8439) with that line as
associated data, so that neither part can be changed alone. Each save draws a new nonce and replaces
the file in one step: a crash leaves the old one or the new one, never a half. A lock file beside it
keeps a second writer out. Mode 0600; nothing here prints a secret. POSIX only.
Specified in specs/1-identity.md, "Wallet".
"""

from __future__ import annotations

import fcntl
import getpass
import os
import sys
import time
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from identity.durable import replace_file
from identity.errors import KeystoreError, TetradError
from identity.jcs import Json, canonicalize, parse
from identity.multibase import base64url_decode, base64url_encode
from identity.wallet import Wallet

FORMAT = "tetrad-keystore-1"
COST = 2**15
"""scrypt's N; with r = 8 one attempt takes 32 MB and about a tenth of a second."""

_BLOCK, _PARALLEL = 8, 1
_HIGHEST_COST = 2**18  # a file cannot make us take more than 256 MB
_LARGEST = 64 * 2**20  # bytes of a wallet
_DEEPEST = 32
_PATIENCE: Final = 2.0  # seconds to wait for a wallet that another process holds
_PAUSE: Final = 0.02

Random = Callable[[int], bytes]


class Header(NamedTuple):
    """The first line of the file: all that it takes, beside the passphrase, to open it."""

    salt: bytes
    nonce: bytes
    cost: int

    def line(self) -> bytes:
        """Its one spelling."""
        return orjson.dumps(
            {
                "format": FORMAT,
                "cipher": "chacha20-poly1305",
                "kdf": "scrypt",
                "n": self.cost,
                "r": _BLOCK,
                "p": _PARALLEL,
                "salt": base64url_encode(self.salt),
                "nonce": base64url_encode(self.nonce),
            }
        )


class Keystore:
    """An open wallet file, held by this process alone until it is closed."""

    def __init__(
        self, path: Path, wallet: Wallet, header: Header, key: bytes, lock: int, random: Random
    ) -> None:
        self.path = path
        self.wallet = wallet
        self._header = header
        self._key = key
        self._lock = lock
        self._random = random

    @classmethod
    def create(cls, path: Path, passphrase: str, random: Random, *, cost: int = COST) -> Keystore:
        """A new, empty wallet, written at once. Raises `KeystoreError` where a file is already."""
        if not passphrase:
            raise KeystoreError("an empty passphrase protects nothing", hint="choose one")
        _make_folder(path.parent)
        lock = _take_lock(path)
        try:
            if path.exists():
                raise KeystoreError(
                    f"{path} exists already", hint="open it, or choose another place"
                )
            header = Header(random(16), random(12), cost)
            key = derive(passphrase, header)
            store = cls(path, Wallet(random), header, key, lock, random)
            store.save()
        except BaseException:
            os.close(lock)
            raise
        return store

    @classmethod
    def open(cls, path: Path, passphrase: str, random: Random) -> Keystore:
        """Decrypt a wallet. Raises `KeystoreError` for a missing, locked, damaged or foreign file
        and for a wrong passphrase; the last two cannot be told apart."""
        if not path.is_file():
            raise KeystoreError(f"no wallet at {path}", hint="`tetrad init` makes one")
        lock = _take_lock(path)
        try:
            header, ciphertext = read_header(_read(path))
            key = derive(passphrase, header)
            wallet = Wallet.from_json(decrypt(header, ciphertext, key), random)
        except BaseException:
            os.close(lock)
            raise
        return cls(path, wallet, header, key, lock, random)

    def save(self) -> None:
        """Replace the file by the wallet as it is now; on return it is on the disk."""
        self._header = self._header._replace(nonce=self._random(12))
        content = encrypt(self._header, self.wallet.to_json(), self._key)
        try:
            replace_file(self.path, content)
        except OSError as failure:
            raise KeystoreError(
                f"{self.path} cannot be written: {failure.strerror}",
                hint="the wallet on the disk is unchanged; free space or mend its permissions",
            ) from None

    def close(self) -> None:
        """Let another process open it. Changes that were not saved are lost."""
        if self._lock >= 0:
            os.close(self._lock)  # which lets go of the lock
            self._lock = -1

    def __enter__(self) -> Keystore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Keystore({str(self.path)!r}, {self.wallet!r})"


def encrypt(header: Header, value: dict[str, Any], key: bytes) -> bytes:
    """The bytes of a keystore file. Raises `KeystoreError` for what could not be read again."""
    try:
        plain = canonicalize(value)
        parse(plain, max_bytes=_LARGEST, max_depth=_DEEPEST)
    except TetradError as refusal:
        raise KeystoreError(f"the wallet cannot be written: {refusal.detail}") from None
    line = header.line()
    return line + b"\n" + ChaCha20Poly1305(key).encrypt(header.nonce, plain, line)


def decrypt(header: Header, ciphertext: bytes, key: bytes) -> Json:
    """What a keystore file holds. Raises `KeystoreError`."""
    try:
        plain = ChaCha20Poly1305(key).decrypt(header.nonce, ciphertext, header.line())
    except InvalidTag:
        raise KeystoreError(
            "the passphrase is wrong, or the file was tampered with",
            hint="check TETRAD_PASSPHRASE; where it is certainly right, restore a copy of the file",
        ) from None
    try:
        return parse(plain, max_bytes=_LARGEST, max_depth=_DEEPEST)
    except TetradError as refusal:
        raise KeystoreError(f"the wallet inside is damaged: {refusal.detail}") from None


def derive(passphrase: str, header: Header) -> bytes:
    """The 32 bytes of the cipher's key; one passphrase typed on two systems is one (NFC)."""
    text = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogateescape")
    return Scrypt(salt=header.salt, length=32, n=header.cost, r=_BLOCK, p=_PARALLEL).derive(text)


def read_header(content: bytes) -> tuple[Header, bytes]:
    """The header of a keystore file, and the ciphertext after it. Raises `KeystoreError`."""
    line, _, ciphertext = content.partition(b"\n")
    try:
        value = parse(line, max_bytes=1024, max_depth=1)
        if not isinstance(value, dict):
            raise KeystoreError("not a keystore")
        header = Header(
            base64url_decode(value["salt"]), base64url_decode(value["nonce"]), value["n"]
        )
        spelled = header.line()
    except (KeyError, TypeError, TetradError):
        raise KeystoreError("not a keystore", hint="is this the right file?") from None
    if spelled != line or len(header.salt) != 16 or len(header.nonce) != 12:
        raise KeystoreError("not a keystore of a format that this version reads")
    cost = header.cost
    if type(cost) is not int or not 2 <= cost <= _HIGHEST_COST or cost & (cost - 1):
        raise KeystoreError("a keystore with a cost that is out of range")
    return header, ciphertext


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise KeystoreError(f"{path} is too large for a wallet")
        return path.read_bytes()
    except OSError as failure:
        raise KeystoreError(f"{path} cannot be read: {failure.strerror}") from None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as failure:
        raise KeystoreError(f"{folder} cannot be made: {failure.strerror}") from None


def _take_lock(path: Path) -> int:
    """Hold `<file>.lock` for this open file; the system lets go of it when the process ends.

    Commands that only read a wallet hold it for a moment, so that two begun together are both done.
    """
    try:
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as failure:
        raise KeystoreError(f"{path} cannot be locked: {failure.strerror}") from None
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() < end:
                time.sleep(_PAUSE)
                continue
            os.close(lock)
            raise KeystoreError(
                f"{path} is in use by another process", hint="wait until its command has ended"
            ) from None
        return lock


def read_passphrase(
    environment: Mapping[str, str],
    *,
    file: Path | None = None,
    prompt: Callable[[str], str] | None = getpass.getpass,
    confirm: bool = False,
) -> str:
    """The passphrase from a file that is named, else TETRAD_PASSPHRASE, else the file that
    TETRAD_PASSPHRASE_FILE names, else a prompt (twice with `confirm`).

    Of a file the first line counts. `prompt` None never asks. Raises `KeystoreError`.
    """
    if file is None and "TETRAD_PASSPHRASE" in environment:
        return _not_empty(environment["TETRAD_PASSPHRASE"], "TETRAD_PASSPHRASE")
    if file is None and environment.get("TETRAD_PASSPHRASE_FILE"):
        file = Path(environment["TETRAD_PASSPHRASE_FILE"])
    if file is not None:
        return _from_file(file)
    if prompt is None or (prompt is getpass.getpass and not sys.stdin.isatty()):
        raise KeystoreError(
            "no passphrase, and nobody to ask",
            hint="set TETRAD_PASSPHRASE or TETRAD_PASSPHRASE_FILE",
        )
    passphrase = _not_empty(prompt("Passphrase: "), "the passphrase")
    if confirm and prompt("The same again: ") != passphrase:
        raise KeystoreError("the two passphrases differ", hint="try again")
    return passphrase


def _from_file(file: Path) -> str:
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError as failure:
        raise KeystoreError(f"{file} cannot be read: {failure.strerror}") from None
    except UnicodeDecodeError:
        raise KeystoreError(f"{file} is not text in UTF-8") from None
    return _not_empty(lines[0] if lines else "", str(file))


def _not_empty(passphrase: str, source: str) -> str:
    if not passphrase:
        raise KeystoreError(f"{source} is empty")
    return passphrase
