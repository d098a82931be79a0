"""ESPnet: the front end of `config.yaml`, with the statistics of `feats_stats.npz`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kapre.frontends.readers import _statistics, _windows
from kapre.frontends.readers._reader import Document, Published, Reader, Settings

_UNITS = {"": 1, "k": 1000}
_NORMALIZE = {"global_mvn": "global_mvn", "utterance_mvn": "utterance_mvn", "none": None, None: None}
_WINDOWS: dict[Any, str] = {**_windows.SHORT, None: "rectangular_window"}
_SECTIONS = {"frontend": "default", "feats_extract": "fbank"}
"""The sections of recognition and of synthesis, with the one kind of each that is read."""


def _section(data: Any) -> str | None:
    """Return the section that describes features. Files of training may leave out its kind."""
    return next((name for name in _SECTIONS if f"{name}_conf" in data), None) if isinstance(data, Mapping) else None


def _read(document: Document) -> Published:
    name = _section(document.data)
    assert name is not None
    kind, inner = document.data.get(name, _SECTIONS[name]), document.data[f"{name}_conf"] or {}
    settings = Settings(inner if isinstance(inner, Mapping) else {}, f"ESPnet ({kind})", document.place)
    if kind != _SECTIONS[name]:
        raise settings.error(name, repr(_SECTIONS[name]), kind, "A recipe cannot express another.")
    if not isinstance(inner, Mapping):
        raise settings.error(f"{name}_conf", "a section", inner, "Correct the file.")
    if name not in document.data:
        settings.note(f"the file has no field {name}: {kind} is ESPnet's default")
    if "fs" not in settings:
        settings.note("the file has no field fs: 16000 is ESPnet's default, and its recipes may set another")
    is_speech = name == "frontend"
    fields = _frames(settings, is_speech)
    if is_speech:
        settings.one_of("apply_stft", True, (True,), "A recipe computes the spectrum itself.")
        settings.ignore("applies to several channels", "frontend_conf")
    else:
        fields |= dict(power=1.0, magnitude_epsilon=1e-10, magnitude_epsilon_by="max", log="log10")
    fields |= _normalization(document, settings, fields["n_mels"])
    return settings.finish("espnet", **fields)


def _frames(settings: Settings, is_speech: bool) -> dict[str, Any]:
    """Take the fields of the spectrum and its bank. Those of synthesis have other defaults."""
    n_fft, hop, low, high = (512, 128, None, None) if is_speech else (1024, 256, 80, 7600)
    rate = settings.take("fs", 16000, _rate, of="sample_rate")
    n_fft = settings.integer("n_fft", n_fft, of="n_fft")
    window = settings.one_of("window", "hann", tuple(_WINDOWS))
    settings.one_of("onesided", True, (True,))
    return dict(
        sample_rate=rate,
        n_fft=n_fft,
        win_length=settings.integer("win_length", None, of="win_length") or n_fft,
        hop_length=settings.integer("hop_length", hop, of="hop_length"),
        frame_length=None,
        center=settings.flag("center", True),
        window_placement="center",
        pad_mode=settings.one_of("pad_mode", "reflect", ("reflect", "constant")),
        input_scale=n_fft**-0.5 if settings.flag("normalized", False) else 1.0,
        window_name=_WINDOWS[window],
        window_periodic=None if window is None else True,
        n_mels=settings.integer("n_mels", 80, of="n_mels"),
        f_min=_or_default(settings, "fmin", low, 0.0, "f_min"),
        f_max=_or_default(settings, "fmax", high, rate / 2.0, "f_max"),
        htk=settings.flag("htk", False),
    )


def _or_default(settings: Settings, name: str, default: Any, none: float, of: str) -> float:
    """Take a frequency, for which None has a meaning of its own."""
    if name in settings:
        default = None
    value = settings.number(name, default, at_least=0.0, of=of)
    return none if value is None else float(value)


def _rate(name: str, value: Any) -> int:
    """Return a sampling rate, which may be text such as "16k"."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*(k?)(?:hz)?", str(value).strip().lower())
    rate = float(found[1]) * _UNITS[found[2]] if found and not isinstance(value, bool) else 0.0
    if rate < 1 or rate != int(rate):
        raise ValueError(f"`{name}` must be a number of Hz, such as 16000 or '16k'; received {name}={value!r}.")
    return int(rate)


def _normalization(document: Document, settings: Settings, width: int) -> dict[str, Any]:
    """Return the fields of normalisation: by the statistics of a file, or over the utterance."""
    data = document.data
    if "normalize" not in data:  # the scripts of ESPnet set it on the command line, mostly to global_mvn
        way = (
            "This is a file of training: give the config.yaml of the trained model, or add `normalize: utterance_mvn`."
        )
        raise settings.error("normalize", "global_mvn, utterance_mvn or null", None, way)
    kind = data["normalize"]
    if kind not in _NORMALIZE:
        raise settings.error("normalize", "global_mvn, utterance_mvn or null", kind, "A recipe has no other.")
    if _NORMALIZE[kind] is None:
        return {}
    section = data.get("normalize_conf") or {}
    inner = settings.within("normalize_conf", section if isinstance(section, Mapping) else {"": section})
    means, deviations = inner.flag("norm_means", True), inner.flag("norm_vars", kind == "global_mvn")
    least = inner.number("eps", 1e-20, at_least=0.0)
    stats = inner.take("stats_file", None) if kind == "global_mvn" else None
    inner.check_left()
    if kind == "utterance_mvn":
        if deviations and not means:
            raise inner.error("norm_vars", "false without norm_means", True, "A recipe cannot express it.")
        return dict(normalize=("mean_std" if deviations else "mean") if means else None)
    if not isinstance(stats, str):
        raise inner.error("stats_file", "the name of a file", stats, "Use feats_stats.npz.")
    path = _statistics.beside(document, "stats_file", stats)
    settings.note(f"the shift and scale are those of {path.name}")
    found = dict(_of_file(path, width, least))
    return {name: found[name] for name, used in (("feature_shift", means), ("feature_scale", deviations)) if used}


def _of_file(path: Any, width: int, least: float) -> _statistics.Vectors:
    """Return the shift and scale of an `.npz` file, or of the `.npy` file of earlier versions."""
    arrays = _statistics.arrays(path)
    if "" in arrays and arrays[""].ndim == 2 and len(arrays[""]) == 2:
        sums, squares = arrays[""]
        return _statistics.of_moments(path, sums[-1], sums[:-1], squares[:-1], width, least)
    count, total, squares = (arrays.get(name) for name in ("count", "sum", "sum_square"))
    return _statistics.of_moments(path, count, total, squares, width, least)


READER = Reader(
    name="ESPnet",
    files=("config.yaml",),
    holds="`frontend_conf` or `feats_extract_conf`",
    knows=lambda data: _section(data) is not None,
    read=_read,
)
