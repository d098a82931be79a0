"""Eager calls of ever new lengths on JAX: few compilations, and the numbers of the exact computation."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kapre
from kapre import executor
from kapre.ops.buckets import LEAST, bucket
from kapre.ops.frames import lengths_of
from tests.compilations import compilations
from tests.conftest import BACKEND, chirp, float64, quick, relative_error, to_numpy
from tests.recipes import FULL

PRESETS = kapre.list_presets()
RECIPES = {
    "reflect": FULL.replace(center=True, pad_mode="reflect", drop_last=1, dynamic_range=3.0),
    "edge": FULL.replace(center=True, pad_mode="edge", stack=3, stack_hop=2, stack_edges="repeat"),
    "pad_end": FULL.replace(pad_end=True, normalize="mean_std", normalize_over="utterance"),
    "patches": FULL.replace(patch_frames=5, patch_hop=3, preemphasis=0.97, samples_multiple=1000),
    "samples": kapre.Recipe(sample_rate=16000, power=None, normalize_samples=True),
    "tile": FULL.replace(fixed_samples=9000, fixed_by="tile"),
    "running": FULL.replace(normalize="mean", normalize_over="running", layout="band_first"),
}


def exact(recipe: kapre.Recipe, x: np.ndarray) -> np.ndarray:
    return to_numpy(quick(lambda x: executor.run(recipe, x, compiled=False))(keras.ops.convert_to_tensor(x)))


def check(recipe: kapre.Recipe, time: int) -> None:
    with float64():
        x = chirp(2, time, seed=time)[:, :, 0]
        assert relative_error(executor.run_in_bucket(recipe, x), exact(recipe, x)) <= 1e-9


@pytest.mark.parametrize("name", PRESETS if BACKEND == "torch" else PRESETS[::8])
@settings(max_examples=3 if BACKEND == "torch" else 1, deadline=None, derandomize=True)
@given(time=st.integers(1, 20000))
def test_presets_in_a_bucket_are_the_clips_own(name: str, time: int) -> None:
    check(kapre.frontends.preset(name).recipe, time)


@pytest.mark.parametrize("name", RECIPES)
@settings(max_examples=8 if BACKEND == "torch" else 1, deadline=None, derandomize=True)
@given(time=st.integers(1, 20000))
def test_recipes_in_a_bucket_are_the_clips_own(name: str, time: int) -> None:
    check(RECIPES[name], time)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float32"])
def test_lengths_of_a_mask_are_those_of_the_exact_path(dtype: str) -> None:
    true = 255 if dtype == "uint8" else 1
    mask = true * np.array([[1, 1, 0, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]])
    assert to_numpy(lengths_of(mask.astype(dtype))).tolist() == [4, 0, 5]
    assert to_numpy(lengths_of(keras.ops.convert_to_tensor(mask.astype(dtype)))).tolist() == [4, 0, 5]


def test_buckets_are_few_and_waste_little() -> None:
    sizes = [bucket(n) for n in range(1, 1_000_000, 97)]
    assert all(size >= n for n, size in zip(range(1, 1_000_000, 97), sizes, strict=True))
    assert all(size <= 1.5 * n for n, size in zip(range(1, 1_000_000, 97), sizes, strict=True) if n > LEAST)
    assert len(set(sizes)) == 2 * 8 + 1


LENGTHS = np.random.default_rng(0).integers(1000, 40000, 100)


def called(layer: Any, x: np.ndarray, time: int) -> Any:
    return layer(x[:, :time])


def with_lengths(layer: Any, x: np.ndarray, time: int) -> Any:
    return layer(x[:, :time], lengths=[time, time // 2])


MAKERS: dict[str, tuple[Any, Any, int]] = {
    "frontend": (lambda: kapre.Frontend(FULL), called, 1),
    "lengths": (lambda: kapre.Frontend(RECIPES["reflect"].replace(drop_last=0)), with_lengths, 1),
    "helper": (
        lambda: kapre.get_melspectrogram_layer(
            n_fft=400, hop_length=160, sample_rate=16000, n_mels=20, return_decibel=True
        ),
        called,
        2,
    ),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_a_hundred_lengths_cost_a_handful_of_compilations(kind: str) -> None:
    make, call, channels = MAKERS[kind]
    layer = make()
    x = np.random.default_rng(1).uniform(-1, 1, (2, 40000, channels)).astype("float32")
    x = x if kind == "helper" else x[:, :, 0]
    with compilations() as first:
        for time in LENGTHS[:4]:
            call(layer, x, int(time))
    assert bool(first) == (BACKEND == "jax")  # the count counts
    with compilations() as found:
        results = [call(layer, x, int(time)) for time in LENGTHS[4:]]
    assert len(found) <= 12  # the buckets are eight
    wanted = quick(lambda x: call(layer, x, x.shape[1]))  # as a whole: the exact computation
    for time, result in list(zip(LENGTHS[4:], results, strict=True))[:: 48 if BACKEND == "jax" else 12]:
        assert keras.ops.is_tensor(result)
        assert relative_error(result, to_numpy(wanted(keras.ops.convert_to_tensor(x[:, :time])))) <= 2e-6
        if kind == "lengths":
            mask = to_numpy(result._keras_mask)
            assert mask.sum(axis=1).tolist() == [layer.num_frames(int(time)), layer.num_frames(int(time) // 2)]


def test_what_is_traced_never_goes_by_a_bucket() -> None:
    layer = kapre.Frontend(FULL.replace(amin=1e-7))
    x = keras.ops.convert_to_tensor(chirp(1, 6000)[:, :, 0].astype("float32"))
    for time in range(5000, 5006):
        layer(x[:, :time])
    if BACKEND == "jax":
        import jax

        gradient = jax.grad(lambda x: layer(x).sum())(x)
        assert np.isfinite(np.asarray(gradient)).all()
        staged = jax.jit(lambda: layer(x))()  # the samples are no tracer here, yet the call is part of a trace
        assert relative_error(staged, exact(layer.recipe, np.asarray(x))) <= 1e-5
        assert jax.vmap(lambda x: layer(x[None])[0])(x).shape == layer(x).shape
