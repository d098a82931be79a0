"""The way back from bands and their logarithm to samples: what `spectrum` computes, undone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from kapre._lazy import needs
from kapre.stages._stage import Back
from kapre.stages.chunks import frames_in_chunk
from kapre.stages.energy import least_energy
from kapre.stages.logarithm import fixed_reference
from kapre.stages.preemphasis import deemphasis, no_deemphasis, within_frames

if TYPE_CHECKING:
    from keras import ops

    from kapre.ops import fourier, frames, inverse_bank, scales
    from kapre.ops.fourier import constant
    from kapre.ops.griffin_lim import Framing, griffin_lim
    from kapre.ops.kernels import active as kernel
    from kapre.ops.kernels import current
    from kapre.recipe import Recipe

needs(
    __name__,
    ops="keras.ops",
    fourier="kapre.ops.fourier",
    frames="kapre.ops.frames",
    inverse_bank="kapre.ops.inverse_bank",
    scales="kapre.ops.scales",
    constant="kapre.ops.fourier:constant",
    Framing="kapre.ops.griffin_lim:Framing",
    griffin_lim="kapre.ops.griffin_lim:griffin_lim",
    kernel="kapre.ops.kernels:active",
    current="kapre.ops.kernels:current",
)

_LARGEST = 60.0
"""The largest natural logarithm of a power that is undone. Its exponential is far above full scale, and finite in
float32."""
_AT_FLOOR = 1.001
"""How far above the floor of the logarithm a value counts as silence."""


def lost(recipe: Recipe) -> tuple[str, ...]:
    """Return what of the spectrum cannot be brought back, in sentences."""
    found = []
    if recipe.normalize_frames:
        found.append("The mean and the level of each frame are lost.")
    elif recipe.remove_dc:
        found.append("The mean of each frame is lost.")
    if recipe.transform == "dft":
        found.append("The phases are lost: Griffin-Lim estimates others.")
    if recipe.bank is not None:
        used = np.flatnonzero(recipe.bank.any(axis=1)) * (recipe.sample_rate or 0.0) / recipe.n_fft
        ends = f"{used.min():.0f} to {used.max():.0f} Hz" if used.size else "no frequency"
        found.append(f"{recipe.bank.shape[1]} bands hold {recipe.n_freq} bins, from {ends}.")
    if recipe.log is not None and recipe.amin_by == "max":
        found.append(f"Values below {recipe.amin:g} are raised to it, and become silence.")
    if recipe.hop_length > recipe.frame_length:
        found.append("Samples between two frames are lost.")
    return tuple(found)


def no_way_back(recipe: Recipe) -> tuple[str, str] | None:
    """Return why samples cannot be estimated, and a remedy, or None if they can."""
    if recipe.transform == "cqt":
        return "the constant-Q transform has no inverse here", "transform='dft', n_fft=2048"
    if within_frames(recipe) and no_deemphasis(recipe):
        return no_deemphasis(recipe)
    if recipe.chunk_length is not None and frames_in_chunk(recipe) * recipe.hop_length != recipe.chunk_length:
        why = f"chunk_length={recipe.chunk_length} is no multiple of the frames in a chunk"
        return why, f"chunk_length={frames_in_chunk(recipe) * recipe.hop_length}"
    return None


def samples_of(recipe: Recipe, x: Any, back: Back) -> Any:
    """Return the samples `(..., time)`, without their padding, of bands `(..., frames, bands)`."""
    if recipe.chunk_length is not None:
        *lead, chunk_count, frame_count, bins = ops.shape(x)
        x = ops.reshape(x, (*lead, chunk_count * frame_count, bins))
    framing, behind = _framing(recipe, back)
    if recipe.transform == "identity":
        y = _added(x, framing, behind, _counts(recipe, back))
    else:
        x = _linear(recipe, x)
        if back.silent is not None:
            x = ops.where(back.silent, ops.zeros_like(x), x)
        x = _magnitudes(recipe, x, back)
        counts = _counts(recipe, back)
        back.heard = framing.heard(_silent(x, back, counts))
        y = griffin_lim(x, framing, back.steps, back.momentum, back.seed, counts, behind, back.heard)
        if back.heard is not None:
            back.heard = framing.without_padding(back.heard, behind)
    return deemphasis(y, recipe.preemphasis, back) if within_frames(recipe) else y


def _silent(x: Any, back: Back, counts: Any) -> Any:
    """Tell which frames of a clip are silent, `(..., frames, 1)`. Their samples are 0 in other frames, too."""
    found = ops.sum(x, axis=-1, keepdims=True) <= 0.0
    if back.silent is not None:
        found = ops.logical_and(found, ops.logical_not(back.silent))
    if counts is not None:
        there = frames.within(ops.shape(x)[-2], counts, len(x.shape), axis=-2)
        found = ops.logical_and(found, there)
    return ops.cast(found, x.dtype)


def _counts(recipe: Recipe, back: Back) -> Any:
    if back.counts is None or recipe.chunk_length is None:
        return back.counts
    return back.counts * frames_in_chunk(recipe)


def _framing(recipe: Recipe, back: Back) -> tuple[Framing, int]:
    """Return the framing without the frames that were removed, and how many samples of the padding to keep."""
    left, right = recipe.padding
    mode = recipe.padded_by
    if recipe.pad_end:  # with zeros, which the last frame reaches
        right = max(0, recipe.frame_length - recipe.hop_length) if mode == "constant" else 0
    right = max(0, right - recipe.drop_last * recipe.hop_length)
    keeps = recipe.fixed_samples is not None or back.lengths is not None
    behind = min(right, recipe.hop_length) if keeps else 0
    return Framing(back.window, recipe.n_fft, recipe.hop_length, left, right, mode), behind


def _added(x: Any, framing: Framing, behind: int, counts: Any) -> Any:
    """Return the samples of frames that are themselves samples, by overlap-add of those that belong to a clip."""
    if fourier.is_empty(x):
        return ops.zeros((*ops.shape(x)[:-2], 0), dtype=x.dtype)
    there = None if counts is None else frames.within(ops.shape(x)[-2], counts, len(x.shape), axis=-2)
    weighted = x * constant(framing.analysis, x)
    weighted = weighted if there is None else ops.where(there, weighted, ops.zeros_like(weighted))
    summed = frames.overlap_add(weighted, framing.hop_length)
    return framing.without_padding(summed / framing.overlapped(x, there), behind)


def _linear(recipe: Recipe, x: Any) -> Any:
    """Return the bands of which the logarithm was taken."""
    if recipe.log is None:
        return kernel.at_least(x, 0.0)
    unit = {"ln": 1.0, "log10": math.log(10.0), "db": math.log(10.0) / 10.0}[recipe.log]
    offset = scales.reference(recipe.amin, fixed_reference(recipe)) if recipe.log == "db" else 0.0
    exponent = (x + offset) * unit
    largest = _LARGEST * (recipe.power or 1.0) / 2.0
    y = ops.exp(-kernel.at_least(-exponent, -largest))
    if recipe.amin_by == "add":
        return kernel.at_least(y - recipe.amin, 0.0)
    return ops.where(y <= _AT_FLOOR * recipe.amin, ops.zeros_like(y), y)


def _magnitudes(recipe: Recipe, x: Any, back: Back) -> Any:
    """Return the magnitudes of bins, from bands of magnitudes or of the power."""
    if back.bank is not None:
        x = inverse_bank.solve(x, inverse_bank.solver(back.bank), back.bank_steps)
    if recipe.power == 2.0:
        power = x
    elif recipe.magnitude_epsilon:
        floor = recipe.magnitude_epsilon * (1.0 if recipe.magnitude_epsilon_by == "add" else 0.0)
        power = kernel.at_least(ops.square(x) - floor, 0.0)
    else:
        power = ops.square(x)
    if back.energy is not None:
        power = power * _gain(recipe, power, back)
    return current().root(power)


def _gain(recipe: Recipe, power: Any, back: Back) -> Any:
    """Return the factor by which a frame's power, `(..., frames, bins)`, has the energy of the frame."""
    bins = np.arange(power.shape[-1])
    both = np.where((bins == 0) | (2 * bins == recipe.n_fft), 1.0, 2.0)  # bins above half of the rate are mirrored
    turns = bins / recipe.n_fft
    filtered = np.abs(1.0 - within_frames(recipe) * np.exp(-2j * np.pi * turns)) ** 2
    weights = both / np.maximum(filtered, 1e-3) / recipe.n_fft
    found = ops.sum(power * constant(weights, power), axis=-1, keepdims=True)
    window = np.asarray(back.window)
    share = float(np.sum(window**2) / max(1, np.count_nonzero(window)))
    floor = math.log(least_energy(recipe)) + 1e-3
    energy = -kernel.at_least(-back.energy, -_LARGEST)
    wanted = ops.where(energy <= floor, ops.zeros_like(energy), share * ops.exp(energy))
    tiny = found <= 1e-30
    return ops.where(tiny, ops.zeros_like(found), wanted / ops.where(tiny, ops.ones_like(found), found))
