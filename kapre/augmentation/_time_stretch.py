"""`TimeStretch`: a random speed at the same pitch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from kapre._arguments import LayerArguments
from kapre._layer import DataFormat, register
from kapre.augmentation._tables import TableLayer, checked_table
from kapre.ops import vocoder


@register
class TimeStretch(TableLayer):
    """Play waveforms faster or slower at the same pitch during training, with a phase vocoder.

    Each example is stretched by one of the rates, drawn with equal probability, as in `kapre.functional.time_stretch`.
    The number of samples stays the same: a slower example loses its end, and a faster one is followed by zeros. All
    rates are computed for the whole batch.

    Args:
        rates: Numbers from 0.5 to 2. 1.25 makes a clip a fifth shorter.
        n_fft: int ≥ 2, samples. Length of the frames. 512 suits speech at 16 kHz, 2048 music at 22.05 kHz.
        hop_length: int from 1 to `n_fft // 2`, or None (`n_fft // 4`), samples.
        p: float in [0, 1]. Probability that an example is changed.
        data_format: "default", "channels_first" or "channels_last".
        seed: int or None. An integer makes the random draws repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; real.

    Output shape:
        The same shape; the compute dtype. The mask of the output has the new lengths.

    Raises:
        ValueError: If there is no rate, a number is out of range, `p` is not in [0, 1], or the input has the wrong
            rank.
        TypeError: If an argument is of the wrong type, or the input is complex or integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.default_rng(0).standard_normal((8, 16000, 1)).astype("float32")
        assert kapre.augmentation.TimeStretch(seed=0)(x, training=True).shape == x.shape
        ```

    References:
        Flanagan, J. L. and Golden, R. M. (1966). Phase vocoder. Bell System Technical Journal, 45.
    """

    changes_lengths = True

    def __init__(
        self,
        rates: Sequence[float] = (0.8, 0.9, 1.0, 1.1, 1.25),
        n_fft: int = 512,
        hop_length: int | None = None,
        p: float = 1.0,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, data_format=data_format, seed=seed, **kwargs)
        self.rates = checked_table("rates", rates, 0.5, 2.0, "Use (0.9, 1.0, 1.1).")
        self.table = self.rates
        self.n_fft, self.hop_length, self._window = vocoder.framing(n_fft, hop_length)

    def transformed(self, x: Any, value: float, lengths: Any) -> Any:
        if value == 1.0:
            return x
        rate = vocoder.ratio_of(value)
        return vocoder.time_stretch(x, rate, self._window, self.n_fft, self.hop_length, lengths)

    def length_after(self, length: Any, value: float) -> Any:
        return vocoder.at_rate(length, vocoder.ratio_of(value), to_nearest=True)
