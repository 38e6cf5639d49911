"""Scenarios of the genesis and of organizations: who admits, who signs, in which order."""

from __future__ import annotations

from identity.did import did_key_method, tetrad_method
from identity.errors import (
    KeyReused,
    NotFound,
    SignerMissing,
    SignerUnexpected,
    TimeOutOfBounds,
    UnknownMethod,
    WrongLedger,
    WrongSequence,
    WrongState,
)
from tests.factory import Maker, Operation, Signed, key, sign
from tests.scenarios import Blank, Town, accepted, accepted_in, permissioned, refused


def newcomer(town: Town, **options: object) -> Signed:
    first = town.new_organization("Gamma", **options).first  # type: ignore[arg-type]
    assert first is not None
    return first


def redone(signed: Signed, operation: Operation, *names: str) -> Signed:
    """The operation with other content, signed by keys of those names as did:key."""
    keys = [key(name) for name in names]
    proofs = [(one, did_key_method(one.public.multikey)) for one in keys]
    return Signed(sign(operation, *proofs), signed.disclosures)


@accepted_in(Blank)
def registry_genesis__begins_a_ledger(town: Town) -> Signed:
    """A genesis that its keys have signed begins the ledger and creates the authority."""
    return town.genesis


@refused(WrongLedger, "", world=Town)
def registry_genesis__second(town: Town) -> Signed:
    """A ledger has one genesis."""
    return Maker("permissioned", now=town.now).genesis


@refused(SignerMissing, "/proof", world=Blank)
def registry_genesis__one_of_two_keys(town: Town) -> Signed:
    """Every key of the genesis signs it."""
    genesis = town.genesis.operation
    keys = [*genesis["body"]["keys"], key("second").public.multikey]
    body = {**genesis["body"], "keys": keys}
    return redone(town.genesis, {**genesis, "body": body}, "authority/0")


@refused(WrongLedger, "/type", world=Blank)
def organization_register__before_the_genesis(town: Town) -> Signed:
    """Nothing stands before the genesis."""
    return newcomer(town)


@accepted
def organization_register__sandbox(town: Town) -> Signed:
    """A sandbox admits anyone who holds the keys."""
    return newcomer(town)


@accepted
def organization_register__p_256(town: Town) -> Signed:
    """The keys may be P-256, which signs as ecdsa-jcs-2019."""
    return newcomer(town, algorithm="P-256")


@accepted_in(permissioned)
def organization_register__by_the_authority(town: Town) -> Signed:
    """The authority admits."""
    return newcomer(town, admitted_by=town.authority)


@accepted_in(permissioned)
def organization_register__by_a_holder_of_admit(town: Town) -> Signed:
    """Whoever was granted `admit` admits."""
    town.accept(town.grant(town.authority, "admit", town.acme, {}))
    return newcomer(town, admitted_by=town.acme)


@refused(SignerMissing, "/proof", world=permissioned)
def organization_register__not_admitted(town: Town) -> Signed:
    """On a permissioned ledger nobody admits itself."""
    return newcomer(town)


@refused(SignerUnexpected, "/proof", world=permissioned)
def organization_register__by_an_organization_without_admit(town: Town) -> Signed:
    """An organization without the right does not admit."""
    return newcomer(town, admitted_by=town.acme)


@refused(SignerUnexpected, "/proof", world=permissioned)
def organization_register__admit_withdrawn(town: Town) -> Signed:
    """A withdrawn right admits nobody."""
    grant = town.grant(town.authority, "admit", town.acme, {})
    town.accept(grant)
    town.accept(town.withdraw(grant))
    return newcomer(town, admitted_by=town.acme)


@refused(SignerUnexpected, "/proof", world=permissioned)
def organization_register__admit_expired(town: Town) -> Signed:
    """A right ends with its notAfter."""
    town.accept(town.grant(town.authority, "admit", town.acme, {}, notAfter=town.in_a_day()))
    town.now += 86_401
    return newcomer(town, admitted_by=town.acme)


