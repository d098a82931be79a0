"""Descriptors of the frames of waveforms, as in `librosa.feature`: spectra, samples, onsets, pitch classes and pitch.

Each is a layer that takes `(batch, time)`, or waveforms with channels, and gives one or a few values for each frame.
The module also contains the MDCT and its inverse, frequency weighting, and differences between microphones.
"""

from kapre.descriptors._channels import SpatialStream
from kapre.descriptors._chroma import Chroma, Tonnetz
from kapre.descriptors._mdct import MDCT, InverseMDCT
from kapre.descriptors._of_samples import RMS, ZeroCrossingRate
from kapre.descriptors._of_spectrum import (
    SpectralBandwidth,
    SpectralCentroid,
    SpectralContrast,
    SpectralFlatness,
    SpectralFlux,
    SpectralRolloff,
)
from kapre.descriptors._onsets import OnsetStrength, Tempogram
from kapre.descriptors._reassigned import GroupDelay, InstantaneousFrequency
from kapre.descriptors._several import SpectralDescriptors
from kapre.descriptors._spatial import (
    GCCPHAT,
    IntensityVector,
    InterchannelLevelDifference,
    InterchannelPhaseDifference,
)
from kapre.descriptors._stream import DescriptorStream
from kapre.descriptors._weighting import FrequencyWeighting
from kapre.descriptors._yin import YIN

__all__ = [
    "GCCPHAT",
    "MDCT",
    "RMS",
    "YIN",
    "Chroma",
    "DescriptorStream",
    "FrequencyWeighting",
    "GroupDelay",
    "InstantaneousFrequency",
    "IntensityVector",
    "InterchannelLevelDifference",
    "InterchannelPhaseDifference",
    "InverseMDCT",
    "OnsetStrength",
    "SpatialStream",
    "SpectralBandwidth",
    "SpectralCentroid",
    "SpectralContrast",
    "SpectralDescriptors",
    "SpectralFlatness",
    "SpectralFlux",
    "SpectralRolloff",
    "Tempogram",
    "Tonnetz",
    "ZeroCrossingRate",
]
