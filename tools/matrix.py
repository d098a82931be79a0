"""Export a model by every backend to every format, run the files, and write what was found into docs/export/.

    python tools/matrix.py                  # everything, by all three backends one after another
    python tools/matrix.py --backends jax   # the rest of the table stays
    python tools/matrix.py --reduced --output out/matrix  # 512 points alone, elsewhere: some minutes

Each backend has its own process. `make matrix` calls it; the tests call the reduced one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

BACKENDS = ("tensorflow", "jax", "torch")
SIZES = (512, 2048)
MICRO = ((256, 256, 160), (512, 400, 160), (512, 480, 320))
"""Points, window and hop of streams for microcontrollers."""
POINTS = (256, 512, 1024, 2048, 4096)
RUNTIMES = {"litert": "LiteRT", "onnx": "onnxruntime", "openvino": "OpenVINO"}
FOLDER = ROOT / "docs" / "export"
VERSIONS = (
    "keras",
    "tensorflow-cpu",
    "jax",
    "torch",
    "tf2onnx",
    "jax2onnx",
    "onnxruntime",
    "ai-edge-litert",
    "openvino",
    "executorch",
    "tflite-micro",
)


def exported(backend: str, reduced: bool) -> Iterator[dict[str, Any]]:
    """Export the network that the tests export, each DFT size in each format that this backend writes.

    ExecuTorch gets the front end alone.
    """
    import keras

    import kapre
    from tests.export.models import NATIVE, SUFFIXES, network

    for n_fft in SIZES[:1] if reduced else SIZES:
        for name in (*NATIVE[backend], *(["executorch"] if backend == "torch" else [])):
            with tempfile.TemporaryDirectory() as folder:
                about = {"what": "model", "backend": backend, "format": name, "n_fft": n_fft}
                model = network(n_fft)
                if name == "executorch":
                    model = keras.Sequential([keras.Input((None, 1)), model.layers[0]])
                try:
                    report = kapre.export(model, f"{folder}/model{SUFFIXES[name]}")
                except kapre.deploy.ExportError as error:
                    yield {**about, "error": str(error)}
                else:
                    if report.backend != backend:
                        yield {**about, "error": f"written by {report.backend} in its place"}
                    else:
                        yield {**report.to_dict(), "path": None, **about}


def by_points() -> Iterator[dict[str, Any]]:
    """Export a mel front end of some DFT sizes, directly and in two stages."""
    import kapre
    from tests.export.models import SUFFIXES

    for n_fft in POINTS:
        recipe = kapre.Recipe(
            n_fft=n_fft, hop_length=n_fft // 4, power=2.0, filterbank="mel", sample_rate=16000, n_mels=40
        )
        for largest in (max(POINTS), 1):
            for name in RUNTIMES:
                with tempfile.TemporaryDirectory() as folder:
                    path = f"{folder}/front_end{SUFFIXES[name]}"
                    report = kapre.export(kapre.Frontend(recipe), path, largest_direct=largest)
                way = "two stages" if "two stages" in report.rewritten[0] else "directly"
                yield {
                    **{"what": "points", "n_fft": n_fft, "way": way, "format": name},
                    **{"latency_ms": report.latency_ms, "size": report.size, "max_error": report.max_error},
                }


def on_microcontrollers() -> Iterator[dict[str, Any]]:
    """Export the step of some streams, and run it in the interpreter of microcontrollers."""
    import numpy as np

    import kapre
    from tests.export.micro import Micro, step_by_step
    from tests.export.models import clip

    for n_fft, window, hop in MICRO:
        recipe = kapre.Recipe(
            **dict(n_fft=n_fft, win_length=window, hop_length=hop, power=2.0, filterbank="mel", sample_rate=16000),
            **dict(n_mels=40, log="ln", amin=1e-6, amin_by="add"),
        )
        frontend = kapre.Frontend(recipe)
        stream = frontend.stream(chunk_samples=hop)
        x = clip(1, 16000)
        right = np.asarray(frontend(x))
        for largest in (512, 0):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "step.tflite"
                report = kapre.export(stream, path, largest_direct=largest)
                micro = Micro(path)
                got = step_by_step(micro, x, hop)[:, stream.warmup :]
                times = []
                for _ in range(50):
                    begin = time.perf_counter()
                    micro.interpreter.invoke()
                    times.append(1e3 * (time.perf_counter() - begin))
                error = float(np.abs(got - right[:, : got.shape[1]]).max() / np.ptp(right))
                yield {
                    **{"what": "micro", "n_fft": n_fft, "window": window, "hop": hop, "size": report.size},
                    **{"way": "two stages" if "two stages" in report.rewritten[0] else "directly"},
                    **{"memory": micro.arena(), "step_ms": statistics.median(times), "max_error": error},
                }


def measured(backend: str, reduced: bool) -> list[dict[str, Any]]:
    """Return what a process of its own finds on a backend."""
    env = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, __file__, "--one", backend, *(["--reduced"] if reduced else [])]
    result = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


def versions() -> dict[str, str]:
    """Return the versions of what writes and runs the files."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in VERSIONS:
        try:
            found[name] = version(name).split("+")[0]
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _axes(row: dict[str, Any]) -> tuple[str, str]:
    ((_, shape),) = row["inputs"].items()
    batches = {check["shapes"][0][0] for check in row["checks"] if check["error"] is not None}
    times = {check["shapes"][0][1] for check in row["checks"] if check["error"] is not None}
    return "dynamic" if shape[0] is None and len(batches) > 1 else "fixed", "dynamic" if shape[1] is None and len(
        times
    ) > 1 else "fixed"


