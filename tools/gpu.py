"""Check and time Kapre on a GPU: numbers first, then times beside the peers, then sizes of blocks.

`make gpu`, or `python tools/gpu.py --folder out/gpu`, runs for some minutes on PyTorch and on JAX, needs no network,
and writes JSON after every check and row. `--page` writes docs/benchmarks/gpu.md from a folder of JSON. Without a GPU,
`--device cpu --few` runs the same program on small inputs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "benchmarks" / "gpu.md"
BACKENDS = ("torch", "jax")
HEAD = """
# On a GPU

The floor is the time in which the device copies the samples and the features. Launches are kernels and copies of one
call. Ratios above 1 say that the best peer takes longer. A check's worst value is in natural-log units for features
with a logarithm, and a fraction of the peak for the others; the reference is PyTorch in float64 on the processor.
"""
WAYS = (", torch.compile", ", samples on the host")
"""How a candidate is called otherwise than bare, as the end of its name: it is compared with its like."""
SHARES = 4
"""How many processes share JAX's cases, each of which compiles."""


def command(module: str, part: str, folder: Path, *words: str) -> list[str]:
    """Return the command of a part."""
    return [sys.executable, "-W", "ignore", "-m", f"benchmarks.{module}", part, str(folder), *words]


def environment(backend: str, device: str) -> dict[str, str]:
    """Return the environment of a process."""
    env = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # several processes share the GPU
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
        "OMP_NUM_THREADS": "4",
        "JAX_COMPILATION_CACHE_DIR": str(ROOT / ".cache" / "jax"),
    }
    return env | ({"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"} if device == "cpu" else {})


def run_together(jobs: list[tuple[str, list[str], dict[str, str]]], folder: Path, seconds: float) -> dict[str, int]:
    """Run commands side by side, none longer than so many seconds; return their exit codes."""
    started = time.monotonic()
    processes = {}
    for name, words, env in jobs:
        log = (folder / f"{name}.log").open("w", encoding="utf-8")
        processes[name] = subprocess.Popen(words, cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT)
    codes = {}
    for name, process in processes.items():
        try:
            codes[name] = process.wait(max(1.0, seconds - (time.monotonic() - started)))
        except subprocess.TimeoutExpired:
            process.kill()
            codes[name] = process.wait()
    print(f"{', '.join(processes)}: {time.monotonic() - started:.0f} s, exit codes {list(codes.values())}", flush=True)
    return codes


def read(folder: Path, pattern: str) -> dict[str, list[dict[str, Any]]]:
    """Return the entries of the files that match."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob(pattern))}


def checks(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return every check with its backend."""
    found = []
    for backend in BACKENDS:
        for stem, entries in read(folder, f"{backend}-*.json").items():
            if not stem.endswith(("kinds", "whisper", "sweep")):
                found += [(backend, entry) for entry in entries if entry["name"] != "machine"]
    return found


