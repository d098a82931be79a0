"""Plots of waveforms and features, with axes in seconds and Hz. They need matplotlib (`kapre[audio]`)."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kapre._augmented import Copies, augmented
from kapre._checks import message, number
from kapre._plot_layout import axes as shape_in_words
from kapre._plot_layout import colour_range, frequency_ticks, number_ticks, picture, rank, time_ticks, unit
from kapre.augmentation import RandomLayer
from kapre.recipe import Recipe

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kapre.frontends.frontend import Frontend

__all__ = ["augmentations", "compare", "filterbank", "filters", "spectrogram", "waveform"]


def __dir__() -> list[str]:
    return list(__all__)


def _pyplot() -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError("Pictures need matplotlib: run `pip install 'kapre[audio]'`.") from None
    return plt


def _axes(ax: Axes | None) -> Axes:
    return _pyplot().gca() if ax is None else ax


def _over_time(axes: Axes, left: float, right: float) -> None:
    """Label the horizontal axis of a time in seconds, as minutes and seconds above two minutes."""
    axes.set_xlim(left, right)
    ticks = time_ticks(left, right)
    if ticks is not None:
        axes.set_xticks(*ticks)
    axes.set_xlabel("time (s)" if ticks is None else "time (min:s)")


def _as_array(values: Any) -> np.ndarray:
    """Return the values of an array or of a tensor of any backend, also of one with a gradient."""
    if hasattr(values, "detach"):  # a tensor of PyTorch, on which Keras may run another backend
        values = values.detach().cpu()
    return np.asarray(keras.ops.convert_to_numpy(values), dtype=np.float64)


def _one_channel(values: Any, rank: int, name: str, axes: str) -> np.ndarray:
    """Return an array with `rank` axes, without a trailing axis of one channel and a leading axis of one item."""
    array = _as_array(values)
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
    _over_time(axes, 0.0, max(x.size, 1) / rate)
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
        assert image.axes.get_ylabel() == "frequency"

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
    if shown.across == "time (s)":
        _over_time(axes, shown.left, shown.right)
    else:
        axes.set_xlabel(shown.across)
    axes.set_ylabel(shown.up)
    if colorbar:
        figure = axes.get_figure()
        assert figure is not None
        figure.colorbar(image, ax=axes, label=shown.unit, pad=0.01)
    return image


def filterbank(recipe: Recipe | Frontend, ax: Axes | None = None) -> Axes:
    """Plot the weights of a filter bank over frequency, one line for each band.

    Neighbouring bands differ in colour. The weights are those that multiply the spectrum, with their normalisation.

    Args:
        recipe: A recipe with a filter bank, or a `kapre.Frontend` with one, whose current weights are drawn.
        ax: The axes to draw on. None means matplotlib's current axes.

    Returns:
        The axes.

    Raises:
        TypeError: If `recipe` is neither a recipe nor a front end.
        ValueError: If there is no filter bank.
        ImportError: If matplotlib is not installed.

    Example:
        ```python
        import kapre
        from matplotlib.figure import Figure

        axes = kapre.plot.filterbank(kapre.frontends.preset("whisper").recipe, Figure().subplots())
        assert axes.get_xlabel() == "frequency (Hz)" and len(axes.lines) == 80
        ```
    """
    of: Any = getattr(recipe, "recipe", recipe)
    if not isinstance(of, Recipe):
        way = "Use kapre.frontends.preset('whisper').recipe, say."
        raise TypeError(message("recipe", "a kapre.Recipe or a kapre.Frontend", type(recipe).__name__, way))
    weights = of.bank if of is recipe else getattr(recipe, "filterbank", None)
    if weights is None:
        way = "Use a recipe with filterbank='mel'."
        raise ValueError(message("recipe", "one with a filter bank", f"filterbank={of.filterbank!r}", way))
    assert of.sample_rate is not None  # a bank has one
    frequencies = np.arange(of.n_freq) * of.sample_rate / of.n_fft
    axes = _axes(ax)
    for band, values in enumerate(weights.T):
        axes.plot(frequencies, values, color=f"C{band % 10}", linewidth=0.8)
    axes.set_xlim(0.0, float(frequencies[-1]))
    axes.set_xlabel("frequency (Hz)")
    axes.set_ylabel("weight")
    return axes


def compare(a: Any, b: Any, recipe: Recipe, ax: Sequence[Axes] | None = None) -> list[Axes]:
    """Plot two sets of features of one recipe and their difference, one below the other.

    The two plots of features share one colour scale. The difference is `b - a`. It is white where the two are equal.

    Args:
        a: The features of one clip, as `spectrogram` takes them.
        b: Other features of the same shape.
        recipe: The recipe of both, with its `sample_rate`.
        ax: Three axes to draw on. None makes a new figure.

    Returns:
        The three axes.

    Raises:
        ValueError: If the shapes differ or are not those of the recipe, the recipe has no sample rate, or `ax` is not a
            sequence of three.
        ImportError: If matplotlib is not installed.

    Example:
        ```python
        import numpy as np
        import kapre

        frontend = kapre.Frontend.from_preset("kaldi_fbank")
        x = np.random.uniform(-1, 1, (1, 16000)).astype("float32")
        top, middle, bottom = kapre.plot.compare(frontend(x), frontend(0.5 * x), frontend.recipe)
        assert bottom.get_title() == "b − a"
        ```
    """
    first, second = (
        _one_channel(values, rank(recipe), name, shape_in_words(recipe)) for name, values in (("a", a), ("b", b))
    )
    if first.shape != second.shape:
        raise ValueError(message("b", f"of the shape of a, {first.shape}", second.shape, "Cut the longer one."))
    if ax is None:
        ax = _pyplot().subplots(3, 1, sharex=True, layout="constrained")[1]
    places = [*ax]
    if len(places) != 3:
        raise ValueError(message("ax", "three axes", f"{len(places)} of them", "Use plt.subplots(3, 1)[1]."))
    drawn = [
        spectrogram(values, recipe, axes) for values, axes in zip((first, second, second - first), places, strict=True)
    ]
    if recipe.power is not None:
        low, high = colour_range(np.stack([first, second]), recipe)
        for image in drawn[:2]:
            image.set_clim(low, high)
        most = float(np.abs(second - first).max()) or 1.0
        drawn[2].set_cmap("RdBu_r")
        drawn[2].set_clim(-most, most)
        drawn[2].colorbar.set_label(f"difference ({unit(recipe)})")
    else:
        most = 1.05 * max(float(np.abs([first, second]).max()), 1e-12)
        for axes in places[:2]:
            axes.set_ylim(-most, most)
        places[2].set_ylabel("difference")
    for axes, title in zip(places, ("a", "b", "b − a"), strict=True):
        axes.set_title(title, fontsize="small")
    for axes in places[:2]:
        axes.set_xlabel("")
    return places


def filters(layer: Any, ax: Axes | None = None, start: bool = True) -> Axes:
    """Plot the frequency responses of trained filters, and their responses before training.

    Each filter is one line, and neighbouring lines differ in colour. The responses before training are grey. All are
    magnitudes: those of the taps of a filter, or the weights of a filter bank. Each is divided by its largest value, so
    that narrow filters do not hide wide ones.

    Args:
        layer: A `kapre.SincConv`, `kapre.Leaf` or `kapre.ParametricFilterbank`, or a `kapre.Frontend` with a filter
            bank.
        ax: The axes to draw on. None means matplotlib's current axes.
        start: Whether to draw the responses before training.

    Returns:
        The axes.

    Raises:
        TypeError: If the layer has no filters.
        ValueError: If a `kapre.Frontend` has no filter bank.
        ImportError: If matplotlib is not installed.

    Example:
        ```python
        import kapre

        layer = kapre.SincConv(8, 16000)
        axes = kapre.plot.filters(layer)
        assert axes.get_xlabel() == "frequency (Hz)" and len(axes.lines) == 16
        ```
    """
    if not hasattr(layer, "responses"):
        rule = "a layer with filters, such as kapre.SincConv, kapre.Leaf or kapre.ParametricFilterbank"
        raise TypeError(message("layer", rule, type(layer).__name__, "Give the layer, and not the model around it."))
    frequencies, before, after = layer.responses()
    axes = _axes(ax)
    if start:
        axes.plot(frequencies, _peak_at_1(before), color="0.8", linewidth=0.8)
    for band, response in enumerate(_peak_at_1(after).T):
        axes.plot(frequencies, response, color=f"C{band % 10}", linewidth=0.8)
    axes.set_xlim(0.0, float(frequencies[-1]))
    axes.set_ylim(0.0, 1.05)
    axes.set_xlabel("frequency (Hz)")
    axes.set_ylabel("response")
    return axes


def _peak_at_1(responses: np.ndarray) -> np.ndarray:
    """Divide each column by its largest value, unless that is 0."""
    peaks = responses.max(axis=0)
    return responses / np.where(peaks > 0.0, peaks, 1.0)


def augmentations(
    layer: RandomLayer | Sequence[RandomLayer],
    waveform: Any,
    sample_rate: float,
    copies: int = 3,
    seed: int | None = None,
    recipe: Recipe | None = None,
    others: Sequence[Any] = (),
    parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
) -> Figure:
    """Plot a recording beside copies that random layers changed, to judge the settings of the layers.

    The columns are the recording and its copies, the rows are waveforms and spectrograms, for each channel. All columns
    have the same scales and colours. The title of a copy says what was drawn for it. The given layers draw nothing and
    keep their state: copies of them draw, with training=True.

    Args:
        layer: A random layer, or a list of layers that are applied one after the other. Those of waveforms come before
            those of spectrograms, which change only the spectrograms.
        waveform: Samples of shape `(time,)` or `(time, channel)`; `(1, time, channel)` is also accepted. An array, or a
            tensor of any backend.
        sample_rate: Sampling rate in Hz. It must match the rate of layers that have one.
        copies: int > 0. Number of copies.
        seed: int or None. An integer makes the draws of layers without a seed of their own repeatable.
        recipe: The recipe of the spectrograms, for clips at that rate. None means a mel spectrogram in decibels, of
            frames of 32 to 64 ms, at most 80 dB below the peak of each copy.
        others: Other recordings, for `FreqMixStyle`, which mixes examples. They are the second half of the batch,
            repeated or cut to the length of `waveform`.
        parameters: The parameters that a call of the layer with `return_parameters=True` returned, to repeat that call,
            or a list of them for a list of layers. Each example of the batch becomes a copy, and `copies` is ignored.

    Returns:
        A new pyplot figure.

    Raises:
        ValueError: If a shape, a number or the order of the layers does not fit, or the recipe has a different rate.
        TypeError: If a layer is not a `kapre.augmentation.RandomLayer`, or the samples are complex or integers.
        ImportError: If matplotlib is not installed.

    Example:
        ```python
        import numpy as np
        import kapre
        from kapre.augmentation import RandomGain, RandomShift

        x = np.sin(np.arange(16000) / 20) * np.linspace(1, 0, 16000)
        figure = kapre.plot.augmentations([RandomGain(-12, 0), RandomShift()], x, 16000, copies=2, seed=0)
        assert figure.axes[0].get_title() == "before" and figure.axes[1].get_title().startswith("gain −")
        figure.savefig("gain.png")
        ```
    """
    layers = [layer] if isinstance(layer, RandomLayer) else layer
    is_list = isinstance(layers, (list, tuple))
    if not is_list or not layers or not all(isinstance(one, RandomLayer) for one in layers):
        received = [type(one).__name__ for one in layers] if is_list else type(layer).__name__
        remedy = "Use RandomGain(), say, or a list of such layers."
        raise TypeError(message("layer", "a random layer, or a list of random layers", received, remedy))
    given = [parameters] if isinstance(parameters, Mapping) else parameters
    plt = _pyplot()
    copied = [type(one).from_config(one.get_config()) for one in layers]
    found = augmented(copied, waveform, sample_rate, copies, seed, recipe, others, given)
    figure: Figure = plt.figure(layout="constrained")
    draw_copies(figure, found)
    return figure


_COLUMNS = 5
"""The largest number of columns of a grid. More copies continue below."""


def draw_copies(figure: Figure, copies: Copies) -> None:
    """Draw a recording and its copies on an empty figure, and set its size."""
    assert copies.features is not None
    waves = [copies.before, *copies.after]
    titles = ["before", *("\n".join(textwrap.fill(phrase, 30) for phrase in words) for words in copies.words)]
    blocks, channels = -(-len(waves) // _COLUMNS), len(copies.before)
    columns = -(-len(waves) // blocks)
    lines = max(title.count("\n") + 1 for title in titles)
    figure.set_size_inches(2.2 * columns + 1.2, blocks * (2.9 * channels + 0.16 * lines) + 0.3)
    grid = figure.subplots(2 * channels * blocks, columns, squeeze=False, height_ratios=[1, 1.5] * channels * blocks)
    peak = max(float(np.abs(wave).max()) for wave in waves) or 1.0
    seconds = max(wave.shape[-1] for wave in waves) / copies.sample_rate
    low, high = colour_range(np.concatenate([one.ravel() for one in copies.features]), copies.recipe)
    image = None
    for index in range(blocks * columns):
        block, column = divmod(index, columns)
        for channel in range(channels):
            row = 2 * (block * channels + channel)
            above, below = grid[row : row + 2, column]
            if index >= len(waves):
                above.set_axis_off()
                below.set_axis_off()
                continue
            waveform(waves[index][channel], copies.sample_rate, above)
            above.set_ylim(-1.05 * peak, 1.05 * peak)
            drawn = spectrogram(copies.features[index][channel], copies.recipe, below, colorbar=False)
            if hasattr(drawn, "set_clim"):  # not of samples
                image = drawn
                image.set_clim(low, high)
            if channel == 0:
                above.set_title(titles[index], fontsize="small")
            if channels > 1:
                above.set_ylabel(f"amplitude {channel + 1}")
            if peak > 1.0:
                for full_scale in (-1.0, 1.0):
                    above.axhline(full_scale, color="0.6", linewidth=0.6, linestyle="--")
            in_time = below.get_xlabel().startswith("time")
            for axes in (above, below) if in_time else (above,):
                axes.set_xlim(0.0, seconds)
            if in_time:
                above.set_xlabel("")
                above.tick_params(labelbottom=False)
            for axes in (above, below):
                axes.tick_params(labelsize="small", labelleft=column == 0)
                if column:
                    axes.set_ylabel("")
    if image is not None:
        places = list(grid[1::2].ravel())
        bar = figure.colorbar(
            image, ax=places, label=unit(copies.recipe), pad=0.01, fraction=0.05, aspect=20 * blocks * channels
        )
        bar.ax.tick_params(labelsize="small")
