"""How the time of a call grows with the batch, the length and the DFT; ours and one peer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks import processes
from benchmarks.shapes import SHAPES

KIND = "logmel"
LABELS = {
    "torch": ["kapre Frontend, no grad", "torch.stft, no grad"],
    "tensorflow": ["kapre Frontend, graph", "kapre Frontend, XLA", "tf.signal, graph", "tf.signal, XLA"],
    "jax": ["kapre Frontend, jit", "jax.scipy.signal.stft, jit"],
}
BATCHES = (1, 4, 16, 64, 256)
SECONDS = (1, 10, 60, 600, 3600)
SIZES = (256, 512, 1024, 2048, 4096, 8192)
Steps = list[tuple[int, dict[str, int]]]
UNITS = {"batch": "clips of 1 s", "length": "s", "n_fft": "samples, a clip of 30 s, hop a quarter"}


def lines(longest: int = SECONDS[-1]) -> dict[str, tuple[str, Steps]]:
    """Return what grows: the shape it starts from, and the changes of each step."""
    rate = SHAPES["d"].rate
    return {
        "batch": ("d", [(n, {"batch": n}) for n in BATCHES]),
        "length": ("d", [(n, {"samples": n * rate}) for n in SECONDS if n <= longest]),
        "n_fft": ("c", [(n, {"n_fft": n, "win": n, "hop": n // 4}) for n in SIZES]),
    }


def measure(runtime: str, budget: float, longest: int = SECONDS[-1]) -> Iterator[dict[str, Any]]:
    """Go through the lines of a runtime; where a peer breaks, what is left is done with each label by itself."""
    for along, (shape, steps) in lines(longest).items():
        job = {"what": "growth", "along": along, "shape": shape, "kind": KIND, "budget": budget}
        found = processes.run(runtime, "1", {**job, "steps": steps, "labels": LABELS[runtime]})
        yield from (row for row in found if "error" not in row)
        if not any("error" in row for row in found):
            continue
        done = {row["value"] for row in found if "value" in row}
        left = [step for step in steps if step[0] not in done]
        for label in LABELS[runtime]:
            for row in processes.run(runtime, "1", {**job, "steps": left, "labels": [label]}):
                yield {**row, "name": label, "along": along} if "error" in row else row
