"""Published front ends: a recipe as a layer, the presets, and streaming chunk by chunk.

The presets do not need Keras. Names that need it are imported on first use.
"""

from typing import TYPE_CHECKING

from kapre._lazy import on_first_use
from kapre.frontends._preset import Preset
from kapre.frontends._source import Source, SourceError
from kapre.frontends._summary import Summary
from kapre.frontends.presets import aliases, list_presets, preset

if TYPE_CHECKING:
    from kapre.frontends.constant_q import CQT, VQT
    from kapre.frontends.frontend import Frontend
    from kapre.frontends.parallel import ParallelFrontends
    from kapre.frontends.pieces import FixedPieces
    from kapre.frontends.spectrograms import MFCC, MelSpectrogram, Spectrogram
    from kapre.frontends.stream import Stream, whole_clip_stages

_ON_FIRST_USE = {"Frontend": "frontend", "Stream": "stream", "whole_clip_stages": "stream"}
_ON_FIRST_USE |= {"FixedPieces": "pieces", "ParallelFrontends": "parallel"}
_ON_FIRST_USE |= dict.fromkeys(("CQT", "VQT"), "constant_q")
_ON_FIRST_USE |= dict.fromkeys(("MFCC", "MelSpectrogram", "Spectrogram"), "spectrograms")

__all__ = [
    "CQT",
    "MFCC",
    "VQT",
    "FixedPieces",
    "Frontend",
    "MelSpectrogram",
    "ParallelFrontends",
    "Preset",
    "Source",
    "SourceError",
    "Spectrogram",
    "Stream",
    "Summary",
    "aliases",
    "list_presets",
    "preset",
    "whole_clip_stages",
]

if not TYPE_CHECKING:  # a type checker would otherwise accept any name
    __getattr__, __dir__ = on_first_use(__name__, _ON_FIRST_USE)
