"""Settings of augmentations: JSON and words become layers of `kapre.augmentation`, and nothing else.

A setting only names layers. No module is imported, and no object is made, because a file names it.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kapre_cli.errors import DATA, USAGE, CommandError

_ARGUMENT = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*")
_WORDS = {"True": True, "False": False, "None": None}
_FORM = "Write RandomGain:min_gain_db=-6,max_gain_db=6, say."
_DEEPEST = 100
_REMEDY = 'Write {"RandomGain": {"min_gain_db": -6}}, a list of such layers, or what Keras serializes.'


@dataclass(frozen=True)
class Wanted:
    """Hold a layer that a setting names, with its arguments. Those in "layers" are `Wanted` too."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    is_default_name: bool = False
    """Whether `name` is the one that Keras gave to the layer, such as random_gain_1."""


def of_words(text: str) -> Wanted:
    """Return the layer of a text such as `RandomGain:min_gain_db=-6,max_gain_db=6`.

    A value is JSON, or True, False or None, or else a text up to the next comma.
    """
    source = f"--with {text}"
    name, _, rest = text.partition(":")
    arguments: dict[str, Any] = {}
    place = 0
    while place < len(rest):
        found = _ARGUMENT.match(rest, place)
        if found is None:
            raise CommandError(f"{source}: name=value is needed at {rest[place:]!r}. {_FORM}", USAGE)
        if found[1] in arguments:
            raise CommandError(f"{source}: {found[1]} is given twice. Leave one out.", USAGE)
        arguments[found[1]], place = _value(rest, found.end())
    return _wanted(name.strip(), arguments, source)


def _value(text: str, start: int) -> tuple[Any, int]:
    """Return the value that begins at a place, and the place behind the comma after it."""
    with contextlib.suppress(json.JSONDecodeError):
        value, end = json.JSONDecoder().raw_decode(text, start)
        after = text[end:].lstrip()
        if after[:1] in ("", ","):
            return value, len(text) - len(after) + 1
    word, _, after = text[start:].partition(",")
    return _WORDS.get(word.strip(), word.strip()), len(text) - len(after)


def of_file(path: Path) -> list[Wanted]:
    """Return the layers of a JSON file."""
    return of_json(read_json(path, "a setting"), str(path))


