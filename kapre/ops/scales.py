"""Scales for samples and spectra: decibel, mu-law, integer PCM."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from keras import ops

from kapre._checks import message, positive_int
from kapre.ops import frames
from kapre.ops.kernels import active as kernel


def logarithm(x: Any, kind: str, amin: float, by: str = "max", ref_value: float = 1.0) -> Any:
    """Return "ln", "log10" or "db" (10 log10, minus that of the reference) of `max(x, amin)` or of `x + amin`."""
    raised = kernel.at_least(x, amin) if by == "max" else x + amin
    if kind == "ln":
        return ops.log(raised)
    if kind == "log10":
        return ops.log10(raised)
    offset = reference(amin, ref_value)
    decibels = 10.0 * ops.log10(raised)
    return decibels - offset if offset else decibels


def reference(amin: float, ref_value: float) -> float:
    """Return the reference in decibels."""
    return 10.0 * math.log10(max(amin, ref_value))


def lowest_log(kind: str, amin: float, ref_value: float = 1.0) -> float:
    """Return the smallest value that `logarithm` can give."""
    if kind == "ln":
        return math.log(amin)
    return math.log10(amin) if kind == "log10" else 10.0 * (math.log10(amin) - math.log10(max(amin, ref_value)))


def limit_range(x: Any, dynamic_range: float, floor: float, top: float | None = None, valid: Any = None) -> Any:
    """Raise values to at least `top - dynamic_range`. Without a top, use the maximum of the item.

    An item is one entry of the first axis. A tensor of rank 0 or 1 is one item. The maximum is taken where `valid`, a
    bool tensor that broadcasts to `x`, is True. No value is below `floor`.
    """
    if top is not None:
        return kernel.at_least(x, top - dynamic_range)
    highest = _maximum(x, floor, valid)
    return x if highest is None else kernel.maximum(x, highest - dynamic_range)


def below_maximum(x: Any, floor: float, valid: Any = None) -> Any:
    """Return values minus the maximum of their item; see `limit_range`."""
    highest = _maximum(x, floor, valid)
    return x if highest is None else x - highest


def _maximum(x: Any, floor: float, valid: Any) -> Any:
    """Return the maximum of each item, or None if there is nothing to take it of; see `limit_range`."""
    dims = tuple(x.shape)
    rank = len(dims)
    if rank == 0 or 0 in dims:
        return None
    candidates = x if valid is None else ops.where(valid, x, kernel.filled(x, floor))
    if None in dims[1:]:
        # An unknown time may be 0, and the maximum of nothing is an error or -inf: append one entry at the floor.
        one_more = [(0, 0), *((0, int(size is None)) for size in dims[1:])]
        candidates = ops.pad(candidates, one_more, constant_values=floor)
    axes = tuple(range(min(1, rank - 1), rank))
    return ops.amax(candidates, axis=axes, keepdims=True)  # torch.compile fails at `ops.max`


def decibel(x: Any, ref_value: float, amin: float, dynamic_range: float, valid: Any = None) -> Any:
    """Return `10 log10(max(x, amin) / max(ref_value, amin))`, at least each item's maximum minus `dynamic_range`."""
    floor = lowest_log("db", amin, ref_value)
    return limit_range(logarithm(x, "db", amin, ref_value=ref_value), dynamic_range, floor, valid=valid)


def mu_law_encode(x: Any, channels: int) -> Any:
    """Return int32 codes 0 … channels − 1 of samples in [−1, 1]. Samples outside are clipped. NaN gives code 0."""
    mu = channels - 1.0
    x = ops.clip(ops.nan_to_num(x, nan=-1.0), -1.0, 1.0)  # NaN cast to an integer is undefined
    companded = ops.sign(x) * ops.log1p(mu * ops.abs(x)) / math.log1p(mu)
    codes = ops.cast((companded + 1.0) / 2.0 * mu + 0.5, "int32")
    return ops.clip(codes, 0, channels - 1)


def mu_law_decode(codes: Any, channels: int) -> Any:
    """Return samples in [−1, 1] from float codes 0 … channels − 1."""
    mu = channels - 1.0
    companded = 2.0 * codes / mu - 1.0
    return ops.sign(companded) * ops.expm1(ops.abs(companded) * math.log1p(mu)) / mu


def check_channels(quantization_channels: Any) -> int:
    """Return a valid number of mu-law codes, or raise."""
    channels = positive_int("quantization_channels", quantization_channels, "Use 256 for 8 bits.")
    if channels < 2:
        raise ValueError(message("quantization_channels", "at least 2", quantization_channels, "Use 256 for 8 bits."))
    return channels


def powered(x: Any, exponent: float) -> Any:
    """Return a power of values of at least 0, with a finite slope at 0."""
    if exponent == 1.0:
        return x
    if exponent == 2.0:
        return ops.square(x)
    if exponent == 0.5:
        return kernel.root(x)
    nothing = x <= 0.0
    raised = ops.where(nothing, ops.ones_like(x), x) ** exponent
    return ops.where(nothing, ops.zeros_like(raised), raised)


def htk_dct_matrix(n_in: int, n_out: int) -> np.ndarray:
    """Return the first `n_out` columns of HTK's DCT-II, `sqrt(2 / n_in) cos(π k (m + ½) / n_in)`: `(n_in, n_out)`."""
    place = (np.arange(n_in)[:, None] + 0.5) / n_in
    matrix: np.ndarray = np.sqrt(2.0 / n_in) * np.cos(np.pi * place * np.arange(n_out))
    return matrix


def dct_matrix(n_in: int, n_out: int, lifter: float = 0.0, lifter_start: int = 0) -> np.ndarray:
    """Return the first `n_out` columns of the orthonormal DCT-II, times the lifter `1 + L / 2 sin(π i / L)`.

    `lifter_start` is the i of the first column.
    """
    # torch.compile traces into a cache, and warns of it (2.13).
    make = _dct_matrix if kernel.is_compiling() else _cached_dct_matrix
    return make(n_in, n_out, lifter, lifter_start)


def _dct_matrix(n_in: int, n_out: int, lifter: float, lifter_start: int) -> np.ndarray:
    matrix = htk_dct_matrix(n_in, n_out)
    matrix[:, 0] /= math.sqrt(2.0)
    if lifter:
        matrix *= 1.0 + lifter / 2.0 * np.sin(np.pi * (np.arange(n_out) + lifter_start) / lifter)
    if not kernel.is_compiling():  # torch.compile uses tensors here, which have no such flag
        matrix.setflags(write=False)
    return matrix


_cached_dct_matrix = lru_cache(maxsize=64)(_dct_matrix)


def inverse_dct_matrix(n_in: int, n_out: int, lifter: float = 0.0, lifter_start: int = 0) -> np.ndarray:
    """Return the matrix `(n_out, n_in)` from coefficients of `dct_matrix` to values whose other coefficients are 0.

    The transposed DCT is divided by the lifter. A coefficient that the lifter has set to 0 stays 0.
    """
    found = np.asarray(dct_matrix(n_in, n_out, lifter, lifter_start)).T
    squared = np.sum(np.square(found), axis=1, keepdims=True)  # of the lifter, as the rows of the DCT have norm 1
    matrix: np.ndarray = np.where(squared > 1e-12, found / np.maximum(squared, 1e-12), 0.0)
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
