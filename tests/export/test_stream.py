"""A stream's step as a file: chunk by chunk from a state of zeros, it gives the whole clip's features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kapre
from kapre.deploy import read_metadata
from tests.conftest import mostly_on, to_numpy
from tests.export.models import ON_EDGE, clip

RUNNING = kapre.Recipe(
    sample_rate=16000.0, n_fft=512, win_length=400, hop_length=160, power=2.0, filterbank="mel", n_mels=40, log="ln",
    amin=1e-6, amin_by="add", normalize="mean_std", normalize_over="running", preemphasis=0.97, center=True,
    pad_mode="reflect", stack=3, stack_hop=2, stack_edges="zeros",
)  # fmt: skip
PCEN = kapre.Recipe(
    sample_rate=16000.0, n_fft=512, hop_length=160, power=2.0, filterbank="mel", n_mels=40, center=True, pcen=True,
    pcen_start="first",
)  # fmt: skip
RECIPES = {
    "PCEN": (PCEN, 1600),
    "kaldi_fbank": (kapre.frontends.preset("kaldi_fbank").recipe, 1600),
    "voxtral_realtime": (kapre.frontends.preset("voxtral_realtime").recipe, 1280),
    "running statistics and stacks": (RUNNING, 1600),
}


def stepper(path: Path) -> Any:
    """Return what a user writes: a function of arrays by name."""
    if path.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return lambda arrays: dict(zip(names, session.run(None, arrays), strict=True))
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(str(path)).get_signature_runner()
    return lambda arrays: runner(**arrays)


@pytest.mark.parametrize("suffix", ON_EDGE)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("kaldi_fbank", marks=mostly_on("tensorflow", "torch")),
        pytest.param("PCEN", marks=mostly_on("tensorflow")),
        pytest.param("voxtral_realtime", marks=mostly_on("tensorflow")),
        pytest.param("running statistics and stacks", marks=mostly_on("tensorflow")),
    ],
)
def test_chunk_by_chunk(name: str, suffix: str, tmp_path: Path) -> None:
    recipe, chunk = RECIPES[name]
    frontend = kapre.Frontend(recipe)
    stream = frontend.stream(chunk_samples=chunk)
    report = kapre.export(stream, tmp_path / f"step{suffix}", batch_size=2)
    assert report.inputs["samples"] == (2, chunk)
    found = read_metadata(report.path)
    assert found is not None
    assert found["stream"] == {
        "chunk_samples": chunk,
        "frames_per_chunk": stream.frames_per_chunk,
        "warmup": stream.warmup,
        "latency_samples": stream.latency_samples,
    }
    step = stepper(Path(report.path))
    x = np.stack([clip(1, 12 * chunk, seed)[0] for seed in (1, 2)])
    state = {
        key: np.zeros(shape, "int32" if key.endswith("seen") else "float32")  # type: ignore[arg-type]
        for key, shape in report.inputs.items()
        if key != "samples"
    }
    parts = []
    for start in range(0, x.shape[1], chunk):
        given = step({"samples": x[:, start : start + chunk], **state})
        parts.append(given.pop("features"))
        state = {key.replace("next_", "state_", 1): value for key, value in given.items()}
    axis = recipe.time_axis(3)
    got = np.moveaxis(np.concatenate(parts, axis=axis), axis, 1)[:, stream.warmup :]
    right = np.moveaxis(to_numpy(frontend(x)), axis, 1)[:, : got.shape[1]]
    assert got.shape[1] >= 10 * chunk // recipe.entry_hop - stream.warmup
    assert got.shape == right.shape
    assert np.abs(got - right).max() <= 1e-3 * np.ptp(right)
    assert np.mean(np.abs(got - right) > 1e-4 * np.ptp(right)) <= 1e-3


def test_free_chunks_are_refused(tmp_path: Path) -> None:
    stream = kapre.Frontend.from_preset("kaldi_fbank").stream()
    with pytest.raises(ValueError, match=r"must be a stream of fixed chunks.*Give frontend.stream a chunk_samples"):
        kapre.export(stream, tmp_path / "step.onnx")
