"""Signed operations for tests, and a small ledger: every key, salt and time follows from names.

    city = City()                                  # a sandbox in memory; its genesis is entry 0
    acme = city.organization("Acme")               # registered, entry 1
    city.accept(city.prefix(acme, "gtin:09506000"))
    meter = city.device("M-0001", acme)            # registered; its disclosures are `meter.first`'s
    city.accept(city.follow(meter, "status.retire", {"reason": "worn out"}, by=[acme]))

`Maker` builds and signs, and applies nothing: for tests of the rule book or of parsers.
`City` is a `Maker` with a store and a ledger: `submit` gives the outcomes, `accept` insists.

A `Subject` knows its DID, keys and place in its sequence. `follow` builds the next operation of a
subject without moving it, so that a test can build one that is refused; `accept` moves it, and a
test without a ledger calls `signed.accepted()`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

from identity.did import did_key_method, tetrad_did, tetrad_method
from identity.disclosure import NUMBER, SERIAL, Disclosure, disclose
from identity.jcs import canonicalize
from identity.keys import PrivateKey, algorithms_named, draw_key
from identity.members import format_time
from identity.operation import operation_hash
from identity.proof import CRYPTOSUITES, create_proof, proof_options
from registry.checking import Checked, check_operation
from registry.ledger import Accepted, Ledger, Outcome
from registry.logkeys import LogSigners
from registry.note import SignatureType, Signer
from registry.reader import LedgerReader
from registry.rules import RuleBook
from registry.store import MemoryStore, Store
from registry.uniqueness import HMAC, Uniqueness
from resolver.schemes import SCHEMES
from tests.identity.plain_mldsa import SETS as MLDSA
from tests.identity.plain_mldsa import PlainMldsa

NOW = 1_795_334_400
"""2026-11-22T08:00:00Z."""
ORIGIN = "sandbox.test"
SECRET = sha256(b"uniqueness").digest()
"""Of the keyed hash."""
UNIQUE = Uniqueness.of(HMAC, SECRET).hash
LOG = Signer(ORIGIN, SignatureType.ED25519, sha256(b"log").digest())
QUANTUM = Signer(ORIGIN, SignatureType.ML_DSA_44, sha256(b"quantum").digest())
RULES = RuleBook(SCHEMES)
GENERATIONS = 4
"""Sets of log keys that a City holds: that of the genesis, and those for later updates."""

Operation = dict[str, Any]
Method = tuple[PrivateKey, str]
"""A key and the verification method that names it."""


def log_seeds(generation: int, origin: str = ORIGIN) -> tuple[bytes, bytes]:
    """The secrets of `log_pair`."""
    of = (f" {generation}" * bool(generation)) + (f" {origin}" * (origin != ORIGIN))
    log, quantum = (sha256(f"{name}{of}".encode()) for name in ("log", "quantum"))
    return log.digest(), quantum.digest()


@lru_cache(maxsize=64)
def log_pair(generation: int, origin: str = ORIGIN) -> tuple[Signer, Signer]:
    """The log's keys of that generation; 0 are those of the genesis."""
    if generation == 0 and origin == ORIGIN:
        return LOG, QUANTUM
    log, quantum = log_seeds(generation, origin)
    return (
        Signer(origin, SignatureType.ED25519, log),
        Signer(origin, SignatureType.ML_DSA_44, quantum),
    )


def log_vkeys(generation: int) -> list[str]:
    """Their verifier keys."""
    return [str(signer.key) for signer in log_pair(generation)]


def log_signers(origin: str = ORIGIN) -> LogSigners:
    """All generations that a City holds."""
    return LogSigners(one for n in range(GENERATIONS) for one in log_pair(n, origin))


@lru_cache(maxsize=65_536)
def key(name: str, algorithm: str = "Ed25519") -> PrivateKey:
    """The key of that name. One of ML-DSA signs without randomness, so that vectors stay."""
    secret = sha256(f"key {name}".encode()).digest()
    if algorithm in MLDSA:
        return PlainMldsa(algorithm, secret)
    return draw_key(algorithm, lambda width: secret.ljust(width, b"\1"))


