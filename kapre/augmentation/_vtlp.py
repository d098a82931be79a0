"""`VTLP`: vocal-tract length perturbation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import message, number
from kapre._layer import DataFormat, Shape, register, shape_channels_second
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.augmentation._ranges import ordered
from kapre.ops.warping import interpolated, places_between, unwarped_frequencies


@register
class VTLP(RandomLayer):
    """Warp the frequency axis at random during training, as a vocal tract of another length would.

    The factor α is uniform. A frequency f moves to f·α up to `cutoff_hz · min(α, 1) / α`. Above that, the map is linear
    up to the Nyquist frequency, which stays fixed. Values are interpolated linearly between bins.

    Args:
        sample_rate: float > 0, Hz. The rate of the samples that the spectrogram was computed from.
        min_factor: float > 0. The smallest factor.
        max_factor: float ≥ `min_factor`. The largest factor.
        cutoff_hz: float or None, Hz. The upper limit of the formants of interest; below the Nyquist frequency. None is
            4800, or 0.3 `sample_rate` if that is lower.
        frequencies_hz: Rising frequencies of the bins in Hz, such as the centres of mel bands. None means the bins of a
            DFT, from 0 to the Nyquist frequency.
        p: float in [0, 1]. Probability that an example is changed.
        per_channel: bool. Whether each channel gets its own draw.
        data_format: "default", "channels_first" or "channels_last".
        seed: int or None. An integer makes the random draws repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, frame, frequency, channel)`, channels_first `(batch, channel, frame, frequency)`; real.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If a number is out of range, `frequencies_hz` does not rise or does not match the number of bins,
            `p` is not in [0, 1], or the input has the wrong rank.
        TypeError: If an argument is not a number, or the input is complex or integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.uniform(size=(2, 50, 257, 1)).astype("float32")
        y = kapre.augmentation.VTLP(sample_rate=16000, seed=0)(x, training=True)
        assert y.shape == x.shape

        mel = np.random.uniform(size=(2, 50, 80, 1)).astype("float32")
        layer = kapre.augmentation.VTLP(16000, frequencies_hz=np.linspace(40, 7900, 80))
        assert layer(mel, training=True).shape == mel.shape
        ```

    References:
        Jaitly, N. and Hinton, G. E. (2013). Vocal tract length perturbation (VTLP) improves speech recognition. ICML
        Workshop on Deep Learning for Audio, Speech and Language Processing.
    """

    ranks = (4,)
    treats_items_apart = True

    def __init__(
        self,
        sample_rate: float,
        min_factor: float = 0.9,
        max_factor: float = 1.1,
        cutoff_hz: float | None = None,
        frequencies_hz: Sequence[float] | None = None,
        p: float = 1.0,
        per_channel: bool = False,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, per_channel, data_format, seed, **kwargs)
        self.sample_rate = number("sample_rate", sample_rate, "Use 16000.", above=0.0, rule="a rate in Hz above 0")
        rule, names = "a factor above 0", ("min_factor", "max_factor")
        for name, factor in zip(names, (min_factor, max_factor), strict=True):
            number(name, factor, "Use 0.9 and 1.1.", above=0.0, rule=rule)
        self.min_factor, self.max_factor = ordered(names, (min_factor, max_factor), "Use 0.9 and 1.1.")
        nyquist = self.sample_rate / 2.0
        if cutoff_hz is not None:
            rule, remedy = f"in Hz, above 0 and below the Nyquist frequency {nyquist:g}", "Use None for 4800 or less."
            cutoff_hz = number("cutoff_hz", cutoff_hz, remedy, above=0.0, rule=rule)
            if cutoff_hz >= nyquist:
                raise ValueError(message("cutoff_hz", rule, cutoff_hz, remedy))
        self.cutoff_hz = cutoff_hz
        self.frequencies_hz = None if frequencies_hz is None else _rising(frequencies_hz)

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        return {"factor": self.uniform(self.groups(shape), self.min_factor, self.max_factor)}

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        bins, nyquist = ops.shape(x)[3], self.sample_rate / 2.0
        factor = ops.cast(parameters["factor"], "float32")[:, :, None]
        cutoff = min(4800.0, 0.3 * self.sample_rate) if self.cutoff_hz is None else self.cutoff_hz
        if self.frequencies_hz is None:
            per_bin = nyquist / ops.cast(ops.maximum(bins - 1, 1), "float32")
            frequencies = ops.cast(ops.arange(bins, dtype="int32"), "float32") * per_bin
            positions = unwarped_frequencies(frequencies, factor, cutoff, nyquist) / per_bin
        else:
            frequencies = ops.convert_to_tensor(self.frequencies_hz, dtype="float32")
            positions = places_between(unwarped_frequencies(frequencies, factor, cutoff, nyquist), frequencies)
        return interpolated(x, positions[:, :, None, :], axis=3)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        found = super().output_shape_and_dtype(shape)
        bins = shape_channels_second(tuple(shape), 4, self.data_format)[3]
        if self.frequencies_hz is not None and bins not in (None, len(self.frequencies_hz)):
            rule, given = f"one frequency for each of {bins} bins", f"{len(self.frequencies_hz)} frequencies"
            raise ValueError(message("frequencies_hz", rule, given, "Use the centres of the bands."))
        return found


def _rising(values: Sequence[float]) -> list[float]:
    """Return at least two finite numbers, each above the one before, as a list."""
    rule, remedy = "at least two frequencies in Hz, each above the one before", "Use the centres of the bands."
    try:
        found = np.asarray(values, "float64")
    except (TypeError, ValueError):
        raise TypeError(message("frequencies_hz", rule, values, remedy)) from None
    if found.ndim != 1 or len(found) < 2 or not np.isfinite(found).all() or (np.diff(found) <= 0.0).any():
        raise ValueError(message("frequencies_hz", rule, values, remedy))
    return [float(value) for value in found]
