"""Calls of librosa and torchaudio as recipes: their keyword arguments, or the code as it was pasted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kapre._checks import message, number
from kapre.frontends._source import Source, SourceError
from kapre.frontends.readers._code import ACCEPTED, OF_NUMBERS, Name, NotReadError, evaluate
from kapre.frontends.readers._harmless import (
    LIBRARIES,
    NO_NUMBERS,
    OF_ARRAYS,
    Sound,
    changes_no_number,
    loader_of,
    not_given,
    root_of,
    without_value,
)
from kapre.frontends.readers._reader import Published, Settings, refusing
from kapre.frontends.readers._signatures import LIBROSA, TORCHAUDIO, Read
from kapre.recipe import Recipe


@dataclass(frozen=True)
class Made:
    """Hold the features that some code computes: their recipe, and what has been asked of them so far."""

    recipe: Recipe
    sources: tuple[Source, ...] = ()
    offset: float = 0.0
    """The number added to the features, before a logarithm that is to come."""
    factor: float = 1.0
    floor: float | None = None
    is_complex: bool = False

    def of_sound(self, sound: Any) -> Made:
        """Return the features of a sound, which may be scaled."""
        if not isinstance(sound, Sound):
            return self
        return replace(self, recipe=self.recipe.replace(input_scale=self.recipe.input_scale * sound.scale))

    def with_source(self, published: Published) -> Made:
        """Return the same for another recipe."""
        return replace(self, recipe=published.recipe, sources=(*self.sources, published.source))


@dataclass(frozen=True)
class Method:
    """Hold a method of features, of a scaled sound or of a transform, such as that of `mel.clamp(min=1e-5)`."""

    of: Any
    name: str


Change = Callable[[Made], Made]
"""What a transform of torchaudio that takes features does to them."""


def _bad(what: str, remedy: str) -> SourceError:
    return SourceError(f"{what}. {remedy}")


def _logarithm(made: Made, settings: Settings, **fields: Any) -> Made:
    if made.recipe.log is not None:
        raise _bad("the code takes a logarithm of a logarithm", "A recipe has one.")
    if made.is_complex:
        raise _bad("the code takes a logarithm of complex numbers", "Add np.abs(…).")
    if made.recipe.energy is not None or made.recipe.normalize is not None:
        way = "A recipe takes the logarithm of bands alone, and before their mean is subtracted."
        raise _bad("the code takes a logarithm of features with an energy, or without their mean", way)
    return replace(made, offset=0.0, factor=1.0, floor=None).with_source(settings.finish(made.recipe, **fields))


def _decibels(made: Made, settings: Settings, amplitudes: bool, defaults: tuple[float, float | None]) -> Made:
    def reference(name: str, value: Any) -> Any:
        return "max" if isinstance(value, Name) and value.text in ("np.max", "numpy.max", "np.amax", "max") else value

    settings.ignore("is the spectrogram", "S")
    amin = settings.number("amin", defaults[0])
    top = settings.take("top_db", defaults[1], _top)
    ref = settings.take("ref", 1.0, reference, of="ref_value")
    if (made.offset, made.factor, made.floor) != (0.0, 1.0, None):
        raise _bad("the code changes the features before their decibels", "A recipe cannot do that.")
    if amplitudes and made.recipe.power == 1.0:  # 20 log10 of a magnitude is twice the recipe's 10 log10
        half = None if top is None else top / 2.0
        fields = dict(log="db", amin=amin, ref_value=ref, dynamic_range=half, feature_scale=2.0)
    elif amplitudes:
        raise _bad("the code takes decibels of amplitudes from powers", "Use power=1, or decibels of powers.")
    else:
        fields = dict(log="db", amin=amin, ref_value=ref, dynamic_range=top)
    return _logarithm(made, settings, **fields)


def _top(name: str, value: Any) -> float | None:
    return None if value is None else number(name, value, "Use 80.0, or None.", above=0.0, rule="a positive number")


_LOGS = {"log": "ln", "log10": "log10", "log1p": "ln"}


def _natural(made: Made, name: str, settings: Settings) -> Made:
    """Return the logarithm of `factor * features + offset`, or of what is at least `floor`."""
    offset = made.offset + (name == "log1p")
    if (offset > 0.0) == (made.floor is not None) or offset < 0.0:
        rule = "A recipe's logarithm has a floor: np.log(x + 1e-6) or np.log(np.maximum(x, 1e-6))."
        raise _bad(f"the code takes a {name} of features without one positive floor", rule)
    amin = (offset if made.floor is None else made.floor) / made.factor
    log = _LOGS[name]
    shift = math.log(made.factor) if log == "ln" else math.log10(made.factor)
    by = "add" if made.floor is None else "max"
    return _logarithm(made, settings, log=log, amin=amin, amin_by=by, feature_shift=shift)


class _Library:
    """Give the calls of librosa and torchaudio their meaning; see `evaluate`."""

    def apply(self, of: Any, values: list[Any], options: dict[str, Any]) -> Any:
        if isinstance(of, Made):  # a transform is called with the sound
            if any(isinstance(each, Made) for each in (*values, *options.values())):
                raise _bad("a transform of sound is called with features", "A recipe takes samples.")
            if len(values) + len(options) > 1:
                given = len(values) + len(options)
                raise _bad(f"a transform of sound is called with {given} arguments", "Call it with the sound alone.")
            return of.of_sound(next((each for each in (*values, *options.values()) if isinstance(each, Sound)), None))
        if isinstance(of, Method):
            return self.method(of, values, options)
        if callable(of):
            return self.changed(of, values, options)
        if not isinstance(of, Name):
            raise _bad(f"{of!r} is called", "Only functions of librosa, torchaudio, NumPy and torch are read.")
        full = of.text
        base, _, short = full.rpartition(".")
        if not LIBRARIES.fullmatch(root_of(full)) and base and changes_no_number(short, values, options):
            return Name(base)
        loader = loader_of(full)
        if loader is not None:
            return loader(values, options)
        for library, known in (("librosa", LIBROSA), ("torchaudio", TORCHAUDIO)):
            for name, (read, positions) in known.items():
                if _is(full, library, name):
                    return self.read(read, _reader(library, name), full, positions, values, options)
        if short == "Sequential":
            return self.sequence(full, values, options)
        if short == "AmplitudeToDB":
            return self.to_decibels(full, values, options)
        made = next((each for each in (*values, *options.values()) if isinstance(each, Made)), None)
        if (
            values
            and OF_ARRAYS.fullmatch(root_of(full))
            and changes_no_number(short, values[1:], options, is_method=False)
        ):
            return values[0]
        if made is None:
            unknown = next((name for each in values for name in without_value(each)), None)
            if unknown and full in OF_NUMBERS:
                raise not_given(unknown, what=f"`{full}` takes `{unknown}`")
            raise NotReadError(f"`{full}` is not read. Give a call of librosa or torchaudio alone. {ACCEPTED}")
        return self.of_features(short, full, made, values, options)

    def method(self, of: Method, values: list[Any], options: dict[str, Any]) -> Any:
        if changes_no_number(of.name, values, options):
            return of.of
        if isinstance(of.of, Made):
            return self.of_features(of.name, f".{of.name}", of.of, [of.of, *values], options)
        raise _bad(f"`.{of.name}` of {_named(of.of)} is not read", ACCEPTED)

    def read(
        self,
        read: Read,
        reader: str,
        place: str,
        positions: tuple[str, ...],
        values: list[Any],
        options: dict[str, Any],
    ) -> Made:
        fields = _positions(place, positions, values, options)
        sound = next((fields[name] for name in _SOUND if name in fields), None)
        for name, value in fields.items():
            if name not in (*_SOUND, *NO_NUMBERS):
                for unknown in without_value(value):
                    raise not_given(unknown, name)
        fields = {name: value.text if isinstance(value, (Name, Sound)) else value for name, value in fields.items()}
        if any(isinstance(value, Made) for value in fields.values()):
            raise _bad(f"{place} is called with features", "A recipe takes samples.")
        published = read(Settings(fields, reader, place))
        return Made(published.recipe, (published.source,), is_complex=place.endswith(".stft")).of_sound(sound)

    def sequence(self, full: str, values: list[Any], options: dict[str, Any]) -> Any:
        if options:
            raise _bad(f"{full} is given {', '.join(options)} by name", "Give it modules alone.")
        made = values[0] if values and isinstance(values[0], Made) else None
        if made is None:
            raise _bad("the first module of Sequential is no spectrogram", "Begin with one of torchaudio's.")
        for change in values[1:]:
            made = self.changed(change, [made], {})
        return made

    def changed(self, change: Any, values: list[Any], options: dict[str, Any]) -> Made:
        if not callable(change) or len(values) != 1 or options or not isinstance(values[0], Made):
            raise _bad("a transform of features is not called with features alone", "Give the call that makes them.")
        found: Made = change(values[0])
        return found

    def to_decibels(self, full: str, values: list[Any], options: dict[str, Any]) -> Change:
        fields = _positions(full, ("stype", "top_db"), values, options)

        def change(made: Made) -> Made:
            settings = Settings(fields, "torchaudio (AmplitudeToDB)", full)
            kind = settings.one_of("stype", "power", ("power", "magnitude"))
            return _decibels(made, settings, kind == "magnitude", (1e-10, None))

        return change

    def of_features(self, short: str, full: str, made: Made, values: list[Any], options: dict[str, Any]) -> Made:
        if short in ("power_to_db", "amplitude_to_db"):
            given = _positions(full, ("S",), values, options)  # the others are keyword-only in librosa
            amplitudes = short == "amplitude_to_db"
            settings = Settings(given, f"librosa ({short})", full)
            return _decibels(made, settings, amplitudes, (1e-5 if amplitudes else 1e-10, 80.0))
        if short == "abs" and len(values) == 1 and not options and _is_plain(made):
            return replace(made, is_complex=False)
        if short in ("square", "pow", "power", "float_power") and not options:
            exponent = 2 if short == "square" and len(values) == 1 else values[1] if len(values) == 2 else None
            return self.combine("Pow", made, exponent)
        if short in ("transpose", "swapaxes", "t") and not options and _turns(made, values[1:]):
            return self.combine(".T", made, None)
        if short in _LOGS and len(values) == 1 and not options:
            return _natural(made, short, Settings({}, short, full))
        if short in ("maximum", "clamp", "clip", "clamp_min") and made.floor is None and made.offset == 0.0:
            rest = [each for each in (*values, *options.values()) if not isinstance(each, Made) and not _is_inf(each)]
            if len(rest) == 1 and isinstance(rest[0], (int, float)) and set(options) <= {"min", "a_min", "x1", "x2"}:
                return replace(made, floor=float(rest[0]))
        raise _bad(
            f"`{full}` of features is not read", "A recipe cannot express it, or write it as librosa's function."
        )

    def combine(self, by: str, left: Any, right: Any) -> Any:
        if by == "[]":
            return _item(left, right)
        if by.startswith("."):
            if by in (".T", ".mT") and isinstance(left, Made):
                turned: Any = "band_first" if left.recipe.layout == "time_first" else "time_first"
                return replace(left, recipe=left.recipe.replace(layout=turned))
            return Method(left, by[1:])
        if by in ("Mult", "Div") and isinstance(left, (Name, Sound)) and _is_number(right):
            return _scaled(left, right if by == "Mult" else 1.0 / right)
        if by == "Mult" and isinstance(right, (Name, Sound)) and _is_number(left):
            return _scaled(right, left)
        made, number = (left, right) if isinstance(left, Made) else (right, left)
        if isinstance(made, Made) and _is_number(number):
            if by == "Add" and made.floor is None and not made.is_complex:
                return replace(made, offset=made.offset + number)
            if by == "Mult" and number > 0.0 and made.offset == 0.0 and made.floor is None:
                return replace(made, factor=made.factor * number)
            squares = by == "Pow" and made is left and number == 2 and made.recipe.power == 1.0
            if squares and _is_plain(made) and made.recipe.filterbank is None and not made.is_complex:
                return replace(made, recipe=made.recipe.replace(power=2.0))
        what = f"{by} of {_named(left)} and {_named(right)} is not read"
        if isinstance(left, Made) or isinstance(right, Made):
            raise _bad(what, "A recipe has a floor under its logarithm, np.log(x + 1e-6), and no other sum.")
        unknown = next((name for each in (left, right) for name in without_value(each)), None)
        raise _bad(what, ACCEPTED) if unknown is None else not_given(unknown, what=what)


def _positions(place: str, positions: tuple[str, ...], values: list[Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by their names."""
    if len(values) > len(positions):
        raise _bad(f"{place} is given {len(values)} arguments by position", "Name them.")
    placed = dict(zip(positions, values, strict=False))
    twice = next((name for name in placed if name in options), None)
    if twice is not None:
        raise _bad(f"{place} is given `{twice}` by position and by name", "Remove one.")
    return {**placed, **options}


