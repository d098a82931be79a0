"""`FilterLayer`: what layers of trainable filters over waveforms have in common."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import number
from kapre._layer import (
    AudioLayer,
    DataFormat,
    Shape,
    channels_in_place,
    check_waveforms,
    lengths_of,
    resolve_data_format,
    shape_channels_second,
    shape_in_place,
    waveforms,
)
from kapre.learned._parameters import rate_multiplier
from kapre.ops import frames
from kapre.ops.counts import num_frames


def checked_rate(sample_rate: Any) -> float:
    """Return a sampling rate in Hz, or raise an error."""
    rule = "a positive number of Hz"
    return number("sample_rate", sample_rate, "Give it in Hz, such as 16000.", above=0.0, rule=rule)


class FilterLayer(AudioLayer):
    """Filter waveforms `(batch, time)`, or with channels, into `(batch, frames, filters)`.

    A subclass says how frames are counted in `_framing`, computes them in `filtered`, and gives the taps of its filters
    in `taps`, with their parameters as they are and as they started.
    """

    _in_one_piece = False  # the weights are no constants
    filters: int
    sample_rate: float

    def __init__(
        self, learning_rate_multiplier: float, data_format: DataFormat, **kwargs: Unpack[LayerArguments]
    ) -> None:
        super().__init__(**kwargs)
        self._may_skip_keras = False
        self.learning_rate_multiplier = rate_multiplier(learning_rate_multiplier)
        self.data_format = resolve_data_format(data_format)

    @property
    def _framing(self) -> tuple[int, int, int]:
        """The number of samples of a frame, those between frames, and those of the padding at both ends together."""
        raise NotImplementedError

    def filtered(self, x: Any, lengths: Any) -> Any:
        """Return `(batch, channel, frames, filters)` of samples `(batch, channel, time)`, 0 past the lengths."""
        raise NotImplementedError

    def _taps(self, start: bool) -> np.ndarray:
        """Return the taps of the filters, `(taps, filters)`, real or complex, as they are or as they started."""
        raise NotImplementedError

    def responses(self, points: int = 1025) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the magnitude responses of the filters before and after training.

        Args:
            points: int ≥ 2. Number of frequencies from 0 to Nyquist.

        Returns:
            The frequencies in Hz, `(points,)`, and the responses before and after training, `(points, filters)`.
        """
        found = [np.fft.fft(self._taps(start), 2 * (points - 1), axis=0)[:points] for start in (True, False)]
        return np.linspace(0.0, self.sample_rate / 2.0, points), np.abs(found[0]), np.abs(found[1])

    def call(self, inputs: Any, mask: Any = None) -> Any:
        x = waveforms(self.real_input(inputs), mask, self.data_format)
        lengths = lengths_of(mask)
        if lengths is not None:
            x = frames.keep(x, lengths)
        y = ops.cast(self.filtered(x, lengths), self.compute_dtype)
        return y[:, 0] if len(inputs.shape) == 2 else channels_in_place(y, self.data_format)

    def output_mask(self, mask: Any) -> Any:
        size, hop, padding = self._framing
        return frames.frame_mask(mask, padding, size, hop)

    def _num_frames(self, time: int | None) -> int | None:
        size, hop, padding = self._framing
        found: int | None = num_frames(None if time is None else time + padding, size, hop)
        return found

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        if len(shape) == 2:
            return (shape[0], self._num_frames(shape[1]), self.filters), self.compute_dtype
        check_waveforms(shape)
        batch, channels, time = shape_channels_second(shape, 3, self.data_format)
        found = (batch, channels, self._num_frames(time), self.filters)
        return shape_in_place(found, self.data_format), self.compute_dtype
