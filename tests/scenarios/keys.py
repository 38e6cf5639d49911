"""Scenarios of keys.rotate: only what was committed to, revealed by its holder, takes over."""

from __future__ import annotations

from identity.did import did_key_method, tetrad_method
from identity.errors import (
    KeyReused,
    SignerMissing,
    SignerUnexpected,
    UnknownMethod,
    WrongSequence,
    WrongState,
)
from identity.keys import PrivateKey
from tests.factory import Signed, Subject, key, sign
from tests.scenarios import Town, accepted, refused

A, B, C = (key(f"spare {name}") for name in "abc")


def rotation(
    town: Town, subject: Subject, new: list[PrivateKey], following: list[PrivateKey]
) -> Signed:
    """A rotation to keys, all of which sign."""
    body = {
        "keys": [one.public.multikey for one in new],
        "next": [one.public.thumbprint for one in following],
    }
    methods = [(one, tetrad_method(subject.did, one.public.thumbprint)) for one in new]
    return town.follow(subject, "keys.rotate", body, methods=methods)


def spare_keys(town: Town, *following: PrivateKey) -> Subject:
    """Acme, rotated once and committed to several keys."""
    town.accept(rotation(town, town.acme, [town.acme.next_key], list(following)))
    return town.acme


@accepted
def keys_rotate__device(town: Town) -> Signed:
    """A device's committed key takes over."""
    return town.rotate(town.meter())


@accepted
def keys_rotate__organization(town: Town) -> Signed:
    """An organization's as well."""
    return town.rotate(town.acme)


@accepted
def keys_rotate__authority(town: Town) -> Signed:
    """And the authority's."""
    return town.rotate(town.authority)


@accepted
def keys_rotate__twice_in_a_row(town: Town) -> Signed:
    """Each rotation commits to the next."""
    town.accept(town.rotate(town.acme))
    return town.rotate(town.acme)


@accepted
def keys_rotate__one_of_two(town: Town) -> Signed:
    """Not all commitments need be revealed; what stays hidden may be committed to again."""
    return rotation(town, spare_keys(town, A, B), [A], [B, C])


@accepted
def keys_rotate__both_of_two(town: Town) -> Signed:
    """Two keys take over, and both sign."""
    return rotation(town, spare_keys(town, A, B), [A, B], [C])


@accepted
def keys_rotate__while_suspended(town: Town) -> Signed:
    """A suspension gives the time to replace stolen keys."""
    town.suspend(town.acme)
    return town.rotate(town.acme)


@refused(UnknownMethod, "/body/keys/0")
def keys_rotate__not_committed(town: Town) -> Signed:
    """A thief of the present key cannot choose the next."""
    return rotation(town, town.acme, [A], [B])


@refused(SignerMissing, "/proof")
def keys_rotate__one_key_did_not_sign(town: Town) -> Signed:
    """Every new key signs."""
    acme = spare_keys(town, A, B)
    signed = rotation(town, acme, [A, B], [C])
    only = (A, tetrad_method(acme.did, A.public.thumbprint))
    return Signed(sign(signed.operation, only), [])


@refused(SignerUnexpected, "/proof")
def keys_rotate__old_key_signs_too(town: Town) -> Signed:
    """The old key is not asked, and so does not sign."""
    acme = town.acme
    signed = town.rotate(acme)
    new = (acme.next_key, tetrad_method(acme.did, acme.next_key.public.thumbprint))
    return Signed(sign(signed.operation, new, acme.method), [])


@refused(SignerUnexpected, "/proof")
def keys_rotate__controller_signs_too(town: Town) -> Signed:
    """Nor does a device's controller."""
    meter = town.meter()
    new = (meter.next_key, tetrad_method(meter.did, meter.next_key.public.thumbprint))
    return Signed(sign(town.rotate(meter).operation, new, town.acme.method), [])


@refused(UnknownMethod, "/proof/0/verificationMethod")
def keys_rotate__as_did_key(town: Town) -> Signed:
    """New keys sign as methods of the DID that they are about to belong to."""
    one = town.acme.next_key
    operation = sign(town.rotate(town.acme).operation, (one, did_key_method(one.public.multikey)))
    return Signed(operation, [])


@refused(KeyReused, "/body/next/0")
def keys_rotate__back_to_an_old_key(town: Town) -> Signed:
    """What served before is not committed to again."""
    first = town.acme.key
    town.accept(town.rotate(town.acme))
    return rotation(town, town.acme, [town.acme.next_key], [first])


@refused(KeyReused, "/body/next/0")
def keys_rotate__to_a_key_of_another(town: Town) -> Signed:
    """Nor is a key of another subject."""
    return rotation(town, town.acme, [town.acme.next_key], [town.beta.key])


@refused(KeyReused, "/body/next")
def keys_rotate__own_successor(town: Town) -> Signed:
    """A new key cannot be committed to as its own successor."""
    new = town.acme.next_key
    return rotation(town, town.acme, [new], [new])


@refused(WrongSequence, "/sequence")
def keys_rotate__overtaken(town: Town) -> Signed:
    """A rotation that another operation overtook is signed anew."""
    signed = town.rotate(town.acme)
    town.accept(town.follow(town.acme, "organization.update", {"name": "A"}))
    return signed


@refused(WrongState, "/subject")
def keys_rotate__revoked(town: Town) -> Signed:
    """What is revoked rotates no more."""
    meter = town.meter()
    town.revoke(meter)
    return town.rotate(meter)
