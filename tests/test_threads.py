"""First calls from several threads at once: every call gives what a layer gives alone, and no layer stays broken."""

from __future__ import annotations

import copy
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import kapre
from tests.conftest import chirp, to_numpy

THREADS = 8
FRAMING = dict(n_fft=64, hop_length=16)

waves = chirp(1, 400).astype("float32")
spectra = np.random.default_rng(0).uniform(0.01, 1.0, (1, 12, 33, 1)).astype("float32")

# How to make a layer, what it takes, and how many fresh ones are tried.
LAYERS: dict[str, tuple[Callable[[], Any], np.ndarray, int]] = {
    "mel helper": (
        lambda: kapre.get_melspectrogram_layer(**FRAMING, sample_rate=16000, n_mels=8, return_decibel=True),
        waves,
        6,
    ),
    "magnitude helper": (lambda: kapre.get_stft_magnitude_layer(**FRAMING), waves, 2),
    "helper with an input": (lambda: kapre.get_stft_magnitude_layer((None, 1), **FRAMING), waves, 2),
    "magnitude and phase": (lambda: kapre.get_stft_mag_phase((None, 1), **FRAMING), waves, 2),
    "chain that is not fused": (lambda: kapre.composed.ComposedSequential([kapre.STFT(64), kapre.Phase()]), waves, 4),
    "frequency-aware": (
        lambda: kapre.get_frequency_aware_conv2d("channels_last", "aware", 2, 3, kernel_initializer="ones"),
        spectra,
        4,
    ),
    "frontend": (
        lambda: kapre.Frontend.from_preset("kaldi_fbank", n_mels=8),
        chirp(1, 900)[..., 0].astype("float32"),
        4,
    ),
    "MFCC": (lambda: kapre.LogmelToMFCC(5), spectra, 4),
    "bank": (lambda: kapre.ApplyFilterbank("mel", dict(sample_rate=16000, n_freq=33, n_mels=8)), spectra, 2),
    "delta": (kapre.Delta, spectra, 2),
}


@pytest.fixture
def _switching() -> Iterator[None]:
    """Let threads take turns after each few instructions."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def at_once(fn: Callable[[int], Any]) -> list[Any]:
    """Return what `fn` gives, or raises, in each of some threads that begin together."""
    barrier = threading.Barrier(THREADS)
    found: list[Any] = [None] * THREADS

    def work(index: int) -> None:
        barrier.wait()
        try:
            found[index] = fn(index)
        except Exception as error:
            found[index] = error

    threads = [threading.Thread(target=work, args=(index,), daemon=True) for index in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60.0)
    assert not any(thread.is_alive() for thread in threads), "the threads wait for one another"
    return found


@pytest.mark.usefixtures("_switching")
@pytest.mark.parametrize("name", list(LAYERS))
def test_first_calls_from_several_threads(name: str) -> None:
    make, x, tries = LAYERS[name]
    x = ops.convert_to_tensor(x)
    expected = to_numpy(make()(x))
    for _ in range(tries):
        layer = make()
        for _ in range(2):  # at once, and whatever that left behind
            for y in at_once(lambda _: to_numpy(layer(x))):  # noqa: B023
                assert not isinstance(y, Exception), repr(y)
                np.testing.assert_array_equal(y, expected)


@pytest.mark.usefixtures("_switching")
def test_a_chain_and_its_layers_at_once() -> None:
    x = ops.convert_to_tensor(waves)
    make = LAYERS["mel helper"][0]
    expected = [to_numpy(make()(x)), to_numpy(make().layers[0](x))]
    for _ in range(4):
        helper = make()
        found = at_once(lambda index: to_numpy((helper, helper.layers[0])[index % 2](x)))  # noqa: B023
        for index, y in enumerate(found):
            assert not isinstance(y, Exception), repr(y)
            np.testing.assert_array_equal(y, expected[index % 2])


@pytest.mark.usefixtures("_switching")
def test_streams_made_at_once() -> None:
    frontend = kapre.Frontend.from_preset("kaldi_fbank", n_mels=8)
    x = ops.convert_to_tensor(LAYERS["frontend"][1])

    def features(_: int) -> np.ndarray:
        stream = frontend.stream()
        return to_numpy(stream.step(x, stream.initial_state())[0])

    found = at_once(features)
    for y in found:
        assert not isinstance(y, Exception), repr(y)
        np.testing.assert_array_equal(y, found[0])
    np.testing.assert_allclose(found[0], to_numpy(frontend(x)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("called", [False, True])
def test_a_layer_is_copied_and_pickled_before_and_behind_its_first_call(called: bool) -> None:
    x = ops.convert_to_tensor(waves)
    helper = LAYERS["mel helper"][0]()
    expected = to_numpy(LAYERS["mel helper"][0]()(x))
    if called:
        helper(x)
    for again in (copy.deepcopy(helper), pickle.loads(pickle.dumps(helper)), keras.models.clone_model(helper)):
        np.testing.assert_allclose(to_numpy(again(x)), expected, rtol=1e-5, atol=1e-4)


def test_a_first_call_that_fails_leaves_the_next_one_whole() -> None:
    helper = LAYERS["mel helper"][0]()
    for error in at_once(lambda _: helper(ops.ones((1, 400), "int32"))):
        assert isinstance(error, (TypeError, ValueError))
    np.testing.assert_array_equal(to_numpy(helper(waves)), to_numpy(LAYERS["mel helper"][0]()(waves)))
