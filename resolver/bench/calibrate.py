"""The primitives that the figures are held against."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SECONDS = 1.0


def repeated(work: Callable[[], object], seconds: float = SECONDS) -> tuple[int, float, float]:
    """(times, wall seconds, CPU seconds) of `work` done for about `seconds`."""
    times = 0
    wall, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < seconds:
        for _ in range(50):
            work()
        times += 50
    return times, time.perf_counter() - wall, time.process_time() - cpu


def _verifications(_: int) -> tuple[float, float]:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    message = bytes(64)
    signature, public = key.sign(message), key.public_key()
    times, wall, cpu = repeated(lambda: public.verify(signature, message))
    return times / wall, times / cpu


def verifications() -> dict[str, float]:
    """Ed25519 verifications with `cryptography`: a second on all cores, and a CPU second."""
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        measured = list(pool.map(_verifications, range(cores)))
    return {
        "cores": cores,
        "per_second": sum(wall for wall, _ in measured),
        "per_cpu_second": sum(cpu for _, cpu in measured) / cores,
    }


def syncs(folder: Path) -> float:
    """fdatasync a second, of a 4 KB write in the data folder; the median of 100."""
    path = folder / "fdatasync.probe"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    taken: list[float] = []
    try:
        for place in range(100):
            os.pwrite(handle, bytes(4096), 4096 * place)
            began = time.perf_counter()
            os.fdatasync(handle)
            taken.append(time.perf_counter() - began)
    finally:
        os.close(handle)
        path.unlink()
    return 1 / median(taken)
