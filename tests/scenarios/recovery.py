"""Scenarios of recovery: a quorum replaces keys, in the open, and nobody outruns it."""

from __future__ import annotations

from identity.did import tetrad_method
from identity.errors import (
    KeyReused,
    NotFound,
    SignerMissing,
    SignerUnexpected,
    TimeOutOfBounds,
    UnknownMethod,
    WrongSequence,
    WrongState,
)
from tests.factory import Signed, Subject, key, quorum, share, sign
from tests.scenarios import DAY, Town, accepted, accepted_in, refused

WEEK = 7 * DAY
NEW = 10
"""The generation of keys that a first attempt asks for; a second one asks for those of 20."""
SECOND = 20
TWO = [share("gamma", 0), share("gamma", 2)]


def gamma(town: Town, **options: int) -> Subject:
    """An organization whose quorum is two of three keys."""
    return town.organization("Gamma", recovery=quorum("gamma", **options))


def begun(town: Town, subject: Subject, generation: int = NEW) -> Signed:
    """An attempt, accepted."""
    signed = town.begin_recovery(subject, TWO, generation)
    town.accept(signed)
    return signed


def cancelled(town: Town) -> Subject:
    """Gamma, after an attempt that a rotation cancelled."""
    one = gamma(town)
    begun(town, one)
    town.accept(town.rotate(one))
    return one


def recovered(town: Town, **members: object) -> Subject:
    """Gamma, recovered."""
    one = gamma(town)
    first = town.begin_recovery(one, TWO, NEW, **members)
    town.accept(first)
    town.now += WEEK
    town.accept(town.finish_recovery(one, first, NEW))
    return one


def with_recovery() -> Town:
    """A sandbox whose authority has a quorum."""
    return Town(recovery=quorum("gamma"))


@accepted
def recovery_begin__organization(town: Town) -> Signed:
    """Two of three recovery keys ask for new keys; nothing but the attempt is there yet."""
    return town.begin_recovery(gamma(town), TWO, NEW)


@accepted
def recovery_begin__device(town: Town) -> Signed:
    """A device's quorum as well."""
    return town.begin_recovery(town.meter(recovery=quorum("gamma")), TWO, NEW)


@accepted_in(with_recovery)
def recovery_begin__authority(town: Town) -> Signed:
    """And the authority's."""
    return town.begin_recovery(town.authority, TWO, NEW)


@accepted
def recovery_begin__not_overtaken(town: Town) -> Signed:
    """A thief of the present key who keeps writing does not outrun the quorum."""
    one = gamma(town)
    signed = town.begin_recovery(one, TWO, NEW)
    town.accept(town.follow(one, "organization.update", {"name": "Mine"}))
    return signed


@accepted
def recovery_begin__not_outrun_by_a_rotation(town: Town) -> Signed:
    """Nor does a thief of `next`: what was signed before the rotation still begins."""
    one = gamma(town)
    signed = town.begin_recovery(one, TWO, NEW)
    town.accept(town.rotate(one))
    return signed


@accepted
def recovery_begin__while_suspended(town: Town) -> Signed:
    """A suspension gives the time to replace stolen keys."""
    one = gamma(town)
    town.suspend(one)
    return town.begin_recovery(one, TWO, NEW)


@accepted
def recovery_begin__again_after_it_was_cancelled(town: Town) -> Signed:
    """The same quorum tries again, with other new keys."""
    return town.begin_recovery(cancelled(town), TWO, SECOND)


@accepted
def recovery_begin__appoints_another_quorum(town: Town) -> Signed:
    """Only the quorum changes the quorum; a key that is not revealed may stay in it."""
    following = {"threshold": 1, "keys": [share("gamma", 1).public.thumbprint], "wait": 60}
    return town.begin_recovery(gamma(town), TWO, NEW, recovery=following)


@refused(WrongState, "/subject")
def recovery_begin__no_quorum(town: Town) -> Signed:
    """Who appointed no quorum has none."""
    return town.begin_recovery(town.acme, TWO, NEW)


@refused(NotFound, "/subject")
def recovery_begin__no_subject(town: Town) -> Signed:
    """There must be something to recover."""
    return town.begin_recovery(town.new_organization("Nobody"), TWO, NEW)


