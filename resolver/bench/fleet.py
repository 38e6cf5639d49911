"""Registrations for the bench: one organization, its prefix, and devices, signed beforehand."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from typing import Any, NamedTuple, cast

import orjson

from identity.did import did_key_method, tetrad_did, tetrad_method
from identity.disclosure import NUMBER, SERIAL, disclose, open_disclosures
from identity.jcs import canonicalize
from identity.keys import PrivateKey, private_key
from identity.members import format_time
from identity.operation import DeviceRegister, operation_hash, read_operation
from identity.proof import create_proof, proof_options
from registry.admission import UniqueHash, admit
from registry.checking import Checked
from registry.ledger import Accepted, Ledger
from resolver.schemes import SCHEMES
from resolver.schemes.samples import digital_link, handle

SIGNATURES = 2
"""Of each registration: the device, and the organization that is maker, holder and controller."""
GTIN = {"scheme": "gtin", "prefix": "09506000"}
IDIS = {"scheme": "idis", "prefix": "88.100.9999"}


class Owner(NamedTuple):
    """The organization: everything that a worker needs to sign for it."""

    ledger: str
    did: str
    secret: bytes
    created: str


def new_key() -> PrivateKey:
    """A fresh Ed25519 key."""
    return private_key("Ed25519", secrets.token_bytes(32))


def signed(operation: dict[str, Any], *methods: tuple[PrivateKey, str]) -> dict[str, Any]:
    """The operation with a proof for each method."""
    proofs = [
        create_proof(
            operation, key, proof_options("eddsa-jcs-2022", method, "capabilityInvocation")
        )
        for key, method in methods
    ]
    return {**operation, "proof": proofs}


def organization(
    ledger: str, now: int, scopes: Sequence[Mapping[str, Any]] = (GTIN, IDIS)
) -> tuple[Owner, list[bytes]]:
    """An owner, and the submissions that register it and take prefixes."""
    key, created = new_key(), format_time(now)
    body = {
        "name": "Bench",
        "keys": [key.public.multikey],
        "next": [new_key().public.thumbprint],
        "recovery": "none",
    }
    common = {"ledger": ledger, "created": created}
    operations = [
        signed(
            {"type": "organization.register", **common, "body": body},
            (key, did_key_method(key.public.multikey)),
        )
    ]
    did = tetrad_did(ledger, operation_hash(operations[0]))
    for sequence, scope in enumerate(scopes, 1):
        grant = {
            "type": "grant.issue",
            **common,
            "subject": did,
            "sequence": sequence,
            "previous": operation_hash(operations[-1]),
            "body": {"right": "prefix", "to": did, "scope": scope},
        }
        operations.append(signed(grant, (key, tetrad_method(did, key.public.thumbprint))))
    owner = Owner(ledger, did, key.secret(), created)
    return owner, [orjson.dumps({"operation": one}) for one in operations]


def code(place: int, scheme: str = "gs1") -> str:
    """The canonical code of device number `place`, of scheme gs1 or idis."""
    if scheme == "idis":
        return handle(IDIS["prefix"], place)
    return digital_link("9506000", 13_435, f"M-{place:08}")


def unsigned_device(
    owner: Owner, place: int, key: str, following: str, scheme: str = "gs1"
) -> tuple[Any, list[str]]:
    """A registration before its proofs, and its disclosures."""
    serial = disclose(SERIAL, f"SN{place:09}", secrets.token_bytes)
    number = disclose(NUMBER, f"144{place:010}", secrets.token_bytes)
    operation = {
        "type": "device.register",
        "ledger": owner.ledger,
        "created": owner.created,
        "body": {
            "object": {
                "maker": owner.did,
                "model": "M1",
                "serial": serial.digest,
                "sector": {"domain": "production", "field": "industry", "category": "C4016"},
                "ipv6": "enabled",
            },
            "code": {"scheme": scheme, "value": code(place, scheme)},
            "number": {"scheme": "msisdn-cn-iot", "commitment": number.digest},
            "data": "none",
            "keys": [key],
            "next": [following],
            "recovery": "none",
            "controller": owner.did,
        },
    }
    return operation, [serial.encoded, number.encoded]


def _device(owner: Owner, place: int, scheme: str) -> bytes:
    key, controller = new_key(), private_key("Ed25519", owner.secret)
    operation, disclosures = unsigned_device(
        owner, place, key.public.multikey, new_key().public.thumbprint, scheme
    )
    proved = signed(
        operation,
        (key, did_key_method(key.public.multikey)),
        (controller, tetrad_method(owner.did, controller.public.thumbprint)),
    )
    return orjson.dumps({"operation": proved, "disclosures": disclosures})


def _devices(owner: Owner, places: Sequence[int], scheme: str) -> list[bytes]:
    return [_device(owner, place, scheme) for place in places]


def devices(owner: Owner, start: int, count: int, scheme: str = "gs1") -> list[bytes]:
    """Submissions of devices start … start+count-1, signed on all cores."""
    chunks = [range(a, min(a + 250, start + count)) for a in range(start, start + count, 250)]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        made = pool.map(_devices, repeat(owner), chunks, repeat(scheme))
        return [line for lines in made for line in lines]


def created_now() -> str:
    """`created` of what is signed now."""
    return format_time(int(time.time()))


def unproved(owner: Owner, unique: UniqueHash, start: int, count: int) -> list[Checked]:
    """Registrations as checkers hand them on, with proofs that nobody has made or verified.

    The ledger, the state and the store grow with them exactly as they would by registrations; only
    the signatures are none. Such a ledger fails its audit, and serves to measure size alone.
    """
    controller = private_key("Ed25519", owner.secret).public.thumbprint
    template = new_key()
    value = cast(
        "str", create_proof({}, template, proof_options("eddsa-jcs-2022", "x", "y"))["proofValue"]
    )
    checked = []
    for place in range(start, start + count):
        key = new_key().public
        operation, disclosures = unsigned_device(
            owner, place, key.multikey, template.public.thumbprint
        )
        methods = (did_key_method(key.multikey), tetrad_method(owner.did, controller))
        proofs = [
            {
                **proof_options("eddsa-jcs-2022", method, "capabilityInvocation"),
                "proofValue": value,
            }
            for method in methods
        ]
        whole = {**operation, "proof": proofs}
        model = cast("DeviceRegister", read_operation(whole))
        hashes = admit(model, open_disclosures(disclosures), SCHEMES, unique)
        checked.append(
            Checked(model, operation_hash(whole), canonicalize(whole), hashes, disclosures, [])
        )
    return checked


def fill(
    ledger: Ledger,
    owner: Owner,
    unique: UniqueHash,
    start: int,
    count: int,
    now: int,
    progress: Callable[[int], None],
) -> None:
    """Puts devices into a ledger through its writer (see `unproved`)."""
    for batch in range(start, start + count, 1000):
        checked = unproved(owner, unique, batch, min(1000, start + count - batch))
        for outcome in ledger.append(checked, now):
            if not isinstance(outcome, Accepted):
                raise outcome
        progress(batch + 1000 - start)
