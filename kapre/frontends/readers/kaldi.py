"""Kaldi, icefall, sherpa and Vosk: the options of compute-fbank-feats and compute-mfcc-feats in a `.conf` file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kapre.frontends._source import SourceError
from kapre.frontends.readers import _kaldi
from kapre.frontends.readers._files import text_of
from kapre.frontends.readers._reader import Document, Published, Reader, Settings

_TYPE = "feature-type"
_OTHERS = {"pitch": "compute-kaldi-pitch-feats", "plp": "compute-plp-feats", "spectrogram": "compute-spectrogram-feats"}
"""The programs whose features a recipe lacks, by what the names of their files hold."""
_PREFIX = "-" * 2  # of an option
_SHARED = (
    "sample-frequency", "frame-length", "frame-shift", "window-type", "num-mel-bins", "low-freq", "high-freq",
    "use-energy", "snip-edges", "preemphasis-coefficient", "remove-dc-offset", "round-to-power-of-two",
)  # fmt: skip
"""Options that tell that a file is of features."""
_TELLING = {"mfcc": ("num-ceps", "cepstral-lifter"), "fbank": ("use-log-fbank", "use-power")}
"""The options that only one of the programs has."""
_FLAGS = (
    "remove-dc-offset", "round-to-power-of-two", "snip-edges", "use-energy", "raw-energy", "htk-compat",
    "use-log-fbank", "use-power", "subtract-mean", "allow-downsample", "allow-upsample", "debug-mel",
)  # fmt: skip
_TRUTHS = {"": True, "true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
_CMVN = ("online_cmvn.conf", "conf/online_cmvn.conf")
_IVECTORS = ("ivector_extractor.conf", "conf/ivector_extractor.conf", "ivector/final.ie")


def load(path: Path) -> Any:
    """Return the options of a file by their names, or None if it holds no options of features."""
    options: dict[str, Any] = {}
    strange = None
    for number, line in enumerate(text_of(path).splitlines(), 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        name, equals, value = text.partition("=")
        name = name.removeprefix(_PREFIX).strip().lower().replace("_", "-")
        if not text.startswith(_PREFIX) or not name or " " in name or (not equals and name not in _FLAGS):
            strange = strange or f"line {number}: {text[:40]!r}"
        options[name] = _value(name, value.strip())
    kind = next((kind for kind in _TELLING if kind in path.name.lower()), None)
    if kind is not None and path.suffix.lower() == ".conf":
        options.setdefault(_TYPE, kind)
    if not _knows(options):
        return None
    if strange is not None:
        raise SourceError(f"{path}: {strange} is no option of Kaldi, such as {_PREFIX}num-mel-bins=80. Correct it.")
    return options


def _value(name: str, text: str) -> Any:
    """Return the value of an option: a truth, a number or text."""
    if name in _FLAGS:
        return _TRUTHS.get(text.lower(), text)
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _knows(data: Any) -> bool:
    return isinstance(data, Mapping) and any(
        name in data for name in (_TYPE, *_SHARED, *(each for names in _TELLING.values() for each in names))
    )


def _read(document: Document) -> Published:
    kind = document.data.get(_TYPE) or _kind_of(document)
    settings = Settings(document.data, f"Kaldi ({kind})", document.place)
    settings.one_of(_TYPE, kind, tuple(_TELLING), "A recipe has no other features of Kaldi.")
    _ignore(settings)
    fields = _options(settings).features(kind)
    settings.note(
        "Kaldi's samples are 16-bit integers: input_scale=32768. Models of icefall and sherpa take samples in [-1, 1]: "
        "change it to input_scale=1.0"
    )
    _note_others(document, settings)
    return settings.finish(f"kaldi_{kind}", **fields)


def _kind_of(document: Document) -> str:
    """Return the features that the options belong to, if they tell."""
    file = Path(document.place).name.lower()
    other = next((program for name, program in _OTHERS.items() if name in file), None)
    if other is not None:
        remedy = "Give the file of fbank or of mfcc."
        raise SourceError(f"{document.place}: the options of {other}, which a recipe cannot express. {remedy}")
    found = [kind for kind, names in _TELLING.items() if any(name in document.data for name in names)]
    if len(found) != 1:
        raise SourceError(
            f"{document.place}: the options of compute-fbank-feats or of compute-mfcc-feats? Name the file fbank.conf "
            "or mfcc.conf."
        )
    return found[0]


def _ignore(settings: Settings) -> None:
    settings.ignore("has no effect without a warp", "vtln-map", "utt2spk")
    settings.ignore("selects a channel of the file", "channel")
    settings.ignore("leaves out short clips", "min-duration")
    settings.ignore("says how to write features", "output-format", "write-utt2dur", "compress", "compression-method")
    settings.ignore("says what to print", "debug-mel", "verbose", "print-args", "help")
    settings.ignore("saves memory", "max-feature-vectors")
    settings.ignore("resamples other sampling rates: see input_rate", "allow-downsample", "allow-upsample")


def _options(settings: Settings) -> _kaldi.Options:
    return _kaldi.Options(
        settings,
        library="Kaldi",
        separator="-",
        samples=lambda rate, milliseconds: rate * 0.001 * milliseconds,
        windows=tuple(_kaldi.WINDOWS),
        dither=1.0,
        energy_floor=0.0,
        cepstra_have_energy=True,
    )


def _note_others(document: Document, settings: Settings) -> None:
    """Note what else the model takes."""
    for names, words in ((_CMVN, "has a file of online CMVN"), (_IVECTORS, "has an extractor of i-vectors")):
        found = next((name for name in names if document.beside(name) is not None), None)
        if found is not None:
            settings.note(f"the model {words} ({found}), which is not part of these features")


_NAMES = ("mfcc_hires.conf", "fbank.conf", "mfcc.conf")
READER = Reader(
    name="Kaldi",
    files=(*_NAMES, *(f"conf/{name}" for name in _NAMES), "*.conf"),
    holds="an option such as num-mel-bins=80",
    knows=_knows,
    read=_read,
    load=load,
    equals=(("fbank.conf", "mfcc.conf"), ("conf/fbank.conf", "conf/mfcc.conf")),
)