def _item(of: Any, indices: list[Any]) -> Any:
    """Return the sound or the features of which a part is taken, if that changes no number of the front end."""
    if isinstance(of, (Name, Sound)):
        if any(isinstance(each, str) for each in indices) and isinstance(of, Name):
            return Name(f"{of.text}[{indices[0]!r}]")  # of a mapping that the code does not give
        if all(each is None or each is ... or isinstance(each, int) or _is_range(each) for each in indices):
            return of
    whole = slice(None)
    if isinstance(of, Made) and all(each is None or each is ... or each == whole for each in indices):
        return of
    raise _bad(f"a part of {_named(of)} is not read", "Indices that change no number are read: x[None], x[...], y[0].")


def _is_range(index: Any) -> bool:
    return isinstance(index, slice) and index.step in (None, 1)


def _turns(made: Made, axes: list[Any]) -> bool:
    """Tell whether a transposition swaps bands and frames, the last two axes."""
    last_two = {(-1, -2), (1, 2)}
    is_plain = not made.sources or made.sources[0].reader.startswith(("librosa", "torchaudio (kaldi"))
    swapped = last_two | {(0, 1)} if is_plain else last_two
    return (not axes and is_plain) or tuple(axes) in swapped or tuple(reversed(axes)) in swapped


_SOUND = ("y", "waveform")
"""The arguments of functions that are the sound."""


