"""WeNet: the features of `train.yaml`, with the statistics of `global_cmvn`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kapre.frontends.readers import _kaldi, _statistics
from kapre.frontends.readers._reader import REQUIRED, Document, Published, Reader, Settings

_SECTION = "dataset_conf"
_CMVN = "global_cmvn"
_STACKS = "lfr_conf"
_STACKED = "paraformer_dummy"
"""The input layer of encoders that take stacks of frames: those of Paraformer and SenseVoice."""
_TYPES = ("fbank", "mfcc", "log_mel_spectrogram")
_OF_TRAINING = (
    "filter_conf", "speed_perturb*", "spec_*", "shuffle*", "list_shuffle*", "sort*", "batch_conf", "cycle", "filter",
)  # fmt: skip


def _knows(data: Any) -> bool:
    """Tell whether a section of data sets holds features, or data for the forms of WeNet 1 that are refused by name."""
    section = data.get(_SECTION) if isinstance(data, Mapping) else None
    return isinstance(section, Mapping) and any(
        name in section for name in ("feats_type", "resample_conf", *(f"{kind}_conf" for kind in _TYPES))
    )


def _read(document: Document) -> Published:
    outer = Settings(document.data[_SECTION], "WeNet", f"{document.place}: {_SECTION}")
    kind = outer.one_of("feats_type", "fbank", _TYPES)
    sections = {name: outer.take(f"{name}_conf", {}) or {} for name in (kind, "resample")}
    for name, section in sections.items():
        if not isinstance(section, Mapping):
            raise outer.error(f"{name}_conf", "a section", section, "Correct the file.")
    outer.ignore("belongs to other features", *(f"{name}_conf" for name in _TYPES))
    outer.ignore("changes training only", *_OF_TRAINING)
    outer.ignore("belongs to the text", "language_conf", "eod_id", "split_with_space")
    outer.check_left()
    stacks = _mapping(document, _STACKS, outer)
    settings = Settings(
        {
            **sections[kind],
            **{f"resample_conf.{name}": value for name, value in sections["resample"].items()},
            **{f"{_STACKS}.{name}": value for name, value in stacks.items()},
        },
        f"WeNet ({kind})",
        document.place,
    )
    rate = settings.integer("resample_conf.resample_rate", 16000, of="sample_rate")
    if kind == "log_mel_spectrogram":
        base, fields = "whisper", _whisper(settings, rate)
    else:
        base, fields = f"kaldi_{kind}", _features(settings, rate, kind) | _stack(document, settings, stacks)
    width = (fields.get("n_mfcc") or fields["n_mels"]) * fields.get("stack", 1)
    return settings.finish(base, **fields, **_moments(document, settings, width))


def _mapping(document: Document, name: str, outer: Settings) -> Mapping[str, Any]:
    """Return a section beside that of the data set, or an empty one."""
    section = document.data.get(name) or {}
    if not isinstance(section, Mapping):
        raise outer.error(name, "a section", section, "Correct the file.")
    return section


def _stack(document: Document, settings: Settings, section: Mapping[str, Any]) -> dict[str, Any]:
    """Take the stacks of frames that the models of FunASR take, and that WeNet makes within the model."""
    if section:
        settings.note(f"the stacks of {_STACKS} are those of FunASR, whose models these are")
        return _kaldi.stack(settings, (f"{_STACKS}.lfr_m", REQUIRED), (f"{_STACKS}.lfr_n", REQUIRED))
    encoder = document.data.get("encoder_conf")
    if isinstance(encoder, Mapping) and encoder.get("input_layer") == _STACKED:
        rule, remedy = f"given with input_layer: {_STACKED}", "Add lfr_m and lfr_n: 7 and 6 for models of FunASR."
        raise settings.error(_STACKS, rule, None, remedy)
    return {}


def _features(settings: Settings, rate: int, kind: str) -> dict[str, Any]:
    """Take the fields of Kaldi's features, as torchaudio computes them."""
    fields = _kaldi.milliseconds(settings, rate)
    fields |= dict(n_mels=settings.integer("num_mel_bins", 23, of="n_mels"), dither=settings.dither(0.0, "WeNet"))
    if kind == "fbank":
        return fields | _kaldi.WINDOWS[settings.one_of("window_type", "povey", tuple(_kaldi.WINDOWS))]
    high = settings.number("high_freq", 0.0, of="f_max")
    return dict(
        fields,
        n_mfcc=settings.integer("num_ceps", 40, of="n_mfcc"),
        f_min=settings.number("low_freq", 20.0, at_least=0.0, of="f_min"),
        f_max=high if high > 0.0 else rate / 2.0 + high,
        energy=None,
    )


def _whisper(settings: Settings, rate: int) -> dict[str, Any]:
    """Take the fields of Whisper's features, without its 30 s unless `pad_or_trim` says so."""
    n_fft = settings.integer("n_fft", 400, of="n_fft")
    duration = settings.integer("max_duration", 30)
    zeros = settings.count("padding", 0, of="zeros_after")
    lengths: dict[str, Any] = dict(fixed_samples=None, zeros_after=zeros)
    if settings.flag("pad_or_trim", False):  # after the zeros, which are then among those that fill the clip
        lengths = dict(fixed_samples=duration * rate, zeros_after=0)
    return dict(
        lengths,
        sample_rate=rate,
        n_fft=n_fft,
        win_length=n_fft,
        frame_length=None,
        hop_length=settings.integer("hop_length", 160, of="hop_length"),
        n_mels=settings.integer("num_mel_bins", 80, of="n_mels"),
        f_max=rate / 2.0,
        layout="time_first",
    )


def _moments(document: Document, settings: Settings, width: int) -> dict[str, Any]:
    """Return the shift and scale of `global_cmvn`: of the file that is named, or of one beside it."""
    data = document.data
    section = data.get("cmvn_conf") if isinstance(data.get("cmvn_conf"), Mapping) else data
    names_none = "cmvn" in data and data["cmvn"] is None
    if data.get("cmvn") not in (None, _CMVN):
        raise settings.error("cmvn", f"{_CMVN!r} or null", data["cmvn"], "A recipe cannot express another.")
    name = section.get("cmvn_file")
    if names_none or (name is None and document.beside(_CMVN) is None):
        if data.get("cmvn") == _CMVN:
            raise settings.error("cmvn_file", "the name of a file", name, f"Place {_CMVN} beside the file.")
        return {}
    if name is not None and not isinstance(name, str):
        raise settings.error("cmvn_file", "the name of a file", name, f"Use {_CMVN!r}.")
    if section.get("is_json_cmvn", True) is not True:
        raise settings.error("is_json_cmvn", "true", section["is_json_cmvn"], "Convert the file to JSON.")
    path = _statistics.beside(document, "cmvn_file", name or _CMVN)
    settings.note(f"the shift and scale are those of {path.name}")
    return dict(_statistics.json_cmvn(path, width))


READER = Reader(name="WeNet", files=("train.yaml",), holds="`dataset_conf` with features", knows=_knows, read=_read)
