"""`kapre show`: decode a recording, compute features and draw them."""

from __future__ import annotations

import json
import math
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kapre_cli.errors import DATA, USAGE, CommandError, light, load_kapre, quiet, shown
from kapre_cli.listen import check_listen, heard
from kapre_cli.outputs import PICTURES, check_output, check_range, save_picture, save_sound, write_all
from kapre_cli.recipes import Wanted, check_audio_file, finite, read_audio, read_clip
from kapre_cli.store import is_store, open_store

_ONCE_MORE_BELOW = 5.0  # in seconds


@dataclass(frozen=True)
class Settings:
    """Hold the command's options that determine what is computed."""

    sample_rate: int | None = None
    kind: str = "mel"
    n_fft: int = 2048
    hop_length: int | None = None
    n_mels: int | None = None
    f_min: float | None = None
    f_max: float | None = None
    decibel: bool = True


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


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _check_alone(given: Mapping[str, Any], wanted: Wanted) -> None:
    """Refuse options that a preset or a recipe determines."""
    chosen = wanted.given()
    if len(chosen) > 1:
        names, values = (" and ".join(each) for each in zip(*chosen, strict=True))
        raise CommandError(f"{names} each say what to compute: {values}. Give one.", USAGE)
    if chosen and given:
        options = ", ".join(map(_option, given))
        remedy = "Leave them out, or change the recipe: `kapre presets NAME > FILE`, and --recipe FILE."
        raise CommandError(f"{options} cannot go with {chosen[0][0]}, which decides that. {remedy}", USAGE)


def _check(settings: Settings, output: Path | None, features: Path | None, listen: Path | None = None) -> None:
    """Refuse invalid options before anything is loaded."""
    check_range("--n-fft", settings.n_fft, 2**22)
    check_range("--sample-rate", settings.sample_rate, 10**6)
    if settings.n_mels is not None and settings.kind != "mel":
        raise CommandError(f"--n-mels goes with --kind mel, not {settings.kind}. Leave it out.", USAGE)
    for name, value in (("--f-min", settings.f_min), ("--f-max", settings.f_max)):
        if value is not None and settings.kind == "stft":
            raise CommandError(f"{name} goes with --kind mel or log, not stft. Leave it out.", USAGE)
    check_output("--output", output, PICTURES)
    check_output("--features", features, (".npz",))
    check_output("--listen", listen, (".wav",))


_OPTIONS = {
    "n_fft": "--n-fft",
    "hop_length": "--hop-length",
    "n_mels": "--n-mels",
    "f_min": "--f-min",
    "f_max": "--f-max",
    "sample_rate": "--sample-rate",
}
"""The names that the command uses for the fields of a recipe."""


def _semitones(settings: Settings, rate: int) -> tuple[int, float]:
    """Return the number of semitones of the log axis between the limits, and the lowest in Hz."""
    from kapre.ops.filterbanks import C1_HZ, log_bins_below

    lowest = C1_HZ if settings.f_min is None else settings.f_min
    highest = rate / 2 if settings.f_max is None else min(settings.f_max, rate / 2)
    bins = log_bins_below(highest, 12, lowest) if lowest > 0 else 0
    if bins < 1:
        raise ValueError(
            f"--f-min must lie above 0 and a semitone or more below --f-max, {highest:g} Hz; received {lowest:g}."
        )
    return bins, lowest