@refused(WrongState, "/subject")
def recovery_begin__revoked(town: Town) -> Signed:
    """What is revoked is not recovered."""
    one = gamma(town)
    town.revoke(one)
    return town.begin_recovery(one, TWO, NEW)


@refused(SignerMissing, "/body/quorum")
def recovery_begin__below_the_threshold(town: Town) -> Signed:
    """One stolen recovery key of three is nothing."""
    return town.begin_recovery(gamma(town), TWO[:1], NEW)


@refused(SignerUnexpected, "/body/quorum")
def recovery_begin__above_the_threshold(town: Town) -> Signed:
    """Nor do more keys than needed come to light."""
    return town.begin_recovery(gamma(town), [*TWO, share("gamma", 1)], NEW)


@refused(UnknownMethod, "/body/quorum/1")
def recovery_begin__one_key_twice(town: Town) -> Signed:
    """One key does not count twice."""
    signed = town.begin_recovery(gamma(town), [TWO[0], TWO[0]], NEW)
    return Signed({**signed.operation, "proof": signed.operation["proof"][:2]}, [])


@refused(UnknownMethod, "/body/quorum/1")
def recovery_begin__a_key_of_nobody(town: Town) -> Signed:
    """A key that the subject did not appoint is none of the quorum."""
    return town.begin_recovery(gamma(town), [TWO[0], key("stranger")], NEW)


@refused(SignerMissing, "/proof")
def recovery_begin__a_recovery_key_did_not_sign(town: Town) -> Signed:
    """To name a key is not to hold it."""
    signed = town.begin_recovery(gamma(town), TWO, NEW)
    return Signed({**signed.operation, "proof": signed.operation["proof"][:2]}, [])


@refused(SignerMissing, "/proof")
def recovery_begin__a_new_key_did_not_sign(town: Town) -> Signed:
    """Every new key signs."""
    signed = town.begin_recovery(gamma(town), TWO, NEW)
    return Signed({**signed.operation, "proof": signed.operation["proof"][1:]}, [])


@refused(SignerUnexpected, "/proof")
def recovery_begin__the_present_key_signs_too(town: Town) -> Signed:
    """The present key has no say."""
    one = gamma(town)
    signed = town.begin_recovery(one, TWO, NEW)
    keys = [key("Gamma/10"), *TWO]
    methods = [(k, tetrad_method(one.did, k.public.thumbprint)) for k in keys]
    return Signed(sign(signed.operation, *methods, one.method), [])


@refused(WrongState, "/subject")
def recovery_begin__one_is_under_way(town: Town) -> Signed:
    """One attempt at a time: a second one does not begin the wait anew."""
    one = gamma(town)
    begun(town, one)
    return town.begin_recovery(one, [share("gamma", 1), TWO[0]], SECOND)


@refused(WrongSequence, "/body/appointed")
def recovery_begin__by_the_quorum_before(town: Town) -> Signed:
    """What a quorum signed and held back does not work for the quorum that follows it."""
    following = {"threshold": 1, "keys": [share("gamma", 1).public.thumbprint], "wait": 60}
    return town.begin_recovery(recovered(town, recovery=following), [share("gamma", 1)], SECOND)


@accepted
def recovery_begin__by_the_quorum_that_a_recovery_appointed(town: Town) -> Signed:
    """The quorum that was appointed by a recovery recovers in its turn."""
    one = gamma(town)
    following = {"threshold": 1, "keys": [share("gamma", 1).public.thumbprint], "wait": 60}
    first = town.begin_recovery(one, TWO, NEW, recovery=following)
    town.accept(first)
    town.now += WEEK
    last = town.finish_recovery(one, first, NEW)
    town.accept(last)
    return town.begin_recovery(one, [share("gamma", 1)], SECOND, appointed=last.hash)


@refused(KeyReused, "/body/quorum/0")
def recovery_begin__with_a_key_of_another_quorum(town: Town) -> Signed:
    """A recovery key that one subject's recovery revealed recovers no other subject."""
    delta = town.organization("Delta", recovery=quorum("gamma"))
    begun(town, gamma(town))
    return town.begin_recovery(delta, TWO, NEW)


