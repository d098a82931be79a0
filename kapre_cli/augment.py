"""`kapre augment`: write and draw copies of recordings that random layers changed."""

from __future__ import annotations

import json
import os
import re
import secrets
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from kapre_cli import settings
from kapre_cli.errors import DATA, USAGE, CommandError, load_kapre, quiet, shown
from kapre_cli.outputs import PICTURES, check_output, check_range, of_each, save_picture, save_sound, write_all
from kapre_cli.progress import working
from kapre_cli.recipes import check_audio_file, of_preset, read_audio, read_mono
from kapre_cli.settings import Layers, Wanted

_MOST_COPIES = 1000
_MOST_DRAWN = 100
"""The most channels of copies in a picture. Its layout takes seconds for so many, and its height has a limit."""


@dataclass(frozen=True)
class Options:
    """Hold the options of the command."""

    recipe: Path | None
    with_: Sequence[str]
    replay: Path | None
    copies: int | None
    seed: int | None
    output: Path | None
    picture: Path | None
    parameters: Path | None
    bank: str | None
    sample_rate: int | None
    preset: str | None
    backend: str | None


@dataclass(frozen=True)
class Plan:
    """Hold what is to be drawn, which is known before Keras is loaded."""

    wanted: list[Wanted]
    seed: int
    copies: int
    replayed: list[dict[str, Any]] | None


def run(files: list[str], options: Options) -> int:
    """Change copies of each file, write and draw them. Return the exit code."""
    paths = [Path(file) for file in files]
    _check(paths, options)
    plan = _plan(paths, options)
    recipe = None if options.preset is None else of_preset(options.preset)
    first = _read(paths[0], options, recipe)
    kapre = load_kapre(options.backend)
    logged = []
    for index in range(len(paths)):
        recording = first if index == 0 else _read(paths[index], options, recipe)
        logged.append(_augment(kapre, paths, index, recording, plan, options, recipe))
    if options.parameters is not None:
        text = json.dumps({"kapre": kapre.__version__, "backend": _backend(), "files": logged}, indent=1) + "\n"
        write_all({options.parameters: lambda target: _write_text(target, text)})
        print(f"what was drawn → {options.parameters}")
    return 0


def _check(paths: list[Path], options: Options) -> None:
    """Refuse invalid options before anything is loaded."""
    if options.output is None and options.picture is None and options.parameters is None:
        wanted = "--output FOLDER for the sound, --picture FILE.png, or --parameters FILE.json"
        raise CommandError(f"there is nothing to write. Give {wanted}.", USAGE)
    check_range("--copies", options.copies, _MOST_COPIES, remedy="Use 4.")
    check_range("--seed", options.seed, 2**31 - 1, least=0, remedy="Use 0.")
    check_range("--sample-rate", options.sample_rate, 10**6)
    if options.preset is not None and options.picture is None:
        raise CommandError("--preset is for the picture. Add --picture FILE.png, or leave it out.", USAGE)
    names = [path.stem for path in paths]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise CommandError(f"two files are called {shown(twice)}, and so would their copies. Give one of them.", USAGE)
    for path in paths:
        check_audio_file(path)
        check_output("--picture", None if options.picture is None else of_each(options.picture, paths, path), PICTURES)
    check_output("--parameters", options.parameters, (".json",))
    if options.parameters is not None and options.parameters == options.recipe:
        raise CommandError(f"{options.recipe}: --parameters would replace the setting. Give another name.", USAGE)
    _check_folder(options.output)


def _check_folder(folder: Path | None) -> None:
    """Refuse a folder that cannot be made or written to."""
    if folder is None:
        return
    place = folder
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise CommandError(f"{folder}: --output: {place} is a file, not a folder. Choose another place.", USAGE)
    if not os.access(place, os.W_OK):
        raise CommandError(f"{folder}: cannot be written. Choose a folder that you may write to.", USAGE)


def _plan(paths: list[Path], options: Options) -> Plan:
    """Return what is to be drawn: from --recipe and --with, or from --replay."""
    if options.replay is not None:
        given = [name for name in _DECIDED if getattr(options, name) not in (None, ())]
        if given:
            option = f"--{given[0].rstrip('_')}"
            raise CommandError(f"{option} cannot go with --replay, which decides that. Leave one out.", USAGE)
        return _of_log(options.replay, len(paths))
    wanted = [] if options.recipe is None else settings.of_file(options.recipe)
    wanted += [settings.of_words(text) for text in options.with_]
    if not wanted:
        remedy = "Use --with RandomGain:min_gain_db=-6,max_gain_db=6, say, or --recipe SETTINGS.json"
        raise CommandError(f"there is no augmentation. {remedy}.", USAGE)
    seed = secrets.randbelow(2**31 - len(paths)) if options.seed is None else options.seed
    return Plan(wanted, seed, options.copies or 4, None)


