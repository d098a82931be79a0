"""Say whether features are the same, and if not, which choice of the front end made them differ."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kapre._causes import Cause, default_tolerance, tolerance_of
from kapre._common_mistakes import Neighbour
from kapre._difference import Difference, aligned, difference, nothing_in_common, numeric
from kapre.recipe import Recipe

__all__ = ["Cause", "Difference", "RecipeReport", "default_tolerance", "features", "fields", "recipe"]


_NEARER = 0.8  # of the mean difference: what is not even that much nearer is not worth naming; nor what is as far off
# as half of the features' own spread


@dataclass(frozen=True)
class RecipeReport:
    """What came of comparing a recipe with features.

    Attributes:
        before: How far the features are from the recipe's own; `before.where` is (frame, band) in either layout.
        cause: What the nearest recipe does otherwise, if one is clearly nearer than the recipe itself.
        also: Other causes that fit as well, and cannot be told from it on this clip.
        tried: Recipes that were computed.
        seconds: How long that took.
        complete: Whether all that there is to try was tried; else the time was up.
    """

    before: Difference
    cause: Cause | None
    also: tuple[Cause, ...]
    tried: int
    seconds: float
    complete: bool = True

    @property
    def equal(self) -> bool:
        """Whether the features are the recipe's own."""
        return self.before.equal

    @property
    def found(self) -> bool:
        """Whether the cause explains the difference: with it, the two are equal within the tolerance."""
        return self.cause is not None and self.cause.difference.equal


def features(a: Any, b: Any, tolerance: float | None = None) -> Difference:
    """Compare two arrays of features.

    A transposed one, one that lacks a little at an axis' end, and unit axes in front or behind (batch, channel) are
    seen and said; compared is the common part.

    Args:
        a: Features of any shape.
        b: Features to compare them with.
        tolerance: The largest difference that counts as none; None means `default_tolerance`.

    Returns:
        The difference.

    Raises:
        ValueError: If one is empty, or the tolerance is negative.
        TypeError: If one holds anything but real numbers.

    Example:
        ```python
        import numpy as np
        import kapre

        a = np.random.default_rng(0).normal(size=(98, 80))
        found = kapre.compare.features(a, a.T[None])
        assert found.maximum == 0.0 and not found.equal
        assert "transposed" in found.notes[1]
        ```
    """
    one, other = numeric("a", a), numeric("b", b)
    peak = float(np.abs(one[np.isfinite(one)]).max(initial=0.0))
    tolerance = tolerance_of(tolerance, None, peak)
    parts = aligned(one, other)
    if parts is None:
        return nothing_in_common(one, other, tolerance)
    same = not any("transposed" in note or "entries" in note for note in parts[2])
    return difference(parts[0], parts[1], tolerance, (one.shape, other.shape), parts[2], same)


def fields(a: Recipe, b: Recipe) -> dict[str, tuple[Any, Any]]:
    """Return the fields in which two recipes differ, with both values.

    Args:
        a: A recipe.
        b: Another one.

    Example:
        ```python
        import kapre

        a = kapre.Recipe(n_fft=512)
        assert kapre.compare.fields(a, a.replace(power=2.0)) == {"power": (1.0, 2.0)}
        ```
    """
    names = [field.name for field in dataclasses.fields(a)]
    return {name: (getattr(a, name), getattr(b, name)) for name in names if getattr(a, name) != getattr(b, name)}


def recipe(
    recipe: Recipe,
    samples: Any,
    features: Any,
    tolerance: float | None = None,
    seconds: float = 20.0,
    at_rates: Mapping[int, Any] | None = None,
) -> RecipeReport:
    """Compare a recipe with features that something else made of the same samples, and name what it did otherwise.

    Where the two differ, the recipes next to this one are tried: another window, padding, scale of the samples,
    preemphasis, mel scale, logarithm, floor, statistics and so on; then a constant offset or factor, a shift by whole
    frames, the other presets of that rate, and two changes at once. Where the features have other bands or another
    hop, or nothing fits, the length of the DFT, the hop, the bands and the rate of a plain mel spectrogram are
    estimated from the features' shape and the signal first.

    Args:
        recipe: What should have made the features.
        samples: The clip, shape `(time,)`, at the recipe's rate, full scale at 1.0.
        features: The clip's features, in the recipe's layout or transposed; batch and channel axes of 1 are dropped.
        tolerance: The largest difference that counts as none; None means `default_tolerance`.
        seconds: After how many no further recipe is tried.
        at_rates: The same clip at other rates in Hz that the features may have been made at: samples `(time,)` by rate.
            Without it, other rates are tried as those of the filter bank alone, over the same samples.

    Returns:
        The report.

    Raises:
        ValueError: If the samples are not one clip, are too short for a frame, or the features are empty.
        TypeError: If either holds anything but real numbers.

    Notes:
        Recipes without statistics over the whole clip are tried on its first 5 s; what fits is checked on all of it.

    Example:
        ```python
        import numpy as np
        import kapre

        kaldi = kapre.frontends.preset("kaldi_fbank").recipe
        x = np.random.default_rng(0).normal(size=8000).astype("float32") / 10
        theirs = kapre.Frontend(kaldi.replace(remove_dc=False))(x[None] + 0.05)
        report = kapre.compare.recipe(kaldi, x + 0.05, theirs)
        assert report.cause.call == "replace(remove_dc=False)"
        ```
    """
    from kapre._recipe_search import Search  # which computes recipes: the rest of this module needs no Keras

    started = time.perf_counter()
    search = Search(recipe, samples, features, tolerance, at_rates)
    before = search.measured(Neighbour("", search.recipe))
    if search.turned:
        note = f"the features are transposed: layout={search.turned!r}"
        before = dataclasses.replace(before, notes=(*before.notes, note), same_values=False)
    if before.equal:
        return RecipeReport(before, None, (), 1, time.perf_counter() - started)
    ranked = search.run(before, started + seconds)
    least = min(_NEARER * search.score(Neighbour("", search.recipe)), search.spread / 2.0)
    causes = [search.cause(neighbour) for neighbour in ranked[:4]]
    fitting = [cause for cause in causes if cause.difference.equal]
    if fitting:
        best: Cause | None = fitting[0]
    elif causes and search.score(ranked[0]) < least:
        best = causes[0]
    else:
        best = None
    # What changes more than the best does, and comes to the same, says nothing new.
    also = tuple(cause for cause in fitting[1:] if not fitting[0].changes.items() < cause.changes.items())
    return RecipeReport(before, best, also, len(search.scores), time.perf_counter() - started, search.complete)
