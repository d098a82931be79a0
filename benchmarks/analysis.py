"""Time losses, descriptors and inversion beside other libraries, into docs/benchmarks/analysis.json and .md.

    python -m benchmarks.analysis                          # 4 minutes, on a quiet machine
    python -m benchmarks.analysis --runtimes torch --tasks hpss --budget 1

Each backend has a process of its own, with one thread, in which Kapre and the peers take turns on the same batch. What
is not measured anew stays in the files, as long as the machine is the same.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import processes, results
from benchmarks.table import TITLES, number, table

BACKENDS = ("torch", "jax", "tensorflow")
FOLDER = processes.ROOT / "docs" / "benchmarks"
RATE, BATCH, SAMPLES = 22050, 8, 4 * 22050
OURS = "Kapre"
TASKS = {
    "stft_loss": "multi-resolution STFT loss",
    "stft_loss_slope": "the same with its gradient",
    "spectral": "centroid, bandwidth, roll-off, flatness",
    "contrast": "spectral contrast",
    "rms": "RMS and zero crossings",
    "onsets": "onset strength",
    "chroma": "chroma",
    "cqt": "constant-Q transform, 84 bins",
    "yin": "YIN",
    "hpss": "harmonic and percussive part of magnitudes",
    "loudness": "loudness by BS.1770",
    "mdct": "MDCT, 2048 samples",
    "griffin_lim": "Griffin-Lim, 32 steps",
}
HEAD = """# Analysis and losses beside other libraries

Written by `python -m benchmarks.analysis`; not by hand.
{machine}. A batch of {batch} clips of {seconds} s at {rate} Hz, float32, one thread.

{measured}

- Kapre's layers are called eagerly, and compiled ("compiled" is `jax.jit` and `tf.function`; PyTorch is not compiled
  here). The faster of both counts.
- librosa and pyloudnorm take one clip after another, but for `librosa.cqt`, which is faster with the batch. auraloss,
  nnAudio and torchaudio take the batch. All have the arguments that give the same numbers, as the tests hold, but for
  the constant-Q transform, of which librosa's and nnAudio's differ by 1 to 2 % of the peak.
