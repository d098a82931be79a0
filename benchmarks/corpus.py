"""How fast a store is made: beside a loop over the same layer written by hand, by more workers and nodes; its memory.

    python -m benchmarks.corpus --backend torch      # 45 minutes, on a quiet machine of two cores

Writes docs/benchmarks/corpus.json and the table docs/benchmarks/corpus.md. Each run is a process of its own; the loop
and the engine take turns, and a figure is the median of their ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "benchmarks" / "corpus.json"
PAGE = ROOT / "docs" / "benchmarks" / "corpus.md"
PRESET = "kaldi_fbank"
RATE = 16000


def write_recordings(folder: Path, count: int) -> list[str]:
    """Write FLAC files of 4 to 16 s at 16 and 44.1 kHz; return their paths."""
    import numpy as np
    import soundfile

    rng = np.random.default_rng(0)
    paths = []
    for number in range(count):
        rate = (RATE, RATE, 44100)[number % 3]
        samples = int(rng.uniform(4, 16) * rate)
        t = np.arange(samples) / rate
        x = 0.4 * np.sin(2 * np.pi * rng.uniform(100, 900) * t) + 0.05 * rng.standard_normal(samples)
        path = folder / f"{number:05d}.flac"
        soundfile.write(path, x, rate)
        paths.append(str(path))
    return paths


def by_hand(path: str) -> Any:
    """Return the samples of a file as a user's own loop reads them, which is not Kapre's way: this is the baseline."""
    import soundfile
    import soxr

    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    return mono if rate == RATE else soxr.resample(mono, rate, RATE, quality="HQ")


def loop(paths: list[str], output: Path) -> float:
    """Do what a user writes: read, mix, resample, compute, save; return the seconds that it took."""
    import keras
    import numpy as np

    import kapre

    frontend = kapre.Frontend.from_preset(PRESET)
    output.mkdir(parents=True)
    begun = time.perf_counter()
    for number, path in enumerate(paths):
        features = keras.ops.convert_to_numpy(frontend(by_hand(path)[None]))[0]
        np.save(output / f"{number}.npy", features)
    return time.perf_counter() - begun


def engine(paths: list[str], output: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Make a store; return what it says."""
    import kapre

    options: dict[str, Any] = {"engine": asked.one, "workers": asked.workers or None, "address": asked.address}
    return kapre.corpus.extract(paths, output, PRESET, **options).to_dict()


def one(asked: argparse.Namespace) -> None:
    """Do one run in this process, and print what it showed."""
    paths = json.loads(Path(asked.paths).read_text(encoding="utf-8"))
    if asked.backend == "torch":
        import torch

        torch.set_grad_enabled(False)
    with tempfile.TemporaryDirectory() as folder:
        if asked.one == "loop":
            found: dict[str, Any] = {"elapsed": loop(paths, Path(folder) / "out")}
        else:
            found = engine(paths, Path(folder) / "out", asked)
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("result:" + json.dumps(found))


