"""Estimation of a mel front end from the shape of its features and the clip's signal. Used by the search.

The search tries recipes that differ by one or two changes. Features with another hop, another DFT and other bands
differ by more changes than that. For these, frames and bands are computed in NumPy for a few rows, over a grid of such
numbers. They are fitted to the features by a line, so that neither the logarithm nor its reference needs to be known.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kapre._common_mistakes import Neighbour, changed, least_changes
from kapre.ops import filterbanks
from kapre.ops.windows import window
from kapre.recipe import Recipe

_DFTS = (2048, 1024, 512, 400, 4096, 256, 800, 1200, 640, 480, 320, 600, 960, 1600, 1920, 3200, 8192)
"""DFT lengths to try, the most common first."""
_ROWS = 24
_HOPS = 8
_KEPT = 4
_MISFIT = 0.2
"""Fraction of the features' own spread. A fit whose error is not below it is rejected."""
_UNITS = {"db": 1.0, "ln": np.log(10.0) / 10.0, "log10": 0.1}
_LOGS = {"db": " in decibels", "ln": " in natural logarithms", "log10": " in logarithms to base 10", None: ""}
_SURE = 0.01
_REFINED = 12
_BANKS: tuple[tuple[bool, str | None], ...] = ((False, "slaney"), (True, None), (True, "slaney"), (False, None))
"""Mel scales and norms. The first is librosa's, with which all framings are tried."""
_PLAIN: dict[str, Any] = dict(
    input_scale=1.0, normalize_samples=False, preemphasis=0.0, fixed_samples=None, samples_at_least=0,
    samples_multiple=1, frame_length=None, pad_begin=False, pad_end=False, snip_edges=True, pad_left=0, pad_right=0,
    window_placement=None, drop_last=0, chunk_length=None, chunk_context=0, chunk_pad=0, remove_dc=False,
    window_name=None, window_periodic=True, window_exponent=1.0, magnitude_epsilon=0.0, filterbank="mel", f_min=0.0,
    f_max=None, triangles="hz", amin=1e-10, amin_by="max", ref_value=1.0, range_top=None, n_mfcc=None, energy=None,
    normalize=None, valid_frames="all", fixed_frames=None, stack=1, stack_hop=None, feature_shift=0.0,
    feature_scale=1.0, patch_frames=None, patch_hop=None, layout="time_first",
)  # fmt: skip


@dataclass(frozen=True)
class Framing:
    """Describe a framing that gives the same number of frames as the features have."""

    rate: float
    n_fft: int
    hop: int
    center: bool


@dataclass(frozen=True)
class _Fit:
    misfit: float
    framing: Framing
    htk: bool
    norm: str | None
    log: str | None
    power: float