@refused(WrongState, "/proof/1/verificationMethod", world=permissioned)
def organization_register__suspended_admitter(town: Town) -> Signed:
    """Who is suspended admits nobody."""
    town.accept(town.grant(town.authority, "admit", town.acme, {}))
    town.suspend(town.acme)
    return newcomer(town, admitted_by=town.acme)


@refused(SignerUnexpected, "/proof", world=permissioned)
def organization_register__two_admitters(town: Town) -> Signed:
    """One party admits."""
    town.accept(town.grant(town.authority, "admit", town.acme, {}))
    signed = newcomer(town, admitted_by=town.acme)
    gamma = key("Gamma/0")
    method = (gamma, did_key_method(gamma.public.multikey))
    operation = sign(signed.operation, method, town.acme.method, town.authority.method)
    return Signed(operation, [])


@refused(SignerUnexpected, "/proof")
def organization_register__needless_signature(town: Town) -> Signed:
    """In a sandbox nobody admits, and so nobody else signs."""
    return newcomer(town, admitted_by=town.acme)


@refused(SignerMissing, "/proof")
def organization_register__key_of_another(town: Town) -> Signed:
    """A key that did not sign may be anybody's."""
    signed = newcomer(town)
    keys = [*signed.operation["body"]["keys"], key("somebody").public.multikey]
    body = {**signed.operation["body"], "keys": keys}
    return redone(signed, {**signed.operation, "body": body}, "Gamma/0")


@refused(KeyReused, "/body/keys/0")
def organization_register__key_reused(town: Town) -> Signed:
    """A key belongs to one subject, for ever."""
    signed = newcomer(town)
    body = {**signed.operation["body"], "keys": [town.acme.key.public.multikey]}
    return redone(signed, {**signed.operation, "body": body}, "Acme/0")


@refused(KeyReused, "/body/keys/1")
def organization_register__same_key_twice(town: Town) -> Signed:
    """Two keys are two."""
    signed = newcomer(town)
    keys = signed.operation["body"]["keys"] * 2
    body = {**signed.operation["body"], "keys": keys}
    return redone(signed, {**signed.operation, "body": body}, "Gamma/0")


@refused(KeyReused, "/body/next")
def organization_register__own_successor(town: Town) -> Signed:
    """A key cannot be committed to as its own successor."""
    signed = newcomer(town)
    body = {**signed.operation["body"], "next": [key("Gamma/0").public.thumbprint]}
    return redone(signed, {**signed.operation, "body": body}, "Gamma/0")


@refused(KeyReused, "/body/next")
def organization_register__same_commitment_twice(town: Town) -> Signed:
    """Two commitments are two."""
    signed = newcomer(town)
    body = {**signed.operation["body"], "next": signed.operation["body"]["next"] * 2}
    return redone(signed, {**signed.operation, "body": body}, "Gamma/0")


@refused(WrongLedger, "/ledger")
def organization_register__of_another_ledger(town: Town) -> Signed:
    """An operation is signed for one ledger and replays into no other."""
    first = Maker("permissioned", now=town.now).new_organization("Gamma").first
    assert first is not None
    return first


@refused(TimeOutOfBounds, "/created")
def organization_register__too_old(town: Town) -> Signed:
    """`created` lies at most so far in the past as the genesis says."""
    signed = newcomer(town)
    town.now += 86_401
    return signed


@refused(TimeOutOfBounds, "/created")
def organization_register__too_early(town: Town) -> Signed:
    """`created` lies at most so far in the future as the genesis says."""
    town.now += 301
    signed = newcomer(town)
    town.now -= 301
    return signed


@accepted
def organization_register__just_in_time(town: Town) -> Signed:
    """The bounds of `created` are inclusive."""
    signed = newcomer(town)
    town.now += 86_400
    return signed


@accepted
def organization_update__name(town: Town) -> Signed:
    """An organization changes its own name."""
    return town.follow(town.acme, "organization.update", {"name": "Acme Meters"})


