"""`alsoKnownAs`: a did:bid is named only by the subject that has its key in force."""

from __future__ import annotations

from typing import Any

from identity.bid import bid_of, parse_bid
from identity.errors import MalformedCode, RightMissing
from tests.factory import Signed, Subject, key, quorum, share
from tests.scenarios import DAY, Town, accepted, refused


def _bid(subject: Subject) -> str:
    return bid_of(subject.key.public.multikey)


def _gamma(town: Town, *names: str, algorithm: str = "Ed25519") -> Signed:
    """The registration of an organization that names these."""
    subject = Subject("Gamma", algorithm=algorithm)
    body = {"name": "Gamma", **subject.establishment, "alsoKnownAs": list(names)}
    return Signed(town.operation("organization.register", body, *subject.first_methods), [])


def _update(town: Town, *names: str) -> Signed:
    return town.follow(town.acme, "organization.update", {"alsoKnownAs": list(names)})


@accepted
def organization_register__known_by_its_key(town: Town) -> Signed:
    """On another chain, under an identifier made of the same key."""
    return _gamma(town, _bid(Subject("Gamma")))


@accepted
def organization_register__known_by_its_sm2_key(town: Town) -> Signed:
    """Of an SM2 key it is made with SM3, over the uncompressed point."""
    return _gamma(town, _bid(Subject("Gamma", algorithm="SM2")), algorithm="SM2")


@accepted
def organization_register__known_on_two_chains(town: Town) -> Signed:
    """The chain code is no part of what the key makes."""
    own = _bid(Subject("Gamma"))
    return _gamma(town, own, own.replace("did:bid:", "did:bid:acsn:"))


@refused(RightMissing, "/body/alsoKnownAs/0")
def organization_register__known_by_a_key_of_another(town: Town) -> Signed:
    """Nobody claims another's identifier."""
    return _gamma(town, _bid(town.beta))


@refused(RightMissing, "/body/alsoKnownAs/1")
def organization_register__known_by_no_key(town: Town) -> Signed:
    """Each of them is held against the keys."""
    return _gamma(town, _bid(Subject("Gamma")), bid_of(key("stranger").public.multikey))


@refused(RightMissing, "/body/alsoKnownAs/0")
def organization_register__known_by_its_next_key(town: Town) -> Signed:
    """A key that is only committed to is nobody's yet."""
    return _gamma(town, bid_of(Subject("Gamma").next_key.public.multikey))


@refused(RightMissing, "/body/alsoKnownAs/0")
def organization_register__known_as_of_another_type(town: Town) -> Signed:
    """The same address as that of an SM2 key is another identifier."""
    own = parse_bid(_bid(Subject("Gamma")))
    return _gamma(town, f"did:bid:zf{own.address}")


@refused(MalformedCode, "/body/alsoKnownAs/1")
def organization_register__known_twice(town: Town) -> Signed:
    """One identifier stands there once."""
    own = _bid(Subject("Gamma"))
    return _gamma(town, own, own)


@refused(MalformedCode, "/body/alsoKnownAs/0")
def organization_register__known_by_another_address(town: Town) -> Signed:
    """An address is 22 bytes."""
    return _gamma(town, _bid(Subject("Gamma"))[:-3])


@accepted
def organization_update__known_as(town: Town) -> Signed:
    """Named later, by a key in force."""
    return _update(town, _bid(town.acme))


@accepted
def organization_update__known_as_nothing_more(town: Town) -> Signed:
    """An empty list takes the names away."""
    town.accept(_update(town, _bid(town.acme)))
    return _update(town)


@refused(RightMissing, "/body/alsoKnownAs/0")
def organization_update__known_by_an_old_key(town: Town) -> Signed:
    """A key that was rotated out names nothing any more."""
    old = _bid(town.acme)
    town.accept(town.rotate(town.acme))
    return _update(town, old)


@accepted
def keys_rotate__keeps_what_it_is_known_as(town: Town) -> Signed:
    """An identifier outlives the key that it was made of, as on its own chain."""
    town.accept(_update(town, _bid(town.acme)))
    return town.rotate(town.acme)


def _device(town: Town, **members: Any) -> Signed:
    return town.newcomer("M-1", town.acme, **members)


@accepted
def device_register__known_by_its_key(town: Town) -> Signed:
    """A device has its did:bid beside its code."""
    return _device(town, alsoKnownAs=[_bid(Subject("M-1"))])


@refused(RightMissing, "/body/alsoKnownAs/0")
def device_register__known_by_the_key_of_its_controller(town: Town) -> Signed:
    """Not even its controller's."""
    return _device(town, alsoKnownAs=[_bid(town.acme)])


@accepted
def device_update__known_by_its_key(town: Town) -> Signed:
    """The controller names it; the key says that it is the device's."""
    meter = town.meter()
    return town.follow(meter, "device.update", {"alsoKnownAs": [_bid(meter)]}, by=[town.acme])


@refused(RightMissing, "/body/alsoKnownAs/0")
def device_update__known_by_the_key_of_another_device(town: Town) -> Signed:
    """Two devices do not share one."""
    meter, other = town.meter(), town.meter("M-2", number="1440000000002")
    return town.follow(meter, "device.update", {"alsoKnownAs": [_bid(other)]}, by=[town.acme])


@accepted
def recovery_finish__ends_what_it_is_known_as(town: Town) -> Signed:
    """Whoever stole the old key may still have its identifier on the other chain."""
    acme = town.organization("Known", recovery=quorum("known"))
    named = {"alsoKnownAs": [_bid(acme)]}
    town.accept(town.follow(acme, "organization.update", named))
    begun = town.begin_recovery(acme, [share("known", 0), share("known", 2)], 30)
    town.accept(begun)
    town.now += 7 * DAY
    return town.finish_recovery(acme, begun, 30)


@accepted
def transfer_accept__ends_what_it_is_known_as(town: Town) -> Signed:
    """So may the old controller."""
    meter = town.meter()
    named = {"alsoKnownAs": [_bid(meter)]}
    town.accept(town.follow(meter, "device.update", named, by=[town.acme]))
    offer = town.offer(meter, town.acme, town.beta)
    town.accept(offer)
    return town.accept_offer(meter, offer, [town.beta])
