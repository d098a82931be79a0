"""`RandomLayer`: the shared base of all augmentation layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Unpack

import keras
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import checked_seed, flag, probability
from kapre._layer import (
    AudioLayer,
    DataFormat,
    Shape,
    channels_in_place,
    channels_second,
    check_mask,
    lengths_of,
    resolve_data_format,
    time_axis,
    warn_of_swapped_axes,
    with_mask,
)
from kapre._lengths import checked_lengths, lengths_within
from kapre.augmentation import _known_banks as banks
from kapre.ops import augment, frames
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels.seeds import SeedGenerator

Parameters = dict[str, Any]
"""What was drawn for a batch: small tensors by name."""


class RandomLayer(AudioLayer):
    """Change each example at random during training. This is the base of every augmentation layer.

    A subclass defines two methods. `draw` draws parameters from the generator of the layer, and `apply` computes the
    output from them. A draw can therefore be logged, and repeated exactly. The base does everything else:

    - Outside training, the layer returns its input, and adds nothing to an exported graph.
    - Each example in each call gets its own draw. All channels of an example share it, unless `per_channel` is True.
    - Each example is changed with probability `p`. The layer computes all of them and selects with `where`, so that no
      shape depends on the draw.
    - Samples past the length of an item are zero in the output of waveforms. The length comes from Keras' mask, or from
      the call argument `lengths`. The output has the mask of the input, or a mask of its own lengths.
    - New values are drawn in each step of `fit`, `tf.function`, `jax.jit` with `stateless_call`, and `tf.data`. Each
      worker of PyTorch's DataLoader draws its own values. They repeat with `torch.manual_seed`.

    A call returns a tensor, or the tensor and the drawn parameters:

    - `layer(x, training=True)`
    - `layer(x, training=True, lengths=lengths)`, where `lengths` of shape `(batch,)` counts valid samples or frames.
    - `y, parameters = layer(x, training=True, return_parameters=True)`. `parameters` is a dict of tensors whose first
      axis is the batch. `parameters["applied"]` tells which examples were changed.
    - `layer(x, training=True, parameters=parameters)` draws nothing and gives the same `y`.

    As with `keras.layers.Dropout`, the state of the generator is not saved. In a bare `jax.jit`, the state is passed
    through `stateless_call`. In a plain PyTorch model, pass `training=self.training`.

    Args:
        p: float in [0, 1]. Probability that an example is changed.
        per_channel: bool. Whether each channel gets its own draw.
        data_format: "default", "channels_first" or "channels_last".
        seed: int or None. An integer makes the random draws repeatable. Layers with the same seed draw the same
            numbers: give each layer a different seed, or give a seed to the `Chain` that contains them.
        **kwargs: Keras' layer arguments.

    Input shape:
        Waveforms: channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`. Spectrograms:
        channels_last `(batch, frame, frequency, channel)`, channels_first `(batch, channel, frame, frequency)`. Real. A
        subclass may take only one of them (`ranks`).

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If `p` is not in [0, 1], or the input has the wrong rank.
        TypeError: If `seed` is not an integer, or the input is complex or integer.

    Example:
        ```python
        import keras
        import kapre
        import numpy as np

        @keras.saving.register_keras_serializable("mine")
        class Offset(kapre.augmentation.RandomLayer):
            ranks = (3,)

            def __init__(self, largest=0.1, **kwargs):
                super().__init__(**kwargs)
                self.largest = largest

            def draw(self, shape, lengths):
                return {"offset": self.uniform(self.groups(shape), -self.largest, self.largest)}

            def apply(self, x, parameters, lengths):
                return x + parameters["offset"][..., None]

        layer = Offset(p=0.5, seed=0)
        x = np.zeros((4, 100, 1), "float32")
        y, drawn = layer(x, training=True, return_parameters=True)
        assert drawn["offset"].shape == (4, 1) and drawn["applied"].shape == (4,)
        again = layer(x, training=True, parameters=drawn)
        assert np.array_equal(again, y)
        ```
    """

    ranks: ClassVar[tuple[int, ...]] = (3, 4)
    """The ranks of input that the layer takes: 3 for waveforms, 4 for spectrograms."""

    keeps_time: bool = True
    """Whether the output has as many samples as the input. If not, the layer itself heeds `applied`."""

    treats_items_apart: bool = False
    """Whether `apply` changes an example without a look at the others, and may be called with a part of a batch."""

    has_derived_seed: bool = False
    """Whether a composition has set the seed."""

    changes_lengths: bool = False
    """Whether the number of valid samples of an item changes, in an output of as many samples."""

    def __init__(
        self,
        p: float = 1.0,
        per_channel: bool = False,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.p = probability(p)
        self.per_channel = flag("per_channel", per_channel)
        self.data_format = resolve_data_format(data_format)
        self.seed = checked_seed(seed)
        self.seed_generator = SeedGenerator(self.seed, name="seed_generator")  # named in torch's state_dict

    def reseed(self, seed: int | None) -> None:
        """Set the seed, and restart from its first draw."""
        self.seed = checked_seed(seed)
        self.seed_generator.state.assign(SeedGenerator(self.seed).state)  # a built layer takes no new generator

    def __reduce__(self) -> Any:
        """Pickle the banks of this layer and its layers too, for the processes of a DataLoader."""
        rebuild, arguments = super().__reduce__()[:2]
        return banks.with_banks, (banks.banks_of(self), rebuild, arguments)

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        """Draw the parameters of a batch as small tensors whose first axis is the batch.

        Args:
            shape: Shape of the input in the order `(batch, channel, time)` or `(batch, channel, frame, bin)`: ints, or
                integer tensors where a size is not known.
            lengths: Valid samples or frames of each item, int32 `(batch,)`, or None if all of them are valid.
        """
        raise NotImplementedError

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        """Apply the parameters to `x`, of shape `(batch, channel, ...)`, and return the result. Draw nothing.

        Args:
            x: The input in the working dtype. Samples past an item's length are zero in waveforms.
            parameters: What `draw` returned, and `"applied"`.
            lengths: As for `draw`.
        """
        raise NotImplementedError

    def output_lengths(self, shape: tuple[Any, ...], parameters: Parameters, lengths: Any) -> Any:
        """Return the lengths of the output, or None if all samples are valid. Override this if they change."""
        return lengths

    def groups(self, shape: tuple[Any, ...]) -> tuple[Any, Any]:
        """Return the shape of a parameter: `(batch, 1)`, or `(batch, channel)` if each channel has its own draw."""
        return shape[0], shape[1] if self.per_channel else 1

    def uniform(self, shape: tuple[Any, ...], low: Any = 0.0, high: Any = 1.0) -> Any:
        """Draw float32 numbers, uniform in [low, high). The bounds are numbers or tensors."""
        return low + (high - low) * keras.random.uniform(shape, seed=self.seed_generator, dtype="float32")

    def integers(self, shape: tuple[Any, ...], low: Any, high: Any) -> Any:
        """Draw int32 numbers, uniform on low … high, both included. The bounds are ints or int32 tensors."""
        low, high = (ops.cast(bound, "int32") for bound in (low, high))
        count = ops.cast(high - low + 1, "float32")
        steps = ops.cast(ops.floor(self.uniform(shape) * count), "int32")
        return low + ops.minimum(steps, high - low)  # for a large count, the product may be rounded up

    def keys(self, shape: tuple[Any, ...]) -> Any:
        """Draw the pairs of int32 numbers from which `ops.noise.white` makes noise, `(*shape, 2)`."""
        return keras.random.randint((*shape, 2), 0, 2**31 - 1, dtype="int32", seed=self.seed_generator)

    def __call__(self, inputs: Any, *args: Any, lengths: Any = None, **kwargs: Any) -> Any:
        if lengths is None:
            return super().__call__(inputs, *args, **kwargs)
        return super().__call__(inputs, *args, lengths=checked_lengths(inputs, lengths), **kwargs)

    def beside(self, parameter: Any, x: Any) -> Any:
        """Return a parameter `(batch, group)` in the dtype of `x`, so that it broadcasts to the trailing axes."""
        return ops.reshape(ops.cast(parameter, x.dtype), (*ops.shape(parameter), *[1] * (len(x.shape) - 2)))

    def call(
        self,
        inputs: Any,
        training: bool | None = None,
        mask: Any = None,
        lengths: Any = None,
        parameters: Mapping[str, Any] | None = None,
        return_parameters: bool = False,
    ) -> Any:
        x = self.real_input(inputs)
        if len(x.shape) not in self.ranks:
            self.output_shape_and_dtype(tuple(x.shape))  # raises, also after the first call
        drawn: Parameters = {}
        counted = lengths is not None
        if mask is None and not counted:  # Keras passes no mask beside a second tensor
            mask = getattr(inputs, "_keras_mask", None)
        if training:
            x = channels_second(x, len(x.shape), self.data_format)
            if mask is not None and not counted:
                check_mask(mask, (x.shape[0], x.shape[2]), "Use one of shape (batch, time), or `lengths`.")
            lengths = lengths_within(lengths, x, axis=2) if counted else lengths_of(mask)
            x, drawn, after = self._changed(x, parameters, lengths)
            counted = counted or after is not lengths
            lengths = after
            x = channels_in_place(x, self.data_format)
        y = ops.cast(x, self.compute_dtype)
        if training and counted and lengths is not None:
            time = ops.shape(y)[time_axis(len(y.shape), self.data_format)]
            y = with_mask(y, frames.within(time, lengths, 2))
        return (y, drawn) if return_parameters else y

    def shape_after(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the shape of the output in the order of `draw`. Override this if the number of samples changes."""
        return shape

    def _changed(self, x: Any, parameters: Mapping[str, Any] | None, lengths: Any) -> tuple[Any, Parameters, Any]:
        """Return the output for `(batch, channel, ...)`, what was drawn, and the lengths of the output."""
        drawn = self.drawn(ops.shape(x), lengths) if parameters is None else {**parameters}
        if "applied" not in drawn:
            drawn["applied"] = self._draw_applied(ops.shape(x)[0])
        y, after = self.changed(x, drawn, lengths, always=self.p == 1.0 and parameters is None)
        return y, drawn, after

    def _draw_applied(self, batch: Any) -> Any:
        return ops.ones((batch,), "bool") if self.p == 1.0 else self.uniform((batch,)) < self.p

    def drawn(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        """Return what `draw` returns, and which examples are changed."""
        drawn = dict(self.draw(shape, lengths))
        return drawn if "applied" in drawn else {**drawn, "applied": self._draw_applied(shape[0])}

    def changed(self, x: Any, drawn: Parameters, lengths: Any, always: bool = False) -> tuple[Any, Any]:
        """Return the output for `(batch, channel, ...)` and what `drawn` returned, and its lengths.

        `always` means that all examples are changed, so that the selection is left out.
        """
        shape = ops.shape(x)
        is_wave = len(shape) == 3
        if is_wave and lengths is not None:
            x = frames.keep(x, lengths)
        all_of_them = always or not self.keeps_time
        applied = ops.cast(drawn["applied"], "bool")
        if self.treats_items_apart and not all_of_them:
            y = kernel.to_some(applied, self.apply, x, x, drawn, lengths)
        else:
            y = self.apply(x, drawn, lengths)
            y = y if all_of_them else augment.selected(applied, y, x)
        after = self.output_lengths(shape, drawn, lengths)
        if is_wave and after is not None:
            y = frames.keep(y, after)
        return y, after

    def compute_output_spec(self, inputs: Any, **kwargs: Any) -> Any:
        if kwargs.get("return_parameters"):  # what is drawn has shapes that only `draw` knows
            return keras.Operation.compute_output_spec(self, inputs, **kwargs)
        return super().compute_output_spec(inputs, **kwargs)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        shape = tuple(shape)
        if len(shape) not in self.ranks:
            what = " or ".join({3: "of waveforms", 4: "of spectrograms"}[rank] for rank in self.ranks)
            ranks = " or ".join(map(str, self.ranks))
            raise ValueError(
                f"{self.name}: the input must be a batch {what}, of rank {ranks}; received "
                f"shape {shape}. Add the axis that is missing, such as x[..., None]."
            )
        if len(shape) == 3:
            warn_of_swapped_axes(shape, self.data_format)
        return shape, self.compute_dtype
