"""Descriptors of the frames of waveforms, as in `librosa.feature`: of their spectrum, their samples and their onsets.

Each is a layer that takes `(batch, time)`, or waveforms with channels, and gives one or a few values for each frame.
"""

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
from kapre.descriptors._several import SpectralDescriptors
from kapre.descriptors._stream import DescriptorStream

__all__ = [
    "RMS",
    "DescriptorStream",
    "OnsetStrength",
    "SpectralBandwidth",
    "SpectralCentroid",
    "SpectralContrast",
    "SpectralDescriptors",
    "SpectralFlatness",
    "SpectralFlux",
    "SpectralRolloff",
    "Tempogram",
    "ZeroCrossingRate",
]
