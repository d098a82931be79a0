"""The search for a recipe that explains given features. Used by `kapre.compare`."""

from __future__ import annotations

import dataclasses
import math
import time
import warnings
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from kapre import executor
from kapre._causes import Cause, tolerance_of
from kapre._checks import message
from kapre._common_mistakes import Neighbour, changed, least_changes, neighbours
from kapre._difference import Difference, difference, nothing_in_common, numeric, stripped
from kapre._estimates import Estimator
from kapre.frontends import list_presets, preset
from kapre.recipe import Recipe

_CROP_SECONDS = 5.0
_BEAM = 3
_RATES = (16000, 22050, 44100, 48000, 8000, 32000, 24000)
_ESTIMATE_SECONDS = 8.0
_FRAMES = 8  # number of frames to try for a shift
_KNOWN_FACTORS = {
    math.log(10.0): "a natural logarithm in place of one to base 10",
    1.0 / math.log(10.0): "a logarithm to base 10 in place of a natural one",
    10.0 / math.log(10.0): "decibels in place of a natural logarithm",
    math.log(10.0) / 10.0: "a natural logarithm in place of decibels",
    10.0: "decibels in place of a logarithm to base 10",
    0.1: "a logarithm to base 10 in place of decibels",
    2.0: "20 log10 in place of 10 log10, or powers in place of magnitudes under the logarithm",
    0.5: "10 log10 in place of 20 log10, or magnitudes in place of powers under the logarithm",
}