def disclosed(pointer: str, value: str) -> Disclosure:
    """A disclosure whose salt follows from its value."""
    return disclose(
        pointer, value, lambda n: sha256(f"salt {pointer} {value}".encode()).digest()[:n]
    )


def sign(operation: Operation, *methods: Method) -> Operation:
    """The operation with one proof for each method, in that order; an older `proof` is dropped."""
    unsigned = {name: value for name, value in operation.items() if name != "proof"}
    proofs = [
        create_proof(
            unsigned,
            signer,
            proof_options(CRYPTOSUITES[signer.public.algorithm], method, "capabilityInvocation"),
        )
        for signer, method in methods
    ]
    return {**unsigned, "proof": proofs}


def share(name: str, place: int = 0) -> PrivateKey:
    """A recovery key of the quorum with that name."""
    return key(f"{name} share {place}")


def quorum(name: str, threshold: int = 2, shares: int = 3, wait: int = 7 * 86_400) -> Any:
    """A `recovery` by so many of its keys."""
    keys = [share(name, place).public.thumbprint for place in range(shares)]
    return {"threshold": threshold, "keys": keys, "wait": wait}


@dataclass
class Subject:
    """A party of the ledger with its keys: a device, an organization or the authority."""

    name: str
    did: str = ""
    previous: str = ""
    """Hash of its last sequenced operation."""
    sequence: int = 0
    generation: int = 0
    """How often its key was rotated."""
    algorithm: str = "Ed25519"
    """Of its keys; of a pair, "Ed25519+ML-DSA-44"."""
    first: Signed | None = None
    """The operation that created it."""
    recovery: Any = "none"
    """The quorum that its first operation appoints."""

    def keys_of(self, generation: int) -> list[PrivateKey]:
        """Its keys after so many rotations."""
        algorithms = algorithms_named(self.algorithm)
        return [
            key(f"{self.name}/{generation}" + f"/{place}" * bool(place), algorithm)
            for place, algorithm in enumerate(algorithms)
        ]

    @property
    def key(self) -> PrivateKey:
        """Its present key, or the first of them."""
        return self.keys_of(self.generation)[0]

    @property
    def next_key(self) -> PrivateKey:
        """The key that it has committed to in `next`, or the first of them."""
        return self.keys_of(self.generation + 1)[0]

    @property
    def method(self) -> Method:
        """Its present key as a method of its DID, or the first of them."""
        return self.methods[0]

    @property
    def methods(self) -> list[Method]:
        """Its present keys as methods of its DID."""
        return [
            (one, tetrad_method(self.did, one.public.thumbprint))
            for one in self.keys_of(self.generation)
        ]

    @property
    def first_methods(self) -> list[Method]:
        """Its present keys as they sign the operation that creates it."""
        return [(one, did_key_method(one.public.multikey)) for one in self.keys_of(self.generation)]

    @property
    def establishment(self) -> dict[str, Any]:
        """`keys`, `next` and `recovery` of a first operation."""
        return {
            "keys": [one.public.multikey for one in self.keys_of(self.generation)],
            "next": [one.public.thumbprint for one in self.keys_of(self.generation + 1)],
            "recovery": self.recovery,
        }


class Signed(NamedTuple):
    """A signed operation, the disclosures beside it, and the subject that it moves on."""

    operation: Operation
    disclosures: list[str]
    subject: Subject | None = None
    generation: int | None = None
    """The generation of keys to which it moves the subject, where it is not the next one."""

    @property
    def hash(self) -> str:
        """The operation hash."""
        return operation_hash(self.operation)

    @property
    def submission(self) -> bytes:
        """What is posted."""
        return canonicalize({"operation": self.operation, "disclosures": self.disclosures})

    def accepted(self) -> None:
        """Moves the subject on, where the operation is one of its sequence or brings its keys."""
        if self.subject is not None and self.generation is not None:
            self.subject.generation = self.generation
        if self.subject is not None and "sequence" in self.operation:
            self.subject.sequence = self.operation["sequence"]
            self.subject.previous = self.hash
            self.subject.generation += self.operation["type"] in (
                "keys.rotate",
                "registry.update",
            )


