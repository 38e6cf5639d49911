"""What the rule book never lets happen, whatever is sent to it.

A state machine sends honest and hostile operations of every type: right and wrong signers, reused
keys, numbers and codes, replays, stale sequences. Signatures are not made, since `apply` does not
verify them. After every step the whole state is looked at, the histories that the ledger adds to
its records included.
"""

from __future__ import annotations

import copy
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from identity.did import ledger_label
from identity.disclosure import NUMBER, SERIAL
from identity.errors import TetradError
from identity.keys import thumbprint
from identity.members import format_time
from identity.multibase import decode_multihash, digest_multihash, multihash
from identity.operation import operation_hash, read_operation
from registry.case import FINAL
from registry.grants import is_active, prefix_holder
from registry.merkle import leaf_hash
from registry.state import Changes, Key, MemoryState, linked
from resolver.schemes import SCHEMES
from tests import certificates
from tests.enrolling import ISSUING, TEMPLATE, scope
from tests.factory import NOW, RULES, disclosed, key

POOL = [key(f"pool {n}").public for n in range(256)]
SHARES = {one.thumbprint: one for one in (key(f"share {n}").public for n in range(256))}
WAIT = 3600
PREFIXES = ["095060001", "0950600012", "09506000134352", "04012345", "09506000"]
LEDGERS = [
    multihash(b"one"),
    multihash(b"another"),
    digest_multihash(decode_multihash(multihash(b"one"))[:10] + bytes(22)),
]
"""The last has the label of the first."""
NODES = [
    None,
    *({"ledger": one, "origin": "node.test", "urls": ["https://node.test"]} for one in LEDGERS),
]

ITEMS = ["09506000134352", "09506000199993", "04012345000009"]
FOR_EVER = ("code", "object", "key", "serial")
"""Kinds whose records, once made, never change."""
QUOTA = 3
TAKEN: Counter[str] = Counter()
"""How often operations of each type were accepted, over all examples."""
RARE = (
    "code.correct",
    "enrolled",
    "enrolment.revoke",
    "keys.rotate",
    "recovery.begin",
    "recovery.finish",
    "transfer.accept",
    "transfer.offer",
)
"""What takes several steps in the right order, and might never come about."""

parties = st.integers(0, 7)
# New keys, mostly; sometimes some that may have served before.
pool = st.integers(1, 2) | st.integers(1, 2) | st.lists(st.integers(0, 24), min_size=1, max_size=2)
numbers = st.integers(0, 6)
# Mostly what the table asks for; sometimes one too few, one too many, or anybody.
tampering = st.sampled_from(["", "", "", "", "", "", "", "", "drop", "add", "swap", "stale"])
Drawn = int | list[int]


def digest(text: str) -> str:
    """Some 43 characters."""
    return disclosed("/x", text).digest


