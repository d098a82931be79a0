"""Chunks of ever new sizes: the whole clip's numbers, and few compilations on JAX."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import kapre
from tests.conftest import chirp, float64, quick, relative_error, to_numpy
from tests.test_buckets import FULL, compilations
from tests.test_stream import streamable

RECIPES = {
    "kaldi": streamable("kaldi_fbank"),
    "stacks": FULL.replace(center=True, pad_mode="edge", stack=3, stack_hop=2, stack_edges="repeat"),
    "patches": FULL.replace(
        pad_end=True, patch_frames=5, patch_hop=3, preemphasis=0.97, samples_multiple=1000, n_mels=7
    ),
    "running": FULL.replace(
        center=True, pad_mode="reflect", drop_last=1, normalize="mean", normalize_over="running", layout="band_first"
    ),
    "samples": kapre.Recipe(sample_rate=16000, power=None, feature_scale=2.0, input_scale=3.0),
}


def streamed(stream: Any, x: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Feed chunks of the sizes, and what is left; nothing is compiled as a whole here."""
    state, parts, start = stream.initial_state(x.shape[0]), [], 0
    for size in (*sizes, x.shape[1]):
        y, state = stream.step(x[:, start : start + size], state)
        parts.append(to_numpy(y))
        start += size
    parts.append(to_numpy(stream.flush(state)))
    return np.concatenate(parts, axis=stream.recipe.time_axis(parts[0].ndim))


@pytest.mark.parametrize("name", RECIPES)
def test_any_sizes(name: str) -> None:
    with float64():
        frontend = kapre.Frontend(RECIPES[name], dtype="float64")
        rng = np.random.default_rng(0)
        x = chirp(2, 9000)[:, :, 0]
        wanted = to_numpy(quick(frontend)(x))
        for _ in range(4):
            sizes = rng.choice([0, 1, 7, 150, 160, 400, 1111, 3000], 8)
            assert relative_error(streamed(frontend.stream(), x, sizes), wanted) <= 1e-9


@pytest.mark.parametrize("compile", [False, True])
def test_a_hundred_sizes_cost_a_handful_of_compilations(compile: bool) -> None:
    frontend = kapre.Frontend(RECIPES["running"].replace(amin=2e-6 if compile else 1e-6))
    sizes = np.random.default_rng(1).permutation(np.arange(1, 2001, 20))
    x = np.random.default_rng(2).uniform(-1, 1, (1, int(sizes.sum()) + 100)).astype("float32")
    streamed(frontend.stream(compile=compile), x[:, :3000], sizes[:6])
    with compilations() as found:
        got = streamed(frontend.stream(compile=compile), x, sizes)
        for end in range(5000, 5100, 9):  # every clip ends somewhere else
            streamed(frontend.stream(compile=compile), x[:, :end], sizes[:2])
    assert len(found) <= 20
    assert relative_error(got, to_numpy(quick(frontend)(x))) <= 1e-5


def test_the_end_of_a_fixed_stream_costs_a_handful_of_compilations() -> None:
    frontend = kapre.Frontend(RECIPES["running"].replace(amin=3e-6))
    x = np.random.default_rng(2).uniform(-1, 1, (1, 1600)).astype("float32")
    stream = frontend.stream(320, compile=True)
    with compilations() as found:
        for chunks in range(1, 6):
            state, parts = stream.initial_state(), []
            for start in range(0, 320 * chunks, 320):
                y, state = stream.step(x[:, start : start + 320], state)
                parts.append(to_numpy(y))
            parts.append(to_numpy(stream.flush(state)))
            got = np.concatenate(parts, axis=2)[:, :, stream.warmup :]
            if chunks == 5:
                assert relative_error(got, to_numpy(frontend(x))) <= 1e-5
    assert len(found) <= 40  # the initial state's too
