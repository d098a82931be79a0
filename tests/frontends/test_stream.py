"""Every preset that streams, or its nearest that does, in any split into chunks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kapre
from tests.clips import clip
from tests.conftest import BACKEND, chirp, float64, quick, to_numpy
from tests.frontends.stages import of_every_stage
from tests.streams.drive import check_fixed, check_stream, streamable

RECIPES = {name: streamable(name) for name in kapre.list_presets()}
NAMES = of_every_stage(RECIPES)
SPLITS = {"jax": 1, "tensorflow": 6}.get(BACKEND, 12)  # JAX compiles for every pair of shapes


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=SPLITS, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_split(name: str, data: st.DataObject) -> None:
    """Sizes from none to several hops, uneven from step to step, clips of any length."""
    with float64():
        recipe = RECIPES[name]
        frontend = kapre.Frontend(recipe, dtype="float64")
        unit = recipe.entry_hop if recipe.power is not None else 100
        total = data.draw(st.integers(0, min(4 * unit, 17000) + recipe.frame_length))
        sizes = data.draw(st.lists(st.integers(0, 3 * unit), min_size=1, max_size=6).filter(any))
        x = chirp(2, total)[:, :, 0]
        check_stream(frontend.stream(), to_numpy(quick(frontend)(x)), x, sizes, 1e-9)


@pytest.mark.parametrize("name", NAMES if BACKEND != "jax" else ["icefall", "nemo", "seamless_m4t", "yamnet"])
def test_in_float32_over_a_floor(name: str) -> None:
    recipe = RECIPES[name]
    frontend = kapre.Frontend(recipe)
    x = clip("speech", 8011, int(recipe.sample_rate or 16000))[None].astype("float32")
    sizes = [320] if recipe.patch_frames is None else [5000]
    # The same arithmetic on other shapes: XLA adds up in another order, which a quiet band's logarithm shows.
    tolerance = 1e-6 if BACKEND == "torch" else 1e-5
    check_stream(frontend.stream(), to_numpy(quick(frontend)(x)), x, sizes, tolerance)


@pytest.mark.parametrize("name", [name for name in NAMES if RECIPES[name].power is not None])
def test_fixed(name: str) -> None:
    with float64():
        recipe = RECIPES[name]
        unit = recipe.entry_hop
        x = clip("speech", 5 * unit, int(recipe.sample_rate or 16000))[None]
        frontend = kapre.Frontend(recipe, dtype="float64")
        check_fixed(frontend, x, unit, 1e-9)
        if BACKEND != "jax":
            check_fixed(frontend, np.repeat(x[:, : 3 * unit], 2, axis=0), 3 * unit, 1e-9)
