"""`Reader`, and `Settings`, by which a reader accounts for every field of a file."""

from __future__ import annotations

import contextlib
import dataclasses
import fnmatch
import math
import tokenize
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from kapre import stages
from kapre._checks import count, message, number, positive_int, public_names
from kapre.frontends._source import Source, SourceError
from kapre.frontends.presets import preset
from kapre.frontends.readers._files import load, shown
from kapre.ops.sinc import MOST_RATE
from kapre.recipe import Recipe
from kapre.stages._stage import MOST_SAMPLES, Check, at_most

_Value = TypeVar("_Value")
_PLAIN = Recipe()
"""The values of fields that have no effect."""
_DAMAGE = (zlib.error, tokenize.TokenError)
"""What a damaged archive of arrays raises."""


class Published(NamedTuple):
    """Hold the recipe of a published front end, and where it was read from."""

    recipe: Recipe
    source: Source


@dataclass(frozen=True)
class Document:
    """Hold what a configuration file says.

    Args:
        data: The contents, as its reader's `load` returns them.
        place: The file, as errors name it.
        beside: Returns the path of a file of the same model by its name, or None if there is none.
    """

    data: Any
    place: str
    beside: Callable[[str], Path | None] = lambda name: None


@dataclass(frozen=True)
class Reader:
    """Describe a format of configuration files, and how to read it.

    Args:
        name: The name of the format, such as "Hugging Face".
        files: The names of its files in a model's folder, or patterns of `fnmatch`, the most telling first.
        holds: What such a file holds, as errors say it.
        knows: Tells whether contents are of this format, because they hold it.
        read: Reads contents that `knows` accepts.
        load: Reads a file into contents, and may be more than one format's.
        knows_names: Whether a file that fits a pattern is of this format, so that one that cannot be read is an error.
        equals: Groups of `files` of which none is more telling than another, as are the files that fit one pattern.
    """

    name: str
    files: tuple[str, ...]
    holds: str
    knows: Callable[[Any], bool]
    read: Callable[[Document], Published]
    load: Callable[[Path], Any] = load
    knows_names: bool = True
    equals: tuple[tuple[str, ...], ...] = ()

    def takes(self, name: str) -> bool:
        """Tell whether a file of this name is one of the format's."""
        return any(fnmatch.fnmatch(name, pattern) for pattern in self.files)

    def group(self, pattern: str) -> tuple[str, ...]:
        """Return the patterns of `files` that are as telling as one of them."""
        return next((group for group in self.equals if pattern in group), (pattern,))


@contextlib.contextmanager
def refusing(place: str) -> Iterator[None]:
    """Report what a broken file makes Python raise as a `SourceError` of one line."""
    try:
        yield
    except SourceError:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError, MemoryError, RecursionError, *_DAMAGE) as error:
        words = " ".join(str(error).split())[:200]
        raise SourceError(f"{place}: {type(error).__name__}: {words}. Correct it.") from None


_LARGEST = {
    **dict.fromkeys(("n_fft", "win_length"), 2**20),
    **dict.fromkeys(("n_mels", "n_bins", "n_chroma", "n_mfcc"), 2**14),
    "sample_rate": MOST_RATE,
}
"""The largest values of fields that take memory when a recipe is made, or from which such fields follow."""
REQUIRED: Any = object()
"""The default of a field that a file must have."""


