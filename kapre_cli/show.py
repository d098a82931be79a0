"""`kapre show`: decode recordings, compute features and draw them."""

from __future__ import annotations

import json
import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from kapre_cli import pictures
from kapre_cli.errors import DATA, USAGE, CommandError, light, load_kapre, quiet, shown
from kapre_cli.listen import check_listen, heard
from kapre_cli.outputs import PICTURES, check_output, check_range, of_each, save_sound, write_all
from kapre_cli.pictures import Computed
from kapre_cli.progress import working
from kapre_cli.recipes import Wanted, check_audio_file, finite, read_audio, read_clip
from kapre_cli.store import is_store

_ONCE_MORE_BELOW = 5.0  # in seconds
_MOST_FILES = 8
_MOST_PANELS = 16


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


def _check(settings: Settings, output: Path | None) -> None:
    """Refuse invalid options before anything is loaded."""
    check_range("--n-fft", settings.n_fft, 2**22)
    check_range("--sample-rate", settings.sample_rate, 10**6)
    if settings.n_mels is not None and settings.kind != "mel":
        raise CommandError(f"--n-mels goes with --kind mel, not {settings.kind}. Leave it out.", USAGE)
    for name, value in (("--f-min", settings.f_min), ("--f-max", settings.f_max)):
        if value is not None and settings.kind == "stft":
            raise CommandError(f"{name} goes with --kind mel or log, not stft. Leave it out.", USAGE)
    check_output("--output", output, PICTURES)


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


@dataclass(frozen=True)
class Shown:
    """Hold a file, what was computed of it, its recording, and notes on the way there."""

    file: Path
    done: Computed
    recording: Any
    notes: list[str]


class Helper:
    """Compute with the composed helper for the options, made once for each rate."""

    def __init__(self, settings: Settings, backend: str | None) -> None:
        self.settings, self.backend = settings, backend
        self.made: dict[int, tuple[Any, Any, list[str]]] = {}

    def of(self, file: Path) -> Shown:
        """Return what is shown of a file."""
        recording = read_audio(file, self.settings.sample_rate, "keep")
        samples, rate = finite(recording.samples), recording.sample_rate
        recipe = _check_recipe(self.settings, rate)
        if recipe.num_frames(len(samples)) == 0:
            raise CommandError(
                f"{file}: too short: {len(samples)} samples at {rate} Hz, where one frame has {recipe.n_fft}. "
                + (f"Use --n-fft {2 ** int(math.log2(len(samples)))} or less." if len(samples) > 1 else "Record more."),
                DATA,
            )
        if rate not in self.made:
            self.made[rate] = _make(load_kapre(self.backend), self.settings, rate)
        layer, recipe, notes = self.made[rate]
        computed, taken = _computed(file, layer, samples)
        done = Computed(computed, recipe, samples, len(samples) / rate, taken, computed.shape[2])
        return Shown(file, done, recording, notes)


class Chosen:
    """Compute with the front end of a recipe, made once."""

    def __init__(self, recipe: Any, which: str, backend: str | None) -> None:
        self.recipe, self.which, self.backend = recipe, which, backend
        self.layer: Any = None

    def of(self, file: Path) -> Shown:
        """Return what is shown of a file."""
        clip = read_clip(file, self.recipe, self.which, "keep")
        try:
            self.layer = self.layer or load_kapre(self.backend).Frontend(self.recipe)
            computed, taken = _computed(file, self.layer, clip.samples)
        except ValueError as error:  # such as a reflection longer than the clip
            raise CommandError(f"{file}: {self.which} cannot be computed of it: {error}", DATA) from None
        samples = clip.samples[:, None]
        done = Computed(computed, self.recipe, samples, len(samples) / self.recipe.clip_rate, taken, None)
        return Shown(file, done, clip.recording, list(clip.notes))


def _make(kapre: Any, settings: Settings, rate: int) -> tuple[Any, Any, list[str]]:
    """Return the layer, its recipe, and its warnings as notes."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            layer = _front_end(kapre, settings, rate)
    except (ValueError, TypeError, RuntimeError) as error:
        raise CommandError(str(error), USAGE) from None
    return layer, layer.recipe.replace(sample_rate=rate), [str(warning.message) for warning in caught]


def _computed(file: Path, layer: Any, samples: Any) -> tuple[Any, float]:
    """Return a layer's output for one clip, and the computation time in seconds."""
    import keras

    with working(f"computing the features of {shown(file.name)}"), quiet():
        computed, taken = _timed(lambda: keras.ops.convert_to_numpy(layer(samples[None]))[0])
        if taken < _ONCE_MORE_BELOW:  # the first call also compiles, so it does not show the speed
            computed, taken = _timed(lambda: keras.ops.convert_to_numpy(layer(samples[None]))[0])
    return computed, taken


def _check_files(files: Sequence[Path], features: Path | None, listen: Path | None) -> None:
    """Refuse files that cannot be shown together, before anything is loaded."""
    if len(files) > _MOST_FILES:
        rule = f"one call shows at most {_MOST_FILES} files"
        raise CommandError(f"{rule}; received {len(files)}. Give fewer of them at a time.", USAGE)
    for file in files:
        if is_store(file):
            raise CommandError(f"{file}: a store. Say which row to draw: --row 0.", USAGE)
        check_audio_file(file)
        for option, path, endings in (("--features", features, (".npz",)), ("--listen", listen, (".wav",))):
            check_output(option, None if path is None else of_each(path, files, file), endings)
    names = [file.stem for file in files]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None and (features is not None or listen is not None):
        text = f"two files are called {shown(twice)}, so that both would write the same file. Rename one of them."
        raise CommandError(text, USAGE)


