"""New keys of a log, drawn beside those in its data folder's `log.key`.

The service over the folder may be at work: it reads the file again when an update names keys that
it does not know, and refuses an update whose keys are not there, so that no order of crashes leaves
a log whose keys nobody holds. Nothing is ever removed: until its tree has grown beyond the update,
a log is signed with the keys before.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from identity.durable import replace_file
from identity.errors import KeystoreError
from resolver.folder import DataFolder, LogSecrets


def draw_log_keys(
    folder: Path, used: Collection[str], random: Callable[[int], bytes] = secrets.token_bytes
) -> list[str]:
    """The verifier keys for a log's next rotation, whose secrets are on disk when this returns.

    A set that was drawn before and is not among the keys `used` so far, since its update was never
    sent, is taken again. Raises KeystoreError.
    """
    if not DataFolder.exists(folder):
        raise KeystoreError(
            f"there is no ledger in {folder}", hint="--data DIR of the service, on its machine"
        )
    lock = os.open(folder / "log.key.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two that draw at a time would lose one another's keys
        held = LogSecrets.read(folder)
        if not any(str(signer.key) in used for pair in held.sets for signer in pair):
            raise KeystoreError(
                f"the keys in {folder} are those of another log", hint="look at --data and --url"
            )
        for pair in held.sets:
            log = [str(signer.key) for signer in pair]
            if not set(log) & set(used):
                return log
        drawn = replace(held, further=(*held.further, (random(32), random(32))))
        replace_file(folder / "log.key", drawn.to_json())
        return [str(signer.key) for signer in drawn.sets[-1]]
    except OSError as error:
        raise KeystoreError(f"log.key cannot be written: {error.strerror}") from None
    finally:
        os.close(lock)
