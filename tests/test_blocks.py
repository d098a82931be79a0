"""The kernels' blocks against NumPy: any number of frames, samples to spare, slopes, and no memory left unfilled."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from keras import ops

import kapre
from kapre.ops.kernels import _blocks
from kapre.ops.kernels import active as kernel
from kapre.stages import spectrum
from tests.conftest import BACKEND, chirp, float64, relative_error, to_numpy
from tests.numpy_spectra import Spectra, spectra

EXAMPLES = {"jax": 3, "tensorflow": 8}.get(BACKEND, 40)  # JAX compiles for every shape


@contextlib.contextmanager
def blocks_of(samples: int | None) -> Iterator[None]:
    """Let a block hold so many samples of frames (None: as many as it does), and PyTorch's fresh memory hold NaN."""
    with pytest.MonkeyPatch.context() as patch:
        if samples is not None:
            patch.setattr(_blocks, "_BLOCK", samples)
            patch.setattr(_blocks, "_LARGE", 2 * samples)
        if BACKEND != "torch":
            yield
            return
        import torch

        if samples is not None:
            patch.setattr(sys.modules[type(kernel).__module__].fused, "BLOCK", samples)
        assert torch.utils.deterministic.fill_uninitialized_memory
        torch.use_deterministic_algorithms(True)
        try:
            assert torch.empty(4).isnan().all()
            yield
        finally:
            torch.use_deterministic_algorithms(False)


def with_slopes(fn: Callable[..., tuple[Any, ...]], *arrays: np.ndarray) -> tuple[list[Any], list[np.ndarray]]:
    """Return what a function gives, and the slopes of the sum of its squares by each array."""

    def loss(*values: Any) -> tuple[Any, tuple[Any, ...]]:
        y = fn(*values)
        return sum(ops.sum(ops.square(part)) for part in y), y

    if BACKEND == "jax":
        import jax

        of_all = jax.value_and_grad(loss, argnums=tuple(range(len(arrays))), has_aux=True)
        (_, y), slopes = jax.jit(of_all)(*map(jax.numpy.asarray, arrays))
    elif BACKEND == "tensorflow":
        import tensorflow as tf

        values = [tf.constant(array) for array in arrays]
        with tf.GradientTape() as tape:
            tape.watch(values)
            total, y = loss(*values)
        slopes = tape.gradient(total, values)
    else:
        import torch

        values = [torch.tensor(array, requires_grad=True) for array in arrays]
        total, y = loss(*values)
        slopes = torch.autograd.grad(total, values)
        y = tuple(part.detach() for part in y)
    return list(map(to_numpy, y)), list(map(to_numpy, slopes))


def outputs(found: Spectra) -> list[np.ndarray]:
    return [found.bands] if found.energy is None else [found.bands, found.energy]


def assert_close(got: list[Any], expected: list[Any], tolerance: float) -> None:
    for one, other in zip(got, expected, strict=True):
        assert np.isfinite(to_numpy(one)).all()
        assert relative_error(one, other) <= tolerance


def check(recipe: kapre.Recipe, x: np.ndarray, weights: bool = False) -> None:
    """Compare values, computed without and with slopes, and slopes, of padded samples in float64."""
    expected = spectra(recipe, x)

    def run(v: Any, window: Any = None, bank: Any = None) -> tuple[Any, ...]:
        bands, energy = spectrum.of_samples(recipe, v, window, bank)
        return (bands,) if energy is None else (bands, energy)

    slopes, given_weights = [expected.by_samples], []
    if weights:
        left, right = recipe.window_margins
        given_weights = [recipe.analysis_window[left : recipe.frame_length - right]]
        slopes.append(expected.by_window[left : recipe.frame_length - right])
        if recipe.bank is not None:
            given_weights.append(recipe.bank)
            slopes.append(expected.by_bank)
    with float64():
        y, found = with_slopes(run, x, *given_weights)
        assert_close(y, outputs(expected), 1e-9)
        assert_close(found, slopes, 1e-9)
        if BACKEND != "jax":  # there, the values are computed in one way
            tensors = [ops.convert_to_tensor(array, dtype="float64") for array in (x, *given_weights)]
            assert_close(list(run(*tensors)), outputs(expected), 1e-9)


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
    try:
        return kapre.Recipe(**fields)
    except ValueError:  # options that exclude one another
        assume(False)
        raise


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
        check(recipe, chirp(items, time)[..., 0], weights)


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
