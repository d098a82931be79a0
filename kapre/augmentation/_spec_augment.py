"""`SpecAugment`: random masks over frequency and time."""

from __future__ import annotations

import warnings
from typing import Any, Literal, Unpack

import numpy as np
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import choice, count, fraction, message, number
from kapre._layer import DataFormat, Shape, channels_in_place, channels_second, register, shape_channels_second
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.ops import augment, warping
from kapre.ops.fourier import is_empty
from kapre.ops.kernels import active as kernel


def _mask_value(value: Any) -> Any:
    if isinstance(value, str) and value in ("mean", "min", "band_mean"):
        return value
    remedy = 'Use 0.0, or "mean" behind decibels.'
    if isinstance(value, str):
        raise ValueError(message("mask_value", "a number, 'mean', 'min' or 'band_mean'", value, remedy))
    return number("mask_value", value, remedy)


POLICIES: dict[str, dict[str, Any]] = {
    name: dict(
        freq_mask_param=bins,
        time_mask_param=frames,
        n_freq_masks=count,
        n_time_masks=count,
        time_warp=warp,
        max_time_share=share,
    )
    for name, warp, bins, count, frames, share in (
        ("LB", 80, 27, 1, 100, 1.0),
        ("LD", 80, 27, 2, 100, 1.0),
        ("SM", 40, 15, 2, 70, 0.2),
        ("SS", 40, 27, 2, 70, 0.2),
    )
}
"""The policies of the paper, as arguments."""
ENDS = ("freq_start", "freq_end", "time_start", "time_end")
MOST_MASKS = 20
"""The largest number of time masks of an item if it is a share of the frames (Park et al. 2020)."""


def _count_or_share(name: str, value: Any, remedy: str) -> int | float:
    """Return a count, or a share between 0 and 1."""
    if isinstance(value, float) and 0.0 < value < 1.0:
        return value
    return count(name, value, remedy)


def _share(share: float, lengths: Any) -> Any:
    """Return a share of lengths, rounded down; 0.04 of 100 is 4, although float32 may make it a little less."""
    return ops.floor(share * lengths + 1e-4)


