"""Time front ends on an accelerator beside what else a user could pick, on the backend of the process.

`python -m benchmarks.gpu_times PART FOLDER` writes `FOLDER/BACKEND-PART.json` after each row; tools/gpu.py runs all.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import importlib.util
import json
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

import kapre
from benchmarks import layers
from benchmarks.candidate import NO_ROOT, Way
from benchmarks.shapes import SHAPES, Shape, features, signal
from benchmarks.timing import interleaved
from kapre.ops.kernels import active as kernel

BACKEND = keras.backend.backend()
TRAINING = Shape("train", "training, 256 × 4 s", 256, 64000, 16000, 512, 400, 160, 80)
WHISPER = Shape("w", "Whisper, 16 × 30 s", 16, 480000, 16000, 400, 400, 160, 80)
DIRECTIONS = ("forward", "forward and backward")
Function = Callable[[Any], Any]


def shapes(few: bool) -> list[Shape]:
    """Return the shapes that are timed."""
    return [SHAPES["t"]] if few else [SHAPES["a"], SHAPES["b"], SHAPES["e"], TRAINING]


def on_gpu() -> bool:
    """Tell whether there is an accelerator."""
    if BACKEND == "torch":
        import torch

        return torch.cuda.is_available()
    import jax

    return jax.default_backend() != "cpu"


def wait() -> None:
    """Wait for the device."""
    if BACKEND == "torch" and on_gpu():
        import torch

        torch.cuda.synchronize()


def waiting(y: Any) -> None:
    """Wait until a result is there."""
    if BACKEND == "jax":
        import jax

        jax.block_until_ready(y)
    else:
        wait()


def timed(calls: dict[str, Callable[[], Any]], budget: float) -> dict[str, float]:
    """Return the median milliseconds of each call until its result is there, in rounds of random order."""
    to_the_end = {name: lambda call=call: waiting(call()) for name, call in calls.items()}
    return {name: timing.median_ms for name, timing in interleaved(to_the_end, budget).items()}


def peers(kind: str, shape: Shape) -> list[Way]:
    """Return what else the backend has, on its own device."""
    if BACKEND == "jax":
        from benchmarks import candidates_jax

        return candidates_jax.peers(kind, shape)
    from benchmarks import candidates_torch

    device = "cuda" if on_gpu() else "cpu"
    found = candidates_torch.peers(kind, shape, device)
    if importlib.util.find_spec("nnAudio"):
        found.append(candidates_torch.nnaudio(kind, shape, device))
    return found


def candidates(kind: str, shape: Shape) -> dict[str, Way]:
    """Return ours as "kapre", Keras' own layer and the peers of the backend."""
    ways = [*layers.ways(kind, shape), *peers(kind, shape)]
    return {"kapre" if way.ours else way.name: way for way in ways}


def right(kind: str, shape: Shape, way: Way, x: np.ndarray) -> float:
    """Return how far some frames of the first clip are from float64, of the peak."""
    frames = np.arange(4, 12)
    expected = features(kind, shape, x[0], way.framing, frames)
    y = keras.ops.convert_to_numpy(way.features(keras.ops.convert_to_tensor(x[:1])))[0, frames]
    if kind == "logmel":
        y, expected = 10 ** (y / 10), 10 ** (expected / 10)
    return float(np.abs(y - expected).max() / np.abs(expected).max())


def call_of(function: Function, x: Any, direction: str) -> Callable[[], Any]:
    """Return a call with the clips, without gradients or with that of the sum by the samples."""
    if BACKEND == "torch":
        import torch

        if direction == "forward":

            def forward() -> Any:
                with torch.no_grad():
                    return function(x)

            return forward
        leaf = x.clone().requires_grad_()
        return lambda: torch.autograd.grad(function(leaf).sum(), leaf)[0]
    import jax

    one = jax.jit(function if direction == "forward" else jax.grad(lambda x: function(x).sum()))
    return lambda: one(x)


def cost_of(call: Callable[[], Any]) -> dict[str, float]:
    """Return a call's peak memory beyond what was there, and its launches of kernels."""
    if BACKEND != "torch" or not on_gpu():
        return {}
    import torch

    y = call()
    del y
    wait()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    y = call()
    del y
    wait()
    peak = torch.cuda.max_memory_allocated() - before
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        call()
        wait()
    launches = sum(event.device_type == torch.autograd.DeviceType.CUDA for event in profile.events())
    return {"peak_bytes": peak, "launches": launches}


class Rows:
    """What was timed, in a file that is written after each row."""

    def __init__(self, path: Path) -> None:
        self.path, self.rows = path, []

    def add(self, **row: Any) -> None:
        """Keep a row."""
        self.rows.append(row)
        self.path.write_text(json.dumps(self.rows, indent=1), encoding="utf-8")


def bandwidth() -> float:
    """Return the bytes a second that a large copy moves, read and written."""
    if BACKEND == "torch":
        import torch

        x = torch.rand(1 << (28 if on_gpu() else 24), device="cuda" if on_gpu() else "cpu")
        ms = timed({"copy": x.clone}, 0.3)["copy"]
    else:
        import jax

        x = jax.random.uniform(jax.random.key(0), (1 << (28 if on_gpu() else 24),))
        copy = jax.jit(lambda x: x + 1.0)
        ms = timed({"copy": lambda: copy(x)}, 0.3)["copy"]
    return 2 * x.nbytes / (1e-3 * ms)


def compiled_too(found: dict[str, Way]) -> dict[str, Way]:
    """Return ours and the bare transform under `torch.compile`."""
    import torch

    backend = "inductor" if on_gpu() else "aot_eager"
    return {
        f"{name}, torch.compile": dataclasses.replace(
            found[name], function=torch.compile(found[name].function, backend=backend)
        )
        for name in ("kapre", f"torch.stft{NO_ROOT}")
    }


