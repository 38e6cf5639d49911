"""The example ledger of the specification: one operation of each type, a minute apart, and a root
of the state in the middle and at the end, as where a checkpoint is published.

Keys, salts and times follow from names (tests/factory.py), so that everyone gets the same bytes.
`entries()` are what stands in specs/examples/ledger.ndjson; `Example.named` says which is which.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import orjson

from identity.disclosure import CODE, DATA, NUMBER, Disclosure
from identity.jcs import canonicalize
from identity.multibase import multihash
from identity.operation import operation_hash
from tests.enrolling import enrolled, granted
from tests.factory import City, Signed, Subject, disclosed, quorum, share

CONTENT = {"capabilities": ["volume", "leak"], "unit": "m3"}
RECORD = {
    "describes": "Cumulative consumption of water",
    "schema": "https://acme.example/schemas/meter-1.json",
    "version": 1,
    "grade": "general",
    "endpoints": [{"type": "LwM2M", "url": "coaps://m-0017.acme.example/9"}],
}
MINUTE = 60
NODE = {
    "ledger": multihash(b"the ledger of Acme's plant"),
    "origin": "plant.acme.example",
    "urls": ["https://plant.acme.example"],
}
LINKS = {
    "anchor": {"scheme": "gtin", "value": "09506000134352"},
    "description": "Water meter M1",
    "links": [
        {
            "relation": "gs1:pip",
            "href": "https://acme.example/m1",
            "title": "Water meter M1",
            "type": "text/html",
            "hreflang": ["en"],
            "default": True,
        },
        {
            "relation": "gs1:instructions",
            "href": "https://acme.example/m1/manual.pdf",
            "title": "How to install it",
        },
    ],
}
"""Of the class of products that the meter is of."""


class Example(NamedTuple):
    """The ledger, and its entries by the type of their operation, or "state_root"."""

    city: City
    acme: Subject
    meter: Subject
    car: Subject
    named: dict[str, int]
    disclosures: dict[str, Disclosure]

    @property
    def entries(self) -> list[bytes]:
        """The bytes of every entry."""
        return self.city.store.entries(0, self.city.reader.head().size)

    @property
    def receipt(self) -> bytes:
        """That of the meter's registration, under the checkpoint of the last entry."""
        return self.city.reader.receipts([self.named["device.register"]])[0]


@cache
def example() -> Example:
    """The ledger, built once."""
    return _Builder().build()


class _Builder:
    def __init__(self) -> None:
        self.city = City()
        self.named = {"registry.genesis": 0}

    def then(self, signed: Signed | None, name: str = "") -> None:
        """Appends one operation; what is built after it is a minute later."""
        assert signed is not None
        (accepted,) = self.city.accept(signed)
        self.named[name or signed.operation["type"]] = accepted.index
        self.city.now += MINUTE

    def close(self, name: str) -> None:
        """A root of the state, at the time of the last entry."""
        self.named[name] = self.city.ledger.close(self.city.now - MINUTE) - 1
        self.city.ledger.state_map.publish()

    def build(self) -> Example:
        """See `Example`."""
        city, then = self.city, self.then
        city.now += MINUTE
        acme = city.new_organization("Acme Meters")
        then(acme.first)
        then(city.follow(acme, "organization.update", {"uscc": "91310000MA1K00017W"}))
        then(city.prefix(acme, "gtin:09506000"))
        meter, content = self.meter(acme)
        then(meter.first)
        self.close("state_root")
        body: dict[str, Any] = {"data": {**RECORD, "version": 2, "commitment": content.digest}}
        then(city.follow(meter, "device.update", body, by=[acme]))
        number = disclosed(NUMBER, "89860112851083069510")
        body = {"number": {"scheme": "iccid", "commitment": number.digest}}
        then(city.follow(meter, "number.rebind", body, by=[acme, meter], disclosures=[number]))
        then(city.rotate(meter))
        then(city.supervise(meter, "status.suspend", "reported stolen", city.authority))
        then(city.supervise(meter, "status.resume", "found again", city.authority))
        then(city.prefix(acme, "vin:1HGCM82"), "grant.issue vin")
        car, vin = self.car(acme)
        then(car.first, "device.register vin")
        then(city.follow(meter, "status.retire", {"reason": "worn out"}, by=[acme]))
        then(city.supervise(car, "status.revoke", "its key was published", city.authority))
        withdrawn = {"grant": self.hash("grant.issue vin"), "reason": "no cars any more"}
        then(city.follow(acme, "grant.withdraw", withdrawn))
        gateway, beta = self.gateway(acme)
        then(city.update_registry(witnesses="quorum none\n"))
        then(granted(city, acme, acme), "grant.issue enrol")
        enrolment = self.hash("grant.issue enrol")
        then(enrolled(city, enrolment, "SN-1", acme), "device.register enrolment")
        revoked = {"grant": enrolment, "serials": ["SN-2", "SN-3"], "reason": "lost on the way"}
        then(city.follow(acme, "enrolment.revoke", revoked))
        then(city.prefix(acme, "gtin:095060009", node=NODE), "grant.issue node")
        then(city.follow(acme, "links.set", LINKS))
        right = {"scheme": "gs1", "value": "https://id.gs1.org/01/09506000134352/21/G-0008"}
        correct = {"code": right, "reason": "the label says G-0008"}
        then(city.follow(gateway, "code.correct", correct, by=[beta, acme]))
        self.close("state_root at the end")
        opened = {"number": number, "content": content, "vin": vin}
        return Example(city, acme, meter, car, self.named, opened)

    def hash(self, name: str) -> str:
        """The operation hash of an entry."""
        index = self.named[name]
        return operation_hash(orjson.loads(self.city.reader.entry(index))["operation"])

    def meter(self, acme: Subject) -> tuple[Subject, Disclosure]:
        """A device with all four ones."""
        content = disclosed(DATA, canonicalize(CONTENT).decode())
        data = {**RECORD, "commitment": content.digest}
        meter = self.city.new_device("M-0017", acme, number="1440012345678", data=data)
        return meter, content

    def gateway(self, acme: Subject) -> tuple[Subject, Subject]:
        """A device that is recovered by its quorum, and sold; and whose it is then."""
        city, then = self.city, self.then
        beta = city.new_organization("Beta Energy")
        then(beta.first, "organization.register beta")
        recovery = quorum("gateway", wait=2 * MINUTE)
        gateway = city.new_device("G-0007", acme, recovery=recovery)
        then(gateway.first, "device.register gateway")
        shares = [share("gateway", place) for place in (0, 2)]
        begun = city.begin_recovery(gateway, shares, 10)
        then(begun)
        city.now += MINUTE
        then(city.finish_recovery(gateway, begun, 10))
        offer = city.offer(gateway, acme, beta)
        then(offer)
        then(city.accept_offer(gateway, offer, [beta]))
        return gateway, beta

    def car(self, acme: Subject) -> tuple[Subject, Disclosure]:
        """A device with a committed code, no number, no data, and a P-256 key."""
        vin = disclosed(CODE, "1HGCM82633A004352")
        car = self.city.new_device(
            "car-1",
            acme,
            algorithm="P-256",
            code={"scheme": "vin", "prefix": "1HGCM82", "commitment": vin.digest},
        )
        assert car.first is not None
        car.first = car.first._replace(disclosures=[*car.first.disclosures, vin.encoded])
        return car, vin
