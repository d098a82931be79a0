"""`kapre show`: decode, compute, draw."""

from __future__ import annotations

import json
import math
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kapre_cli.errors import DATA, USAGE, CommandError, audio_error, load_kapre, quiet, shown

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
    for name, size, most in (
        ("--n-fft", settings.n_fft, 2**22),
        ("--sample-rate", 1 if settings.sample_rate is None else settings.sample_rate, 10**6),
    ):
        if not 1 <= size <= most:
            raise CommandError(f"{name} must lie between 1 and {most}; received {size}. Use another.", USAGE)
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
        if path.parent.exists() and not path.parent.is_dir():
            raise CommandError(f"{path}: {path.parent} is a file, not a folder. Choose another place.", USAGE)
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
        from kapre.ops.filterbanks import C1_HZ, log_bins_below

        lowest = C1_HZ if settings.f_min is None else settings.f_min
        highest = rate / 2 if settings.f_max is None else min(settings.f_max, rate / 2)
        bins = log_bins_below(highest, 12, lowest) if lowest > 0 else 0
        if bins < 1:
            raise ValueError(
                f"--f-min must lie above 0 and a semitone or more below --f-max, {highest:g} Hz; received {lowest:g}."
            )
        return kapre.get_log_frequency_spectrogram_layer(log_n_bins=bins, log_f_min=lowest, **common)
    return kapre.get_melspectrogram_layer(
        n_mels=128 if settings.n_mels is None else settings.n_mels,
        mel_f_min=0.0 if settings.f_min is None else settings.f_min,
        mel_f_max=settings.f_max,
        **common,
    )


def _write(targets: dict[Path, Callable[[Path], None]]) -> None:
    """Write every target beside its place, then put all in place: each appears whole or not at all."""
    made: dict[Path, Path] = {}
    target = next(iter(targets), Path())
    try:
        for target, write in targets.items():
            handle, name = tempfile.mkstemp(suffix=target.suffix, prefix=f".{target.stem}-", dir=target.parent)
            os.close(handle)
            made[target] = Path(name)
            write(made[target])
        mask = os.umask(0)
        os.umask(mask)
        for target, temporary in made.items():  # the error names it
            temporary.chmod(0o666 & ~mask)  # mkstemp's files are private
            temporary.replace(target)
    except OSError as error:
        raise CommandError(
            f"{target}: cannot be written ({error.strerror}). Choose another place.",
            USAGE,
        ) from None
    finally:
        for temporary in made.values():
            temporary.unlink(missing_ok=True)


def _timed(compute: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    result = compute()
    return result, time.perf_counter() - started


def _read(audio: Any, file: Path, sample_rate: int | None) -> Any:
    try:
        with quiet():
            return audio.read(file, sample_rate)
    except audio.AudioError as error:
        raise audio_error(file, error) from None
    except (ValueError, TypeError) as error:
        raise CommandError(str(error), USAGE) from None


def _make(kapre: Any, settings: Settings, rate: int) -> tuple[Any, Any]:
    """Return the layer and its recipe; what the layer warns of becomes notes."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            layer = _front_end(kapre, settings, rate)
    except (ValueError, TypeError, RuntimeError) as error:
        raise CommandError(str(error), USAGE) from None
    for warning in caught:
        print(f"note: {warning.message}")
    return layer, layer.recipe.replace(sample_rate=rate)


def run(file: Path, output: Path | None, features: Path | None, settings: Settings, backend: str | None) -> int:
    """Draw a file's features; return the exit code."""
    _check(settings, output, features)
    # `audio.read` says these too; here before Keras is loaded, because the commonest mistake should not take seconds.
    if os.path.isdir(file):
        raise CommandError(f"{file}: a folder, not a file. Give the path of one audio file.", USAGE)
    if not os.path.lexists(file):
        raise CommandError(f"{file}: no such file. Check the path.", USAGE)
    kapre = load_kapre(backend)
    import keras
    import numpy as np

    recording = _read(kapre.corpus.audio, file, settings.sample_rate)
    samples, rate = recording.samples, recording.sample_rate
    layer, recipe = _make(kapre, settings, rate)
    if recipe.num_frames(len(samples)) == 0:
        raise CommandError(
            f"{file}: too short: {len(samples)} samples at {rate} Hz, where one frame has {recipe.n_fft}. "
            + (f"Use --n-fft {2 ** int(math.log2(len(samples)))} or less." if len(samples) > 1 else "Record more."),
            DATA,
        )
    with quiet():
        computed, taken = _timed(lambda: keras.ops.convert_to_numpy(layer(samples[None]))[0])
        if taken < _ONCE_MORE_BELOW:  # the first call also compiles, which says nothing of the speed
            computed, taken = _timed(lambda: keras.ops.convert_to_numpy(layer(samples[None]))[0])

    if not np.isfinite(computed).all():
        peak = recording.info.peak
        text = f"{file}: its features overflow: the peak is {peak:.3g}, where full scale is 1. Write it again, scaled."
        raise CommandError(text, DATA)

    targets: dict[Path, Callable[[Path], None]] = {}
    if output is not None:
        targets[output] = lambda path: _draw(kapre.plot, path, shown(file.name), samples, rate, computed, recipe)
    if features is not None:
        targets[features] = lambda path: _save(path, file, recording, computed, recipe)
    _write(targets)
    if output is None:
        from kapre_cli.preview import preview

        preview(computed[..., 0], recipe)
        if computed.shape[2] > 1:
            print(f"Drawn is channel 1 of {computed.shape[2]}; --output draws all.")
    print(_summary(file, computed, len(samples) / rate, taken, keras.backend.backend(), list(targets)))
    return 0


def _summary(file: Path, computed: Any, seconds: float, taken: float, backend: str, kept: list[Path]) -> str:
    frames, bands, channels = computed.shape
    size = f"{frames} frames × {bands} bands" + (f" × {channels} channels" if channels > 1 else "")
    speed = f"{seconds:.2f} s of audio in {taken:.3f} s ({seconds / taken:.0f} × real time)"
    return f"{file.name}: {size} on {backend}, {speed}" + (f" → {', '.join(map(str, kept))}" if kept else "")


def _save(path: Path, file: Path, recording: Any, computed: Any, recipe: Any) -> None:
    import dataclasses

    import numpy as np

    np.savez_compressed(
        path,
        features=computed,
        times=recipe.frame_times(len(computed)),
        frequencies=recipe.band_frequencies(),
        recipe=recipe.to_json(),
        source=json.dumps({**dataclasses.asdict(recording.info), "path": shown(file.name)}),
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
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name in a script that the font lacks
        figure.savefig(path)
