"""`WaveformLoss`: what losses between waveforms have in common."""

from __future__ import annotations

from typing import Any, Literal

import keras
from keras import ops

from kapre._checks import message
from kapre._layer import DataFormat, channels_second, lengths_of, resolve_data_format, work_dtype
from kapre._lengths import checked_lengths, lengths_within

Reduction = Literal["sum", "sum_over_batch_size", "mean", "mean_with_sample_weight", "none"] | None


def mean(x: Any, axes: tuple[int, ...]) -> Any:
    """Return the mean over axes. With PyTorch, `keras.ops.mean` (3.15) rounds float64 to float32."""
    shape = ops.shape(x)
    count = 1
    for axis in axes:
        count = count * shape[axis]
    return ops.sum(x, axis=axes) / ops.cast(count, x.dtype)


class WaveformLoss(keras.losses.Loss):
    """Compare waveforms, clip by clip.

    A subclass computes one number for each clip and channel in `compare`. The loss of a clip does not depend on the
    other clips of the batch or on its padding. The computation runs in float32, or in float64 with `dtype="float64"`.

    Args:
        data_format: "channels_last" or "channels_first" for waveforms with channels. "default" is Keras' setting.
        reduction: How Keras combines the losses of the clips; see `keras.losses.Loss`.
        name: The name of the loss.
        dtype: The dtype of the loss. None is Keras' `floatx()`.

    Call arguments:
        y_true: The target clips: `(batch, time)`, `(batch, time, channel)` or `(batch, channel, time)`.
        y_pred: The clips that the model returns, with the same shape.
        sample_weight: A weight for each clip, `(batch,)`.
        lengths: Integers of shape `(batch,)` with the number of samples of each clip. Samples past the end do not
            count. None takes Keras' mask of `y_pred` or of `y_true`, `(batch, time)`, if there is one: a clip then ends
            at its last True.

    Raises:
        ValueError: If `y_true` and `y_pred` differ in shape, or have the wrong rank.

    Example:
        ```python
        import keras
        import numpy as np
        import kapre

        class MeanError(kapre.losses.WaveformLoss):
            def compare(self, y_true, y_pred, lengths):
                return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)

        x = np.zeros((2, 100), "float32")
        assert float(MeanError()(x, x + 1.0)) == 1.0
        ```
    """

    def __init__(
        self,
        data_format: DataFormat = "default",
        reduction: Reduction = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        kind = keras.dtype_policies.get(dtype or keras.config.floatx()).compute_dtype
        super().__init__(name=name, reduction=reduction, dtype=work_dtype(kind))
        self.data_format = resolve_data_format(data_format)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None, lengths: Any = None) -> Any:
        if lengths is None:
            masks = (getattr(y, "_keras_mask", None) for y in (y_pred, y_true))
            lengths = lengths_of(next((mask for mask in masks if mask is not None), None))
        else:
            lengths = checked_lengths(y_pred, lengths)
        # In a tuple, Keras finds no mask, which it would apply to the losses of clips.
        return super().__call__(y_true, (y_pred,) if lengths is None else (y_pred, lengths), sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each clip, `(batch,)`."""
        y_pred, lengths = (*y_pred, None)[:2] if isinstance(y_pred, (tuple, list)) else (y_pred, None)
        return self.of_clips(y_true, y_pred, lengths)

    def of_clips(self, y_true: Any, y_pred: Any, lengths: Any = None) -> Any:
        """Return the mean over the channels of each clip's loss, `(batch,)`, for tensors in the dtype of the loss."""
        given = tuple(y_true.shape), tuple(y_pred.shape)
        rank = len(given[1])
        if rank not in (2, 3) or len(given[0]) != rank:
            rule = "two batches of waveforms, (batch, time) or with channels"
            raise ValueError(message("y_pred", rule, f"shapes {given[0]} and {given[1]}", "Give both the same shape."))
        if any(None not in pair and pair[0] != pair[1] for pair in zip(*given, strict=True)):
            rule = f"of the shape of y_true, {given[0]}"
            raise ValueError(message("y_pred", rule, given[1], "Cut or pad one of them."))
        y_true, y_pred = (self._by_rows(y) for y in (y_true, y_pred))
        lengths = None if lengths is None else lengths_within(ops.cast(lengths, "int32"), y_pred, axis=-1)
        return mean(self.compare(y_true, y_pred, lengths), (1,))

    def _by_rows(self, y: Any) -> Any:
        """Return waveforms as `(batch, channel, time)`."""
        return y[:, None] if len(y.shape) == 2 else channels_second(y, 3, self.data_format)

    def compare(self, y_true: Any, y_pred: Any, lengths: Any) -> Any:
        """Return the loss of each channel of each clip.

        Args:
            y_true: Samples `(batch, channel, time)`, float32 or float64.
            y_pred: Samples of the same shape.
            lengths: An int32 tensor of shape `(batch,)`, or None for whole clips.

        Returns:
            A tensor of shape `(batch, channel)`.
        """
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "data_format": self.data_format, "dtype": self.dtype}
