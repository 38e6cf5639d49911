"""Scenarios of transfer: an offer, an acceptance, and nothing left to the old controller."""

from __future__ import annotations

from typing import Any

from identity.errors import (
    KeyReused,
    NotFound,
    PolicyViolated,
    SignerMissing,
    SignerUnexpected,
    TimeOutOfBounds,
    UnknownMethod,
    WrongSequence,
    WrongState,
)
from identity.members import format_time
from tests.factory import Signed, Subject, quorum, share
from tests.scenarios import DAY, Town, accepted, refused

FRESH = 30
"""A generation of keys to which the device has not committed."""
TWO = [share("meter", 0), share("meter", 2)]


def offered(town: Town, **options: Any) -> tuple[Subject, Signed]:
    """Acme's meter, on offer to Beta."""
    meter = town.meter(**options)
    offer = town.offer(meter, town.acme, town.beta)
    town.accept(offer)
    return meter, offer


def sold(town: Town, **options: Any) -> Subject:
    """Acme's meter, now Beta's."""
    meter, offer = offered(town, **options)
    town.accept(town.accept_offer(meter, offer, [town.beta]))
    return meter


@accepted
def transfer_offer__to_an_organization(town: Town) -> Signed:
    """The controller offers a device, for a day."""
    return town.offer(town.meter(), town.acme, town.beta)


@accepted
def transfer_offer__replaces_another(town: Town) -> Signed:
    """The newest offer stands."""
    meter, _ = offered(town)
    return town.offer(meter, town.acme, town.organization("Gamma"))


@accepted
def transfer_offer__taken_back(town: Town) -> Signed:
    """An offer is taken back."""
    meter, _ = offered(town)
    return town.follow(meter, "transfer.offer", {"offer": "none"}, by=[town.acme])


@refused(WrongState, "/body/offer")
def transfer_offer__nothing_to_take_back(town: Town) -> Signed:
    """If there is one."""
    return town.follow(town.meter(), "transfer.offer", {"offer": "none"}, by=[town.acme])


@refused(SignerMissing, "/proof")
def transfer_offer__by_the_device(town: Town) -> Signed:
    """A thief of the device's key sells nothing."""
    meter = town.meter()
    return town.offer(meter, meter, town.beta)


@refused(SignerMissing, "/proof")
def transfer_offer__by_the_receiver(town: Town) -> Signed:
    """Nor does the receiver help itself."""
    return town.offer(town.meter(), town.beta, town.beta)


@refused(PolicyViolated, "/body/offer/notAfter")
def transfer_offer__over_already(town: Town) -> Signed:
    """An offer ends after it begins."""
    meter = town.meter()
    return town.offer(meter, town.acme, town.beta, notAfter=format_time(town.now))


@refused(WrongState, "/body/offer/to")
def transfer_offer__to_oneself(town: Town) -> Signed:
    """What one has is not offered to oneself."""
    return town.offer(town.meter(), town.acme, town.acme)


@refused(NotFound, "/body/offer/to")
def transfer_offer__to_a_device(town: Town) -> Signed:
    """A controller is an organization."""
    return town.offer(town.meter(), town.acme, town.meter("M-2", number=None))


@refused(NotFound, "/body/offer/to")
def transfer_offer__to_nobody(town: Town) -> Signed:
    """Of this ledger."""
    return town.offer(town.meter(), town.acme, town.new_organization("Nobody"))


@refused(WrongState, "/body/offer/to")
def transfer_offer__to_a_suspended_organization(town: Town) -> Signed:
    """And in use."""
    town.suspend(town.beta)
    return town.offer(town.meter(), town.acme, town.beta)


@refused(WrongState, "/body/offer/to")
def transfer_offer__to_a_revoked_organization(town: Town) -> Signed:
    """Not ended."""
    town.revoke(town.beta)
    return town.offer(town.meter(), town.acme, town.beta)


@refused(WrongState, "/subject")
def transfer_offer__of_a_suspended_device(town: Town) -> Signed:
    """Nobody sells his way out of a suspension, not even out of his own."""
    meter = town.meter()
    town.accept(town.follow(meter, "status.suspend", {"reason": "lost"}, by=[town.acme]))
    return town.offer(meter, town.acme, town.beta)


@refused(WrongState, "/subject")
def transfer_offer__of_a_retired_device(town: Town) -> Signed:
    """What has ended is not sold."""
    meter = town.meter()
    town.accept(town.follow(meter, "status.retire", {"reason": "worn out"}, by=[town.acme]))
    return town.offer(meter, town.acme, town.beta)


@refused(WrongState, "/subject")
def transfer_offer__of_an_organization(town: Town) -> Signed:
    """Devices are transferred."""
    return town.offer(town.acme, town.acme, town.beta)


