"""`FilterAugment`: random gains of frequency bands."""

from __future__ import annotations

from typing import Any, Literal, Unpack

import numpy as np
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import choice, message, positive_int
from kapre._layer import DataFormat, register
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.augmentation._ranges import ordered

_PER_DECIBEL = {"db": 1.0, "ln": float(np.log(10.0) / 10.0), "log10": 0.1}
_DIVISOR = {"power": 10.0, "magnitude": 20.0}


@register
class FilterAugment(RandomLayer):
    """Multiply random frequency bands of spectrograms by random gains during training, as a random filter would.

    The frequency axis is divided at random into bands, whose number is uniform on `min_bands` … `max_bands`. Each band,
    or each boundary between bands, gets its own gain, uniform in decibels.

    Args:
        min_bands: int ≥ 1. The smallest number of bands.
        max_bands: int ≥ `min_bands`. The largest number of bands.
        min_gain_db: float, decibels. The smallest gain.
        max_gain_db: float ≥ `min_gain_db`, decibels. The largest gain.
        min_bandwidth: int ≥ 1, bins. The smallest width of a band. It is smaller if there are too few bins.
        kind: "step" for a gain that is constant within a band, or "linear" for a gain whose decibels change linearly
            from one boundary to the next.
        scale: "db", "ln", "log10", "power" or "magnitude". The scale of the spectrogram. The gain is added to
            logarithms of the power; powers and magnitudes are multiplied by it.
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
        ValueError: If a number is out of range, `kind` or `scale` is unknown, or the input has the wrong rank.
        TypeError: If an argument is of the wrong type, or the input is complex or integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.zeros((2, 10, 64, 1), "float32")  # decibels
        y = np.asarray(kapre.augmentation.FilterAugment(seed=0)(x, training=True))
        assert 3 <= len(np.unique(y[0, 0])) <= 6 and abs(y).max() <= 6.0
        ```

    References:
        Nam, H., Kim, S.-H. and Park, Y.-H. (2022). FilterAugment: an acoustic environmental data augmentation method.
        ICASSP.
    """

    ranks = (4,)
    treats_items_apart = True

    def __init__(
        self,
        min_bands: int = 3,
        max_bands: int = 6,
        min_gain_db: float = -6.0,
        max_gain_db: float = 6.0,
        min_bandwidth: int = 6,
        kind: Literal["step", "linear"] = "step",
        scale: Literal["db", "ln", "log10", "power", "magnitude"] = "db",
        p: float = 1.0,
        per_channel: bool = False,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, per_channel, data_format, seed, **kwargs)
        self.min_bands = positive_int("min_bands", min_bands, "Use 3.")
        self.max_bands = positive_int("max_bands", max_bands, "Use 6.")
        if self.min_bands > self.max_bands:
            raise ValueError(message("min_bands", f"at most max_bands={self.max_bands}", min_bands, "Use 3 and 6."))
        names, gains = ("min_gain_db", "max_gain_db"), (min_gain_db, max_gain_db)
        self.min_gain_db, self.max_gain_db = ordered(names, gains, "Use -6.0 and 6.0.")
        self.min_bandwidth = positive_int("min_bandwidth", min_bandwidth, "Use 6.")
        self.kind = choice("kind", kind, ("step", "linear"), "Use 'step'.")
        self.scale = choice("scale", scale, (*_PER_DECIBEL, *_DIVISOR), "Use 'db' behind 10·log10 of the power.")

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        groups, bins = self.groups(shape), ops.cast(shape[3], "float32")
        n_bands = self.integers(groups, self.min_bands, self.max_bands)
        # A division chooses what each band has beyond the smallest width. Missing bands are empty, at the end.
        width = ops.minimum(ops.floor(bins / ops.cast(n_bands, "float32")), float(self.min_bandwidth))[..., None]
        bands = ops.cast(n_bands, "float32")[..., None]
        cuts = self.uniform((*groups, self.max_bands - 1))
        number = ops.arange(self.max_bands - 1, dtype="float32") + 1.0
        cuts = ops.sort(ops.where(number < bands, cuts, ops.full_like(cuts, 2.0)), axis=-1)
        inner = ops.floor(cuts * (bins - bands * width + 1.0)) + number * width
        inner = ops.where(number < bands, ops.minimum(inner, bins), bins)
        ends = ops.cast(inner, "int32")
        first = ops.zeros_like(n_bands)
        last = first + ops.cast(shape[3], "int32")
        boundaries = ops.concatenate([first[..., None], ends, last[..., None]], axis=-1)
        gains = self.uniform((*groups, self.max_bands + 1), self.min_gain_db, self.max_gain_db)
        return {"boundaries": boundaries, "gain_db": gains}

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        boundaries = ops.cast(parameters["boundaries"], "int32")
        places = ops.arange(ops.shape(x)[3], dtype="int32")
        start, end = boundaries[..., :-1, None], boundaries[..., 1:, None]
        inside = ops.cast(ops.logical_and(places >= start, places < end), "float32")  # (batch, group, band, bin)
        gains = ops.cast(parameters["gain_db"], "float32")[..., None]
        low, high = gains[..., :-1, :], gains[..., 1:, :]
        if self.kind == "step":
            of_bin = ops.sum(inside * low, axis=2)
        else:
            share = ops.cast(places - start, "float32") / ops.cast(ops.maximum(end - start, 1), "float32")
            of_bin = ops.sum(inside * (low + share * (high - low)), axis=2)
        gain = ops.cast(of_bin, x.dtype)[:, :, None, :]
        if self.scale in _PER_DECIBEL:
            return x + gain * _PER_DECIBEL[self.scale]
        return x * 10.0 ** (gain / _DIVISOR[self.scale])
