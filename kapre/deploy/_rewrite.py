"""Preparation of a model's chains of single layers for export: complex spectrograms become pairs of real ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from kapre import executor
from kapre._layer import AudioLayer, channels_in_place, channels_second
from kapre._models import ComposedSequential
from kapre.deploy._errors import ExportError
from kapre.frontends import Frontend
from kapre.ops import fourier, lowered
from kapre.time_frequency import STFT, InverseSTFT, Magnitude, Phase


def every_layer(model: Any) -> list[Any]:
    """Return the layers of a model, including those of models within it, each once."""
    found: dict[int, Any] = {}

    def visit(layer: Any) -> None:
        if id(layer) in found:
            return
        found[id(layer)] = layer
        fused = isinstance(layer, ComposedSequential) and layer.recipe is not None
        for part in () if fused else getattr(layer, "_layers", ()) or getattr(layer, "layers", ()):
            visit(part)

    visit(model)
    return list(found.values())


def _runs(layers: list[Any]) -> list[tuple[int, int]]:
    """Return the start and stop of each run of layers in a list that is equivalent to a recipe."""
    found = []
    first = 0
    while first < len(layers):
        ends = range(len(layers), first + 1, -1)
        last = next((last for last in ends if executor.recipe_of(layers[first:last]) is not None), None)
        if last is not None:
            found.append((first, last))
        first = first + 1 if last is None else last
    return found


def chains(model: Any) -> list[list[Any]]:
    """Return the runs of single layers, within a model's Sequentials, that are equivalent to a recipe."""
    found = []
    for layer in every_layer(model):
        if isinstance(layer, keras.Sequential) and not (isinstance(layer, ComposedSequential) and layer.recipe):
            found += [layer.layers[first:last] for first, last in _runs(layer.layers)]
    return found


def rewritten(model: Any, way: fourier.Way) -> list[str]:
    """Return a description of what the exported model computes in another way, one line for each layer."""
    lines = []
    joined = {id(layer) for chain in chains(model) for layer in chain}
    for layer in every_layer(model):
        if isinstance(layer, (Frontend, ComposedSequential)):
            recipe = layer.recipe
            if recipe is not None and recipe.power is not None:
                lines.append(f"{layer.name}: {_words(recipe.n_fft, way)}")
        elif type(layer) is STFT:
            how = "in one piece with what follows" if id(layer) in joined else "its complex output as two real tensors"
            lines.append(f"{layer.name}: {_words(layer.n_fft, way)}; {how}")
        elif type(layer) is InverseSTFT:
            lines.append(f"{layer.name}: inverse DFT of {layer.n_fft} points by two matrix products")
    return lines


def _words(n_fft: int, way: fourier.Way) -> str:
    with fourier.lowering(way):
        factors = lowered.factors(n_fft)
    if factors is None:
        return f"DFT of {n_fft} points by {'matrix products' if way.by_products else 'strided convolutions'}"
    return f"DFT of {n_fft} points in two stages of {factors[0]} and {factors[1]}"


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
    for first, last in _runs(layers):
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
        if isinstance(layer, ComposedSequential) and layer.recipe is not None:
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


def rewrite(model: Any) -> Any:
    """Return a model without complex tensors that shares the layers and weights of the given model."""
    loose = [layer for layer in every_layer(model) if type(layer) in (STFT, InverseSTFT)]
    if not loose:
        return model
    if not getattr(model, "inputs", None):
        raise ExportError(
            f"{loose[0].name}: a complex spectrogram within a model that is neither functional nor Sequential cannot "
            "be exported. Use a helper, kapre.get_melspectrogram_layer(…) say, or kapre.Frontend, in its place."
        )
    for layer in every_layer(model):
        inside = getattr(layer, "_layers", ()) if not isinstance(layer, keras.Model) else ()
        if any(isinstance(part, AudioLayer) and type(part) in (STFT, InverseSTFT) for part in inside):
            raise ExportError(f"{layer.name}: an STFT within a layer cannot be exported. Use kapre.Frontend there.")
    return _Rewriter().model(model)
