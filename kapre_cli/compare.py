"""`kapre compare`: compare files of features with one another or with a recipe."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kapre_cli.errors import DATA, USAGE, CommandError, light, load_audio, load_kapre, quiet
from kapre_cli.progress import working
from kapre_cli.recipes import Wanted, read_clip

_ENDINGS = (".npy", ".npz")


@dataclass(frozen=True)
class Stored:
    """Hold a file of features, and its recipe or None."""

    features: Any
    recipe: Any


def _load(path: Path) -> Stored:
    light()
    import numpy as np

    from kapre.recipe import Recipe

    if path.suffix.lower() not in _ENDINGS:
        raise CommandError(f"{path}: features must be in a .npy or .npz file. Write them with numpy.save.", USAGE)
    if not os.path.isfile(path):
        raise CommandError(f"{path}: no such file. Check the path.", USAGE)
    recipe = None
    try:
        with path.open("rb") as file:  # NumPy leaves a damaged file open
            stored = np.load(file, allow_pickle=False)
            if isinstance(stored, np.ndarray):
                return Stored(stored, None)
            names = list(stored)
            if "features" not in names and len(names) != 1:
                found = ", ".join(names) or "none"
                remedy = "Call the array `features`, or store it alone."
                raise CommandError(f"{path}: which of its arrays are the features? It holds {found}. {remedy}", DATA)
            features = stored["features" if "features" in names else names[0]]
            if "recipe" in names:
                recipe = Recipe.from_json(str(stored["recipe"]))
    except CommandError:
        raise
    except Exception as error:  # for a damaged file, zipfile, pickle, NumPy and JSON raise their own errors
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CommandError(f"{path}: cannot be read ({reason}). Write it again with numpy.save.", DATA) from None
    return Stored(features, recipe)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _as_json(difference: Any) -> dict[str, Any]:
    return {
        **dataclasses.asdict(difference),
        "maximum": _number(difference.maximum),
        "mean": _number(difference.mean),
        "relative": _number(difference.relative),
        "equal": difference.equal,
    }


def _size(difference: Any, axes: tuple[str, ...] = ()) -> str:
    if math.isinf(difference.maximum):
        return "cannot be measured"
    where = ""
    if difference.maximum > 0.0:
        named = axes if len(axes) == len(difference.where) else ()
        at = [f"{axis} {i}" for axis, i in zip(named, difference.where, strict=False)]
        where = " at " + (", ".join(at) if at else f"index {list(difference.where)}")
    text = f"max {difference.maximum:.3g}{where}, mean {difference.mean:.3g}"
    return f"{text}; max is {100 * difference.relative:.3g} % of the peak" if difference.peak else text


def _row(name: str, text: str) -> None:
    print(f"  {name:<12}{text}")


def _print(difference: Any, axes: tuple[str, ...] = ()) -> None:
    one, other = difference.shapes
    _row("shapes", f"{one} and {other}")
    for note in difference.notes:
        _row("note", note)
    _row("difference", _size(difference, axes))
    _row("tolerance", f"{difference.tolerance:.2g}: they are {'equal' if difference.equal else 'not equal'}")


def run(
    a: str,
    b: Path,
    audio: Path | None,
    tolerance: float | None,
    seconds: float,
    as_json: bool,
    backend: str | None,
    source: str | None = None,
) -> int:
    """Compare, print the result, and return the exit code. `source` is a published model in place of `a`."""
    if tolerance is not None and not (math.isfinite(tolerance) and tolerance >= 0.0):
        raise CommandError(f"--tolerance must be a number, 0 or above; received {tolerance}. Leave it out.", USAGE)
    if source is not None or Path(a).suffix.lower() not in _ENDINGS:
        if audio is None:
            remedy = "Give the recording that the features were made of with --audio FILE"
            kind = "if it is features, a .npy or .npz file"
            raise CommandError(f"{a} is compared as a recipe, which needs audio. {remedy}, or, {kind}.", USAGE)
        # For hundreds of small computations, torch's threads wait longer than they work (20 s against 0.6 s on two busy
        # cores).
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        named = Wanted(recipe=Path(a)) if Path(a).suffix.lower() == ".json" else Wanted(preset=a)
        wanted = named if source is None else Wanted(source=source)
        return _recipe(a, wanted, b, audio, tolerance, seconds, as_json, backend)
    if audio is not None:
        remedy = "Put that first, kapre compare RECIPE FEATURES --audio FILE, or leave --audio out."
        raise CommandError(f"--audio goes with a recipe, a preset's name or a .json file, as A. {remedy}", USAGE)
    return _files(Path(a), b, tolerance, as_json)


def _files(a: Path, b: Path, tolerance: float | None, as_json: bool) -> int:
    light()
    import numpy as np

    from kapre import compare

    one, other = _load(a), _load(b)
    recipes = {}
    if one.recipe is not None and other.recipe is not None:
        recipes = compare.fields(one.recipe, other.recipe)
    try:
        if tolerance is None and one.recipe is not None and one.features.dtype.kind == "f":
            peak = float(np.abs(one.features[np.isfinite(one.features)]).max(initial=0.0))
            tolerance = compare.default_tolerance(one.recipe, peak)
        found = compare.features(one.features, other.features, tolerance)
    except (ValueError, TypeError) as error:
        text = str(error).replace("`a`", str(a)).replace("`b`", str(b))
        raise CommandError(text, DATA) from None
    if as_json:
        differing = {name: list(values) for name, values in recipes.items()}
        print(json.dumps({"a": str(a), "b": str(b), **_as_json(found), "recipe_fields": differing}))
    else:
        print(f"{a} and {b}")
        _print(found)
        for name, (first, second) in recipes.items():
            _row("recipe", f"{name}: {first!r} and {second!r}")
    return 0 if found.equal else DATA


def _recipe(
    a: str,
    wanted: Wanted,
    b: Path,
    file: Path,
    tolerance: float | None,
    seconds: float,
    as_json: bool,
    on: str | None,
) -> int:
    recipe = wanted.found()
    stored = _load(b)
    clip = read_clip(file, recipe, a)
    # Each recipe is computed once. On NumPy nothing is compiled; Keras' NumPy backend needs JAX.
    kapre = load_kapre(on or os.environ.get("KERAS_BACKEND") or ("numpy" if find_spec("jax") else None))
    import keras

    try:
        with working("trying recipes"), quiet():
            rates = _AtRates(file, clip.recording.info.sample_rate)
            report = kapre.compare.recipe(recipe, clip.samples, stored.features, tolerance, seconds, rates)
    except (ValueError, TypeError) as error:
        raise CommandError(f"{b}: {error}", DATA) from None
    if as_json:
        print(json.dumps(_report(a, b, file, clip, report)))
        return 0 if report.equal else DATA
    length = len(clip.samples) / recipe.clip_rate
    print(f"{a} and {b}, of {file} ({length:.2f} s at {recipe.clip_rate:g} Hz)")
    for note in clip.notes:
        _row("note", note)
    _print(report.before, ("frame", "band"))
    if not report.equal:
        _explain(report, clip.recording.info.sample_rate != clip.recording.sample_rate)
        _row(
            "tried",
            f"{report.tried} recipe{'s' * (report.tried != 1)} in {report.seconds:.1f} s on {keras.backend.backend()}",
        )
    return 0 if report.equal else DATA


def _explain(report: Any, resampled: bool) -> None:
    cause = report.cause
    if report.found:
        _row("cause", f"the features were made with {cause.words}")
        _row("with it", _size(cause.difference, ("frame", "band")))
        if cause.call:
            _row("recipe", cause.call)
        for other in report.also:
            _row("or", f"{other.words}: {other.call or 'no field'}; this clip cannot tell them apart")
        return
    _row("cause", "not found: no recipe next to this one gives these features")
    if cause is not None:
        _row("nearest", f"{cause.words}: {cause.call or 'no field says it'}")
        _row("with it", _size(cause.difference, ("frame", "band")))
    if not report.complete:
        _row("note", "the time was up before all was tried: --seconds 120 gives it more")
    if resampled:
        _row("note", "another resampler gives other features near half the rate: give audio at the recipe's own rate")


class _AtRates(Mapping[int, Any]):
    """Provide the samples of a file at the rates of features, its own rate first. Each is read on request."""

    def __init__(self, file: Path, own: int) -> None:
        self.file = file
        problem = load_audio().resampling_problem
        usual = (16000, 22050, 44100, 48000, 8000, 32000, 24000)
        self.rates = (own, *(rate for rate in usual if rate != own and not problem(own, rate)))

    def __getitem__(self, rate: int) -> Any:
        if rate not in self.rates:
            raise KeyError(rate)
        return load_audio().load(self.file, rate).samples

    def __contains__(self, rate: object) -> bool:  # the default of Mapping would read the file
        return rate in self.rates

    def __iter__(self) -> Iterator[int]:
        return iter(self.rates)

    def __len__(self) -> int:
        return len(self.rates)


def _report(a: str, b: Path, file: Path, clip: Any, report: Any) -> dict[str, Any]:
    def cause(each: Any) -> dict[str, Any]:
        return dict(
            words=each.words, preset=each.preset or None, changes=each.changes, difference=_as_json(each.difference)
        )

    return {
        "recipe": a,
        "features": str(b),
        "audio": str(file),
        "notes": list(clip.notes),
        "equal": report.equal,
        "found": report.found,
        "difference": _as_json(report.before),
        "cause": None if report.cause is None else cause(report.cause),
        "also": [cause(each) for each in report.also],
        "tried": report.tried,
        "seconds": round(report.seconds, 3),
        "complete": report.complete,
    }
