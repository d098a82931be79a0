"""Chunks of ever new sizes: the whole clip's numbers, and few compilations on JAX."""

from __future__ import annotations

import numpy as np
import pytest

import kapre
from tests.compilations import compilations
from tests.conftest import chirp, float64, quick, relative_error, to_numpy
from tests.recipes import FULL
from tests.streams.drive import streamable, streamed, there_and_back

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


@pytest.mark.parametrize("name", RECIPES)
def test_any_sizes(name: str) -> None:
    with float64():
        frontend = kapre.Frontend(RECIPES[name], dtype="float64")
        rng = np.random.default_rng(0)
        x = chirp(2, 9000)[:, :, 0]
        wanted = to_numpy(quick(frontend)(x))
        for _ in range(4):
            sizes = rng.choice([0, 1, 7, 150, 160, 400, 1111, 3000], 8)
            assert relative_error(streamed(frontend.stream(), x, [*sizes, 9000]), wanted) <= 1e-9


@pytest.mark.parametrize("compile", [False, True])
def test_a_hundred_sizes_cost_a_handful_of_compilations(compile: bool) -> None:
    frontend = kapre.Frontend(RECIPES["running"].replace(amin=2e-6 if compile else 1e-6))
    sizes = np.random.default_rng(1).permutation(np.arange(1, 2001, 20))
    x = np.random.default_rng(2).uniform(-1, 1, (1, int(sizes.sum()) + 100)).astype("float32")
    streamed(frontend.stream(compile=compile), x[:, :3000], [*sizes[:6], 3000])
    with compilations() as found:
        got = streamed(frontend.stream(compile=compile), x, [*sizes, x.shape[1]])
        for end in range(5000, 5100, 9):  # every clip ends somewhere else
            streamed(frontend.stream(compile=compile), x[:, :end], [*sizes[:2], end])
    assert len(found) <= 20
    assert relative_error(got, to_numpy(quick(frontend)(x))) <= 1e-5


def test_the_end_of_a_fixed_stream_costs_a_handful_of_compilations() -> None:
    frontend = kapre.Frontend(RECIPES["running"].replace(amin=3e-6))
    x = np.random.default_rng(2).uniform(-1, 1, (1, 1600)).astype("float32")
    stream = frontend.stream(320, compile=True)
    with compilations() as found:
        for chunks in range(1, 6):
            got = streamed(stream, x[:, : 320 * chunks], [320])
            if chunks == 5:
                assert relative_error(got, to_numpy(frontend(x))) <= 1e-5
    assert len(found) <= 40  # the initial state's too


FRAMING = {
    "plain": dict(n_fft=64, hop_length=16),
    "short": dict(n_fft=64, win_length=50, hop_length=20, pad_begin=True, pad_end=True),
    "centred": dict(n_fft=63, hop_length=16, center=True, pad_mode="reflect"),
}


@pytest.mark.parametrize("name", FRAMING)
def test_the_transform_and_its_inverse_in_any_sizes(name: str) -> None:
    options = FRAMING[name]
    with float64():
        x = chirp(2, 2000, 2)
        rng = np.random.default_rng(0)
        stft = kapre.STFT(**options, dtype="float64")
        inverse = kapre.InverseSTFT(
            **{k: v for k, v in options.items() if not k.startswith("pad")}, exact_edges=True, dtype="float64"
        )
        wanted = to_numpy(quick(stft)(x))
        waveform = to_numpy(quick(inverse)(wanted))
        for _ in range(3):
            sizes = [*rng.choice([0, 1, 7, 16, 64, 333], 9), 2000]
            spectrum, samples = there_and_back(stft.stream(), inverse.stream(), x, sizes)
            assert relative_error(spectrum, wanted) <= 1e-9
            assert relative_error(samples, waveform) <= 1e-9


@pytest.mark.parametrize("compile", [False, True])
def test_sizes_of_the_transform_cost_a_handful_of_compilations(compile: bool) -> None:
    options = dict(n_fft=62, hop_length=16 if compile else 15)

    def run(x: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        forward = kapre.STFT(**options).stream(compile=compile)
        inverse = kapre.InverseSTFT(**options, exact_edges=True).stream(compile=compile)
        return there_and_back(forward, inverse, x, [*sizes, x.shape[1]])[0]

    sizes = np.random.default_rng(1).permutation(np.arange(1, 801, 20))
    x = np.random.default_rng(2).uniform(-1, 1, (1, int(sizes.sum()) + 100, 1)).astype("float32")
    run(x[:, :2000], sizes[:6])
    with compilations() as found:
        got = run(x, sizes)
        for end in range(1500, 1560, 9):
            run(x[:, :end], sizes[:2])
    assert len(found) <= 30
    assert relative_error(got, to_numpy(quick(kapre.STFT(**options))(x))) <= 1e-5
