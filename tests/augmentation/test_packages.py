"""Augmentations beside audiomentations and torch-audiomentations, which are given the same parameters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from kapre import augmentation as aug
from tests.conftest import BACKEND, chirp, relative_error, to_numpy

RATE, SIZE = 16000, 4000
RESPONSE = np.random.default_rng(5).standard_normal(300) * np.exp(-np.arange(300) / 60.0) * 0.2
RESPONSE[0] = 1.0
SOUND = 0.1 * np.random.default_rng(6).standard_normal(SIZE)


def clips() -> np.ndarray:
    """Return three clips, `(3, SIZE)`."""
    x = chirp(3, SIZE, 1, seed=4)[..., 0]
    x[:, 0] = 0.0  # audiomentations takes the first sample for the past
    return (0.5 * x / np.abs(x).max()).astype("float32")


def changed(layer: aug.RandomLayer, x: np.ndarray) -> np.ndarray:
    """Return what a layer makes of clips in training. Recordings begin with their first sample."""
    y, parameters = layer(x[..., None], training=True, return_parameters=True)
    if "offset" in parameters:
        y = layer(x[..., None], training=True, parameters={**parameters, "offset": 0 * parameters["offset"]})
    return to_numpy(y)[..., 0]


def unscaled(x: np.ndarray) -> np.ndarray:
    """Return clips at the same level: packages differ in how they scale reverberation."""
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True))


def filtered(kind: str, frequency: float, q: float, gain_db: float = 0.0) -> aug.RandomFilter:
    return aug.RandomFilter(RATE, [kind], frequency, frequency, q, q, gain_db, gain_db)


ABOUT = {"p": 1.0, "sample_rate": RATE, "output_type": "dict"}
CLIP_BY_CLIP: dict[str, tuple[Callable[[Any, Path], Any], Callable[[], aug.RandomLayer], float]] = {
    "gain": (lambda am, folder: am.Gain(-7.5, -7.5), lambda: aug.RandomGain(-7.5, -7.5), 1e-6),
    "polarity": (lambda am, folder: am.PolarityInversion(), lambda: aug.PolarityInversion(p=1.0), 0.0),
    "reverse": (lambda am, folder: am.Reverse(), lambda: aug.TimeInversion(p=1.0), 0.0),
    "shift": (
        lambda am, folder: am.Shift(0.25, 0.25, rollover=True, fade_duration=0.0),
        lambda: aug.RandomShift(0.25, 0.25),
        0.0,
    ),
    "shift, zeros": (
        lambda am, folder: am.Shift(-300, -300, "samples", rollover=False, fade_duration=0.0),
        lambda: aug.RandomShift(-300, -300, "samples", rollover=False),
        0.0,
    ),
    "clipping": (lambda am, folder: am.ClippingDistortion(20, 20), lambda: aug.Clipping(20.0, 20.0), 1e-6),
    "bit_crush": (lambda am, folder: am.BitCrush(8, 8), lambda: aug.BitCrush(8, 8), 1.6e-2),  # a step
    "lowpass": (
        lambda am, folder: am.LowPassFilter(900.0, 900.0, 12, 12),
        lambda: filtered("lowpass", 900.0, np.sqrt(0.5)),
        1e-5,
    ),
    "highpass": (
        lambda am, folder: am.HighPassFilter(900.0, 900.0, 12, 12),
        lambda: filtered("highpass", 900.0, np.sqrt(0.5)),
        1e-5,
    ),
    "peaking": (
        lambda am, folder: am.PeakingFilter(900.0, 900.0, 9.0, 9.0, 2.0, 2.0),
        lambda: filtered("peaking", 900.0, 2.0, 9.0),
        1e-5,
    ),
    "lowshelf": (
        lambda am, folder: am.LowShelfFilter(900.0, 900.0, -9.0, -9.0, 0.7, 0.7),
        lambda: filtered("lowshelf", 900.0, 0.7, -9.0),
        1e-5,
    ),
    "highshelf": (
        lambda am, folder: am.HighShelfFilter(900.0, 900.0, -9.0, -9.0, 0.7, 0.7),
        lambda: filtered("highshelf", 900.0, 0.7, -9.0),
        1e-5,
    ),
    "noise": (
        lambda am, folder: am.AddBackgroundNoise(folder / "sound", 12.0, 12.0),
        lambda: aug.AddNoise(SOUND[None], 12.0, 12.0),
        1e-5,
    ),
    "reverb": (
        lambda am, folder: am.ApplyImpulseResponse(folder / "response"),
        lambda: aug.Reverb(RATE, RESPONSE[None], keep_level=False),
        1e-5,
    ),
}


BATCHED: dict[str, tuple[Callable[[Any, Path], Any], Callable[[], aug.RandomLayer], float]] = {
    "gain": (lambda ta, folder: ta.Gain(-7.5, -7.499999, **ABOUT), lambda: aug.RandomGain(-7.5, -7.5), 1e-6),
    "polarity": (lambda ta, folder: ta.PolarityInversion(**ABOUT), lambda: aug.PolarityInversion(p=1.0), 0.0),
    "reverse": (lambda ta, folder: ta.TimeInversion(**ABOUT), lambda: aug.TimeInversion(p=1.0), 0.0),
    "shift": (lambda ta, folder: ta.Shift(0.25, 0.25, **ABOUT), lambda: aug.RandomShift(0.25, 0.25), 0.0),
    "shift, zeros": (
        lambda ta, folder: ta.Shift(-300, -300, "samples", rollover=False, **ABOUT),
        lambda: aug.RandomShift(-300, -300, "samples", rollover=False),
        0.0,
    ),
    "noise": (
        lambda ta, folder: ta.AddBackgroundNoise(folder / "sound", 12.0, 12.0, **ABOUT),
        lambda: aug.AddNoise(SOUND[None], 12.0, 12.0),
        1e-5,
    ),
    "reverb": (
        lambda ta, folder: ta.ApplyImpulseResponse(folder / "response", **ABOUT),
        lambda: aug.Reverb(RATE, RESPONSE[None], keep_level=False),
        1e-5,
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("recordings")
    for name, samples in (("sound", SOUND), ("response", RESPONSE)):
        (found / name).mkdir()
        soundfile.write(found / name / "0.wav", samples.astype("float32"), RATE, subtype="FLOAT")
    return found


if BACKEND == "torch":  # where the packages are installed
    import torch

    from tests.references._torch_audiomentations import in_memory, torch_audiomentations

    @pytest.mark.filterwarnings("ignore:'.*' is deprecated:DeprecationWarning")  # modules that librosa reads files with
    @pytest.mark.parametrize("effect", CLIP_BY_CLIP)
    def test_a_clip_is_what_audiomentations_makes_of_it(effect: str, folder: Path) -> None:
        import audiomentations

        make, ours, allowed = CLIP_BY_CLIP[effect]
        other, x = make(audiomentations, folder), clips()
        other.p = 1.0
        expected = np.stack([other(clip, sample_rate=RATE) for clip in x])
        got = changed(ours(), x)
        if effect == "reverb":
            got, expected = unscaled(got), unscaled(expected)
        if allowed:
            assert relative_error(got, expected) <= allowed
        else:
            np.testing.assert_array_equal(got, expected)

    @pytest.mark.parametrize("effect", BATCHED)
    def test_a_batch_is_what_torch_audiomentations_makes_of_it(effect: str, folder: Path) -> None:
        make, ours, allowed = BATCHED[effect]
        x = clips()
        other = make(torch_audiomentations(), folder)
        other = in_memory(other, RATE) if hasattr(other, "audio") else other
        expected = other(torch.from_numpy(x[:, None])).samples.numpy()[:, 0]
        got = changed(ours(), x)
        assert relative_error(got, expected) <= allowed
