"""The program to export: a function of tensors with dynamic and fixed axes, and the model that holds its weights."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from kapre._checks import message
from kapre._layer import AudioLayer
from kapre._models import ComposedSequential
from kapre._version import __version__
from kapre.deploy._errors import words
from kapre.deploy._inventory import Inventory, inventory
from kapre.deploy._rewrite import rewrite
from kapre.frontends._clips import ClipLayer
from kapre.ops.kernels import overlaid
from kapre.ops.kernels.portable import DEFAULT_WAY, PortableKernel, Way

Shape = tuple[int | None, ...]

LONGEST_TRIED = 1.2507
"""Duration of the longest clip with which a file is tried, in the same units. It is not a whole number of hops."""


@dataclass(frozen=True)
class Slot:
    """Describe an input or an output: its name, its shape with None for dynamic axes, and its dtype."""

    name: str
    shape: Shape
    dtype: str


@dataclass
class Program:
    """Describe a function to export.

    Attributes:
        model: The model that holds the weights.
        source: The original model, with its own layers.
        call: The function, which takes one tensor for each input and returns a list of tensors.
        reference: The same function computed by Keras, on arrays.
        inputs: The inputs.
        outputs: The outputs.
        inventory: What the model consists of.
        metadata: The metadata for the file.
        compare: A function that runs and compares the file, if this takes more than calls at a few sizes.
        way: How to build its transforms.
        max_samples: Number of samples of the longest clip that the file supports. None means no limit.
    """

    model: Any
    source: Any
    call: Callable[..., list[Any]]
    reference: Callable[..., list[np.ndarray]]
    inputs: list[Slot]
    outputs: list[Slot]
    inventory: Inventory
    metadata: dict[str, Any]
    compare: Callable[..., list[Any]] | None = None
    way: Way = DEFAULT_WAY
    max_samples: int | None = None

    @property
    def sample_rate(self) -> float:
        """Return the rate of the samples in Hz, or 16 kHz if it is unknown."""
        return float(self.metadata.get("sample_rate") or 16000.0)

    def try_lengths(self) -> list[int]:
        """Return candidate lower bounds on the number of samples, smallest first, for a backend that needs one."""
        least = self.inventory.least_samples
        return sorted({least, 2 * least, 4 * least, max(least, round(self.sample_rate))})

    def traced(self, *tensors: Any) -> dict[str, Any]:
        """Call the function with the operations that every runtime has. Return its outputs by name."""
        with overlaid(PortableKernel(self.way)):
            found = self.call(*tensors)
        return {slot.name: y for slot, y in zip(self.outputs, found, strict=True)}

    @property
    def metadata_text(self) -> str:
        """Return the metadata as text."""
        return json.dumps(self.metadata, ensure_ascii=False)

    @property
    def longest_tried(self) -> int:
        """Return the number of samples of the longest clip with which a file is tried."""
        return math.ceil(self.unit * LONGEST_TRIED * self.sample_rate)

    @property
    def unit(self) -> float:
        """Return a duration in seconds that is long enough: one second, or more if the shortest clip needs it."""
        return max(1.0, 1.5 * self.inventory.least_samples / self.sample_rate)

    def example(self, batch: int, seconds: float, seed: int = 0) -> list[np.ndarray]:
        """Return inputs with this number of clips and seconds, where these axes are dynamic.

        Floating inputs are sweeps over noise with an offset, and the last quarter of the last clip is silent. Integer
        inputs are lengths, and bool inputs mark the samples within such lengths. All fixed sizes are kept.
        """
        return [_signal(slot, batch, round(seconds * self.sample_rate), seed) for slot in self.inputs]


def _signal(slot: Slot, batch: int, samples: int, seed: int) -> np.ndarray:
    free = [batch if axis == 0 else samples for axis in range(len(slot.shape))]
    shape = tuple(free[axis] if size is None else size for axis, size in enumerate(slot.shape))
    rng = np.random.default_rng(seed)
    if slot.dtype.startswith(("int", "uint")):
        return rng.integers(max(1, samples // 2), samples + 1, shape).astype(slot.dtype)
    if slot.dtype == "bool":
        return np.broadcast_to(
            np.arange(shape[-1]) < rng.integers(shape[-1] // 2, shape[-1] + 1, (*shape[:-1], 1)), shape
        )
    x = np.asarray(0.1 * rng.standard_normal(shape) + 0.05)
    if len(shape) >= 2:
        axis = next((axis for axis in range(1, len(shape)) if slot.shape[axis] is None), int(np.argmax(shape[1:])) + 1)
        turns = np.linspace(0.0, 1.0, shape[axis], endpoint=False) ** 2 * 0.1 * shape[axis]
        sweep = 0.3 * np.sin(2.0 * np.pi * turns).reshape([-1 if a == axis else 1 for a in range(len(shape))])
        x = x + sweep
        last = [slice(None)] * len(shape)
        last[0], last[axis] = slice(-1, None), slice(3 * shape[axis] // 4, None)
        x[tuple(last)] = 0.0
    return x.astype(slot.dtype)


def _as_model(model: Any, input_shape: Sequence[int | None] | None) -> Any:
    """Return a model with inputs: the given model, or a new one around a layer."""
    if not isinstance(model, keras.layers.Layer):
        remedy = "Give it keras.models.load_model(path), say, or kapre.Frontend.from_preset(name)."
        raise TypeError(message("model", "a Keras model or a Kapre layer", model, remedy))
    inputs = getattr(model, "inputs", None)
    if inputs and input_shape is None and not _built_free(model):
        if all(x.shape[0] is None for x in inputs):
            return model
        # Keras built the model for the batch size of a call. A file accepts any.
        free = [keras.Input(x.shape[1:], dtype=x.dtype, name=x.name) for x in inputs]
        given = free[0] if len(free) == 1 else keras.tree.pack_sequence_as(model.input, free)
        return keras.Model(given, model(given), name=model.name)
    if input_shape is None and isinstance(model, ClipLayer):
        input_shape = (None,)
    if input_shape is None:
        remedy = "Give input_shape, the shape of one clip: (None, 1) for a dynamic length and one channel, say."
        raise ValueError(message("model", "one with an Input", f"{type(model).__name__} {model.name!r}", remedy))
    sizes = isinstance(input_shape, (tuple, list)) and all(
        size is None or isinstance(size, int) for size in input_shape
    )
    if not sizes:
        remedy = "Use (None, 1) for a dynamic length and one channel."
        raise TypeError(message("input_shape", "a tuple of ints and None, without the batch", input_shape, remedy))
    dtype = model.work_dtype if isinstance(model, AudioLayer) else "float32"
    samples = keras.Input(tuple(input_shape), dtype=dtype, name="samples")
    try:
        return keras.Model(samples, model(samples), name=model.name)
    except Exception as error:
        rule = "the shape of one clip that the model takes, without the batch"
        raise ValueError(message("input_shape", rule, tuple(input_shape), f"Keras says: {words(error)}")) from error


def _built_free(model: Any) -> bool:
    """Tell whether a helper was built by a call, with every size left free, including the channels."""
    return isinstance(model, ComposedSequential) and set(model.inputs[0].shape) == {None}


def _named(tensors: Sequence[Any], alone: str, several: str) -> list[Slot]:
    """Return slots with meaningful names. Use Keras' name if a person chose it."""
    slots = []
    for i, x in enumerate(tensors):
        name = alone if len(tensors) == 1 else f"{several}_{i}"
        own = re.sub(r"\W", "_", str(x.name))
        if not own.startswith(("keras_tensor", "input_layer")) and own.isidentifier() and alone == "samples":
            name = own
        slots.append(Slot(name, tuple(x.shape), keras.backend.standardize_dtype(x.dtype)))
    return slots