_DECIDED = ("recipe", "with_", "copies", "seed", "bank")
"""The options that a log decides."""


def _of_log(path: Path, count: int) -> Plan:
    """Return what --parameters wrote."""
    what = "what --parameters wrote"
    log = settings.read_json(path, what)
    try:
        files = [dict(file) for file in log["files"]]
        if not files or not all({"setting", *_LOGGED} <= set(file) for file in files):
            raise ValueError
    except (KeyError, TypeError, ValueError):
        raise CommandError(f"{path}: not {what}. Give such a file.", DATA) from None
    if len(files) != count:
        text = f"{path}: drawn for {len(files)} files; received {count}. Give as many, in the same order."
        raise CommandError(text, USAGE)
    for file in files:
        file["setting"] = settings.of_json(file["setting"], str(path))
    return Plan(files[0]["setting"], 0, 0, files)


_LOGGED = ("seed", "sample_rate", "channels", "parameters")


def _read(path: Path, options: Options, recipe: Any) -> Any:
    recording = read_audio(path, options.sample_rate)
    if recipe is not None and recipe.clip_rate != recording.sample_rate:
        rule = f"{path}: {recording.sample_rate} Hz, where {options.preset} takes {recipe.clip_rate:g} Hz"
        raise CommandError(f"{rule}. Add --sample-rate {recipe.clip_rate:g}.", USAGE)
    return recording


def _augment(
    kapre: Any, paths: list[Path], index: int, recording: Any, plan: Plan, options: Options, recipe: Any
) -> dict[str, Any]:
    """Write and draw the copies of a file. Return what is logged about it."""
    path, rate = paths[index], recording.sample_rate
    channels, seed, wanted, parameters = recording.samples.shape[1], (plan.seed + index) % 2**31, plan.wanted, None
    if plan.replayed is not None:
        logged = plan.replayed[index]
        seed, wanted, parameters = logged["seed"], logged["setting"], logged["parameters"]
        if (logged["sample_rate"], logged["channels"]) != (rate, channels):
            own = f"{rate} Hz and {channels} channels"
            theirs = f"{logged['sample_rate']} Hz and {logged['channels']}"
            raise CommandError(f"{path}: {own}, where {options.replay} is for {theirs}. Give such a recording.", USAGE)
    picture = None if options.picture is None else of_each(options.picture, paths, path)
    if picture is not None and plan.copies * channels > _MOST_DRAWN:
        rule = f"--picture shows at most {_MOST_DRAWN} channels of copies"
        raise CommandError(f"{rule}; received {plan.copies} copies of {channels}. Use fewer --copies.", USAGE)
    maker = Layers(kapre, rate, options.bank)
    layers = maker.make(wanted)
    from kapre._augmented import augmented, by_kind

    try:
        waves, spectrograms = by_kind(layers)
    except ValueError as error:
        raise CommandError(f"{wanted[0].source}: {error}", USAGE) from None
    if spectrograms and not waves and options.output is not None:
        text = f"--output is for sound, and {_names(spectrograms)} changes spectrograms. Use --picture FILE.png."
        raise CommandError(text, USAGE)
    others = _others(paths, index, rate) if _mix(kapre, layers) else []
    with_features = picture is not None or bool(spectrograms)
    try:
        with working(f"augmenting {shown(path.name)}"), quiet(), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", UserWarning)
            copies = augmented(
                layers, recording.samples, rate, plan.copies or 1, seed, recipe, others, parameters, with_features
            )
    except MemoryError:
        raise
    except Exception as error:  # of the backend too: a clip that is too short, or parameters that are of another one
        source = options.replay or wanted[0].source
        raise CommandError(f"{path}: {source} cannot be computed of it: {_one_line(error)}", DATA) from None
    _check_finite(path, copies)
    notes = [*maker.notes, *dict.fromkeys(_one_line(warning.message) for warning in caught)]
    if spectrograms and options.output is not None:
        notes.append(f"{_names(spectrograms)} changes spectrograms: it is in the picture, and not in the sound")
    names = _write(kapre, paths, index, copies, options.output, picture)
    _report(path, copies, names, seed, notes)
    if picture is not None:
        print(f"  → {picture}")
    return {
        "path": shown(str(path)),
        "sample_rate": rate,
        "channels": channels,
        "seed": seed,
        "setting": maker.described(layers),
        "copies": [{"file": shown(name), "drawn": words} for name, words in zip(names, copies.words, strict=True)],
        "parameters": [_listed(drawn) for drawn in copies.drawn],
    }


