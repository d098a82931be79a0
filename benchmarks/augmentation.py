"""Time augmentations beside other libraries, into docs/benchmarks/augmentation.csv, .json and .md.

    python -m benchmarks.augmentation                                      # everything: some 8 minutes
    python -m benchmarks.augmentation --runtimes torch --threads 1 --effects chain gain --budget 1

Each backend and number of threads has a process of its own, in which Kapre and the peers take turns. What is not
measured anew stays in the files, as long as the machine is the same.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks import processes, results
from benchmarks.augmentation_effects import BATCH, EFFECTS, RATE, SAMPLES
from benchmarks.results import Row
from benchmarks.table import TITLES, WAITED, number, table

BACKENDS = ("torch", "jax", "tensorflow")
FOLDER = processes.ROOT / "docs" / "benchmarks"
COLUMNS = ("runtime", "threads", "effect", "name", "mode", "ours", *results.TIMED)
BY = ("runtime", "threads", "effect")
OURS, CLIP_BY_CLIP, BATCHED = "Kapre", "audiomentations", "torch-audiomentations"
TARGETS = (("chain", CLIP_BY_CLIP, 5.0), *((effect, BATCHED, 1.0) for effect in EFFECTS))
"""How many times faster than a peer, on one thread. The chain that torch-audiomentations has is without equalizer."""
HEAD = """# Augmentation beside other libraries

Written by `{command}`; not by hand.
{machine}. A batch of {batch} clips of {seconds} s at {rate} Hz, float32.

| backend | versions | measured | kapre at | seconds for each group |
| --- | --- | --- | --- | --- |
{measured}

- **audiomentations** changes one clip after another, in NumPy. It runs in each process, so that times on different
  backends have a common measure.
- **torch-audiomentations** changes the batch, in the mode `per_example`. It cannot read files with the installed
  torchaudio. Here, its recordings are in memory instead, which favours it. It has no equalizer, so that the second
  chain is without one.
- **torchaudio** has functions. Parameters are drawn for each example. Its recursive filters need a compiled part that
  does not load with the installed PyTorch, so that they are absent.
- **Kapre** is called with a batch in memory. *eager* is a plain call. The other modes are functions that were compiled
  before, with the draw in them.

