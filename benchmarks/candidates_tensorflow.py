"""Candidates on TensorFlow: `tf.function` as a graph and under XLA, gradients, and what Keras makes of the layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks import layers
from benchmarks.candidate import CLASSES, FLOOR, FRAMINGS, INVERSE, NO_ROOT, Candidate, Way
from benchmarks.shapes import AMIN, DECIBEL, OURS, Shape, hann, mel_matrix

KINDS = (
    "logmel",
    "mel_magnitude",
    "stft_magnitude",
    "stft",
    INVERSE,
    "training",
    "training_model",
    "bare_layer",
    "call_path",
    "predict",
    FLOOR,
    FRAMINGS,
)
DISTRIBUTIONS = ("tensorflow-cpu", "keras", "numpy")
MODES = {"graph": False, "XLA": True}


def use_threads(count: int) -> None:
    """Let TensorFlow use so many threads; it has to come before everything else."""
    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(count)
    tf.get_logger().setLevel("ERROR")  # each candidate is a tf.function of its own, which it warns of


def read(y: Any) -> np.ndarray:
    """Return a tensor as an array."""
    return y.numpy()


def peers(kind: str, shape: Shape) -> list[Way]:
    """Return `tf.signal.stft` with a matrix product."""
    mel = tf.constant(mel_matrix(shape), tf.float32)

    def stft(x: tf.Tensor) -> tf.Tensor:
        return tf.signal.stft(x, shape.win, shape.hop, shape.n_fft)

    def power(x: tf.Tensor) -> tf.Tensor:
        z = stft(x)
        return tf.square(tf.math.real(z)) + tf.square(tf.math.imag(z))

    def logmel(power: tf.Tensor) -> tf.Tensor:
        return DECIBEL * tf.math.log(tf.maximum(tf.matmul(power, mel), AMIN))

    if kind == "stft_magnitude":
        return [Way("tf.signal", lambda x: tf.abs(stft(x)), OURS)]
    if kind == "stft":
        return [Way("tf.signal", stft, OURS)]
    if kind == "mel_magnitude":
        return [Way("tf.signal", lambda x: tf.matmul(tf.abs(stft(x)), mel), OURS)]
    return [
        Way("tf.signal", lambda x: logmel(tf.square(tf.abs(stft(x)))), OURS),
        Way("tf.signal" + NO_ROOT, lambda x: logmel(power(x)), OURS),
    ]


def ways(kind: str, shape: Shape) -> list[Way]:
    """Return ours and the peers."""
    return layers.ways(kind, shape) + ([] if kind == "call_path" else peers(kind, shape))


def _gathered(x: tf.Tensor, size: int, hop: int, count: int) -> tf.Tensor:
    return tf.gather(x, hop * np.arange(count)[:, None] + np.arange(size), axis=1)


def _sliced(x: tf.Tensor, size: int, hop: int, count: int) -> tf.Tensor:
    """Cut frames out of whole hops, side by side."""
    hops = -(-size // hop)
    rows = tf.reshape(x[:, : (count + hops - 1) * hop], (-1, count + hops - 1, hop))
    return tf.concat([rows[:, i : i + count] for i in range(hops)], -1)[..., :size]


def framings(shape: Shape) -> list[Way]:
    """Return log-mel with frames cut in each way, as long as the window or the DFT, and the bank whole or in groups."""
    whole = tf.constant(mel_matrix(shape), tf.float32)
    of_recipe = layers.recipe(shape).bank_groups("float32") or ()
    groups = [(low, high, tf.constant(w, tf.float32)) for low, high, w in of_recipe]
    cuts = {
        "tf.signal.frame": lambda x, size, hop, count: tf.signal.frame(x, size, hop),
        "a gather": _gathered,
        "whole hops": _sliced,
    }
    banks = {
        "whole": lambda power: tf.matmul(power, whole),
        "in groups": lambda power: tf.concat([tf.matmul(power[..., low:high], w) for low, high, w in groups], -1),
    }
    sizes = {"window": shape.win, "DFT": shape.n_fft}

    def way(cut: str, length: str, bank: str) -> Way:
        size = sizes[length]
        window = tf.constant(np.pad(hann(shape.win), (0, size - shape.win)), tf.float32)
        behind = (shape.frames - 1 + -(-size // shape.hop)) * shape.hop - shape.samples  # for whole hops

        def logmel(x: tf.Tensor) -> tf.Tensor:
            x = tf.pad(x, [(0, 0), (0, max(0, behind))])
            framed = cuts[cut](x, size, shape.hop, shape.frames)[:, : shape.frames]
            z = tf.signal.rfft(framed * window, [shape.n_fft])
            power = tf.square(tf.math.real(z)) + tf.square(tf.math.imag(z))
            return DECIBEL * tf.math.log(tf.maximum(banks[bank](power), AMIN))

        return Way(f"{cut}, {length}, bank {bank}", logmel, OURS)

    lengths = [name for name, size in sizes.items() if name == "window" or size > shape.win]
    return [way(cut, length, bank) for cut in cuts for length in lengths for bank in banks]


def inverses(shape: Shape) -> list[tuple[Callable[[Any], Any], Way]]:
    """Return transforms and ways to invert their results."""
    about = shape.win, shape.hop, shape.n_fft

    def forward(x: tf.Tensor) -> tf.Tensor:
        return tf.signal.stft(x, *about)

    def back(z: tf.Tensor) -> tf.Tensor:
        return tf.signal.inverse_stft(z, *about, tf.signal.inverse_stft_window_fn(shape.hop))

    return [*layers.inverses(shape), (forward, Way("tf.signal.inverse_stft", back))]


def compiled(way: Way, wave: tf.Tensor, mode: str) -> Candidate:
    """Return a way as a `tf.function`."""
    function = tf.function(way.function, jit_compile=MODES[mode])
    return way.candidate(lambda: function(wave), read, mode)


def _training(way: Way, wave: tf.Tensor, mode: str) -> Candidate:
    @tf.function(jit_compile=MODES[mode])
    def step(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(way.function(x))
        return tape.gradient(loss, x)

    return way.gradient(lambda: step(wave), read, mode)


def _training_model(way: Way, wave: tf.Tensor, mels: int, mode: str) -> Candidate:
    @tf.function(jit_compile=MODES[mode])
    def step(weights: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        features = way.function(x)
        if way.bands_first:
            features = tf.linalg.matrix_transpose(features)
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = tf.reduce_mean(tf.matmul(features, weights))
        return tape.gradient(loss, weights)

    weights = tf.zeros((mels, CLASSES))
    return way.gradient(lambda: step(weights, wave), read, mode)


def candidates(kind: str, shape: Shape, x: np.ndarray) -> list[Candidate]:
    """Return every way to compute a kind."""
    wave = tf.constant(x)
    if kind == FLOOR:
        frames = tf.constant(layers.ready_frames(shape, x))
        function = tf.function(tf.signal.rfft)
        return [Candidate("tf.signal.rfft", lambda: function(frames), read, mode="graph")]
    if kind == "predict":
        return layers.predictors(shape, x)
    if kind == "bare_layer":
        return [w.candidate(lambda w=w: w.function(wave), read, "layer(x)") for w in layers.ways(kind, shape)]
    if kind == FRAMINGS:
        if shape.key in "be":  # where nothing is left to explain
            return []
        found = [*layers.ways("logmel", shape), *framings(shape)]
        return [compiled(way, wave, mode) for way in found for mode in MODES]
    if kind == INVERSE:
        return [compiled(way, forward(wave), mode) for forward, way in inverses(shape) for mode in MODES]
    every = [(way, mode) for way in ways(kind, shape) for mode in MODES]
    if kind == "training":
        return [_training(way, wave, mode) for way, mode in every]
    if kind == "training_model":
        return [_training_model(way, wave, shape.mels, mode) for way, mode in every]
    return [compiled(way, wave, mode) for way, mode in every]
