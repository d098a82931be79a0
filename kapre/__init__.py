"""Kapre: audio preprocessing as Keras layers, so that the saved model takes samples.

Every public name is here; `kapre.plot` and `kapre.corpus` load on first use.
"""

from kapre import _select_backend as _select_backend  # isort: skip  (before anything imports Keras)

from importlib import import_module as _import_module
from typing import Any as _Any

from kapre import backend, composed, signal, time_frequency
from kapre._version import __version__
from kapre.backend import amplitude_to_decibel, pcm_to_float, power_to_decibel
from kapre.composed import (
    get_log_frequency_spectrogram_layer,
    get_melspectrogram_layer,
    get_perfectly_reconstructing_stft_istft,
    get_stft_magnitude_layer,
)
from kapre.recipe import Recipe
from kapre.signal import Frame
from kapre.time_frequency import STFT, ApplyFilterbank, InverseSTFT, Magnitude, MagnitudeToDecibel, Phase

VERSION = __version__

_ON_FIRST_USE = ("corpus", "plot")

__all__ = [
    "STFT",
    "VERSION",
    "ApplyFilterbank",
    "Frame",
    "InverseSTFT",
    "Magnitude",
    "MagnitudeToDecibel",
    "Phase",
    "Recipe",
    "__version__",
    "amplitude_to_decibel",
    "backend",
    "composed",
    "get_log_frequency_spectrogram_layer",
    "get_melspectrogram_layer",
    "get_perfectly_reconstructing_stft_istft",
    "get_stft_magnitude_layer",
    "pcm_to_float",
    "power_to_decibel",
    "signal",
    "time_frequency",
]


def __getattr__(name: str) -> _Any:
    if name in _ON_FIRST_USE:
        return _import_module(f"kapre.{name}")
    raise AttributeError(f"module 'kapre' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ON_FIRST_USE})
