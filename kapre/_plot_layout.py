"""The layout of a plot: features of any recipe as columns over time, and the labels of the axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kapre._checks import message
from kapre.recipe import Recipe

_MOST_SEPARATORS = 40


@dataclass(frozen=True, eq=False)
class Picture:
    """Describe features as an image.

    Attributes:
        values: Values of shape `(columns, rows)`, with the lowest row first.
        left: The start of the first column, in the unit of `across`.
        right: The end of the last column.
        across: The label of the horizontal axis.
        up: The label of the vertical axis.
        unit: The unit of the values.
        centres: The frequencies of the rows in Hz, or None if they are numbered.
        separators: The boundaries between patches, in the unit of `across`.
    """

    values: np.ndarray
    left: float
    right: float
    across: str
    up: str
    unit: str
    centres: np.ndarray | None
    separators: tuple[float, ...]


def unit(recipe: Recipe) -> str:
    """Return the unit: "dB", "ln", "log10", "power", "magnitude", "PCEN", "sample", "MFCC" and so on."""
    if recipe.one_hot:
        return "one-hot"
    twice = recipe.log == "db" and recipe.power == 1.0 and recipe.feature_scale == 2.0  # 20 log10 of a magnitude
    scaled = recipe.feature_scale != 1.0 and not twice
    if recipe.normalize == "mean_std" or recipe.feature_shift != 0.0 or scaled:
        return "normalised"
    if recipe.n_mfcc is not None:
        return "MFCC" if recipe.filterbank == "mel" else "cepstrum"
    if recipe.log is not None:
        return {"db": "dB", "ln": "ln", "log10": "log10"}[recipe.log]
    if recipe.pcen:
        return "PCEN"
    if recipe.microfrontend:
        return "microfrontend"
    if recipe.transform == "identity":
        return "sample"
    return "power" if recipe.power == 2.0 else "magnitude"


_COLOURED_RANGE = {"ln": 18.4, "log10": 8.0, "db": 80.0}
"""What the colours of logarithms cover at most: 80 dB."""


def colour_range(values: np.ndarray, recipe: Recipe) -> tuple[float, float]:
    """Return the limits of the colours for features of a recipe. Logarithms show the upper 80 dB at most."""
    low, high = float(values.min()), float(values.max())
    if unit(recipe) in ("dB", "ln", "log10") and recipe.log is not None:
        low = max(low, high - _COLOURED_RANGE[recipe.log])
    return low, high


def is_linear(recipe: Recipe) -> bool:
    """Return whether features are powers or magnitudes, whose range takes logarithmic colours."""
    return unit(recipe) in ("power", "magnitude") and recipe.log is None and not recipe.microfrontend


def _rows(recipe: Recipe) -> str:
    """Return the label of the vertical axis."""
    if recipe.has_bands:
        return "frequency"
    if recipe.stack > 1:
        return f"value ({recipe.stack} frames of {recipe.bands // recipe.stack})"
    return "value" if recipe.n_mfcc is None else "coefficient"


def rank(recipe: Recipe) -> int:
    """Return the number of axes of one clip's features."""
    return len(recipe.output_shape(None))


def axes(recipe: Recipe) -> str:
    """Return the shape of one clip's features in words."""
    if recipe.power is None:
        return "(time,)"
    inner = ["frame", str(recipe.bands)] if recipe.layout == "time_first" else [str(recipe.bands), "frame"]
    lead = ["patch"] if recipe.patch_frames is not None else ["chunk"] if recipe.chunk_length is not None else []
    return f"({', '.join(lead + inner)})"


