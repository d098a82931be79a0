"""The stages of a recipe that process each frame before its window."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from kapre.ops import frames, scales, waves
from kapre.recipe import Recipe

_KALDI_EPSILON = float(np.finfo(np.float32).eps)  # the smallest energy whose logarithm Kaldi takes


def is_framewise(recipe: Recipe) -> bool:
    """Tell whether `spectra` processes whole frames, so that a frame must hold only its own samples."""
    by_frame = recipe.preemphasis != 0.0 and recipe.preemphasis_over == "frame"
    return recipe.remove_dc or recipe.energy is not None or by_frame


def centred(recipe: Recipe, framed: Any) -> Any:
    """Subtract the mean of each frame, if the recipe requests it."""
    return waves.without_mean(framed) if recipe.remove_dc else framed


def emphasized(recipe: Recipe, framed: Any) -> Any:
    """Apply preemphasis within each frame, if the recipe requests it."""
    if recipe.preemphasis and recipe.preemphasis_over == "frame":
        return waves.preemphasis(framed, recipe.preemphasis, recipe.preemphasis_first)
    return framed


def placed(recipe: Recipe, window: Any, like: Any) -> Any:
    """Return a window given as a weight, placed in a frame, `(frame_length,)`."""
    return frames.pad(ops.cast(window, like.dtype), *recipe.window_margins)


def log_energy(recipe: Recipe, framed: Any) -> Any:
    """Return the natural logarithm of the energy of centred frames, `(..., frames, 1)`."""
    least = max(_KALDI_EPSILON, recipe.energy_floor)
    return scales.logarithm(ops.sum(ops.square(framed), axis=-1, keepdims=True), "ln", least)