def _is_inf(value: Any) -> bool:
    return isinstance(value, Name) and value.text.rpartition(".")[2] == "inf"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _scaled(sound: Name | Sound, factor: float) -> Sound:
    return Sound(sound.text, factor * (sound.scale if isinstance(sound, Sound) else 1.0))


def _reader(library: str, name: str) -> str:
    """Return what a source calls the reader of a function: "torchaudio (kaldi.fbank)", "torchaudio (MFCC)"."""
    kept = 2 if ".kaldi." in name else 1
    return f"{library} ({'.'.join(name.split('.')[-kept:])})"


def _is(full: str, library: str, name: str) -> bool:
    """Tell whether a name in some code is that of a function: its whole name, or a short one that is its own."""
    last = name.rpartition(".")[2]
    short = (last, f"T.{last}", name) if last[0].isupper() else (name,) if "." in name else ()
    if ".kaldi." in name:
        short = (*short, f"kaldi.{last}", f"ta_kaldi.{last}")
    return full in (f"{library}.{name}", *short)


def _is_plain(made: Made) -> bool:
    """Tell whether features are what the transform gives, without a logarithm, a cepstrum or arithmetic."""
    untouched = (made.offset, made.factor, made.floor) == (0.0, 1.0, None)
    return untouched and made.recipe.log is None and made.recipe.n_mfcc is None