@register
class SpecAugment(RandomLayer):
    """Mask random frequency bands and time intervals during training, and warp the time axis.

    The width of a mask is drawn uniformly from the integers 0 … `freq_mask_param` (or `time_mask_param`). Its position
    is drawn uniformly from the positions where it fits. Each example in each call gets its own masks, which its
    channels share. If the input has a mask over frames, the time intervals lie within the valid frames of an item.

    Args:
        freq_mask_param: int ≥ 0, bins. The largest width of a frequency mask. 0 masks nothing.
        time_mask_param: int ≥ 0, frames, or float in (0, 1). The largest width of a time mask; a float is a share of
            the frames of the item. 0 masks nothing.
        n_freq_masks: int ≥ 0. Number of frequency masks per example.
        n_time_masks: int ≥ 0, or float in (0, 1). Number of time masks per example; a float is a share of the frames of
            the item, with at most 20 masks.
        mask_value: float, "mean", "min" or "band_mean". The value written into the masked regions. "mean" and "min" are
            computed for each item over all of its frames, bins and channels, "band_mean" for each of its bins. If the
            input has a mask, only the frames up to its last True are used. Use "mean" after a logarithm, where 0.0 is
            as loud as the loudest value. An eager call warns about that once.
        data_format: "default", "channels_first" or "channels_last".
        seed: int or None. An integer makes the random draws repeatable.
        p: float in [0, 1]. Probability that an example is changed.
        time_warp: int ≥ 0, frames. Before the masks, a random point of the time axis moves by less than `time_warp`
            frames in either direction, and the first and last frames stay. Values are interpolated linearly along time.
            An item of fewer than `2 * time_warp + 1` frames is not warped. 0 warps nothing.
        max_time_share: float in [0, 1]. The largest width of a time mask as a share of the frames of the item.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, frame, frequency, channel)`, channels_first `(batch, channel, frame, frequency)`; real.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If a count is negative, or `mask_value` is an unknown string.
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
        layer = kapre.SpecAugment.policy("LD", mask_value="mean")
        assert (layer.freq_mask_param, layer.n_time_masks, layer.time_warp) == (27, 2, 80)
        adaptive = kapre.SpecAugment(27, 0.04, n_freq_masks=2, n_time_masks=0.04, mask_value="mean")
        assert np.asarray(adaptive(decibels, training=True)).shape == decibels.shape
        ```

    References:
        Park, D. S. et al. (2019). SpecAugment: a simple data augmentation method for automatic speech recognition.
        Interspeech. `SpecAugment.policy` takes its policies by name.

        Park, D. S. et al. (2020). SpecAugment on large scale datasets. ICASSP. Its adaptive masks are the arguments
        given as shares.
    """

    ranks = (4,)

    def __init__(
        self,
        freq_mask_param: int,
        time_mask_param: int | float,
        n_freq_masks: int = 1,
        n_time_masks: int | float = 1,
        mask_value: float | Literal["mean", "min", "band_mean"] = 0.0,
        data_format: DataFormat = "default",
        seed: int | None = None,
        p: float = 1.0,
        time_warp: int = 0,
        max_time_share: float = 1.0,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, data_format=data_format, seed=seed, **kwargs)
        self.freq_mask_param = count("freq_mask_param", freq_mask_param, "Use 27, or 0 for none.")
        self.time_mask_param = _count_or_share("time_mask_param", time_mask_param, "Use 100, or 0 for none.")
        self.n_freq_masks = count("n_freq_masks", n_freq_masks, "Use 1, or 0 for none.")
        self.n_time_masks = _count_or_share("n_time_masks", n_time_masks, "Use 1, or 0 for none.")
        self.mask_value = _mask_value(mask_value)
        self.time_warp = count("time_warp", time_warp, "Use 80, or 0 for none.")
        remedy = "Use 0.2, or 1.0 for no limit."
        self.max_time_share = fraction("max_time_share", max_time_share, "a share in [0, 1]", remedy)
        self._looked = self.mask_value != 0.0  # check once whether 0 is a usual value

    @classmethod
    def policy(cls, name: Literal["LB", "LD", "SM", "SS"], **kwargs: Any) -> SpecAugment:
        """Return a layer with the sizes of one of the paper's policies.

        Args:
            name: "LB" (LibriSpeech basic), "LD" (LibriSpeech double), "SM" (Switchboard mild) or "SS" (Switchboard
                strong).
            **kwargs: Other arguments of the layer, or other values for the arguments that the policy sets.

        Raises:
            ValueError: If there is no such policy.
        """
        choice("name", name, tuple(POLICIES), "Use 'LD'.")
        return cls(**{**POLICIES[name], **kwargs})

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        batch, _, places, bins = shape
        valid = places if lengths is None else lengths
        bands = augment.draw_bands(batch, self.n_freq_masks, self.freq_mask_param, bins, self.seed_generator)
        of_items = ops.reshape(ops.cast(valid, "float32"), (-1, 1))
        most, largest = self._time_masks(of_items)
        start, end = augment.draw_bands(batch, most, largest, valid, self.seed_generator)
        if not isinstance(self.n_time_masks, int):
            there = ops.arange(most, dtype="float32")[None] < _share(self.n_time_masks, of_items)
            end = ops.where(there, end, start)
        drawn = dict(zip(ENDS, (*bands, start, end), strict=True))
        if self.time_warp:
            drawn |= self._warp(batch, of_items)
        return drawn

    def _time_masks(self, lengths: Any) -> tuple[int, Any]:
        """Return the number of time masks, and their largest width for lengths `(batch, 1)`."""
        most = self.n_time_masks if isinstance(self.n_time_masks, int) else MOST_MASKS
        width: Any = self.time_mask_param
        if not isinstance(width, int):
            width = _share(width, lengths)
        if self.max_time_share < 1.0:
            width = ops.minimum(_share(self.max_time_share, lengths), ops.cast(width, "float32"))
        return most, width

    def _warp(self, batch: Any, lengths: Any) -> Parameters:
        """Draw the point that moves and how far, `(batch, 1)`. Items of few frames have no such point."""
        distance = float(self.time_warp)
        point, shift = (self.uniform((batch, 1)) for _ in range(2))
        point = distance + point * (lengths - 1.0 - 2.0 * distance)
        shift = distance * (2.0 * shift - 1.0)
        enough = lengths >= 2.0 * distance + 1.0
        return {"warp_point": point, "warp_shift": ops.where(enough, shift, ops.zeros_like(shift))}

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        _, _, places, bins = ops.shape(x)
        if "warp_point" in parameters:
            valid = ops.cast(places, "int32") if lengths is None else ops.reshape(lengths, (-1, 1))
            point, shift = (ops.cast(parameters[f"warp_{name}"], "float32") for name in ("point", "shift"))
            sources = warping.with_moved_point(places, point, shift, valid)
            x = warping.interpolated(x, sources[:, None, :, None], axis=2)
        ends = {name: ops.cast(parameters[name], "int32") for name in ENDS}
        bands, stretches = ((ends[f"{axis}_start"], ends[f"{axis}_end"]) for axis in ("freq", "time"))
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
        value: Any = self.mask_value
        if isinstance(value, str):
            whole = channels_second(x[None], 4, self.data_format)
            value = channels_in_place(augment.level(whole, value) + ops.zeros_like(whole), self.data_format)[0]
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
