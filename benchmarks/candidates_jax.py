"""Candidates on JAX: jitted, jitted gradients, and what Keras makes of the layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.signal
import numpy as np

from benchmarks import layers
from benchmarks.candidate import CLASSES, FLOOR, INVERSE, NO_ROOT, Candidate, Way
from benchmarks.shapes import AMIN, Framing, Shape, hann, mel_matrix

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
)
DISTRIBUTIONS = ("jax", "jaxlib", "keras", "numpy")


def use_threads(count: int) -> None:
    """Do nothing: XLA takes as many threads as the process has cores."""


def peers(kind: str, shape: Shape) -> list[Way]:
    """Return `jax.scipy.signal.stft` with a matrix product; the window lies at the start of `n_fft` samples."""
    padded = np.pad(hann(shape.win), (0, shape.spare))
    mel = jnp.asarray(mel_matrix(shape), jnp.float32)

    gain = padded.sum().astype("float32")  # SciPy divides by the sum of the window

    def stft(x: jax.Array) -> jax.Array:
        window = jnp.asarray(padded, jnp.float32)
        found = jax.scipy.signal.stft(
            x,
            window=window,
            nperseg=shape.n_fft,
            noverlap=shape.n_fft - shape.hop,
            nfft=shape.n_fft,
            boundary=None,
            padded=False,
        )
        return found[2]

    def magnitude(x: jax.Array) -> jax.Array:
        return jnp.abs(stft(x)) * gain

    def power(x: jax.Array) -> jax.Array:
        z = stft(x)
        return (jnp.square(z.real) + jnp.square(z.imag)) * gain**2

    def to_mel(y: jax.Array) -> jax.Array:
        return jnp.einsum("...ft,fm->...tm", y, mel)

    def logmel(power: jax.Array) -> jax.Array:
        return 10.0 * jnp.log10(jnp.maximum(to_mel(power), AMIN))

    framing, name = Framing(behind=shape.spare), "jax.scipy.signal.stft"
    if kind == "stft_magnitude":
        return [Way(name, magnitude, framing, bands_first=True)]
    if kind == "stft":
        return [Way(name, lambda x: stft(x) * gain, framing, bands_first=True)]
    if kind == "mel_magnitude":
        return [Way(name, lambda x: to_mel(magnitude(x)), framing)]
    return [
        Way(name, lambda x: logmel(jnp.square(magnitude(x))), framing),
        Way(name + NO_ROOT, lambda x: logmel(power(x)), framing),
    ]


def ways(kind: str, shape: Shape) -> list[Way]:
    """Return ours and the peers."""
    return layers.ways(kind, shape) + ([] if kind == "call_path" else peers(kind, shape))


def inverses(shape: Shape) -> list[tuple[Callable[[Any], Any], Way]]:
    """Return transforms and ways to invert their results."""
    window = jnp.asarray(np.pad(hann(shape.win), (0, shape.spare)), jnp.float32)
    about = dict(window=window, nperseg=shape.n_fft, noverlap=shape.n_fft - shape.hop, nfft=shape.n_fft)

    def forward(x: jax.Array) -> jax.Array:
        return jax.scipy.signal.stft(x, **about)[2]

    return [
        *layers.inverses(shape),
        (forward, Way("jax.scipy.signal.istft", lambda z: jax.scipy.signal.istft(z, **about)[1])),
    ]


def _waiting(function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    return lambda: jax.block_until_ready(function(*arguments))


def _training(way: Way, wave: jax.Array) -> Candidate:
    step = jax.jit(jax.grad(lambda x: jnp.sum(way.function(x))))
    return way.gradient(_waiting(step, wave), np.asarray, "jit")


def _training_model(way: Way, wave: jax.Array, mels: int) -> Candidate:
    step = jax.jit(jax.grad(lambda weights, x: jnp.mean(jnp.matmul(way.features(x), weights))))
    return way.gradient(_waiting(step, jnp.zeros((mels, CLASSES)), wave), np.asarray, "jit")


def candidates(kind: str, shape: Shape, x: np.ndarray) -> list[Candidate]:
    """Return every way to compute a kind."""
    wave = jnp.asarray(x)
    if kind == FLOOR:
        call = _waiting(jax.jit(jnp.fft.rfft), jnp.asarray(layers.ready_frames(shape, x)))
        return [Candidate("jnp.fft.rfft", call, np.asarray, mode="jit")]
    if kind == "predict":
        return layers.predictors(shape, x)
    if kind == "bare_layer":
        return [way.candidate(_waiting(way.function, wave), np.asarray, "layer(x)") for way in layers.ways(kind, shape)]
    if kind == INVERSE:
        found = inverses(shape)
        return [w.candidate(_waiting(jax.jit(w.function), jax.jit(fn)(wave)), np.asarray, "jit") for fn, w in found]
    if kind == "training":
        return [_training(way, wave) for way in ways(kind, shape)]
    if kind == "training_model":
        return [_training_model(way, wave, shape.mels) for way in ways(kind, shape)]
    return [way.candidate(_waiting(jax.jit(way.function), wave), np.asarray, "jit") for way in ways(kind, shape)]