def _check_class_names(class_names: Any, outputs: Sequence[Slot]) -> None:
    if class_names is None:
        return
    names = isinstance(class_names, (list, tuple)) and all(isinstance(name, str) and name for name in class_names)
    if not names:
        rule = "a list of names, none of them empty"
        raise TypeError(message("class_names", rule, class_names, "Use ['yes', 'no'], say."))
    sizes = {slot.shape[-1] for slot in outputs if slot.shape} if len(outputs) == 1 else set()
    if sizes and len(outputs[0].shape) == 2 and sizes != {len(class_names)}:
        rule = f"as many as the output is wide, {outputs[0].shape[-1]}"
        remedy = "Name every class."
        if sizes == {1}:
            remedy = (
                "An output of width 1 has one name. To name two, end the model with Dense(2, activation='softmax')."
            )
        raise ValueError(message("class_names", rule, f"{len(class_names)} names", remedy))


def from_model(
    model: Any,
    input_shape: Sequence[int | None] | None,
    class_names: Sequence[str] | None,
    way: Way = DEFAULT_WAY,
) -> Program:
    """Return the program of a model or a layer, with a dynamic batch."""
    whole = _as_model(model, input_shape)
    found = inventory(whole)
    plain = rewrite(whole, found)
    structure = whole.inputs[0] if len(whole.inputs) == 1 else whole.input
    inputs = _named(whole.inputs, "samples", "input")
    outputs = _named(whole.outputs, "features" if found.only_kapre else "output", "output")
    own = [re.sub(r"\W", "_", name) for name in getattr(whole, "output_names", ())]
    if len(own) == len(outputs) > 1 and len(set(own)) == len(own) and all(name.isidentifier() for name in own):
        outputs = [dataclasses.replace(slot, name=name) for slot, name in zip(outputs, own, strict=True)]
    _check_class_names(class_names, outputs)

    def run(of: Any, tensors: Sequence[Any]) -> list[Any]:
        return keras.tree.flatten(of(keras.tree.pack_sequence_as(structure, list(tensors)), training=False))

    def reference(*arrays: np.ndarray) -> list[np.ndarray]:
        return [np.asarray(ops.convert_to_numpy(y)) for y in run(whole, [ops.convert_to_tensor(x) for x in arrays])]

    return Program(
        model=plain,
        source=whole,
        call=lambda *tensors: run(plain, tensors),
        reference=reference,
        inputs=inputs,
        outputs=outputs,
        inventory=found,
        metadata={
            "kapre": __version__,
            "sample_rate": found.sample_rate,
            "least_samples": found.least_samples,
            "class_names": None if class_names is None else [str(name) for name in class_names],
            "recipes": [json.loads(recipe.to_json()) for recipe in found.recipes],
        },
        way=way,
    )
