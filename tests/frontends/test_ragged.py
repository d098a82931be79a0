"""Every preset, or some of every stage: a batch of clips of unequal lengths is the clips alone."""

from __future__ import annotations

import numpy as np
import pytest

import kapre
from tests.clips import clip
from tests.conftest import BACKEND, float64
from tests.frontends.stages import of_every_stage
from tests.ragged import check_ragged

RECIPES = {name: kapre.frontends.preset(name).recipe for name in kapre.list_presets()}


@pytest.mark.parametrize("name", of_every_stage(RECIPES))
@pytest.mark.parametrize("dtype", ["float32", "float64"] if BACKEND != "jax" else ["float64"])
def test_ragged(name: str, dtype: str) -> None:
    recipe = RECIPES[name]
    rate = int(recipe.sample_rate or 16000)
    longest = rate // 2 + 77
    lengths = [longest, rate // 4, recipe.frame_length + 3, recipe.frame_length - 1, 1, 0]
    # JAX compiles for every length.
    alone = lengths if BACKEND != "jax" else [longest, recipe.frame_length + 3, recipe.frame_length - 1, 0]
    x = np.stack(
        [clip(kind, longest, rate) for kind in ("speech", "music", "full_scale", "speech", "music", "impulse")]
    )
    # float32: the same arithmetic on other shapes; XLA adds up in another order, which a quiet band's logarithm shows.
    rounding = 1e-6 if BACKEND == "torch" else 1e-5
    with float64():
        layer = kapre.Frontend(recipe, dtype=dtype)
        check_ragged(layer, x, lengths, 1e-9 if dtype == "float64" else rounding, alone)
