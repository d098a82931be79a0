"""`RandomFilter`: a random filter of second order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import choice, message, number
from kapre._layer import DataFormat, register
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.augmentation._ranges import ordered
from kapre.ops import iir

_RANGES = {
    "lowpass": (150.0, 7500.0),
    "highpass": (20.0, 2400.0),
    "bandpass": (200.0, 4000.0),
    "bandstop": (200.0, 4000.0),
    "lowshelf": (50.0, 4000.0),
    "highshelf": (300.0, 7500.0),
    "peaking": (50.0, 7500.0),
}
"""The kinds, and the range of the frequency of each in Hz."""
HIGHEST = 0.45
"""The highest frequency of a filter as a share of the sample rate."""


@register
class RandomFilter(RandomLayer):
    """Filter waveforms with a random second-order filter during training.

    Each example gets its own filter. Its kind is drawn from `kinds` with equal probability. The logarithm of its
    frequency, its quality factor, and its gain in decibels are uniform. The filters are those of
    `kapre.functional.biquad`, applied by FFT.

    Args:
        sample_rate: float > 0, Hz.
        kinds: Some of "lowpass", "highpass", "bandpass", "bandstop", "lowshelf", "highshelf" and "peaking".
        min_frequency_hz: float > 0 or None, Hz. The lowest frequency. None means the default of the kind: 150 for
            "lowpass", 20 for "highpass", 200 for "bandpass" and "bandstop", 50 for "lowshelf" and "peaking", 300 for
            "highshelf".
        max_frequency_hz: float or None, Hz. The highest frequency. None means the default of the kind (7500, 2400,
            4000, 4000, 4000, 7500 and 7500 in the order of `kinds` above). No frequency is above 0.45 `sample_rate`.
        min_q: float > 0. The smallest quality factor.
        max_q: float ≥ `min_q`. The largest quality factor.
        min_gain_db: float, decibels. The smallest gain of shelves and peaks.
        max_gain_db: float ≥ `min_gain_db`, decibels. The largest gain of shelves and peaks.
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
        ValueError: If a number is out of range, a kind is unknown, `p` is not in [0, 1], or the input has the wrong
            rank.
        TypeError: If an argument is not a number, or the input is complex or integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.default_rng(0).standard_normal((4, 16000, 1)).astype("float32")
        layer = kapre.augmentation.RandomFilter(16000, kinds=["lowpass", "highpass"], seed=0)
        y, drawn = layer(x, training=True, return_parameters=True)
        assert y.shape == x.shape and drawn["frequency_hz"].shape == (4, 1)
        ```

    References:
        Bristow-Johnson, R. Cookbook formulae for audio equalizer biquad filter coefficients.
    """

    ranks = (3,)
    treats_items_apart = True

    def __init__(
        self,
        sample_rate: float,
        kinds: Sequence[str] = tuple(_RANGES),
        min_frequency_hz: float | None = None,
        max_frequency_hz: float | None = None,
        min_q: float = 0.5,
        max_q: float = 2.0,
        min_gain_db: float = -12.0,
        max_gain_db: float = 12.0,
        p: float = 1.0,
        per_channel: bool = False,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, per_channel, data_format, seed, **kwargs)
        self.sample_rate = number("sample_rate", sample_rate, "Use 16000.", above=0.0, rule="a rate in Hz above 0")
        if isinstance(kinds, str) or not kinds:
            rule = f"a list of {', '.join(_RANGES)}"
            raise ValueError(message("kinds", rule, kinds, "Use ['lowpass', 'highpass'], say."))
        self.kinds = [choice("kinds", kind, _RANGES, "Use 'lowpass'.") for kind in kinds]
        rule, remedy = "a frequency in Hz above 0, or None", "Use None."
        for name, value in (("min_frequency_hz", min_frequency_hz), ("max_frequency_hz", max_frequency_hz)):
            setattr(self, name, None if value is None else number(name, value, remedy, above=0.0, rule=rule))
        self._low, self._high = self._bounds()
        for name, value in (("min_q", min_q), ("max_q", max_q)):
            number(name, value, "Use 0.5 and 2.0.", above=0.0, rule="a quality above 0")
        self.min_q, self.max_q = ordered(("min_q", "max_q"), (min_q, max_q), "Use 0.5 and 2.0.")
        names, gains = ("min_gain_db", "max_gain_db"), (min_gain_db, max_gain_db)
        self.min_gain_db, self.max_gain_db = ordered(names, gains, "Use -12.0 and 12.0.")
        self._decay = self._longest()

    def _bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest and the highest frequency of each kind."""
        most = HIGHEST * self.sample_rate
        low = [min(most, self.min_frequency_hz or _RANGES[kind][0]) for kind in self.kinds]
        high = [min(most, self.max_frequency_hz or _RANGES[kind][1]) for kind in self.kinds]
        for kind, least, greatest in zip(self.kinds, low, high, strict=True):
            if least > greatest:
                rule = f"at most {greatest:g} Hz, the highest frequency of {kind!r}"
                raise ValueError(message("min_frequency_hz", rule, least, "Set max_frequency_hz too."))
        return np.array(low), np.array(high)

    def _longest(self) -> int:
        """Return the decay of the slowest filter, which has a frequency, quality and gain at an end of its range."""
        found = []
        for kind, *frequencies in zip(self.kinds, self._low, self._high, strict=True):
            for frequency in frequencies:
                for q in (self.min_q, self.max_q):
                    for gain in (self.min_gain_db, self.max_gain_db):
                        sums = iir.design(kind, frequency, self.sample_rate, q, gain)
                        found.append(iir.check_decay(iir.coefficients(sums)[None], None, self.work_dtype))
        return max(found)

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        groups = self.groups(shape)
        kind = self.integers(groups, 0, len(self.kinds) - 1)
        low, high = (
            ops.take(ops.convert_to_tensor(np.log(bound), dtype="float32"), kind, axis=0)
            for bound in (self._low, self._high)
        )
        return {
            "kind": kind,
            "frequency_hz": ops.exp(self.uniform(groups, low, high)),
            "q": self.uniform(groups, self.min_q, self.max_q),
            "gain_db": self.uniform(groups, self.min_gain_db, self.max_gain_db),
        }

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        frequency, q, gain = (ops.cast(parameters[name], x.dtype) for name in ("frequency_hz", "q", "gain_db"))
        kind = ops.cast(parameters["kind"], "int32")[..., None, None]
        designs = [iir.design(name, frequency, self.sample_rate, q, gain) for name in self.kinds]
        chosen = designs[0]
        for index, sums in enumerate(designs):
            chosen = ops.where(kind == index, sums, chosen)
        return iir.apply_apart(x, chosen[:, :, None], self._decay)
