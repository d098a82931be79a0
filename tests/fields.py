"""What the tests of a recipe's fields share: a clip, its features in float64 and their comparison."""

from __future__ import annotations

from typing import Any

import numpy as np

import kapre
from tests.conftest import chirp, float64, to_numpy

RATE = 16000
CLIP = 0.9 * chirp(2, 5000)[:, :, 0] + 0.01 * np.random.default_rng(3).standard_normal((2, 5000)) + 0.02


def features(recipe: kapre.Recipe, x: np.ndarray = CLIP, **options: Any) -> np.ndarray:
    with float64():
        y = to_numpy(kapre.Frontend(recipe, dtype="float64")(x, **options))
    assert np.isfinite(y).all()
    return y


def assert_near(got: np.ndarray, wanted: np.ndarray, tolerance: float = 1e-9) -> None:
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).max() <= tolerance * max(1.0, np.abs(wanted).max())
