"""Who signed an operation, as parties of the ledger.

Signatures have been verified before under the keys that the proofs' methods name; a thumbprint is
the hash of its key, so that needs no state. Here each method is held against the state: it must be
a present key of a party in use. Then the parties must be those that the rule book's table asks for
(specs/2-registry.md, "Signers").
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from identity.errors import SignerMissing, SignerUnexpected, UnknownMethod, WrongState
from identity.keys import kind_of_multikey, thumbprint
from identity.members import Proof
from registry.state import State, Subject, subject_of


class Signers:
    """The parties that signed, by DID; the new keys of a first operation or a rotation apart.

    A first operation's keys sign as did:key, since their DID is not known before its hash is; a
    rotation's new keys sign as methods of the subject that they are about to belong to. Every new
    key must sign, so that nobody registers a key that is another's. A party that has keys of both
    kinds in force signs with exactly one of each, any other with exactly one.

    Raises UnknownMethod, SignerUnexpected, SignerMissing for a new key that did not sign or a kind
    that is missing, and WrongState for a party that is out of use; `lenient` names a subject that
    may sign all the same.
    """

    def __init__(
        self,
        state: State,
        proofs: Sequence[Proof],
        *,
        new_keys: Sequence[str] = (),
        rotating: str | None = None,
        lenient: str | None = None,
    ) -> None:
        self.parties: set[str] = set()
        signed: dict[str, set[str]] = {}  # the kinds of keys with which each party signed
        due: dict[str, set[str]] = {}  # and those that it has in force
        awaited = {
            f"{rotating}#{thumbprint(key)}" if rotating else f"did:key:{key}#{key}"
            for key in new_keys
        }
        seen: set[str] = set()
        for place, proof in enumerate(proofs):
            method, pointer = proof.verificationMethod, f"/proof/{place}/verificationMethod"
            if method in seen:
                raise SignerUnexpected("one proof for each method", pointer=pointer)
            seen.add(method)
            if method in awaited:
                awaited.discard(method)
                continue
            did, _, fragment = method.partition("#")
            party = _party(state, did, pointer)
            kind = _kind(party, fragment, pointer)
            if kind in signed.setdefault(did, set()):
                raise SignerUnexpected(
                    "a party signs once, with keys of both kinds once with each", pointer=pointer
                )
            if party["status"] != "active" and did != lenient:
                raise WrongState(f"the signer is {party['status']}", pointer=pointer, party=did)
            signed[did].add(kind)
            due[did] = {kind_of_multikey(key) for key in party["keys"]}
        self.parties.update(signed)
        if signed != due:
            raise SignerMissing(
                "a party with classical and post-quantum keys signs with one of each",
                pointer="/proof",
                missing=sorted(did for did in due if signed[did] != due[did]),
            )
        if awaited:
            raise SignerMissing(
                "every new key must sign, to prove that it is held",
                pointer="/proof",
                missing=sorted(awaited),
            )

    def all_of(self, required: Collection[str]) -> None:
        """Raises SignerMissing unless all of `required` signed."""
        missing = sorted(set(required) - self.parties)
        if missing:
            raise SignerMissing(
                f"{len(missing)} of the parties that must sign did not",
                pointer="/proof",
                missing=missing,
            )

    def exactly(self, required: Collection[str], also: Collection[str] = ()) -> None:
        """Raises unless all of `required` signed, and nobody else but `also`."""
        self.all_of(required)
        unexpected = sorted(self.parties - set(required) - set(also))
        if unexpected:
            raise SignerUnexpected(
                "the table of operations does not name this party",
                pointer="/proof",
                unexpected=unexpected,
            )

    def one_of(self, entitled: Callable[[str], bool]) -> str:
        """The single party that signed, which must be entitled. Raises as above."""
        if not self.parties:
            raise SignerMissing("a party of the ledger must sign", pointer="/proof")
        if len(self.parties) > 1:
            raise SignerUnexpected("one party signs this", pointer="/proof")
        (party,) = self.parties
        if not entitled(party):
            raise SignerUnexpected(
                "the signer has no right to this operation",
                pointer="/proof",
                hint="specs/2-registry.md, Signers, names who must sign",
                unexpected=[party],
            )
        return party


def _party(state: State, did: str, pointer: str) -> Subject:
    """Whom a method belongs to."""
    party = subject_of(state, did)
    if party is None:
        raise UnknownMethod("no such party on this ledger", pointer=pointer)
    return party


def _kind(party: Subject, fragment: str, pointer: str) -> str:
    """Of the party's key with that thumbprint."""
    for key in party["keys"]:
        if thumbprint(key) == fragment:
            return kind_of_multikey(key)
    raise UnknownMethod(
        "this is not a present key of that party",
        pointer=pointer,
        hint="sign with its newest keys; earlier ones ended with their rotation",
    )
