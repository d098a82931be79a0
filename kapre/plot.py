"""Pictures of waveforms and features, with axes in seconds and Hz. Needs matplotlib (`kapre[audio]`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kapre._checks import message, number
from kapre._plot_layout import axes as shape_in_words
from kapre._plot_layout import frequency_ticks, number_ticks, picture, rank
from kapre.recipe import Recipe

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["spectrogram", "waveform"]


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError("Pictures need matplotlib: run `pip install 'kapre[audio]'`.") from None
    return plt.gca()


def _one_channel(values: Any, rank: int, name: str, axes: str) -> np.ndarray:
    """Return an array of `rank` axes: a trailing axis of one channel and a leading one of one item are dropped."""
    array = np.asarray(keras.ops.convert_to_numpy(values), dtype=np.float64)
    if array.ndim > rank and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim > rank and array.shape[0] == 1:
        array = array[0]
    if array.ndim != rank:
        raise ValueError(message(name, f"of shape {axes}", np.shape(values), "Draw one item and channel at a time."))
    return array


def waveform(samples: Any, sample_rate: float, ax: Axes | None = None) -> Axes:
    """Draw a waveform over seconds; a long one as the range between its lowest and highest samples.

    Args:
        samples: Shape `(time,)`; `(1, time, 1)` and `(time, 1)` are taken too. Full scale is 1.
        sample_rate: Hz.
        ax: Where to draw; matplotlib's current axes if None.

    Returns:
        The axes.

    Raises:
        ValueError: If `samples` is more than one channel of one item.
        ImportError: If matplotlib is not installed.

    Example:
        ```python
        import numpy as np
        import kapre

        axes = kapre.plot.waveform(np.sin(np.arange(16000) / 20), sample_rate=16000)
        assert axes.get_xlabel() == "time (s)"
        ```
    """
    rate = number("sample_rate", sample_rate, "Give it in Hz.", above=0.0, rule="a positive number of Hz")
    x = _one_channel(samples, 1, "samples", "(time,)")
    axes = _axes(ax)
    columns = 2000
    if x.size > 4 * columns:
        edges = np.linspace(0, x.size, columns + 1).astype(int)[:-1]
        low, high = np.minimum.reduceat(x, edges), np.maximum.reduceat(x, edges)
        axes.fill_between(edges / rate, low, high, linewidth=0.4, color="C0")
    else:
        axes.plot(np.arange(x.size) / rate, x, linewidth=0.8)
    peak = float(np.abs(x).max()) if x.size else 1.0
    axes.set_ylim(-1.05 * (peak or 1.0), 1.05 * (peak or 1.0))
    axes.set_xlim(0.0, max(x.size, 1) / rate)
    axes.set_xlabel("time (s)")
    axes.set_ylabel("amplitude")
    return axes


def spectrogram(features: Any, recipe: Recipe, ax: Axes | None = None, colorbar: bool = True) -> Any:
    """Draw features over seconds: bands at their centre frequencies in Hz, coefficients and stacked values numbered.

    Every layout is drawn: bands first or last, patches and chunks side by side (patches that overlap are numbered, for
    they have no place of their own in time), and where a recipe leaves the samples as they are, those.

    Args:
        features: One clip's features as the recipe lays them out, such as `(frame, band)`; `(1, frame, band, 1)` and
            the like are taken too.
        recipe: What made them, with its `sample_rate`.
        ax: Where to draw; matplotlib's current axes if None.
        colorbar: Whether to add a colour bar, with the values' unit.

    Returns:
        The image; its axes are `image.axes`. For samples, what `waveform` drew.

    Raises:
        ValueError: If the shape is not one item and channel of the recipe's, or the recipe has no sample rate.
        ImportError: If matplotlib is not installed.

    Example:
        ```python
        import numpy as np
        import kapre

        mel = kapre.get_melspectrogram_layer(n_fft=512, sample_rate=16000, n_mels=40, return_decibel=True, power=2.0)
        x = np.random.uniform(-1, 1, (1, 16000, 1)).astype("float32")
        image = kapre.plot.spectrogram(mel(x), mel.recipe)
        assert image.axes.get_ylabel() == "frequency (Hz)"

        whisper = kapre.Frontend.from_preset("whisper")
        image = kapre.plot.spectrogram(whisper(x[..., 0]), whisper.recipe)
        assert image.colorbar.ax.get_ylabel() == "normalised"
        ```
    """
    values = _one_channel(features, rank(recipe), "features", shape_in_words(recipe))
    if recipe.power is None:
        if recipe.sample_rate is None:
            raise ValueError(message("sample_rate", "known to place samples in time", None, "Use replace(…)."))
        axes = waveform(values, recipe.sample_rate, ax)
        axes.set_ylabel("normalised" if recipe.normalize_samples else "sample")
        return (axes.lines or axes.collections)[-1]
    shown = picture(values, recipe)
    axes = _axes(ax)
    rows = shown.values.shape[1]
    image = axes.imshow(
        shown.values.T,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap="magma",
        extent=(shown.left, shown.right, -0.5, rows - 0.5),
    )
    for place in shown.separators:
        axes.axvline(place, color="white", linewidth=0.8)
    axes.set_yticks(*(number_ticks(rows) if shown.centres is None else frequency_ticks(shown.centres)))
    axes.set_xlabel(shown.across)
    axes.set_ylabel(shown.up)
    if colorbar:
        figure = axes.get_figure()
        assert figure is not None
        figure.colorbar(image, ax=axes, label=shown.unit, pad=0.01)
    return image
