"""Removed names of Kapre and names of other libraries. Accessing one raises an error that gives the replacement."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable
from typing import Any

_TODAY = {
    "Spectrogram": "kapre.get_stft_magnitude_layer (with power=2.0 for its power_spectrogram=2.0)",
    "Melspectrogram": "kapre.get_melspectrogram_layer (with power=2.0 for its power_melgram=2.0)",
    "Filterbank": "kapre.ApplyFilterbank, or kapre.Frontend(..., trainable_filterbank=True) for a bank that is trained",
    "Normalization2D": "keras.layers.Normalization or keras.layers.LayerNormalization on the axis of its str_axis",
    "Normalization": "keras.layers.Normalization",
    "AdditiveNoise": "keras.layers.GaussianNoise",
}


_ELSEWHERE = {
    "LogMelSpectrogram": "kapre.MelSpectrogram",
    "LogMelgram": "kapre.MelSpectrogram",
    "MelScale": "kapre.ApplyFilterbank(type='mel', …)",
    "MelFilterbank": "kapre.ApplyFilterbank(type='mel', …)",
    "melspectrogram": "kapre.MelSpectrogram",
    "mel": "kapre.backend.filterbank_mel",
    "LogFrequencySpectrogram": "kapre.get_log_frequency_spectrogram_layer",
    "LogSpectrogram": "kapre.Spectrogram",
    "STFTMagnitude": "kapre.get_stft_magnitude_layer",
    "stft": "kapre.STFT",
    "istft": "kapre.InverseSTFT",
    "ISTFT": "kapre.InverseSTFT",
    "InverseSpectrogram": "kapre.InverseSTFT",
    "griffinlim": "kapre.GriffinLim, or kapre.functional.griffin_lim",
    "InverseMelScale": "kapre.InverseFilterbank('mel', …)",
    "mel_to_stft": "kapre.InverseFilterbank('mel', …)",
    "mel_to_audio": "kapre.Frontend(recipe).invert",
    "mfcc_to_mel": "kapre.InverseMFCC",
    "mfcc_to_audio": "kapre.Frontend(recipe).invert",
    "mfcc": "kapre.MFCC, or kapre.LogmelToMFCC behind a log mel spectrogram",
    "fbank": "kapre.Frontend.from_preset('kaldi_fbank')",
    "AmplitudeToDB": "kapre.MagnitudeToDecibel",
    "amplitude_to_db": "kapre.amplitude_to_decibel",
    "power_to_db": "kapre.power_to_decibel",
    "ComputeDeltas": "kapre.Delta",
    "FrequencyMasking": "kapre.SpecAugment",
    "TimeMasking": "kapre.SpecAugment",
    "resample": "kapre.functional.resample, or the layer kapre.Resample",
    "Speed": "kapre.functional.speed",
    "FFTConvolve": "kapre.Convolve",
    "TimeStretch": "kapre.functional.time_stretch",
    "PitchShift": "kapre.functional.pitch_shift",
    "lfilter": "kapre.functional.iir_filter",
    "sosfilt": "kapre.functional.iir_filter",
    "load": "kapre.audio.load",
    "read": "kapre.audio.read",
    "from_preset": "kapre.Frontend.from_preset",
}
"""Names in other libraries, with the replacement in Kapre."""


def removed_names(module: str) -> Callable[[str], Any]:
    """Return `__getattr__` for a module, which refuses a removed name and gives its replacement."""

    def __getattr__(name: str) -> Any:
        if name in _TODAY:
            # In `from kapre import …`, an AttributeError would lose its text.
            raise ImportError(f"{module}.{name} was removed from Kapre: use {_TODAY[name]}.", name=module)
        raise AttributeError(f"module {module!r} has no attribute {name!r}{_instead(module, name)}")

    return __getattr__


def _instead(module: str, name: str) -> str:
    """Return the replacement for a name that a module never had, as the end of a sentence, or an empty string."""
    if name.startswith("_"):
        return ""
    if name in _ELSEWHERE:
        return f": use {_ELSEWHERE[name]}."
    known = {each.lower().replace("_", ""): each for each in dir(sys.modules[module]) if not each.startswith("_")}
    near = difflib.get_close_matches(name.lower().replace("_", ""), known, n=1, cutoff=0.75)
    return f": use {module}.{known[near[0]]}." if near else ""
