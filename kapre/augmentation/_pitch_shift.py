"""`PitchShift`: a random pitch at the same length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from kapre._arguments import LayerArguments
from kapre._layer import DataFormat, register
from kapre.augmentation._tables import TableLayer, checked_table
from kapre.ops import resample, vocoder


@register
class PitchShift(TableLayer):
    """Make waveforms higher or lower at the same length during training.

    Each example is shifted by one of the steps, drawn with equal probability, as in `kapre.functional.pitch_shift`. All
    steps are computed for the whole batch, so fewer steps are faster.

    Args:
        semitones: Numbers from −24 to 24, semitones. 12 doubles every frequency.
        n_fft: int ≥ 2, samples. Length of the frames. 512 suits speech at 16 kHz, 2048 music at 22.05 kHz.
        hop_length: int from 1 to `n_fft // 2`, or None (`n_fft // 4`), samples.
        p: float in [0, 1]. Probability that an example is changed.
        data_format: "default", "channels_first" or "channels_last".
        seed: int or None. An integer makes the random draws repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; real.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If there is no step, a number is out of range, `p` is not in [0, 1], or the input has the wrong
            rank.
        TypeError: If an argument is of the wrong type, or the input is complex or integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000).astype("float32")[None, :, None]
        y = np.asarray(kapre.augmentation.PitchShift([12])(x, training=True))[0, 2000:10000, 0]
        assert abs(np.abs(np.fft.rfft(y * np.hanning(8000))).argmax() * 2 - 880) <= 2
        ```

    References:
        Flanagan, J. L. and Golden, R. M. (1966). Phase vocoder. Bell System Technical Journal, 45.
    """

    def __init__(
        self,
        semitones: Sequence[float] = (-4, -2, 0, 2, 4),
        n_fft: int = 512,
        hop_length: int | None = None,
        p: float = 1.0,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, data_format=data_format, seed=seed, **kwargs)
        self.semitones = checked_table("semitones", semitones, -24.0, 24.0, "Use (-2, 0, 2).")
        self.table = self.semitones
        self.n_fft, self.hop_length, self._window = vocoder.framing(n_fft, hop_length)

    def transformed(self, x: Any, value: float, lengths: Any) -> Any:
        if value == 0.0:
            return x
        ratio = vocoder.pitch_ratio(value / 12.0)
        return vocoder.pitch_shift(x, ratio, self._window, self.n_fft, self.hop_length, resample.Sinc(), lengths)
