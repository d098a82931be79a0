"""`SpeedPerturbation`: a random speed, with its pitch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from kapre._arguments import LayerArguments
from kapre._layer import DataFormat, register
from kapre.augmentation._tables import TableLayer, checked_table
from kapre.ops import resample


@register
class SpeedPerturbation(TableLayer):
    """Play waveforms faster or slower during training, which raises or lowers their pitch.

    Each example is resampled by one of the factors, drawn with equal probability, as in `kapre.functional.speed`. The
    number of samples stays the same: a slower example loses its end, and a faster one is followed by zeros. All factors
    are computed for the whole batch.

    Args:
        factors: Numbers from 0.5 to 2. 1.1 makes a clip a tenth faster. The closest fraction of whole numbers up to
            1000 is used.
        p: float in [0, 1]. Probability that an example is changed.
        data_format: "default", "channels_first" or "channels_last".
        seed: int or None. An integer makes the random draws repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; real.

    Output shape:
        The same shape; the compute dtype. The mask of the output has the new lengths.

    Raises:
        ValueError: If there is no factor, or one is out of range, `p` is not in [0, 1], or the input has the wrong
            rank.
        TypeError: If an argument is of the wrong type, or the input is complex or integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.default_rng(0).standard_normal((8, 16000, 1)).astype("float32")
        layer = kapre.augmentation.SpeedPerturbation(seed=0)
        y, drawn = layer(x, training=True, return_parameters=True)
        assert y.shape == x.shape and set(np.asarray(drawn["index"]).ravel()) <= {0, 1, 2}
        ```

    References:
        Ko, T. et al. (2015). Audio augmentation for speech recognition. Interspeech.
    """

    changes_lengths = True

    def __init__(
        self,
        factors: Sequence[float] = (0.9, 1.0, 1.1),
        p: float = 1.0,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, data_format=data_format, seed=seed, **kwargs)
        self.factors = checked_table("factors", factors, 0.5, 2.0, "Use (0.9, 1.0, 1.1).")
        self.table = self.factors

    def transformed(self, x: Any, value: float, lengths: Any) -> Any:
        return resample.resample(x, *resample.speed_ratio(value), resample.Sinc())

    def length_after(self, length: Any, value: float) -> Any:
        return resample.out_length(length, *resample.speed_ratio(value))
