"""WeSpeaker: the Kaldi bands of `config.yaml`, and their mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kapre.frontends.readers import _kaldi
from kapre.frontends.readers._reader import REQUIRED, Document, Published, Reader, Settings

_SECTION = "dataset_args"
_TELLING = ("fbank_args", "frontend", "cmvn", "cmvn_args")
"""Fields of a data set that tell of its features. Files before `fbank_args` have none of them."""
_OF_TRAINING = (
    "sample_num_per_epoch", "shuffle", "shuffle_args", "filter", "filter_args", "speed_perturb", "num_frms",
    "chunk_info_args", "aug_prob", "spec_aug", "spec_aug_args",
)  # fmt: skip
_OTHERS = ("s3prl_args", "whisper_encoder_args", "w2vbert_args", "tfmel_args")
"""The sections of front ends other than the filter bank."""


def _knows(data: Any) -> bool:
    section = data.get(_SECTION) if isinstance(data, Mapping) else None
    return isinstance(section, Mapping) and any(name in section for name in _TELLING)


def _read(document: Document) -> Published:
    settings = Settings(document.data[_SECTION], "WeSpeaker (fbank)", f"{document.place}: {_SECTION}")
    settings.one_of("frontend", "fbank", ("fbank",), "The model takes the features of another model or its own.")
    settings.one_of("raw_wav", False, (False,), "The model takes samples: use kapre.Recipe(power=None).")
    settings.ignore("changes training only", *_OF_TRAINING)
    settings.ignore("belongs to another front end", *_OTHERS)
    if "resample_rate" not in settings:
        settings.note("there is no field resample_rate: 16000 is taken")
    rate = settings.integer("resample_rate", 16000, of="sample_rate")
    moments = _moments(settings)
    fbank = _section(settings, "fbank_args", REQUIRED)
    fields = _kaldi.milliseconds(fbank, rate, REQUIRED, REQUIRED) | dict(
        n_mels=fbank.integer("num_mel_bins", of="n_mels"),
        dither=float(fbank.number("dither", 1.0, at_least=0.0, of="dither")),
    )
    fbank.check_left()
    return settings.finish("wespeaker", **fields, **moments)


def _section(settings: Settings, name: str, default: Any) -> Settings:
    """Return the settings of a section within that of the data set."""
    found = settings.take(name, default)
    if not isinstance(found, Mapping):
        raise settings.error(name, "a section", found, "Correct the file.")
    return settings.within(name, found)


def _moments(settings: Settings) -> dict[str, Any]:
    """Take whether the mean over time is subtracted, as it is unless the file says otherwise."""
    applied = settings.flag("cmvn", True)
    section = _section(settings, "cmvn_args", {})
    mean = section.flag("norm_mean", True)
    remedy = "WeSpeaker does not document the deviation. Set it to false, and give normalize='mean_std' if it fits."
    section.one_of("norm_var", False, (False,) if applied else (True, False), remedy)
    section.check_left()
    return dict(normalize="mean" if applied and mean else None)


READER = Reader(
    name="WeSpeaker",
    files=("config.yaml", "train.yaml"),
    holds="`dataset_args` with features",
    knows=_knows,
    read=_read,
)
