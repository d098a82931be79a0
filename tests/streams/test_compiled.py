"""Streams whose step is compiled: the numbers, the state and the weights of the plain ones."""

from __future__ import annotations

import copy
import threading
from typing import Any

import numpy as np
import pytest

import kapre
from kapre.frontends._step import Step
from kapre.ops.compiled import FEW, compiled
from tests.conftest import BACKEND, chirp, quick, relative_error, to_numpy
from tests.streams.drive import streamable, streamed, there_and_back, whole

TOLERANCE = 1e-6 if BACKEND == "torch" else 5e-5  # XLA sums in another order, and the logarithm enlarges it


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count how often Python goes through a step; a compiled one needs it for its trace alone."""
    found: list[int] = []
    plain = Step.__call__

    def counted(self: Step, *arguments: Any) -> Any:
        found.append(1)
        return plain(self, *arguments)

    monkeypatch.setattr(Step, "__call__", counted)
    compiled.cache_clear()
    return found


@pytest.mark.parametrize("name", ["voxtral_realtime", "paraformer", "wespeaker"])
def test_plain_and_compiled_steps_take_turns(name: str, calls: list[int]) -> None:
    """The samples of each chunk lie in the same memory, which is written over as soon as the step has returned."""
    frontend = kapre.Frontend(streamable(name))
    size = 2 * frontend.recipe.entry_hop
    x = chirp(2, 8 * size + 77)[:, :, 0].astype("float32")
    plain, fast = (frontend.stream(size, compile=compile) for compile in (False, True))
    memory = np.empty((2, size), "float32")
    state, only, parts, alone = plain.initial_state(2), fast.initial_state(2), [], []
    for i in range(8):
        memory[:] = x[:, i * size : (i + 1) * size]
        y, state = (plain, fast)[i % 2].step(memory, state)
        z, only = fast.step(memory, only)
        parts.append(to_numpy(y).copy())
        alone.append(to_numpy(z).copy())
        memory[:] = np.nan
    rest = x[:, 8 * size :]
    wanted = to_numpy(quick(frontend)(x))
    assert relative_error(whole(plain, parts, fast.flush(state, rest)), wanted) <= TOLERANCE
    assert relative_error(whole(fast, alone, plain.flush(only, rest)), wanted) <= TOLERANCE
    if BACKEND in ("jax", "tensorflow"):
        assert len(calls) <= 4 + 2 + 2  # the plain ones, the trace (TensorFlow may take two), and `flush`


def test_chunks_of_any_size_are_compiled_for_few_shapes(calls: list[int]) -> None:
    frontend = kapre.Frontend.from_preset("kaldi_fbank")
    stream = frontend.stream(compile=True)
    sizes = np.random.default_rng(0).permutation(np.arange(0, 3000, 211))
    x = np.random.default_rng(1).uniform(-1, 1, (1, int(sizes.sum()))).astype("float32")  # no band is quiet
    assert relative_error(streamed(stream, x, sizes), to_numpy(quick(frontend)(x))) <= TOLERANCE
    assert len(compiled(stream._step)._met) == (0 if BACKEND == "torch" else FEW)


def test_weights_that_training_changes_are_seen() -> None:
    frontend = kapre.Frontend.from_preset("vocos", trainable_filterbank=True, trainable_window=True)
    size = 2 * frontend.recipe.hop_length
    x = chirp(1, size)[:, :, 0].astype("float32")
    plain, fast = (frontend.stream(size, compile=compile) for compile in (False, True))
    before, state = fast.step(x, fast.initial_state())
    for weight in frontend.trainable_weights:
        weight.assign(weight.value - 2.0)  # gains: 0 leaves what the recipe says
    after, _ = fast.step(x, state)
    wanted, _ = plain.step(x, state)
    np.testing.assert_allclose(to_numpy(after), to_numpy(wanted), rtol=1e-5, atol=1e-5)
    again, _ = fast.step(x, fast.initial_state())
    assert np.abs(to_numpy(again) - to_numpy(before)).max() > 0.1


def test_copies_and_threads() -> None:
    """Eight threads make the first call of streams that share a step, one of them a copy."""
    compiled.cache_clear()
    frontend = kapre.Frontend.from_preset("kaldi_fbank")
    x = chirp(1, 960)[:, :, 0].astype("float32")
    one = frontend.stream(320, compile=True)
    streams = [one, copy.deepcopy(one), frontend.stream(320, compile=True)]
    found: list[np.ndarray] = []
    ready = threading.Barrier(8)

    def work(stream: Any) -> None:
        state, parts = stream.initial_state(), []
        ready.wait()
        for start in range(0, 960, 320):
            y, state = stream.step(x[:, start : start + 320], state)
            parts.append(to_numpy(y))
        found.append(np.concatenate(parts, axis=1)[:, stream.warmup :])

    threads = [threading.Thread(target=work, args=(streams[i % 3],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = to_numpy(frontend(x))
    assert len(found) == 8
    for y in found:
        assert relative_error(y, wanted[:, : y.shape[1]]) <= TOLERANCE


@pytest.mark.parametrize("chunk", [64, None])
def test_a_transform_and_its_inverse(chunk: int | None) -> None:
    x = chirp(2, 512, 2).astype("float32")
    framing = dict(n_fft=64, hop_length=16, center=True)
    forward, backward = kapre.STFT(**framing), kapre.InverseSTFT(**framing, exact_edges=True)
    ahead = forward.stream(chunk, compile=True)
    back = backward.stream(None if chunk is None else ahead.warmup, compile=True)
    spectrum, out = there_and_back(ahead, back, x, [64])
    assert relative_error(spectrum, to_numpy(forward(x))) <= 1e-6
    assert np.abs(out[:, :512] - x).max() <= 1e-6


def test_wrong_use_is_refused_before_the_compiled_step() -> None:
    frontend = kapre.Frontend.from_preset("kaldi_fbank")
    stream = frontend.stream(320, compile=True)
    with pytest.raises(ValueError, match="`chunk` must be of 320 samples"):
        stream.step(np.zeros((1, 160), "float32"), stream.initial_state())
    with pytest.raises(TypeError, match="received dtype int16"):
        stream.step(np.zeros((1, 320), "int16"), stream.initial_state())
    with pytest.raises(ValueError, match="`state` must be of this stream"):
        stream.step(np.zeros((1, 320), "float32"), frontend.stream(compile=True).initial_state())
    with pytest.raises((TypeError, ValueError), match="`compile` must be"):
        frontend.stream(320, compile="yes")
