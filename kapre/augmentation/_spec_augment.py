"""`SpecAugment`: random masks over frequency and time."""

from __future__ import annotations

import warnings
from typing import Any, Literal, Unpack

import numpy as np
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import count, message, number
from kapre._layer import DataFormat, Shape, register, shape_channels_second
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.ops import augment
from kapre.ops.fourier import is_empty
from kapre.ops.kernels import active as kernel


def _mask_value(value: Any) -> Any:
    if isinstance(value, str) and value in ("mean", "min"):
        return value
    remedy = 'Use 0.0, or "mean" behind decibels.'
    if isinstance(value, str):
        raise ValueError(message("mask_value", "a number, 'mean' or 'min'", value, remedy))
    return number("mask_value", value, remedy)


@register
class SpecAugment(RandomLayer):
    """Mask random frequency bands and time intervals during training.

    The width of a mask is drawn uniformly from the integers 0 … `freq_mask_param` (or `time_mask_param`). Its position
    is drawn uniformly from the positions where it fits. Each example in each call gets its own masks, which its
    channels share. If the input has a mask over frames, the time intervals lie within the valid frames of an item.

    Args:
        freq_mask_param: int ≥ 0, bins. The largest width of a frequency mask. 0 masks nothing.
        time_mask_param: int ≥ 0, frames. The largest width of a time mask. 0 masks nothing.
        n_freq_masks: int ≥ 0. Number of frequency masks per example.
        n_time_masks: int ≥ 0. Number of time masks per example.
        mask_value: float, "mean" or "min". The value written into the masked regions. "mean" and "min" are computed for
            each item over all of its frames, bins and channels. If the input has a mask, only the frames up to its last
            True are used. Use "mean" after a logarithm, where 0.0 is as loud as the loudest value. An eager call warns
            about that once.
        data_format: "default", "channels_first" or "channels_last".
        seed: int or None. An integer makes the random draws repeatable.
        p: float in [0, 1]. Probability that an example is changed.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, frame, frequency, channel)`, channels_first `(batch, channel, frame, frequency)`; real.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If a count is negative, or `mask_value` is another string.
        TypeError: If a count or `seed` is not an integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.ones((2, 100, 40, 1), "float32")
        layer = kapre.SpecAugment(freq_mask_param=8, time_mask_param=20, seed=1)
        assert np.asarray(layer(x, training=True)).min() == 0.0
        assert np.asarray(layer(x)).min() == 1.0

        decibels = np.random.uniform(-80, 0, (2, 100, 40, 1)).astype("float32")
        layer = kapre.SpecAugment(freq_mask_param=8, time_mask_param=20, mask_value="mean")
        assert np.asarray(layer(decibels, training=True)).shape == decibels.shape
        ```

    References:
        Park, D. S. et al. (2019). SpecAugment: a simple data augmentation method for automatic speech recognition.
        Interspeech.
    """

    def __init__(
        self,
        freq_mask_param: int,
        time_mask_param: int,
        n_freq_masks: int = 1,
        n_time_masks: int = 1,
        mask_value: float | Literal["mean", "min"] = 0.0,
        data_format: DataFormat = "default",
        seed: int | None = None,
        p: float = 1.0,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, data_format=data_format, seed=seed, **kwargs)
        self.freq_mask_param = count("freq_mask_param", freq_mask_param, "Use 27, or 0 for none.")
        self.time_mask_param = count("time_mask_param", time_mask_param, "Use 100, or 0 for none.")
        self.n_freq_masks = count("n_freq_masks", n_freq_masks, "Use 1, or 0 for none.")
        self.n_time_masks = count("n_time_masks", n_time_masks, "Use 1, or 0 for none.")
        self.mask_value = _mask_value(mask_value)
        self._looked = self.mask_value != 0.0  # check once whether 0 is a usual value

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        batch, _, places, bins = shape
        valid = places if lengths is None else lengths
        bands = augment.draw_bands(batch, self.n_freq_masks, self.freq_mask_param, bins, self.seed_generator)
        stretches = augment.draw_bands(batch, self.n_time_masks, self.time_mask_param, valid, self.seed_generator)
        names = ("freq_start", "freq_end", "time_start", "time_end")
        return dict(zip(names, (*bands, *stretches), strict=True))

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        _, _, places, bins = ops.shape(x)
        whole = {name: ops.cast(value, "int32") for name, value in parameters.items()}
        bands, stretches = ((whole[f"{axis}_start"], whole[f"{axis}_end"]) for axis in ("freq", "time"))
        by_bin = augment.covered(bins, bands)[:, None, None, :]
        by_frame = augment.covered(places, stretches)[:, None, :, None]
        has_values = ops.is_tensor(x) and not (kernel.is_abstract(x) or kernel.is_tracing())
        if not self._looked and has_values and not is_empty(x):
            self._looked = True
            self._warn_of_loud_zeros(x, lengths)
        if isinstance(self.mask_value, str):
            value = augment.level(x, self.mask_value, lengths)
        else:
            value = ops.full_like(x, self.mask_value)
        return ops.where(ops.logical_or(by_bin, by_frame), value, x)

    def _apply_masks_to_axis(self, x: Any, axis: int, mask_param: int, n_masks: int) -> Any:
        """Mask one axis of one spectrogram `(frame, frequency, channel)`, with the axes ordered by `data_format`.

        Kept for code and tests written for Kapre 0.4, with the same name and the same errors.
        """
        x = ops.convert_to_tensor(x)
        if axis not in (0, 1, 2):
            raise NotImplementedError(message("axis", "0, 1 or 2", axis, "Use an axis of one spectrogram."))
        size = x.shape[axis]
        if mask_param > size:
            raise ValueError(message("mask_param", f"at most {size}, the axis's length", mask_param, f"Use {size}."))
        bands = augment.draw_bands(1, n_masks, mask_param, size, self.seed_generator)
        hidden = ops.reshape(augment.covered(size, bands), [size if i == axis else 1 for i in range(3)])
        value = augment.level(x[None], self.mask_value)[0] if isinstance(self.mask_value, str) else self.mask_value
        return ops.where(hidden, ops.cast(value, x.dtype), x)

    def _warn_of_loud_zeros(self, x: Any, lengths: Any) -> None:
        values = np.asarray(ops.convert_to_numpy(x), "float64")
        if lengths is not None:
            there = np.arange(values.shape[2]) < np.asarray(ops.convert_to_numpy(lengths))[:, None]
            values = np.moveaxis(values, 2, 1)[there]
        values = values[:: max(1, len(values) // 64)]
        if values.size and np.percentile(values, 90.0) < 0.0:
            warnings.warn(
                f"{self.name}: mask_value=0.0 is above 90 % of the values that it replaces, so that a mask looks "
                'like a loud sound. Use mask_value="mean" or "min" behind decibels and other logarithms.',
                stacklevel=3,
            )

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        shape_channels_second(shape, 4, self.data_format)
        return tuple(shape), self.compute_dtype
