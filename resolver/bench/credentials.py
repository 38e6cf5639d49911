"""What a credential costs: issuing and verifying one, as multiples of a bare signature.

For each jcs suite and curve, in this process and through HTTP at 32 connections. The primitives are
measured in turn with what stands on them, and the least of several rounds counts on both sides, so
that whatever else the machine does touches both alike. Through HTTP it is the CPU of the server.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import orjson

from identity.errors import RuleBroken
from identity.keys import P384, PrivateKey, private_key
from identity.methods import did_key_methods
from resolver.bench.load import drive, post
from resolver.bench.processes import Running
from resolver.vcapi import SUITES, Issuer, Suite, verify_credential_request

CONNECTIONS = 32
ROUNDS = 7
_SECONDS = 0.05
_JSON = "application/json"
JCS = tuple(suite for suite in SUITES if not suite.needs_rdf)
_REQUEST = {
    "credential": {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": "urn:uuid:1e9f6c0e-0f0b-4d0b-9a0b-2f6a2a2f4d11",
        "type": ["VerifiableCredential"],
        "issuer": "https://example.com/issuers/1",
        "validFrom": "2026-01-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:subject", "name": "Sample"},
    }
}


class Cost(NamedTuple):
    """CPU microseconds of one act, and of the primitive under it."""

    suite: str
    act: str
    """`issue` or `verify`."""
    cpu_us: float
    primitive_us: float

    @property
    def ratio(self) -> float:
        """How many primitives it costs."""
        return self.cpu_us / self.primitive_us


def in_process() -> list[Cost]:
    """Of both acts with each jcs suite, on values, in this process."""
    now = int(time.time())
    costs = []
    for suite in JCS:
        key = _key(suite)
        issuer = Issuer(suite, key)
        signed = issuer.issue(_REQUEST, now)
        for act, primitive, work in (
            ("issue", _sign(key), lambda one=issuer: one.issue(_REQUEST, now)),
            ("verify", _verify(key), lambda one=signed: _verified(one, now)),
        ):
            bare, whole = _least(primitive, work)
            costs.append(Cost(suite.name, act, whole, bare))
    return costs


def through_http(running: Running, requests: int) -> list[Cost]:
    """Of both acts with each jcs suite, in the CPU of a service with the VC-API."""
    costs = []
    for suite in JCS:
        key = _key(suite)
        issue = post(f"/{suite.name}/credentials/issue", _JSON, orjson.dumps(_REQUEST))
        (signed,) = drive(running.address, [issue], 1, keep=True).bodies
        verify = post("/credentials/verify", _JSON, signed)
        for act, request, status, primitive in (
            ("issue", issue, 201, _sign(key)),
            ("verify", verify, 200, _verify(key)),
        ):
            bare, whole = _least(primitive, lambda: None)[0], float("inf")
            for _ in range(ROUNDS):
                began = running.cpu()
                load = drive(running.address, [request] * requests, CONNECTIONS)
                if load.statuses != {status: requests}:
                    raise RuleBroken(f"the bench expected {status}, got {load.statuses}")
                whole = min(whole, (running.cpu() - began) / requests * 1e6)
                bare = min(bare, _least(primitive, lambda: None)[0])
            costs.append(Cost(suite.name, act, whole, bare))
    return costs


def _key(suite: Suite) -> PrivateKey:
    return private_key(suite.algorithm, bytes(range(1, 49 if suite.algorithm == P384 else 33)))


def _sign(key: PrivateKey) -> Callable[[], object]:
    return lambda: key.sign(bytes(64))


def _verify(key: PrivateKey) -> Callable[[], object]:
    signature, public = key.sign(bytes(64)), key.public
    return lambda: public.verify(signature, bytes(64))


def _verified(signed: dict[str, Any], now: int) -> object:
    return verify_credential_request(signed, did_key_methods, now=now)


def _least(*works: Callable[[], object]) -> list[float]:
    """The least CPU microseconds of each, measured in turn."""
    return [min(times) for times in zip(*(_round(works) for _ in range(ROUNDS)), strict=True)]


def _round(works: tuple[Callable[[], object], ...]) -> Iterator[float]:
    for work in works:
        began, done = time.process_time(), 0
        while time.process_time() - began < _SECONDS:
            for _ in range(20):
                work()
            done += 20
        yield (time.process_time() - began) / done * 1e6
