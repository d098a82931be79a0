"""`Frontend`: any recipe as one layer."""

from __future__ import annotations

import dataclasses
import difflib
import json
import warnings
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import keras
import numpy as np
from keras import ops

from kapre import executor
from kapre._checks import count, flag, message
from kapre._layer import AudioLayer, Shape, lengths_of, register
from kapre.frontends.presets import list_presets, preset
from kapre.frontends.stream import Stream
from kapre.ops import buckets, filterbanks, frames
from kapre.ops.kernels import active as kernel
from kapre.ops.windows import window
from kapre.recipe import Recipe

_lengths: ContextVar[Any] = ContextVar("_lengths", default=None)
"""The lengths of the call under way, for the mask that Keras asks for behind it."""


def _recipe(value: Any) -> Recipe:
    if isinstance(value, Recipe):
        return value
    if isinstance(value, Mapping):
        return Recipe.from_json(json.dumps(dict(value)))
    remedy = "Use kapre.Frontend.from_preset(name) for a published front end, kapre.Recipe.from_json(text) for JSON."
    raise TypeError(message("recipe", "a kapre.Recipe", value, remedy))


def _warn_of_empty_bands(recipe: Recipe) -> None:
    """Warn of bands that hold nothing, but for those that a published front end has itself."""
    if recipe.bank is None or recipe.bank.any(axis=0).all():
        return
    published = (preset(name).recipe.bank for name in list_presets())
    if not any(bank is not None and np.array_equal(recipe.bank, bank) for bank in published):
        filterbanks.warn_if_empty(recipe.bank, recipe.sample_rate or 0.0)


def _check_mask(mask: Any, x: Any) -> None:
    """Refuse a mask that is not over the samples: one over frames, say, would silence them all."""
    given, wanted = tuple(mask.shape), tuple(x.shape)
    fits = len(given) == 2 and all(None in pair or pair[0] == pair[1] for pair in zip(given, wanted, strict=True))
    if not fits:
        rule = f"over the samples, of shape {wanted}"
        raise ValueError(message("mask", rule, f"shape {given}", "Or give lengths, the samples of each clip."))


def _within(lengths: Any, x: Any) -> Any:
    """Return each clip's samples as int32, none past the end of `(batch, time)`."""
    return ops.cast(ops.clip(lengths, 0, ops.shape(x)[1]), "int32")