def _check_recipe(settings: Settings, rate: int) -> Any:
    """Return the recipe for the options, or raise a usage error for invalid ones. Keras is not loaded."""
    light()
    from kapre._checks import public_names
    from kapre.recipe import Recipe
    from kapre.stages.filter_bank import check_even

    fields: dict[str, Any] = dict(sample_rate=rate, n_fft=settings.n_fft, hop_length=settings.hop_length, power=2.0)
    try:
        if settings.kind == "mel":
            n_mels = 128 if settings.n_mels is None else settings.n_mels
            fields |= dict(filterbank="mel", n_mels=n_mels, f_min=settings.f_min, f_max=settings.f_max)
        elif settings.kind == "log":
            bins, lowest = _semitones(settings, rate)
            fields |= dict(filterbank="log", n_bins=bins, f_min=lowest)
        with public_names(**_OPTIONS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the layer repeats the warning
            recipe = Recipe(**fields)
            if recipe.filterbank is not None:
                check_even(recipe.n_fft)  # the helper places the last bin at Nyquist, a recipe does not
            return recipe
    except (ValueError, TypeError) as error:
        raise CommandError(str(error), USAGE) from None


def _front_end(kapre: Any, settings: Settings, rate: int) -> Any:
    """Make the composed helper for the options."""
    common = dict(
        n_fft=settings.n_fft,
        hop_length=settings.hop_length,
        power=2.0,
        return_decibel=settings.decibel,
        db_amin=1e-10,
        input_data_format="channels_last",
        output_data_format="channels_last",
    )
    if settings.kind == "stft":
        return kapre.get_stft_magnitude_layer(**common)
    common["sample_rate"] = rate
    if settings.kind == "log":
        bins, lowest = _semitones(settings, rate)
        return kapre.get_log_frequency_spectrogram_layer(log_n_bins=bins, log_f_min=lowest, **common)
    return kapre.get_melspectrogram_layer(
        n_mels=128 if settings.n_mels is None else settings.n_mels,
        mel_f_min=0.0 if settings.f_min is None else settings.f_min,
        mel_f_max=settings.f_max,
        **common,
    )


def _timed(compute: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    result = compute()
    return result, time.perf_counter() - started


def _make(kapre: Any, settings: Settings, rate: int) -> tuple[Any, Any]:
    """Return the layer and its recipe. Warnings of the layer become notes."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            layer = _front_end(kapre, settings, rate)
    except (ValueError, TypeError, RuntimeError) as error:
        raise CommandError(str(error), USAGE) from None
    for warning in caught:
        print(f"note: {warning.message}")
    return layer, layer.recipe.replace(sample_rate=rate)


def _computed(layer: Any, samples: Any) -> tuple[Any, float]:
    """Return a layer's output for one clip, and the computation time in seconds."""
    import keras

    with quiet():
        computed, taken = _timed(lambda: keras.ops.convert_to_numpy(layer(samples[None]))[0])
        if taken < _ONCE_MORE_BELOW:  # the first call also compiles, so it does not show the speed
            computed, taken = _timed(lambda: keras.ops.convert_to_numpy(layer(samples[None]))[0])
    return computed, taken


def _of_helper(file: Path, settings: Settings, backend: str | None) -> tuple[Computed, Any]:
    recording = read_audio(file, settings.sample_rate, "keep")
    samples, rate = finite(recording.samples), recording.sample_rate
    recipe = _check_recipe(settings, rate)
    if recipe.num_frames(len(samples)) == 0:
        raise CommandError(
            f"{file}: too short: {len(samples)} samples at {rate} Hz, where one frame has {recipe.n_fft}. "
            + (f"Use --n-fft {2 ** int(math.log2(len(samples)))} or less." if len(samples) > 1 else "Record more."),
            DATA,
        )
    layer, recipe = _make(load_kapre(backend), settings, rate)
    computed, taken = _computed(layer, samples)
    return Computed(computed, recipe, samples, len(samples) / rate, taken, computed.shape[2]), recording


def _of_recipe(file: Path, recipe: Any, which: str, backend: str | None) -> tuple[Computed, Any]:
    clip = read_clip(file, recipe, which, "keep")
    for note in clip.notes:
        print(f"note: {note}")
    try:
        computed, taken = _computed(load_kapre(backend).Frontend(recipe), clip.samples)
    except ValueError as error:  # such as a reflection longer than the clip
        raise CommandError(f"{file}: {which} cannot be computed of it: {error}", DATA) from None
    samples = clip.samples[:, None]
    return Computed(computed, recipe, samples, len(samples) / recipe.clip_rate, taken, None), clip.recording


def run(
    file: Path,
    output: Path | None,
    features: Path | None,
    listen: Path | None,
    given: Mapping[str, Any],
    wanted: Wanted,
    backend: str | None,
) -> int:
    """Draw the features of a file. Return the exit code. `given` holds the specified options, by field name."""
    _check_alone(given, wanted)
    settings = Settings(**given)
    _check(settings, output, features, listen)
    if is_store(file):
        raise CommandError(f"{file}: a store. Say which row to draw: --row 0.", USAGE)
    check_audio_file(file)
    if wanted.given():
        recipe = wanted.found()
        if listen is not None:
            check_listen(recipe)
        done, recording = _of_recipe(file, recipe, wanted.which, backend)
    else:
        done, recording = _of_helper(file, settings, backend)
    import keras
    import numpy as np

    if not np.isfinite(done.features).all():
        peak = recording.info.peak
        text = f"{file}: its features overflow: the peak is {peak:.3g}, where full scale is 1. Write it again, scaled."
        raise CommandError(text, DATA)

    targets: dict[Path, Callable[[Path], None]] = {}
    if output is not None:
        title = shown(file.name) if wanted.preset is None else f"{shown(file.name)}, {wanted.preset}"
        banner = "; ".join(recording.info.damage)
        targets[output] = lambda path: _draw(load_kapre().plot, path, title, done, banner)
    if features is not None:
        targets[features] = lambda path: _save(path, file, recording, done)
    lost: list[str] = []
    if listen is not None:
        sound, lost = heard(done.recipe, done.features, done.samples)
        targets[listen] = lambda path: save_sound(path, sound, round(done.recipe.sample_rate))
    write_all(targets)
    if output is None:
        from kapre_cli.preview import preview

        preview(done.features if done.channels is None else done.features[..., 0], done.recipe)
        if done.channels is not None and done.channels > 1:
            print(f"Drawn is channel 1 of {done.channels}; --output draws all.")
    print(_summary(file, done, keras.backend.backend(), list(targets)))
    for sentence in lost:
        print(f"  {sentence}")
    if recording.info.damage:
        text = (
            f"{file}: {'; '.join(recording.info.damage)}. Shown is what can be decoded. Copy it again from its source."
        )
        raise CommandError(text, DATA)
    return 0


def show_row(path: str, row: int, output: Path | None, backend: str | None) -> int:
    """Draw a row of a store. Return the exit code."""
    _check(Settings(), output, None)
    store = open_store(path)
    if not 0 <= row < len(store):
        raise CommandError(f"--row: the store has rows 0 to {len(store) - 1}; received {row}. Give one of them.", USAGE)
    clip = store[row]
    if output is None:
        from kapre_cli.preview import preview

        preview(clip.features, store.recipe)
    else:
        title = f"{shown(Path(clip.path).name)}, from {clip.start:g} s"
        write_all(
            {output: lambda file: _draw_features(load_kapre(backend).plot, file, title, clip.features, store.recipe)}
        )
    kept = "" if output is None else f" → {output}"
    size = " × ".join(map(str, clip.features.shape))
    print(
        f"{shown(clip.path)} from {clip.start:g} s: {size} {clip.features.dtype}, {clip.duration:.2f} s of audio{kept}"
    )
    return 0


def _draw_features(plot: Any, path: Path, title: str, features: Any, recipe: Any) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained", dpi=110)
    axes = figure.add_subplot()
    plot.spectrogram(features, recipe, axes)
    axes.set_title(title)
    save_picture(figure, path)


def _summary(file: Path, done: Computed, backend: str, kept: list[Path]) -> str:
    if done.channels is None:
        size = f"{' × '.join(map(str, done.features.shape))} {_axes_of(done.recipe)}"
    else:
        frames, bands, channels = done.features.shape
        size = f"{frames} frames × {bands} bands" + (f" × {channels} channels" if channels > 1 else "")
    speed = f"{done.seconds:.2f} s of audio in {done.taken:.3f} s ({done.seconds / done.taken:.0f} × real time)"
    return f"{file.name}: {size} on {backend}, {speed}" + (f" → {', '.join(map(str, kept))}" if kept else "")


def _axes_of(recipe: Any) -> str:
    """Return the names of the axes of a recipe's features."""
    if recipe.power is None:
        return "(samples)"
    values = "bands" if recipe.has_bands else "values"
    inner = ["frames", values] if recipe.layout == "time_first" else [values, "frames"]
    lead = ["patches"] if recipe.patch_frames is not None else ["chunks"] if recipe.chunk_length is not None else []
    return f"({', '.join(lead + inner)})"


def _save(path: Path, file: Path, recording: Any, done: Computed) -> None:
    import dataclasses

    import numpy as np

    recipe = done.recipe
    arrays = dict(features=done.features, times=recipe.frame_times(_entries(done)))
    if recipe.has_bands:
        arrays["frequencies"] = recipe.band_frequencies()
    source = json.dumps({**dataclasses.asdict(recording.info), "path": shown(file.name)})
    np.savez_compressed(path, **arrays, recipe=recipe.to_json(), source=source)


def _entries(done: Computed) -> int:
    """Return the length of the time axis of the features: frames, patches, chunks or samples."""
    last = done.channels is None and done.recipe.layout == "band_first" and done.features.ndim == 2
    return int(done.features.shape[1 if last else 0])


def _draw(plot: Any, path: Path, title: str, done: Computed, banner: str) -> None:
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
            end = done.seconds
            if below.get_xlim()[1] > 1.1 * end and done.recipe.power is not None:  # zeros up to a fixed length
                end = below.get_xlim()[1]
                below.axvline(done.seconds, color="white", linestyle="--", linewidth=1.0)
            for axes in (above, below):
                axes.set_xlim(0.0, end)
    if banner:
        figure.suptitle(f"DAMAGED: {banner}", color="white", backgroundcolor="firebrick", wrap=True, fontsize="medium")
    save_picture(figure, path)
