"""Devices that enrol themselves by certificates, against as many that an organization signs for.

Both are registered in batches at one service, in turns, so that whatever else the machine does
strikes both alike. Certificates, keys and signatures are made beforehand, in processes.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, cast

import orjson

from identity.did import tetrad_method
from identity.errors import RuleBroken
from identity.keys import P256, private_key
from identity.operation import operation_hash
from resolver.bench import fleet, measure
from resolver.bench.load import drive, get, post
from resolver.bench.processes import Running
from resolver.schemes.samples import digital_link
from resolver.simulator.factory import Factory, Line, make_registrations
from resolver.simulator.seed import Seed

TURN = 2_500
"""Registrations of one kind in a row."""
_CHUNK = 250


def granted(running: Running, owner: fleet.Owner, quota: int) -> Line:
    """Lets a factory of the bench's organization enrol; what its devices need."""
    seed = secrets.randbelow(2**32)
    asked = drive(running.address, [get(f"/v1/organizations/{owner.did}")], 1, keep=True)
    record = cast("dict[str, Any]", orjson.loads(asked.bodies[0])["organization"])
    template = digital_link("9506000", 20_000, "1").removesuffix("1") + "{serial}"
    scope = Factory(Seed(seed)).scope("gs1", template, quota)
    key = private_key("Ed25519", owner.secret)
    operation = {
        "type": "grant.issue",
        "ledger": owner.ledger,
        "created": owner.created,
        "subject": owner.did,
        "sequence": record["sequence"] + 1,
        "previous": record["previous"],
        "body": {"right": "enrol", "to": owner.did, "scope": scope},
    }
    proved = fleet.signed(operation, (key, tetrad_method(owner.did, key.public.thumbprint)))
    line = orjson.dumps({"operation": proved})
    load = drive(running.address, [post("/v1/operations", "application/json", line)], 1, keep=True)
    if load.statuses != {201: 1}:
        raise RuleBroken(f"the grant of the bench was refused: {load.bodies[0][:300]!r}")
    grant = {"grant": operation_hash(proved), "to": owner.did, "scope": scope}
    return Line(seed, P256, owner.ledger, grant, owner.created)


def enrolments(line: Line, count: int) -> list[bytes]:
    """Submissions of so many devices, made on all cores."""
    numbers = range(count)
    chunks = [numbers[start : start + _CHUNK] for start in range(0, count, _CHUNK)]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        made = pool.map(make_registrations, [line] * len(chunks), chunks)
        return [signed.submission for chunk in made for signed in chunk]


def in_turns(
    running: Running, enrolled: Sequence[bytes], ordinary: Sequence[bytes]
) -> dict[str, measure.Figures]:
    """Registers both, so many of each in a row."""
    kinds = {"enrolled": enrolled, "ordinary": ordinary}
    found: dict[str, list[measure.Figures]] = {kind: [] for kind in kinds}
    for start in range(0, len(enrolled), TURN):
        for kind, lines in kinds.items():
            found[kind].append(measure.register_batches(running, lines[start : start + TURN]))
    return {kind: _together(figures) for kind, figures in found.items()}


def _together(turns: Sequence[measure.Figures]) -> measure.Figures:
    """All turns as one: they have the same number of registrations, but for the last."""
    units = [one["units"] for one in turns]
    seconds = sum(one["units"] / one["per_second"] for one in turns)
    cpu = sum(one["units"] * one["cpu_us"] for one in turns)
    return {"per_second": sum(units) / seconds, "cpu_us": cpu / sum(units), "units": sum(units)}
