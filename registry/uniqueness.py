"""Keyed hashes of committed values: how a ledger tells that two of them are equal, unseen.

    uniqueness = Uniqueness.of("ecvrf-edwards25519-sha512-tai", secret)      # for who runs a ledger
    uniqueness.hash("number", "iccid", "8986…")                              # 43 characters
    proof = uniqueness.prove("number", "iccid", "8986…")                     # 80 bytes
    verify_unique(genesis["uniqueness"], "number", "iccid", "8986…", proof)  # for everybody else

The genesis names one of two functions over JCS [kind, scheme, canonical value]. Under `hmac-sha256`
a hash is what the operator says it is. Under the VRF it can be proved to whoever knows the value,
and with it that a state map which has nothing under that hash has nothing about that value.
Specified in specs/2-registry.md, "Admission" 5 to 8; argued in specs/adr/0054-unique-by-vrf.md.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from identity.errors import InvalidKey, InvalidVrfProof, TetradError
from identity.jcs import Json, canonicalize
from identity.multibase import base64url_decode, base64url_encode
from identity.vrf import VrfKey, verify
from registry.admission import UniqueHash
from registry.state import Key

HMAC: Final = "hmac-sha256"
ECVRF: Final = "ecvrf-edwards25519-sha512-tai"
ALGORITHMS: Final = (HMAC, ECVRF)
HASH_BYTES: Final = 32

Prove = Callable[[str, str, Json], bytes]
"""(kind, scheme, canonical value) -> the proof of its keyed hash."""


@dataclass(frozen=True, slots=True)
class Uniqueness:
    """The keyed hash of one ledger, for who holds its secret."""

    member: dict[str, Json]
    """`uniqueness` of the genesis."""
    hash: UniqueHash = field(repr=False)
    prove: Prove | None = field(repr=False, default=None)
    """None under hmac-sha256, where nothing can be proved."""

    @classmethod
    def of(cls, alg: str, secret: bytes) -> Uniqueness:
        """The function of that name under a secret of 32 bytes. Raises InvalidKey."""
        if alg == HMAC:
            return cls({"alg": HMAC}, _hmac(secret))
        if alg != ECVRF:
            raise InvalidKey(
                f"no keyed hash of the name {alg[:40]!r}", hint=" or ".join(ALGORITHMS)
            )
        key = VrfKey(secret)

        def hashed(kind: str, scheme: str, value: Json) -> str:
            return _shortened(key.evaluate(_message(kind, scheme, value)))

        def prove(kind: str, scheme: str, value: Json) -> bytes:
            return key.prove(_message(kind, scheme, value))

        return cls({"alg": ECVRF, "key": base64url_encode(key.public)}, hashed, prove)


def verify_unique(
    uniqueness: Mapping[str, Json], kind: str, scheme: str, value: Json, proof: bytes
) -> str:
    """The keyed hash of a canonical value, 43 characters, where the proof shows it to be that.

    `uniqueness` is that of the pinned genesis. Raises InvalidVrfProof, also where that names a
    function that proves nothing, and InvalidKey.
    """
    key = uniqueness.get("key")
    if uniqueness.get("alg") != ECVRF or not isinstance(key, str):
        raise InvalidVrfProof("the keyed hashes of this ledger are its operator's word")
    try:
        public = base64url_decode(key)
    except TetradError as error:
        raise InvalidKey(f"the VRF key of the genesis: {error.detail}") from None
    return _shortened(verify(public, _message(kind, scheme, value), proof))


def verify_shown(
    uniqueness: Mapping[str, Json], kind: str, scheme: str, value: Json, shown: Json
) -> Key:
    """The state's key of a canonical value, out of the member `unique` of an answer.

    `shown` is {"key": [kind, scheme, keyed hash], "proof": base64url}. Raises InvalidVrfProof where
    it is anything else, or the key is not the one that the proof proves.
    """
    if not isinstance(shown, dict) or not isinstance(proof := shown.get("proof"), str):
        raise InvalidVrfProof("the keyed hash comes with its proof", pointer="/unique")
    try:
        sent = base64url_decode(proof)
    except TetradError as error:
        raise InvalidVrfProof(f"the proof of the keyed hash: {error.detail}") from None
    key = (kind, scheme, verify_unique(uniqueness, kind, scheme, value, sent))
    if shown.get("key") != list(key):
        raise InvalidVrfProof("the proof is of another keyed hash", pointer="/unique/key")
    return key


def _hmac(secret: bytes) -> UniqueHash:
    keyed = hmac.new(secret, digestmod="sha256")  # setting up a key costs more than using it

    def hashed(kind: str, scheme: str, value: Json) -> str:
        copied = keyed.copy()
        copied.update(canonicalize([kind, scheme, value]))
        return base64url_encode(copied.digest())

    return hashed


def _message(kind: str, scheme: str, value: Json) -> bytes:
    return canonicalize([kind, scheme, value])


def _shortened(beta: bytes) -> str:
    # The first half of a SHA-512: as hard to collide as SHA-256, and no second hash to get wrong.
    return base64url_encode(beta[:HASH_BYTES])
