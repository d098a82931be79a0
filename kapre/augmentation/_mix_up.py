"""`MixUp`: weighted sums of examples and of their labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Unpack

import keras
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import choice, message, positive_int
from kapre._layer import DataFormat, register
from kapre.augmentation._batches import BatchLayer
from kapre.ops import mixing


@register
class MixUp(BatchLayer):
    """Mix examples of a batch with random weights, and mix their labels with the same weights.

    `y = λ · x + (1 − λ) · other`, with λ ~ Beta(α, α), where the others are a permutation of the batch. If
    `max_sources` is above 2, the number of examples in a mixture is uniform on 1 … `max_sources`, and their weights are
    from a Dirichlet distribution with parameter α.

    Args:
        alpha: float > 0. The parameter of the distribution of the weights.
        max_sources: int ≥ 2. The largest number of examples in a mixture.
        weighting: "linear", "power" or "level". "power" divides the weights of the sounds by the root of the sum of
            their squares, which keeps the power of independent waveforms. "level" first divides each weight by the
            level (RMS) of its sound, so that λ is the share of what is heard. Labels are mixed with the original
            weights.
        labels: "mix" or "union". "union" takes the largest label of the mixed examples, for multi-label classification.
        p: float in [0, 1]. Probability that an example is changed.
        pad_value: float. The value past the end of a spectrogram. For log spectrograms, use the floor of the values,
            such as -80.0, so that padding is not as loud as full scale.
        data_format: "default", "channels_first" or "channels_last". It determines the time axis.
        seed: int or None. An integer makes the random draws repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        A dict with "audio" `(batch, time)` or `(batch, time, channel)`, or "spectrogram" of rank 4 in either data
        format; "labels" `(batch, ...)`, float, or integers 0 and 1 of rank 2 or more; and optionally "lengths"
        `(batch,)`, the valid samples or frames. Or a pair `(x, labels)`.

    Output shape:
        The same. Labels become float32. The length of a mixture is that of its longest example.

    Raises:
        ValueError: If a number is out of range, an entry is missing, labels are class indices, or a spectrogram is
            mixed with a weighting other than "linear".
        TypeError: If the samples are complex or integers.

    Notes:
        "level" with two sources is between-class learning (Tokozume et al.), with the RMS in place of its A-weighted
        level.

    Example:
        ```python
        import numpy as np
        import kapre

        batch = {"audio": np.random.normal(size=(8, 16000)).astype("float32"), "labels": np.eye(8, dtype="float32")}
        mixed, drawn = kapre.augmentation.MixUp(0.4, seed=0)(batch, return_parameters=True)
        assert np.allclose(np.asarray(mixed["labels"]).sum(axis=1), 1.0, atol=1e-5)
        ```

    References:
        Zhang, H. et al. (2018). mixup: beyond empirical risk minimization. ICLR.

        Tokozume, Y., Ushiku, Y. and Harada, T. (2018). Learning from between-class examples for deep sound recognition.
        ICLR.
    """

    def __init__(
        self,
        alpha: float = 0.2,
        max_sources: int = 2,
        weighting: Literal["linear", "power", "level"] = "linear",
        labels: Literal["mix", "union"] = "mix",
        p: float = 1.0,
        pad_value: float = 0.0,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(alpha, p, pad_value, data_format, seed, **kwargs)
        self.max_sources = positive_int("max_sources", max_sources, "Use 2.")
        if self.max_sources < 2:
            raise ValueError(message("max_sources", "at least 2", max_sources, "Use 2."))
        self.weighting = choice("weighting", weighting, ("linear", "power", "level"), "Use 'linear'.")
        self.labels = choice("labels", labels, ("mix", "union"), "Use 'mix'.")

    def draw(self, batch: Any, lengths: Any, time: Any) -> dict[str, Any]:
        partner = self.draw_partners(batch, self.max_sources - 1)
        if self.max_sources == 2:
            share = self.draw_share(batch)
            return {"partner": partner, "weights": ops.stack([share, 1.0 - share], axis=-1)}
        shape = (batch, self.max_sources)
        alpha = ops.convert_to_tensor(self.alpha, dtype="float32")  # as in `augment.draw_beta`
        parts = keras.random.gamma(shape, alpha, seed=self.seed_generator, dtype="float32") + 1e-30
        number = keras.random.uniform((batch, 1), seed=self.seed_generator, dtype="float32") * self.max_sources
        there = ops.arange(self.max_sources, dtype="float32") <= ops.minimum(ops.floor(number), self.max_sources - 1.0)
        parts = ops.where(there, parts, ops.zeros_like(parts))
        return {"partner": partner, "weights": parts / ops.sum(parts, axis=-1, keepdims=True)}

    def combine(self, x: Any, axis: int, lengths: Any, parameters: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        weights, partner = ops.cast(parameters["weights"], x.dtype), parameters["partner"]
        if len(x.shape) == 4 and self.weighting != "linear":
            rule = "'linear' for spectrograms, whose values are no sound pressures"
            raise ValueError(message("weighting", rule, self.weighting, "Mix waveforms, or use 'linear'."))
        factors = mixing.merged(weights, ops.cast(partner, "int32"))
        if self.weighting == "level":
            level = mixing.root_mean_square(x, lengths, axis)
            factors = mixing.by_level(factors, ops.stack(mixing.sources(level, partner), axis=-1))
        elif self.weighting == "power":
            factors = mixing.power_preserving(factors)
        after = lengths
        if lengths is not None:
            all_lengths = ops.stack(mixing.sources(lengths, partner), axis=-1)
            after = ops.max(ops.where(weights > 0.0, all_lengths, ops.zeros_like(all_lengths)), axis=-1)
        return mixing.mixture(mixing.sources(x, partner), factors), weights, after

    def combine_labels(self, labels: Any, weights: Any, parameters: Mapping[str, Any]) -> Any:
        if self.labels == "mix":
            return super().combine_labels(labels, weights, parameters)
        return mixing.union(mixing.sources(labels, parameters["partner"]), weights)
