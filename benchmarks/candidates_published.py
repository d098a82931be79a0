"""The published Kapre and ours on TensorFlow in one process, in the published one's own virtual environment.

Both are asked for by the same call of the same helper. The published package is imported under another name.
"""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf

from benchmarks import candidates_tensorflow as runtime
from benchmarks import layers
from benchmarks.candidate import Candidate, Way
from benchmarks.shapes import OURS, Shape

KINDS = ("mel_magnitude", "mel_decibel", "stft_magnitude")
DISTRIBUTIONS = ("tensorflow-cpu", "keras", "numpy")

use_threads = runtime.use_threads


def candidates(kind: str, shape: Shape, x: np.ndarray) -> list[Candidate]:
    """Return both packages in a graph, under XLA, as a bare call and in `predict`, and `tf.signal`."""
    import kapre

    wave, with_channel = tf.constant(x), tf.constant(x[..., None])
    found = []
    if kind == "mel_decibel":  # the same numbers by a recipe
        same = layers.recipe(shape).replace(power=1.0, amin=1e-5, dynamic_range=80.0)
        frontend = Way("kapre Frontend", kapre.Frontend(same), OURS, ours=True)
        found += [runtime.compiled(frontend, wave, mode) for mode in runtime.MODES]
    for name, package in (("kapre", kapre), (f"kapre {layers.PUBLISHED}", layers.published())):
        model = layers.composed(package, kind, shape)
        way = Way(name, layers.without_channel(model), OURS, ours=package is kapre)
        found += [runtime.compiled(way, wave, mode) for mode in runtime.MODES]

        def last(y: tf.Tensor) -> np.ndarray:
            return np.asarray(y)[..., 0]

        found.append(way.candidate(lambda model=model: model(with_channel), last, "model(x)"))
        predict = functools.partial(model.predict, x[..., None], batch_size=len(x), verbose=0)
        found.append(way.candidate(predict, last, "predict"))
    if kind != "mel_decibel":
        found += [runtime.compiled(way, wave, mode) for way in runtime.peers(kind, shape) for mode in runtime.MODES]
    return found
