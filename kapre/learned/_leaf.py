"""`Leaf`: Gabor filters, Gaussian averages and PCEN, all trained."""

from __future__ import annotations

import math
from typing import Any, Unpack

import numpy as np
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import flag, message, positive_int
from kapre._layer import DataFormat, register
from kapre.learned._parameters import Parameter
from kapre.learned._pcen import Normalization
from kapre.learned._waves import FilterLayer, checked_rate
from kapre.ops import filterbanks, frames, learned
from kapre.ops.kernels import active as kernel

FLOOR = 1e-5
"""The smallest energy of a frame."""
_PCEN = (0.96, 2.0, 0.5, 0.04)
_EPSILON = 1e-12
_AVERAGE = 0.4


@register
class Leaf(FilterLayer):
    """Compute LEAF: the energies of trained Gabor filters, averaged and compressed by trained PCEN.

    Filter i has a frequency η and a deviation σ: `exp(-t² / 2σ²) exp(jηt) / (sqrt(2π) σ)`. Its squared magnitude is
    averaged by a Gaussian, `exp(-(t / s)² / 2)` with `s = d (win_length - 1) / 2`, at every `hop_length` samples. Its
    relative deviation d is trained too. Energies below 1e-5 become 1e-5. PCEN follows, as in `kapre.PCEN`. Initially,
    each filter has the frequency and the width of a triangle of a mel bank.

    Args:
        sample_rate: float, Hz. Sampling rate of the input.
        filters: int ≥ 1. Number of filters.
        win_length: Odd int ≥ 3, samples. Number of taps of the filters and of the averages. 401 taps last 25 ms at 16
            kHz.
        hop_length: int ≥ 1, samples. Distance between the starts of frames.
        f_min: float ≥ 0, Hz. The lower edge of the initial mel bank.
        f_max: float, Hz, or None. Its upper edge. None means half the sampling rate. The LEAF paper uses 7800 Hz.
        pcen: bool. Whether to apply PCEN. Without it, the output is the energies.
        learning_rate_multiplier: float > 0. With 1.0, an optimizer's step of 0.001 moves η by 0.001 π, which is 8 Hz at
            16 kHz, the deviations by 0.1 %, and the parameters of PCEN as in `kapre.PCEN`. Steps of optimizers that
            normalise gradients, such as Adam, are multiplied by this number, and steps of SGD by its square. LEAF is
            known to stay close to its initial values with usual learning rates.
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments. With `trainable=False`, all parameters stay as they are.

    Input shape:
        `(batch, time)`. With channels, channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`.
        The channels share the filters.

    Output shape:
        `(batch, frames, filters)`. With channels, channels_last `(batch, frames, filters, channel)`, channels_first
        `(batch, channel, frames, filters)`. The compute dtype. There are `ceil(time / hop_length)` frames. Frame i is
        centred on sample `i * hop_length`, and zeros are padded at both ends.

    Raises:
        ValueError: If an argument is out of range, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        The result equals the formula in NumPy float64 within 1e-5 of the peak in float32. LEAF's own code takes the
        initial values from the bins of a 512-point DFT. Here they are not rounded to bins. Parameters stay within the
        bounds of LEAF: `0 ≤ η ≤ π`, `1.5 ≤ σ ≤ 0.375 win_length`, `2 / win_length ≤ d ≤ 0.5`, and those of
        `kapre.PCEN`.

    Example:
        ```python
        import numpy as np
        import kapre

        layer = kapre.Leaf(16000)
        y = layer(np.random.default_rng(0).uniform(-1, 1, (1, 16000)).astype("float32"))
        assert y.shape == (1, 100, 40) and len(layer.trainable_weights) == 7
        ```

    References:
        Zeghidour, N. et al. (2021). LEAF: A Learnable Frontend for Audio Classification. ICLR.
    """

    def __init__(
        self,
        sample_rate: float,
        filters: int = 40,
        win_length: int = 401,
        hop_length: int = 160,
        f_min: float = 60.0,
        f_max: float | None = None,
        pcen: bool = True,
        learning_rate_multiplier: float = 1.0,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(learning_rate_multiplier, data_format, **kwargs)
        self.sample_rate = checked_rate(sample_rate)
        self.filters = positive_int("filters", filters, "Use 40.")
        self.win_length = positive_int("win_length", win_length, "Use 401, in samples.")
        if self.win_length % 2 == 0 or self.win_length < 3:
            raise ValueError(message("win_length", "an odd number of samples, 3 or above", win_length, "Use 401."))
        self.hop_length = positive_int("hop_length", hop_length, "Use 160, in samples.")
        limits = filterbanks.check_range(self.sample_rate, f_min, f_max)
        self.f_min, self.f_max = limits["f_min"], limits["f_max"]
        if self.f_max > self.sample_rate / 2.0:
            rule = f"at most {self.sample_rate / 2.0:g} Hz, half the sampling rate"
            raise ValueError(message("f_max", rule, f_max, "Use None."))
        self.pcen = flag("pcen", pcen)
        start = learned.gabor_start(self.filters, self.win_length, self.sample_rate, self.f_min, self.f_max)
        rate = self.learning_rate_multiplier
        self._centres = Parameter(self, "centre", start[0], (0.0, math.pi), math.pi * rate)
        bounds = learned.gabor_deviations(self.win_length)
        self._deviations = Parameter(self, "deviation", start[1], bounds, rate, relative=True)
        averages = np.full((self.filters,), max(_AVERAGE, 2.0 / self.win_length))
        bounds = min(2.0 / self.win_length, 0.5), max(0.5, 2.0 / self.win_length)
        self._averages = Parameter(self, "average", averages, bounds, rate, relative=True)
        self._normalization = Normalization(self, self.filters, _PCEN, _EPSILON, "first", rate) if self.pcen else None

    @property
    def _framing(self) -> tuple[int, int, int]:
        return self.win_length, self.hop_length, self.win_length - 1

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Return the current parameters of each filter.

        They are "centre" in Hz, "bandwidth" in Hz, which is the width of the response at half of its peak, "average",
        the relative deviation of the Gaussian, and those of `kapre.PCEN`.
        """
        found = {
            "centre": self._centres.array() * self.sample_rate / (2.0 * np.pi),
            "bandwidth": learned.GABOR_WIDTH * self.sample_rate / self._deviations.array(),
            "average": self._averages.array(),
        }
        return found if self._normalization is None else found | self._normalization.arrays()

    def _taps(self, start: bool) -> np.ndarray:
        found = (one.start if start else one.array() for one in (self._centres, self._deviations))
        centres, deviations = (ops.convert_to_tensor(values.astype(self.work_dtype)) for values in found)
        real, imag = learned.gabor_filters(centres, deviations, self.win_length)
        return np.asarray(ops.convert_to_numpy(real)) + 1j * np.asarray(ops.convert_to_numpy(imag))

    def filtered(self, x: Any, lengths: Any) -> Any:
        half = self.win_length // 2
        taps = learned.gabor_filters(self._centres.tensor(), self._deviations.tensor(), self.win_length)
        real, imag = learned.correlated(frames.pad(x, half, half), taps, 1)
        energy = ops.square(real) + ops.square(imag)
        if lengths is not None:  # the filters ring past the end of a clip
            energy = frames.keep(energy, lengths, axis=2)
        energy = ops.pad(energy, [(0, 0), (0, 0), (half, half), (0, 0)])
        energy = learned.averaged(
            energy, learned.gaussian_averages(self._averages.tensor(), self.win_length), self.hop_length
        )
        energy = kernel.at_least(energy, FLOOR)
        return energy if self._normalization is None else self._normalization(energy)