"""


def peers() -> dict[str, dict[str, Callable[[Any], Any]]]:
    """Return the candidates of each task: functions of samples `(batch, time)`, NumPy or tensors of the backend."""
    import keras
    import librosa
    import numpy as np
    import pyloudnorm

    import kapre

    feature, backend = librosa.feature, keras.backend.backend()
    meter = pyloudnorm.Meter(RATE)

    def clip_by_clip(function: Callable[..., Any], **given: Any) -> Callable[[Any], Any]:
        return lambda x: [function(y=clip, **given) for clip in x]

    names = ("spectral_centroid", "spectral_bandwidth", "spectral_rolloff")

    def four(x: Any) -> list[Any]:
        spectra = [np.abs(librosa.stft(clip)) for clip in x]
        ratios = [feature.spectral_flatness(S=s) for s in spectra]
        return ratios + [getattr(feature, name)(S=s, sr=RATE) for name in names for s in spectra]

    of_four = kapre.SpectralDescriptors(RATE, ("centroid", "bandwidth", "rolloff", "flatness"))
    of_samples = [kapre.RMS(), kapre.ZeroCrossingRate()]
    magnitudes = kapre.Spectrogram(power=1.0, scale="linear")
    parts = [kapre.HPSS("harmonic"), kapre.HPSS("percussive")]
    loss = kapre.losses.MultiResolutionSTFTLoss()
    inverse = kapre.GriffinLim(2048, hop_length=512)
    tasks: dict[str, dict[str, Callable[[Any], Any]]] = {
        "stft_loss": {OURS: lambda x: loss(x, 0.5 * x)},
        "spectral": {OURS: of_four, "librosa": four},
        "contrast": {
            OURS: kapre.SpectralContrast(RATE),
            "librosa": clip_by_clip(feature.spectral_contrast, sr=RATE),
        },
        "rms": {
            OURS: lambda x: [layer(x) for layer in of_samples],
            "librosa": lambda x: [f(y=clip) for clip in x for f in (feature.rms, feature.zero_crossing_rate)],
        },
        "onsets": {OURS: kapre.OnsetStrength(RATE), "librosa": clip_by_clip(librosa.onset.onset_strength, sr=RATE)},
        "chroma": {OURS: kapre.Chroma(RATE), "librosa": clip_by_clip(feature.chroma_stft, sr=RATE, tuning=0.0)},
        "cqt": {OURS: kapre.CQT(RATE), "librosa": lambda x: np.abs(librosa.cqt(x, sr=RATE))},
        "yin": {OURS: kapre.YIN(RATE), "librosa": clip_by_clip(librosa.yin, fmin=65.0, fmax=2093.0, sr=RATE)},
        "hpss": {
            OURS: lambda x: [part(magnitudes(x)) for part in parts],
            "librosa": lambda x: [librosa.decompose.hpss(np.abs(librosa.stft(clip))) for clip in x],
        },
        "loudness": {
            OURS: kapre.Loudness(RATE),
            "pyloudnorm": lambda x: [meter.integrated_loudness(clip) for clip in x],
        },
        "mdct": {OURS: kapre.MDCT(2048, center=False)},
        "griffin_lim": {
            OURS: lambda x: inverse(magnitudes(x)[..., None]),
            "librosa": lambda x: [librosa.griffinlim(np.abs(librosa.stft(clip)), init=None) for clip in x],
        },
    }
    if backend == "torch":
        import auraloss
        import nnAudio.features
        import torch

        from tests.references._registry import torchaudio

        theirs = auraloss.freq.MultiResolutionSTFTLoss()
        restored = torchaudio().transforms.GriffinLim(2048, hop_length=512, power=1.0, rand_init=False)

        def slope(compare: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
            def run(x: Any) -> Any:
                y = (0.5 * x).requires_grad_()
                compare(x, y).backward()
                return y.grad

            return run

        direct, lowered = nnAudio.features.CQT1992v2, nnAudio.features.CQT2010v2
        for label, kind in (("nnAudio-1992", direct), ("nnAudio-2010", lowered)):
            made = kind(sr=RATE, hop_length=512, fmin=32.703, n_bins=84, verbose=False)
            tasks["cqt"][label] = lambda x, made=made: made(x)
        tasks["stft_loss"]["auraloss"] = lambda x: theirs(0.5 * x[:, None], x[:, None])
        both = {OURS: slope(loss), "auraloss": slope(lambda x, y: theirs(y[:, None], x[:, None]))}
        tasks["stft_loss_slope"] = both
        window = torch.hann_window(2048)
        tasks["griffin_lim"]["torchaudio"] = lambda x: restored(
            torch.stft(x, 2048, 512, window=window, pad_mode="constant", return_complex=True).abs()
        )
    if backend == "tensorflow":
        import tensorflow as tf

        tasks["mdct"]["tf.signal"] = lambda x: tf.signal.mdct(x, 2048)
    return tasks


def work(names: Sequence[str], budget: float, size: tuple[int, int]) -> list[dict[str, Any]]:
    """Time the tasks on the backend of this process; return a row for each candidate."""
    import keras
    import numpy as np

    from benchmarks.timing import interleaved

    x = np.random.default_rng(0).uniform(-0.5, 0.5, size).astype("float32")
    tensor = keras.ops.convert_to_tensor(x)
    compiled: Callable[[Any], Any] | None = None
    if keras.backend.backend() == "jax":
        import jax

        compiled = jax.jit
    elif keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        compiled = tf.function

    def done(y: Any) -> Any:
        """Wait for a result: JAX returns before it is there."""
        return [part.block_until_ready() for part in y] if isinstance(y, list) else y.block_until_ready()

    rows = []
    for name, candidates in peers().items():
        if name not in names:
            continue
        calls: dict[str, Callable[[], Any]] = {}
        for label, function in candidates.items():
            on_host = label in ("librosa", "pyloudnorm")
            given = x if on_host else tensor
            modes = (
                {"": function} if on_host or compiled is None else {" eager": function, " compiled": compiled(function)}
            )
            for mode, call in modes.items():
                if keras.backend.backend() == "jax" and not on_host:
                    calls[label + mode] = lambda call=call, given=given: done(call(given))
                else:
                    calls[label + mode] = lambda call=call, given=given: call(given)
        for label, timing in interleaved(calls, budget).items():
            rows.append({"task": name, "name": label.split()[0], "label": label, "median_ms": timing.median_ms})
    return rows


def measured(runtime: str, asked: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the rows of a backend, from a process of its own."""
    words = [sys.executable, "-m", "benchmarks.analysis", "--worker", "--budget", str(asked.budget)]
    words += ["--size", *map(str, asked.size), "--tasks", *asked.tasks]
    env = processes.environment(runtime, "1")
    found = subprocess.run(words, cwd=processes.ROOT, env=env, capture_output=True, text=True, check=False)
    if found.returncode:
        raise SystemExit(f"{runtime}: {found.stderr[-2000:]}")
    rows: list[dict[str, Any]] = json.loads(found.stdout.splitlines()[-1])
    return rows