def _named(value: Any) -> str:
    if callable(value):
        return "a transform"
    return "features" if isinstance(value, Made) else repr(value)


def from_call(text: str) -> Published:
    """Return the front end that some code of librosa or torchaudio computes, without running it.

    Raises:
        SourceError: If the code does something else, or has an argument that a recipe cannot express.
    """
    library = _Library()
    with refusing("the call"):
        return _published(evaluate(text, library.apply, library.combine), text)


def from_arguments(library: str, function: str, arguments: Mapping[str, Any]) -> Published:
    """Return the front end of a function of "librosa" or "torchaudio" with some keyword arguments."""
    known = LIBROSA if library == "librosa" else TORCHAUDIO
    name = next((each for each in known if function in (each, each.rpartition(".")[2], f"{library}.{each}")), None)
    if name is None:
        rule = f"one of {', '.join(known)}, or a pasted call"
        raise SourceError(message("function", rule, function, "Give one of these names."))
    made = _Library().read(known[name][0], _reader(library, name), f"{library}.{name}", (), [], dict(arguments))
    return _published(made, f"{library}.{name}")


def _published(found: Any, text: str) -> Published:
    if not isinstance(found, Made):
        code = " ".join(text.split())[:60]
        raise _bad(f"`{code}` computes no features", f"Add a call such as librosa.feature.melspectrogram(). {ACCEPTED}")
    if (found.offset, found.factor, found.floor) != (0.0, 1.0, None):
        raise _bad("the code changes the features without a logarithm after that", "A recipe cannot express it.")
    notes: tuple[str, ...] = ()
    if found.is_complex:
        notes = ("the code computes complex numbers; the recipe has their magnitudes",)
    first = found.sources[0]
    honoured = {name: value for each in found.sources for name, value in each.honoured.items()}
    ignored = {name: why for each in found.sources for name, why in each.ignored.items()}
    notes += tuple(note for each in found.sources for note in each.notes)
    return Published(found.recipe, Source(first.reader, first.where, honoured, ignored, notes))
