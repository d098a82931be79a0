"""Preparation of a model's chains of single layers for export: complex spectrograms become pairs of real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import keras
from keras import ops

from kapre import executor
from kapre._layer import channels_in_place, channels_second
from kapre._models import ComposedSequential
from kapre.deploy._errors import ExportError
from kapre.deploy._inventory import Inventory, Transform, is_fused, runs
from kapre.ops import fourier
from kapre.ops.kernels.portable import PortableKernel, Way
from kapre.time_frequency import STFT, InverseSTFT, Magnitude, Phase


def rewritten(transforms: Iterable[Transform], way: Way) -> tuple[str, ...]:
    """Return a description of each transform that the exported model computes in another way."""
    return tuple(f"{each.layer}: {_words(each, way)}{each.output}" for each in transforms)


def _words(transform: Transform, way: Way) -> str:
    if transform.inverse:
        return f"inverse DFT of {transform.n_fft} points by two matrix products"
    factors = PortableKernel(way).factors(transform.n_fft)
    if factors is None:
        how = "matrix products" if way.by_products or transform.of_frames else "strided convolutions"
        return f"DFT of {transform.n_fft} points by {how}"
    return f"DFT of {transform.n_fft} points in two stages of {factors[0]} and {factors[1]}"


class _Parts(keras.layers.Layer):
    """Return the two parts of a complex spectrogram as two outputs, each in the data format of the layer."""

    def __init__(self, stft: STFT) -> None:
        super().__init__(name=f"{stft.name}_parts", dtype=stft.work_dtype, autocast=False)
        self.stft = stft

    def call(self, inputs: Any) -> Any:
        return tuple(channels_in_place(part, self.stft.output_data_format) for part in self.stft.transform(inputs))

    def compute_output_spec(self, inputs: Any) -> Any:
        shape, _ = self.stft.output_shape_and_dtype(inputs.shape)
        return tuple(keras.KerasTensor(shape, dtype=self.stft.work_dtype) for _ in range(2))


class _OfParts(keras.layers.Layer):
    """Apply an operation on a complex spectrogram to its two parts."""

    def __init__(self, layer: Any) -> None:
        super().__init__(name=f"{layer.name}_of_parts", dtype=layer.dtype_policy, autocast=False)
        self.layer = layer

    def call(self, real: Any, imag: Any) -> Any:
        layer = self.layer
        if isinstance(layer, Magnitude):
            y = fourier.magnitude((real, imag), layer.power)
        elif isinstance(layer, Phase):
            y = fourier.phase((real, imag), layer.approx_atan_accuracy)
        else:
            real, imag = (channels_second(part, 4, layer.input_data_format) for part in (real, imag))
            y = executor.istft(layer._recipe, (real, imag), layer.exact_edges, layer.length)
            return channels_in_place(ops.cast(y, layer.compute_dtype), layer.output_data_format)
        return ops.cast(y, layer.compute_dtype)

    def compute_output_spec(self, real: Any, imag: Any) -> Any:
        shape, dtype = self.layer.output_shape_and_dtype(real.shape)
        return keras.KerasTensor(shape, dtype=dtype)


def _fused(layers: list[Any]) -> list[Any]:
    """Return layers with each run that is equivalent to a recipe merged into one layer."""
    found: list[Any] = []
    done = 0
    for first, last in runs(layers):
        found += layers[done:first]
        found.append(ComposedSequential(layers[first:last], dtype=layers[first].dtype_policy))
        done = last
    return found + layers[done:]


class _Rewriter:
    """Call a model's layers again on new symbolic inputs, with replacements for those with complex tensors."""

    def __init__(self) -> None:
        self._pairs: dict[int, tuple[Any, Any]] = {}
        self._kept: list[Any] = []
        self._in_place: dict[int, Any] = {}

    def _instead(self, layer: Any, make: Callable[[Any], Any]) -> Any:
        """Return the replacement for a layer. It is the same wherever the layer is called."""
        if id(layer) not in self._in_place:
            self._in_place[id(layer)] = make(layer)
        return self._in_place[id(layer)]

    def call(self, layer: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a layer, or its replacement."""
        given = [x for x in keras.tree.flatten((args, kwargs)) if id(x) in self._pairs]
        if given:
            if type(layer) not in (Magnitude, Phase, InverseSTFT):
                raise ExportError(
                    f"{layer.name}: a complex spectrogram cannot be exported, and this {type(layer).__name__} takes "
                    "one. Only Magnitude, Phase and InverseSTFT may follow an STFT: put Magnitude or Phase before it."
                )
            return self._instead(layer, _OfParts)(*self._pairs[id(given[0])])
        if type(layer) is STFT:
            pair = self._instead(layer, _Parts)(args[0])
            self._pairs[id(pair[0])] = pair
            self._kept.append(pair)  # keeps the tensor alive, so that its id stays unique
            return pair[0]
        if is_fused(layer):
            return layer(*args, **kwargs)
        if isinstance(layer, keras.Sequential):
            x = args[0]
            for part in self._instead(layer, lambda layer: _fused(layer.layers)):
                x = self.call(part, x)
            return x
        if isinstance(layer, keras.Model) and getattr(layer, "inputs", None):
            return self._instead(layer, self.model)(*args, **kwargs)
        return layer(*args, **kwargs)

    def model(self, model: Any) -> Any:
        """Return a functional model or a Sequential whose layers with complex tensors are replaced."""
        if isinstance(model, keras.Sequential):
            x = keras.Input(batch_shape=model.inputs[0].shape, dtype=model.inputs[0].dtype, name=model.inputs[0].name)
            return keras.Model(x, self._real(self.call(model, x), model), name=model.name)
        made = keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=self.call)
        for output in keras.tree.flatten(made.output):
            self._real(output, model)
        return made

    def _real(self, output: Any, model: Any) -> Any:
        if id(output) in self._pairs:
            raise ExportError(
                f"{model.name}: its output is complex, which no exported file holds. End with Magnitude or Phase."
            )
        return output


def rewrite(model: Any, found: Inventory) -> Any:
    """Return a model without complex tensors that shares the layers and weights of the given model."""
    if not found.complex_layers:
        return model
    if not getattr(model, "inputs", None):
        raise ExportError(
            f"{found.complex_layers[0]}: a complex spectrogram within a model that is neither functional nor "
            "Sequential cannot be exported. Use a helper, kapre.get_melspectrogram_layer(…) say, or kapre.Frontend, "
            "in its place."
        )
    for name in found.around_complex:
        raise ExportError(f"{name}: an STFT within a layer cannot be exported. Use kapre.Frontend there.")
    return _Rewriter().model(model)
