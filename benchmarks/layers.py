"""Ours and Keras' own layer, the same for every runtime. Import it when the backend is chosen."""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import keras
import numpy as np
from keras import ops

import kapre
from benchmarks.candidate import FRAMEWORK, Candidate, Way
from benchmarks.shapes import AMIN, DECIBEL, OURS, Shape, framed_as_keras, hann
from kapre.ops import kernels

PUBLISHED = "0.4.1"
COMPILED = ("logmel", "stft", "training", "training_model")
"""Kinds in which one function is timed with the compiled kernel and without it."""
BARE = "kapre.executor.run"


def recipe(shape: Shape) -> kapre.Recipe:
    """Return the front end of a shape as a recipe: log-mel of the power."""
    return kapre.Recipe(
        sample_rate=shape.rate,
        n_fft=shape.n_fft,
        win_length=shape.win,
        hop_length=shape.hop,
        power=2.0,
        filterbank="mel",
        n_mels=shape.mels,
        log="db",
        amin=AMIN,
    )


def keras_logmel(shape: Shape) -> Any:
    """Return Keras' own mel layer with our logarithm behind it: its own takes a maximum over the batch besides."""
    layer = keras.layers.MelSpectrogram(
        fft_length=shape.n_fft,
        sequence_stride=shape.hop,
        sequence_length=shape.win,
        sampling_rate=shape.rate,
        num_mel_bins=shape.mels,
        min_freq=0.0,
        power_to_db=False,
    )
    return lambda x: ops.multiply(DECIBEL, ops.log(ops.maximum(layer(x), AMIN)))


def composed(package: ModuleType, kind: str, shape: Shape) -> keras.Model:
    """Return a helper's model, of ours or of the published package: both take the same arguments."""
    common = dict(n_fft=shape.n_fft, win_length=shape.win, hop_length=shape.hop, input_shape=(shape.samples, 1))
    if kind == "stft_magnitude":
        return package.composed.get_stft_magnitude_layer(**common)
    decibel = kind == "mel_decibel"
    return package.composed.get_melspectrogram_layer(
        **common, sample_rate=shape.rate, n_mels=shape.mels, return_decibel=decibel
    )


def without_channel(model: Any) -> Any:
    """Return a helper's model as a function of `(batch, samples)`; the channel costs nothing."""
    return lambda x: model(x[..., None])[..., 0]


def and_without(way: Way) -> list[Way]:
    """Return one of ours, and the same without the compiled kernel if that is installed."""
    plain = kernels.framework()
    if type(plain) is type(kernels.active):
        return [way]

    def function(x: Any) -> Any:
        with kernels.overlaid(plain):
            return way.function(x)

    return [way, dataclasses.replace(way, name=way.name + FRAMEWORK, function=function)]


def ways(kind: str, shape: Shape) -> list[Way]:
    """Return ours for a kind, and Keras' own layer for log-mel, or the function that the layer calls."""
    if kind in ("mel_magnitude", "mel_decibel"):
        model = composed(kapre, kind, shape)
        return and_without(Way("kapre get_melspectrogram_layer", without_channel(model), OURS, ours=True))
    if kind == "stft_magnitude":
        model = composed(kapre, kind, shape)
        return [Way("kapre get_stft_magnitude_layer", without_channel(model), OURS, ours=True)]
    if kind == "stft":
        layer = kapre.STFT(n_fft=shape.n_fft, win_length=shape.win, hop_length=shape.hop)
        return and_without(Way("kapre STFT", without_channel(layer), OURS, ours=True))
    ours = Way("kapre Frontend", kapre.Frontend(recipe(shape)), OURS, ours=True)
    if kind == "call_path":  # of a short call: of a long one there is nothing to see
        bare = Way(BARE, functools.partial(kapre.executor.run, recipe(shape)), OURS)
        return [ours, bare] if shape.batch * shape.seconds <= 1 else []
    return [
        *(and_without(ours) if kind in COMPILED else [ours]),
        Way("keras MelSpectrogram", keras_logmel(shape), framed_as_keras(shape), bands_first=True),
    ]


def inverses(shape: Shape) -> list[tuple[Callable[[Any], Any], Way]]:
    """Return our STFT and ways to invert its result."""
    about = dict(n_fft=shape.n_fft, win_length=shape.win, hop_length=shape.hop, center=True)
    back = kapre.InverseSTFT(**about, exact_edges=True, length=shape.samples)
    ways = and_without(Way("kapre InverseSTFT", without_channel(back), OURS, ours=True))
    forward = without_channel(kapre.STFT(**about))
    return [(forward, way) for way in ways]


def predictor(way: Way, shape: Shape) -> keras.Model:
    """Return a model of nothing but the front end."""
    if isinstance(way.function, keras.layers.Layer):
        return keras.Sequential([keras.Input((shape.samples,)), way.function])
    wave = keras.Input((shape.samples,))
    return keras.Model(wave, way.function(wave))


def published() -> ModuleType:
    """Import the published package as `kapre_published`, beside ours, from where it is installed."""
    name = "kapre_published"
    if name not in sys.modules:
        for found in importlib.metadata.distributions(name="kapre"):
            if found.version == PUBLISHED:
                break
        else:
            raise ModuleNotFoundError(
                f"kapre {PUBLISHED} is not installed here: `make bench` has an environment for it"
            )
        folder = found.locate_file("kapre")
        spec = importlib.util.spec_from_file_location(
            name, f"{folder}/__init__.py", submodule_search_locations=[str(folder)]
        )
        if spec is None or spec.loader is None:
            raise ModuleNotFoundError(f"no package in {folder}")
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


def predictors(shape: Shape, x: np.ndarray) -> list[Candidate]:
    """Return what `predict` of a model of the front end alone takes, ours and Keras' own layer."""
    found = []
    for way in ways("predict", shape):
        model = predictor(way, shape)
        call = functools.partial(model.predict, x, batch_size=len(x), verbose=0)
        found.append(way.candidate(call, np.asarray, "predict"))
    return found


def ready_frames(shape: Shape, x: np.ndarray) -> np.ndarray:
    """Return all windowed frames, padded to the DFT's length, `(frames of all clips, n_fft)`."""
    frames = np.zeros((shape.batch, shape.frames, shape.n_fft), np.float32)
    cut = np.lib.stride_tricks.sliding_window_view(x, shape.win, axis=-1)[:, :: shape.hop]
    np.multiply(cut, hann(shape.win).astype("float32"), out=frames[..., : shape.win])
    return frames.reshape(-1, shape.n_fft)
