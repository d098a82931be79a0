"""The pictures of `kapre show`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kapre_cli.outputs import save_picture


@dataclass(frozen=True)
class Computed:
    """Hold what is drawn and written.

    Attributes:
        features: The features of one clip. From the helpers they have channels last; from a preset they have the
            recipe's layout.
        recipe: The recipe that made the features.
        samples: The samples from which they were computed, (time, channels).
        seconds: The duration of the clip.
        taken: The computation time in seconds.
        channels: Number of channels, or None if the features have no channel axis.
    """

    features: Any
    recipe: Any
    samples: Any
    seconds: float
    taken: float
    channels: int | None


def draw(plot: Any, path: Path, title: str, done: Computed, banner: str) -> None:
    """Draw the waveform and the features of each channel of a recording."""
    from matplotlib.figure import Figure

    rate, count = done.recipe.clip_rate, done.channels or 1
    figure = Figure(figsize=(10, 5 if count == 1 else 3.4 * count), layout="constrained", dpi=110)
    grid = figure.subplots(2 * count, 1, squeeze=False, height_ratios=[1, 2.4] * count)[:, 0]
    for channel in range(count):
        above, below = grid[2 * channel], grid[2 * channel + 1]
        plot.waveform(done.samples[:, channel], rate, above)
        above.set_title(title if count == 1 else f"{title}, channel {channel + 1} of {count}")
        plot.spectrogram(done.features if done.channels is None else done.features[..., channel], done.recipe, below)
        if below.get_xlabel().startswith("time"):
            above.set_xlabel("")
            above.tick_params(labelbottom=False)
            end = below.get_xlim()[1] if _mark_end(below, done) else done.seconds
            for axes in (above, below):
                axes.set_xlim(0.0, end)
    if banner:
        figure.suptitle(f"DAMAGED: {banner}", color="white", backgroundcolor="firebrick", wrap=True, fontsize="medium")
    save_picture(figure, path)


def _mark_end(axes: Any, done: Computed) -> bool:
    """Mark the end of a clip that has zeros behind it, up to a fixed length. Return whether there is a mark."""
    is_time = axes.get_xlabel().startswith("time")
    if not is_time or axes.get_xlim()[1] <= 1.1 * done.seconds or done.recipe.power is None:
        return False
    axes.axvline(done.seconds, color="white", linestyle="--", linewidth=1.0)
    return True


def draw_several(
    plot: Any, path: Path, titles: Sequence[str], clips: Sequence[Computed], banners: Sequence[str]
) -> None:
    """Draw the features of several recordings below one another, with one time axis and one range of colours."""
    from matplotlib.figure import Figure

    rows = sum(done.channels or 1 for done in clips)
    figure = Figure(figsize=(10, 0.6 + 2.2 * rows), layout="constrained", dpi=110)
    panels = list(figure.subplots(rows, 1, squeeze=False)[:, 0])
    left = iter(panels)
    images = []
    for title, done, banner in zip(titles, clips, banners, strict=True):
        count = done.channels or 1
        for channel in range(count):
            axes = next(left)
            features = done.features if done.channels is None else done.features[..., channel]
            images.append(plot.spectrogram(features, done.recipe, axes))
            words = title if count == 1 else f"{title}, channel {channel + 1} of {count}"
            if banner:
                axes.set_title(f"{words}, DAMAGED: {banner}", color="firebrick", wrap=True)
            else:
                axes.set_title(words)
            _mark_end(axes, done)
    if hasattr(images[0], "set_clim"):  # not the lines of a waveform
        limits = [image.get_clim() for image in images]
        for image in images:
            image.set_clim(min(low for low, _ in limits), max(high for _, high in limits))
    if all(axes.get_xlabel().startswith("time") for axes in panels):
        lefts, rights = zip(*(axes.get_xlim() for axes in panels), strict=True)
        begin, end = min(0.0, *lefts), max(*rights, *(done.seconds for done in clips))
        for axes in panels:
            plot._over_time(axes, begin, end)
        for axes in panels[:-1]:
            axes.set_xlabel("")
            axes.tick_params(labelbottom=False)
    save_picture(figure, path)


def draw_features(plot: Any, path: Path, title: str, features: Any, recipe: Any) -> None:
    """Draw features alone."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained", dpi=110)
    axes = figure.add_subplot()
    plot.spectrogram(features, recipe, axes)
    axes.set_title(title)
    save_picture(figure, path)
