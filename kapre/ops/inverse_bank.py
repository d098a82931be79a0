"""The inverse of a filter bank: bins that are not negative, and whose bands are given.

Beck and Teboulle, "A Fast Iterative Shrinkage-Thresholding Algorithm for Linear Inverse Problems", 2009, with the
projection on numbers that are not negative in place of the threshold.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from kapre.ops.fourier import apply_bank
from kapre.ops.kernels import active as kernel


class Solver(NamedTuple):
    """Hold the matrices of `solve`: the bank `(n_freq, bands)`, and both steps back, `(bands, n_freq)`."""

    bank: np.ndarray
    start: np.ndarray
    gradient: np.ndarray


def _of_bank(bank: np.ndarray) -> Solver:
    """Return the matrices for a bank of shape `(n_freq, bands)`, which are computed once for each bank."""
    bank = np.ascontiguousarray(bank, dtype="float64")
    return _solver(bank.tobytes(), bank.shape)


solver = kernel.untraced(_of_bank)


_ACCURACY = 1e-6
"""Singular values below this share of the largest one are left out: bands in float32 do not tell them from rounding."""


@lru_cache(maxsize=16)
def _solver(values: bytes, shape: tuple[int, ...]) -> Solver:
    bank = np.frombuffer(values).reshape(shape)
    largest = float(np.linalg.norm(bank, 2)) ** 2
    made = Solver(bank.copy(), np.linalg.pinv(bank, rcond=_ACCURACY), np.ascontiguousarray(bank.T) / (largest or 1.0))
    for matrix in made:
        matrix.setflags(write=False)  # a constant of a kernel, which makes one tensor of each
    return made


def solve(bands: Any, of: Solver, steps: int = 100) -> Any:
    """Return bins `(..., n_freq)`, at least 0, that minimise the distance of their bands to those of `(..., bands)`.

    The first step is that of the pseudoinverse, without its negative values. Of the bins with the same bands, the
    result is the one to which the steps from there lead. Each band is computed from the bands of its own frame.
    """
    x = kernel.at_least(apply_bank(bands, of.start), 0.0)

    def step(place: Any, state: tuple[Any, Any]) -> tuple[Any, Any]:
        ahead, before = state
        residual = apply_bank(ahead, of.bank) - bands
        after = kernel.at_least(ahead - apply_bank(residual, of.gradient), 0.0)
        place = ops.cast(place, after.dtype)
        return after + place / (place + 3.0) * (after - before), after

    if steps and 0 not in tuple(bands.shape):
        x = ops.fori_loop(0, steps, step, (x, x))[1]
    return x
