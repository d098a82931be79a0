"""Pictures of waveforms and features, with axes in seconds and Hz. Needs matplotlib (`kapre[audio]`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kapre._checks import message, number
from kapre.recipe import Recipe

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

__all__ = ["spectrogram", "waveform"]

_TICKS_HZ = tuple(digit * 10.0**decade for decade in range(5) for digit in (1, 2, 5))


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


def frequency_ticks(centres: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return where round frequencies (1, 2, 5, 10 … Hz) lie on an axis of band numbers, and their names."""
    shown = [hz for hz in _TICKS_HZ if centres[0] <= hz <= centres[-1]]
    if not shown:  # a narrow range holds no round frequency: its ends, then
        shown = [float(f"{hz:.4g}") for hz in dict.fromkeys((centres[0], centres[-1]))]
    places = np.interp(shown, centres, np.arange(len(centres)))
    kept: list[int] = []
    for index in reversed(range(len(shown))):  # from the top, where a linear axis has room
        if not kept or places[kept[-1]] - places[index] >= 0.06 * len(centres):
            kept.append(index)
    kept.reverse()
    names = [f"{shown[i] / 1000:g}k" if shown[i] >= 1000 else f"{shown[i]:g}" for i in kept]
    return places[kept], names


def spectrogram(features: Any, recipe: Recipe, ax: Axes | None = None, colorbar: bool = True) -> AxesImage:
    """Draw features: frames over seconds, bands at their centre frequencies in Hz.

    Args:
        features: Shape `(frame, band)`; `(1, frame, band, 1)` and the like are taken too.
        recipe: What made them, with its `sample_rate`.
        ax: Where to draw; matplotlib's current axes if None.
        colorbar: Whether to add a colour bar, in dB when the recipe ends in decibel.

    Returns:
        The image; its axes are `image.axes`.

    Raises:
        ValueError: If the shape is not one item and channel of the recipe's bands, or the recipe has no sample rate.
        ImportError: If matplotlib is not installed.

    Example:
        ```python
        import numpy as np
        import kapre

        mel = kapre.get_melspectrogram_layer(n_fft=512, sample_rate=16000, n_mels=40, return_decibel=True, power=2.0)
        x = np.random.uniform(-1, 1, (1, 16000, 1)).astype("float32")
        image = kapre.plot.spectrogram(mel(x), mel.recipe)
        assert image.axes.get_ylabel() == "frequency (Hz)"
        ```
    """
    values = _one_channel(features, 2, "features", f"(frame, {recipe.bands})")
    if values.shape[1] != recipe.bands or values.shape[0] == 0:
        raise ValueError(
            message("features", f"of shape (frame, {recipe.bands})", values.shape, "Give the recipe that made them.")
        )
    centres = recipe.band_frequencies()
    times = recipe.frame_times(values.shape[0])
    half_hop = recipe.hop_length / recipe.sample_rate / 2.0  # type: ignore[operator]  # band_frequencies needs it too
    axes = _axes(ax)
    image = axes.imshow(
        values.T,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap="magma",
        extent=(times[0] - half_hop, times[-1] + half_hop, -0.5, values.shape[1] - 0.5),
    )
    axes.set_yticks(*frequency_ticks(centres))
    axes.set_xlabel("time (s)")
    axes.set_ylabel("frequency (Hz)")
    if colorbar:
        figure = axes.get_figure()
        assert figure is not None
        unit = "dB" if recipe.decibel else ("power" if recipe.power == 2.0 else "magnitude")
        figure.colorbar(image, ax=axes, label=unit, pad=0.01)
    return image
