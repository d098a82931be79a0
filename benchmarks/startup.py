"""How long an import takes, and a first call, which traces or compiles; every one in fresh processes."""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Iterator
from typing import Any

from benchmarks import processes

KINDS = ("logmel", "bare_layer", "predict")
SHAPE = "d"
IMPORT = """
import time
started = time.perf_counter()
import keras
middle = time.perf_counter()
{more}
print(1e3 * (middle - started), 1e3 * (time.perf_counter() - middle))
"""
IMPORTED = {"keras": "", "kapre on top of keras": "import kapre", "librosa on top of keras": "import librosa"}


def imports(runtime: str, rounds: int) -> Iterator[dict[str, Any]]:
    """Time imports, one after another and round by round; the published package is imported in its own place."""
    env = processes.environment(runtime, "all")
    if runtime == "published":
        env.pop("PYTHONPATH")
    took: dict[str, list[float]] = {name: [] for name in IMPORTED}
    for _ in range(rounds):
        for name, more in IMPORTED.items():
            command = [str(processes.python(runtime)), "-P", "-c", IMPORT.format(more=more)]
            result = subprocess.run(command, cwd=processes.ROOT, env=env, capture_output=True, text=True, check=False)
            if result.returncode:
                yield {"runtime": runtime, "name": name, "error": result.stderr.strip().splitlines()[-1]}
                return
            took[name].append(float(result.stdout.split()[1 if more else 0]))
    for name, values in took.items():
        yield {
            "runtime": runtime,
            "what": "import",
            "name": name,
            "first_ms": statistics.median(values),
            "rounds": rounds,
        }


def first_calls(runtime: str, rounds: int) -> Iterator[dict[str, Any]]:
    """Time the first and the second call of every candidate on one second of sound."""
    candidates = processes.run(runtime, "all", {"what": "names", "kinds": KINDS})
    took: dict[int, list[dict[str, Any]]] = {index: [] for index in range(len(candidates))}
    for _ in range(rounds):
        for index, row in enumerate(candidates):
            if "error" not in row:
                job = {**row, "what": "first_call", "shape": SHAPE}
                took[index] += processes.run(runtime, "all", job)
    for index, row in enumerate(candidates):
        found = took[index]
        broken = [row, *found] if "error" in row else found
        if any("error" in one for one in broken):
            yield next(one for one in broken if "error" in one)
            continue
        medians = {key: statistics.median(one[key] for one in found) for key in ("first_ms", "second_ms")}
        yield {**row, "what": "first call", **medians, "rounds": rounds}


def measure(runtime: str, rounds: int) -> Iterator[dict[str, Any]]:
    """Go through the imports and the first calls of a runtime."""
    if runtime != "cpu":
        yield from imports(runtime, rounds)
    if runtime not in ("cpu", "published"):
        yield from first_calls(runtime, rounds)