class RuleBookMachine(RuleBasedStateMachine):
    """A ledger under attack."""

    sent = Bundle("sent")

    @initialize(mode=st.sampled_from(["sandbox", "sandbox", "permissioned"]))
    def genesis(self, mode: str) -> None:
        self.now = NOW
        self.state = MemoryState()
        self.events: dict[Key, list[bytes]] = {}
        """Leaf hashes of the entries that made each record."""
        self.dids: list[str] = []
        self.granted: list[str] = []
        self.used = 1
        self.appointed = 0
        self.ledger = ""
        body = {
            "format": 0,
            "origin": "sandbox.test",
            "mode": mode,
            "authority": "Authority",
            "keys": [POOL[0].multikey],
            "next": [POOL[1].thumbprint],
            "recovery": self.quorum(),
            "log": ["log"],
            "policy": {
                "created": {"past": 86_400, "future": 300},
                "ipv6": "required",
                "prefixes": 2,
            },
            "uniqueness": {"alg": "hmac-sha256"},
        }
        self.apply({"type": "registry.genesis", "created": self.time, "body": body}, keys=[0])
        assert self.dids
        for place, name in enumerate("AB", start=1):
            signed = [self.authority] if mode == "permissioned" else []
            self.organization(name, 1, 1, signed)
            by = 0 if mode == "permissioned" else place
            self.grant_prefix(by, place, PREFIXES[-1 if name == "A" else 3], False, "")
            for serial in range(2):
                item = ITEMS[0 if name == "A" else 2]
                self.device_register(
                    (place - 1, place - 1, 1), item, (serial, serial), serial + 2 * place, 1, 1, ""
                )
        factory = {"right": "enrol", "to": self.dids[1], "scope": scope(quota=QUOTA)}
        granted = self.follow("grant.issue", self.dids[1], factory, "", self.dids[1])
        self.enrolment = operation_hash(granted)

    # What is sent

    @property
    def time(self) -> str:
        return format_time(self.now)

    @property
    def authority(self) -> str:
        return self.dids[0]

    def drawn(self, keys: Drawn) -> list[int]:
        """Places in the pool: those named, or so many that were not used yet."""
        if isinstance(keys, list):
            return keys
        self.used += keys
        return [n % len(POOL) for n in range(self.used - keys + 1, self.used + 1)]

    def quorum(self) -> dict[str, Any]:
        """Two of three recovery keys; now and then they are some of another's."""
        self.appointed += 3 if self.appointed % 5 else 2
        names = list(SHARES)
        keys = [names[(self.appointed + n) % len(names)] for n in range(3)]
        return {"threshold": 2, "keys": keys, "wait": WAIT}

    def record(self, did: str) -> dict[str, Any]:
        found: Any = self.state.get(("did", did))
        return found if found is not None else {}

    def of(self, index: int, kind: str | None = None) -> str:
        found = [did for did in self.dids if kind is None or self.record(did)["kind"] == kind]
        return found[index % len(found)] if found else self.authority

    def with_member(self, member: str, index: int, kind: str | None = None) -> str:
        """A subject whose record has that member, or else any."""
        found = [did for did in self.dids if member in self.record(did)]
        return found[index % len(found)] if found else self.of(index, kind)

    def apply(
        self,
        operation: dict[str, Any],
        *,
        by: Iterable[str] = (),
        keys: Sequence[int] = (),
        shares: Sequence[str] = (),
        also: Sequence[str] = (),
        unique: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """Sends an operation with proofs of parties, and of new keys as what they are."""
        subject = operation.get("subject")
        methods = []
        for one in (POOL[n] for n in keys):
            as_key = f"did:key:{one.multikey}#{one.multikey}"
            methods.append(f"{subject}#{one.thumbprint}" if subject else as_key)
        methods += [f"{subject}#{one}" for one in shares]
        methods += also
        for did in by:
            known = self.record(did).get("keys") or [POOL[0].multikey]
            methods.append(f"{did}#{thumbprint(known[0])}")
        proofs = [
            {
                "type": "DataIntegrityProof",
                "cryptosuite": "eddsa-jcs-2022",
                "verificationMethod": method,
                "proofPurpose": "capabilityInvocation",
                "proofValue": "z1",
            }
            for method in methods[:6]
        ]
        signed = {**operation, "proof": proofs}
        if proofs:
            self.decide(signed, unique or {})
        return signed

    def decide(self, signed: dict[str, Any], unique: dict[str, str]) -> None:
        """The rule book's word on it, which is the same twice and changes nothing by itself."""
        model, hashed = read_operation(signed), operation_hash(signed)
        before = copy.deepcopy(self.state.records)
        outcomes: list[Any] = []
        for _ in range(2):
            try:
                outcomes.append(RULES.apply(self.state, model, hashed, unique, self.now))
            except TetradError as error:
                outcomes.append(error.problem())
        assert outcomes[0] == outcomes[1]
        assert self.state.records == before
        if "status" not in outcomes[0]:
            TAKEN[signed["type"]] += 1
            TAKEN["enrolled"] += "enrolment" in signed["body"]
            self.check_step(signed, outcomes[0])
            leaf = leaf_hash(b"%d %s" % (self.state.size, hashed.encode()))
            for changed in outcomes[0]:
                self.events.setdefault(changed, []).append(leaf)
            self.state.advance(linked(self.state, outcomes[0], leaf))
            self.dids += [k[1] for k in outcomes[0] if k[0] == "did" and k[1] not in self.dids]
            self.granted += [
                k[1] for k in outcomes[0] if k[0] == "grant" and k[1] not in self.granted
            ]
            self.ledger = self.ledger or hashed

    def follow(
        self, type_: str, subject: str, body: Any, tamper: str, *by: str, **more: Any
    ) -> dict[str, Any]:
        """The next operation of a subject, or one that is not quite that."""
        record = self.record(subject)
        sequence = record.get("sequence", 0) + (0 if tamper == "stale" else 1)
        signers = list(dict.fromkeys(by))
        if tamper == "drop":
            signers = signers[1:]
        if tamper == "add":
            signers = list(dict.fromkeys([*signers, self.dids[-1]]))
        if tamper == "swap":
            signers = [self.dids[-1]]
        return self.apply(
            {
                "type": type_,
                "ledger": self.ledger,
                "created": self.time,
                "subject": subject,
                "sequence": max(sequence, 1),
                "previous": record.get("previous", self.ledger),
                "body": body,
            },
            by=signers,
            **more,
        )

    @rule(seconds=st.sampled_from([1, 60, 4000]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    def organization(
        self, name: str, keys: Drawn, following: Drawn, by: Iterable[str]
    ) -> dict[str, Any]:
        keys, following = self.drawn(keys), self.drawn(following)
        body = {
            "name": name,
            "keys": [POOL[n].multikey for n in keys],
            "next": [POOL[n].thumbprint for n in following],
            "recovery": self.quorum(),
        }
        operation = {
            "type": "organization.register",
            "ledger": self.ledger,
            "created": self.time,
            "body": body,
        }
        return self.apply(operation, keys=keys, by=by)

    @rule(target=sent, keys=pool, following=pool, by=st.lists(parties, max_size=1))
    def organization_register(
        self, keys: Drawn, following: Drawn, by: list[int]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        return self.organization("C", keys, following, [self.of(n) for n in by]), {}

    @rule(
        target=sent,
        places=st.tuples(parties, parties, parties),
        item=st.sampled_from(ITEMS),
        serials=st.tuples(st.integers(0, 4), st.integers(0, 4)),
        number=st.none() | numbers,
        keys=pool,
        following=pool,
        tamper=tampering,
    )
    def device_register(
        self,
        places: tuple[int, int, int],
        item: str,
        serials: tuple[int, int],
        number: int | None,
        keys: Drawn,
        following: Drawn,
        tamper: str,
    ) -> tuple[dict[str, Any], dict[str, str]]:
        keys, following = self.drawn(keys), self.drawn(following)
        controller, maker = (self.of(n, "organization") for n in places[:2])
        code = f"https://id.gs1.org/01/{item}/21/{serials[0]}"
        parent = self.of(places[2], "device")
        described = {
            "maker": maker,
            "model": "M1",
            "serial": digest(f"{serials[1]}"),
            "sector": {"domain": "production", "field": "industry"},
            "ipv6": "enabled",
        }
        if places[2] % 3 == 0:
            described["parent"] = parent
        body = {
            "object": described,
            "code": {"scheme": "gs1", "value": code},
            "number": "none",
            "data": "none",
            "keys": [POOL[n].multikey for n in keys],
            "next": [POOL[n].thumbprint for n in following],
            "recovery": self.quorum(),
            "controller": controller,
        }
        unique = {SERIAL: digest(f"{maker} M1 {serials[1]}")}
        if number is not None:
            body["number"] = {"scheme": "msisdn-cn-iot", "commitment": digest(f"n{number}")}
            unique[NUMBER] = digest(f"n{number}")
        holder = prefix_holder(self.state, SCHEMES.segments("gs1", code), self.now)
        by = [holder or self.authority, controller, maker]
        if tamper == "drop":
            by = by[1:]
        if tamper in ("add", "swap"):
            by = [*by[tamper == "swap" :], self.dids[-1]]
        operation = {
            "type": "device.register",
            "ledger": self.ledger,
            "created": self.time,
            "body": body,
        }
        return self.apply(operation, keys=keys, by=dict.fromkeys(by), unique=unique), unique

    @rule(
        target=sent,
        serials=st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)),
        keys=pool,
        own=st.booleans(),
        tamper=tampering,
    )
    def enrols(
        self, serials: tuple[int, int, int], keys: Drawn, own: bool, tamper: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """A device of A's factory, with some certificate, for some code and some serial."""
        certified, coded, disclosed_ = serials if tamper else (serials[0],) * 3
        maker = self.dids[1]
        leaf = certificates.leaf_key(f"SN-{serials[1]}").public.multikey
        der = certificates.device(
            f"SN-{certified}",
            below=ISSUING,
            private=certificates.leaf_key(f"SN-{serials[1]}"),
        )
        drawn = [] if own else self.drawn(keys)
        serial = digest(f"{maker} M1 SN-{disclosed_}")
        body = {
            "object": {
                "maker": maker,
                "model": "M1",
                "serial": serial,
                "sector": {"domain": "consumption", "field": "home"},
                "ipv6": "none",
            },
            "code": {"scheme": "gs1", "value": TEMPLATE.replace("{serial}", f"SN-{coded}")},
            "number": "none",
            "data": "none",
            "keys": [POOL[n].multikey for n in drawn] or [leaf],
            "next": [POOL[n].thumbprint for n in self.drawn(1)],
            "recovery": self.quorum(),
            "controller": maker,
            "enrolment": {"grant": self.enrolment, "certificate": b64encode(der).decode()},
        }
        operation = {
            "type": "device.register",
            "ledger": self.ledger,
            "created": self.time,
            "body": body,
        }
        also = [] if tamper == "drop" else [f"did:key:{leaf}#{leaf}"]
        by = [self.dids[-1]] if tamper == "add" else []
        unique = {SERIAL: serial}
        return self.apply(operation, keys=drawn, by=by, also=also, unique=unique), unique

    @rule(target=sent, by=st.just(1) | parties, serial=st.integers(0, 9), tamper=tampering)
    def enrolment_revoke(
        self, by: int, serial: int, tamper: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        body = {"grant": self.enrolment, "serials": [f"SN-{serial}"], "reason": "lost"}
        return self.follow("enrolment.revoke", self.of(by), body, tamper, self.of(by)), {}

    @rule(target=sent, by=parties, item=st.sampled_from(ITEMS), serial=st.none() | st.just("M-1"))
    def links_set(
        self, by: int, item: str, serial: str | None
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Whoever answers for a code, and nobody else, says where it leads."""
        setter = self.of(by)
        anchor = {"scheme": "gtin", "value": item}
        if serial:
            anchor = {"scheme": "gs1", "value": f"https://id.gs1.org/01/{item}/21/{serial}"}
        place = ("links", anchor["scheme"], anchor["value"])
        before = self.state.get(place)
        segments = SCHEMES.segments(anchor["scheme"], anchor["value"])
        entitled = {self.authority, prefix_holder(self.state, segments, self.now)}
        link = {"relation": "gs1:pip", "href": f"https://{by}.example/", "title": "x"}
        body = {"anchor": anchor, "links": [link]}
        signed = self.follow("links.set", setter, body, "", setter)
        after: Any = self.state.get(place)
        assert after == before or (after["by"] == setter and setter in entitled)
        return signed, {}

    @rule(
        target=sent,
        by=parties,
        to=parties,
        prefix=st.sampled_from(PREFIXES),
        ends=st.booleans(),
        tamper=tampering,
        node=st.sampled_from(NODES),
    )
    def grant_prefix(
        self, by: int, to: int, prefix: str, ends: bool, tamper: str, node: Any = None
    ) -> tuple[dict[str, Any], dict[str, str]]:
        granter, holder = self.of(by), self.of(to)
        scope = {"scheme": "gtin", "prefix": prefix, **({"node": node} if node else {})}
        body: dict[str, Any] = {"right": "prefix", "to": holder, "scope": scope}
        if ends:
            body["notAfter"] = format_time(self.now + 7200)
        return self.follow("grant.issue", granter, body, tamper, granter), {}

    @rule(target=sent, by=parties, to=parties, admits=st.booleans(), tamper=tampering)
    def grant_right(
        self, by: int, to: int, admits: bool, tamper: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        granter = self.of(by)
        body: dict[str, Any] = {"right": "admit", "to": self.of(to), "scope": {}}
        if not admits:
            body |= {"right": "make", "scope": {"maker": granter}}
        return self.follow("grant.issue", granter, body, tamper, granter), {}

    @rule(target=sent, by=parties, which=st.integers(0, 9), tamper=tampering)
    def grant_withdraw(
        self, by: int, which: int, tamper: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        grant = self.granted[which % len(self.granted)] if self.granted else self.ledger
        body = {"grant": grant, "reason": "over"}
        return self.follow("grant.withdraw", self.of(by), body, tamper, self.of(by)), {}

    @rule(
        target=sent,
        device=parties,
        parent=st.none() | parties,
        version=st.integers(1, 3),
        tamper=tampering,
    )
    def device_update(
        self, device: int, parent: int | None, version: int, tamper: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        subject = self.of(device, "device")
        data = {
            "describes": "readings",
            "schema": "urn:x",
            "version": version,
            "grade": "general",
            "endpoints": [],
            "commitment": digest("d"),
        }
        body: dict[str, Any] = {"data": data}
        if parent is not None:
            body = {"parent": self.of(parent, "device"), "data": "none"}
        controller = self.record(subject).get("controller", subject)
        return self.follow("device.update", subject, body, tamper, controller), {}

    @rule(
        target=sent,
        device=parties,
        number=st.none() | numbers,
        asked=st.booleans(),
        tamper=tampering,
    )
    def number_rebind(
        self, device: int, number: int | None, asked: bool, tamper: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        subject = self.of(device, "device")
        by = [self.record(subject).get("controller", subject), subject]
        body: dict[str, Any] = {"number": "none"}
        unique = {}
        if number is not None:
            body["number"] = {"scheme": "msisdn-cn-iot", "commitment": digest(f"n{number}")}
            unique[NUMBER] = digest(f"n{number}")
            taken: Any = self.state.get(("number", "msisdn-cn-iot", unique[NUMBER])) or {}
            bearer = self.record(taken.get("did", ""))
            if asked and bearer and bearer["status"] not in FINAL:
                by.append(bearer["controller"])
        return self.follow("number.rebind", subject, body, tamper, *by, unique=unique), unique

    @rule(
        target=sent, device=parties, item=st.sampled_from(ITEMS), serial=numbers, tamper=tampering
    )
    def code_correct(
        self, device: int, item: str, serial: int, tamper: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        subject = self.of(device, "device")
        record = self.record(subject)
        code = {"scheme": "gs1", "value": f"https://id.gs1.org/01/{item}/21/{serial}"}
        by = {record.get("controller", subject)}
        for one in (code, record.get("code", code)):
            segments = SCHEMES.segments("gs1", one["value"])
            by.add(prefix_holder(self.state, segments, self.now) or self.authority)
        body = {"code": code, "reason": "wrong"}
        return self.follow("code.correct", subject, body, tamper, *sorted(by)), {}

    @rule(target=sent, subject=parties, hostile=pool, following=pool, tamper=tampering)
    def keys_rotate(
        self, subject: int, hostile: Drawn, following: Drawn, tamper: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        following = self.drawn(following)
        living = [one for one in self.dids if self.record(one)["status"] not in FINAL]
        did = living[subject % len(living)] if isinstance(hostile, int) else self.of(subject)
        committed = self.record(did)["next"]
        keys = [n for n, one in enumerate(POOL) if one.thumbprint in committed]
        keys = hostile if isinstance(hostile, list) else keys
        body = {
            "keys": [POOL[n].multikey for n in keys],
            "next": [POOL[n].thumbprint for n in following],
        }
        return self.follow("keys.rotate", did, body, tamper, keys=keys), {}

    def unsequenced(self, type_: str, subject: str, body: Any, **more: Any) -> dict[str, Any]:
        """An operation that no sequence holds in its place."""
        built = {"type": type_, "ledger": self.ledger, "created": self.time, "subject": subject}
        return self.apply({**built, "body": body}, **more)

    @rule(
        target=sent,
        subject=parties,
        shares=st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True) | st.just([0, 2]),
        keys=pool,
        following=pool,
        tamper=tampering,
    )
    def recovery_begin(
        self,
        subject: int,
        shares: list[int],
        keys: Drawn,
        following: Drawn,
        tamper: str,
    ) -> tuple[dict[str, Any], dict[str, str]]:
        return self.begin(self.of(subject), shares, keys, following, tamper)

    def asked(self, did: str) -> dict[str, Any]:
        """The recovery that is under way, or what is none."""
        found: dict[str, Any] = self.record(did).get(
            "recovering", {"begun": self.ledger, "keys": []}
        )
        return found

    def begin(
        self, did: str, shares: list[int], keys: Drawn, following: Drawn, tamper: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        keys, following = self.drawn(keys), self.drawn(following)
        record = self.record(did)
        held = record["recovery"]["keys"] if record["recovery"] != "none" else list(SHARES)
        named = [held[n] for n in shares]
        body = {
            "appointed": self.ledger if tamper == "stale" else record.get("appointed", did[-47:]),
            "quorum": [SHARES[one].multikey for one in named],
            "keys": [POOL[n].multikey for n in keys],
            "next": [POOL[n].thumbprint for n in following],
            "recovery": record["recovery"] if tamper == "swap" else self.quorum(),
        }
        signing = named[tamper == "drop" :]
        by = [did] if tamper == "add" else []
        return self.unsequenced("recovery.begin", did, body, keys=keys, shares=signing, by=by), {}

    @rule(target=sent, subject=parties, by=st.none() | parties, waits=st.booleans())
    def recovery_finish(
        self, subject: int, by: int | None, waits: bool
    ) -> tuple[dict[str, Any], dict[str, str]]:
        did = self.with_member("recovering", subject)
        asked = self.asked(did)
        if waits:
            self.now += WAIT
        keys = [n for n, one in enumerate(POOL) if one.multikey in asked["keys"]]
        signers = {"by": [self.of(by)]} if by is not None else {"keys": keys}
        body = {"begun": asked["begun"]}
        return self.unsequenced("recovery.finish", did, body, **signers), {}

    @rule(target=sent, subject=parties)
    def recovers(self, subject: int) -> tuple[dict[str, Any], dict[str, str]]:
        """From the beginning to the end, so that the rest happens to subjects that did as well."""
        free = [
            did
            for did in self.dids
            if self.record(did)["status"] not in FINAL
            and not {"recovering", "cancelled"} & set(self.record(did))
        ]
        did = free[subject % len(free)] if free else self.authority
        shares = [n for n in range(3) if n != subject % 3]
        self.begin(did, shares, 1, 1, "")
        keys = [n for n, one in enumerate(POOL) if one.multikey in self.asked(did)["keys"]]
        self.now += WAIT
        body = {"begun": self.asked(did)["begun"]}
        return self.unsequenced("recovery.finish", did, body, keys=keys), {}

    @rule(target=sent, device=parties, to=parties, takes_back=st.booleans(), tamper=tampering)
    def transfer_offer(
        self, device: int, to: int, takes_back: bool, tamper: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        did = self.of(device, "device")
        to_ = self.of(to, None if to == 0 else "organization")
        offer: Any = {"to": to_, "notAfter": format_time(self.now + 1800)}
        body = {"offer": "none" if takes_back and to % 3 == 0 else offer}
        by = self.record(did).get("controller", did)
        return self.follow("transfer.offer", did, body, tamper, by), {}

    @rule(target=sent, device=parties, to=parties, lone=st.booleans())
    def changes_hands(
        self, device: int, to: int, lone: bool
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """One device after the other, so that the rest happens to devices that were sold as well;
        now and then with a key outside `next`."""
        active = [
            did
            for did in self.dids
            if self.record(did)["kind"] == "device" and self.record(did)["status"] == "active"
        ]
        did = active[device % len(active)] if active else self.dids[-1]
        record = self.record(did)
        to_ = self.of(to, "organization")
        offer = {"to": to_, "notAfter": format_time(self.now + 60)}
        by = record.get("controller", did)
        self.follow("transfer.offer", did, {"offer": offer}, "", by)
        return self.take_over(did, "", [] if lone else 1, 1)

    @rule(target=sent, device=parties, hostile=pool, following=pool, tamper=tampering)
    def transfer_accept(
        self, device: int, hostile: Drawn, following: Drawn, tamper: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        did = self.with_member("offer", device, "device")
        return self.take_over(did, tamper, hostile, following)

    def take_over(
        self, did: str, tamper: str, hostile: Drawn, following: Drawn
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """An acceptance of the offer that stands: with what is in `next`, or with other keys."""
        following = self.drawn(following)
        record = self.record(did)
        keys = [n for n, one in enumerate(POOL) if one.thumbprint in record.get("next", ())]
        outside = isinstance(hostile, list)
        keys = (hostile or self.drawn(1)) if isinstance(hostile, list) else keys
        offer = record.get("offer", {"operation": self.ledger, "to": self.authority})
        by = [offer["to"]]
        if outside and record["kind"] == "device":
            segments = SCHEMES.segments("gs1", record["code"]["value"])
            by.append(prefix_holder(self.state, segments, self.now) or self.authority)
        body = {
            "offer": offer["operation"],
            "keys": [POOL[n].multikey for n in keys],
            "next": [POOL[n].thumbprint for n in following],
            "recovery": self.quorum(),
        }
        return self.follow("transfer.accept", did, body, tamper, *by, keys=keys), {}

    @rule(
        target=sent,
        subject=parties,
        type_=st.sampled_from(["suspend", "resume", "resume", "resume", "revoke"]),
        by=st.integers(0, 2),
        anybody=parties,
        reason=st.sampled_from(["x", "y"]),
    )
    def supervise(
        self, subject: int, type_: str, by: int, anybody: int, reason: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        did = self.of(subject)
        holder = None
        if self.record(did)["kind"] == "device":
            segments = SCHEMES.segments("gs1", self.record(did)["code"]["value"])
            holder = prefix_holder(self.state, segments, self.now)
        signer = [self.authority, holder or self.authority, self.of(anybody)][by]
        operation = {
            "type": f"status.{type_}",
            "ledger": self.ledger,
            "created": self.time,
            "subject": did,
            "body": {"reason": reason},
        }
        return self.apply(operation, by=[signer]), {}

    @rule(
        target=sent,
        subject=parties,
        type_=st.sampled_from(["suspend", "resume", "resume", "retire"]),
        tamper=tampering,
    )
    def control(
        self, subject: int, type_: str, tamper: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        did = self.of(subject)
        controller = self.record(did).get("controller", did)
        body = {"reason": "x"}
        return self.follow(f"status.{type_}", did, body, tamper, controller), {}

    @rule(before=sent)
    def replay(self, before: tuple[dict[str, Any], dict[str, str]]) -> None:
        """The very same operation once more."""
        signed, unique = before
        if signed["proof"]:
            self.decide(signed, unique)

    # What never happens

    def check_step(self, signed: dict[str, Any], changes: Changes) -> None:
        """One accepted operation: what it may change, and how."""
        subject = signed.get("subject")
        for changed, new in changes.items():
            old: Any = self.state.get(changed)
            record: Any = new
            if changed[0] in FOR_EVER:
                assert old is None
            if changed[0] == "did" and old is not None:
                assert old["status"] not in FINAL
                moved = record["sequence"] - old["sequence"]
                assert moved == (changed[1] == subject and "sequence" in signed)
                for fixed in ("did", "kind", "registered"):
                    assert record.get(fixed) == old.get(fixed)
                self.check_codes(signed, old, record)
                self.check_life(signed, old, record)
                if changed[1] != subject:
                    assert {"prefixes", "number"} >= {
                        name for name in record if record[name] != old.get(name)
                    } - {"updated"}
            if changed[0] == "grant" and old is not None:
                assert (old["status"], record["status"]) == ("active", "withdrawn")
        expected = {"did", "operation"} if subject else {"did", "key", "registry"}
        allowed = {
            "device.register": {"code", "object", "number", "enrolment"},
            "enrolment.revoke": {"serial"},
            "links.set": {"links"},
            "number.rebind": {"number"},
            "code.correct": {"code"},
            "status.retire": {"number"},
            "keys.rotate": {"key"},
            "recovery.begin": {"key"},
            "transfer.accept": {"key"},
            "grant.issue": {"grant", "prefix", "held", "enrolment", "node"},
            "grant.withdraw": {"grant", "prefix", "held", "node"},
        }.get(signed["type"], set())
        assert {changed[0] for changed in changes} <= expected | allowed

    def check_codes(self, signed: dict[str, Any], old: Any, record: Any) -> None:
        """A code changes by a correction alone, and what it was leads to the device for ever."""
        if signed["type"] != "code.correct":
            assert (record.get("code"), record.get("aliases")) == (
                old.get("code"),
                old.get("aliases"),
            )
            return
        *before, last = record["aliases"]
        assert (before, last["code"]) == (old.get("aliases", []), old["code"])
        assert record["code"] not in [alias["code"] for alias in record["aliases"]]

    def check_life(self, signed: dict[str, Any], old: Any, record: Any) -> None:
        """Who acts for a subject changes by what may change it, and by nothing else."""
        type_ = signed["type"]
        if type_ not in ("keys.rotate", "recovery.finish", "transfer.accept"):
            assert (record["keys"], record["next"]) == (old["keys"], old["next"])
        if type_ not in ("recovery.finish", "transfer.accept"):
            assert record["recovery"] == old["recovery"]
            assert record.get("appointed") == old.get("appointed")
        if type_ != "transfer.accept":
            assert record.get("controller") == old.get("controller")
        elif signed["subject"] == record["did"]:
            assert record["controller"] == old["offer"]["to"] != old["controller"]
            assert not {"offer", "recovering", "cancelled"} & set(record)
            assert "parent" not in record["object"]
        if type_ == "recovery.finish":
            assert format_time(self.now) >= old["recovering"]["ready"]
            assert record["keys"] == old["recovering"]["keys"]
            assert not {"recovering", "cancelled"} & set(record)
        ends = ("recovery.finish", "status.revoke", "status.retire")
        if "recovering" in old and type_ not in ends:
            # Cancelled once, and by what reveals `next` alone.
            if "cancelled" in old or type_ not in ("keys.rotate", "transfer.accept"):
                assert record["recovering"] == old["recovering"]
            else:
                assert "recovering" not in record

    def records(self, kind: str) -> list[tuple[Key, Any]]:
        return [(k, record) for k, record in self.state.records.items() if k[0] == kind]

    def owner(self, *place: str) -> str:
        """Whose a code or a key is: all that its record says."""
        found: Any = self.state.get(place)
        assert set(found) == {"did", "history"}
        return str(found["did"])

    @invariant()
    def every_record_tells_which_entries_made_it(self) -> None:
        assert self.state.records.keys() == self.events.keys()
        for place, leaves in self.events.items():
            history = bytes(32)
            for leaf in leaves:
                history = sha256(history + leaf).digest()
            record: Any = self.state.get(place)
            assert record["history"] == history.hex()

    @invariant()
    def one_device_for_each_number_and_code(self) -> None:
        borne: dict[str, str] = {}
        codes: set[str] = set()
        objects: set[tuple[str, ...]] = set()
        for _, one in self.records("did"):
            if one["kind"] != "device":
                continue
            for code in (one["code"], *(alias["code"] for alias in one.get("aliases", ()))):
                assert self.owner("code", "gs1", code["value"]) == one["did"]
                assert code["value"] not in codes
                codes.add(code["value"])
            thing = one["object"]["maker"], one["object"]["model"], one["object"]["serial"]
            assert thing not in objects
            objects.add(thing)
            if one["number"] != "none" and one["status"] not in FINAL:
                number = one["number"]["unique"]
                assert number not in borne
                borne[number] = one["did"]
        for found, record in self.records("number"):
            bearer = self.record(record.get("did", ""))
            if bearer and bearer["status"] not in FINAL:
                assert borne.pop(found[2]) == record["did"]
        assert not borne

    @invariant()
    def an_enrolment_counts_its_devices(self) -> None:
        enrolled = [one for _, one in self.records("did") if "enrolment" in one]
        for found, record in self.records("enrolment"):
            serials = {
                one["code"]["value"].rpartition("/")[2]
                for one in enrolled
                if one["enrolment"] == found[1]
            }
            assert record["enrolled"] == len(serials) <= QUOTA
            assert not {key[2] for key, _ in self.records("serial")} & serials
        leaves = {thumbprint(certificates.leaf_key(f"SN-{n}").public.multikey) for n in range(5)}
        taken = [one["did"] for key, one in self.records("key") if key[1] in leaves]
        assert sorted(taken) == sorted(one["did"] for one in enrolled)

    @invariant()
    def a_key_belongs_to_one_subject(self) -> None:
        for _, one in self.records("did"):
            for multikey in one["keys"]:
                assert self.owner("key", thumbprint(multikey)) == one["did"]
                assert thumbprint(multikey) not in one["next"]

    @invariant()
    def a_quorum_has_keys_of_its_own(self) -> None:
        for _, one in self.records("did"):
            if one["recovery"] != "none":
                own = {*map(thumbprint, one["keys"]), *one["next"]}
                assert not own & set(one["recovery"]["keys"])

    @invariant()
    def suspended_is_whoever_has_suspenders(self) -> None:
        for _, one in self.records("did"):
            if one["status"] not in FINAL:
                assert one["status"] == ("suspended" if one["suspendedBy"] else "active")
            assert set(one["suspendedBy"]) <= set(one["orders"])
        if self.dids:
            assert self.record(self.authority)["status"] == "active"

    @invariant()
    def prefixes_count_what_lies_below(self) -> None:
        nodes = {found[1:]: record for found, record in self.records("prefix")}
        granted = [place for place, record in nodes.items() if "grant" in record]
        for place, record in nodes.items():
            below = [one for one in granted if len(one) > len(place) and one[: len(place)] == place]
            assert record["below"] == len(below)
        for place in granted:
            assert len(place) in nodes[place[:1]]["depths"]
            grant: Any = self.state.get(("grant", nodes[place]["grant"]))
            assert grant["status"] == "active"

    @invariant()
    def nodes_list_the_grants_that_name_them(self) -> None:
        listed = {record["ledger"]: record["grants"] for _, record in self.records("node")}
        labels = {ledger_label(ledger) for ledger in listed}
        assert len(labels) == len(listed)
        for _, grant in self.records("grant"):
            node = grant["scope"].get("node")
            if node is None or grant["status"] == "withdrawn":
                assert not any(grant["grant"] in names for names in listed.values())
            elif node["ledger"] not in listed:  # the authority knows another ledger by its label
                assert not any(grant["grant"] in names for names in listed.values())
                assert ledger_label(node["ledger"]) in labels
                assert grant["issuer"] != self.authority or not is_active(
                    self.state, grant, self.now
                )
            elif grant["grant"] not in listed[node["ledger"]]:  # it was over as another was given
                assert not is_active(self.state, grant, self.now)

    @invariant()
    def nobody_is_its_own_ancestor(self) -> None:
        for _, one in self.records("did"):
            seen = {one["did"]}
            parent = one.get("object", {}).get("parent")
            while parent is not None:
                assert parent not in seen
                seen.add(parent)
                parent = self.record(parent)["object"].get("parent")


def test_the_rule_book() -> None:
    TAKEN.clear()
    run_state_machine_as_test(
        RuleBookMachine, settings=settings(max_examples=70, stateful_step_count=40)
    )
    assert all(TAKEN[type_] for type_ in RARE), TAKEN
