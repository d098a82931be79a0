"""What the tests of each backend compute with the compiled kernel: recipes, arguments of `STFT`, and noise."""

from __future__ import annotations

from typing import Any

import numpy as np

import kapre
from kapre import _native

_LOADED = _native.library()
_INSTRUCTIONS = {"avx512": ["avx512", "avx2", "baseline"], "avx2": ["avx2", "baseline"]}
HERE = _INSTRUCTIONS.get(_LOADED.instructions, [_LOADED.instructions]) if _LOADED is not None else []
"""The instruction sets of this machine that the library has."""
CANARY = 123.0
"""What stands around the memory that the library may write to."""
MEL: dict[str, Any] = dict(
    n_fft=512, win_length=400, hop_length=160, sample_rate=16000, filterbank="mel", n_mels=80, power=2.0
)
RECIPE = kapre.Recipe(**MEL, log="db", amin=1e-10)
KALDI = kapre.frontends.preset("kaldi_fbank").recipe
TRANSFORMS: list[dict[str, Any]] = [
    dict(n_fft=512, hop_length=160),
    dict(n_fft=512, win_length=400, hop_length=160),
    dict(n_fft=512, win_length=300, hop_length=128, center=True, pad_mode="reflect"),
    dict(n_fft=400, hop_length=100, pad_begin=True),
    dict(n_fft=256, hop_length=300, pad_end=True),
]
INVERSES: list[dict[str, Any]] = [
    dict(n_fft=512, hop_length=160),
    dict(n_fft=512, win_length=400, hop_length=160, length=3000),
    dict(n_fft=512, hop_length=128, center=True, exact_edges=True),
    dict(n_fft=512, hop_length=128, center=True, length=5000),
    dict(n_fft=400, hop_length=100, center=True, exact_edges=True),
    dict(n_fft=256, hop_length=300),
]
COUNTS = (13, 0, 7)
"""The valid frames of each item of `complex_noise`."""


def complex_noise(arguments: dict[str, Any], *lead: int) -> np.ndarray:
    """Return three items of 13 frames of complex noise, for `InverseSTFT` with these arguments and two channels."""
    shape = (*lead, 3, 13, arguments["n_fft"] // 2 + 1, 2)
    return noise(*shape) + 1j * noise(*shape, seed=1)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    """Return noise in float32, 20 dB below full scale."""
    return np.random.default_rng(seed).standard_normal(shape).astype("float32") * 0.1
