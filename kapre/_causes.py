"""What a comparison says: the tolerance that decides, and the cause of a difference. Read by `kapre.compare`."""

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
    """What was done otherwise where the features were made.

    Attributes:
        words: "The features were made with …".
        changes: Fields of the recipe that give it, for `replace`; empty where no field does.
        difference: How far apart the two are with it.
        preset: The preset that gives it, to which `changes` then apply; mostly none.
    """

    words: str
    changes: dict[str, Any]
    difference: Difference
    preset: str = ""

    @property
    def call(self) -> str:
        """The code that makes such a recipe, `replace(…)` of the one given or a preset's; or nothing."""
        change = f"replace({', '.join(f'{k}={v!r}' for k, v in self.changes.items())})" if self.changes else ""
        if self.preset:
            return f"kapre.frontends.preset({self.preset!r}).recipe" + (f".{change}" if change else "")
        return change


def default_tolerance(recipe: Recipe | None, peak: float) -> float:
    """Return the largest difference that counts as none, in the features' unit.

    2e-3 in natural-log units (8.7e-4 of log10, 8.7e-3 dB), times the recipe's `feature_scale`: above what float32 makes
    of any published front end, below what any wrong choice makes. Without a logarithm, 1e-4 of the peak. Without a
    recipe, 2e-3, or 2e-3 of the peak where that is below 1.

    Args:
        recipe: What made the features, or None.
        peak: Their largest magnitude.

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
    """Return a tolerance that was given, checked, or the default one."""
    if given is None:
        return default_tolerance(recipe, peak)
    remedy = "Use None for 2e-3 in natural-log units."
    return number("tolerance", given, remedy, at_least=0.0, rule="a number, 0 or above")
