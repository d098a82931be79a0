"""`FreqMixStyle`: statistics of frequency bands, mixed between examples."""

from __future__ import annotations

from typing import Any, Unpack

from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import number
from kapre._layer import DataFormat, register
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.ops import augment, frames


@register
class FreqMixStyle(RandomLayer):
    """Mix the mean and deviation of each frequency bin with those of another example during training.

    Each bin of an example is normalised over its valid frames and its channels. It then gets the mean and the deviation
    `λ · own + (1 − λ) · other`, where `other` is the value of another example of the batch, and λ ~ Beta(α, α). This
    mixes the spectral colour of recording devices and keeps the content. The gradient does not pass through the
    statistics.

    Args:
        alpha: float > 0. The parameter of the beta distribution.
        epsilon: float > 0. Added to the variance.
        p: float in [0, 1]. Probability that an example is changed.
        data_format: "default", "channels_first" or "channels_last".
        seed: int or None. An integer makes the random draws repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, frame, frequency, channel)`, channels_first `(batch, channel, frame, frequency)`; real.
        Use logarithms of powers.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If a number is out of range, or the input has the wrong rank.
        TypeError: If an argument is not a number, or the input is complex or integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.normal(size=(8, 50, 64, 1)).astype("float32")
        y, drawn = kapre.augmentation.FreqMixStyle(seed=0)(x, training=True, return_parameters=True)
        assert y.shape == x.shape and sorted(np.asarray(drawn["partner"])) == list(range(8))
        ```

    References:
        Schmid, F., Masoudian, S., Koutini, K. and Widmer, G. (2022). Knowledge distillation from transformers for
        low-complexity acoustic scene classification. DCASE Workshop.
    """

    ranks = (4,)

    def __init__(
        self,
        alpha: float = 0.3,
        epsilon: float = 1e-6,
        p: float = 0.7,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, data_format=data_format, seed=seed, **kwargs)
        self.alpha = number("alpha", alpha, "Use 0.3.", above=0.0, rule="a number above 0")
        self.epsilon = number("epsilon", epsilon, "Use 1e-6.", above=0.0, rule="a number above 0")

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        batch = shape[0]
        partner = augment.draw_permutations(1, batch, self.seed_generator)[0]
        share = augment.draw_beta((batch,), self.alpha, self.seed_generator)
        return {"partner": partner, "share": share}

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        there = ops.ones_like(x, dtype="bool")
        if lengths is not None:
            there = ops.logical_and(there, frames.within(ops.shape(x)[2], lengths, 4, axis=2))
        counted = ops.maximum(ops.sum(ops.cast(there, x.dtype), axis=(1, 2), keepdims=True), 1.0)
        mean = ops.sum(ops.where(there, x, ops.zeros_like(x)), axis=(1, 2), keepdims=True) / counted
        centred = ops.where(there, x - mean, ops.zeros_like(x))
        deviation = ops.sqrt(ops.sum(ops.square(centred), axis=(1, 2), keepdims=True) / counted + self.epsilon)
        mean, deviation = ops.stop_gradient(mean), ops.stop_gradient(deviation)
        share = ops.cast(parameters["share"], x.dtype)[:, None, None, None]
        other_mean, other = (ops.take(part, parameters["partner"], axis=0) for part in (mean, deviation))
        y = (
            (x - mean) / deviation * (share * deviation + (1.0 - share) * other)
            + share * mean
            + (1.0 - share) * other_mean
        )
        return ops.where(there, y, x)
