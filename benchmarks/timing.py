"""Time callables side by side, and measure how much memory a call takes."""

from __future__ import annotations

import ctypes
import gc
import random
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MOST_ROUNDS = 400


@dataclass(frozen=True)
class Timing:
    """What the rounds of one callable took, in milliseconds; `cpu_ms` is of all threads."""

    median_ms: float
    min_ms: float
    cpu_ms: float
    rounds: int


def interleaved(calls: Mapping[str, Callable[[], Any]], budget: float) -> dict[str, Timing]:
    """Time callables by rounds, in each of which every one runs once, in random order: A B, B A, A B.

    What else the machine does meets all of them alike. Rounds go on until `budget` seconds are spent, and are three at
    least where there is a budget at all.
    """
    order, rng = list(calls), random.Random(0)
    wall: dict[str, list[float]] = {name: [] for name in calls}
    cpu: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    gc.collect()
    gc.disable()
    try:
        rounds, end = 0, time.perf_counter() + budget
        while rounds < (3 if budget else 1) or (rounds < MOST_ROUNDS and time.perf_counter() < end):
            rng.shuffle(order)
            for name in order:
                cpu_before, before = time.process_time(), time.perf_counter()
                result = calls[name]()
                after, cpu_after = time.perf_counter(), time.process_time()
                del result
                wall[name].append(1e3 * (after - before))
                cpu[name].append(1e3 * (cpu_after - cpu_before))
            rounds += 1
    finally:
        gc.enable()
    return {
        name: Timing(statistics.median(wall[name]), min(wall[name]), statistics.median(cpu[name]), rounds)
        for name in calls
    }


def once(call: Callable[[], Any]) -> float:
    """Return the seconds that one call takes."""
    before = time.perf_counter()
    call()
    return time.perf_counter() - before


def _status(field: str) -> float:
    with open("/proc/self/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024.0


def limit_memory(part: float = 0.8) -> None:
    """Let an allocation fail in this process, rather than the machine, where it takes too much of what is free."""
    with open("/proc/meminfo", encoding="ascii") as lines:
        free = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    limit = int(1024 * free * part)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def peak_memory(call: Callable[[], Any]) -> float:
    """Return how many MiB the process grows by, at the highest, during a call; its result counts. Linux only."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    before = _status("VmRSS")
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")  # sets the highest mark back to the present size
    result = call()
    peak = _status("VmHWM")
    del result
    return peak - before