@accepted
def transfer_accept__with_the_committed_key(town: Town) -> Signed:
    """The new controller accepts with the key that the device reveals; the number stays bound."""
    meter, offer = offered(town)
    return town.accept_offer(meter, offer, [town.beta])


@accepted
def transfer_accept__in_its_last_second(town: Town) -> Signed:
    """Not after is not before."""
    meter, offer = offered(town)
    town.now += DAY
    return town.accept_offer(meter, offer, [town.beta])


@accepted
def transfer_accept__with_another_key_and_the_prefix_holder(town: Town) -> Signed:
    """For a key to which nothing was committed, the holder of the code's prefix signs as well."""
    meter, offer = offered(town)
    return town.accept_offer(meter, offer, [town.beta, town.acme], FRESH)


@accepted
def transfer_accept__leaves_the_parent(town: Town) -> Signed:
    """The parent stays behind: it is the old controller's."""
    gateway = town.device("G-1", town.acme)
    meter = town.meter()
    town.accept(town.follow(meter, "device.update", {"parent": gateway.did}, by=[town.acme]))
    offer = town.offer(meter, town.acme, town.beta)
    town.accept(offer)
    return town.accept_offer(meter, offer, [town.beta])


@accepted
def transfer_accept__clears_a_recovery(town: Town) -> Signed:
    """It is a rotation as well: the old controller's quorum does not take the device back."""
    meter, offer = offered(town, recovery=quorum("meter"))
    town.accept(town.begin_recovery(meter, TWO, 10))
    mine = quorum("beta's")
    return town.accept_offer(meter, offer, [town.beta], recovery=mine)


@refused(WrongState, "/subject")
def transfer_accept__held_up_by_a_recovery_that_stands(town: Town) -> Signed:
    """Not of an attempt that no rotation cancels: a thief would sell the device to himself."""
    meter = town.meter(recovery=quorum("meter"))
    town.accept(town.begin_recovery(meter, TWO, 10))
    town.accept(town.rotate(meter))
    town.accept(town.begin_recovery(meter, TWO, 20))
    offer = town.offer(meter, town.acme, town.beta)
    town.accept(offer)
    return town.accept_offer(meter, offer, [town.beta])


@refused(WrongState, "/subject")
def transfer_accept__another_key_cancels_no_recovery(town: Town) -> Signed:
    """Nor by a key outside `next`."""
    meter, offer = offered(town, recovery=quorum("meter"))
    town.accept(town.begin_recovery(meter, TWO, 10))
    return town.accept_offer(meter, offer, [town.beta, town.acme], FRESH)


@refused(SignerMissing, "/proof")
def transfer_accept__another_key_alone(town: Town) -> Signed:
    """Without the prefix holder it is refused."""
    meter, offer = offered(town)
    return town.accept_offer(meter, offer, [town.beta], FRESH)


@refused(SignerMissing, "/proof")
def transfer_accept__not_by_the_receiver(town: Town) -> Signed:
    """The device's key alone does not choose its controller."""
    meter, offer = offered(town)
    return town.accept_offer(meter, offer, [])


@refused(SignerMissing, "/proof")
def transfer_accept__by_another_organization(town: Town) -> Signed:
    """An offer is to one."""
    meter, offer = offered(town)
    return town.accept_offer(meter, offer, [town.organization("Gamma")])


@refused(SignerUnexpected, "/proof")
def transfer_accept__the_prefix_holder_for_nothing(town: Town) -> Signed:
    """Nobody signs who need not."""
    meter, offer = offered(town)
    return town.accept_offer(meter, offer, [town.beta, town.acme])


@refused(SignerMissing, "/proof")
def transfer_accept__without_the_device(town: Town) -> Signed:
    """The device's key signs: nobody takes over a device that he does not have."""
    meter, offer = offered(town)
    signed = town.accept_offer(meter, offer, [town.beta])
    return Signed({**signed.operation, "proof": signed.operation["proof"][:1]}, [])


@refused(TimeOutOfBounds, "/body/offer")
def transfer_accept__too_late(town: Town) -> Signed:
    """An offer ends."""
    meter, offer = offered(town)
    town.now += DAY + 1
    return town.accept_offer(meter, offer, [town.beta])


@refused(WrongState, "/body/offer")
def transfer_accept__never_offered(town: Town) -> Signed:
    """Without an offer there is nothing to accept."""
    meter = town.meter()
    return town.accept_offer(meter, town.offer(meter, town.acme, town.beta), [town.beta])


@refused(WrongState, "/body/offer")
def transfer_accept__taken_back(town: Town) -> Signed:
    """What was taken back is over."""
    meter, offer = offered(town)
    town.accept(town.follow(meter, "transfer.offer", {"offer": "none"}, by=[town.acme]))
    return town.accept_offer(meter, offer, [town.beta])


