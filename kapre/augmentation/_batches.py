"""`BatchLayer`: the shared base of augmentations that combine the examples of a batch and their labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import keras
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import checked_seed, message, number, probability
from kapre._layer import AudioLayer, DataFormat, Shape, resolve_data_format, time_axis
from kapre._lengths import lengths_within
from kapre.ops import augment, frames, mixing
from kapre.ops.fourier import is_empty
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels.seeds import SeedGenerator

DATA = ("audio", "spectrogram")
LABELS, LENGTHS = "labels", "lengths"
Batch = dict[str, Any]
_RULE = "a dict with 'audio' or 'spectrogram' and 'labels'"
_REMEDY = "Use layer({'audio': x, 'labels': y})."


class BatchLayer(AudioLayer):
    """Combine each example of a batch with others from the batch, and combine the labels in the same way.

    The input is a dict, as for `keras.layers.MixUp`, or a pair `(x, labels)`; the output is of the same kind. The dict
    has "audio" or "spectrogram" (or both), "labels", and optionally "lengths". Other entries are returned as they are.

    The layer changes labels. Use it before a model, not in it: in `tf.data` after `batch`, in the `collate_fn` of a
    DataLoader, or in `train_step`. `training=False` returns the input. In a bare `jax.jit`, pass the state of the
    generator through `stateless_call`.

    Args:
        alpha: float > 0. The parameter of the beta distribution of λ.
        p: float in [0, 1]. Probability that an example is changed.
        pad_value: float. The value past the end of a spectrogram. For log spectrograms, use the floor of the values.
        data_format: "default", "channels_first" or "channels_last". It determines the time axis.
        seed: int or None. An integer makes the random draws repeatable.
        **kwargs: Keras' layer arguments.

    Example:
        ```python
        import keras
        import kapre
        import numpy as np

        @keras.saving.register_keras_serializable("mine")
        class Swap(kapre.augmentation.BatchLayer):
            def draw(self, batch, lengths, time):
                return {"partner": self.draw_partners(batch, 1)}

            def combine(self, x, axis, lengths, parameters):
                weights = keras.ops.stack([keras.ops.zeros(x.shape[0]), keras.ops.ones(x.shape[0])], axis=-1)
                return keras.ops.take(x, parameters["partner"][:, 0], axis=0), weights, lengths

        x, labels = np.arange(3, dtype="float32")[:, None], np.eye(3, dtype="float32")
        y, swapped = Swap(alpha=1.0, seed=0)((x, labels))
        assert np.array_equal(np.asarray(swapped).argmax(axis=1), np.asarray(y)[:, 0])
        ```
    """

    places_matter = False
    """Whether what is drawn are places in time."""

    changes = (*DATA, LABELS, LENGTHS)
    """The entries of a dict that the layer returns anew."""

    def __init__(
        self,
        alpha: float,
        p: float = 1.0,
        pad_value: float = 0.0,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.alpha = number("alpha", alpha, "Use 0.2.", above=0.0, rule="a number above 0")
        self.p = probability(p)
        self.data_format = resolve_data_format(data_format)
        self.seed = checked_seed(seed)
        self.seed_generator = SeedGenerator(self.seed, name="seed_generator")
        self.pad_value = number("pad_value", pad_value, "Use 0.0, or -80.0 for decibels.")

    def draw(self, batch: Any, lengths: Any, time: Any) -> dict[str, Any]:
        """Draw the parameters of a batch as tensors whose first axis is the batch.

        Args:
            batch: Number of examples.
            lengths: Valid samples or frames of each example, int32 `(batch,)`, or None if all are valid.
            time: Number of samples or frames.
        """
        raise NotImplementedError

    def combine(self, x: Any, axis: int, lengths: Any, parameters: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        """Return the new examples, the weights `(batch, n)` of the labels, and the new lengths.

        Args:
            x: The examples, `(batch, ...)`. Past their lengths, waveforms are 0 and spectrograms `pad_value`.
            axis: The axis of time.
            lengths: As for `draw`.
            parameters: What `draw` returned, and `"applied"`.
        """
        raise NotImplementedError

    def combine_labels(self, labels: Any, weights: Any, parameters: Mapping[str, Any]) -> Any:
        """Return the labels of the new examples."""
        return mixing.mixture(mixing.sources(labels, parameters["partner"]), weights)

    def draw_partners(self, batch: Any, count: int) -> Any:
        """Draw `count` permutations of the batch, int32 `(batch, count)`."""
        return ops.transpose(augment.draw_permutations(count, batch, self.seed_generator))

    def _uniform(self, batch: Any) -> Any:
        """Draw a number in [0, 1) for each example, float32 `(batch,)`."""
        return keras.random.uniform((batch,), seed=self.seed_generator, dtype="float32")

    def draw_share(self, batch: Any) -> Any:
        """Draw λ for each example, float32 `(batch,)`."""
        return augment.draw_beta((batch,), self.alpha, self.seed_generator)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        is_dict = isinstance(inputs, Mapping)
        rest = {name: value for name, value in inputs.items() if name not in self.changes} if is_dict else {}
        if is_dict:
            inputs = {name: value for name, value in inputs.items() if name in self.changes}
        found = super().__call__(inputs, *args, **kwargs)
        if not rest:
            return found
        return ({**rest, **found[0]}, found[1]) if kwargs.get("return_parameters") else {**rest, **found}

    def call(
        self,
        inputs: Any,
        training: bool = True,
        parameters: Mapping[str, Any] | None = None,
        return_parameters: bool = False,
    ) -> Any:
        if isinstance(inputs, Mapping):
            found, drawn = self._on_dict(dict(inputs), training, parameters)
            return (found, drawn) if return_parameters else found
        x, labels = self._pair(inputs)
        found, drawn = self._on_dict({DATA[0]: x, LABELS: labels}, training, parameters)
        pair = found[DATA[0]], found[LABELS]
        return (pair, drawn) if return_parameters else pair

    def _pair(self, inputs: Any) -> tuple[Any, Any]:
        if not isinstance(inputs, (tuple, list)) or len(inputs) != 2:
            raise TypeError(message("inputs", f"{_RULE}, or a pair (x, labels)", type(inputs).__name__, _REMEDY))
        return inputs[0], inputs[1]

    def _on_dict(
        self, batch: Batch, training: bool | None = True, parameters: Mapping[str, Any] | None = None
    ) -> tuple[Batch, dict[str, Any]]:
        names = [name for name in DATA if name in batch]
        if not names or LABELS not in batch:
            raise ValueError(message("inputs", _RULE, sorted(batch), _REMEDY))
        if not training:
            return batch, {}
        found, labels = dict(batch), self._checked_labels(batch[LABELS])
        data = {name: self.real_input(ops.convert_to_tensor(batch[name])) for name in names}
        first = data[names[0]]
        times = {int(size) for x in data.values() if isinstance(size := x.shape[self._axis(x)], int)}
        if len(times) > 1 and (self.places_matter or batch.get(LENGTHS) is not None):
            rule = f"{' and '.join(names)} of the same number of places in time"
            raise ValueError(f"`inputs` must have {rule}; received {sorted(times)}. Use one of them.")
        axis = self._axis(first)
        lengths = None
        if batch.get(LENGTHS) is not None:
            lengths = lengths_within(ops.convert_to_tensor(batch[LENGTHS]), first, axis=axis)
        shape = ops.shape(first)
        drawn = dict(self.draw(shape[0], lengths, shape[axis]) if parameters is None else parameters)
        if "applied" not in drawn:
            drawn["applied"] = ops.ones((shape[0],), "bool") if self.p == 1.0 else self._uniform(shape[0]) < self.p
        applied = ops.cast(drawn["applied"], "bool")
        for name, x in data.items():
            axis = self._axis(x)
            if lengths is not None:
                is_wave = name == "audio" and len(x.shape) < 4
                x = frames.keep(x, lengths, 0.0 if is_wave else self.pad_value, axis)
            y, weights, after = self.combine(x, axis, lengths, drawn)
            found[name] = ops.cast(augment.selected(applied, y, x), self.compute_dtype)
        mixed = self.combine_labels(labels, weights, drawn)
        found[LABELS] = augment.selected(applied, mixed, labels)
        if lengths is not None:
            found[LENGTHS] = ops.where(applied, after, lengths)
        return found, drawn

    def _axis(self, x: Any) -> int:
        if len(x.shape) not in (2, 3, 4):
            rule = "waveforms (batch, time) or (batch, time, channel), or spectrograms of rank 4"
            raise ValueError(message("inputs", rule, f"shape {tuple(x.shape)}", "Add the missing axis."))
        return 1 if len(x.shape) == 2 else time_axis(len(x.shape), self.data_format)

    def _checked_labels(self, labels: Any) -> Any:
        labels = ops.convert_to_tensor(labels)
        kind = keras.backend.standardize_dtype(labels.dtype)
        is_float = kind.startswith(("float", "bfloat"))
        known = not (is_float or kernel.is_abstract(labels) or kernel.is_tracing())
        is_index = not is_float and len(labels.shape) < 2
        if is_index or (known and kind != "bool" and not is_empty(labels) and bool(ops.max(labels) > 1)):
            raise ValueError(
                f"`{LABELS}` must be numbers for each class, (batch, classes); received {kind} class numbers of shape "
                f"{tuple(labels.shape)}. Use keras.ops.one_hot(labels, classes)."
            )
        return ops.cast(labels, self.work_dtype)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        return tuple(shape), self.compute_dtype

    def build(self, input_shape: Any = None) -> None:
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        return keras.Operation.compute_output_spec(self, inputs, *args, **kwargs)
