"""Griffin-Lim: a waveform whose short-time Fourier transform has given magnitudes.

Griffin and Lim, "Signal Estimation from Modified Short-Time Fourier Transform", 1984; Perraudin et al., "A Fast
Griffin-Lim Algorithm", 2013. Spectra are pairs of `(..., frames, bins)`, so that no complex numbers are needed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from kapre._checks import count, message, number
from kapre.ops import fourier, frames, noise
from kapre.ops.counts import at_least_0
from kapre.ops.fourier import Pair, constant
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels._blocks import Edges
from kapre.ops.windows import overlapped_power

_LEAST_OVERLAP = 0.05
"""The part of the largest overlapped power by which samples are divided at least. At the ends of a clip whose frames
are not centred, the squared windows go to 0, and would magnify what is inconsistent there without a limit."""


class Framing(NamedTuple):
    """Describe how a clip is padded and cut into frames: `mode` is one of `numpy.pad`.

    `analysis` is the window, at its position in a frame.
    """

    analysis: np.ndarray
    n_fft: int
    hop_length: int
    left: int = 0
    right: int = 0
    mode: str = "constant"

    def num_samples(self, frame_count: Any) -> Any:
        """Return how many samples frames cover, without the padding: an int or an integer tensor."""
        return at_least_0((frame_count - 1) * self.hop_length + len(self.analysis) - self.left - self.right)

    def transform(self, x: Any, lengths: Any = None) -> Pair:
        """Return the spectra of samples `(..., time)`."""
        x = frames.at_edges(x, Edges(self.left, self.right, self.mode, lengths))
        return fourier.stft(x, self.analysis, self.n_fft, self.hop_length)

    def overlapped(self, like: Any, there: Any = None) -> Any:
        """Return the sum of the squared windows at each sample of padded clips, at least a part of the largest sum."""
        squared = fourier.squared_windows(like, self.analysis, there)
        least = _LEAST_OVERLAP * float(overlapped_power(self.analysis, self.hop_length).max())
        return kernel.at_least(frames.overlap_add(squared, self.hop_length), least or 1.0)

    def heard(self, silent: Any) -> Any:
        """Return 1 for each sample of padded clips that no `silent` frame, 1 of `(..., frames, 1)`, covers, else 0."""
        if fourier.is_empty(silent):
            return None
        covered = silent * constant((np.abs(self.analysis) > 0.0).astype("float64"), silent)
        return ops.cast(frames.overlap_add(covered, self.hop_length) < 0.5, silent.dtype)

    def padded_samples(self, pair: Pair, overlapped: Any, there: Any = None) -> Any:
        """Return the samples of padded clips whose spectra are the closest ones, by overlap-add."""
        summed = frames.overlap_add(fourier.synthesized(pair, self.analysis, self.n_fft, there), self.hop_length)
        return summed / overlapped

    def without_padding(self, x: Any, behind: int = 0) -> Any:
        """Cut off the padding, and the same for the end with `behind` samples of it kept."""
        size = ops.shape(x)[-1]
        left = min(self.left, size) if isinstance(size, int) else self.left
        return x[..., left : at_least_0(size - left - max(0, self.right - behind)) + left]


def check_steps(name: str, value: Any) -> int:
    """Return a valid number of steps, which may be 0, or raise."""
    return count(name, value, "Use 32 or more, or 0 for the first guess alone.")


def check_momentum(value: Any) -> float:
    """Return a valid momentum of Griffin-Lim, or raise."""
    rule, remedy = "a number from 0 to 1", "Use 0.99, or 0.0 for none."
    found = number("momentum", value, remedy, at_least=0.0, rule=rule)
    if found > 1.0:
        raise ValueError(message("momentum", rule, value, remedy))
    return found


def framing_of(recipe: Any) -> Framing:
    """Return the framing of a recipe that pads no frame at the end."""
    left, right = recipe.padding
    return Framing(recipe.analysis_window, recipe.n_fft, recipe.hop_length, left, right, recipe.padded_by)


def starting_phase(size: Any, seed: int | None) -> Pair:
    """Return phases as pairs of magnitude 1: all 0, or those of white noise, which are the same for each clip.

    The phase of a bin in a frame is a function of the seed and of its place, so that it depends on no other frame.
    """
    if seed is None:
        return ops.ones_like(size), ops.zeros_like(size)
    frame_count, bins = ops.shape(size)[-2], ops.shape(size)[-1]
    dtype = keras.backend.standardize_dtype(size.dtype)
    keys = np.random.default_rng(seed).integers(0, 2**31, (2, 2), dtype="int64").astype("int32")
    drawn = noise.white(kernel.beside(ops.convert_to_tensor(keys), size), frame_count * bins, dtype)
    real, imag = (ops.reshape(drawn[part], (frame_count, bins)) + ops.zeros_like(size) for part in range(2))
    return _directions((real, imag))


def _directions(pair: Pair) -> Pair:
    """Return pairs of magnitude 1 with the same phase, or phase 0 where the power underflows."""
    real, imag = pair
    power = ops.square(real) + ops.square(imag)
    silent = power < float(np.finfo(keras.backend.standardize_dtype(real.dtype)).tiny)
    factor = ops.rsqrt(ops.where(silent, ops.ones_like(power), power))
    return ops.where(silent, ops.ones_like(real), real * factor), ops.where(silent, ops.zeros_like(imag), imag * factor)


def _level(size: Any) -> Any:
    """Return the largest magnitude of each clip as a constant, `(..., 1, 1)`, or 1 of silence.

    The result is proportional to the magnitudes. Of magnitudes up to 1, the gradients of phases are finite.
    """
    if fourier.is_empty(size):
        return ops.ones((*[1] * (len(size.shape) - 2), 1, 1), dtype=size.dtype)
    largest = ops.stop_gradient(ops.amax(size, axis=(-2, -1), keepdims=True))
    silent = largest <= float(np.finfo(keras.backend.standardize_dtype(size.dtype)).tiny)
    return ops.where(silent, ops.ones_like(largest), largest)


def griffin_lim(
    size: Any,
    framing: Framing,
    steps: int = 32,
    momentum: float = 0.99,
    seed: int | None = None,
    counts: Any = None,
    behind: int = 0,
    heard: Any = None,
) -> Any:
    """Return the waveform `(..., time)` of magnitudes `(..., frames, bins)`.

    Each step computes the spectra c of the waveform, and takes the phase of `c - momentum / (1 + momentum) c'` with the
    spectra c' of the step before. `counts`, of shape `(batch,)`, holds the number of frames of each item. `behind`
    samples of the padding at the end are kept. `heard` is a factor of the padded samples, which is 0 where they are
    known to be silent.
    """
    there = lengths = None
    if counts is not None:
        there = frames.within(ops.shape(size)[-2], counts, len(size.shape), axis=-2)
        size = ops.where(there, size, ops.zeros_like(size))
        lengths = framing.num_samples(ops.cast(counts, "int32"))
    level = _level(size)
    size = size / level
    overlapped = framing.overlapped(size, there)
    share = constant(momentum / (1.0 + momentum), size)
    shape = ops.shape(size)

    def samples(phase: Pair) -> Any:
        x = framing.padded_samples((size * phase[0], size * phase[1]), overlapped, there)
        return x if heard is None else x * heard

    def step(_: Any, state: tuple[Any, Any, Any, Any]) -> tuple[Any, Any, Any, Any]:
        x = framing.without_padding(samples(state[:2]))
        # A loop of TensorFlow wants tensors of the same static shape in each step.
        real, imag = (ops.reshape(part[..., : shape[-2], :], shape) for part in framing.transform(x, lengths))
        phase = _directions((real - share * state[2], imag - share * state[3]))
        return *phase, real, imag

    nothing = ops.zeros_like(size)
    state = (*starting_phase(size, seed), nothing, nothing)
    if steps and not fourier.is_empty(size):
        state = ops.fori_loop(0, steps, step, state)
    y = framing.without_padding(samples(state[:2]) * level[..., 0], behind)
    return y if lengths is None else frames.keep(y, lengths + behind)
