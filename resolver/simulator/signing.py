"""Parties with keys, and the operations that they sign.

    book = Book(ledger, seed)
    acme = book.party("organization", 0, name="Acme")
    signed = book.sign("organization.register", {"name": "Acme", **acme.keys(0)}, created, new=acme)
    book.accepted(signed, acme)                       # once the ledger has it

Operations are built by `resolver.prepare`, the very function behind the service's `prepare` and the
SDK; the book knows where each party stands, as a client that keeps its own records does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from identity.did import tetrad_did, tetrad_method
from identity.jcs import Json, canonicalize
from identity.keys import ED25519, PrivateKey, algorithms_named
from identity.members import parse_time
from resolver.positions import Position
from resolver.prepare import ESTABLISHING, prepare
from resolver.schemes import SCHEMES
from resolver.simulator.seed import Name, Seed


@dataclass
class Party:
    """An organization or a device: its keys, and its place in its own sequence."""

    names: tuple[Name, ...]
    """What its keys follow from."""
    seed: Seed
    name: str = ""
    algorithm: str = ED25519
    did: str = ""
    controller: str = ""
    """The DID that acts for it; its own unless it is a device."""
    sequence: int = 0
    previous: str = ""
    generation: int = 0
    """How often its keys were rotated."""
    _keys: dict[int, list[PrivateKey]] = field(default_factory=dict, repr=False)

    def keys_of(self, generation: int) -> list[PrivateKey]:
        """Its keys after so many rotations; two of a pair."""
        if generation not in self._keys:
            first, *others = algorithms_named(self.algorithm)
            names = (*self.names, generation)
            self._keys[generation] = [
                self.seed.key(*names, algorithm=first),
                *(self.seed.key(*names, other, algorithm=other) for other in others),
            ]
        return self._keys[generation]

    @property
    def key(self) -> PrivateKey:
        """Its present key, the classical one of a pair."""
        return self.keys_of(self.generation)[0]

    @property
    def method(self) -> str:
        """Its present key as a verification method."""
        return self.methods[0]

    @property
    def methods(self) -> list[str]:
        """All its present keys, which sign together: it has one of each kind at most."""
        return [
            tetrad_method(self.did, key.public.thumbprint) for key in self.keys_of(self.generation)
        ]

    def keys(self, generation: int) -> dict[str, Json]:
        """`keys` and `next` of an operation that puts its keys of that generation in force."""
        return {
            "keys": [key.public.multikey for key in self.keys_of(generation)],
            "next": [key.public.thumbprint for key in self.keys_of(generation + 1)],
        }


class Signed(NamedTuple):
    """A signed operation with its disclosures."""

    operation: dict[str, Json]
    disclosures: list[str]
    hash: str

    @property
    def type(self) -> str:
        """The type of the operation."""
        return cast("str", self.operation["type"])

    @property
    def submission(self) -> bytes:
        """What is posted: canonical JSON, so that it is one line of a batch as well."""
        return canonicalize(
            {"operation": self.operation, "disclosures": cast("list[Json]", self.disclosures)}
        )


class _Now:
    """The ledger as the parties of one operation know it (resolver.prepare.Present)."""

    def __init__(self, ledger: str, parties: Sequence[Party]) -> None:
        self.ledger = ledger
        self._parties = parties

    def position(self, did: str) -> Position | None:
        """Where a party stands."""
        for party in self._parties:
            if party.did == did:
                return Position(party.sequence, party.previous, party.controller or did)
        return None

    def key(self, thumbprint: str) -> tuple[str, str] | None:
        """Whose key this is, if it is one of theirs."""
        for party in self._parties:
            for key in party.keys_of(party.generation) if party.did else ():
                if key.public.thumbprint == thumbprint:
                    return party.did, key.public.multikey
        return None


class Book:
    """Builds and signs operations for one ledger."""

    def __init__(self, ledger: str, seed: Seed) -> None:
        """`ledger` is the operation hash of its genesis."""
        self.ledger = ledger
        self.seed = seed

    def party(self, *names: Name, name: str = "", algorithm: str = ED25519) -> Party:
        """A party that the ledger does not know yet."""
        return Party(names, self.seed, name, algorithm)

    def sign(
        self,
        type_: str,
        body: Mapping[str, Json],
        created: str,
        *,
        by: Sequence[Party] = (),
        new: Party | None = None,
        subject: Party | None = None,
        **members: Json,
    ) -> Signed:
        """An operation about `subject`, signed by the new key of `new`, if any, and by all of `by`.

        The body is a plain description, as `resolver.prepare` reads it; `members` are further ones
        of it, such as `as`. Nobody moves: see `accepted`. Raises what `prepare` raises.
        """
        description: dict[str, Json] = {
            "type": type_,
            "body": dict(body),
            "created": created,
            "signers": [{"method": one} for signer in by for one in signer.methods],
            **members,
        }
        if subject is not None:
            description["subject"] = subject.did
        about = subject or new or by[0]
        salts = self.seed.source("salt", *about.names, type_, about.sequence)
        known = _Now(self.ledger, [*by, *([subject] if subject else [])])
        prepared = prepare(description, known, SCHEMES, parse_time(created), salts)
        signing = [key for signer in by for key in signer.keys_of(signer.generation)]
        if new is not None:
            signing += new.keys_of(new.generation + (subject is not None))
        keys = {key.public.thumbprint: key for key in signing}
        keys |= {key.public.multikey: key for key in signing}
        signed = prepared.signed(
            {
                wanted.method: keys[wanted.method.rpartition("#")[2]].sign(wanted.input)
                for wanted in prepared.signing
            }
        )
        operation = {**signed.operation, "proof": cast("Json", list(signed.proofs))}
        return Signed(operation, list(signed.disclosures), prepared.hash)

    def accepted(self, signed: Signed, party: Party) -> None:
        """Moves a party to where the ledger has it after an operation about it."""
        if signed.type in ESTABLISHING:
            party.did = tetrad_did(self.ledger, signed.hash)
            party.previous = signed.hash
        elif "sequence" in signed.operation:
            party.sequence = cast("int", signed.operation["sequence"])
            party.previous = signed.hash
            party.generation += signed.type == "keys.rotate"
