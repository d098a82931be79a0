"""`CutMix`: spans of other examples, and labels in proportion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from keras import ops

from kapre._arguments import LayerArguments
from kapre._layer import DataFormat, register
from kapre.augmentation._batches import BatchLayer
from kapre.augmentation._ranges import of_items
from kapre.ops import mixing


@register
class CutMix(BatchLayer):
    """Replace a time span of each example with the same span of another, and mix the labels in proportion.

    The span has `⌊(1 − λ) · n⌋` samples or frames, with λ ~ Beta(α, α) and n the length of the shorter example. It lies
    anywhere within these n. The weight of the other label is the length of the span divided by the length of the
    example.

    Args:
        alpha: float > 0. The parameter of the beta distribution. 1.0 is uniform.
        p: float in [0, 1]. Probability that an example is changed.
        pad_value: float. The value past the end of a spectrogram. For log spectrograms, use the floor of the values,
            such as -80.0, so that padding is not as loud as full scale.
        data_format: "default", "channels_first" or "channels_last". It determines the time axis.
        seed: int or None. An integer makes the random draws repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        A dict with "audio" `(batch, time)` or `(batch, time, channel)`, or "spectrogram" of rank 4 in either data
        format; "labels" `(batch, ...)`, float, or integers 0 and 1 of rank 2 or more; and optionally "lengths"
        `(batch,)`, the valid samples or frames. Or a pair `(x, labels)`. If the dict has both kinds of data, they must
        have the same size along time.

    Output shape:
        The same. Labels become float32. Lengths do not change.

    Raises:
        ValueError: If a number is out of range, an entry is missing, or labels are class indices.
        TypeError: If the samples are complex or integers.

    Example:
        ```python
        import numpy as np
        import kapre

        x, y = np.random.normal(size=(8, 100, 64, 1)).astype("float32"), np.eye(8, dtype="float32")
        spliced, labels = kapre.augmentation.CutMix(seed=0)((x, y))
        assert np.allclose(np.asarray(labels).sum(axis=1), 1.0, atol=1e-5)
        ```

    References:
        Yun, S. et al. (2019). CutMix: regularization strategy to train strong classifiers with localizable features.
        ICCV.
    """

    places_matter = True

    def __init__(
        self,
        alpha: float = 1.0,
        p: float = 1.0,
        pad_value: float = 0.0,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(alpha, p, pad_value, data_format, seed, **kwargs)

    def draw(self, batch: Any, lengths: Any, time: Any) -> dict[str, Any]:
        partner = self.draw_partners(batch, 1)
        share = self.draw_share(batch)
        own = ops.reshape(of_items(lengths, (batch, 1, time)), (-1,))
        common = own if lengths is None else ops.minimum(own, ops.take(own, partner[:, 0], axis=0))
        common = ops.cast(common, "float32")
        width = ops.floor((1.0 - share) * common)
        place = self._uniform(batch)
        start = ops.minimum(ops.floor(place * (common - width + 1.0)), common - width)
        return {"partner": partner, "start": ops.cast(start, "int32"), "end": ops.cast(start + width, "int32")}

    def combine(self, x: Any, axis: int, lengths: Any, parameters: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        start, end = (ops.cast(parameters[name], "int32") for name in ("start", "end"))
        _, other = mixing.sources(x, parameters["partner"])
        own = ops.reshape(of_items(lengths, (None, 1, ops.shape(x)[axis])), (-1,))
        share = ops.cast(end - start, x.dtype) / ops.cast(ops.maximum(own, 1), x.dtype)
        return mixing.spliced(x, other, start, end, axis), ops.stack([1.0 - share, share], axis=-1), lengths