def time_kinds(rows: Rows, few: bool, budget: float) -> None:
    """Time log-mel and magnitudes in every shape, forward, and backward too."""
    copied = bandwidth()
    rows.add(kind="copy", bytes_per_second=copied)
    for shape in shapes(few):
        x = signal(shape)
        on_device = keras.ops.convert_to_tensor(x)
        for kind in ("logmel", "stft_magnitude"):
            found = candidates(kind, shape)
            if BACKEND == "torch" and kind == "logmel" and shape.key in ("train", "t"):
                found |= compiled_too(found)
            for direction in DIRECTIONS:
                if direction != "forward" and shape.key == "e":
                    continue
                row: dict[str, Any] = {"shape": shape.key, "about": shape.about, "kind": kind, "direction": direction}
                calls: dict[str, Callable[[], Any]] = {}
                costs, errors = {}, {}
                for name, way in found.items():
                    try:
                        if direction == "forward" and "compile" not in name and name != "nnAudio":
                            errors[name] = right(kind, shape, way, x)
                        call = call_of(way.function, on_device, direction)
                        y = call()
                        waiting(y)
                        if name == "kapre":
                            output = int(np.prod(y.shape)) * 4
                            row["floor_ms"] = 1e3 * (x.nbytes + output) / copied
                        costs[name] = cost_of(call)
                        calls[name] = call
                        del y
                    except Exception as error:
                        errors[name] = f"{error!r}"[:300]
                row |= {"errors": errors, "costs": costs, "ms": timed(calls, budget * len(calls))}
                rows.add(**row)
                del calls
                gc.collect()


def transformers_whisper(x: np.ndarray) -> Callable[[], np.ndarray]:
    """Return transformers' extractor on clips, on the device."""
    from tests.references._registry import transformers

    extractor, clips = transformers().WhisperFeatureExtractor(), list(x)
    device = "cuda" if on_gpu() else "cpu"
    return lambda: extractor(clips, sampling_rate=16000, device=device, return_tensors="np").input_features


def time_whisper(rows: Rows, few: bool, budget: float) -> None:
    """Time Whisper's front end beside transformers', from samples on the device and from the host."""
    shape = WHISPER.replace(batch=2) if few else WHISPER
    x = signal(shape)
    on_device = keras.ops.convert_to_tensor(x)
    layer = kapre.Frontend.from_preset("whisper")
    for direction in DIRECTIONS:
        calls = {"kapre": call_of(layer, on_device, direction)}
        errors: dict[str, Any] = {}
        if direction == "forward":
            calls["kapre, samples on the host"] = lambda: layer(x)
            if BACKEND == "torch":
                try:
                    theirs = transformers_whisper(x)
                    difference = theirs() - keras.ops.convert_to_numpy(layer(on_device))
                    errors["transformers"] = float(np.abs(difference).max())
                    calls["transformers, samples on the host"] = theirs
                except Exception as error:
                    errors["transformers"] = f"{error!r}"[:300]
        costs = {"kapre": cost_of(calls["kapre"])}
        row = {"shape": shape.key, "about": shape.about, "kind": "whisper", "direction": direction}
        rows.add(**row, errors=errors, costs=costs, ms=timed(calls, budget * len(calls)))


def settings(few: bool) -> Iterator[tuple[str, str, int]]:
    """Yield the names of the kernels' block sizes and what to try for each."""
    name = "_BLOCK_ELSEWHERE" if BACKEND == "torch" else "_OFF_CPU"
    tried = [1 << power for power in (20, 22, 24, 26, 28, 30, 33)] if BACKEND == "torch" else [1, 8, 64, 512, 4096]
    for value in tried[:: 4 if few else 1]:
        yield name, str(value), value


def sweep(rows: Rows, few: bool, budget: float) -> None:
    """Time our log-mel with other sizes of a block."""
    blocks = sys.modules[type(kernel).__module__]
    for shape in shapes(few)[0 if few else 1 :]:
        x = keras.ops.convert_to_tensor(signal(shape))
        recipe = layers.recipe(shape)
        for direction in DIRECTIONS:
            if direction != "forward" and shape.key == "e":
                continue
            for name, label, value in settings(few):
                before = getattr(blocks, name)
                setattr(blocks, name, value)
                try:
                    if BACKEND == "jax":  # what is compiled holds the size
                        import jax

                        jax.clear_caches()
                    call = call_of(kapre.Frontend(recipe), x, direction)
                    ms, cost = timed({"kapre": call}, budget)["kapre"], cost_of(call)
                    rows.add(shape=shape.key, kind="sweep", direction=direction, name=name, value=label, ms=ms, **cost)
                except Exception as error:
                    rows.add(
                        shape=shape.key, kind="sweep", direction=direction, name=name, value=label, error=repr(error)
                    )
                finally:
                    setattr(blocks, name, before)
                    gc.collect()


def main() -> None:
    """Run the part that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("kinds", "whisper", "sweep"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--few", action="store_true", help="one small shape")
    parser.add_argument("--budget", type=float, default=0.4, help="seconds for each candidate of a row")
    arguments = parser.parse_args()
    rows = Rows(arguments.folder / f"{BACKEND}-{arguments.part}.json")
    run = {"kinds": time_kinds, "whisper": time_whisper, "sweep": sweep}[arguments.part]
    try:
        run(rows, arguments.few, arguments.budget)
    except Exception:
        rows.add(kind="broken", where=traceback.format_exc()[-2000:])
        raise


if __name__ == "__main__":
    main()
