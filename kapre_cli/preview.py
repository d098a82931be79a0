"""A spectrogram in the terminal: two values a character in colour, or shades of plain text."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich.console import Console
from rich.style import Style
from rich.text import Text

from kapre.plot import frequency_ticks

_ROWS = 18
_MARGIN = 7
_SHADES = " .:-=+*#%@"
# Dark violet over red to pale yellow, as a picture's colour map.
_COLOURS = np.array([(0, 0, 4), (59, 15, 112), (140, 41, 129), (222, 73, 104), (254, 159, 109), (252, 253, 191)])


def _resized(values: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Return the largest value in each cell of a grid."""
    for axis, size in ((0, rows), (1, columns)):
        length = values.shape[axis]
        if length > size:
            edges = np.linspace(0, length, size + 1).astype(int)[:-1]
            values = np.maximum.reduceat(values, edges, axis=axis)
        else:
            values = values.take(np.arange(size) * length // size, axis=axis)
    return values


def _colour(level: float) -> str:
    place = level * (len(_COLOURS) - 1)
    low = min(int(place), len(_COLOURS) - 2)
    red, green, blue = _COLOURS[low] + (place - low) * (_COLOURS[low + 1] - _COLOURS[low])
    return f"rgb({red:.0f},{green:.0f},{blue:.0f})"


def preview(features: np.ndarray, recipe: Any, console: Console | None = None) -> None:
    """Print features of shape (frame, band), low frequencies at the bottom."""
    console = console or Console(highlight=False)
    width = max(20, min(console.width, 120) - _MARGIN - 1)
    colour = console.is_terminal and console.color_system is not None
    grid = _resized(features.T[::-1].astype(np.float64), _ROWS * (2 if colour else 1), width)
    low, high = float(np.min(grid)), float(np.max(grid))
    level = (grid - low) / (high - low) if high > low else np.zeros_like(grid)

    places, names = frequency_ticks(recipe.band_frequencies())
    rows = {int((1 - (place + 0.5) / recipe.bands) * _ROWS): name for place, name in zip(places, names, strict=True)}
    for row in range(_ROWS):
        label = f"{rows[row]} Hz" if row in rows else ""
        line = Text(f"{label:>{_MARGIN}} ")
        for column in range(width):
            if colour:
                upper, lower = level[2 * row, column], level[2 * row + 1, column]
                line.append("▀", Style(color=_colour(upper), bgcolor=_colour(lower)))
            else:
                line.append(_SHADES[min(int(level[row, column] * len(_SHADES)), len(_SHADES) - 1)])
        console.print(line, no_wrap=True, crop=True)
    unit = "dB" if recipe.decibel else ""
    seconds = recipe.frame_times(len(features))[-1]
    left, right = "0 s", f"{seconds:.2f} s"
    scale = f"{low:.3g} … {high:.3g} {unit}".strip()
    console.print(f"{'':>{_MARGIN}} {left}{scale:^{width - len(left) - len(right)}}{right}")
