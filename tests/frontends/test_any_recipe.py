"""Any valid recipe, not only the published ones: streamed, ragged and fixed chunks are the whole clip."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kapre
from kapre.frontends import whole_clip_stages
from tests.conftest import BACKEND, chirp, float64, quick, to_numpy
from tests.ragged import check_ragged
from tests.recipes import recipe_of
from tests.streams.drive import check_fixed, check_stream

EXAMPLES = {"jax": 6, "tensorflow": 40}.get(BACKEND, 150)  # JAX compiles for every shape

PADDING = st.sampled_from(
    [
        dict(),
        dict(center=True, pad_mode="reflect"),
        dict(center=True, pad_mode="edge"),
        dict(snip_edges=False),
        dict(pad_begin=True),
        dict(pad_end=True),
        dict(pad_left=5, pad_right=3, pad_mode="symmetric"),
        dict(pad_left=20, pad_mode="edge"),
        dict(pad_left=40),
    ]
)
FEATURES = st.sampled_from(
    [
        dict(),
        dict(normalize="mean_std", normalize_over="running", normalize_ddof=1, normalize_epsilon=1e-3),
        dict(normalize="mean", log="ln", amin=1e-3, valid_frames="hops"),
        dict(normalize="mean_std", normalize_epsilon=1e-3, valid_frames="whole"),
        dict(stack=3, stack_hop=2, stack_edges="repeat"),
        dict(stack=2, stack_hop=3),
        dict(stack=2, stack_edges="zeros", energy="last"),
        dict(patch_frames=3, patch_hop=2, layout="band_first"),
        dict(patch_frames=1, patch_hop=4),
        dict(fixed_frames=12, stack=2, valid_frames="hops"),
        dict(valid_frames="hops", drop_last=1, stack=2, stack_edges="zeros"),
        dict(log="db", dynamic_range=30.0, amin=1e-5, n_mfcc=4, energy="c0"),
    ]
)


@st.composite
def recipes(draw: Any) -> kapre.Recipe:
    fields: dict[str, Any] = dict(n_fft=draw(st.integers(15, 24)), hop_length=draw(st.integers(1, 26)))
    fields |= draw(PADDING) | draw(FEATURES)
    fields["power"] = draw(st.sampled_from([1.0, 2.0]))
    fields |= draw(st.sampled_from([dict(), dict(preemphasis=0.9), dict(samples_multiple=7), dict(remove_dc=True)]))
    return recipe_of(fields)


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(recipe=recipes(), time=st.integers(0, 120), sizes=st.lists(st.integers(0, 50), min_size=1, max_size=5))
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
        unit = recipe.entry_hop
        check_fixed(frontend, chirp(1, 2 * unit)[:, :, 0], unit, 1e-7)