class Maker:
    """Builds operations for one ledger, whose genesis is `genesis`."""

    def __init__(
        self,
        mode: str = "sandbox",
        *,
        now: int = NOW,
        origin: str = ORIGIN,
        uniqueness: str = HMAC,
        recovery: Any = "none",
        **policy: Any,
    ) -> None:
        """`uniqueness` names the keyed hash, `recovery` is the authority's; `policy` replaces
        members of the genesis's policy."""
        self.now = now
        self.origin = origin
        self.uniqueness = Uniqueness.of(uniqueness, SECRET)
        self.authority = Subject("authority", recovery=recovery)
        body = {
            "format": 0,
            "origin": origin,
            "mode": mode,
            "authority": "The authority",
            **self.authority.establishment,
            "log": [str(signer.key) for signer in log_pair(0, origin)],
            "policy": {
                "created": {"past": 86_400, "future": 300},
                "ipv6": "required",
                "prefixes": 16,
                **policy,
            },
            "uniqueness": self.uniqueness.member,
        }
        operation = {"type": "registry.genesis", "created": self.created, "body": body}
        multikey = self.authority.key.public.multikey
        operation = sign(operation, (self.authority.key, did_key_method(multikey)))
        self.genesis = Signed(operation, [])
        self.ledger_hash = self.genesis.hash
        self._establish(self.authority, self.genesis)

    @property
    def created(self) -> str:
        """`created` of what is built now."""
        return format_time(self.now)

    def _establish(self, subject: Subject, signed: Signed) -> None:
        subject.did = tetrad_did(self.ledger_hash, signed.hash)
        subject.previous = signed.hash
        subject.first = signed

    def operation(self, type_: str, body: Any, *methods: Method, **members: Any) -> Operation:
        """A signed operation with these members, whatever they are."""
        built = {"type": type_, "ledger": self.ledger_hash, "created": self.created, "body": body}
        return sign({**built, **members}, *methods)

    def follow(
        self,
        subject: Subject,
        type_: str,
        body: Any,
        *,
        by: Sequence[Subject] = (),
        disclosures: Sequence[Disclosure] = (),
        methods: Sequence[Method] = (),
    ) -> Signed:
        """The next operation in a subject's own sequence; signed by itself unless `by` says who."""
        signers = [*(one for signer in by for one in signer.methods), *methods]
        operation = self.operation(
            type_,
            body,
            *(signers or subject.methods),
            subject=subject.did,
            sequence=subject.sequence + 1,
            previous=subject.previous,
        )
        return Signed(operation, [one.encoded for one in disclosures], subject)

    def supervise(self, subject: Subject, type_: str, reason: str, by: Subject) -> Signed:
        """A status operation by a supervisor: it has no sequence."""
        operation = self.operation(type_, {"reason": reason}, *by.methods, subject=subject.did)
        return Signed(operation, [])

    def new_organization(
        self,
        name: str,
        *,
        admitted_by: Subject | None = None,
        algorithm: str = "Ed25519",
        recovery: Any = "none",
    ) -> Subject:
        """An organization whose `first` is signed and not yet submitted."""
        subject = Subject(name, algorithm=algorithm, recovery=recovery)
        methods = subject.first_methods
        if admitted_by is not None:
            methods += admitted_by.methods
        body = {"name": name, **subject.establishment}
        operation = self.operation("organization.register", body, *methods)
        self._establish(subject, Signed(operation, []))
        return subject

    def grant(
        self, granter: Subject, right: str, to: Subject, scope: dict[str, Any], **members: Any
    ) -> Signed:
        """A grant.issue; `members` such as notAfter go into its body."""
        body = {"right": right, "to": to.did, "scope": scope, **members}
        return self.follow(granter, "grant.issue", body)

    def prefix(
        self,
        to: Subject,
        prefix: str,
        *,
        by: Subject | None = None,
        node: dict[str, Any] | None = None,
        **members: Any,
    ) -> Signed:
        """The grant of a prefix written "scheme:prefix"; taken by `to` itself unless `by`, and
        naming its `node` where it has one."""
        scheme, _, value = prefix.partition(":")
        scope: dict[str, Any] = {"scheme": scheme, "prefix": value}
        scope |= {"node": node} if node else {}
        return self.grant(by or to, "prefix", to, scope, **members)

    @property
    def node(self) -> dict[str, Any]:
        """This ledger as a grant on another one names it."""
        url = f"https://{self.origin}"
        return {"ledger": self.ledger_hash, "origin": self.origin, "urls": [url]}

    def rotate(self, subject: Subject) -> Signed:
        """The key that was committed to takes over; the next one is committed to."""
        return self._rotated(subject, "keys.rotate")

    def update_registry(self, **named: Any) -> Signed:
        """An update by the authority that names `log`, `policy` or `witnesses`."""
        return self._rotated(self.authority, "registry.update", **named)

    def _rotated(self, subject: Subject, type_: str, **named: Any) -> Signed:
        new, following = (subject.keys_of(subject.generation + n) for n in (1, 2))
        body = {
            "keys": [one.public.multikey for one in new],
            "next": [one.public.thumbprint for one in following],
            **named,
        }
        methods = [(one, tetrad_method(subject.did, one.public.thumbprint)) for one in new]
        return self.follow(subject, type_, body, methods=methods)

    def begin_recovery(
        self, subject: Subject, shares: Sequence[PrivateKey], generation: int, **members: Any
    ) -> Signed:
        """A recovery.begin by these recovery keys, to the keys of a generation of the subject."""
        new, following = (key(f"{subject.name}/{n}") for n in (generation, generation + 1))
        assert subject.first is not None
        body = {
            "appointed": subject.first.hash,
            "quorum": [one.public.multikey for one in shares],
            "keys": [new.public.multikey],
            "next": [following.public.thumbprint],
            "recovery": "none",
            **members,
        }
        methods = [(k, tetrad_method(subject.did, k.public.thumbprint)) for k in (new, *shares)]
        operation = self.operation("recovery.begin", body, *methods, subject=subject.did)
        return Signed(operation, [])

    def finish_recovery(
        self, subject: Subject, begun: Signed, generation: int, by: Subject | None = None
    ) -> Signed:
        """Its recovery.finish, by the new key unless by somebody else."""
        new = key(f"{subject.name}/{generation}")
        method = by.method if by else (new, tetrad_method(subject.did, new.public.thumbprint))
        operation = self.operation(
            "recovery.finish", {"begun": begun.hash}, method, subject=subject.did
        )
        return Signed(operation, [], subject, generation)

    def offer(self, device: Subject, by: Subject, to: Subject, **members: Any) -> Signed:
        """A transfer.offer of a device, for a day; `members` such as notAfter replace its own."""
        offer = {"to": to.did, "notAfter": format_time(self.now + 86_400), **members}
        return self.follow(device, "transfer.offer", {"offer": offer}, by=[by])

    def accept_offer(
        self,
        device: Subject,
        offer: Signed,
        by: Sequence[Subject],
        generation: int | None = None,
        **members: Any,
    ) -> Signed:
        """Its transfer.accept: by the device's committed key, or the keys of a `generation`."""
        at = device.generation + 1 if generation is None else generation
        new, following = (key(f"{device.name}/{n}") for n in (at, at + 1))
        body = {
            "offer": offer.hash,
            "keys": [new.public.multikey],
            "next": [following.public.thumbprint],
            "recovery": "none",
            **members,
        }
        method = (new, tetrad_method(device.did, new.public.thumbprint))
        signed = self.follow(device, "transfer.accept", body, by=by, methods=[method])
        return signed._replace(generation=at)

    def device_body(
        self,
        subject: Subject,
        controller: Subject,
        *,
        maker: Subject | None = None,
        serial: Disclosure,
        number: Disclosure | None,
        **members: Any,
    ) -> dict[str, Any]:
        """The body of a device.register: a gs1 code under gtin:09506000 and its device's name."""
        body: dict[str, Any] = {
            "object": {
                "maker": (maker or controller).did,
                "model": "M1",
                "serial": serial.digest,
                "sector": {"domain": "production", "field": "industry", "category": "C4016"},
                "ipv6": "enabled",
            },
            "code": {
                "scheme": "gs1",
                "value": f"https://id.gs1.org/01/09506000134352/21/{subject.name}",
            },
            "number": "none",
            "data": "none",
            **subject.establishment,
            "controller": controller.did,
        }
        if number is not None:
            body["number"] = {"scheme": "msisdn-cn-iot", "commitment": number.digest}
        return {**body, **members}

    def new_device(
        self,
        name: str,
        controller: Subject,
        *,
        by: Sequence[Subject] | None = None,
        maker: Subject | None = None,
        serial: str | None = None,
        number: str | None = None,
        algorithm: str = "Ed25519",
        recovery: Any = "none",
        **members: Any,
    ) -> Subject:
        """A device whose `first` is signed and not yet submitted.

        Signed by itself and by the controller, or those in `by`. `number` is 13 digits of
        msisdn-cn-iot ("1440000000001"); `members` replace members of the body.
        """
        subject = Subject(name, algorithm=algorithm, recovery=recovery)
        opened = [disclosed(SERIAL, serial or f"SN-{name}")]
        called = disclosed(NUMBER, number) if number is not None else None
        opened += [called] if called else []
        body = self.device_body(
            subject, controller, maker=maker, serial=opened[0], number=called, **members
        )
        methods = subject.first_methods
        methods += [m for signer in ([controller] if by is None else by) for m in signer.methods]
        operation = self.operation("device.register", body, *methods)
        self._establish(subject, Signed(operation, [one.encoded for one in opened]))
        return subject

    def check(self, signed: Signed, keys: dict[str, str] | None = None) -> Checked:
        """What the writer takes; `keys` by thumbprint, without them proofs stay pending."""
        known = (keys or {}).get
        unique = self.uniqueness.hash
        return check_operation(signed.operation, signed.disclosures, SCHEMES, unique, known)


