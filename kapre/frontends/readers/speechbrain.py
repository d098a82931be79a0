"""SpeechBrain: the features of `hyperparams.yaml`, whose tags are read as data and construct nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

from kapre.frontends._source import SourceError
from kapre.frontends.readers._code import OPERATORS
from kapre.frontends.readers._files import Tagged, shown
from kapre.frontends.readers._reader import Document, Published, Reader, Settings

_FEATURES = {"speechbrain.lobes.features.Fbank": "Fbank", "speechbrain.lobes.features.MFCC": "MFCC"}
_NORMALIZATION = "speechbrain.processing.features.InputNormalization"
_OF_FEATURES = "compute_features"
_OF_EMBEDDINGS = "_emb"
_LARGEST_EPSILON = 1e-6
"""The largest least deviation that no band with sound reaches. A recipe leaves a band that never changes at 0."""
_NEW = "!new:"
_REFERENCE = re.compile(r"<([^<>]*)>")
_ARITHMETIC = re.compile(r"[\d.eE+\-*/%() ]+")
_LARGEST_EXPONENT = 64


def _class_of(value: Any) -> str:
    """Return the class that a tag names, or nothing."""
    return value.tag.removeprefix(_NEW) if isinstance(value, Tagged) and value.tag.startswith(_NEW) else ""


def _knows(data: Any) -> bool:
    """Tell whether a section of a file is of a class or function of SpeechBrain."""
    if not isinstance(data, Mapping):
        return False
    return any(isinstance(value, Tagged) and ":speechbrain." in value.tag for value in data.values())


def _resolved(value: Any, root: Mapping[str, Any], place: str, depth: int = 0) -> Any:
    """Return a value with `!ref <name>` replaced by what it names, and its arithmetic done."""
    if not isinstance(value, Tagged):
        return value
    text = value.value if value.tag == "!ref" else None
    if isinstance(text, str) and len(text) < 200 and depth < 10:
        whole = _REFERENCE.fullmatch(text.strip())
        if whole:
            return _resolved(_named(whole[1], root), root, place, depth + 1)
        try:
            plain = _REFERENCE.sub(lambda found: repr(_number(found[1], root, place, depth)), text)
            if _ARITHMETIC.fullmatch(plain):
                return _computed(ast.parse(plain.strip(), mode="eval").body)
        except (SyntaxError, ValueError, TypeError, ArithmeticError, RecursionError, MemoryError):
            pass
    words = f"{value.tag} {value.value}"[:60]
    raise SourceError(f"{place}: {words!r} is no value, nor a reference to one. Write its value.")


def _named(name: str, root: Mapping[str, Any]) -> Any:
    target: Any = root
    for part in re.split(r"[.\[\]]+", name.strip().rstrip("]")):
        target = target.value if isinstance(target, Tagged) else target
        target = target.get(part, Tagged("!ref", None)) if isinstance(target, Mapping) else Tagged("!ref", None)
    return target


def _number(name: str, root: Mapping[str, Any], place: str, depth: int) -> int | float:
    value = _resolved(_named(name, root), root, place, depth + 1)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(name)
    return value


def _computed(node: ast.AST) -> Any:
    """Return the value of plain arithmetic on numbers."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        left, right = _computed(node.left), _computed(node.right)
        if isinstance(node.op, ast.Pow) and (abs(right) > _LARGEST_EXPONENT or abs(left) > 2.0**_LARGEST_EXPONENT):
            raise ValueError("too large a number")  # which would fill the memory
        return OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_computed(node.operand)
    raise ValueError(type(node).__name__)


def _read(document: Document) -> Published:
    name, kind = _features_of(document)
    settings = Settings(_arguments(document, name), f"SpeechBrain ({kind})", document.place)
    fields, normalization = _spectrum(settings, kind), _normalization(document, settings)
    if fields["deltas"] and normalization:
        rule = "false with a normalisation of features"
        raise settings.error("deltas", rule, True, "A recipe normalises before it computes deltas.")
    rate = _resolved(document.data.get("sample_rate"), document.data, document.place)
    if rate is not None and rate != fields["sample_rate"]:
        settings.note(f"{name} assumes {fields['sample_rate']} Hz, although sample_rate is {rate!r}")
    return settings.finish("speechbrain_fbank", **fields, **normalization)


def _features_of(document: Document) -> tuple[str, str]:
    """Return the name of the section that makes features, and its class."""
    data = document.data
    found = {name: _FEATURES[_class_of(value)] for name, value in data.items() if _class_of(value) in _FEATURES}
    if _OF_FEATURES in found or len(found) == 1:
        name = _OF_FEATURES if _OF_FEATURES in found else next(iter(found))
        return name, found[name]
    classes = ", ".join(_FEATURES)
    if found:
        names = ", ".join(map(shown, found))
        raise SourceError(f"{document.place}: several sections make features: {names}. Call one {_OF_FEATURES}.")
    if _OF_FEATURES in data:
        given = getattr(data[_OF_FEATURES], "tag", data[_OF_FEATURES])
        raise SourceError(
            f"{document.place}: `{_OF_FEATURES}` must be {classes}; received {given!r}. Make the recipe by hand: "
            "kapre.Recipe(…)."
        )
    raise SourceError(f"{document.place}: no front end: no section is of {classes}. The model may take samples.")


