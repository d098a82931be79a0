"""How much memory a call takes beyond what was there before it, each candidate in a fresh process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks import processes

KINDS = {"published": "mel_magnitude"}
SHAPES = "be"
HOUR = "h"  # through ours alone


def measure(runtime: str, shapes: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Go through the candidates of a runtime on the shapes, and ours on an hour of sound."""
    kind = KINDS.get(runtime, "logmel")
    found = processes.run(runtime, "1", {"what": "names", "kinds": [kind]})
    for row in found:
        if "error" in row:
            yield row
    candidates = [row for row in found if "error" not in row and row["mode"] not in ("predict", "model(x)")]
    for shape in shapes:
        for row in candidates:
            if shape != HOUR or row["ours"]:
                yield from processes.run(runtime, "1", {**row, "what": "memory", "shape": shape})
