"""Measure, and write what was measured into the docs.

    python -m benchmarks.run --runtimes torch jax --shapes ad --threads 1 --budget 2 --what times

Every runtime and every number of threads has its own process, in which ours and the peers take turns. What is not
measured anew stays in the files, as long as the machine is the same. `make bench` measures everything.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks import growth, memory, processes, results, startup, table
from benchmarks.results import Row
from benchmarks.shapes import SHAPES

SHOWN = ("runtime", "threads", "shape", "what", "kind", "along", "value", "name", "mode")
# What was seen to be wrong in a peer: it gets no row, but is no reason to fail. One bin of shape e is exactly 0 under
# JAX, and the root in Keras' own layer has no gradient there.
KNOWN = {("jax", "e", "training", "keras MelSpectrogram"): "not all its numbers are finite"}
WHAT = ("times", "memory", "startup", "growth")
DOCS = processes.ROOT / "docs"


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--runtimes", nargs="+", choices=processes.RUNTIMES, default=processes.RUNTIMES)
    parser.add_argument("--what", nargs="+", choices=WHAT, default=WHAT)
    parser.add_argument("--shapes", default="abcde", help=f"some of {''.join(SHAPES)}; of times alone")
    parser.add_argument("--kinds", nargs="+", default=[], help="of times alone; default: all")
    parser.add_argument("--threads", nargs="+", choices=processes.THREADS, default=processes.THREADS)
    parser.add_argument("--budget", type=float, default=6.0, help="seconds for each table row's candidates together")
    parser.add_argument("--longest", type=int, default=3600, help="seconds of sound that growth and memory go up to")
    parser.add_argument("--out", type=Path, default=DOCS / "benchmarks", help="where the CSV files go")
    parser.add_argument("--page", type=Path, help="the page whose tables are written; default: beside the CSV files")
    parser.add_argument("--strict", action="store_true", help="fail when a runtime is not there, too")
    return parser.parse_args(words)


def shown(rows: Iterable[Row]) -> list[Row]:
    """Print rows as they come, and return them."""
    found = []
    for row in rows:
        found.append(row)
        if "versions" not in row:
            words = [str(row[key]) for key in SHOWN if key in row]
            number = next(
                (f"{row[key]:.4g} {key[-2:]}" for key in ("median_ms", "first_mb", "first_ms") if key in row), ""
            )
            print(*words, number or f"ERROR {row.get('error')}", flush=True)
    return found


def known(row: Row) -> bool:
    """Return whether an error is one of those expected, and that very one."""
    about = (row["runtime"], row.get("shape", ""), row.get("kind", ""), row.get("name", ""))
    return about in KNOWN and row["error"].endswith(KNOWN[about])


def measure(runtime: str, asked: argparse.Namespace) -> list[Row]:
    """Measure a runtime, keep what was found in the files, and return the rows that are errors."""
    errors: list[Row] = []
    versions: dict[str, str] = {}

    def keep(name: str, rows: list[Row], by: tuple[str, ...]) -> None:
        results.replace(asked.out, name, rows, by)
        if name in ("times", "startup"):  # that something has no room for an hour of sound is a result
            errors.extend(row for row in rows if "error" in row and not known(row))

    if "times" in asked.what:
        found: list[Row] = []
        for threads in asked.threads:
            job = {"what": "times", "shapes": asked.shapes, "kinds": asked.kinds, "budget": asked.budget}
            found += shown(processes.run(runtime, threads, job))
        versions = next((row["versions"] for row in found if "versions" in row), {})
        keep("times", found, ("runtime", "threads", "shape", "kind"))
    if "memory" in asked.what and runtime != "cpu":
        keys = memory.SHAPES + (memory.HOUR if asked.longest >= SHAPES[memory.HOUR].seconds else "")
        keep("memory", shown(memory.measure(runtime, keys)), ("runtime", "shape"))
    rounds = 3 if asked.budget >= 1 else 1
    if "startup" in asked.what:
        keep("startup", shown(startup.measure(runtime, rounds)), ("runtime",))
    if "growth" in asked.what and runtime in growth.LABELS:
        keep("growth", shown(growth.measure(runtime, asked.budget / 4, asked.longest)), ("runtime",))
    timed = {"times", "startup", "growth"} & set(asked.what)
    whole = "times" in asked.what and not asked.kinds
    part = "" if whole else ", ".join(asked.kinds if asked.kinds and "times" in asked.what else asked.what)
    results.save_facts(asked.out, runtime, versions, {"budget_s": asked.budget if timed else 0.0}, part)
    return errors


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; fail where a candidate was wrong or broke."""
    asked = arguments(words)
    results.clear_if_elsewhere(asked.out)
    errors: list[Row] = []
    for runtime in asked.runtimes:
        if processes.available(runtime):
            errors += measure(runtime, asked)
        else:
            print(f"{runtime}: there is no {processes.python(runtime)}; `make bench` makes it", file=sys.stderr)
            errors += [{"error": "absent"}] if asked.strict else []
    page = asked.page or asked.out.with_suffix(".md")
    table.write(asked.out, page)
    print(f"The tables are in {page}; {len(errors)} errors.")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
