"""The models that the composed helpers return: `ComposedSequential`, which runs in one piece, and `ComposedModel`."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import numpy as np
from keras import ops

from kapre import executor
from kapre._layer import (
    AudioLayer,
    FirstCalls,
    ShortCalls,
    channels_in_place,
    channels_second,
    check_mask,
    is_complex,
    lengths_of,
    register,
    shape_channels_second,
)
from kapre.ops.kernels import active as kernel
from kapre.recipe import Recipe
from kapre.time_frequency import STFT


def _mask_behind(layer: Any, x: Any, mask: Any) -> Any:
    return layer.compute_mask(x, mask) if layer.supports_masking else None


@register
class ComposedSequential(ShortCalls, keras.Sequential):
    """Chain Kapre layers as a `keras.Sequential` that runs in one piece.

    The composed helpers return this model. Its layers are available in `.layers` and can be used one by one. When the
    model is called as a whole, a chain that is equivalent to a `Recipe` runs as that recipe, without the complex tensor
    and the transposes between layers. Any other chain runs layer by layer. Both ways give the same numbers.

    The model differs from a plain Sequential in one more way. Under a half-precision policy, the waveform reaches the
    first layer unrounded, and the result is cast once, at the end. (A plain Sequential casts the waveform to float16,
    which causes 16 dB of error on quiet noise below a loud tone.) An outer model keeps this behaviour if it is made on
    a `keras.Input`, or if it is a Sequential that starts with a helper of known `input_shape`. Any other Sequential
    rounds its input, and so does a subclassed model unless it has `autocast=False`. `keras.models.clone_model(helper)`
    makes a plain Sequential, which does not pass on a mask. `type(helper).from_config(helper.get_config())` makes an
    equivalent model.

    Args:
        layers: A list of layers, or None.
        trainable: Whether added layers may be trained.
        name: The name of the model.
        dtype: The dtype policy of the result, or None for Keras' global one.

    Example:
        ```python
        import numpy as np
        import kapre

        mel = kapre.get_melspectrogram_layer(n_fft=512, hop_length=160, sample_rate=16000, n_mels=40)
        assert tuple(mel(np.zeros((1, 16000, 1), "float32")).shape) == (1, 97, 40, 1)
        assert mel.recipe.n_mels == 40
        ```
    """

    def __init__(
        self, layers: list[Any] | None = None, trainable: bool = True, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(layers, trainable=trainable, name=name)
        if dtype is not None:
            self.dtype_policy = dtype
        self.autocast = False
        self.supports_masking = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        args = tuple(map(kernel.given, args))
        if self._recipe is not None and self._skips_keras(args, kwargs):
            return kernel.call(self, *args)
        y = self._call_keras(super().__call__, args, kwargs)
        self._remember(args, kwargs)
        return y

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Return the mask over the output's time for a mask over the input's time."""
        for layer in self.layers:
            previous_mask = _mask_behind(layer, None, previous_mask)
        return previous_mask

    @property
    def recipe(self) -> Recipe | None:
        """Return the recipe that is equivalent to the layers, or None if there is none and they run one by one."""
        return self._recipe

    _recipe: Recipe | None = None
    _built_free = False
    _may_skip_keras = True  # training changes nothing in a chain that is a recipe

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Add a layer at the end."""
        if self._built_free and not isinstance(layer, AudioLayer):
            # A layer with weights needs the sizes that `build` left free, so the next call builds with actual sizes.
            self._layers: list[Any] = [kept for kept in self._layers if not isinstance(kept, keras.layers.InputLayer)]
            self._functional = None
            self.built = self._built_free = False
        super().add(layer, rebuild=rebuild)
        first = self._layers[0]
        if isinstance(first, keras.layers.InputLayer) and not self._built_free:
            # `input_shape=` sets this attribute on a layer (Keras 3.10 to 3.15). An outer Sequential then starts with
            # an Input and does not round the samples to its own dtype.
            self._input_shape_arg = first.batch_shape[1:]
        self._signature_seen, self._was_called = None, False
        self._recipe = executor.recipe_of(self.layers)  # here, because a call may be traced

    def pop(self, rebuild: bool = True) -> Any:
        """Remove the last layer and return it."""
        popped = super().pop(rebuild=rebuild)
        self._signature_seen, self._was_called = None, False
        self._recipe = executor.recipe_of(self.layers)
        return popped

    def build(self, input_shape: Any = None) -> None:
        """Build the layers. For Kapre's own layers, every size stays free, so that later inputs may vary in length."""
        if input_shape is not None and self.layers and isinstance(self.layers[0], AudioLayer):
            self.layers[0].output_shape_and_dtype(input_shape)  # raise for a wrong shape before building
        # Use `_layers`, because only it contains an Input, whose shape is fixed.
        if input_shape is not None and all(isinstance(layer, AudioLayer) for layer in self._layers):
            input_shape = (None,) * len(input_shape)
            self._built_free = True
        super().build(input_shape)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None, **kwargs: Any) -> Any:
        recipe = self.recipe
        if recipe is None:
            return self._cast(self._call_layers(inputs, mask))
        first: STFT = self.layers[0]
        x = first.real_input(inputs)
        if mask is not None and len(x.shape) == 3:
            samples = shape_channels_second(tuple(x.shape), 3, first.input_data_format)
            check_mask(mask, (samples[0], samples[2]), "Give one value for each sample.")
        found = self._in_bucket(recipe, x, mask)
        if found is not None:
            return found
        x = channels_second(x, 3, first.input_data_format)
        return channels_in_place(self._cast(executor.run(recipe, x, lengths_of(mask))), first.output_data_format)

    def _in_bucket(self, recipe: Recipe, x: Any, mask: Any) -> Any:
        """Return the result of an eager call with a new length on JAX, or None; see `executor.run_in_bucket`."""
        if len(x.shape) != 3 or not kernel.is_held(x):
            return None
        first: STFT = self.layers[0]
        samples = shape_channels_second(x.shape, 3, first.input_data_format)[-1]
        if samples is None or not executor.goes_by_bucket(recipe, samples, x, mask):
            return None
        lengths = None if mask is None else lengths_of(np.asarray(mask))
        y = executor.run_in_bucket(recipe, channels_second(np.asarray(x), 3, first.input_data_format), lengths)
        return None if y is None else kernel.put(channels_in_place(y, first.output_data_format), self.compute_dtype, x)

    def _call_layers(self, x: Any, mask: Any) -> Any:
        """Call the layers one after another. Keras' own call would first cast the samples to the policy's dtype."""
        for layer in self.layers:
            options = {"mask": mask} if "mask" in inspect.signature(layer.call).parameters else {}
            x = layer(x, **options)  # each layer knows `training` from this model's call
            mask = _mask_behind(layer, x, mask)
        return x

    def _cast(self, x: Any) -> Any:
        floating = keras.backend.is_float_dtype(keras.backend.standardize_dtype(x.dtype))
        return ops.cast(x, self.compute_dtype) if floating else x

    def compute_output_spec(self, inputs: Any, training: bool | None = None, mask: Any = None, **kwargs: Any) -> Any:
        spec = inputs
        for layer in self.layers:
            spec = layer.compute_output_spec(spec)
        if is_complex(spec.dtype) or not keras.backend.is_float_dtype(spec.dtype):
            return spec
        return keras.KerasTensor(spec.shape, dtype=self.compute_dtype)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> ComposedSequential:
        """Make the model that `get_config` describes, under its original dtype policy."""
        model: ComposedSequential = super().from_config(config, custom_objects=custom_objects)
        if config.get("dtype") is not None:
            model.dtype_policy = keras.dtype_policies.get(config["dtype"])
        return model


@register
class ComposedModel(FirstCalls, keras.Model):
    """Chain Kapre layers as a functional model that passes on a mask and runs inside `tf.data`.

    Args:
        *args: `inputs` and `outputs`, as in `keras.Model`.
        **kwargs: Keyword arguments of `keras.Model`, such as `inputs`, `outputs` and `name`.

    Example:
        ```python
        import kapre

        assert isinstance(kapre.get_stft_mag_phase((None, 1)), kapre.composed.ComposedModel)
        ```
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.supports_masking = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call_keras(super().__call__, args, kwargs)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Return the mask over frames for a mask over samples. Only one of the layers changes the time axis."""
        for layer in self.layers:
            if isinstance(layer, AudioLayer):
                previous_mask = layer.compute_mask(None, previous_mask)
        return previous_mask