class City(Maker):
    """A ledger in a store, begun with its genesis."""

    def __init__(
        self, store: Store | None = None, mode: str = "sandbox", *, now: int = NOW, **options: Any
    ) -> None:
        super().__init__(mode, now=now, **options)
        self.store: Store = MemoryStore() if store is None else store
        self.ledger = Ledger(self.store, RULES, log_signers(self.origin), self.origin)
        self.accept(self.genesis)

    @property
    def reader(self) -> LedgerReader:
        """A new reader of the store."""
        return LedgerReader(self.store)

    def submit(self, *signed: Signed) -> list[Outcome]:
        """Checks and appends them as one batch; subjects stay where they are."""
        return self.ledger.append([self.check(one) for one in signed], self.now)

    def accept(self, *signed: Signed) -> list[Accepted]:
        """As `submit`; raises the first refusal, and moves subjects on."""
        accepted: list[Accepted] = []
        for one, outcome in zip(signed, self.submit(*signed), strict=True):
            if not isinstance(outcome, Accepted):
                raise outcome
            one.accepted()
            accepted.append(outcome)
        return accepted

    def organization(self, name: str, **options: Any) -> Subject:
        """A registered organization."""
        return self._register(self.new_organization(name, **options))

    def device(self, name: str, controller: Subject, **options: Any) -> Subject:
        """A registered device; options as of `new_device`."""
        return self._register(self.new_device(name, controller, **options))

    def _register(self, subject: Subject) -> Subject:
        assert subject.first is not None
        self.accept(subject.first)
        return subject

    def fill(self, devices: int, *, batch: int = 500) -> list[Subject]:
        """Acme with gtin:09506000 and that many devices with numbers; Acme stands first."""
        acme = self.organization("Acme")
        self.accept(self.prefix(acme, "gtin:09506000"))
        made = [self.new_device(f"M-{n:06}", acme, number=f"14400{n:08}") for n in range(devices)]
        for start in range(0, devices, batch):
            self.accept(*(one.first for one in made[start : start + batch] if one.first))
        return [acme, *made]
