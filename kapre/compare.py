"""Compare features, and find the choice in a front end that explains a difference."""

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


_NEARER = 0.8  # A cause is named only if its mean difference is below this fraction of the recipe's own,
# and below half of the spread of the features.


@dataclass(frozen=True)
class RecipeReport:
    """Report the result of comparing a recipe with features.

    Attributes:
        before: The difference between the features and the recipe's own features. `before.where` is (frame, band) in
            either layout.
        cause: How the nearest recipe differs, if it is clearly nearer than the recipe itself.
        also: Other causes that fit as well and cannot be distinguished from `cause` on this clip.
        tried: Number of recipes that were computed.
        seconds: Duration of the search.
        complete: Whether all candidates were tried. False means that the time ran out.
    """

    before: Difference
    cause: Cause | None
    also: tuple[Cause, ...]
    tried: int
    seconds: float
    complete: bool = True

    @property
    def equal(self) -> bool:
        """Return whether the features are those of the recipe."""
        return self.before.equal

    @property
    def found(self) -> bool:
        """Return whether the cause explains the difference, so that both are equal within the tolerance."""
        return self.cause is not None and self.cause.difference.equal


def features(a: Any, b: Any, tolerance: float | None = None) -> Difference:
    """Compare two arrays of features.

    A transposed array, an array that lacks a little at the end of an axis, and extra axes of length 1 at the start or
    end (batch, channel) are recognised and reported. The common part is compared.

    Args:
        a: Features of any shape.
        b: Features to compare them with.
        tolerance: The largest difference that counts as equal. None means `default_tolerance`.

    Returns:
        The difference between the two arrays.

    Raises:
        ValueError: If an array is empty, or the tolerance is negative.
        TypeError: If an array holds anything but real numbers.

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
        b: A recipe to compare it with.

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
    """Compare a recipe with features made from the same samples by other code, and name the cause of a difference.

    If the two differ, recipes that are similar to this one are tried. They have another window, padding, sample scale,
    preemphasis, mel scale, logarithm, floor, statistics and so on. Next come a constant offset or factor, a shift by
    whole frames, the other presets of the same rate, and two changes at once. If the features have other bands or
    another hop, or if nothing fits, the DFT length, hop, bands and rate of a plain mel spectrogram are first estimated
    from the shape of the features and the signal.

    Args:
        recipe: The recipe that should have made the features.
        samples: The clip, of shape `(time,)`, at the rate of the recipe, with full scale at 1.0.
        features: The features of the clip, in the layout of the recipe or transposed. Batch and channel axes of length
            1 are dropped.
        tolerance: The largest difference that counts as equal. None means `default_tolerance`.
        seconds: Time limit after which no further recipe is tried.
        at_rates: The same clip at other rates at which the features may have been made: a mapping from the rate in Hz
            to samples of shape `(time,)`. Without it, other rates are tried only for the filter bank, on the same
            samples.

    Returns:
        The report.

    Raises:
        ValueError: If the samples are not one clip or are too short for a frame, or the features are empty.
        TypeError: If the samples or features hold anything but real numbers.

    Notes:
        Recipes without statistics over the whole clip are tried on its first 5 s. A recipe that fits is then checked on
        the whole clip.

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
    from kapre._recipe_search import Search  # computes recipes; the rest of this module does not need Keras

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
    # A cause that adds changes to those of the best one, with the same result, gives no new information.
    also = tuple(cause for cause in fitting[1:] if not fitting[0].changes.items() < cause.changes.items())
    return RecipeReport(before, best, also, len(search.scores), time.perf_counter() - started, search.complete)