class Settings:
    """Take the fields of a file one by one, and refuse those that are left.

    A reader takes each field that determines the recipe, ignores each field that changes no number, and then calls
    `finish`. A field that it neither took nor ignored is an error, because it could change the numbers.

    Args:
        fields: The fields of the file.
        reader: The name of the reader, with what it read: "Hugging Face (WhisperFeatureExtractor)".
        place: The file, as errors name it.
    """

    def __init__(self, fields: Mapping[str, Any], reader: str, place: str) -> None:
        self.reader, self.place = reader, place
        self._left: dict[str, Any] = {str(name): _plain(value) for name, value in fields.items()}
        self._honoured: dict[str, Any] = {}
        self._ignored: dict[str, str] = {}
        self._notes: list[str] = []
        self._theirs: dict[str, str] = {}
        self._inner: dict[str, Settings] = {}

    @property
    def theirs(self) -> Mapping[str, str]:
        """Return the fields of the file that were taken for one field of the recipe, by the name of the latter."""
        return dict(self._theirs)

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def given(self, name: str) -> Any:
        """Return what the file gives for a field that is not taken yet, or None."""
        return self._left.get(name)

    def take(self, name: str, default: Any = REQUIRED, check: Check | None = None, of: str = "") -> Any:
        """Return the value of a field that determines the recipe.

        Args:
            name: The name of the field.
            default: Its value if the file leaves it out.
            check: The check of a value that the file gives; see `kapre.stages._stage`.
            of: The field of the recipe that it becomes, if an error of the recipe should name this one.
        """
        if of:
            self._theirs[of] = name
        if name not in self._left:
            if default is REQUIRED:
                raise self.error(name, "given", None, "Add it to the file.")
            self._honoured[name] = default
            return default
        value = self._left.pop(name)
        if isinstance(value, (int, float)) and _LARGEST.get(of, math.inf) < value < math.inf:
            raise self.error(name, f"at most {_LARGEST[of]}", value, "Correct the file.")
        if check is not None:
            value = self._named(lambda: check(name, value))
        self._honoured[name] = value
        return value

    def integer(self, name: str, default: Any = REQUIRED, of: str = "") -> Any:
        """Take a positive integer. None is allowed if it is the default."""
        return self.take(name, default, _or_none(default, _whole), of)

    def count(self, name: str, default: Any = REQUIRED, of: str = "") -> Any:
        """Take an integer of 0 or above. None is allowed if it is the default."""
        return self.take(name, default, _or_none(default, _count), of)

    def number(self, name: str, default: Any = REQUIRED, at_least: float | None = None, of: str = "") -> Any:
        """Take a finite number. None is allowed if it is the default."""
        least = float("-inf") if at_least is None else at_least
        rule = "a finite number" if at_least is None else f"a number, {at_least:g} or above"

        def check(key: str, value: Any) -> float:
            return number(key, value, "Correct the file.", at_least=least, rule=rule)

        return self.take(name, default, _or_none(default, check), of)

    def in_samples(self, name: str, samples: int, given: float, unit: str = "") -> int:
        """Return a length in samples that the file gives in another unit. One below a sample is an error."""
        if samples < 1:
            raise self.error(name, f"at least one sample long{unit}", given, "Correct the file.")
        if samples > _LARGEST["win_length"]:
            rule = f"so short that it has at most {_LARGEST['win_length']} samples{unit}"
            raise self.error(name, rule, given, "Correct the file.")
        return samples

    def clip_samples(self, name: str, samples: int, given: float) -> int:
        """Return a length of clips in samples that the file gives in another unit, such as seconds."""
        if samples > MOST_SAMPLES:
            raise self.error(name, f"so short that it has at most {MOST_SAMPLES} samples", given, "Correct the file.")
        return samples

    def dither(self, default: float, library: str) -> float:
        """Take the dither. The library adds it in every call, a recipe during training only."""
        amount = float(self.number("dither", default, at_least=0.0, of="dither"))
        if amount:
            self.note(f"{library} adds dither in every call, Kapre during training only (training=True)")
        return amount

    def flag(self, name: str, default: bool) -> bool:
        """Take True or False."""
        return bool(self.one_of(name, default, (True, False)))

    def numbers(self, name: str, default: tuple[float, ...] | None = None) -> tuple[float, ...] | None:
        """Take a list of numbers, or None."""

        def check(key: str, value: Any) -> tuple[float, ...] | None:
            if value is None:
                return None
            if not isinstance(value, (list, tuple)):
                raise ValueError(message(key, "a list of numbers", value, "Correct the file."))
            while len(value) == 1 and isinstance(value[0], (list, tuple)):  # an array (1, 1, bands)
                value = value[0]
            return tuple(number(key, each, "Correct the file.") for each in value)

        return self.take(name, default, check)

    def one_of(self, name: str, default: Any, allowed: tuple[Any, ...], remedy: str = "") -> Any:
        """Take one of a few values. With one value allowed, every other value is known to give other numbers."""

        def check(key: str, value: Any) -> Any:
            fits = [each for each in allowed if value == each and isinstance(value, bool) == isinstance(each, bool)]
            if fits:
                return fits[0]
            rule = " or ".join(map(repr, allowed))
            raise ValueError(message(key, rule, value, remedy or "A recipe cannot express another value."))

        if name not in self._left and default not in allowed:  # the library's own default
            self._left[name] = default
        return self.take(name, default, check)

    def ignore(self, why: str, *names: str) -> None:
        """Ignore fields that change no number, wherever the file has them. Names may be patterns of `fnmatch`."""
        for pattern in names:
            for name in fnmatch.filter(self._left, pattern):
                del self._left[name]
                self._ignored[name] = why

    def follows(self, name: str, value: Any, of: str) -> None:
        """Ignore a field that the library computes from other fields, whatever the file says."""
        if name in self._left:
            given = self._left.pop(name)
            same = given == value or value is None
            self._ignored[name] = f"computed from {of}" if same else f"{value!r} is computed from {of} instead"

    def within(self, name: str, fields: Mapping[str, Any]) -> Settings:
        """Return the settings of the fields that a field or another section holds. `check_left` ends them.

        What became of these fields is part of the same source, with the name before that of each field.
        """
        self._inner[name] = Settings(fields, self.reader, f"{self.place}: {name}")
        return self._inner[name]

    def note(self, text: str) -> None:
        """Add advice to the source."""
        self._notes.append(text)

    def error(self, name: str, rule: str, value: Any, remedy: str) -> SourceError:
        """Return the error of a field's value."""
        return SourceError(f"{self.place}: {message(name, rule, value, remedy)}")

    def finish(self, base: str | Recipe, **fields: Any) -> Published:
        """Return the recipe, if every field of the file is accounted for.

        Args:
            base: A recipe, or the name of a preset.
            **fields: The fields of the recipe that the file determines.
        """
        self.check_left()
        recipe = preset(base).recipe if isinstance(base, str) else base
        for name, largest in _LARGEST.items():
            value = fields.get(name)
            if isinstance(value, int) and value > largest:
                raise self.error(self._theirs.get(name, name), f"at most {largest}", value, "Correct the file.")
        with public_names(**self._theirs):
            made: Recipe = self._named(lambda: recipe.replace(**fields))
        self._refuse_idle(recipe, fields)
        honoured, ignored = dict(self._honoured), dict(self._ignored)
        for outer, inner in self._inner.items():
            honoured |= {f"{outer}.{name}": value for name, value in inner._honoured.items()}
            ignored |= {f"{outer}.{name}": why for name, why in inner._ignored.items()}
        return Published(made, Source(self.reader, self.place, honoured, ignored, tuple(self._notes)))

    def _refuse_idle(self, recipe: Recipe, fields: Mapping[str, Any]) -> None:
        """Refuse a value of the file that has an effect there, and none in a recipe of these fields."""
        values = {each.name: getattr(recipe, each.name) for each in dataclasses.fields(Recipe)} | dict(fields)
        for name, need in stages.idle(values).items():
            given, plain = fields.get(name), getattr(_PLAIN, name)
            if name in self._theirs and given is not None and given != plain:
                rule = f"left out, because a recipe needs {need} for it"
                raise self.error(self._theirs[name], rule, given, "A recipe cannot express it.")

    def check_left(self) -> None:
        """Refuse fields that were neither taken nor ignored."""
        if self._left:
            listed = ", ".join(f"{shown(name)}={_short(value)}" for name, value in self._left.items())
            raise SourceError(
                f"{self.place}: {self.reader} has no field {listed}, and an unknown field could change the numbers. "
                "Remove it if it changes none, or make the recipe by hand: kapre.Recipe(…)."
            )

    def _named(self, make: Callable[[], _Value]) -> _Value:
        """Return what a function returns. Its errors name the file."""
        try:
            return make()
        except (ValueError, TypeError, NotImplementedError) as error:
            raise SourceError(f"{self.place}: {error}") from None


def _whole(name: str, value: Any) -> int:
    return int(at_most(name, positive_int(name, value, "Correct the file."), MOST_SAMPLES, "Correct the file.", ""))


def _count(name: str, value: Any) -> int:
    return int(at_most(name, count(name, value, "Use 0 for none."), MOST_SAMPLES, "Correct the file.", ""))


def _or_none(default: Any, check: Check) -> Check:
    """Return a check that lets None through, if None is the default."""
    return lambda name, value: None if value is None and default is None else check(name, value)


def _plain(value: Any) -> Any:
    """Return a number or array of NumPy, as an extractor's `to_dict` holds it, as Python's."""
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
