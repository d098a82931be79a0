"""Candidates on TensorFlow: `tf.function` as a graph and under XLA, gradients, and what Keras makes of the layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks import layers
from benchmarks.candidate import CLASSES, FLOOR, NO_ROOT, Candidate, Way
from benchmarks.shapes import AMIN, DECIBEL, OURS, Shape, mel_matrix

KINDS = (
    "logmel",
    "mel_magnitude",
    "stft_magnitude",
    "training",
    "training_model",
    "bare_layer",
    "call_path",
    "predict",
    FLOOR,
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
    if kind == "mel_magnitude":
        return [Way("tf.signal", lambda x: tf.matmul(tf.abs(stft(x)), mel), OURS)]
    return [
        Way("tf.signal", lambda x: logmel(tf.square(tf.abs(stft(x)))), OURS),
        Way("tf.signal" + NO_ROOT, lambda x: logmel(power(x)), OURS),
    ]


def ways(kind: str, shape: Shape) -> list[Way]:
    """Return ours and the peers."""
    return layers.ways(kind, shape) + ([] if kind == "call_path" else peers(kind, shape))


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
    every = [(way, mode) for way in ways(kind, shape) for mode in MODES]
    if kind == "training":
        return [_training(way, wave, mode) for way, mode in every]
    if kind == "training_model":
        return [_training_model(way, wave, shape.mels, mode) for way, mode in every]
    return [compiled(way, wave, mode) for way, mode in every]
