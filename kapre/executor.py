"""Run a recipe, and read the recipe of a chain of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from keras import ops

from kapre.ops import fourier, frames, scales
from kapre.ops.fourier import Pair
from kapre.ops.kernels import active as kernel
from kapre.recipe import Recipe


def stft(recipe: Recipe, x: Any, lengths: Any = None, dft: Literal["fft", "conv"] = "fft") -> Pair:
    """Transform `(..., time)` floats into real and imaginary parts, each `(..., frames, n_freq)`.

    `lengths` of shape `(batch,)` counts each item's samples: what lies past them is taken for silence, and padded is
    where they end.
    """
    left, right = recipe.padding
    if lengths is not None:
        x = frames.keep(x, lengths)
    x = frames.pad(x, left, right, recipe.pad_mode if recipe.center else "constant", lengths=lengths)
    transform = fourier.stft if dft == "fft" else fourier.stft_by_convolution
    return transform(x, recipe.analysis_window, recipe.n_fft, recipe.hop_length, recipe.pad_end)


def istft(recipe: Recipe, pair: Pair, exact_edges: bool = False, length: int | None = None, lengths: Any = None) -> Any:
    """Invert `stft`: pairs of `(..., frames, n_freq)` to `(..., time)`, the padding of `center` cut off.

    `length` cuts or zero-pads the result to so many samples; `lengths` of shape `(batch,)` counts each item's frames.
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


def apply_bank(x: Any, bank: Any) -> Any:
    """Multiply the last axis by a `(n_freq, bands)` NumPy matrix."""
    return kernel.dot(x, fourier.constant(bank, x))


def run(recipe: Recipe, x: Any, lengths: Any = None) -> Any:
    """Compute a recipe's features on the active backend: pad, frame, window, DFT, `|z| ** power`, bank, decibel.

    Args:
        recipe: What to compute.
        x: A float32 or float64 tensor of shape `(batch, ..., time)`, full scale at 1.0; the work is done in
            that dtype.
        lengths: Integer tensor of shape `(batch,)`, each item's samples, or None: all. An item's first
            `recipe.num_frames(length)` frames are then those of the item alone.

    Returns:
        A tensor of shape `(batch, ..., frames, bands)` and the dtype of `x`. The decibel's maximum is that of an entry
        of the first axis.

    Example:
        ```python
        import kapre
        import keras
        from kapre.executor import run

        recipe = kapre.Recipe(n_fft=512, hop_length=160, filterbank="mel", sample_rate=16000, n_mels=40)
        assert tuple(run(recipe, keras.ops.zeros((2, 16000))).shape) == (2, 97, 40)
        ```
    """
    features = fourier.magnitude(stft(recipe, x, lengths), recipe.power)
    if recipe.bank is not None:
        features = apply_bank(features, recipe.bank)
    if recipe.decibel:
        valid = None
        if lengths is not None:
            valid = frames.within(ops.shape(features)[-2], recipe.num_frames(lengths), len(features.shape), axis=-2)
        features = scales.decibel(features, recipe.ref_value, recipe.amin, recipe.dynamic_range, valid)
    return features


_CHAINS = {("stft", "magnitude", *bank, *log) for bank in ((), ("bank",)) for log in ((), ("decibel",))}


def recipe_of(layers: Sequence[Any]) -> Recipe | None:
    """Return the recipe that computes the same as a chain of layers, or None when there is none.

    Only layers of exactly Kapre's own types count (a subclass may compute something else), all under one dtype policy
    and with spectrograms in one data format.
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
    if "filterbank" in fields and fields["n_fft"] % 2:  # a chain may, a recipe may not: its bank ends at Nyquist
        return None
    recipe = Recipe(**fields)
    return recipe if n_freq in (None, recipe.n_freq) else None