@accepted
def organization_update__authority(town: Town) -> Signed:
    """So does the authority."""
    return town.follow(town.authority, "organization.update", {"name": "City of Bern"})


@refused(SignerMissing, "/proof")
def organization_update__by_another(town: Town) -> Signed:
    """Not even the authority speaks in another's name."""
    return town.follow(town.acme, "organization.update", {"name": "A"}, by=[town.authority])


@refused(SignerUnexpected, "/proof")
def organization_update__needless_signature(town: Town) -> Signed:
    """Exactly the parties of the table sign."""
    return town.follow(town.acme, "organization.update", {"name": "A"}, by=[town.acme, town.beta])


@refused(SignerUnexpected, "/proof/1/verificationMethod")
def organization_update__same_method_twice(town: Town) -> Signed:
    """One proof for each method."""
    return town.follow(town.acme, "organization.update", {"name": "A"}, by=[town.acme, town.acme])


@refused(UnknownMethod, "/proof/0/verificationMethod")
def organization_update__as_did_key(town: Town) -> Signed:
    """A party of the ledger signs under its DID there; did:key is for first operations."""
    one = town.acme.key
    method = (one, did_key_method(one.public.multikey))
    return town.follow(town.acme, "organization.update", {"name": "A"}, methods=[method])


@refused(UnknownMethod, "/proof/0/verificationMethod")
def organization_update__key_of_another_under_its_did(town: Town) -> Signed:
    """A good key under a DID that it does not belong to."""
    one = town.beta.key
    method = (one, tetrad_method(town.acme.did, one.public.thumbprint))
    return town.follow(town.acme, "organization.update", {"name": "A"}, methods=[method])


@refused(UnknownMethod, "/proof/0/verificationMethod")
def organization_update__rotated_key(town: Town) -> Signed:
    """A key ends with its rotation."""
    old = town.acme.method
    town.accept(town.rotate(town.acme))
    return town.follow(town.acme, "organization.update", {"name": "A"}, methods=[old])


@refused(UnknownMethod, "/proof/0/verificationMethod")
def organization_update__key_not_yet_revealed(town: Town) -> Signed:
    """A commitment is no key yet."""
    one = town.acme.next_key
    method = (one, tetrad_method(town.acme.did, one.public.thumbprint))
    return town.follow(town.acme, "organization.update", {"name": "A"}, methods=[method])


@refused(WrongSequence, "/sequence")
def organization_update__sequence_again(town: Town) -> Signed:
    """Two operations with one sequence: the second comes too late."""
    signed = town.follow(town.acme, "organization.update", {"name": "A"})
    town.accept(town.follow(town.acme, "organization.update", {"name": "B"}))
    return signed


@refused(WrongSequence, "/sequence")
def organization_update__wrong_previous(town: Town) -> Signed:
    """The right sequence upon another history."""
    signed = town.follow(town.acme, "organization.update", {"name": "A"})
    return Signed(sign({**signed.operation, "previous": town.ledger_hash}, town.acme.method), [])


@refused(WrongState, "/subject")
def organization_update__of_a_device(town: Town) -> Signed:
    """A device is no organization."""
    return town.follow(town.meter(), "organization.update", {"name": "A"})


@refused(NotFound, "/subject")
def organization_update__unknown(town: Town) -> Signed:
    """A DID that this ledger does not know."""
    gamma = town.new_organization("Gamma")
    return town.follow(gamma, "organization.update", {"name": "A"})


@refused(WrongState, "/proof/0/verificationMethod")
def organization_update__suspended(town: Town) -> Signed:
    """Who is suspended changes nothing."""
    town.suspend(town.acme)
    return town.follow(town.acme, "organization.update", {"name": "A"})


@refused(WrongState, "/subject")
def organization_update__revoked(town: Town) -> Signed:
    """What is revoked stays as it is."""
    town.revoke(town.acme)
    return town.follow(town.acme, "organization.update", {"name": "A"})
