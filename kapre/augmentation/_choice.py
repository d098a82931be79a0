"""`Choice`: one of several random layers for a whole batch."""

from __future__ import annotations

from functools import partial
from typing import Any

from keras import ops

from kapre._layer import register
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.augmentation._compositions import WeightedComposition, drawn_index


@register
class Choice(WeightedComposition):
    """Apply one of several random layers, drawn for each batch, to all examples of the batch during training.

    Only the layer that was drawn is computed. `OneOf` draws for each example, and computes all layers.

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
        from kapre.augmentation import AddColoredNoise, Choice, DropChunk

        augment = Choice([AddColoredNoise(), DropChunk()], weights=[3, 1], seed=0)
        x = np.random.normal(size=(4, 16000, 1)).astype("float32")
        assert augment(x, training=True).shape == x.shape
        ```
    """

    treats_items_apart = True

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        index = drawn_index(self.uniform((1,)), self._bounds)
        return {"index": ops.broadcast_to(index, (shape[0],)), **self.draw_each(shape, lengths)}

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        def change(layer: RandomLayer, own: Parameters, x: Any) -> Any:
            return layer.changed(x, own, lengths)[0]

        branches = [partial(change, layer, parameters[str(index)]) for index, layer in enumerate(self.layers)]
        of_batch = ops.max(ops.pad(ops.cast(parameters["index"], "int32"), [(0, 1)]))  # the same for all, 0 for none
        return ops.switch(of_batch, branches, x)
