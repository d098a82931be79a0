"""`OneOf`: one of several random layers for each example."""

from __future__ import annotations

from typing import Any

from kapre._layer import register
from kapre.augmentation._base import Parameters
from kapre.augmentation._compositions import WeightedComposition, changed_where, drawn_index


@register
class OneOf(WeightedComposition):
    """Apply one of several random layers, drawn for each example, during training.

    All layers are computed for the whole batch. `Choice` computes only one.

    Args:
        layers: A list of random layers, which may include compositions. They must keep the length of items.
        weights: Numbers above 0, one for each layer, proportional to the probabilities, or None for equal
            probabilities.
        p: float in [0, 1]. Probability that an example is changed at all.
        data_format: "default", "channels_first" or "channels_last". The layers must have the same format.
        seed: int or None. An integer makes the draws of the composition, and of layers without a seed, repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        The input shape of the layers: waveforms or spectrograms in either data format; real.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If there are no layers, if they have a different data format or change the length of items, or if
            `weights` does not fit.
        TypeError: If a layer is not a `kapre.augmentation.RandomLayer`.

    Example:
        ```python
        import numpy as np
        from kapre.augmentation import Clipping, OneOf, SoftClip

        distort = OneOf([Clipping(), SoftClip()], weights=[3, 1], p=0.5, seed=0)
        x = np.random.normal(size=(4, 16000, 1)).astype("float32")
        assert distort(x, training=True).shape == x.shape
        ```
    """

    treats_items_apart = True

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        index = drawn_index(self.uniform((shape[0],)), self._bounds)
        return {"index": index, **self.draw_each(shape, lengths)}

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        y = x
        for index, layer in enumerate(self.layers):
            y = changed_where(parameters["index"] == index, layer, x, y, parameters[str(index)], lengths)
        return y
