"""Files for microcontrollers, in the interpreter that runs there."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import kapre
from tests.conftest import to_numpy
from tests.export.micro import Micro, step_by_step
from tests.export.models import clip

RECIPE = kapre.Recipe(
    sample_rate=16000.0, n_fft=512, win_length=480, hop_length=320, power=2.0, filterbank="mel", n_mels=40, log="ln",
    amin=1e-6, amin_by="add",
)  # fmt: skip


@pytest.mark.parametrize("largest_direct", [512, 128])
def test_a_step(largest_direct: int, tmp_path: Path) -> None:
    frontend = kapre.Frontend(RECIPE)
    stream = frontend.stream(chunk_samples=320)
    report = kapre.export(stream, tmp_path / "step.tflite", largest_direct=largest_direct)
    micro = Micro(tmp_path / "step.tflite")
    x = clip(1, 16000)
    right = to_numpy(frontend(x))
    got = step_by_step(micro, x, 320)[:, stream.warmup :]
    assert got.shape[1] >= right.shape[1] - 1
    assert np.abs(got - right[:, : got.shape[1]]).max() <= 1e-4 * np.ptp(right)
    in_stages = largest_direct == 128
    assert ("two stages of 16 and 32" in report.rewritten[0]) == in_stages
    assert report.size < (100_000 if in_stages else 1_100_000)
    assert micro.arena() < 128 * 1024


def test_a_whole_clip_and_a_network(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Reshape((49, 40, 1)), keras.layers.Conv2D(4, 3, strides=2, activation="relu")]
    layers += [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((16000,), batch_size=1), kapre.Frontend(RECIPE), *layers])
    kapre.export(model, tmp_path / "clip.tflite", largest_direct=128)
    x = clip(1, 16000)
    right = to_numpy(model(x))
    assert np.abs(Micro(tmp_path / "clip.tflite")(samples=x)["output"] - right).max() <= 1e-4 * np.abs(right).max()