def _names(layers: Sequence[Any]) -> str:
    return ", ".join(type(layer).__name__ for layer in layers)


def _mix(kapre: Any, layers: Sequence[Any]) -> bool:
    """Tell whether a layer mixes the examples of a batch."""
    mixing = kapre.augmentation.FreqMixStyle
    return any(isinstance(one, mixing) or _mix(kapre, getattr(one, "layers", ())) for one in layers)


def _check_finite(path: Path, copies: Any) -> None:
    import numpy as np

    if not all(np.isfinite(values).all() for values in (copies.after, *(copies.features or ()))):
        raise CommandError(f"{path}: its copies overflow. Use smaller gains in the setting.", DATA)


def _others(paths: list[Path], index: int, rate: int) -> list[Any]:
    """Return the other recordings, which are mixed in."""
    if len(paths) == 1:
        raise CommandError("FreqMixStyle mixes recordings, and there is one. Give two files or more.", USAGE)
    return [read_mono(path, rate) for path in (*paths[index + 1 :], *paths[:index])]


def _write(
    kapre: Any, paths: list[Path], index: int, copies: Any, folder: Path | None, picture: Path | None
) -> list[str]:
    """Write the sound and the picture. Return the names of the copies."""
    if folder is None:
        names = [f"copy {number}" for number in range(1, len(copies.after) + 1)]
    else:
        names = [str(folder / f"{paths[index].stem}.{number}.wav") for number in range(1, len(copies.after) + 1)]
    targets: dict[Path, Callable[[Path], None]] = {}
    if folder is not None:
        inputs = {path.resolve() for path in paths}
        for name, samples in zip(names, copies.after, strict=True):
            if Path(name).resolve() in inputs:
                raise CommandError(f"{name}: is also an input. Choose another --output.", USAGE)
            targets[Path(name)] = partial(save_sound, samples=samples, rate=int(copies.sample_rate))
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            text = f"{folder}: cannot be made ({error.strerror}). Choose another place."
            raise CommandError(text, USAGE) from None
    if picture is not None:
        targets[picture] = lambda target: _draw(kapre, copies, target)
    with working(f"writing {shown(paths[index].name)}"):
        write_all(targets)
    return names


def _write_text(target: Path, text: str) -> None:
    target.write_text(text, encoding="utf-8")


def _draw(kapre: Any, copies: Any, target: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained", dpi=110)
    kapre.plot.draw_copies(figure, copies)
    save_picture(figure, target)


def _report(path: Path, copies: Any, names: list[str], seed: int, notes: list[str]) -> None:
    """Print what was drawn for each copy, and which copies exceed full scale."""
    import numpy as np

    channels, samples = copies.before.shape
    several = f", {channels} channels" if channels > 1 else ""
    seconds = f"{samples / copies.sample_rate:.2f} s at {copies.sample_rate:g} Hz{several}"
    print(f"{shown(str(path))} ({seconds}), seed {seed}, on {_backend()}")
    peaks = [float(np.abs(wave).max()) for wave in copies.after]
    width = max(map(len, names)) + 2
    for name, words, peak in zip(names, copies.words, peaks, strict=True):
        beyond = f" (peak {peak:.2f})" if peak > 1.0 else ""
        print(f"  {shown(name):<{width}}{'; '.join(words)}{beyond}")
    if max(peaks) > 1.0:
        notes = [*notes, "samples above 1 are above full scale: a file of floats keeps them, and a player clips them"]
    for note in notes:
        print(f"  note: {note}")


def _backend() -> str:
    import keras

    return str(keras.backend.backend())


def _listed(drawn: Any) -> Any:
    """Return drawn parameters as JSON has them."""
    return {name: _listed(values) for name, values in drawn.items()} if isinstance(drawn, dict) else drawn.tolist()


def _one_line(error: object) -> str:
    """Return the text of an error in one line, without what Keras writes around it."""
    text = str(error) or type(error).__name__
    found = re.search(r"\x1b\[1m(.*?)\x1b\[0m", text, re.DOTALL)
    return " ".join((found[1] if found else text).split())
