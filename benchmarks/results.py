"""The files that hold what was measured: CSV, and the machine's facts in JSON."""

from __future__ import annotations

import csv
import datetime
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.processes import ROOT

Row = dict[str, Any]
COMMON = ("runtime", "threads", "shape", "kind", "name", "mode", "ours")
TIMED = ("median_ms", "min_ms", "cpu_ms", "rounds")
COLUMNS = {
    "times": (*COMMON, *TIMED),
    "memory": (*COMMON, "first_mb", "again_mb"),
    "startup": ("runtime", "what", "kind", "name", "mode", "ours", "first_ms", "second_ms", "rounds"),
    "growth": ("runtime", "along", "value", "name", "mode", "ours", *TIMED),
}
ERRORS = ("table", "runtime", "threads", "shape", "kind", "name", "mode", "error")
NUMBERS = {"median_ms", "min_ms", "cpu_ms", "first_mb", "again_mb", "first_ms", "second_ms"}
MACHINE = "machine.json"


def _written(column: str, value: Any) -> str:
    if column == "ours":
        return str(int(bool(value)))
    return f"{value:.4g}" if column in NUMBERS and value != "" else str(value)


def read(folder: Path, table: str) -> list[Row]:
    """Return the rows of a file, numbers as numbers; none where there is no file."""
    path = folder / f"{table}.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows: list[Row] = [dict(row) for row in csv.DictReader(file)]
    for row in rows:
        row.update({key: float(value) for key, value in row.items() if key in NUMBERS and value})
        row.update({key: value == "1" for key, value in row.items() if key == "ours"})
        row.update({key: int(value) for key, value in row.items() if key in ("rounds", "value") and value})
    return rows


def write(folder: Path, table: str, rows: list[Row], columns: tuple[str, ...] | None = None) -> None:
    """Write the rows of a file."""
    columns = columns or COLUMNS[table]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_written(column, row.get(column, "")) for column in columns] for row in rows)


def replace(folder: Path, table: str, rows: list[Row], by: tuple[str, ...]) -> None:
    """Write rows in the place of those that say the same in the columns `by`; the others stay."""
    errors = [{**row, "table": table} for row in rows if "error" in row]
    rows = [row for row in rows if "error" not in row and "versions" not in row]
    new = {tuple(row[column] for column in by) for row in rows}
    kept = [row for row in read(folder, table) if tuple(row[column] for column in by) not in new]
    write(folder, table, kept + rows)
    runtimes = {row["runtime"] for row in [*rows, *errors]}
    old = [row for row in read(folder, "errors") if row["table"] != table or row["runtime"] not in runtimes]
    write(folder, "errors", old + errors, ERRORS)


def machine() -> Row:
    """Return what is known of the machine."""
    facts: Row = {"cpu": platform.processor() or platform.machine(), "cores": len(os.sched_getaffinity(0))}
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        about = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    facts["cpu"] = about.get("model name", facts["cpu"])
    wide = [name for name in ("avx512f", "avx2") if name in about.get("flags", "").split()]
    facts["vector"] = wide[0] if wide else ""
    facts["ram_gb"] = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    facts["system"] = platform.system()
    facts["python"] = platform.python_version()
    return facts


def commit() -> str:
    """Return the commit of the sources that are measured, marked where kapre/ differs from it."""

    def git(*words: str) -> str:
        result = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
        return result.stdout.strip()

    name = git("rev-parse", "--short=10", "HEAD")
    return f"{name} and changes" if git("status", "--porcelain", "kapre") else name or "unknown"


def load_stored(folder: Path) -> Row:
    """Return what machine.json says, of whatever machine; nothing where there is none."""
    path = folder / MACHINE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def load_facts(folder: Path) -> Row:
    """Return what machine.json says; nothing where it is of another machine."""
    stored = load_stored(folder)
    return stored if stored.get("machine") == machine() else {}


def save_facts(folder: Path, runtime: str, versions: dict[str, str], about: Row, part: str = "") -> None:
    """Write when, with which versions and with which command a runtime was measured, or only a part of it."""
    stored = load_facts(folder) or {"machine": machine(), "runtimes": {}}
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    before = stored["runtimes"].get(runtime, {})
    found = {"date": today, "kapre": commit(), **about}
    if part and before:
        stored["runtimes"][runtime] = {**before, "apart": {**before.get("apart", {}), part: found}}
    else:
        stored["runtimes"][runtime] = {"versions": versions or before.get("versions", {}), **found}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MACHINE).write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


def clear_if_elsewhere(folder: Path) -> None:
    """Remove what another machine measured: one page holds one machine."""
    if (folder / MACHINE).exists() and not load_facts(folder):
        for name in (MACHINE, *(f"{table}.csv" for table in (*COLUMNS, "errors"))):
            (folder / name).unlink(missing_ok=True)
