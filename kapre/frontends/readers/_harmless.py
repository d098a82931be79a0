"""What pasted code does that changes no number, and the names to which it gives no value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kapre.frontends._source import SourceError
from kapre.frontends.readers._code import NAMELESS, Name


@dataclass(frozen=True)
class Sound:
    """Hold a name of the code that is multiplied by a number, such as `waveform * 32768`."""

    text: str
    scale: float

    def __repr__(self) -> str:
        return self.text


LIBRARIES = re.compile("librosa|torchaudio|T|kaldi|ta_kaldi|np|numpy|torch|nn|F|scipy|math|max")
"""What the names of libraries begin with. Other names are those of the code, and have no value unless it gives one."""
OF_ARRAYS = re.compile("np|numpy|torch")
NO_NUMBERS = ("dtype", "out", "device", "channel")
"""The arguments of functions that do not determine a recipe."""
_EXACT = ("float32", "float64", "float", "double", "FloatTensor", "DoubleTensor")
_SHAPES = (
    "squeeze",
    "unsqueeze",
    "cuda",
    "cpu",
    "detach",
    "numpy",
    "contiguous",
    "clone",
    "copy",
    "eval",
    "float",
    "double",
)
_ARRAYS = (
    "asarray",
    "array",
    "tensor",
    "as_tensor",
    "from_numpy",
    "squeeze",
    "unsqueeze",
    "expand_dims",
    "ascontiguousarray",
)


def _text(value: Any) -> str:
    return str(value.text if isinstance(value, Name) else value).rpartition(".")[2]


def changes_no_number(name: str, values: list[Any], options: Mapping[str, Any], is_method: bool = True) -> bool:
    """Tell whether a method, or a function of arrays, changes neither numbers nor their order.

    Args:
        name: Its name, such as "astype".
        values: Its arguments but the array.
        options: Its keyword arguments.
        is_method: Whether it is a method.
    """
    kinds = [*values, *(value for key, value in options.items() if key == "dtype")]
    if name == "astype" or (name == "type" and is_method):
        return bool(kinds) and all(_text(each) in _EXACT for each in kinds) and set(options) <= {"dtype", "copy"}
    if name == "to":
        is_device = [
            isinstance(each, str) or not re.search("half|int|float|dtype|bool|complex", _text(each)) for each in kinds
        ]
        exact = [_text(each) in _EXACT for each in kinds]
        return all(a or b for a, b in zip(is_device, exact, strict=True)) and "memory_format" not in options
    if is_method:
        return name in _SHAPES
    return name in _ARRAYS and all(isinstance(each, int) or _text(each) in _EXACT for each in kinds)


def root_of(full: str) -> str:
    return full.partition(".")[0]


def without_value(value: Any) -> Iterator[str]:
    """Yield the names within a value to which the code gives none."""
    if isinstance(value, (Name, Sound)) and not LIBRARIES.fullmatch(root_of(value.text)):
        yield value.text
    elif isinstance(value, (list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from without_value(each)


def not_given(name: str, argument: str = "", what: str = "") -> SourceError:
    """Return the error of a name without a value."""
    place = what or f"the call has {argument}={name}"
    remedy = f"Add a line such as {name} = 16000" if name.isidentifier() else "Write its value"
    return SourceError(f"{place}, and the code gives `{name}` no value. {remedy} before the call.")


Loader = Callable[[list[Any], dict[str, Any]], Any]


def _librosa_load(values: list[Any], options: dict[str, Any]) -> Any:
    rate = values[1] if len(values) > 1 else options.get("sr", 22050)
    return [NAMELESS, NAMELESS if rate is None else rate]


_LOADERS: dict[str, Loader] = {
    "librosa.load": _librosa_load,
    **dict.fromkeys(("torchaudio.load", "soundfile.read", "sf.read"), lambda values, options: [NAMELESS, NAMELESS]),
}
_MAKES_ARRAY = re.compile(rf"({OF_ARRAYS.pattern})\.(random\.)?(randn|rand|zeros|ones)")


def loader_of(full: str) -> Loader | None:
    """Return what a function returns that loads or makes sound: the sound, and some functions its rate. Or None."""
    if _MAKES_ARRAY.fullmatch(full):
        return lambda values, options: Name("waveform")
    return _LOADERS.get(full)
