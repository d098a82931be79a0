"""Check numbers on an accelerator against float64 on the processor, on the backend of the process.

`python -m benchmarks.gpu_checks PART FOLDER` writes `FOLDER/BACKEND-PART.json` after each check; tools/gpu.py runs all
parts. `reference` is what the others are compared with: PyTorch in float64, without an accelerator.
"""

from __future__ import annotations

import argparse
import gc
import json
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

import kapre
from benchmarks.gpu_cases import (
    BACKEND,
    cases,
    clip_of,
    error_of,
    given,
    gradient,
    policy,
    reference,
    tensor,
    to_numpy,
    unit_of,
    waited_for,
    wave,
)
from kapre import frontends

LN = 2e-3
"""How far features may be from those of float64, in natural-log units."""
OF_PEAK = 3e-6
"""The same of what is linear, as a fraction of the peak."""
# Where the magnitude is small, rounding turns the phase by any angle.
PHASES = ("magnitude and phase", "chain that is not fused")
RAGGED = ("kaldi_fbank", "icefall", "nemo", "clap_fused", "wav2vec2", "torchaudio_mfcc", "paraformer", "whisper")
STREAMED = ("kaldi_fbank", "icefall", "voxtral_realtime", "silero_vad")
ONE = "torchaudio_mel"


