"""Feature extractors of transformers: how each is called, and random legal values of its fields."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.references._registry import transformers, without_lazy_modules

Draw = Callable[[np.random.Generator], Any]
"""Draw a value of a field."""


def of(*values: Any) -> Draw:
    """Return a function that draws one of the values."""
    return lambda rng: values[int(rng.integers(len(values)))]


def between(low: float, high: float) -> Draw:
    """Return a function that draws a number with two decimals."""
    return lambda rng: round(float(rng.uniform(low, high)), 2)


@dataclass(frozen=True)
class Extractor:
    """How a feature extractor is called, and what its fields may be.

    `output` names what it returns. `options` are those of the call. `unit` is that of `tests.references`.
    """

    fields: Mapping[str, Draw]
    output: str = "input_features"
    options: Mapping[str, Any] = field(default_factory=dict)
    unit: str = "log10"
    audio: str = ""
    """The name of the argument for the clip, if it is not the first."""
    is_list: bool = False
    """Whether the clip is given as a list of one."""
    with_rate: bool = True
    tensors: str | None = "np"
    band_first: bool = False
    """Whether the reader's layout has the bands first and the extractor's has the frames first, or the reverse."""


def draw(name: str, seed: int) -> dict[str, Any]:
    """Return random fields of an extractor. Each one is left out now and then."""
    rng = np.random.default_rng([seed, *name.encode()])
    found = {key: make(rng) for key, make in EXTRACTORS[name].fields.items()}
    return {key: value for key, value in found.items() if rng.random() < 0.8}


def compute(name: str, made: Any, x: np.ndarray) -> np.ndarray:
    """Return what an extractor makes of one clip."""
    how = EXTRACTORS[name]
    options = dict(how.options)
    if how.tensors is not None:
        options["return_tensors"] = how.tensors
    if how.with_rate:
        options["sampling_rate"] = made.sampling_rate
    clip: Any = [x] if how.is_list else x
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = made(**{how.audio: clip}, **options) if how.audio else made(clip, **options)
    without_lazy_modules()
    y = np.asarray(found[how.output][0])
    return y.T if how.band_first else y


def make(name: str, fields: Mapping[str, Any]) -> Any:
    """Return an extractor with some fields."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(transformers(), name)(**fields)


_RATES = of(16000, 22050, 24000)
_BANDS = of(40, 64, 80, 128)
_HOPS = of(80, 128, 160, 200, 320)
_WHISPER: dict[str, Draw] = dict(
    feature_size=_BANDS, sampling_rate=_RATES, hop_length=_HOPS, n_fft=of(320, 400, 512, 640, 1024)
)
_MASK = of(True, False)

EXTRACTORS: dict[str, Extractor] = {
    "WhisperFeatureExtractor": Extractor(dict(_WHISPER, chunk_length=of(1, 2, 3), return_attention_mask=_MASK)),
}
