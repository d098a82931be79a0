"""Computation of a recipe, and conversion of a chain of layers to a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from keras import ops

from kapre import _lazy, stages
from kapre._checks import message
from kapre.ops import buckets, fourier, frames, kernels
from kapre.ops.fourier import Pair
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels import portable
from kapre.ops.kernels._blocks import Stages
from kapre.recipe import Recipe
from kapre.stages import Call, spectrum
from kapre.stages.spectrum import inverse_stages, transform

_lazy.bind()  # a recipe is read without Keras; to compute it takes Keras


def padded(recipe: Recipe, x: Any, lengths: Any = None) -> Any:
    """Return samples `(..., time)` with the padding of the frames of a recipe; see `stft`."""
    call = Call(lengths=lengths)
    return frames.at_edges(stages.FRAMING.run(recipe, x, call), call.edges)


def stft(recipe: Recipe, x: Any, lengths: Any = None, dft: Literal["fft", "conv"] = "fft") -> Pair:
    """Transform `(..., time)` floats into real and imaginary parts, each `(..., frames, n_freq)`.

    `lengths`, of shape `(batch,)`, holds the number of samples of each item. Samples past the end of an item are
    treated as silence, and padding starts there.
    """
    x = padded(recipe, x, lengths)
    # An export has its own way. TensorFlow 2.21 convolves an empty batch into another shape.
    if dft == "conv" and kernels.current() is kernel and not fourier.is_empty(x):
        x = frames.pad(x, 0, recipe.frame_length - 1) if recipe.pad_end else x
        return portable.stft_by_convolutions(x, recipe.analysis_window, recipe.n_fft, recipe.hop_length)
    return fourier.stft(x, recipe.analysis_window, recipe.n_fft, recipe.hop_length, recipe.pad_end)


def complex_stft(recipe: Recipe, x: Any, lengths: Any = None) -> Any:
    """Compute `stft` as complex numbers, which some kernels do in one piece."""
    call = Call(lengths=lengths)
    return transform(recipe, stages.FRAMING.run(recipe, x, call), call)


def _constant_q(recipe: Recipe, x: Any, lengths: Any) -> Pair:
    call = Call(lengths=lengths)
    return spectrum.constant_q(recipe, stages.FRAMING.run(recipe, x, call), call)


constant_q = kernels.compiled(_constant_q)
"""Compute the complex constant-Q transform of a recipe, without other stages, as pairs `(..., frames, n_bins)`."""


def istft(recipe: Recipe, pair: Pair, exact_edges: bool = False, length: int | None = None, lengths: Any = None) -> Any:
    """Invert `stft`: convert pairs of `(..., frames, n_freq)` to `(..., time)` and remove the padding of `center`.

    `length` cuts or zero-pads the result to that many samples. `lengths`, of shape `(batch,)`, holds the number of
    frames of each item.
    """
    x = fourier.istft(
        pair, recipe.analysis_window, recipe.synthesis_window, recipe.n_fft, recipe.hop_length, exact_edges, lengths
    )
    left, right = recipe.padding
    if lengths is not None:
        x = frames.keep(x, recipe.num_samples(lengths) + left)
    if length is not None:
        return frames.pad(x, 0, left + length)[..., left : left + length]
    return x[..., left : ops.shape(x)[-1] - right] if left or right else x


@dataclass(frozen=True)
class _Inversion:
    """Invert `complex_stft` with the operations of the active kernel, for a kernel that has another way.

    Two of them with the same fields are equal, so that a compiler may keep what it made of one.
    """

    recipe: Recipe
    normalises: bool
    length: int | None

    def parts(self) -> tuple[Any, ...]:
        """Return constants from which `of` makes operations that are equal."""
        return self.recipe, self.normalises, self.length

    @classmethod
    def of(cls, *parts: Any) -> _Inversion:
        """Return the operations of these parts."""
        return cls(*parts)

    def cut(self, counted: bool) -> tuple[int, int]:
        """Return how many samples are left out at both ends. `counted` tells that the items have their own lengths."""
        left, right = self.recipe.padding
        return left, right if self.length is None or counted else 0

    def num_samples(self, count: Any) -> Any:
        """Return the number of samples of `count` frames."""
        return self.recipe.num_samples(count) if self.length is None else self.length

    def stages(self, dtype: str) -> Stages:
        """Return the window and the DFT as data, made once for each recipe and dtype."""
        return inverse_stages(self.recipe, dtype, self.normalises)

    def __call__(self, z: Any, counts: Any = None) -> Any:
        """Return the samples of spectra `(..., frames, bins)`."""
        return istft(self.recipe, (ops.real(z), ops.imag(z)), self.normalises, self.length, counts)


def complex_istft(
    recipe: Recipe, z: Any, exact_edges: bool = False, length: int | None = None, lengths: Any = None
) -> Any:
    """Compute `istft` of complex numbers, which some kernels do in one piece."""
    inversion = _Inversion(recipe, exact_edges, length)
    cropped = recipe.frame_length > recipe.n_fft
    found = None if cropped or 0 in tuple(z.shape) else kernels.current().inverse(z, lengths, inversion)
    return inversion(z, lengths) if found is None else found


def run(
    recipe: Recipe,
    x: Any,
    lengths: Any = None,
    *,
    window: Any = None,
    bank: Any = None,
    noise: Any = None,
    compiled: bool = True,
) -> Any:
    """Compute a recipe's features on the active backend.

    Args:
        recipe: The recipe to compute.
        x: A float32 or float64 tensor of shape `(batch, ..., time)` with full scale at 1.0. The computation uses its
            dtype.
        lengths: Integer tensor of shape `(batch,)` with the number of samples of each item, or None for all samples.
            The first `recipe.num_frames(length)` entries along time are then those of the item alone.
        window: A weight of shape `(win_length,)` that replaces the window of the recipe.
        bank: A weight of shape `(n_freq, bands)` that replaces the filter bank of the recipe.
        noise: A tensor of the shape of `x`. Dither adds it, multiplied by `recipe.dither`.
        compiled: Whether JAX may compile the computation for each recipe and shape. Compilation takes about a second,
            which is not worthwhile for a recipe that runs once.

    Returns:
        A tensor of shape `(batch, ..., *recipe.output_shape(time))` with the dtype of `x`. The maximum and the
        statistics are computed separately for each entry of the first axis.

    Example:
        ```python
        import kapre
        import keras
        from kapre.executor import run

        recipe = kapre.Recipe(n_fft=512, hop_length=160, filterbank="mel", sample_rate=16000, n_mels=40)
        assert tuple(run(recipe, keras.ops.zeros((2, 16000))).shape) == (2, 97, 40)
        ```
    """
    window, bank = map(_value, (window, bank))
    for weight in (window, bank):
        if weight is not None and kernel.place_of(weight) != kernel.place_of(x):
            rule, given = f"on the device of the layer's weights, {kernel.place_of(weight)}", kernel.place_of(x)
            raise ValueError(message("inputs", rule, given, f"Move them there: x.to({kernel.place_of(weight)!r})."))
    return (_compiled if compiled else _run)(recipe, x, lengths, window, bank, noise)


def _run(recipe: Recipe, x: Any, lengths: Any, window: Any, bank: Any, noise: Any) -> Any:
    counts = None
    if lengths is not None:
        counts = recipe.num_valid(lengths)
    elif recipe.valid_frames != "all":
        counts = recipe.num_valid(kernel.size(x, -1))
    if counts is not None and (recipe.fixed_samples is None or recipe.valid_frames != "all"):
        counts = ops.reshape(kernel.number(counts, x, "int32"), (-1,))
    else:
        counts = None
    return stages.run(recipe, x, Call(lengths, counts, noise, window, bank))


_compiled = kernels.compiled(_run)


def goes_by_bucket(recipe: Recipe, samples: int, x: Any, *others: Any) -> bool:
    """Tell whether `run_in_bucket` computes clips of this many samples. `others` are the other arguments."""
    if not kernels.current().compiles_eager_calls or 0 in tuple(x.shape):
        return False
    kind = (recipe, str(x.dtype), *(other is None for other in others))
    return buckets.is_for_bucket(kind, samples, x, *others)


def run_in_bucket(
    recipe: Recipe, x: Any, lengths: Any = None, *, window: Any = None, bank: Any = None, only_valid: bool = False
) -> Any:
    """Compute `run` eagerly at one of a few padded lengths and crop the result, so that JAX compiles for few shapes.

    The first four lengths of a recipe are compiled at their own size, at the usual cost. Other lengths are padded with
    zeros to the next of two lengths per octave, at least 4096 samples. Their features are computed with the `lengths`
    of the clips, so that the numbers are those of the clip alone. The padding is at most half as long as the clip,
    except that a clip shorter than 4096 samples is padded to 4096. Time and memory grow by at most the same proportion.
    Samples and features are copied once more, on the host.

    Args:
        recipe: As in `run`.
        x: As in `run`, but not traced; a NumPy array is also accepted.
        lengths: As in `run`.
        window: As in `run`.
        bank: As in `run`.
        only_valid: Whether to set entries past a clip's own entries to 0.

    Returns:
        A NumPy array, or None if this call turns out to be part of a trace.
    """
    batch, time = x.shape[0], x.shape[-1]
    own = np.full((batch,), time) if lengths is None else np.clip(ops.convert_to_numpy(lengths), 0, time)
    given: tuple[Any, Any] = buckets.padded(x), own.astype("int32")
    if not kernel.compiles_eager_calls:
        given = ops.convert_to_tensor(given[0]), ops.convert_to_tensor(given[1])
    result = _compiled(recipe, *given, *map(_value, (window, bank)), None)
    if kernel.compiles_eager_calls and not kernel.is_held(result):
        return None
    y = np.asarray(ops.convert_to_numpy(result))
    axis = recipe.time_axis(y.ndim - len(x.shape) + 2) + len(x.shape) - 2
    y = y[(*[slice(None)] * axis, slice(0, recipe.num_frames(time)))]
    if only_valid and not isinstance(recipe.num_frames(None), int):
        y = y.copy()
        for row, samples in zip(y, own, strict=True):
            row[(*[slice(None)] * (axis - 1), slice(recipe.num_frames(int(samples)), None))] = 0.0
    return y


def _value(weight: Any) -> Any:
    return None if weight is None else ops.convert_to_tensor(weight)


_CHAINS = {("stft", "magnitude", *bank, *log) for bank in ((), ("bank",)) for log in ((), ("decibel",))}


def recipe_of(layers: Sequence[Any]) -> Recipe | None:
    """Return the recipe that computes the same as a chain of layers, or None if there is none.

    Only layers whose types are exactly Kapre's own are accepted, because a subclass may compute something else. All
    must have the same dtype policy, and all spectrograms must have the same data format.
    """
    if tuple(vars(type(layer)).get("recipe_stage") for layer in layers) not in _CHAINS:
        return None
    if len({layer.dtype_policy.name for layer in layers}) > 1:
        return None
    if len({layer.spectrogram_format for layer in layers} - {None}) > 1:
        return None
    fields: dict[str, Any] = {}
    for layer in layers:
        fields.update(layer.recipe_fields())
    n_freq = fields.pop("n_freq", None)
    if "filterbank" in fields and fields["n_fft"] % 2:  # odd: a chain may, a recipe may not: its bank ends at Nyquist
        return None
    recipe = Recipe(**fields)
    return recipe if n_freq in (None, recipe.n_freq) else None
