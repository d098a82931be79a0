"""FunASR: the front end of `config.yaml`, with the statistics of `am.mvn`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kapre.frontends.readers import _kaldi, _statistics
from kapre.frontends.readers._reader import Document, Published, Reader, Settings

_KINDS = {"wavfrontend": "WavFrontend", "wavfrontendonline": "WavFrontendOnline"}
_MVN = "am.mvn"


def _plain(name: Any) -> str:
    return str(name).lower().replace("_", "")


def _knows(data: Any) -> bool:
    """Tell whether a front end is a class of FunASR: WavFrontend, or one of another kind that is refused by name."""
    return isinstance(data, Mapping) and isinstance(data.get("frontend"), str) and _names_class(data["frontend"])


def _names_class(name: str) -> bool:
    return _plain(name) in _KINDS or (name.endswith("Frontend") and name != "Frontend")


def _read(document: Document) -> Published:
    section = document.data.get("frontend_conf") or {}
    kind = _KINDS.get(_plain(document.data["frontend"]))
    settings = Settings(section if isinstance(section, Mapping) else {}, f"FunASR ({kind})", document.place)
    if kind is None:
        rule = f"{' or '.join(_KINDS.values())}"
        raise settings.error("frontend", rule, document.data["frontend"], "A recipe cannot express another.")
    if not isinstance(section, Mapping):
        raise settings.error("frontend_conf", "a section", section, "Correct the file.")
    settings.ignore("is not used", "filter_length_min", "filter_length_max")
    rate = settings.integer("fs", 16000, of="sample_rate")
    is_online = kind == "WavFrontendOnline"
    only = "WavFrontendOnline does not use it."
    fields = _kaldi.milliseconds(settings, rate)
    fields |= _kaldi.WINDOWS[settings.one_of("window", "hamming", tuple(_kaldi.WINDOWS))]
    fields |= dict(
        n_mels=settings.integer("n_mels", 80, of="n_mels"),
        dither=settings.dither(1.0, "FunASR"),
        snip_edges=settings.one_of("snip_edges", True, (True,) if is_online else (True, False), only),
        input_scale=_scale(settings, is_online),
        **_kaldi.stack(settings, ("lfr_m", 1), ("lfr_n", 1)),
    )
    fields |= _moments(document, settings, fields["n_mels"] * fields["stack"])
    return settings.finish("paraformer", **fields)


def _scale(settings: Settings, is_online: bool) -> float:
    """Take whether samples are scaled by 2 ** 15. The name is FunASR's."""
    allowed = (True,) if is_online else (True, False)
    return 32768.0 if settings.one_of("upsacle_samples", True, allowed, "WavFrontendOnline scales always.") else 1.0


def _moments(document: Document, settings: Settings, width: int) -> dict[str, Any]:
    """Take the shift and scale of `am.mvn`, which FunASR also finds if the file does not name it."""
    name = settings.take("cmvn_file", None)
    if name is not None and not isinstance(name, str):
        raise settings.error("cmvn_file", "the name of a file", name, f"Use {_MVN!r}.")
    path = document.beside(_MVN) if name is None else _statistics.beside(document, "cmvn_file", name)
    if path is None:
        settings.note(f"there is no {_MVN} beside the file: these features have no shift and scale")
        return {}
    settings.note(f"the shift and scale are those of {path.name}")
    return dict(_statistics.nnet(path, width))


READER = Reader(
    name="FunASR", files=("config.yaml",), holds="a `frontend` such as WavFrontend", knows=_knows, read=_read
)