def picture(values: np.ndarray, recipe: Recipe) -> Picture:
    """Lay out one clip's features, which have the rank of the recipe's output.

    Raises:
        ValueError: If the shape does not belong to the recipe, or the recipe has no sample rate.
    """
    x = values if recipe.layout == "time_first" else np.swapaxes(values, -1, -2)
    if x.shape[-1] != recipe.bands or x.size == 0:
        raise ValueError(
            message("features", f"of shape {axes(recipe)}", values.shape, "Give the recipe that made them.")
        )
    centres = recipe.band_frequencies() if recipe.has_bands else None
    rate = recipe.sample_rate
    if rate is None:
        raise ValueError(message("sample_rate", "known to place frames in time", None, "Use replace(sample_rate=…)."))
    parts = len(x) if x.ndim == 3 else 1
    columns = x.reshape(-1, x.shape[-1])
    common: dict[str, Any] = dict(values=columns, up=_rows(recipe), unit=unit(recipe), centres=centres)
    if recipe.chunk_length is not None:
        return Picture(left=0.0, right=parts * recipe.chunk_length / rate, across="time (s)", separators=(), **common)
    if recipe.patch_frames is not None and recipe.patch_hop != recipe.patch_frames:
        # Overlapping patches cannot be placed side by side in time.
        across = f"patch ({recipe.patch_frames} frames each, one every {recipe.patch_hop})"
        return Picture(left=0.0, right=float(parts), across=across, separators=_separators(0.0, 1.0, parts), **common)
    start, after = recipe.replace(patch_frames=None).frame_times(2)
    step = float(after - start)
    left = float(start) - step / 2.0
    separators = _separators(left, step * (recipe.patch_frames or 0), parts)
    return Picture(left=left, right=left + step * len(columns), across="time (s)", separators=separators, **common)


def _separators(left: float, width: float, parts: int) -> tuple[float, ...]:
    return tuple(left + width * part for part in range(1, parts)) if parts <= _MOST_SEPARATORS else ()


def frequency_ticks(centres: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return the positions of round frequencies on an axis of band numbers, and their labels.

    They are 1, 2, 5, 10 … Hz, or multiples of one step if the bands lie evenly.
    """
    spacings = np.diff(centres)
    is_even = len(centres) > 2 and np.allclose(spacings, spacings[0], rtol=1e-3)
    candidates = _even_ticks(float(centres[0]), float(centres[-1])) if is_even else _TICKS_HZ
    shown = [hz for hz in candidates if centres[0] <= hz <= centres[-1]]
    if not shown:  # no round frequency in a narrow range: label its ends
        shown = [float(f"{hz:.4g}") for hz in dict.fromkeys((centres[0], centres[-1]))]
    places = np.interp(shown, centres, np.arange(len(centres)))
    kept: list[int] = []
    for index in reversed(range(len(shown))):  # from the top, where a linear axis has space
        if not kept or places[kept[-1]] - places[index] >= 0.06 * len(centres):
            kept.append(index)
    kept.reverse()
    return places[kept], [hertz(shown[index]) for index in kept]


def _even_ticks(low: float, high: float) -> list[float]:
    """Return at most ten multiples of 1, 2 or 5 times a power of ten, between two frequencies."""
    step = next(step for step in _TICKS_HZ if (high - low) / step <= 9.0)
    return [step * number for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def hertz(frequency: float) -> str:
    """Return a frequency with its unit: "500 Hz", "10 kHz"."""
    return f"{frequency / 1000:g} kHz" if frequency >= 1000 else f"{frequency:g} Hz"


def time_ticks(left: float, right: float) -> tuple[list[float], list[str]] | None:
    """Return positions in seconds and labels as minutes and seconds, or None up to two minutes."""
    if right - left <= _LONGEST_IN_SECONDS:
        return None
    step = next((step for step in _STEPS_SECONDS if (right - left) / step <= 8.0), (right - left) / 8.0)
    places = [step * number for number in range(math.ceil(left / step), math.floor(right / step) + 1)]
    return places, [f"{int(place) // 60}:{int(place) % 60:02d}" for place in places]


_LONGEST_IN_SECONDS = 120.0
_STEPS_SECONDS = (15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)

_TICKS_HZ = tuple(digit * 10.0**decade for decade in range(-2, 8) for digit in (1, 2, 5))


def number_ticks(count: int) -> tuple[np.ndarray, list[str]]:
    """Return the positions of round numbers on an axis of a number of values, and their labels."""
    step = next(size for size in (1, 2, 5, 10, 20, 50, 100, 200, 500, count) if size * 10 >= count or size == count)
    places = np.arange(0, count, step)
    return places.astype(float), [str(place) for place in places]