All of them change every example, with parameters of its own from the same ranges. Before anything is timed, the output
is checked for the effect. What fails has no row. The members of a row do the same kind of change, and not the same
arithmetic: the filters of audiomentations are recursive in time, its low-pass is a Butterworth filter as that of Kapre,
and that of torch-audiomentations is a windowed sinc. Pitch and time are changed by phase vocoders, in audiomentations
by Signalsmith Stretch.
"""


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.augmentation", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--runtimes", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--threads", nargs="+", choices=processes.THREADS, default=processes.THREADS)
    parser.add_argument("--effects", nargs="+", choices=EFFECTS, default=list(EFFECTS))
    parser.add_argument("--budget", type=float, default=1.0, help="seconds for each group of candidates")
    parser.add_argument("--size", nargs=2, type=int, default=(BATCH, SAMPLES), help="clips and samples, for tests")
    parser.add_argument("--out", type=Path, default=FOLDER)
    return parser.parse_args(words)


def read(folder: Path) -> tuple[list[Row], Row]:
    """Return the rows and the facts of files, or nothing if another machine wrote them."""
    path = folder / "augmentation.json"
    facts = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if facts.get("machine") != results.machine():
        return [], {"machine": results.machine(), "runtimes": {}, "errors": []}
    return results.read(folder, "augmentation"), facts


def keep(folder: Path, rows: Iterable[Row], asked: argparse.Namespace, runtime: str) -> list[Row]:
    """Put rows into the files in the place of older ones. Return those that are errors."""
    rows = list(rows)
    old, facts = read(folder)
    timed = [row for row in rows if "median_ms" in row]
    errors = [row for row in rows if "error" in row]
    new = {tuple(row[column] for column in BY) for row in timed}
    old = [row for row in old if tuple(row[column] for column in BY) not in new]
    results.write(folder, "augmentation", old + timed, COLUMNS)
    about = {"date": datetime.datetime.now(datetime.UTC).date().isoformat(), "kapre": results.commit()}
    versions = next((row["versions"] for row in rows if "versions" in row), {})
    facts["runtimes"][runtime] = {**about, "versions": versions, "budget_s": asked.budget}
    same = {(row["runtime"], row["threads"], row.get("effect", "")) for row in errors} | new
    same |= {(*key[:2], "") for key in new}  # a process that ended early
    others = [row for row in facts["errors"] if (row["runtime"], row["threads"], row.get("effect", "")) not in same]
    facts["errors"] = others + errors
    (folder / "augmentation.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return errors


def best(rows: Iterable[Row], name: str, **wanted: str) -> float | None:
    """Return the shortest median of a library."""
    found = (row for row in rows if row["name"] == name and all(row[key] == value for key, value in wanted.items()))
    return min((row["median_ms"] for row in found), default=None)


def ratios(rows: Sequence[Row], threads: str) -> str:
    """Return how many times faster than audiomentations the others are, effect by effect."""
    head = ["", *(f"{OURS}, {TITLES[backend]}" for backend in BACKENDS), BATCHED, "torchaudio"]
    lines = []
    for effect, words in EFFECTS.items():
        cells = [(backend, OURS) for backend in BACKENDS] + [("torch", BATCHED), ("torch", "torchaudio")]
        line = []
        for backend, name in cells:
            about = {"runtime": backend, "threads": threads, "effect": effect}
            theirs, mine = best(rows, CLIP_BY_CLIP, **about), best(rows, name, **about)
            line.append(number(theirs / mine) if theirs and mine else "–")
        lines.append([words, *line])
    return table(head, lines)


def targets(rows: Sequence[Row]) -> str:
    """Return which of the targets are met on one thread."""
    lines = []
    for effect, peer, least in TARGETS:
        cells = []
        for backend in BACKENDS if peer == CLIP_BY_CLIP else ("torch",):
            about = {"runtime": backend, "threads": "1", "effect": effect}
            theirs, mine = best(rows, peer, **about), best(rows, OURS, **about)
            if theirs and mine:
                value = theirs / mine
                cells.append(f"{value:.2f} ≥ {least:g}" if value >= least else f"**{value:.2f}** < {least:g}")
        if cells:
            cells += ["–"] * (len(BACKENDS) - len(cells))
            lines.append([f"{EFFECTS[effect]}, against {peer}", *cells])
    return table(["", *(TITLES[backend] for backend in BACKENDS)], lines)


def medians(rows: Sequence[Row], backend: str, threads: str) -> str:
    """Return the medians on a backend."""
    some = [row for row in rows if (row["runtime"], row["threads"]) == (backend, threads)]
    labels = dict.fromkeys((row["name"], row["mode"]) for row in some)
    cells = {(row["effect"], row["name"], row["mode"]): row["median_ms"] for row in some}
    head = ["", *(f"{name}, {mode}" for name, mode in labels)]
    effects = [effect for effect in EFFECTS if any(row["effect"] == effect for row in some)]
    return table(head, [[EFFECTS[e], *(number(cells.get((e, *label))) for label in labels)] for e in effects])


def page(rows: Sequence[Row], facts: Row) -> str:
    """Return the page."""
    about = facts["machine"]
    machine = f"{about['cpu']}, {about['cores']} cores, {about['system']}, Python {about['python']}"
    lines = []
    for backend in BACKENDS:
        if backend in facts["runtimes"]:
            of = facts["runtimes"][backend]
            versions = ", ".join(f"{name} {version}" for name, version in of["versions"].items())
            lines.append(f"| {TITLES[backend]} | {versions} | {of['date']} | {of['kapre']} | {of['budget_s']:g} |")
    head = HEAD.format(
        command="make bench-augmentation",
        machine=machine,
        batch=BATCH,
        seconds=SAMPLES // RATE,
        rate=RATE,
        measured="\n".join(lines),
    )
    parts = [head.strip()]
    alone = [row for row in rows if row["threads"] == "1"]
    waited = [row for row in alone if row["median_ms"] > WAITED * row["cpu_ms"]]
    if len(waited) > 0.05 * len(alone):
        parts.append(
            f'!!! warning "The machine was not quiet"\n    {len(waited)} of {len(alone)} calls on one thread waited '
            "for a core. Measure again, with nothing else running."
        )
    parts += ["## Targets", "How many times faster than a peer, on one thread. What is bold misses its target."]
    parts.append(targets(rows))
    for threads, words in (("1", "one thread"), ("all", "two threads" if about["cores"] == 2 else "all cores")):
        parts += [f"## Times faster than audiomentations, {words}", ratios(rows, threads)]
    parts += ["## Medians", "In milliseconds for the batch."]
    for backend in BACKENDS:
        for threads, words in (("1", "one thread"), ("all", "all cores")):
            if any((row["runtime"], row["threads"]) == (backend, threads) for row in rows):
                parts += [f"### {TITLES[backend]}, {words}", medians(rows, backend, threads)]
    if facts["errors"]:
        cells = [[f"{row['runtime']}, {row.get('name', '')}, {row.get('mode', '')}"] for row in facts["errors"]]
        for cell, row in zip(cells, facts["errors"], strict=True):
            cell += [EFFECTS.get(row.get("effect", ""), ""), row["error"]]
        parts += ["## Not measured", table(["", "effect", "why"], cells)]
    return "\n\n".join(parts) + "\n"


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line asks for. Fail if one of Kapre's layers was wrong or broke."""
    asked = arguments(words)
    asked.out.mkdir(parents=True, exist_ok=True)
    broken = []
    for runtime in asked.runtimes:
        found: list[Row] = []
        for threads in asked.threads:
            job = {"effects": asked.effects, "budget": asked.budget, "size": asked.size}
            found += processes.run(runtime, threads, {"what": "augmentations", **job})
        for row in found:
            if "versions" not in row:
                time = f"{row['median_ms']:.1f} ms" if "median_ms" in row else f"ERROR {row['error']}"
                print(runtime, row["threads"], row.get("effect"), row.get("name"), row.get("mode"), time, flush=True)
        broken += [row for row in keep(asked.out, found, asked, runtime) if row.get("ours", True)]
    rows, facts = read(asked.out)
    (asked.out / "augmentation.md").write_text(page(rows, facts), encoding="utf-8")
    print(f"The page is {asked.out / 'augmentation.md'}; {len(broken)} of Kapre's own did not work.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
