"""Keys that come into force by a recovery or a transfer, and shares of somebody's recovery quorum.

    first = begin_takeover(wallet, did, "recovery.begin")     # `keys` and `next` of its body
    wallet.takeovers[did].attempts.append(hash)      # of the operation that was made with them
    finish_takeover(wallet, did)                     # the ledger has brought them into force

Others may have to sign, and days to go by, before such keys are those of the DID. So they are kept
apart from the identity until the ledger says so, and are the same until then: a program that was
stopped anywhere goes on with them. A share is a key of its own, which is never forgotten.
Specified in specs/1-identity.md, "Wallet".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from identity.errors import KeystoreError, MalformedInput
from identity.keys import ED25519, PublicKey
from identity.multibase import multihash

if TYPE_CHECKING:
    from identity.wallet import Establishment, Wallet


@dataclass
class Takeover:
    """Keys that are going to come into force, for a DID of the wallet or one that it does not hold
    yet. By thumbprints; a key may be held elsewhere."""

    kind: str
    """The operation that shows them: `recovery.begin` or `transfer.accept`."""
    keys: list[str]
    multikeys: list[str]
    next: list[str]
    name: str = ""
    attempts: list[str] = field(default_factory=list)
    """Hashes of the operations that were made with them, of which one may be in the ledger."""


def new_share(wallet: Wallet, note: str = "", algorithm: str = ED25519) -> PublicKey:
    """A recovery key for one quorum of one subject; its thumbprint goes into `recovery`."""
    key = wallet.new_key(algorithm)
    wallet.shares[key.thumbprint] = note
    return key


def begin_takeover(
    wallet: Wallet,
    did: str,
    kind: str,
    *algorithms: str,
    keys: Sequence[str] | None = None,
    name: str = "",
) -> Establishment:
    """Keys to come into force by an operation of that kind: drawn, or these Multikeys, which may be
    held elsewhere; and their successors, drawn in any case. Until it is finished or dropped, the
    same again."""
    from identity.wallet import Establishment

    under_way = wallet.takeovers.get(did)
    others = under_way is not None and keys is not None and list(keys) != under_way.multikeys
    if under_way is None or others or under_way.kind != kind:
        drop_takeover(wallet, did)
        first = wallet.draw(*algorithms)
        brought = first.keys if keys is None else list(keys)
        known = wallet.identities[did].name if did in wallet.identities else ""
        under_way = Takeover(
            kind, list(map(_thumbprint, brought)), list(brought), list(first.next), known or name
        )
        wallet.takeovers[did] = under_way
        if keys is not None:
            wallet.forget(map(_thumbprint, first.keys))
    return Establishment(list(under_way.multikeys), list(under_way.next))


def finish_takeover(wallet: Wallet, did: str, *, proved: bool = True) -> None:
    """The ledger has brought them into force. Whatever the wallet held for the DID before is
    forgotten where that was proved: a server that merely says so takes no key away.

    Raises KeystoreError where nothing is under way."""
    from identity.wallet import Identity

    if did not in wallet.takeovers:
        raise KeystoreError(f"no takeover of {did[:120]} is under way")
    done = wallet.takeovers.pop(did)
    before = wallet.identities.get(did)
    wallet.identities[did] = Identity(done.keys, done.next, done.name)
    if before is not None and proved:
        wallet.forget([*before.keys, *before.next, *before.drawn])


def drop_takeover(wallet: Wallet, did: str) -> None:
    """It came to nothing: its keys are forgotten."""
    dropped = wallet.takeovers.pop(did, None)
    if dropped is not None:
        wallet.forget([*dropped.keys, *dropped.next])


def read_takeover(stored: Mapping[str, Any]) -> Takeover:
    """A takeover out of a keystore. Raises MalformedInput."""
    lists = [stored[member] for member in ("keys", "multikeys", "next", "attempts")]
    if not all(isinstance(x, list) and all(isinstance(t, str) for t in x) for x in lists):
        raise MalformedInput("a takeover names its keys in lists")
    texts = stored["name"], stored["kind"]
    if not all(isinstance(text, str) for text in texts) or lists[0] != list(
        map(_thumbprint, lists[1])
    ):
        raise MalformedInput("a takeover has a name, and its keys under their thumbprints")
    keys, multikeys, following, attempts = lists
    return Takeover(stored["kind"], keys, multikeys, following, stored["name"], attempts)


def _thumbprint(multikey: str) -> str:
    return multihash(multikey.encode("utf-8", "replace"))
