"""Recipes from the name of a preset or a JSON file, and audio in the form that a recipe takes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kapre_cli.errors import DATA, USAGE, CommandError, audio_error, light, load_audio, quiet, shown
from kapre_cli.progress import working


@dataclass(frozen=True)
class Clip:
    """Hold a recording for a recipe: `samples` of shape (time,) at its rate, and notes on the conversion."""

    samples: Any
    recording: Any
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """Hold the options that each say which recipe to compute, at most one of them given."""

    preset: str | None = None
    recipe: Path | None = None
    source: str | None = None

    def given(self) -> list[tuple[str, str]]:
        """Return the options that were given, with their values as text."""
        named = (("--preset", self.preset), ("--recipe", self.recipe), ("--from", self.source))
        return [(name, str(value)) for name, value in named if value is not None]

    @property
    def which(self) -> str:
        """Return what errors call the recipe."""
        return self.given()[0][1]

    def found(self) -> Any:
        """Return the recipe, or raise a one-line error. Keras is not loaded."""
        if self.preset is not None:
            return of_preset(self.preset)
        return of_source(str(self.source)).recipe if self.recipe is None else of_file(self.recipe)


def of_source(source: str) -> Any:
    """Return what a published model's files say, or raise a one-line error. Keras is not loaded."""
    light()
    from kapre.frontends import SourceError
    from kapre.frontends.readers import read

    try:
        with working(f"reading the configuration of {source}"), quiet():
            return read(source)
    except SourceError as error:
        is_there = os.path.exists(source) or os.path.exists(os.path.expanduser(source))
        raise CommandError(str(error), DATA if is_there else USAGE) from None


def of_call(code: str) -> Any:
    """Return what some code of librosa or torchaudio computes, or raise a one-line error. Keras is not loaded."""
    light()
    from kapre.frontends import SourceError
    from kapre.frontends.readers.calls import from_call

    try:
        return from_call(code)
    except (SourceError, ValueError, TypeError) as error:
        raise CommandError(str(error), USAGE) from None


def of_preset(name: str) -> Any:
    """Return the recipe of a preset, or raise a usage error that names the nearest. Keras is not loaded."""
    light()
    from kapre.frontends import preset

    try:
        return preset(name).recipe
    except ValueError as error:
        raise CommandError(str(error), USAGE) from None


def of_file(path: Path) -> Any:
    """Return the recipe in a JSON file, or raise. Keras is not loaded."""
    light()
    from kapre.recipe import Recipe

    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise CommandError(f"{path}: not text. Give a recipe that Recipe.to_json wrote.", DATA) from None
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}. Give a recipe's file, or --preset NAME.", USAGE) from None
    try:
        return Recipe.from_json(text)
    except (ValueError, TypeError, NotImplementedError) as error:
        remedy = "" if "must be" in str(error) else ". Write it with `kapre presets NAME > FILE` or Recipe.to_json."
        raise CommandError(f"{path}: no recipe: {error}{remedy}", DATA) from None


def check_audio_file(file: Path) -> None:
    """Refuse a path that is no file. `kapre.audio` does so too, but this is known before Keras is loaded."""
    if os.path.isdir(file):
        raise CommandError(f"{file}: a folder, not a file. Give the path of one audio file.", USAGE)
    if not os.path.lexists(file):
        is_address = file.parts[:1] in (("http:",), ("https:",), ("s3:",), ("gs:",))
        remedy = "Addresses are not read here: download the file first." if is_address else "Check the path."
        raise CommandError(f"{file}: no such file. {remedy}", USAGE)
    if file.suffix.lower() in (".npz", ".npy"):
        raise CommandError(f"{file}: an array, not sound. `kapre.plot.spectrogram` draws features in Python.", USAGE)


def read_audio(file: Path, sample_rate: int | None, on_damage: str = "raise") -> Any:
    """Return a recording with all channels, or raise a one-line error. See `_got` for "keep"."""
    return _got(load_audio().read, file, sample_rate, on_damage)


def read_mono(file: Path, sample_rate: int) -> Any:
    """Return the samples of a recording, its channels mixed to one, (time,)."""
    return finite(_got(load_audio().load, file, sample_rate, "raise").samples)


def _got(function: Callable[..., Any], file: Path, at: Any, on_damage: str) -> Any:
    """Return what a function of `kapre.audio` gets from a file. With "keep", a damaged file must have samples."""
    try:
        with working(f"decoding {shown(file.name)}"), quiet():
            found = function(file, at, on_damage=on_damage)
            return found if len(found.samples) else function(file, at)
    except load_audio().AudioError as error:
        raise audio_error(file, error) from None
    except (ValueError, TypeError) as error:
        raise CommandError(str(error), USAGE) from None


def finite(samples: Any) -> Any:
    """Return samples with non-finite values replaced by 0."""
    import numpy as np

    return np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)


def read_clip(file: Path, recipe: Any, which: str, on_damage: str = "raise") -> Clip:
    """Return a recording as a recipe takes it. One too short for a frame is an error."""
    rate = recipe.clip_rate
    if rate is None or rate != round(rate):
        remedy = "Add one, in Hz, to the recipe: recipe.replace(sample_rate=16000)."
        raise CommandError(f"{which} must have a whole sample_rate to read audio at; it has {rate}. {remedy}", DATA)
    recording = _got(load_audio().load, file, recipe, on_damage)
    notes = []
    own = recording.info.sample_rate
    if own != recording.sample_rate:
        notes.append(f"resampled from {own} to {recording.sample_rate} Hz")
    if recording.info.channels > 1:
        notes.append(f"{recording.info.channels} channels mixed to one (their mean)")
        notes += [f"warning: {warning}" for warning in recording.info.warnings]
    samples = finite(recording.samples)
    if not recipe.num_frames(len(samples)):
        raise CommandError(
            f"{file}: too short: {len(samples)} samples at {rate:g} Hz, where {which} needs {recipe.least_samples()}. "
            "Give a longer recording.",
            DATA,
        )
    return Clip(samples, recording, tuple(notes))
