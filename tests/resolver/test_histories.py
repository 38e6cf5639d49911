"""Whatever happened in a city: at every size that it published, what is there is proved to be
there, what is not is proved not to be, and the past stays what it was said to be then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from identity.disclosure import NUMBER
from identity.errors import NotFound
from identity.jcs import canonicalize
from registry.ledger import Accepted
from registry.state import Key
from resolver.resolution import Asked
from resolver.verifier import verify_absence, verify_answer
from tests.factory import City, Signed, Subject, disclosed
from tests.resolver.answering import Answering, pinned

DEVICES, NUMBERS = 4, 3
SCHEME = "msisdn-cn-iot"

ABOUT_DEVICES = ["register", "rebind", "suspend", "resume", "retire", "revoke", "rotate", "update"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from([*ABOUT_DEVICES, "rotate the controller", "publish"]),
        st.integers(0, DEVICES - 1),
        st.integers(0, NUMBERS - 1),
    ),
    max_size=16,
)


class Said(NamedTuple):
    """An answer as it was given at a time; None where there was nothing."""

    at: str
    asked: Asked
    device: Any


def number(place: int) -> str:
    return f"14400{place:08}"


class Story:
    """A city with one controller, and what it was asked whenever it published."""

    def __init__(self) -> None:
        self.city = City()
        self.acme = self.city.organization("Acme")
        self.city.accept(self.city.prefix(self.acme, "gtin:09506000"))
        self.devices: dict[int, Subject] = {}
        self.ghost = self.city.new_device("ghost", self.acme)  # signed, and never registered
        self.answering = Answering(self.city)
        self.said: list[Said] = []
        self.told = 0
        self.publish()

    def step(self, what: str, place: int, free: int) -> None:
        """One step; what the rule book refuses changes nothing."""
        self.city.now += 10
        if what == "publish":
            self.publish()
        elif what == "register":
            made = self.city.new_device(f"M-{place:06}", self.acme, number=number(free))
            if made.first is not None and self.submit(made.first):  # a code is taken once
                self.devices[place] = made
        elif what == "rotate the controller":
            self.submit(self.city.rotate(self.acme))
        elif place in self.devices:
            self.submit(self.built(what, self.devices[place], free))

    def built(self, what: str, device: Subject, free: int) -> Signed:
        """An operation about a device."""
        city, acme = self.city, self.acme
        self.told += 1
        why = f"reason {self.told}"
        if what == "rebind":
            taken = disclosed(NUMBER, number(free))
            body = {"number": {"scheme": SCHEME, "commitment": taken.digest}}
            by = [acme, device]
            return city.follow(device, "number.rebind", body, by=by, disclosures=[taken])
        if what == "rotate":
            return city.rotate(device)
        if what == "update":
            sector = {"domain": "production", "field": f"field-{self.told}"}
            return city.follow(device, "device.update", {"sector": sector}, by=[acme])
        if what == "retire":
            return city.follow(device, "status.retire", {"reason": why}, by=[acme])
        by_whom = city.authority if self.told % 2 else acme
        return city.supervise(device, f"status.{what}", why, by_whom)

    def submit(self, signed: Signed) -> bool:
        (outcome,) = self.city.submit(signed)
        if isinstance(outcome, Accepted):
            signed.accepted()
        return isinstance(outcome, Accepted)

    def questions(self) -> Iterator[Asked]:
        """Every code, number and DID there may be."""
        resolver = self.answering.resolver
        for place in range(DEVICES):
            yield resolver.code(f"(01)09506000134352(21)M-{place:06}")
        for place in range(NUMBERS):
            yield resolver.disclosure(SCHEME, disclosed(NUMBER, number(place)).encoded)
        for device in (*self.devices.values(), self.ghost):
            yield resolver.did(device.did)

    def publish(self) -> None:
        """Publishes, and asks every question."""
        size = self.answering.publish()
        for asked in self.questions():
            device = self.recorded(asked.key)
            state = self.proved(asked, device)
            assert state.checkpoint.checkpoint.size == state.root.index + 1 == size
            self.said.append(Said(self.city.created, asked, device))

    def recorded(self, key: Key) -> Any:
        """What the writer's state has under a key, without any of what is tested here."""
        state = self.city.ledger.state
        record: Any = state.get(key)
        if key[0] == "did" or record is None:
            return record
        return state.get(("did", record["did"])) if "did" in record else None

    def proved(self, asked: Asked, device: Any) -> Any:
        """The state under which the answer is proved to be what the writer has."""
        proof = self.answering.absence(asked)
        if device is None:
            return verify_absence(proof, pinned(self.city), asked.key)
        assert proof is None
        verified = verify_answer(self.answering.answer(asked), pinned(self.city), key=asked.key)
        assert canonicalize(dict(verified.device)) == canonicalize(device)
        assert verified.signers == (device["did"], self.acme.did)
        return verified.state

    def look_back(self) -> None:
        """Asks again, as of then, whatever was asked."""
        for at, asked, device in self.said:
            try:
                answer = self.answering.answer(asked, at)
            except NotFound:
                assert device is None
                continue
            assert device is not None
            # Of the past, the device is proved, and not who had the number.
            key = ("did", device["did"]) if asked.key[0] == "number" else asked.key
            verified = verify_answer(answer, pinned(self.city), key=key)
            assert canonicalize(dict(verified.device)) == canonicalize(device)


@given(STEPS)
@settings(max_examples=25)
def test_every_answer_is_proved_whatever_happened(steps: list[tuple[str, int, int]]) -> None:
    story = Story()
    for step in steps:
        story.step(*step)
    story.city.now += 10
    story.publish()
    story.look_back()


def test_a_history_in_which_everything_happens() -> None:
    """So that none of the steps is one that is always refused."""
    story = Story()
    for step in (
        ("register", 0, 0),
        ("register", 1, 1),
        ("publish", 0, 0),
        ("rebind", 1, 0),
        ("publish", 0, 0),
        ("rotate the controller", 0, 0),
        ("suspend", 0, 0),
        ("publish", 0, 0),
        ("resume", 0, 0),
        ("rotate", 0, 0),
        ("update", 0, 0),
        ("retire", 1, 0),
        ("publish", 0, 0),
        ("register", 2, 0),
        ("revoke", 0, 0),
        ("publish", 0, 0),
    ):
        before = story.city.reader.head().size
        story.step(*step)
        assert story.city.reader.head().size > before, step
    story.look_back()
    statuses = {
        place: story.recorded(("did", device.did))["status"]
        for place, device in story.devices.items()
    }
    assert statuses == {0: "revoked", 1: "retired", 2: "active"}
