"""Presets' spectra over several blocks, and their slopes, against NumPy."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kapre
from tests.conftest import BACKEND, chirp
from tests.frontends.stages import of_every_stage
from tests.kernel_blocks import blocks_of, check_spectra

ALL = {name: kapre.frontends.preset(name).recipe for name in kapre.list_presets()}
# NumPy's slopes take a matrix of the DFT: one of 16384 points would take a minute.
RECIPES = {
    name: recipe
    for name, recipe in ALL.items()
    if recipe.power is not None and recipe.transform == "dft" and recipe.n_fft <= 4096
}
EXAMPLES = {"jax": 1, "tensorflow": 2}.get(BACKEND, 4)  # JAX compiles for every shape


@pytest.mark.parametrize("name", of_every_stage(RECIPES))
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(items=st.integers(1, 4), frames=st.integers(9, 40), spare=st.floats(0.0, 1.0), drop_last=st.integers(0, 2))
def test_any_number_of_frames(name: str, items: int, frames: int, spare: float, drop_last: int) -> None:
    recipe = RECIPES[name]
    recipe = recipe.replace(drop_last=recipe.drop_last + (drop_last if recipe.chunk_length is None else 0))
    length, hop = recipe.cut
    x = chirp(items, length + frames * hop + int(spare * (hop - 1)))[..., 0]
    with blocks_of(8 * recipe.n_fft):
        check_spectra(recipe, recipe.input_scale * x, weights=frames % 2 == 0)
