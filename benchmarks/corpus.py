"""How fast a store is made: beside a loop over the same layer written by hand, by two processes; and its memory.

    python -m benchmarks.corpus --backend torch      # some minutes, on a quiet machine of two cores

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


def loop(paths: list[str], output: Path) -> float:
    """Do what a user writes: read, mix, resample, compute, save; return the seconds that it took."""
    import keras
    import numpy as np
    import soundfile
    import soxr

    import kapre

    frontend = kapre.Frontend.from_preset(PRESET)
    output.mkdir(parents=True)
    begun = time.perf_counter()
    for number, path in enumerate(paths):
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        mono = samples.mean(axis=1)
        if rate != RATE:
            mono = soxr.resample(mono, rate, RATE, quality="HQ")
        features = keras.ops.convert_to_numpy(frontend(mono[None]))[0]
        np.save(output / f"{number}.npy", features)
    return time.perf_counter() - begun


def engine(paths: list[str], output: Path, workers: int) -> dict[str, Any]:
    """Make a store; return what it says."""
    import kapre

    summary = kapre.corpus.extract(paths, output, PRESET, workers=workers)
    return summary.to_dict()


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
            found = engine(paths, Path(folder) / "out", asked.workers)
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("result:" + json.dumps(found))


def run(backend: str, what: str, paths: Path, workers: int = 1, cores: str = "0") -> dict[str, Any]:
    """Run in a process of its own, on some cores."""
    env = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = ["taskset", "-c", cores, sys.executable, "-m", "benchmarks.corpus", "--one", what]
    command += ["--paths", str(paths), "--workers", str(workers), "--backend", backend]
    result = subprocess.run(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    line = next(line for line in result.stdout.splitlines() if line.startswith("result:"))
    return json.loads(line.removeprefix("result:"))


def page(found: dict[str, Any]) -> str:
    """Return the page."""
    hours = found["hours"]
    rate = 60 * hours / found["one_core_seconds"]
    command = f"python -m benchmarks.corpus --backend {found['backend']} --files {found['files']}"
    command += f" --rounds {found['rounds']}"
    memory = f"{found['memory_few']:.0f}, {found['memory_all']:.0f}"
    return f"""# Stores: speed and memory

Written by `{command}`, on {found["machine"]}; not by hand.
{found["files"]} FLAC files of 4 to 16 s, a third of them at 44.1 kHz and the others at 16, {hours:.2f} h together, to
`{PRESET}` in float32.

| | |
| --- | --: |
| the engine beside a loop written by hand, on one core | {found["beside_loop"]:.2f} × |
| two processes on two cores beside one on one, {4 * hours:.0f} h | {found["two_workers"]:.2f} × |
| hours of audio in a minute and core | {rate:.1f} |
| times real time, one core | {60 * rate:.0f} |
| a run of 32 files, two processes: their start (s) | {found["start_seconds"]:.1f} |
| peak memory with {4 * found["files"] // 10} and {4 * found["files"]} files (MB) | {memory} |
| bytes of a store for an hour of audio, float32 (MB) | {found["megabytes_per_hour"]:.0f} |

A million hours take {1e6 / rate / 60 / 24:.0f} days of one core and {found["megabytes_per_hour"]:.0f} TB. Decoding and
resampling are {100 * found["decoding"]:.0f} % of the loop's time.
"""


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--backend", choices=("torch", "tensorflow", "jax"), default="torch")
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", choices=("loop", "engine"), help=argparse.SUPPRESS)
    parser.add_argument("--paths", help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, default=1, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        one(asked)
        return 0
    from tools.matrix import machine

    with tempfile.TemporaryDirectory() as folder:
        paths = write_recordings(Path(folder), asked.files)
        every, few = Path(folder) / "all.json", Path(folder) / "few.json"
        every.write_text(json.dumps(paths), encoding="utf-8")
        few.write_text(json.dumps(paths[: 4 * asked.files // 10]), encoding="utf-8")
        often = Path(folder) / "often.json"  # so long that what starting takes does not count
        often.write_text(json.dumps(paths * 4), encoding="utf-8")
        loops, engines, alone, twos = [], [], [], []
        for _ in range(asked.rounds):
            loops.append(run(asked.backend, "loop", every))
            engines.append(run(asked.backend, "engine", every))
            alone.append(run(asked.backend, "engine", often))
            twos.append(run(asked.backend, "engine", often, workers=2, cores="0,1"))
        memory = run(asked.backend, "engine", few)["peak_mb"]
        tiny = Path(folder) / "tiny.json"
        tiny.write_text(json.dumps(paths[:32]), encoding="utf-8")
        start = run(asked.backend, "engine", tiny, workers=2, cores="0,1")["elapsed"]
        decoding = decoding_share(paths[:300], loops[0]["elapsed"] / len(paths))
    ratios = [a["elapsed"] / b["elapsed"] for a, b in zip(loops, engines, strict=True)]
    both = [a["elapsed"] / b["elapsed"] for a, b in zip(alone, twos, strict=True)]
    found = {
        "machine": machine(),
        "backend": asked.backend,
        "files": asked.files,
        "rounds": asked.rounds,
        "hours": engines[0]["hours"],
        "beside_loop": statistics.median(ratios),
        "two_workers": statistics.median(both),
        "one_core_seconds": statistics.median(each["elapsed"] for each in engines),
        "start_seconds": start,
        "memory_few": memory,
        "memory_all": statistics.median(each["peak_mb"] for each in alone),
        "megabytes_per_hour": engines[0]["bytes"] / 1e6 / engines[0]["hours"],
        "decoding": decoding,
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(found), encoding="utf-8")
    print(page(found))
    return 0


def decoding_share(paths: list[str], per_file: float) -> float:
    """Return which part of the loop's time is reading, mixing and resampling."""
    import soundfile
    import soxr

    begun = time.perf_counter()
    for path in paths:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        mono = samples.mean(axis=1)
        if rate != RATE:
            soxr.resample(mono, rate, RATE, quality="HQ")
    return (time.perf_counter() - begun) / len(paths) / per_file


if __name__ == "__main__":
    sys.exit(main())
