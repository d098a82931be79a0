"""Measure real-time streaming: a step of 20 ms on each backend, plain and compiled, into the page on streams.

    python -m benchmarks.streaming                  # all backends that are installed, into docs/frontends.md
    python -m benchmarks.streaming --backends jax --steps 200 --page /tmp/page.md

Each backend and way has a process of its own, on one core. The steps are those of the README: `kaldi_fbank`, 320
samples at 16 kHz, one clip; the first steps, which trace and compile, are counted apart.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import processes, results
from benchmarks.table import TITLES, number, table

PRESET, SAMPLES, RATE = "kaldi_fbank", 320, 16000
BACKENDS = ("torch", "tensorflow", "jax")
WAYS = ("plain", "compiled", "compiled, fixed chunks")
FIRST = 10
"""Steps at the start that are not counted among the others."""
BEGIN = "<!-- `python -m benchmarks.streaming` writes from here: not by hand. -->"
END = "<!-- to here -->"
PAGE = processes.ROOT / "docs" / "frontends.md"


def quantile(values: Sequence[float], part: float) -> float:
    """Return the smallest value that a part of all, 0 to 1, does not exceed."""
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


def one(way: str, steps: int) -> dict[str, Any]:
    """Stream in this process; return milliseconds."""
    import keras

    import kapre

    frontend = kapre.Frontend.from_preset(PRESET)
    chunk = SAMPLES if "fixed" in way else None
    stream = frontend.stream(chunk, compile=way != "plain")
    x = np.random.default_rng(0).uniform(-1, 1, (1, SAMPLES)).astype("float32")
    state = stream.initial_state()
    took = []
    for _ in range(FIRST + steps):
        begun = time.perf_counter()
        features, state = stream.step(x, state)
        keras.ops.convert_to_numpy(features)
        took.append(1e3 * (time.perf_counter() - begun))
    later = took[FIRST:]
    found = {"start_ms": sum(took[:FIRST]), "median_ms": statistics.median(later), "late_ms": quantile(later, 0.99)}
    return {**found, "steps": steps}


def run(backend: str, way: str, steps: int) -> dict[str, Any]:
    """Stream in a process of its own, on one core."""
    command = [sys.executable, "-m", "benchmarks.streaming", "--one", way, "--steps", str(steps)]
    core = {min(os.sched_getaffinity(0))}
    env = processes.environment(backend, "1")
    result = subprocess.run(
        command,
        env=env,
        cwd=processes.ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, core),
    )
    line = next(line for line in result.stdout.splitlines() if line.startswith("result:"))
    return {"backend": backend, "way": way, **json.loads(line.removeprefix("result:"))}


def text(rows: Sequence[dict[str, Any]]) -> str:
    """Return what stands between the marks."""
    machine = results.machine()
    head = ["ms for 20 ms of sound", "median", "99th percentile", f"the first {FIRST} steps together"]
    lines = [
        [f"{TITLES[row['backend']]}, {row['way']}", *(number(row[key]) for key in ("median_ms", "late_ms", "start_ms"))]
        for row in rows
    ]
    about = f"`{PRESET}`, chunks of {SAMPLES} samples, {rows[0]['steps']} steps, one core of {machine['cpu']}, commit "
    return f"{table(head, lines)}\n\n{about}{results.commit()}. *Plain* and *compiled* take chunks of any size."


def write(page: Path, inner: str) -> None:
    """Put the table between the marks of a page; a page without them gets both at its end."""
    whole = page.read_text(encoding="utf-8") if page.exists() else ""
    if BEGIN not in whole:
        whole += f"\n{BEGIN}\n{END}\n"
    before, _, rest = whole.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{inner}\n\n{END}{after}", encoding="utf-8")


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streaming", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=None)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--one", choices=WAYS, help=argparse.SUPPRESS)
    asked = parser.parse_args(words)
    if asked.one:
        print("result:" + json.dumps(one(asked.one, asked.steps)))
        return 0
    rows = []
    for backend in asked.backends or [name for name in BACKENDS if importlib.util.find_spec(name)]:
        for way in WAYS:
            rows.append(run(backend, way, asked.steps))
            print(f"{backend}, {way}: {rows[-1]['median_ms']:.3g} ms, {rows[-1]['late_ms']:.3g} ms", flush=True)
    write(asked.page, text(rows))
    print(f"The table is in {asked.page}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
