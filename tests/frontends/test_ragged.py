"""Every preset: a batch of clips of unequal lengths is the clips alone."""

from __future__ import annotations

import numpy as np
import pytest

import kapre
from tests.clips import clip
from tests.conftest import BACKEND, float64
from tests.test_frontend import check_ragged


@pytest.mark.parametrize("name", kapre.list_presets())
@pytest.mark.parametrize("dtype", ["float32", "float64"] if BACKEND != "jax" else ["float64"])
def test_ragged(name: str, dtype: str) -> None:
    recipe = kapre.frontends.preset(name).recipe
    rate = int(recipe.sample_rate or 16000)
    longest = rate + 77
    lengths = [longest, rate // 2, recipe.frame_length + 3, recipe.frame_length - 1, 1, 0]
    x = np.stack(
        [clip(kind, longest, rate) for kind in ("speech", "music", "full_scale", "speech", "music", "impulse")]
    )
    # float32: the same arithmetic on other shapes; XLA adds up in another order, which a quiet band's logarithm shows.
    rounding = 1e-6 if BACKEND == "torch" else 1e-5
    with float64():
        check_ragged(kapre.Frontend(recipe, dtype=dtype), x, lengths, 1e-9 if dtype == "float64" else rounding)
