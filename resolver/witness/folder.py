"""The folder of a witness: its keys, and its store.

    DIR/witness.key        its name and secrets: JSON, readable to the owner alone
    DIR/witness.sqlite3    the logs that it knows, and what it cosigned last for each

The two belong together. A witness that has forgotten what it cosigned would cosign another history:
so a store is only ever made together with new keys, and keys without their store are refused.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

import orjson

from identity.durable import replace_file
from identity.errors import KeystoreError, TetradError
from identity.jcs import parse
from identity.multibase import base64url_decode, base64url_encode
from registry.note import SignatureType, Signer, VerifierKey
from resolver.witness.store import WitnessStore

KEY_FILE: Final = "witness.key"
DATABASE: Final = "witness.sqlite3"
MAX_NAME_BYTES: Final = 255
"""What C2SP tlog-cosignature has room for."""


@dataclass(frozen=True)
class WitnessSecrets:
    """A witness's name and its secrets, 32 bytes each."""

    name: str
    ed25519: bytes = field(repr=False)
    ml_dsa_44: bytes = field(repr=False)

    @classmethod
    def new(cls, name: str, random: Callable[[int], bytes] = secrets.token_bytes) -> WitnessSecrets:
        """Secrets out of a random source. Raises InvalidKey for a name that keys cannot have."""
        made = cls(name, random(32), random(32))
        _ = made.signers  # a name that no key can have is refused here
        if len(name.encode()) > MAX_NAME_BYTES:
            raise KeystoreError(f"the name of a witness has at most {MAX_NAME_BYTES} bytes")
        return made

    @property
    def signers(self) -> tuple[Signer, Signer]:
        """The Ed25519 cosigner (cosignature/v1) and the ML-DSA-44 cosigner."""
        return (
            Signer(self.name, SignatureType.ED25519_COSIGNATURE, self.ed25519),
            Signer(self.name, SignatureType.ML_DSA_44, self.ml_dsa_44),
        )

    @property
    def keys(self) -> tuple[VerifierKey, VerifierKey]:
        """What others need to verify, in the order of the signers."""
        first, second = self.signers
        return first.key, second.key

    def to_json(self) -> bytes:
        """As it lies in `witness.key`."""
        text = {name: base64url_encode(getattr(self, name)) for name in ("ed25519", "ml_dsa_44")}
        return orjson.dumps({"name": self.name, **text}, option=orjson.OPT_INDENT_2) + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> WitnessSecrets:
        """Reads `witness.key`. Raises KeystoreError."""
        try:
            members = cast("dict[str, str]", parse(data))
            found = [base64url_decode(members[name]) for name in ("ed25519", "ml_dsa_44")]
            if any(len(secret) != 32 for secret in found):
                raise KeystoreError("a secret of the witness does not have 32 bytes")
            made = cls(members["name"], *found)
            _ = made.signers
        except (KeyError, TypeError, AttributeError, TetradError) as error:
            raise KeystoreError(f"{KEY_FILE} cannot be read: {error}") from None
        return made


@dataclass(frozen=True)
class WitnessFolder:
    """An open folder."""

    path: Path
    secrets: WitnessSecrets
    store: WitnessStore

    @classmethod
    def create(cls, path: Path, name: str) -> WitnessFolder:
        """Begins a witness in a folder without one. Raises KeystoreError, InvalidKey."""
        made = WitnessSecrets.new(name)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (path / KEY_FILE).exists() or (path / DATABASE).exists():
            raise KeystoreError(
                "there is a witness in this folder",
                hint=f"choose another, or serve this one; without {KEY_FILE} it was interrupted "
                f"while it was made: remove {DATABASE}",
            )
        WitnessStore(path / DATABASE, create=True).close()
        replace_file(path / KEY_FILE, made.to_json())
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> WitnessFolder:
        """Opens a witness. Raises KeystoreError, LedgerStopped."""
        try:
            found = WitnessSecrets.from_json((path / KEY_FILE).read_bytes())
        except FileNotFoundError:
            raise KeystoreError(
                f"there is no witness in {path}", hint=f"tetrad witness init --data {path}"
            ) from None
        except OSError as error:
            raise KeystoreError(f"the folder cannot be read: {error.strerror}") from None
        if not (path / DATABASE).exists():
            raise KeystoreError(
                f"{DATABASE} is missing, and with it what this witness has cosigned",
                hint="put it back; without it these keys must never sign again: begin a new "
                "witness in another folder",
            )
        return cls(path, found, WitnessStore(path / DATABASE))
