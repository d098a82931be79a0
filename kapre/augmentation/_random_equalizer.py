"""`RandomEqualizer`: random gains of seven bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import message, number
from kapre._layer import DataFormat, register
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.augmentation._random_filter import HIGHEST
from kapre.augmentation._ranges import ordered
from kapre.ops import iir
from kapre.ops.fourier import constant

CENTERS = (60.0, 150.0, 400.0, 1000.0, 2400.0, 6000.0, 15000.0)


@register
class RandomEqualizer(RandomLayer):
    """Change the gains of frequency bands of waveforms at random during training, as an equalizer does.

    Each band is a peaking filter of `kapre.functional.biquad`. Its gain is uniform in decibels.

    Args:
        sample_rate: float > 0, Hz.
        min_gain_db: float, decibels. The smallest gain.
        max_gain_db: float ≥ `min_gain_db`, decibels. The largest gain.
        frequencies_hz: The centres of the bands in Hz, or None for 60, 150, 400, 1000, 2400, 6000 and 15000, without
            those above 0.45 `sample_rate`.
        q: float > 0. The quality factor of the bands.
        p: float in [0, 1]. Probability that an example is changed.
        per_channel: bool. Whether each channel gets its own draw.
        data_format: "default", "channels_first" or "channels_last".
        seed: int or None. An integer makes the random draws repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; real.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If a number is out of range, `p` is not in [0, 1], or the input has the wrong rank.
        TypeError: If an argument is not a number, or the input is complex or integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.default_rng(0).standard_normal((4, 16000, 1)).astype("float32")
        y, drawn = kapre.augmentation.RandomEqualizer(16000, seed=0)(x, training=True, return_parameters=True)
        assert y.shape == x.shape and drawn["gain_db"].shape == (4, 1, 6)
        ```
    """

    ranks = (3,)
    treats_items_apart = True

    def __init__(
        self,
        sample_rate: float,
        min_gain_db: float = -12.0,
        max_gain_db: float = 12.0,
        frequencies_hz: Sequence[float] | None = None,
        q: float = 1.0,
        p: float = 1.0,
        per_channel: bool = False,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, per_channel, data_format, seed, **kwargs)
        self.sample_rate = number("sample_rate", sample_rate, "Use 16000.", above=0.0, rule="a rate in Hz above 0")
        names, gains = ("min_gain_db", "max_gain_db"), (min_gain_db, max_gain_db)
        self.min_gain_db, self.max_gain_db = ordered(names, gains, "Use -12.0 and 12.0.")
        self.q = number("q", q, "Use 1.0.", above=0.0, rule="a quality above 0")
        most = HIGHEST * self.sample_rate
        rule, remedy = f"frequencies in Hz, above 0 and at most {most:g}", "Use None."
        if frequencies_hz is not None:
            frequencies_hz = [number("frequencies_hz", f, remedy, above=0.0, rule=rule) for f in frequencies_hz]
            if not frequencies_hz or max(frequencies_hz) > most:
                raise ValueError(message("frequencies_hz", rule, frequencies_hz, remedy))
        self.frequencies_hz = frequencies_hz
        self._centers = [f for f in CENTERS if f <= most] if frequencies_hz is None else frequencies_hz
        self._decay = max(self._decay_at(gain) for gain in (self.min_gain_db, self.max_gain_db))

    def _decay_at(self, gain: float) -> int:
        """Return the decay of all bands together at one gain."""
        bands = (iir.design("peaking", f, self.sample_rate, self.q, gain) for f in self._centers)
        return sum(iir.check_decay(iir.coefficients(sums)[None], None, self.work_dtype) for sums in bands)

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        groups = (*self.groups(shape), len(self._centers))
        return {"gain_db": self.uniform(groups, self.min_gain_db, self.max_gain_db)}

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        gains = ops.cast(parameters["gain_db"], x.dtype)
        centers = constant(np.array(self._centers), gains)
        sums = iir.design("peaking", centers, self.sample_rate, self.q, gains)
        return iir.apply_apart(x, sums, self._decay)