def best(rows: Sequence[dict[str, Any]], ours: bool) -> float | None:
    """Return the smallest median of Kapre, or of the peers."""
    return min((row["median_ms"] for row in rows if (row["name"] == OURS) == ours), default=None)


def page(facts: dict[str, Any]) -> str:
    """Return the page."""
    about = facts["machine"]
    lines = [
        f"{TITLES[runtime]} was measured on {of['date']} at {of['kapre']} ({', '.join(of['versions'])}; "
        f"{of['budget_s']:g} s for each task)."
        for runtime, of in facts["runtimes"].items()
    ]
    machine = f"{about['cpu']}, {about['cores']} cores, {about['system']}, Python {about['python']}"
    measured = "\n".join(lines)
    head = HEAD.format(machine=machine, batch=BATCH, seconds=SAMPLES // RATE, rate=RATE, measured=measured)
    runtimes = [runtime for runtime in BACKENDS if runtime in facts["runtimes"]]
    ratios, times = [], []
    for task, words in TASKS.items():
        line = [words]
        for runtime in runtimes:
            rows = [row for row in facts["rows"] if (row["runtime"], row["task"]) == (runtime, task)]
            mine, theirs = best(rows, True), best(rows, False)
            line.append(f"{theirs / mine:.2f}" if mine and theirs else "–")
            times += [[f"{words}, {TITLES[runtime]}, {row['label']}", number(row["median_ms"])] for row in rows]
        ratios.append(line)
    parts = [head.strip(), "## Times as fast as the fastest peer", table(["", *(TITLES[r] for r in runtimes)], ratios)]
    parts += ["## Medians", "In milliseconds for the batch.", table(["", "ms"], times)]
    return "\n\n".join(parts) + "\n"


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.analysis", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--runtimes", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--budget", type=float, default=5.0, help="seconds for each task")
    parser.add_argument("--size", nargs=2, type=int, default=(BATCH, SAMPLES), help="clips and samples, for tests")
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(words)
    if asked.worker:
        print(json.dumps(work(asked.tasks, asked.budget, tuple(asked.size))))
        return 0
    asked.out.mkdir(parents=True, exist_ok=True)
    path = asked.out / "analysis.json"
    facts = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if facts.get("machine") != results.machine():
        facts = {"machine": results.machine(), "runtimes": {}, "rows": []}
    for runtime in asked.runtimes:
        rows = [{"runtime": runtime, **row} for row in measured(runtime, asked)]
        new = {(row["runtime"], row["task"]) for row in rows}
        facts["rows"] = [row for row in facts["rows"] if (row["runtime"], row["task"]) not in new] + rows
        packages = ("torch", "jax", "tensorflow-cpu", "keras", "librosa", "auraloss", "torchaudio", "pyloudnorm")
        others = {"torch": ("jax", "tensorflow-cpu"), "jax": ("torch", "tensorflow-cpu", "auraloss", "torchaudio")}
        left_out = others.get(runtime, ("torch", "jax", "auraloss", "torchaudio"))
        versions = [f"{name} {importlib.metadata.version(name)}" for name in packages if name not in left_out]
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        about = {"date": today, "kapre": results.commit(), "versions": versions, "budget_s": asked.budget}
        facts["runtimes"][runtime] = about
        for row in rows:
            print(runtime, row["task"], row["label"], f"{row['median_ms']:.1f} ms", flush=True)
    path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    (asked.out / "analysis.md").write_text(page(facts), encoding="utf-8")
    print(f"The page is {asked.out / 'analysis.md'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