def compiled(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function, compiled by JAX: one program for a shape in place of many."""
    if BACKEND != "jax":
        return fn
    import jax

    return jax.jit(fn)


class Checks:
    """What was checked, in a file that is written after each check."""

    def __init__(self, path: Path) -> None:
        self.path, self.found = path, []

    def run(self, name: str, fn: Callable[[], float | None], bound: float | None = None) -> None:
        """Run a check: a number at most the bound passes, and so does None; an exception does not."""
        started = time.perf_counter()
        entry: dict[str, Any] = {"name": name, "bound": bound}
        try:
            worst = fn()
            entry |= {"worst": worst, "passed": worst is None or bound is None or worst <= bound}
        except Exception as error:
            entry |= {"passed": False, "error": f"{error!r}"[:600], "where": traceback.format_exc()[-1500:]}
        entry["seconds"] = round(time.perf_counter() - started, 2)
        self.found.append(entry)
        self.path.write_text(json.dumps(self.found, indent=1), encoding="utf-8")


def real_part(y: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return the reference, real where ours is."""
    return expected if np.iscomplexobj(y) else expected.real


def check_cases(part: str, checks: Checks, folder: Path, few: bool, share: tuple[int, int]) -> None:
    """Compare every case of a part, or every so manyth, with the reference."""
    expected = waited_for(folder / "reference.npz")
    for index, (name, make, x, unit) in enumerate(cases(part, few)):
        if index % share[1] != share[0]:
            continue

        def check(name: str = name, make: Any = make, x: np.ndarray = x, unit: float | None = unit) -> float:
            y = to_numpy(compiled(make())(given(x, "float32")))
            right = real_part(y, expected[f"{part} {name}"])
            if name.startswith(PHASES):
                return float(np.quantile(np.abs(np.exp(1j * y) - np.exp(1j * right)), 0.9))
            return error_of(y, right, unit)

        bound = LN if unit is not None else 1e-3 if name.startswith(PHASES) else OF_PEAK
        if "decibel" in name.lower() or name in ("MagnitudeToDecibel",) or "helper" in name:
            bound = 1e-5  # of a range of decibels
        checks.run(f"{part}: {name}", check, bound)


def check_gradient(folder: Path) -> float:
    """Compare the gradient with that of float64."""
    return error_of(gradient("float32"), waited_for(folder / "reference.npz")["gradient"].real, None)


def half(name: str) -> float:
    """Return how far a layer in mixed precision is from float32, relative to the values."""
    recipe = frontends.preset(ONE).recipe
    x = tensor(clip_of(recipe))
    plain = to_numpy(kapre.Frontend(recipe)(x))
    y = kapre.Frontend(recipe, dtype=name)(x)
    assert name.removeprefix("mixed_") in str(y.dtype), y.dtype
    return float((np.abs(to_numpy(y) - plain) / np.maximum(np.abs(plain), 1e-3 * np.abs(plain).max())).max())


def tf32(name: str, folder: Path) -> float:
    """Return a preset's error where the program asks for products in TF32."""
    recipe = frontends.preset(name).recipe
    x, expected = clip_of(recipe), waited_for(folder / "reference.npz")[f"presets {name}"].real
    layer = kapre.Frontend(recipe)
    if BACKEND == "jax":
        import jax

        with jax.default_matmul_precision("tensorfloat32"):
            y = to_numpy(jax.jit(layer)(tensor(x)))
    else:
        import torch

        torch.set_float32_matmul_precision("high")
        try:
            y = to_numpy(layer(tensor(x)))
        finally:
            torch.set_float32_matmul_precision("highest")
    return error_of(y, expected, unit_of(recipe))


def ragged(name: str) -> float:
    """Return how far the items of a ragged batch are from each alone."""
    recipe = frontends.preset(name).recipe
    x = np.concatenate([clip_of(recipe), clip_of(recipe)[::-1]])
    lengths = np.array([x.shape[1], x.shape[1] // 2, x.shape[1] // 3 + 1, x.shape[1] - 1], "int32")
    layer = kapre.Frontend(recipe)
    whole = to_numpy(layer(tensor(x), lengths=lengths))
    worst = 0.0
    for y, samples, length in zip(whole, x, lengths, strict=True):
        alone = to_numpy(layer(tensor(samples[None, :length])))[0]
        y = y[tuple(slice(0, size) for size in alone.shape)]
        worst = max(worst, error_of(y, alone, unit_of(recipe)))
    return worst


def streamed(name: str, chunk: int | None) -> float:
    """Return how far a stream, of any chunks or of fixed ones, is from the whole clip."""
    recipe = frontends.preset(name).recipe
    for changes in frontends.whole_clip_stages(recipe).values():
        recipe = recipe.replace(**changes[0])
    chunk = None if chunk is None else chunk * recipe.hop_length * recipe.stack_hop
    layer = kapre.Frontend(recipe)
    x = clip_of(recipe).astype("float32")
    x = x[:, : x.shape[1] // 4]
    stream = layer.stream() if chunk is None else layer.stream(chunk_samples=chunk)
    state = stream.initial_state(2)
    sizes = (700, 160, 1333, 5) if chunk is None else (chunk,)
    x = x[:, : x.shape[1] // sizes[0] * sizes[0]] if chunk else x
    parts, start, turn = [], 0, 0
    while start < x.shape[1]:
        size = sizes[turn % len(sizes)]
        y, state = stream.step(tensor(x[:, start : start + size]), state)
        parts.append(to_numpy(y))
        start, turn = start + size, turn + 1
    axis = recipe.time_axis(parts[0].ndim)
    y = np.concatenate(parts, axis)
    if chunk is not None:
        y = np.delete(y, np.arange(min(stream.warmup, y.shape[axis])), axis)
    y = np.concatenate([y, to_numpy(stream.flush(state))], axis)
    return error_of(y, to_numpy(layer(tensor(x))), unit_of(recipe))


def trained(name: str) -> float | None:
    """Train a model whose filter bank learns for some steps; fail if it does not learn or is not finite."""
    keras.utils.set_random_seed(0)
    recipe = frontends.preset("kaldi_fbank").recipe
    with policy(name):
        layers = [kapre.Frontend(recipe, trainable_filterbank=True), keras.layers.GlobalAveragePooling1D()]
        model = keras.Sequential([keras.Input((8000,)), *layers, keras.layers.Dense(2, dtype="float32")])
    model.compile(keras.optimizers.Adam(0.02), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = np.concatenate([wave(8, 8000, 16000.0), 0.05 * wave(8, 8001, 16000.0)[:, :8000]]).astype("float32")
    labels = np.repeat([0, 1], 8)
    start = [np.array(weight) for weight in layers[0].get_weights()]
    losses = model.fit(x, labels, batch_size=16, epochs=12, verbose=0).history["loss"]
    moved = [np.abs(a - b).max() for a, b in zip(start, layers[0].get_weights(), strict=True)]
    assert np.isfinite(losses).all(), losses
    assert losses[-1] < losses[0], losses
    assert max(moved) > 1e-3, moved
    assert np.isfinite(moved).all(), moved
    return None


def from_threads() -> float:
    """Return how far the first calls of four threads at once are from a later one."""
    recipe = frontends.preset("whisper").recipe.replace(fixed_samples=32000)
    layer, x = kapre.Frontend(recipe), tensor(clip_of(recipe))
    found: list[Any] = [None] * 4
    gate = threading.Barrier(4)

    def work(index: int) -> None:
        gate.wait()
        found[index] = to_numpy(layer(x))

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    later = to_numpy(layer(x))
    return max(error_of(y, later, unit_of(recipe)) for y in found)


def allocated() -> int:
    """Return the bytes that tensors take on the device."""
    gc.collect()
    if BACKEND == "jax":
        import jax

        return sum(x.nbytes for x in jax.live_arrays())
    import torch

    return torch.cuda.memory_allocated()


def freed() -> float:
    """Return the bytes that a layer leaves behind, as a fraction of what its features took."""

    def use() -> int:
        layer = kapre.Frontend(frontends.preset("whisper").recipe)
        y = layer(tensor(wave(8, 160000, 16000.0)))
        return int(np.prod(y.shape)) * 4

    use()  # constants that the recipe of a preset keeps
    before = allocated()
    took = use()
    return (allocated() - before) / took


def on_two_devices(kind: str) -> float | None:
    """Call a layer with a tensor of the processor beside the accelerator: either it works or it says what to do."""
    import torch

    recipe = frontends.preset("kaldi_fbank").recipe
    x = clip_of(recipe).astype("float32")
    if kind == "weights":
        layer = kapre.Frontend(recipe, trainable_filterbank=True)
        layer(tensor(x))
        refused = ""
        try:
            layer(torch.from_numpy(x))
        except ValueError as error:
            refused = str(error)
        assert "device" in refused, refused or "no error"
        return None
    layer = kapre.Frontend(recipe)
    lengths = torch.tensor([x.shape[1], 9000])
    if kind == "lengths":
        y = layer(tensor(x), lengths=lengths)
    else:
        y = layer(torch.from_numpy(x), lengths=lengths)
        assert y.device.type == "cpu", y.device
    return error_of(to_numpy(y), to_numpy(layer(tensor(x), lengths=lengths.to(tensor(x).device))), unit_of(recipe))


def autocast(kind: str) -> float:
    """Return how far features under `torch.autocast` are from those without."""
    import torch

    recipe = frontends.preset("kaldi_mfcc").recipe
    layer, x = kapre.Frontend(recipe), tensor(clip_of(recipe))
    plain = to_numpy(layer(x))
    with torch.autocast(x.device.type, dtype=getattr(torch, kind)):
        return error_of(to_numpy(layer(x)), plain, unit_of(recipe))


def torch_compiled(name: str) -> float:
    """Return how far `torch.compile` of a layer is from the layer."""
    import torch

    recipe = frontends.preset(name).recipe
    layer, x = kapre.Frontend(recipe), tensor(clip_of(recipe))
    backend = "inductor" if torch.cuda.is_available() else "aot_eager"
    return error_of(to_numpy(torch.compile(layer, backend=backend)(x)), to_numpy(layer(x)), unit_of(recipe))


def captured(name: str) -> float:
    """Return how far a replayed CUDA graph of a layer is from the layer."""
    import torch

    recipe = frontends.preset(name).recipe
    layer = kapre.Frontend(recipe)
    x = tensor(clip_of(recipe))
    held = torch.zeros_like(x)
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside), torch.no_grad():
        for _ in range(2):
            layer(held)
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.no_grad(), torch.cuda.graph(graph):
        y = layer(held)
    held.copy_(x)
    graph.replay()
    torch.cuda.synchronize()
    return error_of(to_numpy(y), to_numpy(layer(x)), unit_of(recipe))


def smoke(checks: Checks) -> None:
    """Say which device there is, and compute one log-mel."""
    from benchmarks import layers
    from benchmarks.shapes import OURS, SHAPES, features, signal

    shape = SHAPES["t"]
    x = signal(shape)
    checks.found.append({"name": "machine", "passed": True, **machine()})

    def one() -> float:
        y = to_numpy(kapre.Frontend(layers.recipe(shape))(tensor(x)))[0]
        expected = features("logmel", shape, x[0], OURS, np.arange(shape.frames))
        return error_of(10 ** (y / 10), 10 ** (expected / 10), None)

    checks.run("one log-mel", one, 1e-5)


def machine() -> dict[str, str]:
    """Return the device and the versions."""
    found = {"keras": keras.__version__, "numpy": np.__version__}
    if BACKEND == "jax":
        import jax

        return {**found, "device": str(jax.devices()[0].device_kind), "jax": jax.__version__}
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    return {**found, "device": device, "torch": torch.__version__}


def check_the_rest(checks: Checks, folder: Path, few: bool) -> None:
    """Check what is neither a preset's nor a layer's plain call."""
    for name in RAGGED[: 2 if few else None]:
        checks.run(f"ragged batch: {name}", lambda name=name: ragged(name), LN)
    for name in STREAMED[: 1 if few else None]:
        checks.run(f"stream of any chunks: {name}", lambda name=name: streamed(name, None), LN)
        checks.run(f"stream of fixed chunks: {name}", lambda name=name: streamed(name, 2), LN)
    checks.run("mixed_float16", lambda: half("mixed_float16"), 2e-3)
    checks.run("mixed_bfloat16", lambda: half("mixed_bfloat16"), 1e-2)
    for name in ("kaldi_mfcc", "kaldi_fbank", "librosa_mel", "whisper", ONE)[: 1 if few else None]:
        checks.run(f"TF32 asked for: {name}", lambda name=name: tf32(name, folder), LN)
    checks.run("gradient by the samples", lambda: check_gradient(folder), 1e-3)
    for name in ("float32", "mixed_float16", "mixed_bfloat16"):
        checks.run(f"training, {name}", lambda name=name: trained(name))
    checks.run("first calls of four threads", from_threads, 1e-4)
    if BACKEND == "torch":
        for kind in ("float16", "bfloat16"):
            checks.run(f"torch.autocast, {kind}", lambda kind=kind: autocast(kind), LN)
    if BACKEND == "jax" or machine()["device"] != "cpu":  # PyTorch counts no memory of the processor
        checks.run("memory that is left, of the features'", freed, 0.1)
    if BACKEND == "torch" and machine()["device"] != "cpu":
        for kind in ("weights", "lengths", "clips"):
            checks.run(f"tensors on two devices: {kind}", lambda kind=kind: on_two_devices(kind), LN)
        for name in kapre.list_presets()[:: 12 if few else 1]:
            checks.run(f"CUDA graph: {name}", lambda name=name: captured(name), LN)


def main() -> None:
    """Run the part that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("smoke", "reference", "presets", "layers", "rest", "compile"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", default="0/1", help="which of how many shares of the cases")
    parser.add_argument("--few", action="store_true", help="some of the cases")
    arguments = parser.parse_args()
    if arguments.part == "reference":
        reference(arguments.folder, arguments.few)
        return
    share = tuple(map(int, arguments.share.split("/")))
    name = f"{BACKEND}-{arguments.part}" + (f"-{share[0]}" if share[1] > 1 else "")
    checks = Checks(arguments.folder / f"{name}.json")
    if arguments.part == "smoke":
        smoke(checks)
    elif arguments.part == "rest":
        check_the_rest(checks, arguments.folder, arguments.few)
    elif arguments.part == "compile":
        for preset in ("kaldi_fbank", "whisper"):
            checks.run(f"torch.compile: {preset}", lambda name=preset: torch_compiled(name), LN)
    else:
        check_cases(arguments.part, checks, arguments.folder, arguments.few, (share[0], share[1]))


if __name__ == "__main__":
    main()
