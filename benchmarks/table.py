"""Write the tables of the page from the files: `python -m benchmarks.table docs/benchmarks docs/benchmarks.md`.

What stands above the marker on the page is prose, written by hand, and stays.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import chart, growth, results, targets
from benchmarks.candidate import KINDS, group
from benchmarks.processes import RUNTIMES, THREADS
from benchmarks.results import Row
from benchmarks.shapes import SHAPES

MARKER = "<!-- Below this line `make bench` writes: not by hand. -->"
TITLES = {
    "torch": "PyTorch",
    "tensorflow": "TensorFlow",
    "jax": "JAX",
    "published": "Kapre 0.4.1, in its own environment",
    "cpu": "librosa, kaldi-native-fbank, nnAudio",
}
FUNCTIONS = "functions"
WAITED = 1.15


def number(value: Any) -> str:
    """Return a number as a table shows it: three digits."""
    if value in ("", None):
        return "–"
    value = float(value)
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(text.replace('|', '/') for text in line)} |" for line in lines)


def best(rows: Sequence[Row], key: str, ours: bool) -> float | None:
    """Return the smallest number of ours, or of the peers."""
    return min((row[key] for row in rows if row["ours"] == ours), default=None)


def ratio(rows: Sequence[Row], key: str = "median_ms") -> float | None:
    """Return how many times the best peer takes what our best takes."""
    ours, theirs = best(rows, key, True), best(rows, key, False)
    return theirs / ours if ours and theirs else None


def candidates_by_shape(rows: Sequence[Row], key: str = "median_ms") -> str:
    """Return a table with a line for each candidate and a column for each shape, and the ratio below."""
    keys = [shape for shape in SHAPES if any(row["shape"] == shape for row in rows)]
    labels = dict.fromkeys((row["name"], row["mode"], row["ours"]) for row in rows)
    lines = []
    for name, mode, ours in sorted(labels, key=lambda label: not label[2]):
        cells = [r[key] for s in keys for r in [_find(rows, shape=s, name=name, mode=mode)]]
        text = f"{name}, {mode}"
        lines.append([f"**{text}**" if ours else text, *map(number, cells)])
    if any(row["ours"] for row in rows) and not all(row["ours"] for row in rows):
        ratios = [ratio([row for row in rows if row["shape"] == shape], key) for shape in keys]
        lines.append(["best peer / best of ours", *(f"**{number(r)}**" if r else "–" for r in ratios)])
    return table(["", *keys], lines)


def _find(rows: Sequence[Row], **wanted: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("median_ms", "first_mb", "again_mb"), "")
    return next((row for row in rows if all(row[key] == value for key, value in wanted.items())), empty)


def machine_section(facts: Row) -> str:
    """Return what the numbers were measured on, and with."""
    if not facts:
        return "Nothing measured yet: `make bench`."
    m = facts["machine"]
    vector = {"avx512f": " with AVX-512", "avx2": " with AVX2"}.get(m["vector"], "")
    parts = [
        "## The machine",
        f"{m['cpu']}{vector}, {m['cores']} cores, {m['ram_gb']} GB, {m['system']}, Python {m['python']}.",
    ]
    rows = []
    for runtime in RUNTIMES:
        if runtime in facts["runtimes"]:
            about = facts["runtimes"][runtime]
            versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
            rows.append([TITLES[runtime], versions, about["date"], about["kapre"], f"{about['budget_s']:g} s"])
            for part, apart in about.get("apart", {}).items():
                words = f"{TITLES[runtime]}, {part.replace('_', ' ')}"
                budget = f"{apart['budget_s']:g} s" if apart["budget_s"] else "–"
                rows.append([words, "the same", apart["date"], apart["kapre"], budget])
    return "\n\n".join([*parts, table(["", "versions", "measured", "kapre at", "for each group"], rows)])


def targets_section(times: Sequence[Row], memory: Sequence[Row]) -> str:
    """Return which of the targets are met."""
    met = known = 0
    lines = []
    for target in (*targets.TIMES, *targets.MEMORY):
        cells = []
        for shape in "abcde":
            value = target.measured(memory if target.memory else times, shape) if shape in target.least else None
            least = target.least.get(shape)
            if value is None or least is None:
                cells.append("–" if least is None else f"? ≥ {least:.3g}")
                continue
            known, met = known + 1, met + (value >= least)
            cells.append(f"{value:.2f} ≥ {least:.3g}" if value >= least else f"**{value:.2f}** < {least:.3g}")
        what = "memory" if target.memory else target.kind.replace("_", " ")
        ours = "PyTorch" if target.runtime == "cpu" else TITLES[target.runtime].split(",")[0]
        lines.append([f"{ours}, {what}, against {target.against}", *cells])
    head = (
        f"How many times faster (or smaller) than the best of the peers named, on one thread: {met} of {known} targets "
        "measured are met; those that are not are bold. Ours is the faster of a graph and XLA where there are both."
    )
    return "\n\n".join(["## Targets", head, table(["", *"abcde"], lines)])


def disturbance(rows: Sequence[Row]) -> str:
    """Say so where calls on one thread had to wait for a core: then even the ratios are not to be trusted."""
    alone = [row for row in rows if row["threads"] == "1" and group(row["mode"]) == FUNCTIONS]
    waited = [row for row in alone if row["median_ms"] > WAITED * row["cpu_ms"]]
    if len(waited) <= len(alone) * 0.05:
        return ""
    return (
        f'!!! warning "The machine was not quiet"\n    {len(waited)} of {len(alone)} calls on one thread took more '
        f"than {WAITED:g} times their own CPU time: something else had the core. That lengthens long calls more than "
        "short ones, so that the ratios below are off, too. Measure again, with nothing else running."
    )


def times_section(rows: Sequence[Row]) -> str:
    """Return the medians, runtime by runtime."""
    parts = ["## Times", "Medians in milliseconds; bold: ours."]
    for runtime in RUNTIMES:
        mine = [row for row in rows if row["runtime"] == runtime]
        if not mine:
            continue
        parts.append(f"### {TITLES[runtime]}")
        for threads in THREADS:
            for kind in KINDS:
                some = [row for row in mine if row["threads"] == threads and row["kind"] == kind]
                for which in dict.fromkeys(group(row["mode"]) for row in some):
                    together = [row for row in some if group(row["mode"]) == which]
                    words = "one thread" if threads == "1" else "all cores"
                    how = "" if which == FUNCTIONS or which in KINDS[kind] else f", {which}"
                    parts += [f"**{KINDS[kind]}{how}**, {words}:", candidates_by_shape(together)]
    return "\n\n".join(parts)


def memory_section(rows: Sequence[Row]) -> str:
    """Return how much memory a call takes."""
    parts = [
        "## Memory",
        "What a process grows by at most during a call on a shape, in MiB: its result and what it works in and, in the "
        "first call, what is compiled for it. A clip of one second went through before.",
    ]
    for runtime in RUNTIMES:
        mine = [row for row in rows if row["runtime"] == runtime]
        for words, key in (("the first call", "first_mb"), ("the second", "again_mb")) if mine else ():
            parts += [f"**{TITLES[runtime]}**, {words}:", candidates_by_shape(mine, key)]
    return "\n\n".join(parts)


def startup_section(rows: Sequence[Row]) -> str:
    """Return how long imports and first calls take."""
    parts = [
        "## Start",
        "Milliseconds in a fresh process, medians. librosa loads nearly all of itself when it is first used, which is "
        "not in its import. Kapre 0.4.1's column is that package's own import.",
    ]
    imports = [row for row in rows if row["what"] == "import"]
    names = list(dict.fromkeys(row["name"] for row in imports))
    runtimes = [runtime for runtime in RUNTIMES if any(row["runtime"] == runtime for row in imports)]
    lines = [[f"import {n}", *(_first(imports, runtime=r, name=n) for r in runtimes)] for n in names]
    if lines:
        parts += [table(["", *(TITLES[r].split(",")[0] for r in runtimes)], lines)]
    for runtime in RUNTIMES:
        mine = [row for row in rows if row["runtime"] == runtime and row["what"] == "first call"]
        lines = [
            [f"{r['name']}, {r['mode']}", r["kind"], number(r["first_ms"]), number(r["second_ms"])]
            for r in sorted(mine, key=lambda row: (row["kind"], not row["ours"]))
        ]
        if lines:
            parts += [f"**{TITLES[runtime]}**, one second of sound:", table(["", "kind", "first", "second"], lines)]
    return "\n\n".join(parts)


def _first(rows: Sequence[Row], **wanted: Any) -> str:
    return number(_find(rows, **wanted).get("first_ms"))


def growth_section(rows: Sequence[Row]) -> str:
    """Return how times grow."""
    parts = ["## Growth", "Log-mel, one thread, medians in milliseconds."]
    for along, unit in growth.UNITS.items():
        some = [row for row in rows if row["along"] == along]
        values = sorted({row["value"] for row in some})
        lines = []
        for runtime, name, mode in dict.fromkeys((r["runtime"], r["name"], r["mode"]) for r in some):
            found = [_find(some, runtime=runtime, name=name, mode=mode, value=value) for value in values]
            lines.append([f"{name}, {mode} ({TITLES[runtime]})", *(number(row["median_ms"]) for row in found)])
        if lines:
            parts += [f"**{along}** ({unit}):", table(["", *map(str, values)], lines)]
    return "\n\n".join(parts)


def errors_section(rows: Sequence[Row]) -> str:
    """Return what could not be measured."""
    if not rows:
        return ""
    lines = []
    for row in rows:
        what = (row[key] for key in ("runtime", "table", "threads", "shape", "kind", "name", "mode"))
        lines.append(["`" + " ".join(filter(None, what)) + "`", row["error"].replace("\n", " ").replace("|", "/")])
    return "\n\n".join(
        ["## Not measured", "What broke, ran out of memory or gave wrong numbers.", table(["", "why"], lines)]
    )


def write(folder: Path, page: Path) -> None:
    """Write what the files say below the marker of the page."""
    before = page.read_text(encoding="utf-8").partition(MARKER)[0] if page.exists() else "# Benchmarks\n\n"
    times, memory = results.read(folder, "times"), results.read(folder, "memory")
    startup, grown = results.read(folder, "startup"), results.read(folder, "growth")
    sections = [
        machine_section(results.load_stored(folder)),
        disturbance(times),
        targets_section(times, memory),
        times_section(times) if times else "",
        memory_section(memory) if memory else "",
        startup_section(startup) if startup else "",
        growth_section(grown) if grown else "",
        errors_section(results.read(folder, "errors")),
    ]
    text = "\n\n".join(filter(None, sections))
    page.write_text(f"{before}{MARKER}\n\n{text}\n", encoding="utf-8")
    if folder.resolve() == chart.FOLDER:
        chart.write(folder, chart.PICTURE)


def main() -> None:
    """Write the page from the files alone."""
    folder, page = map(Path, sys.argv[1:])
    write(folder, page)


if __name__ == "__main__":
    main()