@refused(KeyReused, "/body/keys/0")
def recovery_begin__to_the_present_key(town: Town) -> Signed:
    """A key that serves is no new key."""
    return town.begin_recovery(gamma(town), TWO, 0)


@refused(KeyReused, "/body/keys/0")
def recovery_begin__to_keys_that_were_cancelled(town: Town) -> Signed:
    """What an attempt revealed is used up, also where it was cancelled."""
    one = cancelled(town)
    town.now += 1
    return town.begin_recovery(one, TWO, NEW)


@refused(KeyReused, "/body/keys")
def recovery_begin__to_a_recovery_key(town: Town) -> Signed:
    """A member of the quorum does not make its own share the subject's key."""
    one = gamma(town)
    mine = share("gamma", 1)
    signed = town.begin_recovery(one, TWO, NEW, keys=[mine.public.multikey])
    methods = [(k, tetrad_method(one.did, k.public.thumbprint)) for k in (mine, *TWO)]
    return Signed(sign(signed.operation, *methods), [])


@refused(KeyReused, "/body/next/0")
def recovery_begin__next_served_before(town: Town) -> Signed:
    """What served is not committed to."""
    served = [town.acme.key.public.thumbprint]
    return town.begin_recovery(gamma(town), TWO, NEW, next=served)


@refused(KeyReused, "/body/recovery/keys")
def recovery_begin__appoints_what_it_reveals(town: Town) -> Signed:
    """A recovery key that came to light is not appointed again."""
    return town.begin_recovery(gamma(town), TWO, NEW, recovery=quorum("gamma"))


@refused(KeyReused, "/body/recovery/keys/0")
def recovery_begin__appoints_a_key_of_another(town: Town) -> Signed:
    """Nor is a key that is somebody's."""
    mine = {"threshold": 1, "keys": [town.beta.key.public.thumbprint], "wait": 60}
    return town.begin_recovery(gamma(town), TWO, NEW, recovery=mine)


@refused(KeyReused, "/body/recovery/keys/0")
def organization_register__quorum_of_its_own_next(town: Town) -> Signed:
    """Who steals `next` must not have a share of the quorum with it."""
    mine = {"threshold": 1, "keys": [key("Gamma/1").public.thumbprint], "wait": 60}
    return town.new_organization("Gamma", recovery=mine).first or Signed({}, [])


@refused(KeyReused, "/body/recovery/keys/0")
def device_register__quorum_of_a_present_key(town: Town) -> Signed:
    """A key that is in use is not appointed: it could never be claimed."""
    mine = {"threshold": 1, "keys": [town.acme.key.public.thumbprint], "wait": 60}
    return town.newcomer("M-1", town.acme, recovery=mine)


@refused(KeyReused, "/body/next")
def keys_rotate__to_a_recovery_key(town: Town) -> Signed:
    """Nor does a rotation commit to a recovery key."""
    one = gamma(town)
    new = one.next_key
    body = {"keys": [new.public.multikey], "next": [share("gamma", 1).public.thumbprint]}
    method = (new, tetrad_method(one.did, new.public.thumbprint))
    return town.follow(one, "keys.rotate", body, methods=[method])


@accepted
def keys_rotate__cancels_a_recovery(town: Town) -> Signed:
    """Who holds `next` cancels a recovery, once."""
    one = gamma(town)
    begun(town, one)
    return town.rotate(one)


@accepted
def keys_rotate__does_not_cancel_twice(town: Town) -> Signed:
    """The quorum's next attempt stands, whatever is rotated."""
    one = cancelled(town)
    begun(town, one, SECOND)
    return town.rotate(one)


@accepted_in(with_recovery)
def registry_update__cancels_a_recovery(town: Town) -> Signed:
    """An update reveals `next` as a rotation does."""
    begun(town, town.authority)
    return town.update_registry(witnesses="quorum none\n")


@accepted
def recovery_finish__by_the_new_key(town: Town) -> Signed:
    """After the wait the new keys come into force."""
    one = gamma(town)
    first = begun(town, one)
    town.now += WEEK
    return town.finish_recovery(one, first, NEW)


