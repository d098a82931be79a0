"""Draw the log-mel of one shape beside other libraries: `python -m benchmarks.chart`, into docs/images/speed.png.

`benchmarks.table` calls it when it writes the tables. The numbers are those of docs/benchmarks/times.csv.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks import results
from benchmarks.processes import ROOT
from benchmarks.results import Row

FOLDER, PICTURE = ROOT / "docs" / "benchmarks", ROOT / "docs" / "images" / "speed.png"
SHAPE, KIND = "b", "logmel"
TITLES = {"torch": "PyTorch", "jax": "JAX", "tensorflow": "TensorFlow", "cpu": "CPU libraries"}
OURS, THEIRS = "#3b5bdb", "#adb5bd"


def fastest(rows: Sequence[Row], runtime: str) -> list[tuple[str, float, bool]]:
    """Return the name, the median in ms and whether it is ours of each candidate of a runtime, the fastest first.

    Of a candidate with several modes, the fastest counts. Kapre without its compiled kernel is left out.
    """
    found: dict[str, tuple[float, bool]] = {}
    for row in rows:
        wanted = (row["runtime"], row["kind"], row["shape"], row["threads"]) == (runtime, KIND, SHAPE, "1")
        if not wanted or row["name"].endswith((", framework", ", no root")):
            continue
        ours = bool(row["ours"])
        name = "kapre" if ours else row["name"]
        if name not in found or row["median_ms"] < found[name][0]:
            found[name] = float(row["median_ms"]), ours
    return sorted(((name, ms, ours) for name, (ms, ours) in found.items()), key=lambda each: each[1])


def write(folder: Path, path: Path) -> None:
    """Draw the chart from the files of a folder."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    rows = results.read(folder, "times")
    figure, axes = plt.subplots(1, 4, figsize=(9.6, 2.2), layout="constrained")
    for axis, (runtime, title) in zip(axes, TITLES.items(), strict=True):
        bars = fastest(rows, runtime)[::-1]
        names, values, ours = zip(*bars, strict=True)
        drawn = axis.barh(names, values, color=[OURS if each else THEIRS for each in ours])
        axis.bar_label(
            drawn, [f"{value:.3g}" if value < 100 else f"{value:.0f}" for value in values], padding=2, fontsize=7
        )
        axis.set_title(title, fontsize=9)
        axis.set_xlim(0, 1.2 * max(values))
        axis.tick_params(labelsize=7)
        axis.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("milliseconds for 16 clips of 10 s at 22.05 kHz, one thread", fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    write(FOLDER, PICTURE)