def run(
    names: Sequence[str],
    output: Path | None,
    features: Path | None,
    listen: Path | None,
    given: Mapping[str, Any],
    wanted: Wanted,
    backend: str | None,
) -> int:
    """Draw the features of files. Return the exit code. `given` holds the specified options, by field name."""
    files = [Path(name) for name in names]
    _check_alone(given, wanted)
    settings = Settings(**given)
    _check(settings, output)
    _check_files(files, features, listen)
    maker: Helper | Chosen = Helper(settings, backend)
    if wanted.given():
        recipe = wanted.found()
        if listen is not None:
            check_listen(recipe)
        maker = Chosen(recipe, wanted.which, backend)
    clips = [maker.of(file) for file in files]
    _check_clips(clips, output)

    targets: dict[Path, Callable[[Path], None]] = {}
    of_file: dict[Path, list[Path]] = {clip.file: [] for clip in clips}
    if output is not None:
        base = [file.name for file in files]
        names_shown = base if len(set(base)) == len(base) else [str(file) for file in files]
        titles = [shown(name) + (f", {wanted.preset}" if wanted.preset else "") for name in names_shown]
        targets[output] = partial(_draw, titles=titles, clips=clips)
        if len(clips) == 1:
            of_file[clips[0].file].append(output)
    lost: dict[str, None] = {}  # each sentence once: recordings at several rates have several recipes
    for clip in clips:
        if features is not None:
            path = of_each(features, files, clip.file)
            of_file[clip.file].append(path)
            targets[path] = partial(_save, clip=clip)
        if listen is not None:
            path = of_each(listen, files, clip.file)
            of_file[clip.file].append(path)
            sound, of_clip = heard(clip.done.recipe, clip.done.features, clip.done.samples)
            lost |= dict.fromkeys(of_clip)
            targets[path] = partial(save_sound, samples=sound, rate=round(clip.done.recipe.sample_rate))
    with working("drawing and writing" if output is not None else "writing"):
        write_all(targets)
    for clip in clips:
        _report(clip, output is None, len(clips) > 1, of_file[clip.file])
    if output is not None and len(clips) > 1:
        print(f"{len(clips)} files → {output}")
    for sentence in lost:
        print(f"  {sentence}")
    damaged = [f"{clip.file}: {'; '.join(clip.recording.info.damage)}" for clip in clips if clip.recording.info.damage]
    if damaged:
        again = "it again from its source" if len(damaged) == 1 else "them again from their source"
        raise CommandError(f"{'. '.join(damaged)}. Only what can be decoded is shown. Copy {again}.", DATA)
    return 0


def _check_clips(clips: Sequence[Shown], output: Path | None) -> None:
    """Refuse features that are not finite, and more of them than one picture holds."""
    import numpy as np

    for clip in clips:
        if not np.isfinite(clip.done.features).all():
            peak = f"its features overflow: the peak is {clip.recording.info.peak:.3g}, where full scale is 1"
            raise CommandError(f"{clip.file}: {peak}. Write it again, scaled.", DATA)
    count = sum(clip.done.channels or 1 for clip in clips)
    if output is not None and len(clips) > 1 and count > _MOST_PANELS:
        rule = f"--output shows at most {_MOST_PANELS} channels of several files"
        raise CommandError(f"{rule}; received {count}. Give fewer files, or --preset, which mixes channels.", USAGE)


def _draw(path: Path, titles: list[str], clips: Sequence[Shown]) -> None:
    plot = load_kapre().plot
    done, banners = [clip.done for clip in clips], ["; ".join(clip.recording.info.damage) for clip in clips]
    if len(clips) == 1:
        pictures.draw(plot, path, titles[0], done[0], banners[0])
    else:
        pictures.draw_several(plot, path, titles, done, banners)


def _report(clip: Shown, in_terminal: bool, is_one_of_several: bool, kept: list[Path]) -> None:
    """Print the notes, the picture if it is for the terminal, and the summary of a file."""
    import keras

    done = clip.done
    for note in clip.notes:
        print(f"note: {shown(clip.file.name)}: {note}" if is_one_of_several else f"note: {note}")
    if in_terminal:
        from kapre_cli.preview import preview

        preview(done.features if done.channels is None else done.features[..., 0], done.recipe)
        if done.channels is not None and done.channels > 1:
            print(f"The picture shows channel 1 of {done.channels}; --output draws all.")
    print(_summary(clip.file, done, keras.backend.backend(), kept))


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


def _save(path: Path, clip: Shown) -> None:
    import dataclasses

    import numpy as np

    recipe = clip.done.recipe
    arrays = dict(features=clip.done.features, times=recipe.frame_times(_entries(clip.done)))
    if recipe.has_bands:
        arrays["frequencies"] = recipe.band_frequencies()
    source = json.dumps({**dataclasses.asdict(clip.recording.info), "path": shown(clip.file.name)})
    np.savez_compressed(path, **arrays, recipe=recipe.to_json(), source=source)


def _entries(done: Computed) -> int:
    """Return the length of the time axis of the features: frames, patches, chunks or samples."""
    last = done.channels is None and done.recipe.layout == "band_first" and done.features.ndim == 2
    return int(done.features.shape[1 if last else 0])
