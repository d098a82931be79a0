"""The tolerance of a comparison, and the cause of a difference. Used by `kapre.compare`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kapre._checks import number
from kapre._difference import Difference
from kapre.recipe import Recipe

_LN_TOLERANCE = 2e-3
_UNITS = {"ln": 1.0, "log10": 1.0 / math.log(10.0), "db": 10.0 / math.log(10.0)}
_LINEAR_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Cause:
    """Describe how the features were made differently.

    Attributes:
        words: A text of the form "The features were made with …".
        changes: Recipe fields that express the cause, for `replace`. Empty if no field does.
        difference: The difference that remains with this cause.
        preset: The preset that is the cause, to which `changes` then apply. Usually empty.
    """

    words: str
    changes: dict[str, Any]
    difference: Difference
    preset: str = ""

    @property
    def call(self) -> str:
        """Return code that makes such a recipe: `replace(…)` of the given recipe or a preset, or an empty string."""
        change = f"replace({', '.join(f'{k}={v!r}' for k, v in self.changes.items())})" if self.changes else ""
        if self.preset:
            return f"kapre.frontends.preset({self.preset!r}).recipe" + (f".{change}" if change else "")
        return change


def default_tolerance(recipe: Recipe | None, peak: float) -> float:
    """Return the largest difference that counts as equal, in the unit of the features.

    The tolerance is 2e-3 in natural-log units (8.7e-4 of log10, 8.7e-3 dB), multiplied by the recipe's `feature_scale`.
    It is above the float32 error of any published front end and below the effect of any wrong choice. Without a
    logarithm it is 1e-4 of the peak. Without a recipe it is 2e-3, or 2e-3 of the peak if that is below 1.

    Args:
        recipe: The recipe that made the features, or None.
        peak: The largest magnitude of the features.

    Example:
        ```python
        import kapre

        recipe = kapre.frontends.preset("kaldi_fbank").recipe
        assert kapre.compare.default_tolerance(recipe, peak=20.0) == 2e-3
        ```
    """
    if recipe is None:
        return _LN_TOLERANCE * (min(1.0, peak) or 1.0)
    if recipe.log is None or recipe.power is None:
        return _LINEAR_TOLERANCE * (peak or 1.0)
    scale = float(np.max(np.abs(recipe.feature_scale))) or 1.0
    return _LN_TOLERANCE * scale * (1.0 if recipe.normalize == "mean_std" else _UNITS[recipe.log])


def tolerance_of(given: float | None, recipe: Recipe | None, peak: float) -> float:
    """Return a given tolerance after checking it, or the default tolerance."""
    if given is None:
        return default_tolerance(recipe, peak)
    remedy = "Use None for 2e-3 in natural-log units."
    return number("tolerance", given, remedy, at_least=0.0, rule="a number, 0 or above")