class Search:
    """Hold the features to explain, and rate how well each recipe explains them."""

    def __init__(
        self,
        recipe: Recipe,
        samples: Any,
        features: Any,
        tolerance: float | None,
        at_rates: Mapping[int, Any] | None = None,
    ) -> None:
        self.given, self.given_tolerance = recipe, tolerance
        self.at_rates = {} if at_rates is None else at_rates
        self._clips: dict[int, np.ndarray] = {}
        self.recipe = recipe.replace(layout="time_first")
        x = np.asarray(keras.ops.convert_to_numpy(samples), dtype=np.float32)
        if x.ndim != 1:
            raise ValueError(message("samples", "of shape (time,)", x.shape, "Give one channel of one clip."))
        self.samples = x
        self.peak = float(np.abs(x).max(initial=0.0))
        if not self.recipe.num_frames(x.size):
            rule = "long enough for a frame of the recipe"
            raise ValueError(message("samples", rule, f"{x.size} samples", "Give a longer clip."))
        target = numeric("features", keras.ops.convert_to_numpy(features))
        self.shape = target.shape
        self.turned = ""
        self.complete = True
        self.target = self._laid_out(target)
        finite = self.target[np.isfinite(self.target)]
        self.tolerance = tolerance_of(tolerance, recipe, float(np.abs(finite).max(initial=0.0)))
        self.spread = float(np.abs(finite - np.median(finite)).mean()) if finite.size else 1.0
        self.scores: dict[tuple[Recipe, int, int], float] = {}
        self.centred: dict[tuple[Recipe, int, int], float] = {}

    def _laid_out(self, target: np.ndarray) -> np.ndarray:
        """Return the features with time first, and record if their layout differs from the recipe's."""
        expected = _known(self.recipe.output_shape(self.samples.size))
        ways = stripped(target, len(expected))
        if not ways:
            raise ValueError(
                message(
                    "features",
                    f"of {len(expected)} axes, as the recipe's {self.given.output_shape(self.samples.size)}",
                    f"shape {target.shape}",
                    "Give one clip's features, or the recipe that made them.",
                )
            )
        if len(expected) == 1:
            return ways[0]

        def misfit(way: np.ndarray) -> float:
            pairs = zip(way.shape, expected, strict=True)
            return sum(abs(m - n) / max(m, n) for m, n in pairs) + (way.shape[-1] != expected[-1])

        as_said = [w.swapaxes(-1, -2) for w in ways] if self.given.layout == "band_first" else ways
        best = min(as_said, key=misfit)
        other = min((w.swapaxes(-1, -2) for w in as_said), key=misfit)
        if misfit(other) >= misfit(best):
            return best
        found = "band_first" if self.given.layout == "time_first" else "time_first"
        self.turned = found
        return other

    def clip(self, rate: float | None) -> np.ndarray:
        """Return the clip at a rate if it was given at that rate, else the clip at its own rate."""
        if rate is None or rate == self.given.clip_rate or rate not in self.at_rates:
            return self.samples
        if int(rate) not in self._clips:
            self._clips[int(rate)] = np.asarray(self.at_rates[int(rate)], dtype=np.float32)
        return self._clips[int(rate)]

    def shape_of(self, near: Neighbour) -> tuple[int, ...]:
        """Return the shape of the features that a neighbour computes from the whole clip."""
        return _known(near.recipe.output_shape(self.clip(near.recipe.clip_rate).size - near.delay))

    def tolerance_for(self, near: Neighbour) -> float:
        """Return the largest difference that counts as equal. For an estimated recipe, use the features' unit."""
        if self.given_tolerance is not None or not near.estimated:
            return self.tolerance
        finite = self.target[np.isfinite(self.target)]
        return tolerance_of(None, near.recipe, float(np.abs(finite).max(initial=0.0)))

    def compute(self, recipe: Recipe, delay: int = 0, n_samples: int | None = None) -> np.ndarray:
        """Return the features of the clip, or of its first samples, with time first."""
        x = self.clip(recipe.clip_rate)[:n_samples]
        x = x[delay:] if delay >= 0 else np.pad(x, (-delay, 0))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # empty bands are compared like others
            y = executor.run(recipe, keras.ops.convert_to_tensor(x[None]), compiled=False)
        return np.asarray(keras.ops.convert_to_numpy(y), dtype=np.float64)[0]

    def measured(self, near: Neighbour) -> Difference:
        """Return the difference on the whole clip."""
        own, target = self._skipping(self.compute(near.recipe, near.delay), near.skipped)
        shapes = (_known(self.given.output_shape(self.samples.size)), self.shape)
        if own.shape[1:] != target.shape[1:]:
            note = f"the recipe gives {own.shape[-1]} values in a frame, the features hold {target.shape[-1]}"
            return nothing_in_common(own, target, self.tolerance_for(near), shapes, note)
        notes = []
        n = min(len(own), len(target))
        same = len(own) == len(target) or bool(near.skipped)
        if not same:
            notes.append(f"the recipe gives {len(own)} frames, the features hold {len(target)}: {n} are compared")
        return difference(own[:n], target[:n], self.tolerance_for(near), shapes, notes, same)

    def _skipping(self, own: np.ndarray, skipped: int) -> tuple[np.ndarray, np.ndarray]:
        return own[max(0, skipped) :], self.target[max(0, -skipped) :]

    def score(self, near: Neighbour) -> float:
        """Return the mean difference over all frames. A frame that one side lacks counts as the features' spread."""
        if _key(near) not in self.scores:
            self.scores[_key(near)], self.centred[_key(near)] = self._scores(near)
        return self.scores[_key(near)]

    def _scores(self, near: Neighbour) -> tuple[float, float]:
        """Return the score, and the score after a constant offset is subtracted."""
        shape = self.shape_of(near)
        if shape[1:] != self.target.shape[1:] or not shape[0]:
            return math.inf, math.inf
        crop = round(_CROP_SECONDS * (near.recipe.clip_rate or 16000.0))
        n_samples = crop if self.clip(near.recipe.clip_rate).size > 2 * crop and _is_local(near.recipe) else None
        try:
            own = self.compute(near.recipe, near.delay, n_samples)
        except (ValueError, TypeError, NotImplementedError):  # such as a reflection longer than the clip
            return math.inf, math.inf
        if n_samples is not None:  # the last frames reach the end of the part
            own = own[: max(1, len(own) - near.recipe.frame_length // near.recipe.hop_length - near.recipe.stack - 2)]
        own, target = self._skipping(own, near.skipped)
        n = min(len(own), len(target))
        apart = target[:n] - own[:n]
        apart = apart[np.isfinite(apart)]
        if not apart.size:
            return math.inf, math.inf
        missing = 0.0 if near.skipped else abs(shape[0] - len(self.target)) / max(shape[0], len(self.target))
        means = [float(np.abs(values).mean()) for values in (apart, apart - np.median(apart))]
        return tuple((1.0 - missing) * mean + missing * self.spread for mean in means)  # type: ignore[return-value]

    def cause(self, near: Neighbour) -> Cause:
        """Return a neighbour as a cause, measured on the whole clip."""
        changes, words, layout = dict(near.changes), near.words, self.turned
        if near.preset and preset(near.preset).recipe.layout == (layout or self.given.layout):
            layout = ""
        if layout:
            changes["layout"] = layout
            words = f"{words}; the other layout" if words else "the other layout"
        return Cause(words, changes, self.measured(near), near.preset)

    def run(self, before: Difference, until: float) -> list[Neighbour]:
        """Return the closest recipes: those that fit, or, if none fits, all in order of closeness."""
        start = Neighbour("", self.recipe)
        if self.turned and before.within:
            return [start]
        is_far = self._is_far()
        guesses = self._estimated(until) if is_far else []
        found = self._of_guesses(guesses)
        if found:
            return found
        starts = [start] if self._tail(self.recipe) == self.target.shape[1:] else self._of_that_width()
        nearest = [*guesses[:1], *starts[:1]]
        starts = [*guesses[:1], *starts]
        if not starts:
            return []
        around = [near for base in nearest for near in self._around(base)]
        singles = self._ranked([*starts, *filter(self._is_as_long, around)], until)
        found = sorted(filter(self._fits, singles[:_BEAM]), key=self._plainness)
        if not found:  # none of another length fits alone, but it may be half of an explanation
            singles = self._ranked([*starts, *around], until)
            centred = sorted(singles, key=lambda near: self.centred[_key(near)])[:_BEAM]
            bases = dict.fromkeys(map(_Same, [starts[0], *singles[:_BEAM], *centred]))
            found = [known for base in bases for known in self._overall(base.near) if self._fits(known)]
        if not found:
            found = [near for near in self._presets() if self._fits(near)]
        if not found and not is_far:
            found = self._of_guesses(self._estimated(until))
        return found or self._pairs(singles, until)

    def _is_far(self) -> bool:
        """Return whether the features have other bands, or a number of frames that implies another hop."""
        if self._tail(self.recipe) != self.target.shape[1:]:
            return True
        own, theirs = self.shape_of(Neighbour("", self.recipe))[0], len(self.target)
        return abs(own - theirs) > 0.05 * max(own, theirs) + 8

    def _estimated(self, until: float) -> list[Neighbour]:
        """Return mel front ends estimated from the features and the signal, in the layout that gives any."""
        if self.target.ndim != 2 or self.recipe.clip_rate is None:
            return []
        rates = tuple(dict.fromkeys((self.recipe.clip_rate, *map(float, self.at_rates or _RATES))))
        estimator = Estimator(self.recipe, self.clip, rates)
        until = min(until, time.perf_counter() + _ESTIMATE_SECONDS)
        found = estimator.run(self.target, until)
        if found:
            return found
        self.target, turned = self.target.T, self.turned
        other = "band_first" if self.given.layout == "time_first" else "time_first"
        self.turned = "" if turned else other
        found = estimator.run(self.target, until)
        if not found:
            self.target, self.turned = self.target.T, turned
        self.scores.clear()
        self.centred.clear()
        return found

    def _of_guesses(self, guesses: list[Neighbour]) -> list[Neighbour]:
        """Return the guesses that fit, either directly or with a constant offset or factor."""
        found = sorted(filter(self._fits, guesses), key=self._plainness)
        if found:
            return found[:1]
        plain = [near for guess in guesses for near in self._overall(guess) if not near.skipped]
        plain = [dataclasses.replace(near, estimated=True) for near in plain]
        return sorted(filter(self._fits, plain), key=self._plainness)[:1]

    def _presets(self) -> list[Neighbour]:
        """Return the published front ends with the same rate."""
        found = []
        for name in list_presets():
            other = preset(name).recipe.replace(layout="time_first")
            if other.clip_rate == self.recipe.clip_rate and self._tail(other) == self.target.shape[1:]:
                found.append(Neighbour(f"another front end, the preset {name!r}", other, preset=name))
        return found

    def _pairs(self, singles: list[Neighbour], until: float) -> list[Neighbour]:
        """Add a second change to the best few neighbours. Return the first pair that fits, or all pairs, ranked."""
        place = {near.words: index for index, near in enumerate(singles)}
        pairs: list[Neighbour] = []
        for first in singles[:_BEAM]:
            # A mistake found alone usually also appears with another one, so the search ends earlier.
            around = filter(self._is_as_long, self._around(first))
            for near in sorted(around, key=lambda n: place.get(n.words.split("; ")[-1], len(place))):
                if time.perf_counter() > until:
                    self.complete = False
                    break
                pairs.append(near)
                if self.score(near) < 0.2 * self.tolerance_for(near) and self._fits(near):
                    return [near]
        found = self._ranked([*singles, *pairs], math.inf)
        return [near for near in found[:_BEAM] if self._fits(near)] or found

    def _tail(self, recipe: Recipe) -> tuple[Any, ...]:
        return recipe.output_shape(self.samples.size)[1:]

    def _of_that_width(self) -> list[Neighbour]:
        """Return the recipes that give as many values per frame as the features have, the closest first."""
        one = self.target.shape[-1] // self.recipe.stack
        ways: list[tuple[str, dict[str, Any]]] = [
            (f"{one} bands", dict(n_mels=one)),
            (f"{one} coefficients", dict(n_mfcc=one)),
            ("bands, no coefficients", dict(n_mfcc=None, energy=None)),
            ("no energy", dict(energy=None)),
            ("the energy in front", dict(energy="first")),
            ("the energy behind", dict(energy="last")),
            ("frames that were not stacked", dict(stack=1)),
            ("no filter bank", dict(filterbank=None)),
        ]
        found = []
        for words, changes in ways:
            other = changed(self.recipe, **changes)
            if other is not None and self._tail(other) == self.target.shape[1:]:
                found.append(Neighbour(words, other, changes))
        return self._ranked(found, math.inf)

    def _around(self, near: Neighbour) -> list[Neighbour]:
        """Return the neighbours of a neighbour, with descriptions and changes relative to the given recipe."""
        if near.delay or near.skipped:
            return []
        found = neighbours(near.recipe, self.peak)
        if not near.words:
            return found
        return [
            Neighbour(
                f"{near.words}; {other.words}",
                other.recipe,
                least_changes(self.recipe, other.recipe, {**near.changes, **other.changes}),
                other.delay,
                estimated=near.estimated,
            )
            for other in found
        ]

    def _ranked(self, found: list[Neighbour], until: float) -> list[Neighbour]:
        known = []
        for near in found:
            if time.perf_counter() > until:
                self.complete = False
                break
            if self.score(near) < math.inf:
                known.append(near)
        return sorted(known, key=self.score)

    def _is_as_long(self, near: Neighbour) -> bool:
        """Return whether a recipe gives as many frames as the features have."""
        return self.shape_of(near)[0] == len(self.target)

    def _fits(self, near: Neighbour) -> bool:
        return self.score(near) <= self.tolerance_for(near) and self.measured(near).equal

    def _plainness(self, near: Neighbour) -> tuple[float, int]:
        """Return a sort key for recipes that fit: closeness first, then, within rounding, the smaller change."""
        return max(self.score(near), 0.05 * self.tolerance_for(near)), len(near.changes)

    def _overall(self, near: Neighbour) -> list[Neighbour]:
        """Return the constant offset, the factor and the shift by whole frames that explain most of the difference."""
        own = self.compute(near.recipe, near.delay)
        n = min(len(own), len(self.target))
        x, y = own[:n], self.target[:n]
        if x.shape != y.shape:
            return []
        finite = np.isfinite(x) & np.isfinite(y)
        shift, scale = near.recipe.feature_shift, near.recipe.feature_scale
        if not finite.any() or near.delay or isinstance(shift, tuple) or isinstance(scale, tuple):
            return []
        before = f"{near.words}; " if near.words else ""
        found = []

        def affine(words: str, factor: float, offset: float) -> None:
            # (x + shift) * scale * factor + offset, as the last step of the recipe
            changes = dict(feature_shift=shift + offset / (scale * factor), feature_scale=scale * factor)
            other = changed(near.recipe, **changes)
            if other is not None and other != near.recipe:
                needed = least_changes(self.recipe, other, {**near.changes, **changes})
                found.append(Neighbour(before + words, other, needed))

        offset = float(np.median((y - x)[finite]))
        highest = float(x[finite].max())
        reference = "the clip's maximum as 0" if abs(offset + highest) <= self.tolerance else _offset_words(offset)
        affine(reference, 1.0, offset)
        square = float((x[finite] ** 2).sum())
        factor = float((x[finite] * y[finite]).sum()) / square if square else 0.0
        if factor:
            affine(_factor_words(factor), factor, 0.0)
            slope, constant = np.polyfit(x[finite], y[finite], 1) if np.ptp(x[finite]) else (factor, 0.0)
            if slope:
                affine(f"values times {slope:.6g} plus {constant:.6g}", float(slope), float(constant))
        if near.recipe.power is not None:
            for frames in range(1, _FRAMES + 1):
                lacking = f"{before}the first {frames} frames left out"
                found.append(Neighbour(lacking, near.recipe, near.changes, 0, frames))
                found.append(Neighbour(f"{before}{frames} frames more in front", near.recipe, near.changes, 0, -frames))
        return found


class _Same:
    """Wrap a neighbour so that neighbours that give the same numbers are equal."""

    def __init__(self, near: Neighbour) -> None:
        self.near = near

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and _key(self.near) == _key(other.near)

    def __hash__(self) -> int:
        return hash(_key(self.near))


def _key(near: Neighbour) -> tuple[Recipe, int, int]:
    return near.recipe, near.delay, near.skipped


def _known(shape: tuple[int | None, ...]) -> tuple[int, ...]:
    return tuple(int(size or 0) for size in shape)


def _is_local(recipe: Recipe) -> bool:
    """Return whether a frame depends only on its own samples, so that a part of the clip is sufficient."""
    in_range = recipe.dynamic_range is None or recipe.range_top is not None
    over_time = recipe.normalize is None or recipe.normalize_over == "running"
    whole = recipe.fixed_samples is not None or recipe.fixed_frames is not None or recipe.normalize_samples
    return recipe.power is not None and in_range and over_time and not whole and recipe.valid_frames == "all"


def _offset_words(offset: float) -> str:
    return f"values {abs(offset):.6g} {'higher' if offset > 0 else 'lower'} all over (another scale or reference)"


def _factor_words(factor: float) -> str:
    near = min(_KNOWN_FACTORS, key=lambda known: abs(math.log(abs(factor) / known)))
    if factor > 0 and abs(factor / near - 1.0) < 1e-3:
        return _KNOWN_FACTORS[near]
    return f"values {factor:.6g} times as large"
