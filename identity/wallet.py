"""What a device or an organization holds for itself: keys, the next keys, and its receipts.

    wallet = Wallet(os.urandom)
    first = wallet.draw()                        # keys in force and the next ones, drawn at once
    pair = wallet.draw("Ed25519", "ML-DSA-44")   # one of each kind: both sign, from then on
    operation = {…, "body": {…, "keys": first.keys, "next": first.next}}
    signed = wallet.sign(operation, did_key_method(first.keys[0]))
    wallet.adopt(did, first, name="Acme Meters")
    wallet.sign(another, *wallet.methods(did))

A rotation is drawn with `begin_rotation`, which gives the same keys until `finish_rotation`: a
program that was stopped in between sends the very same operation again. So are the keys of a
recovery or a transfer, and the shares of recovery quorums (identity/takeovers.py). Save the wallet
(keystore) before anything is sent: keys that were committed to and lost are lost for ever.
Pure: randomness comes in. Specified in specs/1-identity.md, "Wallet".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from identity.credentials.members import BASE_CONTEXT
from identity.credentials.securing import secure
from identity.errors import KeystoreError, MalformedInput, TetradError
from identity.keys import (
    ED25519,
    PrivateKey,
    PublicKey,
    draw_key,
    one_of_each_kind,
    private_key,
)
from identity.multibase import base64url_decode, base64url_encode, multihash
from identity.proof import CRYPTOSUITES, create_proof, proof_options
from identity.takeovers import Takeover, read_takeover

FORMAT = 1
_OPERATION_PURPOSE = "capabilityInvocation"


class Establishment(NamedTuple):
    """The key members of an operation that establishes keys, ready for its body."""

    keys: list[str]
    """Multikeys that come into force."""
    next: list[str]
    """Thumbprints of the keys that alone may follow them."""


@dataclass
class Identity:
    """One DID that this wallet can speak for. Keys are named by their thumbprints."""

    keys: list[str]
    next: list[str]
    name: str = ""
    drawn: list[str] = field(default_factory=list)
    """The `next` of a rotation that is under way."""


class Wallet:
    """Private keys by thumbprint, the identities that they serve, and receipts by operation."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        """`random(n)` gives n bytes from a cryptographic generator."""
        self._random = random
        self._keys: dict[str, PrivateKey] = {}
        self.identities: dict[str, Identity] = {}
        self.receipts: dict[str, dict[str, Any]] = {}
        """By operation hash: whatever the caller keeps, such as the operation and its receipt."""
        self.takeovers: dict[str, Takeover] = {}
        """By DID: what is under way."""
        self.shares: dict[str, str] = {}
        """Recovery keys that this wallet keeps for a quorum, by thumbprint, each with a note."""
        self.continuations: dict[str, str] = {}
        """By verifier and key: what the verifier gave out with the last authentication."""

    def __repr__(self) -> str:
        return f"Wallet({len(self.identities)} identities, {len(self._keys)} keys)"

    def new_key(self, algorithm: str = ED25519) -> PublicKey:
        """Draw a key and keep it. Raises `InvalidKey` for an unknown algorithm, and for SM2 where
        its extra is not installed."""
        return self.add_key(draw_key(algorithm, self._random))

    def add_key(self, key: PrivateKey) -> PublicKey:
        """Keep a key that was made elsewhere."""
        self._keys[key.public.thumbprint] = key
        return key.public

    def key(self, thumbprint: str) -> PrivateKey:
        """The private key of that thumbprint. Raises `KeystoreError` where it is not held."""
        try:
            return self._keys[thumbprint]
        except KeyError:
            raise KeystoreError(f"this wallet does not hold the key {thumbprint[:80]}") from None

    def draw(self, *algorithms: str) -> Establishment:
        """Keys of these algorithms (Ed25519 where none is named) to come into force, and as many to
        follow them, for a first operation. Raises `InvalidKey`."""
        drawn = [(self.new_key(one), self.new_key(one)) for one in algorithms or (ED25519,)]
        return Establishment(
            [present.multikey for present, _ in drawn], [after.thumbprint for _, after in drawn]
        )

    def adopt(self, did: str, first: Establishment, *, name: str = "") -> None:
        """Speak for a DID from now on, with the keys of its first operation.

        Raises `KeystoreError` where this wallet does not hold them all.
        """
        thumbprints = [_thumbprint(multikey) for multikey in first.keys]
        for thumbprint in (*thumbprints, *first.next):
            self.key(thumbprint)
        self.identities[did] = Identity(thumbprints, list(first.next), name)

    def identity(self, did: str) -> Identity:
        """What is held for a DID. Raises `KeystoreError` where it is another's."""
        try:
            return self.identities[did]
        except KeyError:
            raise KeystoreError(
                f"this wallet holds no keys of {did[:120]}",
                hint="another wallet does, or it was registered elsewhere",
            ) from None

    def named(self, name: str) -> str:
        """The one DID with that name. Raises `KeystoreError` where there is none, or several."""
        found = [did for did, identity in self.identities.items() if identity.name == name]
        if len(found) != 1:
            raise KeystoreError(
                f"{len(found) or 'no'} identities of this wallet are called {name!r}",
                hint="name the DID; `tetrad keys list` shows whom the wallet knows",
            )
        return found[0]

    def signing_keys(self, did: str) -> list[str]:
        """The Multikeys with which this wallet signs for a DID: one of each kind that it has."""
        held = [self.key(thumbprint).public.multikey for thumbprint in self.identity(did).keys]
        return one_of_each_kind(held)

    def methods(self, did: str) -> list[str]:
        """The verification methods with which this wallet signs for a DID: `did#thumbprint`, one
        for each kind of key that it has in force."""
        return [f"{did}#{_thumbprint(multikey)}" for multikey in self.signing_keys(did)]

    def begin_rotation(self, did: str, *algorithms: str) -> Establishment:
        """The committed keys, revealed, and commitments to new ones of these algorithms, or of the
        same as before. Until the rotation is finished, the same again.

        So a change of algorithm takes two rotations: one that commits to it, one that reveals it.
        """
        identity = self.identity(did)
        revealed = [self.key(thumbprint).public for thumbprint in identity.next]
        if not identity.drawn:
            wanted = algorithms or [key.algorithm for key in revealed]
            identity.drawn = [self.new_key(algorithm).thumbprint for algorithm in wanted]
        return Establishment([key.multikey for key in revealed], list(identity.drawn))

    def rotation_methods(self, did: str) -> list[str]:
        """The verification methods that must sign a rotation: every new key."""
        return [f"{did}#{thumbprint}" for thumbprint in self.identity(did).next]

    def finish_rotation(self, did: str) -> None:
        """The rotation has its receipt: the new keys are in force, the old ones are forgotten."""
        identity = self.identity(did)
        if not identity.drawn:
            raise KeystoreError(f"no rotation of {did[:120]} is under way")
        before = identity.keys
        identity.keys, identity.next, identity.drawn = identity.next, identity.drawn, []
        self.forget(before)

    def forget(self, thumbprints: Iterable[str]) -> None:
        """Drops keys, but for those that something else stands on."""
        in_use = {*self.shares}
        for one in self.identities.values():
            in_use.update(one.keys, one.next, one.drawn)
        for other in self.takeovers.values():
            in_use.update(other.keys, other.next)
        for thumbprint in thumbprints:
            if thumbprint not in in_use:
                self._keys.pop(thumbprint, None)

    def sign(
        self, operation: Mapping[str, Any], *methods: str, created: str | None = None
    ) -> dict[str, Any]:
        """The operation with one proof for each method, after the proofs that others have made.

        A method is `did:key:M#M` or `did#thumbprint`; its key must be held. A proof of the same
        method that is there already is replaced. Raises `KeystoreError`, `MalformedInput`.
        """
        unsigned = {name: value for name, value in operation.items() if name != "proof"}
        proofs = [
            proof
            for proof in operation.get("proof", [])
            if proof.get("verificationMethod") not in methods
        ]
        for method in methods:
            key = self._key_of_method(method)
            options = proof_options(
                CRYPTOSUITES[key.public.algorithm], method, _OPERATION_PURPOSE, created
            )
            proofs.append(create_proof(unsigned, key, options))
        return {**unsigned, "proof": proofs}

    def present(
        self,
        did: str,
        credentials: Sequence[Mapping[str, Any]] = (),
        *,
        challenge: str,
        domain: str,
        created: str | None = None,
        nonce: str | None = None,
    ) -> dict[str, Any]:
        """The answer of a DID to a verifier's challenge: a presentation signed for
        `authentication`, with the credentials that are shown beside.

        `domain` is the verifier. Whoever calls has made sure that it is the one that was asked: an
        answer for another lets whoever passes it on in there. `nonce` is what the verifier gave out
        before (`continuation`). Raises `KeystoreError` for a DID that is not held.
        """
        shown: dict[str, Any] = {
            "@context": [BASE_CONTEXT],
            "type": ["VerifiablePresentation"],
            "holder": did,
        }
        if credentials:
            shown["verifiableCredential"] = [dict(one) for one in credentials]
        return self.answer(
            shown, did, challenge=challenge, domain=domain, created=created, nonce=nonce
        )

    def answer(
        self,
        document: Mapping[str, Any],
        did: str,
        *,
        challenge: str,
        domain: str,
        created: str | None = None,
        nonce: str | None = None,
    ) -> dict[str, Any]:
        """A document with which a DID answers a challenge: signed for `authentication`, by one key
        of each kind. Raises `KeystoreError` for a DID that is not held."""
        signed = dict(document)
        for method in self.methods(did):
            signed = secure(
                signed,
                self._key_of_method(method),
                method=method,
                purpose="authentication",
                created=created,
                challenge=challenge,
                domain=domain,
                nonce=nonce,
            )
        return signed

    def continuation(self, did: str, domain: str) -> str | None:
        """What this verifier gave out with the last authentication by the present key of a DID."""
        return self.continuations.get(f"{self.identity(did).keys[0]} {domain}")

    def keep_continuation(self, did: str, domain: str, given: str) -> None:
        """Keep it for the next time; those of keys that are held no more are forgotten."""
        self.continuations[f"{self.identity(did).keys[0]} {domain}"] = given
        for place in [one for one in self.continuations if one.split(" ")[0] not in self._keys]:
            del self.continuations[place]

    def _key_of_method(self, method: str) -> PrivateKey:
        did, _, fragment = method.partition("#")
        return self.key(_thumbprint(fragment) if did.startswith("did:key:") else fragment)

    def keep_receipt(self, operation_hash: str, receipt: Mapping[str, Any]) -> None:
        """Keep what proves that an operation was accepted; the newest replaces the one before."""
        self.receipts[operation_hash] = dict(receipt)

    def to_json(self) -> dict[str, Any]:
        """Everything, the secrets included, as JSON values: for a keystore and nothing else."""
        return {
            "format": FORMAT,
            "keys": {
                thumbprint: {
                    "algorithm": key.public.algorithm,
                    "secret": base64url_encode(key.secret()),
                }
                for thumbprint, key in self._keys.items()
            },
            "identities": {
                did: {
                    "name": identity.name,
                    "keys": identity.keys,
                    "next": identity.next,
                    "drawn": identity.drawn,
                }
                for did, identity in self.identities.items()
            },
            "receipts": self.receipts,
            "takeovers": {did: asdict(one) for did, one in self.takeovers.items()},
            "shares": self.shares,
            "continuations": self.continuations,
        }

    @classmethod
    def from_json(cls, value: object, random: Callable[[int], bytes]) -> Wallet:
        """The inverse of `to_json`. Raises `KeystoreError` for anything else."""
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise KeystoreError("not a wallet of a format that this version reads")
        wallet = cls(random)
        try:
            for thumbprint, stored in value["keys"].items():
                key = private_key(stored["algorithm"], base64url_decode(stored["secret"]))
                if wallet.add_key(key).thumbprint != thumbprint:
                    raise KeystoreError("a key of the wallet stands under another's name")
            for did, stored in value["identities"].items():
                wallet.identities[did] = _identity(stored)
            for operation_hash, receipt in value["receipts"].items():
                wallet.keep_receipt(operation_hash, receipt)
            wallet._read_optional(value)
        except (AttributeError, KeyError, TypeError, ValueError, TetradError) as error:
            if isinstance(error, KeystoreError):
                raise
            raise KeystoreError("the wallet is damaged: a member is missing or wrong") from None
        return wallet

    def _read_optional(self, value: Mapping[str, Any]) -> None:
        """What a wallet that was made earlier has not."""
        for did, stored in value.get("takeovers", {}).items():
            self.takeovers[did] = read_takeover(stored)
        for thumbprint, note in value.get("shares", {}).items():
            self.shares[self.key(thumbprint).public.thumbprint] = str(note)
        for place, given in value.get("continuations", {}).items():
            self.continuations[str(place)] = str(given)


def _thumbprint(multikey: str) -> str:
    """Of a Multikey that is looked for, not trusted: any text has one."""
    return multihash(multikey.encode("utf-8", "replace"))


def _identity(stored: Mapping[str, Any]) -> Identity:
    lists = [stored["keys"], stored["next"], stored["drawn"]]
    if not all(isinstance(x, list) and all(isinstance(t, str) for t in x) for x in lists):
        raise MalformedInput("an identity names its keys in lists")
    if not isinstance(stored["name"], str) or not stored["keys"]:
        raise MalformedInput("an identity has a name and at least one key")
    return Identity(stored["keys"], stored["next"], stored["name"], stored["drawn"])