class _FrameMask(keras.Operation):
    """Tell which of the entries along a front end's time are of the clip, `(batch, entries)`."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe

    def call(self, inputs: Any, lengths: Any) -> Any:
        entries = self.recipe.num_frames(ops.shape(inputs)[1])
        if kernel.COMPILES_EAGER_CALLS and kernel.is_held(inputs) and kernel.is_held(lengths):
            own = [self.recipe.num_valid_entries(int(n)) for n in np.clip(lengths, 0, inputs.shape[1])]
            return kernel.put(np.arange(entries) < np.array(own, "int32").reshape(-1, 1), "bool", inputs)
        return frames.within(entries, self.recipe.num_valid_entries(_within(lengths, inputs)), 2)

    def compute_output_spec(self, inputs: Any, lengths: Any) -> Any:
        return keras.KerasTensor((inputs.shape[0], self.recipe.num_frames(inputs.shape[1])), dtype="bool")


@register
class Frontend(AudioLayer):
    """Compute the features that a recipe describes, from samples, in one piece.

    Everything that the published model's own code did to the sound, from the scale of the samples to the statistics
    over time, happens in this layer, so that the saved model takes samples. Each clip's features are those of the clip
    alone, whatever stands beside it in the batch: give the samples of each with `lengths` (or a mask), and what lies
    past them is taken for nothing.

    Args:
        recipe: What to compute: a `kapre.Recipe`. `Frontend.from_preset(name)` takes a published one.
        trainable_filterbank: Whether the filter bank is a weight that training changes.
        trainable_window: The same of the window.
        seed: Seed of the dither, which is added in training only, where the recipe has any.
        **kwargs: Keras' layer arguments.

    Call arguments:
        inputs: Samples at `recipe.sample_rate`, full scale at 1.0; floating point, `(batch, time)`.
        lengths: Integers of shape `(batch,)`, the samples of each clip, or None: all. More than there are count as all
            that there are.
        mask: Keras' mask `(batch, time)`, which may say the same: a clip ends at its last True, and what is False
            before that is sound all the same. `lengths` goes before it.

    Input shape:
        `(batch, time)`.

    Output shape:
        `(batch, *recipe.output_shape(time))`: `(batch, frames, bands)` or `(batch, bands, frames)` by the recipe's
        layout. With `lengths`, what lies past a clip's own `num_frames(length)` is 0, and the output carries the mask
        over time, `(batch, frames)`, of the frames that count; a recipe of a fixed length has neither.

    Raises:
        TypeError: If the recipe is none, or the samples are integers.
        ValueError: If the input has another rank, or an option does not fit the recipe.

    Notes:
        Samples do not show their rate: `frontend.recipe.sample_rate` says which one is meant, also in the saved file,
        and everything of Kapre that reads audio files resamples to it.

    Example:
        ```python
        import numpy as np
        import kapre

        frontend = kapre.Frontend.from_preset("whisper")
        x = np.random.uniform(-1, 1, (1, 16000)).astype("float32")
        assert tuple(frontend(x).shape) == (1, 80, 3000)

        kaldi = kapre.Frontend.from_preset("kaldi_fbank", n_mels=40)
        y = kaldi(np.zeros((2, 16000), "float32"), lengths=[16000, 8000])
        assert tuple(y.shape) == (2, 98, 40) and kaldi.num_frames(8000) == 48
        ```
    """

    def __init__(
        self,
        recipe: Recipe | Mapping[str, Any],
        trainable_filterbank: bool = False,
        trainable_window: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.recipe = _recipe(recipe)
        self.trainable_filterbank = flag("trainable_filterbank", trainable_filterbank)
        self.trainable_window = flag("trainable_window", trainable_window)
        if self.trainable_filterbank and self.recipe.bank is None:
            rule = "False for a recipe without a filter bank"
            raise ValueError(message("trainable_filterbank", rule, True, "Use a recipe with filterbank='mel'."))
        if self.trainable_window and self.recipe.power is None:
            rule = "False for a recipe without a spectrum"
            raise ValueError(message("trainable_window", rule, True, "Use a recipe with a power."))
        self.seed = None if seed is None else count("seed", seed, "Use a whole number, or None.")
        if self.recipe.win_length > self.recipe.n_fft and self.recipe.power is not None:
            warnings.warn(
                f"win_length={self.recipe.win_length} is longer than n_fft={self.recipe.n_fft}: each windowed frame is "
                f"cropped. Use n_fft={self.recipe.win_length} or more to keep the whole window.",
                stacklevel=2,
            )
        self.seed_generator = keras.random.SeedGenerator(self.seed) if self.recipe.dither else None
        self.bank_weight = self.window_weight = None
        if self.trainable_filterbank:  # not in `build`: whoever asks for the weights before the first call has them
            self.bank_weight = self._weight("filterbank", self.recipe.bank)
        if self.trainable_window:
            self.window_weight = self._weight("window", window(**self.recipe.window_arguments))
        _warn_of_empty_bands(self.recipe)
        self._goes_short = self.seed_generator is None and not (trainable_filterbank or trainable_window)

    @classmethod
    def from_preset(cls, preset_name: str, /, **changes: Any) -> Frontend:
        """Make a published front end.

        Args:
            preset_name: One of `kapre.list_presets()`.
            **changes: Fields of the recipe to change, and arguments of the layer.

        Returns:
            The layer.

        Raises:
            ValueError: If there is no such preset; the message names the nearest.
            TypeError: If a change is neither a field of the recipe nor an argument of the layer.
        """
        recipe = preset(preset_name).recipe
        names = {field.name for field in dataclasses.fields(Recipe)}
        fields = {key: changes.pop(key) for key in list(changes) if key in names}
        own = ("trainable_filterbank", "trainable_window", "seed", "name", "dtype", "trainable", "activity_regularizer")
        for key in set(changes) - set(own):
            near = difflib.get_close_matches(key, (*names, *own), n=2, cutoff=0.5)
            remedy = f"Use {' or '.join(near)}." if near else "See help(kapre.Recipe)."
            rule = "a field of kapre.Recipe or an argument of the layer"
            raise TypeError(message("changes", rule, key, remedy))
        return cls(recipe.replace(**fields), **changes)

    def num_frames(self, n_samples: Any) -> Any:
        """Count the frames (stacks, patches, chunks; without a spectrum, samples) that a clip becomes.

        Args:
            n_samples: An int, or None (unknown), or an integer tensor.
        """
        return self.recipe.num_frames(n_samples)

    def stream(self, chunk_samples: int | None = None, compile: bool = False) -> Stream:
        """Return this front end chunk by chunk.

        Args:
            chunk_samples: Samples in every chunk, for a step of fixed shapes; None for chunks of any size.
            compile: Whether `step` runs compiled, ten times as fast and more on JAX and TensorFlow; see `Stream`.

        Raises:
            ValueError: If a stage of the recipe needs the whole clip; the message names it and what streams instead.
        """
        return Stream(self, chunk_samples, compile)

    def build(self, inputs_shape: Any, lengths_shape: Any = None) -> None:
        super().build(inputs_shape)

    def _weight(self, name: str, values: np.ndarray | None) -> Any:
        assert values is not None
        return self.add_weight(
            name=name, shape=values.shape, initializer=keras.initializers.Constant(values), dtype=self.work_dtype
        )

    def __call__(self, inputs: Any, lengths: Any = None, **kwargs: Any) -> Any:
        inputs = kernel.given(inputs)
        if lengths is None and self._is_short((inputs,), kwargs):
            return kernel.call(self, inputs)
        if lengths is not None:
            kwargs["lengths"] = lengths = self._checked_lengths(inputs, lengths)
        token = _lengths.set(lengths)  # None too: this call may be part of another one's, which has some
        try:
            return super().__call__(inputs, **kwargs)
        finally:
            _lengths.reset(token)

    def _checked_lengths(self, inputs: Any, lengths: Any) -> Any:
        if not hasattr(lengths, "dtype"):
            lengths = np.asarray(lengths)
        if isinstance(lengths, np.ndarray) and lengths.dtype.kind in "iu":
            lengths = np.clip(lengths, 0, 2**31 - 1).astype("int32")
        kind = keras.backend.standardize_dtype(lengths.dtype)
        if not kind.startswith(("int", "uint")) or len(lengths.shape) != 1:
            given = f"{kind} of shape {tuple(lengths.shape)}"
            rule = "integers of shape (batch,), the samples of each clip"
            raise ValueError(message("lengths", rule, given, "Give one number for each clip."))
        batch = getattr(inputs, "shape", (None,))[0]
        if None not in (batch, lengths.shape[0]) and batch != lengths.shape[0]:
            raise ValueError(
                message("lengths", f"one number for each of {batch} clips", tuple(lengths.shape), "Give as many.")
            )
        return lengths

    def call(self, inputs: Any, lengths: Any = None, mask: Any = None, training: bool | None = None) -> Any:
        if len(inputs.shape) != 2:
            self.output_shape_and_dtype(tuple(inputs.shape))  # refuses it, also after the first call
        x = self.real_input(inputs)
        if mask is not None:
            _check_mask(mask, x)
        found = self._in_bucket(x, lengths, mask, training) if kernel.COMPILES_EAGER_CALLS else None
        if found is not None:
            return found
        lengths = lengths_of(mask) if lengths is None else _within(lengths, x)
        noise = None
        if training and self.seed_generator is not None:
            noise = keras.random.normal(ops.shape(x), dtype=self.work_dtype, seed=self.seed_generator)
        y = executor.run(self.recipe, x, lengths, window=self.window_weight, bank=self.bank_weight, noise=noise)
        if lengths is not None:
            y = self._only_valid(y, lengths)
        return ops.cast(y, self.compute_dtype)

    def _in_bucket(self, x: Any, lengths: Any, mask: Any, training: Any) -> Any:
        """Return the result of an eager call of a new length on JAX, or None: see `executor.run_in_bucket`."""
        if training and self.seed_generator is not None:
            return None
        weights = {
            name: None if weight is None else ops.convert_to_tensor(weight)
            for name, weight in (("window", self.window_weight), ("bank", self.bank_weight))
        }
        if not executor.goes_by_bucket(self.recipe, x.shape[-1], x, lengths, mask, *weights.values()):
            return None
        own = buckets.lengths_of(mask) if lengths is None and mask is not None else lengths
        y = executor.run_in_bucket(self.recipe, x, own, **weights, only_valid=own is not None)
        return None if y is None else kernel.put(y, self.compute_dtype, x)

    def _only_valid(self, y: Any, lengths: Any) -> Any:
        own = self.recipe.num_frames(lengths)
        if isinstance(own, int):
            return y
        axis = self.recipe.time_axis(len(y.shape))
        inside = frames.within(ops.shape(y)[axis], own, len(y.shape), axis=axis)
        return ops.where(inside, y, ops.zeros_like(y))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Return the mask over the output's time, `(batch, entries)`, for the call's lengths or the mask over samples.

        None where there is neither, or every clip becomes as many frames.
        """
        lengths = _lengths.get()
        if lengths is None:
            lengths = lengths_of(previous_mask)
        if lengths is None or isinstance(self.recipe.num_frames(None), int):
            return None
        return _FrameMask(self.recipe)(inputs, lengths)

    def compute_output_shape(self, inputs_shape: Any, lengths_shape: Any = None) -> Shape:
        return super().compute_output_shape(inputs_shape)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        if len(shape) != 2:
            hint = {
                1: " For one clip, add the batch: x[None].",
                3: " Its channels are no samples: take one, x[..., 0], or their mean.",
            }.get(len(shape), "")
            raise ValueError(f"{self.name}: the input must have shape (batch, time); received {tuple(shape)}.{hint}")
        batch, time = shape
        return (batch, *self.recipe.output_shape(time)), self.compute_dtype

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument, the recipe as what JSON holds."""
        return {**super().get_config(), "recipe": json.loads(self.recipe.to_json())}
