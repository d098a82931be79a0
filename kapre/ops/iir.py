"""Recursive filters in sections of second order: design, response, and their application by FFT or chunk by chunk.

A section is kept as the sums `b0 + b1 + b2`, `b0 + b2` and `b0 - b2` of its numerator, and the same of its denominator.
Near 0 Hz, the coefficients themselves cancel to a few digits of float32, and these sums do not:
`H(ω) e^(iω) = (b0 + b1 + b2) - 2 sin²(ω / 2) (b0 + b2) + i sin(ω) (b0 - b2)` for the numerator.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from kapre._checks import message, positive_int
from kapre.ops import convolution, fourier
from kapre.ops.fourier import Pair
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels import current

Kind = Literal["lowpass", "highpass", "bandpass", "bandstop", "allpass", "lowshelf", "highshelf", "peaking"]

_TOLERANCE = {"float32": 1e-9, "float64": 1e-15}
"""How small the impulse response is, as a fraction of its peak, where it counts as over."""

_LONGEST = 1 << 24
"""The longest decay, in samples. One that is longer belongs to a filter that rounding makes unstable."""


def _library(*values: Any) -> Any:
    """Return Keras' ops if a value is a tensor, else NumPy."""
    return ops if any(map(ops.is_tensor, values)) else np


def design(kind: Kind, frequency: Any, sample_rate: float, q: Any, gain_db: Any = 0.0) -> Any:
    """Return a section by the formulas of Bristow-Johnson's cookbook, as sums `(..., 2, 3)`.

    `frequency`, `q` and `gain_db` are numbers, NumPy arrays or tensors, whose shapes broadcast to `(...)`.
    """
    lib = _library(frequency, q, gain_db)
    sine = np.sin if lib is np else kernel.sin
    turn = frequency * (2.0 * math.pi / sample_rate) + 0.0 * (q + gain_db)  # all of the result's shape
    k = 2.0 * sine(0.5 * turn) ** 2  # 1 - cos, also where the cosine is rounded to 1
    alpha = sine(turn) / (2.0 * q)
    zero = 0.0 * alpha
    two = zero + 2.0
    if kind in ("lowshelf", "highshelf", "peaking"):
        root = lib.exp(gain_db * (math.log(10.0) / 80.0) + zero)
        a = root**2
    if kind == "lowpass":
        above, below = (2.0 * k, k, zero), (2.0 * k, two, 2.0 * alpha)
    elif kind == "highpass":
        above, below = (zero, 2.0 - k, zero), (2.0 * k, two, 2.0 * alpha)
    elif kind == "bandpass":
        above, below = (zero, zero, 2.0 * alpha), (2.0 * k, two, 2.0 * alpha)
    elif kind == "bandstop":
        above, below = (2.0 * k, two, zero), (2.0 * k, two, 2.0 * alpha)
    elif kind == "allpass":
        above, below = (2.0 * k, two, -2.0 * alpha), (2.0 * k, two, 2.0 * alpha)
    elif kind == "peaking":
        above, below = (2.0 * k, two, 2.0 * alpha * a), (2.0 * k, two, 2.0 * alpha / a)
    else:
        slope = 4.0 * root * alpha
        low = (4.0 * a * k, 4.0 + 2.0 * (a - 1.0) * k, slope)
        high = (4.0 * k, 4.0 * a - 2.0 * (a - 1.0) * k, slope)
        shelf = (4.0 * a**2 * k, a * low[1], a * slope), high
        tilted = (4.0 * a * k, a * high[1], a * slope), (4.0 * a * k, low[1], slope)
        above, below = shelf if kind == "lowshelf" else tilted
    sums = lib.stack([lib.stack(above, axis=-1), lib.stack(below, axis=-1)], axis=-2)
    return sums / (0.5 * (below[1] + below[2]))[..., None, None]


def sections(sos: Any) -> Any:
    """Return `(..., sections, 6)` coefficients as sums `(..., sections, 2, 3)`, with `a0` made 1."""
    lib = _library(sos)
    parts = []
    for first in (0, 3):
        b0, b1, b2 = (sos[..., first + i] for i in range(3))
        parts.append(lib.stack([b0 + b2 + b1, b0 + b2, b0 - b2], axis=-1))
    return lib.stack(parts, axis=-2) / sos[..., 3][..., None, None]


def coefficients(sums: Any) -> Any:
    """Return sums `(..., 2, 3)` as coefficients `(..., 6)`: b0, b1, b2, a0 (1), a1, a2."""
    found = []
    for part in range(2):
        total, outer, slope = (sums[..., part, i] for i in range(3))
        found += [0.5 * (outer + slope), total - outer, 0.5 * (outer - slope)]
    lib = _library(sums)
    found[3] = lib.ones_like(found[3])  # to the last bit
    return lib.stack(found, axis=-1)


