"""Random lives: ledgers in which organizations and devices rotate, recover, enrol and change hands,
really signed and really taken; then the audit replays them, and a client verifies every answer.

The state machine sends what the rule book may take or refuse. What counts is the end: the service,
the audit and the verifier agree on every ledger that comes about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from identity.did import tetrad_did
from identity.errors import TetradError
from identity.keys import PrivateKey
from registry.audit import audit
from registry.keyupdates import KeyUpdates
from registry.ledger import Accepted
from resolver.pinned import Pinned
from resolver.trust import Trust
from resolver.verifier import verify_answer
from tests.enrolling import enrolled, granted
from tests.factory import RULES, City, Signed, Subject, log_pair, log_vkeys, quorum, share
from tests.resolver.answering import Answering

WAIT = 3600
TAKEN: Counter[str] = Counter()
"""How often operations of each type were taken, over all examples."""
RARE = ("enrolment", "pair", "past", "recovery.finish", "transfer.accept")

parties = st.integers(0, 7)
places = st.sampled_from([[0, 1], [0, 2], [1, 2], [0, 1], [0], [0, 1, 2]])


class Lives(RuleBasedStateMachine):
    """A city whose people send what they may, and now and then what they may not."""

    @initialize(pairs=st.booleans())
    def begin(self, pairs: bool) -> None:
        self.city = City(recovery=quorum("authority 0", wait=WAIT))
        self.made = 0
        self.quorums: dict[str, int] = {"authority": 0}
        self.appointed: dict[str, str] = {"authority": self.city.genesis.hash}
        self.attempts: dict[str, tuple[Signed, int]] = {}
        self.offers: dict[str, tuple[Signed, int]] = {}
        self.controllers: dict[str, int] = {}
        self.orgs: list[Subject] = [self.city.authority]
        self.devices: list[Subject] = []
        self.log = 0
        self.times: list[str] = []
        for name in ("Acme", "Beta"):
            algorithm = "Ed25519+ML-DSA-44" if pairs and name == "Beta" else "Ed25519"
            org = self.city.organization(
                name, recovery=quorum(f"{name} 0", wait=WAIT), algorithm=algorithm
            )
            self.settle(org)
            self.orgs.append(org)
        self.city.accept(self.city.prefix(self.orgs[1], "gtin:09506000"))
        self.grant = granted(self.city, self.orgs[1], self.orgs[1], quota=3)
        self.city.accept(self.grant)
        self.register(1)

    # What everybody keeps in mind

    def settle(self, subject: Subject) -> None:
        assert subject.first is not None
        self.quorums[subject.name] = 0
        self.appointed[subject.name] = subject.first.hash

    def present(self, subject: Subject) -> Any:
        found: Any = self.city.ledger.state.get(("did", subject.did))
        return found

    def subject(self, index: int) -> Subject:
        everybody = [*self.orgs, *self.devices]
        return everybody[index % len(everybody)]

    def device(self, index: int) -> Subject:
        return self.devices[index % len(self.devices)]

    def controller(self, device: Subject) -> Subject:
        return self.orgs[self.controllers[device.name]]

    def send(self, signed: Signed) -> bool:
        """Whether it was taken; refusals are ours, and change nothing."""
        self.city.now += 1
        try:
            (outcome,) = self.city.submit(signed)
        except TetradError:
            return False
        if not isinstance(outcome, Accepted):
            return False
        signed.accepted()
        TAKEN[signed.operation["type"]] += 1
        proofs = signed.operation["proof"]
        TAKEN["pair"] += any(one["cryptosuite"].startswith("mldsa") for one in proofs)
        self.times.append(self.city.created)
        return True

    def shares(self, subject: Subject, places: Sequence[int]) -> list[PrivateKey]:
        return [share(f"{subject.name} {self.quorums[subject.name]}", n) for n in places]

    def following(self, subject: Subject) -> Any:
        return quorum(f"{subject.name} {self.made}", wait=WAIT)

    def register(self, by: int) -> None:
        self.made += 1
        name = f"M-{self.made}"
        maker = self.orgs[by]
        signers = list(dict.fromkeys([by, 1]))
        device = self.city.new_device(
            name,
            maker,
            by=[self.orgs[n] for n in signers],
            recovery=quorum(f"{name} 0", wait=WAIT),
        )
        assert device.first is not None
        if self.send(device.first):
            self.settle(device)
            self.controllers[name] = by
            self.devices.append(device)

    # What they send

    @rule(seconds=st.sampled_from([60, WAIT, 2 * WAIT]))
    def time_passes(self, seconds: int) -> None:
        self.city.now += seconds

    @rule(by=st.sampled_from([1, 2]))
    def registers(self, by: int) -> None:
        self.register(by)

    @rule(own=st.booleans(), again=st.booleans())
    def enrols(self, own: bool, again: bool) -> None:
        """A device of the factory; or a certificate a second time, for a key that has served."""
        self.made += not again
        serial = f"SN-{self.made}"
        signed = enrolled(self.city, self.grant.hash, serial, self.orgs[1], own=own)
        device = Subject(f"enrolled {serial}", first=signed, previous=signed.hash)
        device.did = tetrad_did(self.city.ledger_hash, signed.hash)
        if self.send(signed):
            TAKEN["enrolment"] += 1
            self.settle(device)
            self.controllers[device.name] = 1
            if not own:  # whose present key is the certificate's, which no generation of keys has
                self.devices.append(device)

    @rule(subject=parties)
    def rotates(self, subject: int) -> None:
        self.send(self.city.rotate(self.subject(subject)))

    @precondition(lambda self: self.city.now % 3 == 0)
    @rule()
    def updates_the_registry(self) -> None:
        following = (self.log + 1) % 3
        if self.send(self.city.update_registry(log=log_vkeys(following))):
            self.log = following

    @rule(subject=parties, places=places)
    def begins_a_recovery(self, subject: int, places: list[int]) -> None:
        found = self.subject(subject)
        self.made += 1
        to = 100 * self.made
        begun = self.city.begin_recovery(
            found,
            self.shares(found, places),
            to,
            appointed=self.appointed[found.name],
            recovery=self.following(found),
        )
        if self.send(begun):
            self.attempts[found.name] = begun, self.made

    @precondition(lambda self: self.attempts)
    @rule(which=parties, by=st.none() | parties)
    def finishes_a_recovery(self, which: int, by: int | None) -> None:
        self.finish(sorted(self.attempts)[which % len(self.attempts)], by)

    @rule(subject=parties, by=st.none() | parties)
    def recovers(self, subject: int, by: int | None) -> None:
        """All of it, whatever is under way."""
        self.begins_a_recovery(subject, [0, 2])
        self.city.now += WAIT
        if self.subject(subject).name in self.attempts:
            self.finish(self.subject(subject).name, by)

    def finish(self, name: str, by: int | None) -> None:
        begun, number = self.attempts[name]
        found = next(one for one in [*self.orgs, *self.devices] if one.name == name)
        other = None if by is None else self.subject(by)
        finished = self.city.finish_recovery(found, begun, 100 * number, by=other)
        if self.send(finished):
            del self.attempts[name]
            found.algorithm = "Ed25519"
            self.quorums[name] = number
            self.appointed[name] = finished.hash

    @precondition(lambda self: self.devices)
    @rule(device=parties, to=st.integers(0, 2))
    def offers_a_device(self, device: int, to: int) -> None:
        found = self.device(device)
        offer = self.city.offer(found, self.controller(found), self.orgs[to])
        if self.send(offer):
            self.offers[found.name] = offer, to

    @precondition(lambda self: self.offers)
    @rule(which=parties)
    def takes_an_offer_back(self, which: int) -> None:
        name = sorted(self.offers)[which % len(self.offers)]
        found = next(one for one in self.devices if one.name == name)
        none = {"offer": "none"}
        by = [self.controller(found)]
        if self.send(self.city.follow(found, "transfer.offer", none, by=by)):
            del self.offers[name]

    @precondition(lambda self: self.offers)
    @rule(which=parties, outside=st.booleans())
    def accepts_a_device(self, which: int, outside: bool) -> None:
        self.accept(sorted(self.offers)[which % len(self.offers)], outside)

    @precondition(lambda self: self.devices)
    @rule(device=parties, to=st.integers(0, 2), outside=st.booleans())
    def changes_hands(self, device: int, to: int, outside: bool) -> None:
        self.offers_a_device(device, to)
        if self.device(device).name in self.offers:
            self.accept(self.device(device).name, outside)

    def accept(self, name: str, outside: bool) -> None:
        offer, to = self.offers[name]
        found = next(one for one in self.devices if one.name == name)
        self.made += 1
        by = [self.orgs[n] for n in dict.fromkeys([to, 1] if outside else [to])]
        generation = 100 * self.made if outside else None
        following = self.following(found)
        accepted = self.city.accept_offer(found, offer, by, generation, recovery=following)
        if self.send(accepted):
            del self.offers[name]
            self.attempts.pop(name, None)
            self.controllers[name] = to
            self.quorums[name] = self.made
            self.appointed[name] = accepted.hash

    @precondition(lambda self: self.devices)
    @rule(device=parties)
    def updates_a_device(self, device: int) -> None:
        found = self.device(device)
        body = {"sector": {"domain": "consumption", "field": "home"}}
        self.send(self.city.follow(found, "device.update", body, by=[self.controller(found)]))

    @rule(subject=parties, by=st.integers(0, 2), word=st.sampled_from(["suspend", "resume"]))
    def supervises(self, subject: int, by: int, word: str) -> None:
        self.send(self.city.supervise(self.subject(subject), f"status.{word}", "x", self.orgs[by]))

    @precondition(lambda self: self.devices)
    @rule(device=parties)
    def retires(self, device: int) -> None:
        found = self.device(device)
        body = {"reason": "worn out"}
        self.send(self.city.follow(found, "status.retire", body, by=[self.controller(found)]))

    # What must be true of all that

    def teardown(self) -> None:
        if not hasattr(self, "grant"):
            return
        city = self.city
        answering = Answering(city)
        answering.signers = log_pair(self.log)
        answering.publish()
        found = audit(city.store, RULES, genesis=city.ledger_hash, stored=city.store)
        assert found.size == city.reader.head().size
        trust = Trust.begin(city.genesis.operation)
        for item in KeyUpdates(city.store, city.reader).every():
            trust = trust.extend(item)
        for device in self.devices:
            self.check_answers(device, answering, trust.pinned)

    def check_answers(self, device: Subject, answering: Answering, known: Pinned) -> None:
        """What a client makes of it, as it is and as it was."""
        asked = answering.resolver.did(device.did)
        answer = answering.answer(asked)
        verified = verify_answer(answer, known, key=("did", device.did))
        assert verified.device["controller"] == self.controller(device).did
        assert (verified.enrolled is not None) == device.name.startswith("enrolled")
        assert verified.device["keys"] == [device.key.public.multikey]
        since = answer["device"]["registered"]["time"]
        at = [time for time in self.times if time >= since][-4:][0]
        past = verify_answer(answering.answer(asked, at), known, key=("did", device.did))
        assert past.as_of == at
        TAKEN["past"] += 1


def test_random_lives() -> None:
    TAKEN.clear()
    run_state_machine_as_test(Lives, settings=settings(max_examples=30, stateful_step_count=40))
    assert all(TAKEN[type_] for type_ in RARE), TAKEN
