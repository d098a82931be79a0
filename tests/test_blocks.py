"""The kernels' blocks against NumPy: any number of frames, samples to spare, slopes, and no memory left unfilled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import kapre
from kapre.ops.kernels import active as kernel
from kapre.stages import spectrum
from tests.conftest import BACKEND, chirp, float64, to_numpy
from tests.kernel_blocks import assert_close, blocks_of, check_spectra, with_slopes
from tests.numpy_spectra import spectra
from tests.recipes import recipe_of

EXAMPLES = {"jax": 3, "tensorflow": 8}.get(BACKEND, 40)  # JAX compiles for every shape


BANKS = [dict(), dict(filterbank="mel", sample_rate=1000.0, n_mels=7, norm=None)]
LOGARITHMS = [dict(), dict(log="ln", amin=1e-6), dict(log="db", amin=1e-4, ref_value=2.0, amin_by="add")]
OF_FRAMES = [
    dict(),
    dict(remove_dc=True, preemphasis=0.9, preemphasis_over="frame"),
    dict(energy="last"),
    dict(power=1.0, magnitude_epsilon=1e-3),
]


@st.composite
def recipes(draw: Any) -> kapre.Recipe:
    fields: dict[str, Any] = dict(n_fft=2 * draw(st.integers(8, 20)), hop_length=draw(st.integers(1, 60)))
    fields["frame_length"] = draw(st.integers(fields["n_fft"] // 2, fields["n_fft"] + 9))
    fields["win_length"] = draw(st.integers(8, fields["frame_length"]))
    fields |= dict(drop_last=draw(st.integers(0, 3)), pad_end=draw(st.booleans()))
    fields["power"] = draw(st.sampled_from([1.0, 2.0]))
    for some in (BANKS, LOGARITHMS, OF_FRAMES):
        fields |= draw(st.sampled_from(some))
    return recipe_of(fields)


few = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
BLOCKS = st.sampled_from([64, 300, 1111])


@pytest.mark.filterwarnings("ignore:.*filter bank bands hold no DFT bin")
@few
@given(
    recipe=recipes(),
    items=st.integers(1, 5),
    frames=st.integers(4, 150),
    spare=st.integers(0, 59),
    block=BLOCKS,
    weights=st.booleans(),
)
def test_any_recipe(recipe: kapre.Recipe, items: int, frames: int, spare: int, block: int, weights: bool) -> None:
    time = frames * recipe.hop_length + recipe.frame_length + spare % recipe.hop_length
    with blocks_of(block):
        check_spectra(recipe, chirp(items, time)[..., 0], weights)


@few
@given(
    hop=st.integers(1, 50),
    items=st.integers(1, 3),
    count=st.integers(4, 150),
    spare=st.integers(0, 200),
    block=BLOCKS,
    alone=st.booleans(),
)
def test_a_kernel_reads_no_sample_to_spare(
    hop: int, items: int, count: int, spare: int, block: int, alone: bool
) -> None:
    """What lies behind the frames asked for is NaN here: it is in no value and in no slope."""
    recipe = kapre.Recipe(n_fft=32, win_length=25, frame_length=32, hop_length=hop, power=2.0, log="ln", amin=1e-6)
    needed = (count - 1) * hop + 32
    x = np.pad(chirp(items, needed)[..., 0], [(0, 0), (0, spare)], constant_values=np.nan)
    expected = spectra(recipe, x[:, :needed])
    stages = spectrum._for_kernels(recipe, "float64") if alone else None

    def run(v: Any) -> tuple[Any, ...]:
        found: tuple[Any, ...] = kernel.over_frames(
            lambda framed: spectrum.of_frames(recipe, framed)[:1], v, 32, hop, count, [], stages
        )
        return found

    with blocks_of(block), float64():
        (y,), (slope,) = with_slopes(run, x)
    assert_close([y], [expected.bands], 1e-9)
    assert_close([slope[:, :needed]], [expected.by_samples], 1e-9)
    assert not slope[:, needed:].any()


LONG = settings(max_examples=1 if BACKEND == "jax" else 4, deadline=None, derandomize=True)


@LONG
@example(time=178_080)
@given(time=st.integers(150_000, 400_000))
def test_a_long_clip_whose_last_frame_is_left_out(time: int) -> None:
    """The blocks of a preset at their true size; a batch and lengths too."""
    recipe = kapre.frontends.preset("voxtral_realtime").recipe
    frontend = kapre.Frontend(recipe)
    x = np.random.default_rng(time).uniform(-1.0, 1.0, (2, time)).astype("float32")
    lengths = [time, time - 25_000]
    with blocks_of(None):
        got = to_numpy(frontend(x, lengths=lengths))
        alone = to_numpy(frontend(x[:1])) if BACKEND != "jax" else got[:1]
    for item, length in enumerate(lengths):
        padded = np.pad(x[item : item + 1, :length].astype("float64"), [(0, 0), (200, 200)], mode="reflect")
        logarithms = np.maximum(spectra(recipe, padded).bands[0], recipe.range_top - recipe.dynamic_range)
        expected = (logarithms.T + 4.0) / 4.0
        frames = expected.shape[1]
        assert frames == length // 160
        assert np.abs(got[item, :, :frames] - expected).max() < 1e-4
        assert not got[item, :, frames:].any()
    assert np.abs(alone[0] - got[0]).max() < 1e-5