def times(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return every timed row with its backend."""
    found = []
    for part in ("kinds", "whisper"):
        for stem, rows in read(folder, f"*-{part}.json").items():
            found += [(stem.split("-")[0], row) for row in rows if "ms" in row]
    return found


def number(value: Any) -> str:
    """Return a number of a table."""
    return f"{value:.3g}" if isinstance(value, int | float) else "–"


def way_of(name: str) -> str:
    """Return the way in which a candidate is called, as the end of its name."""
    return next((way for way in WAYS if name.endswith(way)), "")


def table_of_times(folder: Path) -> list[str]:
    """Return the rows of the table of times: ours, the best peer and the ratio."""
    lines = [
        "| framework | shape | what | direction | Kapre, ms | best peer | its ms | peer / Kapre | floor, ms | launches "
        "| peak, MiB |",
        "|" + " --- |" * 11,
    ]
    for backend, row in times(folder):
        ms = row["ms"]
        for suffix in ("", *WAYS):
            ours = f"kapre{suffix}"
            if ours not in ms:
                continue
            peers = {
                name: value for name, value in ms.items() if not name.startswith("kapre") and way_of(name) == suffix
            }
            best = min(peers, key=lambda name: peers[name]) if peers else None
            cost = row["costs"].get(ours, {})
            cells = [
                backend,
                row["about"],
                row["kind"] + suffix,
                row["direction"],
                number(ms[ours]),
                best or "–",
                number(peers[best]) if best else "–",
                f"{peers[best] / ms[ours]:.2f}" if best else "–",
                number(row.get("floor_ms")),
                str(cost.get("launches", "–")),
                number(cost["peak_bytes"] / 2**20) if "peak_bytes" in cost else "–",
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def table_of_sizes(folder: Path) -> list[str]:
    """Return the rows of the table of block sizes."""
    lines = [
        "| framework | shape | direction | size of a block | ms | peak, MiB |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for stem, rows in read(folder, "*-sweep.json").items():
        for row in rows:
            if row.get("kind") == "sweep":
                peak = number(row["peak_bytes"] / 2**20) if "peak_bytes" in row else "–"
                cells = [stem.split("-")[0], row["shape"], row["direction"], row["value"], number(row.get("ms")), peak]
                lines.append("| " + " | ".join(cells) + " |")
    return lines


def table_of_checks(folder: Path) -> list[str]:
    """Return the rows of the table of numbers: for each kind of check, how many, and the worst."""
    lines = ["| framework | check | passed | worst | bound |", "| --- | --- | --- | --- | --- |"]
    groups: dict[tuple[str, str, Any], list[dict[str, Any]]] = {}
    for backend, entry in checks(folder):
        groups.setdefault((backend, entry["name"].split(":")[0], entry["bound"]), []).append(entry)
    for (backend, name, bound), entries in groups.items():
        worst = [entry["worst"] for entry in entries if entry.get("worst") is not None]
        passed = sum(entry["passed"] for entry in entries)
        cells = [backend, name, f"{passed} of {len(entries)}", number(max(worst)) if worst else "–", number(bound)]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def page(folder: Path) -> str:
    """Return docs/benchmarks/gpu.md."""
    machines = [entry for entries in read(folder, "*-smoke.json").values() for entry in entries[:1]]
    versions = {
        name: value for machine in machines for name, value in machine.items() if name not in ("name", "passed")
    }
    copies = [
        f"{stem.split('-')[0]} {row['bytes_per_second'] / 1e12:.2f} TB/s"
        for stem, rows in read(folder, "*-kinds.json").items()
        for row in rows
        if row.get("kind") == "copy"
    ]
    head = ", ".join(f"{name} {value}" for name, value in versions.items())
    parts = [
        HEAD.strip(),
        f"Measured by `make gpu` on {head}. A large copy moves {', '.join(copies)}, read and written.",
        "## Numbers",
        "\n".join(table_of_checks(folder)),
        "## Times",
        "\n".join(table_of_times(folder)),
        "## Sizes of blocks",
        "\n".join(table_of_sizes(folder)),
    ]
    return "\n\n".join(parts) + "\n"


def report(folder: Path) -> int:
    """Print the tables and what failed; return how many checks did."""
    print("\n".join(table_of_checks(folder)))
    print("\n".join(table_of_times(folder)))
    print("\n".join(table_of_sizes(folder)))
    for backend, row in times(folder):
        for name, error in row["errors"].items():
            if isinstance(error, str) or (name == "kapre" and error > 1e-5):
                print(f"{backend} {row['shape']} {row['kind']} {row['direction']}: {name}: {error}")
    failed = [(backend, entry) for backend, entry in checks(folder) if not entry["passed"]]
    for backend, entry in failed:
        print(f"FAILED {backend} {entry['name']}: {entry.get('error', entry.get('worst'))} (bound {entry['bound']})")
    print(f"{len(checks(folder)) - len(failed)} passed, {len(failed)} failed")
    return len(failed)


def main() -> int:
    """Run what the command line asks for and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "out" / "gpu", help="where the JSON is written")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--parts", default="checks,kinds,whisper,sweep", help="what to run after the first 20 seconds")
    parser.add_argument("--backends", default=",".join(BACKENDS))
    parser.add_argument("--few", action="store_true", help="some of the cases, on small inputs")
    parser.add_argument("--limit", type=float, default=200.0, help="seconds for all checks, which run side by side")
    parser.add_argument("--page", action="store_true", help="write the page from the JSON; run nothing")
    parser.add_argument("--budget", default="0.4", help="seconds for each candidate of a row")
    arguments = parser.parse_args()
    folder: Path = arguments.folder.resolve()
    if arguments.page:
        PAGE.write_text(page(folder), encoding="utf-8")
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    backends, parts = arguments.backends.split(","), arguments.parts.split(",")
    few = ["--few"] if arguments.few else []
    envs = {backend: environment(backend, arguments.device) for backend in backends}

    def job(backend: str, module: str, part: str, *words: str) -> tuple[str, list[str], dict[str, str]]:
        name = f"{backend}-{part}" + "".join(word.split("/")[0] for word in words if "/" in word)
        return name, command(module, part, folder, *few, *words), envs[backend]

    codes = run_together([job(backend, "gpu_checks", "smoke") for backend in backends], folder, 90)
    ready = [entry for entries in read(folder, "*-smoke.json").values() for entry in entries]
    print(json.dumps(ready), flush=True)
    wrong_device = arguments.device == "cuda" and any(entry.get("device", "").lower() == "cpu" for entry in ready)
    if any(codes.values()) or wrong_device or not all(entry["passed"] for entry in ready):
        for path in folder.glob("*-smoke.log"):
            print(path.read_text(encoding="utf-8")[-1500:])
        return 1
    if "checks" in parts:
        reference = ("reference", command("gpu_checks", "reference", folder, *few), environment("torch", "cpu"))
        jobs = [reference]
        if "torch" in backends:
            jobs += [job("torch", "gpu_checks", part) for part in ("presets", "layers", "rest", "compile")]
        if "jax" in backends:
            jobs += [job("jax", "gpu_checks", "rest")]
            for part in ("presets", "layers"):
                jobs += [job("jax", "gpu_checks", part, "--share", f"{i}/{SHARES}") for i in range(SHARES)]
        (folder / "reference.npz").unlink(missing_ok=True)
        run_together(jobs, folder, arguments.limit)
        (folder / "reference.npz").unlink(missing_ok=True)
    for part in ("kinds", "whisper", "sweep"):
        if part in parts:
            for backend in backends:
                run_together([job(backend, "gpu_times", part, "--budget", arguments.budget)], folder, 150)
    return 1 if report(folder) else 0


if __name__ == "__main__":
    sys.exit(main())
