"""`kapre show`: decode, compute, draw."""

from __future__ import annotations

import contextlib
import json
import math
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kapre_cli.errors import DATA, USAGE, CommandError, audio_error, load_kapre, quiet

_ONCE_MORE_BELOW = 5.0  # seconds

PICTURES = (".png", ".svg", ".pdf", ".jpg", ".jpeg")


@dataclass(frozen=True)
class Settings:
    """The command's options that decide what is computed."""

    sample_rate: int | None = None
    kind: str = "mel"
    n_fft: int = 2048
    hop_length: int | None = None
    n_mels: int | None = None
    f_min: float | None = None
    f_max: float | None = None
    decibel: bool = True


def _check(settings: Settings, output: Path | None, features: Path | None) -> None:
    """Refuse, before anything is loaded, what cannot work."""
    if settings.n_mels is not None and settings.kind != "mel":
        raise CommandError(f"--n-mels goes with --kind mel, not {settings.kind}. Leave it out.", USAGE)
    for name, value in (("--f-min", settings.f_min), ("--f-max", settings.f_max)):
        if value is not None and settings.kind == "stft":
            raise CommandError(f"{name} goes with --kind mel or log, not stft. Leave it out.", USAGE)
    for option, path, endings in (("--output", output, PICTURES), ("--features", features, (".npz",))):
        if path is None:
            continue
        if path.suffix.lower() not in endings:
            raise CommandError(f"{path}: {option} must end in {', '.join(endings)}. Give it another name.", USAGE)
        if path.is_dir():
            raise CommandError(f"{path}: {option} is a folder. Give a file name in it.", USAGE)
        if not path.parent.is_dir():
            raise CommandError(f"{path}: there is no folder {path.parent}. Make it first (mkdir -p).", USAGE)
        if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
            raise CommandError(f"{path}: cannot be written. Choose a folder that you may write to.", USAGE)


def _front_end(kapre: Any, settings: Settings, rate: int) -> Any:
    """Make the composed helper that the options ask for; what it refuses is an error of usage."""
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
        c1 = kapre.Recipe(filterbank="log", sample_rate=rate, n_bins=1).f_min
        lowest = c1 if settings.f_min is None else settings.f_min
        highest = rate / 2 if settings.f_max is None else min(settings.f_max, rate / 2)
        bins = math.floor(12 * math.log2(highest / lowest) + 1e-9) if highest > lowest > 0 else 0
        if bins < 1:
            raise ValueError(f"--f-min {lowest:g} Hz must lie an octave or so below --f-max {highest:g} Hz. Lower it.")
        return kapre.get_log_frequency_spectrogram_layer(log_n_bins=bins, log_f_min=lowest, **common)
    return kapre.get_melspectrogram_layer(
        n_mels=128 if settings.n_mels is None else settings.n_mels,
        mel_f_min=0.0 if settings.f_min is None else settings.f_min,
        mel_f_max=settings.f_max,
        **common,
    )


@contextlib.contextmanager
def _written(targets: dict[Path, Callable[[Path], None]]) -> Iterator[None]:
    """Write every target beside its place, then put all in place: each appears whole or not at all."""
    made: dict[Path, Path] = {}
    try:
        for target, write in targets.items():
            handle, name = tempfile.mkstemp(suffix=target.suffix, prefix=f".{target.stem}-", dir=target.parent)
            os.close(handle)
            made[target] = Path(name)
            write(made[target])
        mask = os.umask(0)
        os.umask(mask)
        for target, temporary in made.items():
            temporary.chmod(0o666 & ~mask)  # mkstemp's files are private
            temporary.replace(target)
        yield
    except OSError as error:
        raise CommandError(
            f"{error.filename or next(iter(targets))}: cannot be written ({error.strerror}). Choose another place.",
            USAGE,
        ) from None
    finally:
        for temporary in made.values():
            temporary.unlink(missing_ok=True)


