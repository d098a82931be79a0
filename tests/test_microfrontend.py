"""TensorFlow Lite's microfrontend: as NumPy states it, and as the library rounds it."""

from __future__ import annotations

import numpy as np
import pymicro_features

import kapre
from tests.fields import CLIP, RATE, assert_near, features


def microfrontend(x: np.ndarray, recipe: kapre.Recipe) -> np.ndarray:
    """Compute TensorFlow Lite's microfrontend of one clip frame by frame, without rounding."""
    plain = recipe.replace(microfrontend=False, feature_scale=1.0)
    noise, found = np.zeros(40), []
    smoothing = np.where(np.arange(40) % 2 == 0, 0.025, 0.06)
    for energy in np.sqrt(features(plain, x[None])[0]):
        noise = smoothing * energy + (1.0 - smoothing) * noise
        q = np.maximum(energy - np.minimum(noise, energy), 0.05 * energy) / (noise + 80.0) ** 0.95
        gained = 8.0 * 64.0 * np.where(q < 2.0, q**2 / 4.0, q - 1.0)
        found.append(10.0 / 256.0 * 64.0 * np.log(np.maximum(gained, 1.0)))
    return np.array(found)


def test_microfrontend() -> None:
    recipe = kapre.frontends.preset("microfrontend").recipe
    assert_near(features(recipe)[0], microfrontend(CLIP[0], recipe))
    assert not features(recipe, np.zeros((1, 2000))).any()


def test_microfrontend_as_tensorflow_lites() -> None:
    """The library rounds to integers in each step: loud values agree to a few of its steps of 0.039."""
    rng = np.random.default_rng(5)
    seconds = np.arange(48000) / RATE
    swept = 0.3 * np.sin(2.0 * np.pi * (200.0 + 600.0 * seconds) * seconds) * np.exp(-8.0 * (seconds % 1.0 - 0.5) ** 2)
    for x in (swept + 0.01 * rng.standard_normal(48000), 0.2 * rng.standard_normal(48000)):
        samples = np.round(32767.0 * np.clip(x, -1.0, 1.0)).astype("<i2")
        made, wanted, rest = pymicro_features.MicroFrontend(), [], samples.tobytes()
        while len(rest) >= 320:
            step = made.process_samples(rest[:320])
            wanted += [step.features] if step.features else []
            rest = rest[2 * step.samples_read :]
        got = features(kapre.frontends.preset("microfrontend").recipe, samples[None] / 32768.0)[0]
        assert got.shape == (298, 40)
        errors = np.abs(got - np.array(wanted))
        loud = np.array(wanted) > 15.0
        assert loud.mean() > 0.05
        assert np.percentile(errors[loud], 95) < 0.15
        assert np.median(errors) < 0.06
