"""Scales for samples and spectra: decibel, mu-law, integer PCM."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from kapre.ops.fourier import constant
from kapre.ops.kernels import active as kernel


def decibel(x: Any, ref_value: float, amin: float, dynamic_range: float) -> Any:
    """Return `10 log10(max(x, amin) / max(ref_value, amin))`, at least the item's own maximum less `dynamic_range`.

    An item is one entry of the first axis; a tensor of rank 0 or 1 is one item.
    """
    reference = 10.0 * math.log10(max(amin, ref_value))
    db = 10.0 * ops.log10(kernel.maximum(x, constant(amin, x))) - reference
    dims = tuple(x.shape)
    rank = len(dims)
    if rank == 0 or 0 in dims:
        return db
    candidates = db
    if None in dims[1:]:
        # Unknown time may be 0, and the maximum of nothing is an error or -inf: one more entry, at the floor.
        one_more = [(0, 0), *((0, int(size is None)) for size in dims[1:])]
        candidates = ops.pad(db, one_more, constant_values=10.0 * math.log10(amin) - reference)
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


PCM_SCALES = {"int8": (0, 2**7), "int16": (0, 2**15), "int32": (0, 2**31), "uint8": (2**7, 2**7)}
"""The zero and the full scale of each integer sample format."""


def pcm_to_float(x: Any, dtype: str, to: str) -> Any:
    """Return integer samples of `dtype` as floats in [−1, 1)."""
    zero, full_scale = PCM_SCALES[dtype]
    return (ops.cast(x, to) - float(zero)) / float(full_scale)
