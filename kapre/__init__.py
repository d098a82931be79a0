"""Audio preprocessing as Keras layers, so that a saved model takes raw samples as its input.

Every public name is available here. `kapre.audio`, `kapre.compare`, `kapre.corpus`, `kapre.integrations` and
`kapre.plot` are imported on first use.
"""

from kapre import _select_backend as _select_backend  # isort: skip  (before anything imports Keras)

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

from kapre import (
    augmentation,
    backend,
    composed,
    descriptors,
    filters,
    frontends,
    functional,
    inversion,
    learned,
    levels,
    losses,
    metrics,
    separation,
    signal,
    time_frequency,
    time_frequency_tflite,
)
from kapre._removed import removed_names as _removed_names
from kapre._version import __version__
from kapre.augmentation import ChannelSwap, SpecAugment
from kapre.backend import amplitude_to_decibel, pcm_to_float, power_to_decibel
from kapre.composed import (
    get_frequency_aware_conv2d,
    get_log_frequency_spectrogram_layer,
    get_melspectrogram_layer,
    get_perfectly_reconstructing_stft_istft,
    get_stft_mag_phase,
    get_stft_magnitude_layer,
)
from kapre.descriptors import (
    GCCPHAT,
    MDCT,
    RMS,
    YIN,
    Chroma,
    FrequencyWeighting,
    GroupDelay,
    InstantaneousFrequency,
    IntensityVector,
    InterchannelLevelDifference,
    InterchannelPhaseDifference,
    InverseMDCT,
    OnsetStrength,
    SpectralBandwidth,
    SpectralCentroid,
    SpectralContrast,
    SpectralDescriptors,
    SpectralFlatness,
    SpectralFlux,
    SpectralRolloff,
    Tempogram,
    Tonnetz,
    ZeroCrossingRate,
)
from kapre.filters import Convolve, IIRFilter, Resample
from kapre.frontends import (
    CQT,
    MFCC,
    VQT,
    FixedPieces,
    Frontend,
    MelSpectrogram,
    ParallelFrontends,
    Spectrogram,
    list_presets,
)
from kapre.inversion import GriffinLim, InverseFilterbank, InverseMFCC
from kapre.learned import PCEN, Leaf, ParametricFilterbank, SincConv
from kapre.levels import Loudness, LoudnessNormalization, PeakNormalization, RMSNormalization
from kapre.recipe import Recipe
from kapre.separation import HPSS
from kapre.signal import Energy, Frame, LogmelToMFCC, MuLawDecoding, MuLawEncoding, SqueezeChannels
from kapre.time_frequency import (
    STFT,
    ApplyFilterbank,
    ConcatenateFrequencyMap,
    Delta,
    InverseSTFT,
    Magnitude,
    MagnitudeToDecibel,
    Phase,
)
from kapre.time_frequency_tflite import MagnitudeTflite, PhaseTflite, STFTTflite

if TYPE_CHECKING:
    from kapre import audio as audio
    from kapre import compare as compare
    from kapre import corpus as corpus
    from kapre import deploy as deploy
    from kapre import integrations as integrations
    from kapre import plot as plot
    from kapre.deploy import export as export

VERSION = __version__

_ON_FIRST_USE = ("audio", "compare", "corpus", "deploy", "integrations", "plot")

__all__ = [
    "CQT",
    "GCCPHAT",
    "HPSS",
    "MDCT",
    "MFCC",
    "PCEN",
    "RMS",
    "STFT",
    "VERSION",
    "VQT",
    "YIN",
    "ApplyFilterbank",
    "ChannelSwap",
    "Chroma",
    "ConcatenateFrequencyMap",
    "Convolve",
    "Delta",
    "Energy",
    "FixedPieces",
    "Frame",
    "FrequencyWeighting",
    "Frontend",
    "GriffinLim",
    "GroupDelay",
    "IIRFilter",
    "InstantaneousFrequency",
    "IntensityVector",
    "InterchannelLevelDifference",
    "InterchannelPhaseDifference",
    "InverseFilterbank",
    "InverseMDCT",
    "InverseMFCC",
    "InverseSTFT",
    "Leaf",
    "LogmelToMFCC",
    "Loudness",
    "LoudnessNormalization",
    "Magnitude",
    "MagnitudeTflite",
    "MagnitudeToDecibel",
    "MelSpectrogram",
    "MuLawDecoding",
    "MuLawEncoding",
    "OnsetStrength",
    "ParallelFrontends",
    "ParametricFilterbank",
    "PeakNormalization",
    "Phase",
    "PhaseTflite",
    "RMSNormalization",
    "Recipe",
    "Resample",
    "STFTTflite",
    "SincConv",
    "SpecAugment",
    "SpectralBandwidth",
    "SpectralCentroid",
    "SpectralContrast",
    "SpectralDescriptors",
    "SpectralFlatness",
    "SpectralFlux",
    "SpectralRolloff",
    "Spectrogram",
    "SqueezeChannels",
    "Tempogram",
    "Tonnetz",
    "ZeroCrossingRate",
    "__version__",
    "amplitude_to_decibel",
    "augmentation",
    "backend",
    "composed",
    "descriptors",
    "filters",
    "frontends",
    "functional",
    "get_frequency_aware_conv2d",
    "get_log_frequency_spectrogram_layer",
    "get_melspectrogram_layer",
    "get_perfectly_reconstructing_stft_istft",
    "get_stft_mag_phase",
    "get_stft_magnitude_layer",
    "inversion",
    "learned",
    "levels",
    "list_presets",
    "losses",
    "metrics",
    "pcm_to_float",
    "power_to_decibel",
    "separation",
    "signal",
    "time_frequency",
    "time_frequency_tflite",
]


if not TYPE_CHECKING:  # a type checker would otherwise accept any name

    def __getattr__(name):
        if name in _ON_FIRST_USE:
            return _import_module(f"kapre.{name}")
        if name == "export":
            return _import_module("kapre.deploy").export
        return _removed_names(__name__)(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_ON_FIRST_USE, "export"})
