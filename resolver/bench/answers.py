"""What an answer costs whoever asks: its bytes, and the CPU to verify it beside the signatures."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, cast
from unittest.mock import patch

import orjson

from identity.jcs import Json
from registry.note import Note, VerifierKey
from resolver.bench import fleet
from resolver.bench.load import drive, get
from resolver.bench.processes import Running
from resolver.client import AsyncClient
from resolver.client.mirroring import Mirror
from resolver.tile_folder import TileFolder
from resolver.trust import Trust
from resolver.verifier import verify_answer

Figures = dict[str, Any]


def answers(running: Running, registered: range, count: int) -> Figures:
    """Answers with proof about devices drawn at random out of those signed, each verified.

    `bytes` leaves out what has been signed and the signatures: the operations of the device and of
    its signers, and the lines below the checkpoint. `cpu_us` leaves out their verification.
    """
    draw = random.Random(7)  # noqa: S311 - which codes are asked for is no secret
    codes = [fleet.code(draw.choice(registered)) for _ in range(count)]
    asked = [get(f"/v1/resolve?code={code}&proof=1") for code in codes]
    bodies = drive(running.address, asked, 1, keep=True).bodies
    trust = _trust(running)
    sizes, whole, spent, signed = [], [], [], []
    for code, body in zip(codes, bodies, strict=True):
        answer = cast("dict[str, Json]", orjson.loads(body))
        key = ("code", "gs1", code)
        whole.append(len(body))
        sizes.append(len(body) - _signed_bytes(answer))
        signed.append(_timed(answer, trust, key))
        with _unsigned():
            spent.append(_timed(answer, trust, key))
    return {
        "bytes": median(sizes),
        "whole_bytes": median(whole),
        "cpu_us": median(spent) * 1e6,
        "signed_cpu_us": median(signed) * 1e6,
    }


def mirrored(folder: Path, running: Running) -> Figures:
    """A mirror of the running service, from nothing: entries a second by the clock."""
    path = folder / "mirror"
    trust = _trust(running)

    async def catch_up() -> int:
        async with AsyncClient(running.address) as client:
            tiles = TileFolder(path)
            try:
                return await Mirror(client, trust, tiles).update()
            finally:
                tiles.close()

    began, cpu = time.perf_counter(), time.process_time()
    size = asyncio.run(catch_up())
    seconds = time.perf_counter() - began
    shutil.rmtree(path)
    return {
        "entries": size,
        "per_second": size / seconds,
        "cpu_us": (time.process_time() - cpu) / size * 1e6,
    }


def _trust(running: Running) -> Trust:
    (body,) = drive(running.address, [get("/.well-known/tetrad")], 1, keep=True).bodies
    return Trust.begin(orjson.loads(body)["genesis"])


def _timed(answer: dict[str, Json], trust: Trust, key: tuple[str, ...]) -> float:
    began = time.process_time()
    verify_answer(answer, trust.pinned, key=key)
    return time.process_time() - began


def _signed_bytes(answer: dict[str, Json]) -> int:
    proof = cast("dict[str, Any]", answer["proof"])
    shown = [*proof["entries"], *proof["signers"]]
    note = Note.parse(proof["checkpoint"].encode())
    lines = len(proof["checkpoint"].encode()) - len(note.text.encode())
    return sum(len(orjson.dumps(one)) for one in shown) + lines


@contextmanager
def _unsigned() -> Iterator[None]:
    """Signatures are taken for good, so that the rest can be timed."""
    with (
        patch("resolver.verifier.verify_signatures", lambda *_: None),
        patch.object(VerifierKey, "verify", lambda *_: None),
    ):
        yield
