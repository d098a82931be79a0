"""`Telephone`: the band and the codec of a telephone line."""

from __future__ import annotations

from typing import Any, Literal, Unpack

import numpy as np
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import choice, message, number
from kapre._layer import DataFormat, register
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.augmentation._ranges import ordered
from kapre.ops import distortion, frames, iir, resample

_BUTTERWORTH = (0.54119610, 1.30656296)
"""The qualities of the two sections of a Butterworth filter of fourth order."""
_RATE = 8000
_SINC = resample.NAMED["kaiser_best"]
"""A steep one: the band ends close to half of the rate, and what it mirrors is loud."""


@register
class Telephone(RandomLayer):
    """Limit waveforms to the band of a telephone line and round them as its codec does, during training.

    Fourth-order Butterworth filters limit the band. Then the sound is resampled to 8 kHz, rounded to the 8-bit codes of
    a companding law, and resampled back. The gradient passes through the rounding unchanged (straight-through).

    Args:
        sample_rate: int > 0, Hz.
        codec: "mu_law" (μ = 255), "a_law" (A = 87.6) or None for the band alone.
        low_hz: float > 0, Hz. The lower end of the band.
        high_hz: float > `low_hz`, Hz. The upper end of the band, below 4000 and half of `sample_rate`.
        p: float in [0, 1]. Probability that an example is changed.
        data_format: "default", "channels_first" or "channels_last".
        seed: int or None. An integer makes the random draws repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; real.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If a number is out of range, `codec` is unknown, `p` is not in [0, 1], or the input has the wrong
            rank.
        TypeError: If an argument is not a number, or the input is complex or integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = 0.5 * np.sin(2 * np.pi * 6000 * np.arange(16000) / 16000).astype("float32")[None, :, None]
        y = np.asarray(kapre.augmentation.Telephone(16000, p=1.0)(x, training=True))
        assert np.abs(y[:, 1000:]).max() < 0.05
        ```

    References:
        ITU-T Recommendation G.711 (1988). Pulse code modulation (PCM) of voice frequencies. Its codes approximate the
        two curves by straight lines; this layer computes the curves.
    """

    ranks = (3,)
    treats_items_apart = True

    def __init__(
        self,
        sample_rate: int,
        codec: Literal["mu_law", "a_law"] | None = "mu_law",
        low_hz: float = 300.0,
        high_hz: float = 3400.0,
        p: float = 0.5,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, data_format=data_format, seed=seed, **kwargs)
        self._old, self._new = resample.check_rates(sample_rate, _RATE, _SINC)
        self.sample_rate = sample_rate
        self.codec = choice("codec", codec, ("mu_law", "a_law", None), "Use 'mu_law'.")
        number("low_hz", low_hz, "Use 300.0.", above=0.0, rule="a frequency in Hz above 0")
        self.low_hz, self.high_hz = ordered(("low_hz", "high_hz"), (low_hz, high_hz), "Use 300.0 and 3400.0.")
        most = min(_RATE, self.sample_rate) / 2.0
        if self.high_hz >= most:
            raise ValueError(message("high_hz", f"below {most:g} Hz", high_hz, "Use 3400.0."))
        bands: tuple[tuple[iir.Kind, float], ...] = (("highpass", self.low_hz), ("lowpass", self.high_hz))
        sections = [iir.design(kind, f, self.sample_rate, q) for kind, f in bands for q in _BUTTERWORTH]
        self._sums = np.stack(sections)
        self._decay = iir.check_decay(iir.coefficients(self._sums), None, self.work_dtype)

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        return {}

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        time, sinc = ops.shape(x)[-1], _SINC
        y = self._within(
            iir.apply(x, self._sums, self._decay), lengths
        )  # what sounds on after the end is no part of it
        y = resample.resample(y, self._old, self._new, sinc)
        if self.codec is not None:
            y = distortion.companded(y, self.codec)
        if lengths is not None:
            y = self._within(y, resample.out_length(lengths, self._old, self._new))
        return resample.resample(y, self._new, self._old, sinc)[..., :time]

    def _within(self, x: Any, lengths: Any) -> Any:
        return x if lengths is None else frames.keep(x, lengths)
