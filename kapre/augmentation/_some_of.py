"""`SomeOf`: several of many random layers for each example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import count, message
from kapre._layer import DataFormat, register
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.augmentation._compositions import Composition, changed_where
from kapre.ops import augment


@register
class SomeOf(Composition):
    """Apply some of several random layers, drawn for each example, during training.

    The number of layers is uniform on `min_count` … `max_count`. All combinations of that many layers are equally
    probable. Layers are applied in the order of the list.

    Args:
        layers: A list of random layers, which may include compositions. They must keep the length of items.
        min_count: int ≥ 0. The smallest number of layers for an example.
        max_count: int or None (all layers). The largest number.
        p: float in [0, 1]. Probability that an example is changed at all.
        data_format: "default", "channels_first" or "channels_last". The layers must have the same format.
        seed: int or None. An integer makes the draws of the composition, and of layers without a seed, repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        The input shape of the layers: waveforms or spectrograms in either data format; real.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If there are no layers, if they have a different data format or change the length of items, or if a
            count is out of range.
        TypeError: If a layer is not a `kapre.augmentation.RandomLayer`.

    Example:
        ```python
        import numpy as np
        from kapre.augmentation import BitCrush, DropChunk, RandomGain, SomeOf

        augment = SomeOf([RandomGain(), BitCrush(), DropChunk()], min_count=1, max_count=2, seed=0)
        x = np.random.normal(size=(4, 16000, 1)).astype("float32")
        y, drawn = augment(x, training=True, return_parameters=True)
        assert set(np.asarray(drawn["chosen"]).sum(axis=1)) <= {1, 2}
        ```
    """

    treats_items_apart = True

    def __init__(
        self,
        layers: Sequence[RandomLayer],
        min_count: int = 1,
        max_count: int | None = None,
        p: float = 1.0,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(layers, p, data_format, seed, **kwargs)
        most = len(self.layers)
        self.min_count = count("min_count", min_count, "Use 1.")
        self.max_count = None if max_count is None else count("max_count", max_count, f"Use None for {most}.")
        highest = most if self.max_count is None else self.max_count
        if highest > most:
            raise ValueError(message("max_count", f"at most {most}, the number of layers", max_count, "Use None."))
        if self.min_count > highest:
            raise ValueError(message("min_count", f"at most {highest}", min_count, "Use 1."))

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        most = len(self.layers)
        number = self.integers((shape[0], 1), self.min_count, most if self.max_count is None else self.max_count)
        ranks = augment.draw_permutations(shape[0], most, self.seed_generator)
        return {"chosen": ops.cast(ranks, "int32") < number, **self.draw_each(shape, lengths)}

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        chosen = ops.cast(parameters["chosen"], "bool")
        for index, layer in enumerate(self.layers):
            x = changed_where(chosen[:, index], layer, x, x, parameters[str(index)], lengths)
        return x