def _timed(compute: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    result = compute()
    return result, time.perf_counter() - started


def run(file: Path, output: Path | None, features: Path | None, settings: Settings, backend: str | None) -> int:
    """Draw a file's features; return the exit code."""
    _check(settings, output, features)
    if not file.is_file():  # before Keras is loaded: the commonest mistake should not take seconds
        problem = (
            "a folder, not a file. Give the path of one audio file" if file.is_dir() else "no such file. Check the path"
        )
        raise CommandError(f"{file}: {problem}.", USAGE)
    kapre = load_kapre(backend)
    import keras

    audio, recipes = kapre.corpus.audio, kapre.Recipe
    try:
        with quiet():
            recording = audio.read(file, settings.sample_rate)
    except audio.AudioError as error:
        raise audio_error(file, error) from None
    except (ValueError, TypeError) as error:
        raise CommandError(str(error), USAGE) from None
    samples, rate = recording.samples, recording.sample_rate
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            layer = _front_end(kapre, settings, rate)
    except (ValueError, TypeError, RuntimeError) as error:
        raise CommandError(str(error), USAGE) from None
    recipe = layer.recipe.replace(sample_rate=rate)
    assert isinstance(recipe, recipes)
    if recipe.num_frames(len(samples)) == 0:
        raise CommandError(
            f"{file}: {len(samples)} samples at {rate} Hz are shorter than one frame of {recipe.n_fft}. "
            f"Use --n-fft {2 ** max(1, int(math.log2(max(2, len(samples)))))} or less.",
            DATA,
        )
    for warning in caught:
        print(f"note: {warning.message}")
    with quiet():
        computed, taken = _timed(lambda: keras.ops.convert_to_numpy(layer(samples[None]))[0])
        if taken < _ONCE_MORE_BELOW:  # the first call also compiles, which says nothing of the speed
            computed, taken = _timed(lambda: keras.ops.convert_to_numpy(layer(samples[None]))[0])

    targets: dict[Path, Callable[[Path], None]] = {}
    if output is not None:
        targets[output] = lambda path: _draw(kapre.plot, path, file.name, samples, rate, computed, recipe)
    if features is not None:
        targets[features] = lambda path: _save(path, file, recording, computed, recipe)
    with _written(targets):
        pass
    channels = computed.shape[2]
    if output is None:
        from kapre_cli.preview import preview

        preview(computed[..., 0], recipe)
        if channels > 1:
            print(f"Drawn is channel 1 of {channels}; --output draws all.")
    seconds = len(samples) / rate
    kept = ", ".join(str(path) for path in targets)
    print(
        f"{file.name}: {computed.shape[0]} frames × {computed.shape[1]} bands"
        + (f" × {channels} channels" if channels > 1 else "")
        + f" on {keras.backend.backend()}, {seconds:.2f} s of audio in {taken:.3f} s "
        f"({seconds / taken:.0f} × real time)" + (f" → {kept}" if kept else "")
    )
    return 0


def _save(path: Path, file: Path, recording: Any, computed: Any, recipe: Any) -> None:
    import dataclasses

    import numpy as np

    np.savez_compressed(
        path,
        features=computed,
        times=recipe.frame_times(len(computed)),
        frequencies=recipe.band_frequencies(),
        recipe=recipe.to_json(),
        source=json.dumps({**dataclasses.asdict(recording.info), "path": file.name}),
    )


def _draw(plot: Any, path: Path, title: str, samples: Any, rate: int, computed: Any, recipe: Any) -> None:
    from matplotlib.figure import Figure

    channels = samples.shape[1]
    figure = Figure(figsize=(10, 5 if channels == 1 else 3.4 * channels), layout="constrained", dpi=110)
    grid = figure.subplots(2 * channels, 1, sharex=True, squeeze=False, height_ratios=[1, 2.4] * channels)[:, 0]
    for channel in range(channels):
        above, below = grid[2 * channel], grid[2 * channel + 1]
        plot.waveform(samples[:, channel], rate, above)
        above.set_xlabel("")
        above.set_title(title if channels == 1 else f"{title}, channel {channel + 1} of {channels}")
        plot.spectrogram(computed[..., channel], recipe, below)
        below.set_xlim(0.0, len(samples) / rate)
    figure.savefig(path)
