"""`RandomLayer`: the shared base of all augmentation layers."""

from __future__ import annotations

from typing import Any, Unpack

import keras
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import message
from kapre._layer import AudioLayer, DataFormat, channels_in_place, channels_second, resolve_data_format


class RandomLayer(AudioLayer):
    """Draw from one generator for each example and call. Outside training, return the input unchanged."""

    def __init__(
        self, data_format: DataFormat = "default", seed: int | None = None, **kwargs: Unpack[LayerArguments]
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = resolve_data_format(data_format)
        if seed is not None and (isinstance(seed, bool) or not hasattr(seed, "__index__")):
            raise TypeError(message("seed", "None or an integer", seed, "Use None, or a number such as 0."))
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed, name="seed_generator")  # named in torch's state_dict

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        x = self.real_input(inputs)
        if training:
            x = channels_second(x, len(x.shape), self.data_format)
            x = channels_in_place(self.change(x, mask), self.data_format)
        return ops.cast(x, self.compute_dtype)

    def change(self, x: Any, mask: Any) -> Any:
        """Return a random variant of a tensor of shape `(batch, channel, ...)`."""
        raise NotImplementedError