def _arguments(document: Document, name: str) -> dict[str, Any]:
    """Return the arguments of the class that a section names."""
    given = document.data[name].value
    place = f"{document.place}: {shown(name)}"
    if given in ("", None):
        return {}
    if not isinstance(given, Mapping):
        raise SourceError(f"{place}: the arguments must be named; received {str(given)[:60]}. Name them.")
    return {key: _resolved(each, document.data, place) for key, each in given.items()}


def _spectrum(settings: Settings, kind: str) -> dict[str, Any]:
    """Take the arguments of Fbank and MFCC, which differ in their defaults."""
    is_mfcc = kind == "MFCC"
    rate = settings.integer("sample_rate", 16000, of="sample_rate")
    lengths = {}
    for ours, theirs, default in (("win_length", "win_length", 25), ("hop_length", "hop_length", 10)):
        given = settings.number(theirs, default, at_least=0.0)
        lengths[ours] = settings.in_samples(theirs, round(rate / 1000.0 * given), given, ", in milliseconds")
    n_fft = settings.integer("n_fft", 400, of="n_fft")
    for name, value in (("sample_rate", rate), ("n_fft", n_fft)):
        if value % 2:  # its bins end at sample_rate // 2, and not at half of the rate
            raise settings.error(name, "even", value, "SpeechBrain places the bands elsewhere.")
    if lengths["win_length"] > n_fft:
        rule = f"at most n_fft={n_fft} samples long"
        raise settings.error("win_length", rule, f"{lengths['win_length']} samples", "Raise n_fft.")
    settings.one_of("context", is_mfcc, (False,), "A recipe has no context of zeros: set context to False.")
    settings.ignore("has no effect without context", "left_frames", "right_frames")
    settings.one_of("requires_grad", False, (False,), "The checkpoint holds a bank of its own.")
    settings.one_of("filter_shape", "triangular", ("triangular",))
    settings.ignore("has no effect on a fixed bank", "param_change_factor")
    settings.ignore("varies the bank in training only", "param_rand_factor")
    high = settings.number("f_max", None, at_least=0.0, of="f_max")
    fields = dict(
        lengths,
        sample_rate=rate,
        n_fft=n_fft,
        frame_length=None,
        window_periodic=True,
        n_mels=settings.integer("n_mels", 23 if is_mfcc else 40, of="n_mels"),
        f_min=settings.number("f_min", 0, at_least=0.0, of="f_min"),
        f_max=float(rate // 2) if high is None else high,
        deltas=2 if settings.flag("deltas", is_mfcc) else 0,
    )
    return fields | dict(n_mfcc=settings.integer("n_mfcc", 20, of="n_mfcc")) if is_mfcc else fields


def _normalization(document: Document, settings: Settings) -> dict[str, Any]:
    """Return the fields of the section that normalises features. Those of embeddings are left out."""
    names = [name for name, value in document.data.items() if _class_of(value) == _NORMALIZATION]
    for name in [name for name in names if str(name).endswith(_OF_EMBEDDINGS)]:
        settings.note(f"{shown(name)} normalises embeddings, not features")
        names.remove(name)
    if len(names) > 1:
        listed = ", ".join(map(shown, names))
        raise SourceError(f"{document.place}: several sections normalise: {listed}. Keep that of features.")
    if not names:
        return {}
    inner = settings.within(names[0], _arguments(document, names[0]))
    inner.ignore("changes training only", "update_until_epoch", "device", "avg_factor")
    inner.ignore("changes only what a mask excludes", "avoid_padding_norm")
    inner.one_of("length_dim", 1, (1,))
    inner.one_of("mean_norm", True, (True,))
    divides = inner.flag("std_norm", True)
    _check_norm_type(inner, names[0])
    _take_epsilon(inner, divides)
    inner.check_left()
    if divides:
        settings.note("SpeechBrain before 1.1 divides the variance by the frames less one: normalize_ddof=1")
    return dict(normalize="mean_std" if divides else "mean")


def _check_norm_type(inner: Settings, section: str) -> None:
    """Take the statistics of each clip. Those over the recordings of the training are not in the file."""
    by_hand = f"Remove {shown(section)} from the file, and give feature_shift=-mean and feature_scale=1 / deviation."
    remedies = {
        "global": f"The statistics of the training lie in a checkpoint (a pickle), which is never opened. {by_hand}",
        "speaker": f"A recipe does not know the speaker of a clip. {by_hand}",
        "batch": "The features of a clip would depend on the other clips of its batch. Use 'sentence' if that fits.",
    }
    given = inner.given("norm_type")
    if "norm_type" not in inner:
        rule = "given: 'sentence' is read, and SpeechBrain takes 'global' where it is left out"
        raise inner.error("norm_type", rule, None, remedies["global"])
    remedy = remedies.get(str(given), f"SpeechBrain has {', '.join(map(repr, ('sentence', *remedies)))}.")
    inner.one_of("norm_type", "sentence", ("sentence",), remedy)


def _take_epsilon(inner: Settings, divides: bool) -> None:
    """Take the least deviation, by which SpeechBrain divides a band that hardly changes. A recipe has none."""
    for name in ("epsilon", "eps"):
        if not divides:
            inner.ignore("has no effect without std_norm", name)
        elif (given := inner.number(name, 1e-10, at_least=0.0)) > _LARGEST_EPSILON:
            rule = f"at most {_LARGEST_EPSILON:g}, below the deviation of any band with sound"
            raise inner.error(
                name, rule, given, "A recipe has no least deviation: set it to 1e-10 if no band is silent."
            )


READER = Reader(
    name="SpeechBrain", files=("hyperparams.yaml",), holds="a section `!new:speechbrain.…`", knows=_knows, read=_read
)
