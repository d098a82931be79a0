"""Plots of waveforms and features, with axes in seconds and Hz. They need matplotlib (`kapre[audio]`)."""

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
    """Return an array with `rank` axes, without a trailing axis of one channel and a leading axis of one item."""
    array = np.asarray(keras.ops.convert_to_numpy(values), dtype=np.float64)
    if array.ndim > rank and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim > rank and array.shape[0] == 1:
        array = array[0]
    if array.ndim != rank:
        raise ValueError(message(name, f"of shape {axes}", np.shape(values), "Draw one item and channel at a time."))
    return array


def waveform(samples: Any, sample_rate: float, ax: Axes | None = None) -> Axes:
    """Plot a waveform over seconds. A long waveform is drawn as the range between its lowest and highest samples.

    Args:
        samples: Samples of shape `(time,)`; `(1, time, 1)` and `(time, 1)` are also accepted. Full scale is 1.
        sample_rate: Sampling rate in Hz.
        ax: The axes to draw on. None means matplotlib's current axes.

    Returns:
        The axes.

    Raises:
        ValueError: If `samples` holds more than one channel or item.
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
    """Plot features over seconds, with bands at their centre frequencies in Hz and other values numbered.

    Coefficients and stacked values are numbered. Every layout is supported: bands first or last, and patches and chunks
    side by side. Overlapping patches are numbered, because they have no separate positions in time. If a recipe returns
    samples, the samples are drawn.

    Args:
        features: The features of one clip in the layout of the recipe, such as `(frame, band)`; `(1, frame, band, 1)`
            and similar shapes are also accepted.
        recipe: The recipe that made the features, with its `sample_rate`.
        ax: The axes to draw on. None means matplotlib's current axes.
        colorbar: Whether to add a colour bar with the unit of the values.

    Returns:
        The image, whose axes are `image.axes`. For samples, the return value of `waveform`.

    Raises:
        ValueError: If the shape is not that of one item and channel of the recipe, or the recipe has no sample rate.

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
