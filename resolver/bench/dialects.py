"""Resolution in the words of others, beside /v1/resolve about the same devices.

    figures = dialects(running, devices)
    figures["GS1"]["cpu"], figures["GS1"]["rate"]      # of the one over the other

By GS1 Digital Link a client is sent to where the code leads, by DID it gets a document with its
metadata, by handle all values. Devices are drawn at random out of those that were registered, so
that most of them have been asked for before.
"""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import urlsplit

import orjson

from resolver.bench import fleet
from resolver.bench.load import drive, get
from resolver.bench.processes import Running
from resolver.bench.turns import CONNECTIONS, Side, compare

TURNS = 8

Figures = dict[str, Any]


def dialects(running: Running, devices: int, handles: range, requests: int) -> dict[str, Figures]:
    """Each dialect against /v1/resolve: so many `requests` of each about the first `devices`, and
    about those with handles."""
    gs1 = [fleet.code(place) for place in range(devices)]
    idis = [fleet.code(place, "idis") for place in handles]
    return {
        "GS1": _compared(running, gs1, [urlsplit(code).path for code in gs1], 307, requests),
        "DID": _compared(running, gs1, _identifiers(running, gs1), 200, requests),
        "Handle": _compared(
            running, idis, [f"/api/handles/{code}" for code in idis], 200, requests
        ),
    }


def _identifiers(running: Running, codes: list[str]) -> list[str]:
    """The address of each device by its DID. Answers come in any order, and say whose they are."""
    bodies = drive(running.address, [get(_asked(code)) for code in codes], CONNECTIONS, keep=True)
    answers = map(orjson.loads, bodies.bodies)
    dids = {one["readAs"]["value"]: one["device"]["did"] for one in answers}
    return [f"/1.0/identifiers/{dids[code]}" for code in codes]


def _asked(code: str) -> str:
    return f"/v1/resolve?code={code}"


def _compared(
    running: Running, codes: list[str], paths: list[str], status: int, requests: int
) -> Figures:
    draw = random.Random(9)  # noqa: S311 - which codes are asked for is no secret
    each = max(1, requests // TURNS)
    turns = [draw.choices(range(len(codes)), k=each) for _ in range(TURNS)]
    said = [[get(paths[place]) for place in turn] for turn in turns]
    plain = [[get(_asked(codes[place])) for place in turn] for turn in turns]
    drive(running.address, [*said[0], *plain[0]], CONNECTIONS)
    return compare(
        Side(running.address, said, status, [running]),
        Side(running.address, plain, 200, [running]),
    )
