"""Losses between waveforms: spectral losses, the mel loss of any front end, and signal-to-error ratios.

Each is a `keras.losses.Loss` of `y_true` and `y_pred`, and takes a mask or the lengths of the clips.
"""

from kapre.losses._base import WaveformLoss
from kapre.losses._loudness import LoudnessDifference
from kapre.losses._mel import MelLoss
from kapre.losses._ratios import SISDR, SNR
from kapre.losses._stft import MultiResolutionSTFTLoss, SpectralConvergence

__all__ = [
    "SISDR",
    "SNR",
    "LoudnessDifference",
    "MelLoss",
    "MultiResolutionSTFTLoss",
    "SpectralConvergence",
    "WaveformLoss",
]
