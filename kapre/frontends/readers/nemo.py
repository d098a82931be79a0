"""NeMo: the `preprocessor` section of `model_config.yaml`, alone or within a `.nemo` archive."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kapre._checks import message, number
from kapre.frontends._source import SourceError
from kapre.frontends.readers import _windows
from kapre.frontends.readers._reader import Document, Published, Reader, Settings
from kapre.ops.counts import power_of_two

_SECTION = "preprocessor"
_MEL = ("AudioToMelSpectrogramPreprocessor", "FilterbankFeatures")
MFCC = "AudioToMFCCPreprocessor"
_CHANGED_IN = (2, 3)
"""The version of NeMo that pads zeros instead of reflecting, and counts one valid frame less."""
_GUARDS = {"tiny": 1.1754943508222875e-38, "eps": 1.1920928955078125e-07}
_WINDOWS: dict[Any, str] = {
    **_windows.SHORT,
    **dict.fromkeys(("none", None), "rectangular_window"),
}
_MOST_VALUES = 10_000
_REFERENCE = re.compile(r"\$\{\s*([\w.]+)\s*\}")


def _knows(data: Any) -> bool:
    return isinstance(data, Mapping) and isinstance(_section(data), Mapping)


def _section(data: Mapping[str, Any]) -> Any:
    """Return the section of the preprocessor, which files of a training run nest in `model`."""
    model = data.get("model")
    inner = data if _SECTION in data or not isinstance(model, Mapping) else model
    return inner.get(_SECTION)


def _resolved(value: Any, root: Mapping[str, Any], place: str) -> Any:
    """Return a value with references such as `${sample_rate}` replaced by what they name."""
    left = _MOST_VALUES

    def resolved(value: Any, depth: int) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise SourceError(f"{place}: its references stand for more than {_MOST_VALUES} values. Give another file.")
        if isinstance(value, Mapping):
            return {key: resolved(each, depth + 1) for key, each in value.items()}
        if isinstance(value, list):
            return [resolved(each, depth + 1) for each in value]
        if not isinstance(value, str) or "${" not in value:
            return value
        found = _REFERENCE.fullmatch(value)
        target: Any = root
        for part in found[1].split(".") if found else ("",):
            target = target.get(part) if isinstance(target, Mapping) else None
        if target is None and found and found[1].startswith("model."):
            return resolved(f"${{{found[1].removeprefix('model.')}}}", depth + 1)
        if target is None or depth > 10:
            raise SourceError(f"{place}: the reference {value} names nothing in the file. Write its value.")
        return resolved(target, depth + 1)

    return resolved(value, 0)


def _read(document: Document) -> Published:
    section = dict(_resolved(_section(document.data), document.data, document.place))
    kind = str(section.get("_target_") or section.get("cls") or _MEL[0]).rpartition(".")[2]
    if isinstance(section.get("params"), Mapping):  # the form of NeMo 0.x
        section |= section.pop("params")
    if kind not in (*_MEL, MFCC):
        text = message("_target_", f"one of {', '.join((*_MEL, MFCC))}", kind, "A recipe cannot express another.")
        raise SourceError(f"{document.place}: {text}")
    settings = Settings(section, f"NeMo ({kind})", document.place)
    settings.ignore("names a class", "_target_", "cls")
    settings.ignore("changes how clips are augmented in training", "rng", "nb_augmentation_prob", "nb_max_freq")
    settings.ignore("says where to compute", "device")
    fields = _frames(settings, kind)
    if kind == MFCC:
        return _mfcc(settings, fields)
    return _mel(settings, fields, kind, document.data.get("nemo_version"))


def _frames(settings: Settings, kind: str) -> dict[str, Any]:
    """Take the fields of frames and their DFT."""
    rate = settings.integer("sample_rate", 16000, of="sample_rate")
    lengths = {}
    for ours, name, seconds_name, seconds in (
        ("win_length", "n_window_size", "window_size", 0.02),
        ("hop_length", "n_window_stride", "window_stride", 0.01),
    ):
        given = settings.integer(name, None, of=ours)
        if given is None:
            given = int(settings.number(seconds_name, seconds, at_least=0.0, of=ours) * rate)
        else:
            settings.ignore(f"replaced by {name}", seconds_name)
        lengths[ours] = settings.in_samples(seconds_name, given, given / rate)
    n_fft = settings.integer("n_fft", None, of="n_fft") or power_of_two(lengths["win_length"])
    low = settings.number("lowfreq", 0.0, at_least=0.0, of="f_min")
    high = settings.number("highfreq", None, at_least=0.0, of="f_max") or rate / 2.0
    window = settings.one_of("window", "hann", tuple(_WINDOWS))
    periodic = None if window in ("none", None) else kind == MFCC
    placed = dict(frame_length=None, window_name=_WINDOWS[window], window_periodic=periodic)
    return dict(lengths, sample_rate=rate, n_fft=n_fft, f_min=low, f_max=high, **placed)


def _is_old(settings: Settings, version: Any) -> bool:
    """Tell whether a version of NeMo reflects the ends of a clip."""
    found = re.match(r"(\d+)\.(\d+)", str(version))
    if found is None:
        settings.note(
            "the file names no nemo_version: these are the numbers of NeMo since 2.3; earlier ones reflect the ends of "
            "a clip (the preset nemo_v1)"
        )
        return False
    old = (int(found[1]), int(found[2])) < _CHANGED_IN
    if old:
        settings.note(f"NeMo {version} reflects the ends of a clip; NeMo since 2.3 pads zeros (the preset nemo)")
    return old


def _mel(settings: Settings, fields: dict[str, Any], kind: str, version: Any) -> Published:
    old = _is_old(settings, version)
    exact = settings.flag("exact_pad", False)
    settings.one_of("stft_exact_pad", exact, (exact,))
    for name in ("stft_conv", "use_torchaudio"):
        settings.one_of(name, False, (False,))
    settings.one_of("frame_splicing", 1, (1,), "The frame_splicing of NeMo repeats frames, which no recipe does.")
    fields |= dict(
        n_mels=settings.integer("nfilt" if kind == "FilterbankFeatures" else "features", 64, of="n_mels"),
        norm=settings.one_of("mel_norm", "slaney", ("slaney", None)),
        power=settings.one_of("mag_power", 2.0, (1.0, 2.0), "A recipe has magnitudes or powers."),
        preemphasis=settings.take("preemph", 0.97, _preemphasis, of="preemphasis"),
        dither=settings.number("dither", 1e-5, at_least=0.0, of="dither"),
        valid_frames="all" if old else "hops",
        pad_mode="reflect" if old else "constant",
    )
    if kind == "FilterbankFeatures" and settings.flag("use_grads", False):
        if fields["power"] != 1.0:
            raise settings.error("use_grads", "false with mag_power=2", True, "A recipe adds it to magnitudes only.")
        fields["magnitude_epsilon"] = 1e-5
    if exact:
        if not old:
            rule = f"false for NeMo {_CHANGED_IN[0]}.{_CHANGED_IN[1]} or later"
            raise settings.error("exact_pad", rule, True, "Add the nemo_version with which the model was trained.")
        pad = (fields["n_fft"] - fields["hop_length"]) // 2
        fields |= dict(center=False, pad_left=pad, pad_right=pad, window_placement="center")
    fields |= _logarithm(settings) | _normalization(settings, old)
    return _finish(settings, "nemo", fields, old)


def _preemphasis(name: str, value: Any) -> float:
    return 0.0 if value is None else number(name, value, "Use null for none.")


def _logarithm(settings: Settings) -> dict[str, Any]:
    """Take the fields of the logarithm and its floor."""
    kind = settings.one_of("log_zero_guard_type", "add", ("add", "clamp"))

    def floor(name: str, value: Any) -> float:
        if value in _GUARDS:
            return _GUARDS[value]
        return number(
            name, value, f"Use a number, or one of {', '.join(_GUARDS)}.", above=0.0, rule="a positive number"
        )

    amin = settings.take("log_zero_guard_value", 2.0**-24, floor, of="amin")
    if not settings.flag("log", True):
        return dict(log=None)
    return dict(log="ln", amin=amin, amin_by={"add": "add", "clamp": "max"}[kind])


def _normalization(settings: Settings, old: bool) -> dict[str, Any]:
    """Take the normalisation of bands over time, or by fixed statistics."""

    def check(name: str, value: Any) -> Any:
        if isinstance(value, Mapping) and set(value) == {"fixed_mean", "fixed_std"}:
            return value
        fits = value in ("per_feature", None) or str(value).lower() in ("na", "none", "null")
        if not fits:
            rule = "'per_feature', null, or fixed_mean and fixed_std"
            raise ValueError(message(name, rule, value, "A recipe cannot express another."))
        return "per_feature" if value == "per_feature" else None

    found = settings.take("normalize", "per_feature", check)
    if found == "per_feature":
        return {}
    fields: dict[str, Any] = dict(normalize=None)
    if found is not None:
        if not old:
            rule = "'per_feature' or null for NeMo 2.3 or later, which sets the last frame to 0 after fixed statistics"
            raise settings.error("normalize", rule, "fixed_mean and fixed_std", "Add the nemo_version of the training.")
        fields |= dict(
            feature_shift=tuple(-float(each) for each in found["fixed_mean"]),
            feature_scale=tuple(1.0 / float(each) for each in found["fixed_std"]),
        )
    return fields


def _finish(settings: Settings, base: str, fields: dict[str, Any], old: bool) -> Published:
    """Take how features are padded, and return the recipe."""
    multiple = settings.count("pad_to", 16)
    value = settings.number("pad_value", 0.0)
    if value and (not old or multiple > 1):
        raise settings.error("pad_value", "0.0 with frames that are padded", value, "A recipe sets them to 0.")
    if multiple > 1:
        settings.note("NeMo's transcribe() sets pad_to to 0: frames_multiple=1")
    return settings.finish(base, **fields, frames_multiple=max(1, multiple))


def _mfcc(settings: Settings, fields: dict[str, Any]) -> Published:
    settings.one_of("dct_type", 2, (2,))
    settings.one_of("norm", "ortho", ("ortho",))
    log: dict[str, Any] = dict(log="db", amin=1e-10, dynamic_range=80.0)
    if settings.flag("log", True):
        log = dict(log="ln", amin=1e-6, amin_by="add", dynamic_range=None)
    fields |= dict(
        n_mels=settings.integer("n_mels", 64, of="n_mels"), n_mfcc=settings.integer("n_mfcc", 64, of="n_mfcc")
    )
    return settings.finish("torchaudio_mfcc", **fields, **log)


READER = Reader(
    name="NeMo", files=("model_config.yaml", "*.nemo"), holds="a section `preprocessor`", knows=_knows, read=_read
)