@accepted
def recovery_finish__by_anyone(town: Town) -> Signed:
    """Whoever sends it: all was said by the quorum."""
    one = gamma(town)
    first = begun(town, one)
    town.now += WEEK
    return town.finish_recovery(one, first, NEW, by=town.beta)


@accepted
def recovery_finish__not_overtaken(town: Town) -> Signed:
    """A thief who keeps writing does not hold it up."""
    one = gamma(town)
    first = begun(town, one)
    town.now += WEEK
    signed = town.finish_recovery(one, first, NEW)
    town.accept(town.follow(one, "organization.update", {"name": "Mine"}))
    return signed


@accepted
def recovery_finish__of_a_second_attempt(town: Town) -> Signed:
    """A thief of `next` who rotates for ever only delays it, once."""
    one = cancelled(town)
    second = begun(town, one, SECOND)
    town.accept(town.rotate(one))
    town.now += WEEK
    town.accept(town.rotate(one))
    return town.finish_recovery(one, second, SECOND)


@refused(TimeOutOfBounds, "/body/begun")
def recovery_finish__too_early(town: Town) -> Signed:
    """Not a second before the wait is over."""
    one = gamma(town)
    first = begun(town, one)
    town.now += WEEK - 1
    return town.finish_recovery(one, first, NEW)


@refused(WrongState, "/body/begun")
def recovery_finish__cancelled(town: Town) -> Signed:
    """What was cancelled is not finished."""
    one = gamma(town)
    first = begun(town, one)
    town.accept(town.rotate(one))
    town.now += WEEK
    return town.finish_recovery(one, first, NEW)


@refused(WrongState, "/body/begun")
def recovery_finish__of_another_attempt(town: Town) -> Signed:
    """The attempt that is under way, and no other."""
    one = cancelled(town)
    second = begun(town, one, SECOND)
    town.now += WEEK
    return town.finish_recovery(one, second._replace(operation={**second.operation, "x": 1}), NEW)


@refused(WrongState, "/body/begun")
def recovery_finish__twice(town: Town) -> Signed:
    """And once."""
    one = gamma(town)
    first = begun(town, one)
    town.now += WEEK
    town.accept(town.finish_recovery(one, first, NEW))
    return town.finish_recovery(one, first, NEW, by=town.beta)


@refused(WrongState, "/subject")
def recovery_finish__revoked(town: Town) -> Signed:
    """A revocation ends a recovery with everything else."""
    one = gamma(town)
    first = begun(town, one)
    town.revoke(one)
    town.now += WEEK
    return town.finish_recovery(one, first, NEW)


@refused(SignerUnexpected, "/proof")
def recovery_finish__by_two(town: Town) -> Signed:
    """One party signs."""
    one = gamma(town)
    first = begun(town, one)
    town.now += WEEK
    operation = town.finish_recovery(one, first, NEW).operation
    return Signed(sign(operation, town.acme.method, town.beta.method), [])


@refused(UnknownMethod, "/proof/0/verificationMethod")
def recovery_finish__by_a_stranger(town: Town) -> Signed:
    """Of this ledger."""
    one = gamma(town)
    first = begun(town, one)
    town.now += WEEK
    return town.finish_recovery(one, first, NEW, by=town.new_organization("Nobody"))


@refused(UnknownMethod, "/proof/0/verificationMethod")
def organization_update__by_the_key_before_the_recovery(town: Town) -> Signed:
    """The thief's key is a key of nobody."""
    one = recovered(town)
    one.generation = 0
    return town.follow(one, "organization.update", {"name": "Mine"})


@accepted
def organization_update__by_the_recovered_key(town: Town) -> Signed:
    """The new key signs where the thief left off."""
    return town.follow(recovered(town), "organization.update", {"name": "Ours"})


@refused(UnknownMethod, "/body/keys/0")
def keys_rotate__with_next_from_before_a_recovery(town: Town) -> Signed:
    """Nor is a stolen `next` worth anything."""
    one = recovered(town)
    one.generation = 0
    return town.rotate(one)
