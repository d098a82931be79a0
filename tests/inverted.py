"""A clip, its features and those of their inverse, for the tests of `Frontend.invert`."""

from __future__ import annotations

from typing import Any

import numpy as np

import kapre
from tests.conftest import to_numpy

REFUSED = {"microfrontend": "microfrontend", "musicgen_melody": "one_hot"}
"""The presets that have no inverse, and the field for which they have none."""


def speech(samples: int, rate: float = 8000.0, seed: int = 0) -> np.ndarray:
    """Return a voiced sound that swells twice, with some noise."""
    t = np.arange(samples) / rate
    phase = 2 * np.pi * np.cumsum(140 + 40 * np.sin(2 * np.pi * 0.9 * t)) / rate
    swell = np.sqrt(np.clip(np.sin(2 * np.pi * 1.4 * t), 0.0, None))
    voice = sum(np.sin(k * phase) / k**1.2 * (200 * k < rate / 2) for k in range(1, 20))
    noise = 0.003 * np.random.default_rng(seed).standard_normal(samples)
    return (0.2 * swell * voice + noise).astype("float32")


def again(frontend: kapre.Frontend, samples: int, **settings: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the features of a clip, and those of its inverse, as many as both have."""
    recipe = frontend.recipe
    right = to_numpy(frontend(speech(samples, float(recipe.clip_rate or 8000))[None]))
    frontend = kapre.Frontend(recipe.replace(input_rate=None))  # of the inverse, which is at `sample_rate`
    samples = int(recipe.num_samples_used(samples)) if recipe.input_rate else samples
    given = np.array([samples])
    y = to_numpy(frontend.invert(right, lengths=given, **settings)).astype("float32")
    assert np.isfinite(y).all()
    short = np.zeros((1, max(0, samples - y.shape[1])), "float32")
    got = to_numpy(frontend(np.concatenate([y, short], axis=1)[:, :samples], lengths=given))
    axis = recipe.time_axis(right.ndim)
    recipe = recipe.replace(input_rate=None, fixed_samples=None, fixed_frames=None)  # zeros are behind the clip there
    count = min(got.shape[axis], recipe.num_valid_entries(min(samples, y.shape[1])))
    return tuple(np.take(found, range(count), axis=axis).astype("float64") for found in (right, got))  # type: ignore


def error(frontend: kapre.Frontend, samples: int = 6000, **settings: Any) -> float:
    """Return how far the features of the inverse are from those of the clip, as a fraction of their deviation."""
    right, got = again(frontend, samples, **settings)
    return float(np.linalg.norm(got - right) / np.linalg.norm(right - right.mean()))
