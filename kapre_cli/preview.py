"""A spectrogram in the terminal: two values per character in colour, or shades in plain text."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich.console import Console
from rich.style import Style
from rich.text import Text

from kapre._plot_layout import frequency_ticks, number_ticks, picture

_ROWS = 18
_MARGIN = 7
_SHADES = " .:-=+*#%@"
# From dark violet over red to pale yellow, like the colour map of a picture.
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


def _has_colour(console: Console) -> bool:
    """Tell whether a console shows colours: one in a terminal that has them, without `NO_COLOR`."""
    return console.is_terminal and console.color_system is not None and not console.no_color


def preview(features: np.ndarray, recipe: Any, console: Console | None = None) -> None:
    """Print the features of one clip in the recipe's layout, low frequencies at the bottom, or a waveform."""
    console = console or Console(highlight=False)
    width = max(20, min(console.width, 120) - _MARGIN - 1)
    colour = _has_colour(console)
    if recipe.power is None:
        _preview_samples(features, recipe, console, width)
        return
    shown = picture(features, recipe)
    grid = _resized(shown.values.T[::-1].astype(np.float64), _ROWS * (2 if colour else 1), width)
    low, high = float(np.min(grid)), float(np.max(grid))
    level = (grid - low) / (high - low) if high > low else np.zeros_like(grid)

    count = shown.values.shape[1]
    places, names = number_ticks(count) if shown.centres is None else frequency_ticks(shown.centres)
    rows = {int((1 - (place + 0.5) / count) * _ROWS): name for place, name in zip(places, names, strict=True)}
    for row in range(_ROWS):
        label = rows.get(row, "")
        line = Text(f"{label:>{_MARGIN}} ")
        for column in range(width):
            if colour:
                upper, lower = level[2 * row, column], level[2 * row + 1, column]
                line.append("▀", Style(color=_colour(upper), bgcolor=_colour(lower)))
            else:
                line.append(_SHADES[min(int(level[row, column] * len(_SHADES)), len(_SHADES) - 1)])
        console.print(line, no_wrap=True, crop=True)
    ends = ("0 s", f"{shown.right:.2f} s") if shown.across == "time (s)" else ("patch 0", f"patch {shown.right - 1:g}")
    _print_scale(console, width, f"{low:.3g} … {high:.3g} {shown.unit}", *ends)


def line_of(values: np.ndarray, limits: tuple[float, float], seconds: float, console: Console) -> Text:
    """Return the bands of one moment as a line, low frequencies on the left, behind the time."""
    width = max(20, min(console.width, 120) - _MARGIN - 1)
    low, high = limits
    level = _resized(values[None].astype(np.float64), 1, width)[0]
    level = np.clip((level - low) / (high - low), 0.0, 1.0) if high > low else np.zeros_like(level)
    line = Text(f"{seconds:>{_MARGIN - 2}.1f} s ", no_wrap=True)
    colour = _has_colour(console)
    for each in level:
        if colour:
            line.append(" ", Style(bgcolor=_colour(float(each))))
        else:
            line.append(_SHADES[min(int(each * len(_SHADES)), len(_SHADES) - 1)])
    return line


def _preview_samples(samples: np.ndarray, recipe: Any, console: Console, width: int) -> None:
    """Print a waveform. Each column extends from its lowest to its highest sample."""
    edges = np.linspace(0, len(samples), width + 1).astype(int)[:-1]
    high, low = np.maximum.reduceat(samples, edges), np.minimum.reduceat(samples, edges)
    peak = float(np.abs(samples).max()) or 1.0
    for row in range(_ROWS):
        top, bottom = 1 - 2 * row / _ROWS, 1 - 2 * (row + 1) / _ROWS
        inside = (high / peak >= bottom) & (low / peak <= top)
        label = {0: f"{peak:.3g}", _ROWS - 1: f"{-peak:.3g}"}.get(row, "")
        console.print(Text(f"{label:>{_MARGIN}} " + "".join("|" if drawn else " " for drawn in inside)), no_wrap=True)
    _print_scale(console, width, "samples", "0 s", f"{len(samples) / recipe.clip_rate:.2f} s")


def _print_scale(console: Console, width: int, scale: str, left: str, right: str) -> None:
    console.print(f"{'':>{_MARGIN}} {left}{scale:^{width - len(left) - len(right)}}{right}")
