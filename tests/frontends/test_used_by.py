"""Models whose front end looks like a preset's and is not: what they compute, and which preset does not name them."""

from __future__ import annotations

import numpy as np
import pytest

import kapre
from kapre.frontends import list_presets, preset
from tests.clips import clip
from tests.conftest import to_numpy
from tests.references._registry import double, torchaudio


def fbank(x: np.ndarray, **options: object) -> np.ndarray:
    import torch

    with double():
        return torchaudio().compliance.kaldi.fbank(torch.tensor(x)[None], dither=0.0, **options).numpy()


def speaker_3d(x: np.ndarray) -> np.ndarray:
    """Return 3D-Speaker's features: povey windows of samples in [-1, 1], less their mean over time."""
    features = fbank(x, num_mel_bins=80)
    return features - features.mean(axis=0)


def eat(x: np.ndarray) -> np.ndarray:
    """Return EAT's features: those of the Audio Spectrogram Transformer, of any length."""
    features = fbank(x - x.mean(), num_mel_bins=128, window_type="hanning", htk_compat=True, use_energy=False)
    return (features + 4.268) / (2 * 4.569)


@pytest.mark.parametrize(
    ("model", "reference", "near", "changes", "not_of", "apart"),
    [
        ("3D-Speaker", speaker_3d, "kaldi_fbank", dict(input_scale=1.0, normalize="mean"), "wespeaker", 1.0),
        ("EAT", eat, "ast", dict(fixed_frames=None), "beats", 0.3),
    ],
)
def test_a_model_is_not_named_by_a_preset_that_it_does_not_take(
    model: str, reference: object, near: str, changes: dict[str, object], not_of: str, apart: float
) -> None:
    x = clip("speech", 48000, 16000)
    right = reference(x)  # type: ignore[operator]
    recipe = preset(near).recipe.replace(**changes)
    found = {name: to_numpy(kapre.Frontend(each)(x[None].astype("float32")))[0] for name, each in
             (("right", recipe), ("wrong", preset(not_of).recipe))}  # fmt: skip
    assert np.abs(found["right"] - right).max() <= 1e-3
    assert np.abs(found["wrong"] - right).max() >= apart
    named = [name for name in list_presets() if model in preset(name).used_by.replace(",", " ").split()]
    assert not_of not in named
    for name in named:
        y = to_numpy(kapre.Frontend.from_preset(name)(x[None].astype("float32")))[0]
        assert np.abs(y[: len(right)] - right).max() <= 1e-3