def read_json(path: Path, what: str) -> Any:
    """Return what a JSON file holds."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise CommandError(f"{path}: not text. Give a JSON file of {what}.", DATA) from None
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}. Give a JSON file of {what}.", USAGE) from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise CommandError(f"{path}: no JSON: {error}. Give a JSON file of {what}.", DATA) from None
    if _depth(found) > _DEEPEST:
        raise CommandError(f"{path}: nested more than {_DEEPEST} deep. Give a JSON file of {what}.", DATA)
    return found


def _depth(data: Any) -> int:
    depth, level = 0, [data]
    while level:
        depth += 1
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
        ]
    return depth


def of_json(data: Any, source: str) -> list[Wanted]:
    """Return the layers of a setting: a config of Keras, or names and arguments, or a list of these."""
    if isinstance(data, list):
        return [wanted for one in data for wanted in of_json(one, source)]
    if isinstance(data, str):
        return [_wanted(data, {}, source)]
    if not isinstance(data, dict) or not data:
        raise CommandError(f"{source}: no setting of augmentations; received {_short(data)}. {_REMEDY}", DATA)
    if "class_name" in data:
        return [_of_keras(data, source)]
    if isinstance(data.get("name"), str) and {"dtype", "trainable"} <= set(data):
        return [_wanted(data["name"], data, source, is_default_name=True)]
    return [_wanted(name, arguments, source) for name, arguments in data.items()]


def _of_keras(data: Mapping[str, Any], source: str) -> Wanted:
    """Return the layer of what `keras.saving.serialize_keras_object` returned."""
    package, _, name = str(data.get("registered_name") or data["class_name"]).rpartition(">")
    if package not in ("", "Kapre"):
        rule = "only layers of kapre.augmentation can be used here"
        raise CommandError(f"{source}: {rule}; received {package}>{name}. Leave it out.", DATA)
    return _wanted(name, data.get("config"), source)


def _wanted(name: Any, arguments: Any, source: str, is_default_name: bool = False) -> Wanted:
    arguments = {} if arguments is None else arguments
    if isinstance(arguments, list) and name in ("Chain", "OneOf", "SomeOf", "Choice"):
        arguments = {"layers": arguments}
    if not isinstance(arguments, dict):
        rule = f"the arguments of {name} must be names and values"
        raise CommandError(f"{source}: {rule}; received {_short(arguments)}. {_REMEDY}", DATA)
    if isinstance(arguments.get("layers"), list):
        arguments = {**arguments, "layers": of_json(arguments["layers"], source)}
    return Wanted(name, dict(arguments), source, is_default_name)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


class Layers:
    """Make the layers of a setting for recordings of one rate.

    Args:
        kapre: The package.
        rate: Samples per second of the recordings.
        folder: A folder of recordings for the layer that needs a bank and has none of its own, or None.
    """

    def __init__(self, kapre: Any, rate: int, folder: str | None) -> None:
        self.augmentation, self.rate, self.folder = kapre.augmentation, rate, folder
        self.classes = {
            name: cls
            for name in kapre.augmentation.__all__
            if isinstance(cls := getattr(kapre.augmentation, name), type)
            and issubclass(cls, (kapre.augmentation.RandomLayer, kapre.augmentation.BatchLayer))
            and name not in ("RandomLayer", "BatchLayer", "Composition")
        }
        self.banks: dict[str, dict[str, Any]] = {}
        self.made: dict[int, dict[str, Any]] = {}
        """The arguments of each layer, by its identity. Keras' configs would load TensorFlow where it is installed."""
        self.notes: list[str] = []

    def make(self, wanted: Iterable[Wanted]) -> list[Any]:
        """Return the layers. Each problem is one line that names the argument and the remedy."""
        wanted = list(wanted)
        if self.folder is not None:
            takers = [each for each in flat(wanted) if self._takes_bank(each)]
            if len(takers) != 1:
                found = "none does" if not takers else ", ".join(each.name for each in takers)
                rule = "--bank goes with one layer that adds recordings and names no folder"
                raise CommandError(f"{rule}; here, {found}. Write AddNoise:bank=FOLDER.", USAGE)
        return [self._one(each) for each in wanted]

    def _takes_bank(self, wanted: Wanted) -> bool:
        cls = self._class(wanted)
        return "bank" in _arguments_of(cls) and not _folder_of(wanted.arguments.get("bank"))

    def _class(self, wanted: Wanted) -> Any:
        from kapre._hints import nearest

        plain = {name.lower(): name for name in self.classes}
        name = wanted.name
        if wanted.is_default_name:
            name = plain.get(re.sub(r"(_\d+)?$", "", name).replace("_", ""), name)
        cls = self.classes.get(name)
        if cls is None:
            near = [plain[each] for each in nearest(name.replace("_", ""), plain)]
            way = f"Use {' or '.join(near)}." if near else f"Use one of {', '.join(sorted(self.classes))}."
            if wanted.is_default_name:
                way = 'Write {"RandomGain": {…}}: a config by itself does not name its class.'
            raise CommandError(f"{wanted.source}: kapre.augmentation has no layer {name!r}. {way}", USAGE)
        if issubclass(cls, self.augmentation.BatchLayer):
            rule = f"{name} mixes the labels of a batch, and a recording has none"
            raise CommandError(f"{wanted.source}: {rule}. Leave it out here, and use it in training.", USAGE)
        return cls

    def _one(self, wanted: Wanted) -> Any:
        from kapre._arguments import LayerArguments
        from kapre._hints import remedy

        cls = self._class(wanted)
        known, keras_own = _arguments_of(cls), {*LayerArguments.__annotations__, "data_format"}
        arguments = {}
        for name, value in wanted.arguments.items():
            if name in known:
                arguments[name] = value
            elif name not in keras_own and not (name == "per_channel" and value is False):  # in every config
                way = remedy(name, known, f"It has {', '.join(known)}.")
                raise CommandError(f"{wanted.source}: {cls.__name__} has no argument {name!r}. {way}", USAGE)
        if "layers" in known:
            given = arguments.get("layers")
            arguments["layers"] = [self._one(each) for each in given] if isinstance(given, list) else given
        if "sample_rate" in known:
            self._check_rate(wanted, arguments.get("sample_rate"))
            arguments["sample_rate"] = self.rate
        if "bank" in known:
            arguments["bank"] = self._bank(wanted, cls, arguments.get("bank"))
        try:
            layer = cls(**arguments, data_format="channels_last")
        except (TypeError, ValueError) as error:
            raise CommandError(f"{wanted.source}: {cls.__name__}: {error}", USAGE) from None
        self.made[id(layer)] = {name: arguments.get(name, default) for name, default in known.items()}
        return layer

    def _check_rate(self, wanted: Wanted, given: Any) -> None:
        if given is not None and given != self.rate:
            whole = isinstance(given, int) and given > 0
            way = (
                f"Leave it out, or read the recording at that rate: --sample-rate {given}."
                if whole
                else "Leave it out."
            )
            rule = f"`sample_rate` must be that of the recording, {self.rate} Hz"
            raise CommandError(f"{wanted.source}: {rule}; received sample_rate={given!r}. {way}", USAGE)

    def _bank(self, wanted: Wanted, cls: Any, given: Any) -> Any:
        """Return the recordings of a layer, or None if it works without."""
        described = given if isinstance(given, Mapping) else {}
        folder = _folder_of(given) or (self.folder if self._takes_bank(wanted) else None)
        if folder is None:
            if cls.__name__ == "Reverb" and given is None:
                return None
            rule = f"{cls.__name__} needs recordings; received bank={_short(given)}"
            raise CommandError(f"{wanted.source}: {rule}. Use --bank FOLDER, or bank=FOLDER in the setting.", USAGE)
        from kapre.audio import AudioError

        try:
            bank = self.augmentation.bank(folder, self.rate, described.get("seconds"))
        except AudioError as error:
            raise CommandError(f"{wanted.source}: bank: {error}", DATA) from None
        except (TypeError, ValueError) as error:
            raise CommandError(f"{wanted.source}: {error}", USAGE) from None
        digest = str(self.augmentation.AddNoise(bank).bank_hash)
        self.banks[digest] = {"folder": folder, "seconds": described.get("seconds"), "sha256": digest}
        if described.get("sha256") not in (None, digest):
            self.notes.append(f"the recordings in {folder} at {self.rate} Hz are not those of the setting")
        return bank

    def described(self, layers: Iterable[Any]) -> list[dict[str, Any]]:
        """Return a setting that makes the same layers, with all of their arguments."""
        return [self._describe(layer) for layer in layers]

    def _describe(self, layer: Any) -> dict[str, Any]:
        arguments = dict(self.made[id(layer)])
        if "layers" in arguments:
            arguments["layers"] = self.described(arguments["layers"])
        if arguments.get("bank") is not None:
            arguments["bank"] = self.banks[layer.bank_hash]
        return {type(layer).__name__: arguments}


def flat(wanted: Iterable[Wanted]) -> list[Wanted]:
    """Return layers and those in them."""
    found = []
    for each in wanted:
        inner = each.arguments.get("layers")
        found += [each, *(flat(inner) if isinstance(inner, list) else [])]
    return found


def _folder_of(bank: Any) -> str | None:
    folder = bank.get("folder") if isinstance(bank, Mapping) else bank
    return folder if isinstance(folder, str) else None


def _arguments_of(cls: Any) -> dict[str, Any]:
    """Return the arguments of a layer that a setting may give, and their defaults."""
    import inspect

    named = inspect.signature(cls.__init__).parameters.values()
    left_out = ("self", "data_format")
    return {
        each.name: each.default for each in named if each.kind is not each.VAR_KEYWORD and each.name not in left_out
    }
