"""The kernels' blocks held against NumPy: values and slopes, with blocks as small as a test wants them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from keras import ops

import kapre
from kapre.ops.kernels import _blocks
from kapre.ops.kernels import active as kernel
from kapre.stages import Call, spectrum
from tests.conftest import BACKEND, float64, relative_error, to_numpy
from tests.numpy_spectra import Spectra, spectra


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


def check_spectra(recipe: kapre.Recipe, x: np.ndarray, weights: bool = False) -> None:
    """Compare values, computed without and with slopes, and slopes, of padded samples in float64."""
    expected = spectra(recipe, x)

    def run(v: Any, window: Any = None, bank: Any = None) -> tuple[Any, ...]:
        bands, energy = spectrum.of_samples(recipe, v, Call(window=window, bank=bank))
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