def page(found: dict[str, Any]) -> str:
    """Return the page."""
    titles = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
    rows = []
    for row in sorted(
        (row for row in found["rows"] if row["what"] == "model"),
        key=lambda r: (BACKENDS.index(r["backend"]), r["n_fft"]),
    ):
        about = [f"{titles[row['backend']]} → {row['format']}", str(row["n_fft"])]
        if "error" in row:
            rows.append([*about, "–", "–", row["error"][:80], "–", "–"])
            continue
        batch, time = _axes(row)
        rows.append(
            [*about, batch, time, f"{row['max_error']:.1e}", f"{row['size'] / 1e3:.0f}", f"{row['latency_ms']:.2f}"]
        )
    points = [row for row in found["rows"] if row["what"] == "points"]
    lines = []
    for n_fft in POINTS:
        for way in ("directly", "two stages"):
            mine = {row["format"]: row for row in points if (row["n_fft"], row["way"]) == (n_fft, way)}
            if mine:
                speeds = [f"{mine[name]['latency_ms']:.2f}" for name in RUNTIMES]
                lines.append([f"{n_fft}, {way}", *speeds, f"{mine['onnx']['size'] / 1e3:.0f}"])
    micro = [
        [
            f"n_fft {row['n_fft']}, window {row['window']}, hop {row['hop']}, {row['way']}",
            f"{row['size'] / 1e3:.0f}",
            f"{row['memory'] / 1e3:.0f}",
            f"{row['step_ms']:.2f}",
            f"{row['max_error']:.1e}",
        ]
        for row in found["rows"]
        if row["what"] == "micro"
    ]
    words = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    return f"""# Export matrix

`make matrix` writes this page; do not edit it. It was measured on this machine: {found["machine"]}.
The packages were {words}.

Each row is a file that `kapre.export` wrote and ran in its own runtime. The model is a mel spectrogram in decibels,
followed by a small convolutional network. The check calls it with 1, 2 and 3 clips of 0.5, 1 and 1.25 s.

- **batch** and **time** are dynamic if the file ran with all of these numbers of clips and lengths, else fixed.
- **error** is the largest difference from Keras, as a fraction of the range of the output.
- **size** is in kB.
- **latency** is in milliseconds for one clip of one second. LiteRT, onnxruntime and OpenVINO use one thread.
  TensorFlow, PyTorch and JAX use their default number of threads.

{table(["", "n_fft", "batch", "time", "error", "size", "latency"], rows)}

`openvino` converts the ONNX file of the same backend. `executorch` contains the mel spectrogram alone, for one clip at
a time. If a backend does not write a format, `kapre.export` uses another installed backend.

## Direct DFT and DFT in two stages

The table compares both methods for a mel front end alone, with a hop of a quarter of n_fft and 40 bands, written by
TensorFlow. The numbers are the time in milliseconds for one clip of one second on one thread, and the size of
the ONNX file in kB.
Exported files use the direct DFT up to 512 points.

{table(["", *RUNTIMES.values(), "size"], lines)}

## On a microcontroller

The table shows one step of a stream of mel bands (16 kHz, 40 bands, float32, `largest_direct` 512 and 0). The
interpreter of LiteRT for Microcontrollers runs it on this machine, with its reference kernels.

- **file** is the size of the file in kB. The file is stored in flash memory.
- **memory** is the memory of the interpreter in kB.
- **step** is the time for one step in milliseconds.
- **error** is the largest difference from Keras over one second, as a fraction of the range.

{table(["", "file", "memory", "step", "error"], micro)}
"""


def machine() -> str:
    """Return the processor's name and instructions in words."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    name = next((line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")), "")
    wide = "AVX-512" if "avx512f" in text else "AVX2" if "avx2" in text else ""
    return " ".join(filter(None, [name or platform.machine(), f"with {wide}" if wide else ""]))


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--one", choices=BACKENDS, help=argparse.SUPPRESS)
    parser.add_argument("--reduced", action="store_true", help="512 points alone, and no crossover")
    parser.add_argument("--output", type=Path, default=FOLDER, help="the folder that the tables are written to")
    asked = parser.parse_args()
    if asked.reduced and not asked.one and asked.output.resolve() == FOLDER:
        parser.error("--reduced needs an --output of its own: the page shows the whole matrix")
    if asked.one:
        for row in exported(asked.one, asked.reduced):
            print(json.dumps(row), flush=True)
        for more in (by_points, on_microcontrollers) if asked.one == "tensorflow" and not asked.reduced else ():
            for row in more():
                print(json.dumps(row), flush=True)
        return 0
    results = asked.output / "matrix.json"
    here = {"machine": machine(), "versions": versions()}
    old = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {}
    same = all(old.get(key) == value for key, value in here.items())  # else nothing of it is to be compared
    rows = [row for row in old["rows"] if row.get("backend", "tensorflow") not in asked.backends] if same else []
    for backend in asked.backends:
        new = measured(backend, asked.reduced)
        rows += new
        print(f"{backend}: {len(new)} files, {sum('error' in row for row in new)} failed", flush=True)
    found = {**here, "rows": rows}
    asked.output.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (asked.output / "matrix.md").write_text(page(found), encoding="utf-8")
    print(f"The table is in {asked.output / 'matrix.md'}.")
    return int(any("error" in row for row in rows))


if __name__ == "__main__":
    sys.exit(main())
