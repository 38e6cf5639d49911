"""Scenarios of registry.update: the authority's committed keys alone say who signs the log."""

from __future__ import annotations

from identity.did import tetrad_method
from identity.errors import (
    InvalidKey,
    KeyReused,
    SignerMissing,
    SignerUnexpected,
    TimeOutOfBounds,
    UnknownMethod,
    WrongSequence,
    WrongState,
)
from identity.keys import PrivateKey
from registry.note import SignatureType, Signer
from tests.factory import ORIGIN, Signed, Subject, key, log_vkeys, sign
from tests.scenarios import Town, accepted, refused

POLICY = {"created": {"past": 60, "future": 60}, "ipv6": "optional", "prefixes": 1}
WITNESSES = "log " + log_vkeys(0)[0] + "\nquorum none\n"
SPARE = key("spare authority")


def update(
    town: Town, new: PrivateKey, following: PrivateKey, subject: Subject | None = None
) -> Signed:
    """An update of the log's keys to keys of the authority's that need not be committed to."""
    who = subject or town.authority
    body = {
        "keys": [new.public.multikey],
        "next": [following.public.thumbprint],
        "log": log_vkeys(1),
    }
    method = (new, tetrad_method(who.did, new.public.thumbprint))
    return town.follow(who, "registry.update", body, methods=[method])


@accepted
def registry_update__log_keys(town: Town) -> Signed:
    """Other keys sign the log from the next tree on."""
    return town.update_registry(log=log_vkeys(1))


@accepted
def registry_update__log_keys_twice(town: Town) -> Signed:
    """And others after them; the record names those that were replaced last."""
    town.accept(town.update_registry(log=log_vkeys(1)))
    return town.update_registry(log=log_vkeys(2))


@accepted
def registry_update__one_key_of_two(town: Town) -> Signed:
    """A key may stay while another beside it is replaced."""
    return town.update_registry(log=[log_vkeys(0)[0], log_vkeys(1)[1]])


@accepted
def registry_update__policy(town: Town) -> Signed:
    """Another policy, in force from the next entry on."""
    return town.update_registry(policy=POLICY)


@accepted
def registry_update__witnesses(town: Town) -> Signed:
    """A recommendation to clients, kept as it is."""
    return town.update_registry(witnesses=WITNESSES)


@accepted
def registry_update__everything(town: Town) -> Signed:
    """All three at once."""
    return town.update_registry(log=log_vkeys(1), policy=POLICY, witnesses=WITNESSES)


@accepted
def registry_update__after_a_rotation(town: Town) -> Signed:
    """The keys committed to by keys.rotate serve as well."""
    town.accept(town.rotate(town.authority))
    return town.update_registry(log=log_vkeys(1))


@refused(TimeOutOfBounds, "/created")
def registry_update__policy_is_in_force(town: Town) -> Signed:
    """What the new policy forbids is refused from the next entry on."""
    signed = town.rotate(town.acme)
    town.accept(town.update_registry(policy=POLICY))
    town.now += 61
    return signed


@refused(UnknownMethod, "/body/keys/0")
def registry_update__not_committed(town: Town) -> Signed:
    """A thief of the authority's present key cannot name keys of the log."""
    return update(town, SPARE, key("after it"))


@refused(UnknownMethod, "/body/keys/0")
def registry_update__present_key(town: Town) -> Signed:
    """Nor with that key itself."""
    return update(town, town.authority.key, key("after it"))


@refused(SignerMissing, "/proof")
def registry_update__not_signed_by_the_new_key(town: Town) -> Signed:
    """The key that takes over signs, and not the present one for it."""
    operation = town.update_registry(log=log_vkeys(1)).operation
    return Signed(sign(operation, town.authority.method), [])


@refused(SignerUnexpected, "/proof")
def registry_update__another_signs_too(town: Town) -> Signed:
    """Nobody else signs."""
    signed = town.update_registry(log=log_vkeys(1))
    new = town.authority.next_key
    own = (new, tetrad_method(town.authority.did, new.public.thumbprint))
    return Signed(sign(signed.operation, own, town.acme.method), [])


@refused(WrongState, "/subject")
def registry_update__by_an_organization(town: Town) -> Signed:
    """An organization has no say about the registry, even under its own committed keys."""
    return update(town, town.acme.next_key, key("after it"), town.acme)


@refused(WrongSequence, "/sequence")
def registry_update__overtaken(town: Town) -> Signed:
    """An update that another operation of the authority overtook is signed anew."""
    signed = town.update_registry(log=log_vkeys(1))
    town.accept(town.follow(town.authority, "organization.update", {"name": "The state"}))
    return signed


@refused(UnknownMethod, "/body/keys/0")
def registry_update__held_back(town: Town) -> Signed:
    """Of two updates with one sequence, the second is refused: the log never goes back."""
    first = update(town, town.authority.next_key, key("after it"))
    town.accept(town.update_registry(log=log_vkeys(2)))
    return first


@refused(KeyReused, "/body/next/0")
def registry_update__back_to_an_old_key(town: Town) -> Signed:
    """What served is not committed to again."""
    return update(town, town.authority.next_key, town.authority.key)


@refused(WrongState, "/body/log")
def registry_update__the_same_log_keys(town: Town) -> Signed:
    """An update that names the keys in force would mean nothing."""
    return town.update_registry(log=log_vkeys(0))


@refused(InvalidKey, "/body/log/1")
def registry_update__of_another_name(town: Town) -> Signed:
    """A key of the log bears its name."""
    other = Signer("elsewhere.test", SignatureType.ED25519, bytes(32))
    return town.update_registry(log=[log_vkeys(1)[0], str(other.key)])


@refused(InvalidKey, "/body/log/0")
def registry_update__without_ed25519_first(town: Town) -> Signed:
    """The first key is the one that signs every commit."""
    return town.update_registry(log=log_vkeys(1)[::-1])


@refused(InvalidKey, "/body/log/0")
def registry_update__no_verifier_key(town: Town) -> Signed:
    """What stands there is a verifier key."""
    return town.update_registry(log=[f"{ORIGIN}+00000000+AQ=="])


@refused(InvalidKey, "/body/log/1")
def registry_update__the_same_key_twice(town: Town) -> Signed:
    """Each stands there once."""
    return town.update_registry(log=[log_vkeys(1)[0], log_vkeys(1)[0]])


@refused(InvalidKey, "/body/log/1")
def registry_update__a_cosignature_key(town: Town) -> Signed:
    """Ed25519 cosignatures are for witnesses."""
    witness = Signer(ORIGIN, SignatureType.ED25519_COSIGNATURE, bytes(32))
    return town.update_registry(log=[log_vkeys(1)[0], str(witness.key)])
