"""Waveforms from the features of a recipe: what `Frontend.invert` does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from kapre import stages
from kapre._checks import checked_seed, message
from kapre._layer import check_real
from kapre._lengths import checked_lengths
from kapre.ops import frames, kernels
from kapre.ops.griffin_lim import check_momentum, check_steps
from kapre.recipe import Recipe
from kapre.stages import Back


def _statistic(name: str, value: Any, recipe: Recipe) -> Any:
    """Return a mean or deviation as one number, or an array with one number for each value that is normalised."""
    stated = {"mean": ("mean", "mean_std"), "deviation": ("mean_std",)}[name]
    if recipe.normalize not in stated:
        rule = f"None for a recipe that does not normalise by a {name}"
        raise ValueError(message(name, rule, value, f"Leave {name} out."))
    width = recipe.bands // (recipe.stack * (1 + recipe.deltas))
    found = np.asarray(value, "float64")
    if found.shape not in ((), (width,)) or not np.isfinite(found).all():
        rule = f"a finite number, or {width} of them"
        raise ValueError(message(name, rule, f"shape {found.shape}", "Give one number for each band."))
    return found


def _window(recipe: Recipe, learned: np.ndarray | None) -> np.ndarray:
    if learned is None:
        return recipe.analysis_window
    return np.pad(np.asarray(learned, "float64"), recipe.window_margins)


def _counts(recipe: Recipe, lengths: Any) -> Any:
    """Return the number of valid frames of each clip before the last stages, or None if all are."""
    if lengths is None or recipe.fixed_samples is not None or recipe.power is None:
        return None
    counts = recipe.num_valid(lengths)
    counts = counts if recipe.fixed_frames is None else ops.minimum(counts, recipe.fixed_frames)
    return ops.minimum(counts, _covered(recipe, counts))


def _covered(recipe: Recipe, counts: Any) -> Any:
    """Return how many of a number of frames are within whole stacks and patches, or more."""
    stacks = recipe.num_stacks(counts)
    if recipe.patch_frames is not None and recipe.patch_hop is not None:
        patches = stages.PATCHES.count(recipe, stages.MULTIPLE.count(recipe, stacks))
        stacks = ops.minimum(stacks, _reached(patches, recipe.patch_frames, recipe.patch_hop))
    if recipe.stack == 1:
        return stacks
    return _reached(stacks, recipe.stack - stages.STACK.front(recipe), recipe.stack_hop)


def _reached(groups: Any, size: int, hop: int) -> Any:
    """Return the number of entries up to the end of the last group, or 0 without one."""
    return ops.where(groups > 0, (groups - 1) * hop + size, 0 * groups)


def _checked(features: Any, recipe: Recipe, dtype: str) -> Any:
    x = features if ops.is_tensor(features) else ops.convert_to_tensor(np.asarray(features))
    check_real(x.dtype)
    shape = recipe.output_shape(None)
    wanted = ("batch", *("time" if size is None else size for size in shape))
    fits = len(x.shape) == len(wanted) and all(
        size in (None, given) for size, given in zip(shape, tuple(x.shape)[1:], strict=True)
    )
    if not fits:
        rule = f"of shape ({', '.join(map(str, wanted))})"
        way = "Give it what the front end returns. For one clip, add the batch: features[None]."
        raise ValueError(message("features", rule, tuple(x.shape), way))
    return ops.cast(x, dtype)


@dataclass(frozen=True)
class _Settings:
    """Hold what the way back is compiled for."""

    recipe: Recipe
    steps: int
    momentum: float
    bank_steps: int
    seed: int | None


def _undone(
    of: _Settings, x: Any, lengths: Any, mean: Any, deviation: Any, window: Any = None, bank: Any = None
) -> Any:
    """Return the waveforms of features. A trained `window` and `bank` are arrays, never tensors."""
    recipe = of.recipe
    back = Back(
        window=_window(recipe, window),
        bank=recipe.bank if bank is None else np.asarray(bank, "float64"),
        lengths=lengths,
        counts=_counts(recipe, lengths),
        mean=0.0 if mean is None else mean,
        deviation=1.0 if deviation is None else deviation,
        steps=of.steps,
        momentum=of.momentum,
        bank_steps=of.bank_steps,
        seed=of.seed,
    )
    y = stages.undo(recipe, x, back)
    return y if lengths is None else frames.keep(y, lengths)


_compiled = kernels.compiled(_undone)


def invert(
    recipe: Recipe,
    features: Any,
    lengths: Any,
    dtype: str,
    learned: tuple[np.ndarray | None, np.ndarray | None],
    n_iter: int,
    momentum: float,
    bank_steps: int,
    seed: int | None,
    mean: Any,
    deviation: Any,
) -> Any:
    """Return the waveforms `(batch, time)` of features. `learned` are the window and the bank, or None."""
    stages.check_invertible(recipe)
    settings = _Settings(
        recipe,
        check_steps("n_iter", n_iter),
        check_momentum(momentum),
        check_steps("bank_steps", bank_steps),
        checked_seed(seed),
    )
    x = _checked(features, recipe, dtype)
    if lengths is not None:
        lengths = ops.cast(ops.convert_to_tensor(checked_lengths(x, lengths)), "int32")
    if mean is not None:
        mean = ops.convert_to_tensor(_statistic("mean", mean, recipe).astype(dtype))
    if deviation is not None:
        deviation = ops.convert_to_tensor(_statistic("deviation", deviation, recipe).astype(dtype))
    if all(values is None for values in learned):
        return _compiled(settings, x, lengths, mean, deviation)
    return _undone(settings, x, lengths, mean, deviation, *learned)
