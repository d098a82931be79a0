"""Any valid recipe, not only the published ones: streamed, ragged and fixed chunks are the whole clip."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kapre
from kapre.frontends import whole_clip_stages
from tests.conftest import BACKEND, chirp, float64, quick, to_numpy
from tests.ragged import check_ragged
from tests.recipes import any_recipe
from tests.streams.drive import check_fixed, check_stream

EXAMPLES = {"jax": 6, "tensorflow": 40}.get(BACKEND, 150)  # JAX compiles for every shape


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(recipe=any_recipe(), time=st.integers(0, 120), sizes=st.lists(st.integers(0, 50), min_size=1, max_size=5))
def test_any_recipe(recipe: kapre.Recipe, time: int, sizes: list[int]) -> None:
    with float64():
        frontend = kapre.Frontend(recipe, dtype="float64")
        x = chirp(3, time)[:, :, 0]
        check_ragged(frontend, x, [time, time // 2, time // 3], 1e-7)
        if whole_clip_stages(recipe):
            with pytest.raises(ValueError, match="cannot be streamed"):
                frontend.stream()
            return
        offline = to_numpy(quick(frontend)(x))
        check_stream(frontend.stream(), offline, x, [*sizes, 11], 1e-7)
        unit = recipe.chunk_unit
        check_fixed(frontend, chirp(1, 2 * unit)[:, :, 0], unit, 1e-7)
