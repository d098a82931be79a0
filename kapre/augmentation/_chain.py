"""`Chain`: random layers one after the other."""

from __future__ import annotations

from typing import Any

from kapre._layer import register
from kapre.augmentation._base import Parameters
from kapre.augmentation._compositions import Composition


@register
class Chain(Composition):
    """Apply random layers to examples one after the other during training.

    Args:
        layers: A list of random layers, which may include compositions.
        p: float in [0, 1]. Probability that an example is changed at all. It must be 1.0 if a layer changes the length
            of items.
        data_format: "default", "channels_first" or "channels_last". The layers must have the same format.
        seed: int or None. An integer makes the draws of the composition, and of layers without a seed, repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        The input shape of the layers: waveforms or spectrograms in either data format; real.

    Output shape:
        The output shape of the last layer; the compute dtype.

    Raises:
        ValueError: If there are no layers, if they have a different data format, or if `p` is below 1.0 and a layer
            changes the length of items.
        TypeError: If a layer is not a `kapre.augmentation.RandomLayer`.

    Example:
        ```python
        import numpy as np
        from kapre.augmentation import AddColoredNoise, Chain, PolarityInversion, RandomGain

        augment = Chain([RandomGain(), PolarityInversion(), AddColoredNoise(p=0.5)], seed=0)
        x = np.random.normal(size=(4, 16000, 1)).astype("float32")
        y, drawn = augment(x, training=True, return_parameters=True)
        assert y.shape == x.shape and drawn["0"]["gain_db"].shape == (4, 1)
        ```
    """

    may_change_time = True
    treats_items_apart = True

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        drawn: Parameters = {}
        for index, layer in enumerate(self.layers):
            own = drawn[str(index)] = layer.drawn(shape, lengths)
            lengths, shape = layer.output_lengths(shape, own, lengths), layer.shape_after(shape)
        return drawn

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        for index, layer in enumerate(self.layers):
            x, lengths = layer.changed(x, parameters[str(index)], lengths)
        return x

    def shape_after(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        for layer in self.layers:
            shape = layer.shape_after(shape)
        return shape

    def output_lengths(self, shape: tuple[Any, ...], parameters: Parameters, lengths: Any) -> Any:
        for index, layer in enumerate(self.layers):
            own = parameters[str(index)]
            lengths, shape = layer.output_lengths(shape, own, lengths), layer.shape_after(shape)
        return lengths
