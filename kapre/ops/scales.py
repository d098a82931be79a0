"""Scales for samples and spectra: decibel, mu-law, integer PCM."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from keras import ops

from kapre._checks import message, positive_int
from kapre.ops import frames
from kapre.ops.fourier import constant
from kapre.ops.kernels import active as kernel


def decibel(x: Any, ref_value: float, amin: float, dynamic_range: float, valid: Any = None) -> Any:
    """Return `10 log10(max(x, amin) / max(ref_value, amin))`, at least the item's own maximum less `dynamic_range`.

    An item is one entry of the first axis; a tensor of rank 0 or 1 is one item. The maximum is taken where `valid`, a
    bool tensor that broadcasts to `x`, is True.
    """
    reference = 10.0 * math.log10(max(amin, ref_value))
    db = 10.0 * ops.log10(kernel.maximum(x, constant(amin, x))) - reference
    dims = tuple(x.shape)
    rank = len(dims)
    if rank == 0 or 0 in dims:
        return db
    floor = 10.0 * math.log10(amin) - reference
    candidates = db if valid is None else ops.where(valid, db, ops.full_like(db, floor))
    if None in dims[1:]:
        # Unknown time may be 0, and the maximum of nothing is an error or -inf: one more entry, at the floor.
        one_more = [(0, 0), *((0, int(size is None)) for size in dims[1:])]
        candidates = ops.pad(candidates, one_more, constant_values=floor)
    top = ops.max(candidates, axis=tuple(range(min(1, rank - 1), rank)), keepdims=True)
    return kernel.maximum(db, top - dynamic_range)


def mu_law_encode(x: Any, channels: int) -> Any:
    """Return int32 codes 0 … channels − 1 of samples in [−1, 1]; samples outside are clipped, NaN gives code 0."""
    mu = channels - 1.0
    x = ops.clip(ops.nan_to_num(x, nan=-1.0), -1.0, 1.0)  # NaN cast to an integer is anything
    companded = ops.sign(x) * ops.log1p(mu * ops.abs(x)) / math.log1p(mu)
    codes = ops.cast((companded + 1.0) / 2.0 * mu + 0.5, "int32")
    return ops.clip(codes, 0, channels - 1)


def mu_law_decode(codes: Any, channels: int) -> Any:
    """Return samples in [−1, 1] of float codes 0 … channels − 1."""
    mu = channels - 1.0
    companded = 2.0 * codes / mu - 1.0
    return ops.sign(companded) * ops.expm1(ops.abs(companded) * math.log1p(mu)) / mu


def check_channels(quantization_channels: Any) -> int:
    """Return a valid count of mu-law codes, or raise."""
    channels = positive_int("quantization_channels", quantization_channels, "Use 256 for 8 bits.")
    if channels < 2:
        raise ValueError(message("quantization_channels", "at least 2", quantization_channels, "Use 256 for 8 bits."))
    return channels


def htk_dct_matrix(n_in: int, n_out: int) -> np.ndarray:
    """Return the first `n_out` columns of HTK's DCT-II, `sqrt(2 / n_in) cos(π k (m + ½) / n_in)`: `(n_in, n_out)`."""
    place = (np.arange(n_in)[:, None] + 0.5) / n_in
    matrix: np.ndarray = np.sqrt(2.0 / n_in) * np.cos(np.pi * place * np.arange(n_out))
    return matrix


def delta(x: Any, win_length: int, mode: str, lengths: Any = None) -> Any:
    """Return the slope over `win_length` neighbours of the last axis: `Σ n (x[t+n] − x[t−n]) / (2 Σ n²)`."""
    reach = (win_length - 1) // 2
    if lengths is not None:
        x = frames.keep(x, lengths)
    padded = frames.pad(x, reach, reach, mode, lengths=lengths)
    total = 0.0
    for n in range(1, reach + 1):
        later = padded[..., reach + n : n - reach or None]
        earlier = padded[..., reach - n : -reach - n]
        total = total + float(n) * (later - earlier)
    return total / (2.0 * sum(n * n for n in range(1, reach + 1)))


PCM_SCALES = {"int8": (0, 2**7), "int16": (0, 2**15), "int32": (0, 2**31), "uint8": (2**7, 2**7)}
"""The zero and the full scale of each integer sample format."""


def pcm_to_float(x: Any, dtype: str, to: str) -> Any:
    """Return integer samples of `dtype` as floats in [−1, 1)."""
    zero, full_scale = PCM_SCALES[dtype]
    return (ops.cast(x, to) - float(zero)) / float(full_scale)