def _span(samples: int, frames: int, framing_length: int) -> tuple[int, int]:
    """Return the smallest and largest hop that give this number of frames of this length, or (1, 0) if none does."""
    if samples < framing_length or frames < 2:
        return 1, 0
    over = samples - framing_length
    return max(1, over // frames + 1), over // (frames - 1)


def _hops(low: int, high: int) -> list[int]:
    """Return hops from a range, from which `Estimator` continues: round numbers, and some across the whole range."""
    found = range(low, high + 1)
    rounded = sorted(found, key=lambda hop: (hop % 256 and hop % 100 and hop % 80, hop % 64, hop % 10, hop % 2))
    return list(dict.fromkeys([*rounded[:_HOPS], *found[:: _step(low, high)]]))


def _step(low: int, high: int) -> int:
    return max(1, (high - low) // _HOPS)


def _framings(rate: float, samples: int, frames: int) -> Iterator[Framing]:
    for n_fft in _DFTS:
        for center in (True, False):
            padded = samples + 2 * (n_fft // 2) if center else samples
            for hop in _hops(*_span(padded, frames, n_fft)):
                if hop <= n_fft:
                    yield Framing(rate, n_fft, hop, center)


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return the slope of the line through some points, and the residual as a fraction of the spread."""
    x, y = x - x.mean(), y - y.mean()
    square = float((x * x).sum())
    slope = float((x * y).sum()) / square if square else 0.0
    spread = float(np.sqrt((y * y).mean())) or 1.0
    return slope, float(np.sqrt(((y - slope * x) ** 2).mean())) / spread


class Estimator:
    """Estimate the front end that made the features of a clip.

    Args:
        recipe: The recipe that was assumed to have made the features.
        clip: A function that returns the clip at a rate in Hz.
        rates: Rates to try, the most likely first.
    """

    def __init__(self, recipe: Recipe, clip: Callable[[float], np.ndarray], rates: tuple[float, ...]) -> None:
        self.recipe, self.clip, self.rates = recipe, clip, rates
        self._banks: dict[tuple[float, int, int, bool, str | None], np.ndarray] = {}

    def run(self, target: np.ndarray, until: float) -> list[Neighbour]:
        """Return the front ends that come closest to features `(frames, bands)`, the closest first."""
        if target.ndim != 2 or len(target) < 4 or target.shape[1] < 4 or not np.isfinite(target).all():
            return []
        low, high = float(target.min()), float(target.max())
        if high <= low:
            return []
        above = (target > low + 1e-4 * (high - low)).sum(axis=1)
        inner = np.arange(2, len(target) - 2) if len(target) > 8 else np.arange(len(target))
        told = inner[np.argsort(-above[inner], kind="stable")[: max(4, len(inner) // 2)]]
        rows = np.sort(told)[np.unique(np.linspace(0, len(told) - 1, _ROWS).astype(int))]
        fits: list[_Fit] = []
        for rate in self.rates:
            x = self.clip(rate)
            coarse: list[_Fit] = []
            for framing in _framings(rate, x.size, len(target)):
                if time.perf_counter() > until:
                    break
                coarse += self._fits(x, framing, target, rows[::2], _BANKS[:1])
            coarse.sort(key=lambda fit: fit.misfit)
            for framing in dict.fromkeys(fit.framing for fit in coarse[:_REFINED]):
                fits += self._climbed(x, framing, target, rows)
            fits.sort(key=lambda fit: fit.misfit)
            if fits and fits[0].misfit < _SURE:
                break
        best = [fit for fit in fits[:_KEPT] if fit.misfit < _MISFIT]
        return [near for fit in best for near in self._as_recipes(fit, target)]

    def _climbed(self, x: np.ndarray, framing: Framing, target: np.ndarray, rows: np.ndarray) -> list[_Fit]:
        """Return the fits of a framing and of hops near its best hop, in steps of decreasing size."""
        padded = x.size + 2 * (framing.n_fft // 2) if framing.center else x.size
        low, high = _span(padded, len(target), framing.n_fft)
        fits = list(self._fits(x, framing, target, rows, _BANKS))
        step = _step(low, high)
        while fits and step > 1:
            best = min(fits, key=lambda fit: fit.misfit)
            step = (step + 1) // 2
            for hop in (best.framing.hop - step, best.framing.hop + step):
                if low <= hop <= min(high, framing.n_fft):
                    near = replace(best.framing, hop=hop)
                    fits += self._fits(x, near, target, rows, [(best.htk, best.norm)])
            if step == 1 and min(fits, key=lambda fit: fit.misfit) is not best:
                step = 2  # makes one more pass with a step of one
        return fits

    def _bank(self, framing: Framing, bands: int, htk: bool, norm: str | None) -> np.ndarray:
        key = (framing.rate, framing.n_fft, bands, htk, norm)
        if key not in self._banks:
            n_freq = framing.n_fft // 2 + 1
            self._banks[key] = filterbanks.mel(framing.rate, n_freq, bands, 0.0, framing.rate / 2.0, htk, norm, "hz")
        return self._banks[key]

    def _fits(
        self,
        x: np.ndarray,
        framing: Framing,
        target: np.ndarray,
        rows: np.ndarray,
        banks: Sequence[tuple[bool, str | None]],
    ) -> Iterator[_Fit]:
        n_fft = framing.n_fft
        starts = rows * framing.hop - (n_fft // 2 if framing.center else 0)
        inside = (starts >= 0) & (starts + n_fft <= x.size)
        if inside.sum() < 3:
            return
        frames = x[starts[inside][:, None] + np.arange(n_fft)].astype(np.float64)
        power = np.abs(np.fft.rfft(frames * window(None, n_fft, True))) ** 2
        y = target[rows[inside]]
        low = float(target.min())
        for htk, norm in banks:
            bands = power @ self._bank(framing, target.shape[1], htk, norm)
            seen = (bands > 1e-9) & (y > low + 1e-4 * (float(target.max()) - low))
            if seen.sum() < 12:
                continue
            level = 10.0 * np.log10(bands[seen])
            slope, misfit = _line(level, y[seen])
            unit = min(_UNITS, key=lambda name: abs(slope / _UNITS[name] - 1.0))
            if abs(slope / _UNITS[unit] - 1.0) < 0.2:
                yield _Fit(misfit, framing, htk, norm, unit, 2.0)
            if low >= 0.0:
                slope, misfit = _line(level, 10.0 * np.log10(y[seen]))
                if abs(slope - 1.0) < 0.2:
                    yield _Fit(misfit, framing, htk, norm, None, 2.0)

    def _as_recipes(self, fit: _Fit, target: np.ndarray) -> Iterator[Neighbour]:
        framing, bands = fit.framing, target.shape[1]
        reach = float(target.max() - target.min())
        floored = np.count_nonzero(target <= target.min() + 1e-4 * reach) > 1
        known = {"db": 80.0, "ln": 8.0 * np.log(10.0), "log10": 8.0}
        ranges: list[float | None] = [None]
        if fit.log is not None and floored:
            usual = known[fit.log]
            ranges = [usual if abs(reach / usual - 1.0) < 1e-3 else reach, None]
        centred = "centred frames" if framing.center else "frames"
        words = (
            f"{bands} mel bands{_LOGS[fit.log]}, {centred} of {framing.n_fft} samples every {framing.hop} "
            f"at {framing.rate:g} Hz"
        )
        for below in ranges:
            for mode in ("constant", "reflect") if framing.center else ("constant",):
                changes: dict[str, Any] = dict(
                    _PLAIN,
                    sample_rate=framing.rate,
                    n_fft=framing.n_fft,
                    win_length=framing.n_fft,
                    hop_length=framing.hop,
                    center=framing.center,
                    pad_mode=mode,
                    power=fit.power,
                    n_mels=bands,
                    htk=fit.htk,
                    norm=fit.norm,
                    log=fit.log,
                    dynamic_range=below,
                )
                other = changed(self.recipe, **changes)
                if other is not None:
                    yield Neighbour(words, other, self._least(other, changes), estimated=True)

    def _least(self, other: Recipe, changes: dict[str, Any]) -> dict[str, Any]:
        """Return the changes that are needed to make the other recipe, without those that follow from the rest."""
        needed = least_changes(self.recipe, other, changes)
        for name in list(needed):
            fewer = {key: value for key, value in needed.items() if key != name}
            if changed(self.recipe, **fewer) == other:
                needed = fewer
        return needed