def run(
    backend: str, what: str, paths: Path, workers: int = 1, cores: str = "0,1", address: str | None = None
) -> dict[str, Any]:
    """Run in a process of its own, on some cores."""
    env = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = ["taskset", "-c", cores, sys.executable, "-m", "benchmarks.corpus", "--one", what]
    command += ["--paths", str(paths), "--workers", str(workers), "--backend", backend]
    command += ["--address", address] if address else []
    result = subprocess.run(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    line = next(line for line in result.stdout.splitlines() if line.startswith("result:"))
    return json.loads(line.removeprefix("result:"))


def on_nodes(backend: str, nodes: int, many: Path, tiny: Path) -> tuple[float, float]:
    """Return the seconds that a store of many files takes, and one of a few, on a cluster of nodes of one core each."""
    command = [sys.executable, str(ROOT / "tools" / "cluster.py"), str(nodes), "1"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, **pipes) as cluster:
        assert cluster.stdin is not None
        assert cluster.stdout is not None
        print("address", file=cluster.stdin, flush=True)
        address = cluster.stdout.readline().strip()
        assert address, "tools/cluster.py did not begin"
        found = [run(backend, "ray", paths, 0, address=address)["elapsed"] for paths in (many, tiny)]
    return found[0], found[1]


def page(found: dict[str, Any]) -> str:
    """Return the page."""
    hours = found["hours"]
    rate = 60 * hours / found["one_core_seconds"]
    command = f"python -m benchmarks.corpus --backend {found['backend']} --files {found['files']}"
    command += f" --rounds {found['rounds']}"
    memory = f"{found['memory_few']:.0f}, {found['memory_all']:.0f}"
    out, into = found["megabytes_per_hour"], found["input_megabytes_per_hour"]
    traffic = rate / 60 * (out + into)
    one, two, three = (found["nodes"][n] for n in ("1", "2", "3"))
    core_hours = 1e6 / rate / 60
    return f"""# Stores: speed, memory and scale

Written by `{command}`, on {found["machine"]}; not by hand.
{found["files"]} FLAC files of 4 to 16 s, a third of them at 44.1 kHz and the others at 16, {hours:.2f} h together, to
`{PRESET}` in float32; where it says so, the same files many times over.
Its parts (`--parts`) may be of runs of their own.

| | |
| --- | --: |
| the engine beside a loop written by hand, on one core | {found["beside_loop"]:.2f} × |
| two processes on two cores beside that loop on one, {OFTEN * hours:.0f} h | {found["two_beside_loop"]:.2f} × |
| two processes on two cores beside one on one, {OFTEN * hours:.0f} h | {found["two_workers"]:.2f} × |
| Ray with two workers beside the local engine with two, {OFTEN * hours:.0f} h | {found["ray_beside_local"]:.2f} × |
| Ray, two nodes of a core beside one, {OFTEN // 2 * hours:.0f} h | {one[0] / two[0]:.2f} × |
| the same without what starting takes | {(one[0] - one[1]) / (two[0] - two[1]):.2f} × |
| three nodes on two cores beside one on one, without starting | {(one[0] - one[1]) / (three[0] - three[1]):.2f} × |
| a run of 32 files, local, two processes (s) | {found["start_local"]:.1f} |
| a run of 32 files, a Ray of its own, two workers (s) | {found["start_ray"]:.1f} |
| a run of 32 files, a Ray that is there, two nodes (s) | {two[1]:.1f} |
| hours of audio in a minute and core | {rate:.1f} |
| times real time, one core | {60 * rate:.0f} |
| peak memory with {found["few"]} and {found["many"]} files (MB) | {memory} |
| bytes read for an hour of audio (MB) | {into:.0f} |
| bytes of a store for an hour of audio, float32 (MB) | {out:.0f} |
| memory of the process that gives out the work, for a million files (MB) | {found["items_mb_per_million"]:.0f} |

Nodes and workers have a core each; the machine has two, so that three nodes can be no more than twice as fast as one.

## A million hours

| | |
| --- | --: |
| core-hours | {core_hours:.0f} |
| days, 32 cores | {core_hours / 24 / 32:.1f} |
| hours, 1000 cores | {core_hours / 1000:.1f} |
| read (TB) | {into:.0f} |
| written (TB), float32; half of it in float16 | {out:.0f} |
| read and written by a core (MB/s) | {traffic:.0f} |

The bottleneck is a core's time, of which {100 * found["decoding"]:.0f} % is decoding and resampling (in the loop), as
long as storage keeps up: a node with 10 Gbit/s feeds {1250 / traffic:.0f} cores, and 1000 cores want
{traffic:.0f} GB/s of what holds the recordings and the store.
"""


OFTEN = 16
"""How many times over the files are taken where what starting takes is not to count."""


class Recordings:
    """Files to measure with, and lists of them."""

    def __init__(self, folder: str, count: int) -> None:
        self.folder, self.paths = folder, write_recordings(Path(folder), count)
        self.tiny = self.listed(self.paths[:32])

    def listed(self, chosen: list[str]) -> Path:
        """Return a file with a list of files."""
        handle, name = tempfile.mkstemp(dir=self.folder, suffix=".json")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(chosen, file)
        return Path(name)


def ratio(slow: list[dict[str, Any]], fast: list[dict[str, Any]], times: int = 1) -> float:
    """Return the median of how many times as long the slow runs took, or would have taken over so much more."""
    return statistics.median(times * a["elapsed"] / b["elapsed"] for a, b in zip(slow, fast, strict=True))


def measure_loop(backend: str, recordings: Recordings, rounds: int) -> dict[str, Any]:
    """Measure the engine on one core beside a loop written by hand, and its memory."""
    every, count = recordings.listed(recordings.paths), len(recordings.paths)
    loops, engines = [], []
    for _ in range(rounds):
        loops.append(run(backend, "loop", every, cores="0"))
        engines.append(run(backend, "local", every, cores="0"))
    few, many = count // 3, count // 3 * 10
    lists = [recordings.listed((recordings.paths * 10)[:number]) for number in (few, many)]
    memory = [run(backend, "local", chosen, cores="0")["peak_mb"] for chosen in lists]
    hours = engines[0]["hours"]
    seconds = statistics.median(each["elapsed"] for each in loops)
    return {
        "hours": hours,
        "beside_loop": ratio(loops, engines),
        "one_core_seconds": statistics.median(each["elapsed"] for each in engines),
        "few": few,
        "many": many,
        "memory_few": memory[0],
        "memory_all": memory[1],
        "input_megabytes_per_hour": sum(os.path.getsize(path) for path in recordings.paths) / 1e6 / hours,
        "megabytes_per_hour": engines[0]["bytes"] / 1e6 / hours,
        "items_mb_per_million": megabytes_of_items(),
        "decoding": decoding_share(recordings.paths[:300], seconds / count),
    }


def measure_workers(backend: str, recordings: Recordings, rounds: int) -> dict[str, Any]:
    """Measure two workers, of both engines, beside one, and beside the loop."""
    every, often = recordings.listed(recordings.paths), recordings.listed(recordings.paths * OFTEN)
    loops, alone, twos, with_ray = [], [], [], []
    for _ in range(rounds):
        loops.append(run(backend, "loop", every, cores="0"))
        alone.append(run(backend, "local", often, cores="0"))
        twos.append(run(backend, "local", often, workers=2))
        with_ray.append(run(backend, "ray", often, workers=2))
    start_local, start_ray = (run(backend, what, recordings.tiny, workers=2)["elapsed"] for what in ("local", "ray"))
    return {
        "two_beside_loop": ratio(loops, twos, OFTEN),
        "two_workers": ratio(alone, twos),
        "ray_beside_local": ratio(twos, with_ray),
        "start_local": start_local,
        "start_ray": start_ray,
    }


def measure_nodes(backend: str, recordings: Recordings, rounds: int) -> dict[str, Any]:
    """Measure clusters of one, two and three nodes; each as often as there are rounds, the median of each."""
    many = recordings.listed(recordings.paths * (OFTEN // 2))
    found: dict[str, list[tuple[float, float]]] = {"1": [], "2": [], "3": []}
    for _ in range(rounds):
        for count, each in found.items():
            each.append(on_nodes(backend, int(count), many, recordings.tiny))
    medians = {n: [statistics.median(values) for values in zip(*each, strict=True)] for n, each in found.items()}
    return {"nodes": medians}


PARTS = {"loop": measure_loop, "workers": measure_workers, "nodes": measure_nodes}


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--backend", choices=("torch", "tensorflow", "jax"), default="torch")
    parser.add_argument("--files", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="measure these anew")
    parser.add_argument("--one", choices=("loop", "local", "ray"), help=argparse.SUPPRESS)
    parser.add_argument("--paths", help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--address", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        one(asked)
        return 0
    from tools.matrix import machine

    settings = {"machine": machine(), "backend": asked.backend, "files": asked.files, "rounds": asked.rounds}
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    if len(asked.parts) < len(PARTS) and {name: found.get(name) for name in settings} != settings:
        parser.error("what is there was measured with other settings: measure all parts")
    found |= settings
    with tempfile.TemporaryDirectory() as folder:
        recordings = Recordings(folder, asked.files)
        for part in asked.parts:
            found |= PARTS[part](asked.backend, recordings, asked.rounds)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(found), encoding="utf-8")
    print(page(found))
    return 0


def megabytes_of_items() -> float:
    """Return how many MB the list of a million files takes in the process that gives out the work."""
    program = (
        "import resource, sys; from kapre.corpus._items import Item; before = resource.getrusage(0).ru_maxrss; "
        "items = [Item(f'/recordings/{n % 1000:04d}/{n:08d}.flac', None, None, None, {'label': n % 10}) "
        "for n in range(10**6)]; print((resource.getrusage(0).ru_maxrss - before) / 1024)"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return float(result.stdout)


def decoding_share(paths: list[str], per_file: float) -> float:
    """Return which part of the loop's time is reading, mixing and resampling."""
    begun = time.perf_counter()
    for path in paths:
        by_hand(path)
    return (time.perf_counter() - begun) / len(paths) / per_file


if __name__ == "__main__":
    sys.exit(main())