@refused(WrongState, "/body/offer")
def transfer_accept__replaced(town: Town) -> Signed:
    """So is what was replaced, though it was to the same organization."""
    meter, offer = offered(town)
    until = format_time(town.now + 2 * DAY)
    town.accept(town.offer(meter, town.acme, town.beta, notAfter=until))
    return town.accept_offer(meter, offer, [town.beta])


@refused(WrongState, "/body/offer")
def transfer_accept__twice(town: Town) -> Signed:
    """An offer is accepted once."""
    meter, offer = offered(town)
    town.accept(town.accept_offer(meter, offer, [town.beta]))
    return town.accept_offer(meter, offer, [town.beta])


@refused(WrongSequence, "/sequence")
def transfer_accept__overtaken(town: Town) -> Signed:
    """Who buys knows what: after another change of the device, the acceptance is signed anew."""
    meter, offer = offered(town)
    signed = town.accept_offer(meter, offer, [town.beta])
    town.accept(
        town.follow(meter, "number.rebind", {"number": "none"}, by=[town.acme, meter]),
    )
    return signed


@refused(WrongState, "/proof/0/verificationMethod")
def transfer_accept__by_a_suspended_organization(town: Town) -> Signed:
    """Who is suspended meanwhile accepts nothing."""
    meter, offer = offered(town)
    town.suspend(town.beta)
    return town.accept_offer(meter, offer, [town.beta])


@refused(WrongState, "/subject")
def transfer_accept__of_a_suspended_device(town: Town) -> Signed:
    """Nor is a device that was suspended after the offer."""
    meter, offer = offered(town)
    town.suspend(meter)
    return town.accept_offer(meter, offer, [town.beta])


@refused(WrongState, "/subject")
def transfer_accept__of_a_device_that_was_retired(town: Town) -> Signed:
    """The controller may still retire what it has on offer."""
    meter, offer = offered(town)
    town.accept(town.follow(meter, "status.retire", {"reason": "worn out"}, by=[town.acme]))
    return town.accept_offer(meter, offer, [town.beta])


@refused(KeyReused, "/body/keys/0")
def transfer_accept__with_the_present_key(town: Town) -> Signed:
    """The old key does not stay."""
    meter, offer = offered(town)
    return town.accept_offer(meter, offer, [town.beta, town.acme], 0)


@refused(KeyReused, "/body/recovery/keys/0")
def transfer_accept__quorum_of_the_old_controllers_key(town: Town) -> Signed:
    """Nor does a key that serves come in by the quorum."""
    meter, offer = offered(town)
    old = {"threshold": 1, "keys": [town.acme.key.public.thumbprint], "wait": 0}
    return town.accept_offer(meter, offer, [town.beta], recovery=old)


@refused(KeyReused, "/body/next/0")
def transfer_accept__next_served_before(town: Town) -> Signed:
    """What served is not committed to."""
    meter, offer = offered(town)
    return town.accept_offer(meter, offer, [town.beta], next=[town.acme.key.public.thumbprint])


@accepted
def device_update__by_the_new_controller(town: Town) -> Signed:
    """After it, the new controller acts for the device."""
    return town.follow(sold(town), "device.update", {"data": "none"}, by=[town.beta])


@refused(SignerMissing, "/proof")
def device_update__by_the_old_controller(town: Town) -> Signed:
    """And the old one no more."""
    return town.follow(sold(town), "device.update", {"data": "none"}, by=[town.acme])


@refused(UnknownMethod, "/proof/1/verificationMethod")
def number_rebind__with_the_key_before_the_transfer(town: Town) -> Signed:
    """The device's old key is a key of nobody."""
    meter = sold(town)
    meter.generation = 0
    return town.follow(meter, "number.rebind", {"number": "none"}, by=[town.beta, meter])


@refused(WrongState, "/subject")
def recovery_begin__by_the_old_controllers_quorum(town: Town) -> Signed:
    """The old controller's quorum is that of nothing."""
    return town.begin_recovery(sold(town, recovery=quorum("meter")), TWO, FRESH)


@refused(WrongState, "/body/begun")
def recovery_finish__cleared_by_a_transfer(town: Town) -> Signed:
    """Nor does its attempt go on."""
    meter, offer = offered(town, recovery=quorum("meter"))
    first = town.begin_recovery(meter, TWO, 10)
    town.accept(first, town.accept_offer(meter, offer, [town.beta]))
    town.now += 7 * DAY
    return town.finish_recovery(meter, first, 10)


@refused(SignerMissing, "/proof")
def transfer_accept__half_of_a_pair(town: Town) -> Signed:
    """Of a pair that the device committed to, one half is as good as a strange key."""
    meter, offer = offered(town, algorithm="Ed25519+ML-DSA-44")
    return town.accept_offer(meter, offer, [town.beta])
