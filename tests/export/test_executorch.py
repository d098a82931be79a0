"""ExecuTorch: a front end alone, a clip at a time, up to a length that memory is planned for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import kapre
from kapre.deploy import ExportError, read_metadata
from tests.conftest import to_numpy
from tests.export.models import clip, network

RUN = """
import sys
import numpy as np, torch
from executorch.runtime import Runtime
method = Runtime.get().load_program(sys.argv[1]).load_method("forward")
for i, x in enumerate(np.load(sys.argv[2]).values()):
    np.save(f"{sys.argv[2]}.{i}.npy", method.execute([torch.from_numpy(x)])[0].numpy())
"""


def run(path: Path, clips: list[np.ndarray]) -> list[np.ndarray]:
    """Run a file as a user does, in a process of its own: a kernel that fails ends it."""
    np.savez(path.with_suffix(".npz"), *clips)
    command = [sys.executable, "-c", RUN, str(path), str(path.with_suffix(".npz"))]
    subprocess.run(command, check=True, capture_output=True)
    return [np.load(f"{path.with_suffix('.npz')}.{i}.npy") for i in range(len(clips))]


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["whisper", "clap_unfused"])
def test_presets_of_any_length(name: str, tmp_path: Path) -> None:
    """Of two seconds where the presets take ten and more: its kernels for all but matrices are slow."""
    rate = round(kapre.frontends.preset(name).recipe.sample_rate or 0)
    frontend = kapre.Frontend.from_preset(name, fixed_samples=2 * rate)
    report = kapre.export(frontend, tmp_path / f"{name}.pte")
    assert report.inputs == {"samples": (1, None)}
    assert report.max_error is not None
    assert report.max_error <= 5e-4
    least = frontend.recipe.least_samples()
    clips = [clip(1, samples) for samples in (least, least + 1, rate, rate + 163, 3 * rate + 5)]
    check(frontend, tmp_path / f"{name}.pte", clips)


def check(frontend: kapre.Frontend, path: Path, clips: list[np.ndarray]) -> None:
    for x, got in zip(clips, run(path, clips), strict=True):
        right = to_numpy(frontend(x))
        assert got.shape == right.shape
        assert np.quantile(np.abs(got - right), 0.999) <= 1e-4 * np.ptp(right)


@pytest.mark.thorough
def test_a_chain_of_a_fixed_length(tmp_path: Path) -> None:
    """Of a long DFT; a helper of a short one is in test_formats.py, in the reduced matrix."""
    model = keras.Sequential([keras.Input((9000, 1)), *network(2048, chain=True).layers[:4]])
    with pytest.raises(ValueError, match="`max_samples` must be None where the length is fixed"):
        kapre.export(model, tmp_path / "mel.pte", max_samples=40000)
    report = kapre.export(model, tmp_path / "mel.pte")
    assert report.inputs == {"samples": (1, 9000, 1)}
    assert "two stages of 32 and 64" in report.rewritten[0]
    x = clip(1, 9000)[..., None]
    right = to_numpy(model(x))
    assert np.abs(run(tmp_path / "mel.pte", [x])[0] - right).max() <= 1e-4 * np.ptp(right)


@pytest.mark.thorough  # `make test-packages` exports a preset to ExecuTorch, and thus runs the file
def test_what_the_file_says_and_the_longest_clip(tmp_path: Path) -> None:
    path = tmp_path / "fbank.pte"
    frontend = kapre.Frontend.from_preset("kaldi_fbank")
    report = kapre.export(frontend, path, max_samples=40000)
    assert report.backend == "torch"
    assert report.inputs == {"samples": (1, None)}
    assert "matrix products" in report.rewritten[0]
    assert report.max_error is not None
    assert report.max_error <= 5e-4
    found = read_metadata(path)
    assert found is not None
    assert (found["sample_rate"], found["max_samples"], found["least_samples"]) == (16000, 40000, 400)
    check(frontend, path, [clip(1, samples) for samples in (400, 401, 16000, 16163, 40000)])
    with pytest.raises(subprocess.CalledProcessError):
        run(path, [clip(1, 40001)])
    with pytest.raises(ValueError, match=r"`max_samples` must be at least 20012.*Use 20012"):
        kapre.export(frontend, tmp_path / "short.pte", max_samples=1000)
    with pytest.raises(ValueError, match=r"`max_samples` must be None for ONNX"):
        kapre.export(frontend, tmp_path / "fbank.onnx", max_samples=40000)


@pytest.mark.thorough
def test_a_whole_network_says_that_the_front_end_goes_alone(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"ExecuTorch takes a front end alone.*Nothing was kept"):
        kapre.export(network(), tmp_path / "network.pte")
    assert list(tmp_path.iterdir()) == []


def test_a_step_of_a_stream_goes_elsewhere(tmp_path: Path) -> None:
    stream = kapre.Frontend.from_preset("kaldi_fbank").stream(chunk_samples=1600)
    with pytest.raises(ValueError, match=r"one for a stream's step; received format='executorch'. Use onnx"):
        kapre.export(stream, tmp_path / "step.pte")
