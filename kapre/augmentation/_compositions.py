"""`Composition`: the shared base of layers that are made of random layers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Unpack

import keras
import numpy as np
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import message, number
from kapre._layer import DataFormat, Shape, agree
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.ops import augment
from kapre.ops.kernels import active as kernel


class Composition(RandomLayer):
    """Apply several random layers to examples. A subclass determines which layer changes which example.

    The drawn parameters are a dict that holds the parameters of each layer under its position ("0", "1", …).

    Args:
        layers: The random layers, or their serialized configs.
        p: float in [0, 1]. Probability that an example is changed at all.
        data_format: "default", "channels_first" or "channels_last". The layers must have the same format.
        seed: int or None. An integer makes the draws of the composition, and of layers without a seed, repeatable.
        **kwargs: Keras' layer arguments.

    Example:
        ```python
        import keras
        import kapre
        import numpy as np

        @keras.saving.register_keras_serializable("mine")
        class Mean(kapre.augmentation.Composition):
            def draw(self, shape, lengths):
                return self.draw_each(shape, lengths)

            def apply(self, x, parameters, lengths):
                parts = [layer.changed(x, parameters[str(i)], lengths)[0] for i, layer in enumerate(self.layers)]
                return sum(parts) / len(parts)

        gain, flip = kapre.augmentation.RandomGain(0.0, 0.0), kapre.augmentation.PolarityInversion(p=1.0)
        x = np.ones((2, 100, 1), "float32")
        assert np.allclose(Mean([gain, flip], seed=0)(x, training=True), 0.0)
        ```
    """

    may_change_time = False
    """Whether the layers may return another number of samples."""

    def __init__(
        self,
        layers: Sequence[RandomLayer],
        p: float = 1.0,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, data_format=data_format, seed=seed, **kwargs)
        self.layers = self._checked(layers)
        self.keeps_time = all(layer.keeps_time for layer in self.layers)
        self.treats_items_apart = self.treats_items_apart and all(layer.treats_items_apart for layer in self.layers)
        self.changes_lengths = any(layer.changes_lengths for layer in self.layers)
        self._seed_layers()
        changing = [type(each).__name__ for each in self.layers if each.changes_lengths or not each.keeps_time]
        if changing and (self.p < 1.0 or not self.may_change_time):
            rule = "layers that keep the length of items" + (" unless p is 1.0" if self.may_change_time else "")
            raise ValueError(message("layers", rule, changing[0], "Put it before or after this layer."))

    def reseed(self, seed: int | None) -> None:
        """Set the seed, and the seeds of layers without a seed of their own."""
        super().reseed(seed)
        self._seed_layers()

    def _seed_layers(self) -> None:
        seed_layers(self.layers, self.seed)

    def _checked(self, layers: Any) -> list[RandomLayer]:
        rule, remedy = "a list of random layers", "Use [RandomGain(), PolarityInversion()], say."
        if not isinstance(layers, (list, tuple)):
            raise TypeError(message("layers", rule, type(layers).__name__, remedy))
        found = [keras.saving.deserialize_keras_object(one) if isinstance(one, dict) else one for one in layers]
        for layer in found:
            if not isinstance(layer, RandomLayer):
                raise TypeError(message("layers", rule, f"one with {type(layer).__name__}", remedy))
            if not agree(layer, self):
                rule = f"layers with data_format={self.data_format!r}, that of this layer"
                raise ValueError(message("layers", rule, layer.data_format, "Give all of them the same data_format."))
        if not found:
            raise ValueError(message("layers", rule, "an empty list", remedy))
        return found

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument, with the layers in serialized form."""
        return {**super().get_config(), "layers": [keras.saving.serialize_keras_object(one) for one in self.layers]}

    def draw_each(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        """Draw the parameters of all layers for the same input."""
        return {str(index): layer.drawn(shape, lengths) for index, layer in enumerate(self.layers)}

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        for layer in self.layers:
            shape, _ = layer.output_shape_and_dtype(shape)
        return shape, self.compute_dtype


def seed_layers(layers: Sequence[RandomLayer], seed: int | None) -> None:
    """Give layers without a seed of their own different ones, that follow from a seed. None changes nothing."""
    for index, layer in enumerate(layers):
        if seed is not None and (layer.seed is None or layer.has_derived_seed):
            digest = hashlib.sha256(f"{seed}/{index}".encode()).digest()
            layer.reseed(int.from_bytes(digest[:4], "big") >> 1)
            layer.has_derived_seed = True


class WeightedComposition(Composition):
    """Draw one of several random layers, in proportion to weights.

    Args:
        layers: The random layers, or their serialized configs.
        weights: Numbers above 0, one for each layer, proportional to the probabilities, or None for equal
            probabilities.
        p: float in [0, 1]. Probability that an example is changed at all.
        data_format: "default", "channels_first" or "channels_last". The layers must have the same format.
        seed: int or None. An integer makes the draws of the composition, and of layers without a seed, repeatable.
        **kwargs: Keras' layer arguments.
    """

    def __init__(
        self,
        layers: Sequence[RandomLayer],
        weights: Sequence[float] | None = None,
        p: float = 1.0,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(layers, p, data_format, seed, **kwargs)
        self._given_weights, self._bounds = cumulative(weights, len(self.layers))

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument."""
        return {**super().get_config(), "weights": self._given_weights}


def cumulative(weights: Sequence[float] | None, count: int) -> tuple[list[float] | None, list[float]]:
    """Check the weights of `count` layers. Return them as a list, and the upper bounds of each layer's share of 1."""
    rule, remedy = f"{count} numbers above 0, one for each layer", "Use None for equal weights."
    if weights is None:
        return None, [(index + 1) / count for index in range(count)]
    weights = weights.tolist() if isinstance(weights, np.ndarray) else weights
    if not isinstance(weights, (list, tuple)) or len(weights) != count:
        raise ValueError(message("weights", rule, weights, remedy))
    found = [number("weights", weight, remedy, above=0.0, rule=rule) for weight in weights]
    return found, [sum(found[: index + 1]) / sum(found) for index in range(count)]


def drawn_index(uniform: Any, bounds: Sequence[float]) -> Any:
    """Return the index of the share in which each number in [0, 1) lies, int32."""
    index = ops.zeros_like(uniform, dtype="int32")
    for bound in bounds[:-1]:
        index = index + ops.cast(uniform >= bound, "int32")
    return index


def changed_where(which: Any, layer: RandomLayer, x: Any, y: Any, parameters: Parameters, lengths: Any) -> Any:
    """Return `y` with the examples of `x` where `which`, bool `(batch,)`, is True, as a layer changes them."""
    if not layer.treats_items_apart:
        return augment.selected(which, layer.changed(x, parameters, lengths)[0], y)

    def change(x: Any, parameters: Parameters, lengths: Any) -> Any:
        return layer.changed(x, parameters, lengths)[0]

    return kernel.to_some(which, change, x, y, parameters, lengths)