def response(sums: Any, n_fft: int) -> Pair:
    """Return the response of sections `(..., sections, 2, 3)` at the bins of a DFT, as pairs of `(..., bins)`."""
    angle = 2.0 * np.pi / n_fft * np.arange(n_fft // 2 + 1)
    sine, versine = np.sin(angle), 2.0 * np.sin(0.5 * angle) ** 2
    if not isinstance(sums, np.ndarray):
        sine, versine = fourier.constant(sine, sums), fourier.constant(versine, sums)

    def of(section: int, part: int) -> Pair:
        total, outer, slope = (sums[..., section, part, i, None] for i in range(3))
        return total - outer * versine, slope * sine

    def quotient(section: int) -> Pair:
        real, imag = of(section, 1)
        power = real**2 + imag**2
        return convolution.times(of(section, 0), (real / power, -imag / power))

    found = quotient(0)
    for section in range(1, sums.shape[-3]):
        found = convolution.times(found, quotient(section))
    return found


def check_shape(sos: Any) -> None:
    """Refuse coefficients that are not `(..., sections, 6)`, with at least one section."""
    shape = tuple(sos.shape)
    if len(shape) < 2 or shape[-1] != 6 or not shape[-2]:
        rule = "of shape (..., sections, 6): b0, b1, b2, a0, a1, a2"
        raise ValueError(
            message("sos", rule, f"shape {shape}", "Use kapre.functional.biquad, or SciPy's output='sos'.")
        )


def check_sos(sos: Any) -> np.ndarray:
    """Return coefficients `(..., sections, 6)` in float64. Refuse those that are not finite, or not a filter."""
    values = np.asarray(sos, "float64")
    check_shape(values)
    if not (np.isfinite(values).all() and (values[..., 3] != 0.0).all()):
        raise ValueError(message("sos", "finite, with a0 (entry 3) other than 0", sos, "Scale each section to a0 = 1."))
    return values


def check_decay(sos: Any, decay: int | None, dtype: str) -> int:
    """Return the given decay, or that of the coefficients. Refuse an unstable filter."""
    if decay is not None:
        return positive_int("decay", decay, "Give it in samples, such as 16000.")
    found = decay_length(sos, dtype)
    if found is None or found > _LONGEST:
        rule = f"of poles within the unit circle, whose response is over after at most {_LONGEST} samples"
        raise ValueError(message("sos", rule, np.asarray(sos).tolist(), "Move the poles inwards: lower q."))
    return found


def decay_length(sos: np.ndarray, dtype: str) -> int | None:
    """Return after how many samples the impulse response is over, or None if a section is unstable.

    The response of a section falls like `(1 + n (1 - r)) r^n`, where r is the radius of its outer pole. That of a
    cascade is at most as long as those of its sections together.
    """
    a1, a2 = sos[..., 4] / sos[..., 3], sos[..., 5] / sos[..., 3]
    squared = a1**2 - 4.0 * a2
    radius = np.where(squared < 0.0, np.sqrt(np.abs(a2)), 0.5 * (np.abs(a1) + np.sqrt(np.maximum(squared, 0.0))))
    if not (radius < 1.0).all():
        return None
    constants = 3.0 - 1.2 * math.log(_TOLERANCE[dtype])
    lengths = 2.0 + np.ceil(constants / -np.log(np.maximum(radius, 1e-9)))
    return int(lengths.sum(axis=-1).max())


def apply(x: Any, sums: Any, decay: int) -> Any:
    """Filter `(..., time)` by sections `(..., sections, 2, 3)`, a NumPy array or a tensor.

    The product of spectra is a circular convolution. `decay` is the number of samples by which it is padded, so that
    the end of the response does not come back at the start.
    """
    return convolution.filtered(x, lambda n_fft: response(sums, n_fft), decay, keeps_tail=False)


def apply_apart(x: Any, sums: Any, decay: int) -> Any:
    """Filter each item of `(batch, channel, time)` by sections of its own, `(batch, channel or 1, sections, 2, 3)`."""
    found = current().sections(x, sums)
    if found is not None:
        return found
    return convolution.filtered_apart(x, lambda n_fft: response(sums, n_fft), decay)


def start(x: Any, count: int) -> Any:
    """Return the state `(..., count, 2)` of `count` sections before the first samples of `(..., time)`."""
    return ops.zeros((*ops.shape(x)[:-1], count, 2), dtype=keras.backend.standardize_dtype(x.dtype))


def step(x: Any, state: Any, sums: Any, decay: int) -> tuple[Any, Any]:
    """Filter a chunk `(..., time)` of a stream. Return the filtered chunk and the next state `(..., sections, 2)`.

    The state is that of the transposed direct form II. What a state `(z1, z2)` adds to the output is the impulse
    response of a section with the numerator `z1 + z2 z⁻¹`, so that there is no loop over samples.
    """
    length = ops.shape(x)[-1]
    if isinstance(length, int) and length == 0:
        return x, state
    if isinstance(sums, np.ndarray):
        sums = fourier.constant(sums, x)
    first = ops.cast(ops.equal(ops.arange(length), 0), x.dtype)
    states = []
    for section in range(sums.shape[-3]):
        own = sums[..., section : section + 1, :, :]
        _, b1, b2, _, a1, a2 = (coefficients(own)[..., 0, i, None] for i in range(6))
        z1, z2 = state[..., section, :1], state[..., section, 1:]
        left = ops.stack([z1 + z2, z1, z1], axis=-1)
        below = own[..., 1, :] + ops.zeros_like(left)
        y = apply(x, own, decay) + apply(first, ops.stack([left, below], axis=-2), decay)
        older = ops.concatenate([z2, b2 * x - a2 * y], axis=-1)
        last_x, last_y = kernel.tail(x, 1, axis=-1), kernel.tail(y, 1, axis=-1)
        before, last = kernel.tail(older, 2, axis=-1)[..., :1], kernel.tail(older, 1, axis=-1)
        states.append(ops.concatenate([b1 * last_x - a1 * last_y + before, last], axis=-1))
        x = y
    return x, ops.stack(states, axis=-2)
