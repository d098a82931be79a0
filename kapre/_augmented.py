"""Copies of a recording that random layers changed, with their features and what was drawn: what a person judges."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from kapre._checks import checked_seed, message, number, positive_int
from kapre._layer import channels_in_place, channels_second, check_real
from kapre.augmentation._base import RandomLayer
from kapre.augmentation._compositions import Composition, seed_layers
from kapre.augmentation._words import UNCHANGED, in_words
from kapre.frontends import Frontend
from kapre.recipe import Recipe

_MOST_CHANNELS = 64
_WAVES, _SPECTROGRAMS = 3, 4


@dataclass(frozen=True, eq=False)
class Copies:
    """Hold a recording and its changed copies.

    Attributes:
        before: The samples of the recording, (channel, time).
        after: The samples of the copies, (copy, channel, time).
        features: Features in the layout of the recipe, first those of the recording, then those of each copy, which may
            have another length: (channel, …). None if they were not computed.
        drawn: What each layer drew, as NumPy arrays whose first axis is the batch.
        words: What was drawn for each copy, in phrases.
        recipe: The recipe of the features.
        sample_rate: Samples per second.
    """

    before: np.ndarray
    after: np.ndarray
    features: list[np.ndarray] | None
    drawn: list[dict[str, Any]]
    words: list[list[str]]
    recipe: Recipe
    sample_rate: float


def default_recipe(sample_rate: float) -> Recipe:
    """Return a mel spectrogram in decibels that suits any rate, and clips of any length."""
    n_fft = 2 ** max(5, math.ceil(math.log2(0.032 * sample_rate)))
    return Recipe(
        sample_rate=sample_rate,
        n_fft=n_fft,
        hop_length=n_fft // 4,
        center=True,
        pad_mode="constant",
        power=2.0,
        filterbank="mel",
        n_mels=min(64, n_fft // 8),
        log="db",
        amin=1e-10,
        dynamic_range=80.0,
    )


def by_kind(layers: Sequence[RandomLayer]) -> tuple[list[RandomLayer], list[RandomLayer]]:
    """Return the layers that change waveforms, and those behind them that change spectrograms.

    Raises:
        ValueError: If a layer of waveforms comes after one of spectrograms, or a composition has both.
    """
    found: tuple[list[RandomLayer], list[RandomLayer]] = [], []
    for layer in layers:
        ranks = _ranks(layer)
        remedy = "Put the layers of waveforms before the layers of spectrograms, outside of compositions."
        if not ranks or (found[1] and _SPECTROGRAMS not in ranks):
            rule = "layers of waveforms and then layers of spectrograms"
            raise ValueError(message("layer", rule, type(layer).__name__, remedy))
        found[bool(found[1]) or _WAVES not in ranks].append(layer)
    return found


def _ranks(layer: RandomLayer) -> set[int]:
    """Return the ranks of input that a layer and all of its layers take."""
    ranks = set(layer.ranks)
    for each in layer.layers if isinstance(layer, Composition) else ():
        ranks &= _ranks(each)
    return ranks


def augmented(
    layers: Sequence[RandomLayer],
    waveform: Any,
    sample_rate: float,
    copies: int = 3,
    seed: int | None = None,
    recipe: Recipe | None = None,
    others: Sequence[Any] = (),
    parameters: Sequence[Mapping[str, Any]] | None = None,
    with_features: bool = True,
) -> Copies:
    """Change copies of a recording by layers, one after the other.

    Args:
        layers: Random layers: those of waveforms, then those of spectrograms. They draw, and get the seed.
        waveform: Samples, (time,), (time, channel) or (1, time, channel).
        sample_rate: Samples per second.
        copies: Number of copies.
        seed: Seed of the draws of layers without one, or None.
        recipe: The features of the picture. None means `default_recipe`.
        others: Other recordings, for layers that mix the examples of a batch. They are repeated or cut to the length of
            this one.
        parameters: What each layer drew, to repeat it. It decides the number of copies.
        with_features: Whether to compute features.
    """
    rate = number("sample_rate", sample_rate, "Give it in Hz.", above=0.0, rule="a positive number of Hz")
    samples = _samples(waveform)
    seed = checked_seed(seed)
    recipe = _checked_recipe(default_recipe(rate) if recipe is None else recipe, rate)
    waves, spectrograms = by_kind(layers)
    if spectrograms and (recipe.power is None or len(recipe.output_shape(None)) != 2):
        rule = f"one whose features are frames of bands, which {type(spectrograms[0]).__name__} changes"
        raise ValueError(message("recipe", rule, "samples, patches or chunks", "Use None, a mel spectrogram."))
    seed_layers(layers, seed)
    count = positive_int("copies", copies, "Use 3.")
    if parameters is not None:
        count = _rows(parameters, len(layers), bool(others))
    batch = [samples] * count
    if others:
        cut = [_alike(_samples(other), samples) for other in others]
        batch += [cut[index % len(cut)] for index in range(count)]
    x, drawn = np.stack(batch), []
    given = iter(parameters or ())
    for layer in waves:
        x, own = _changed(layer, x, next(given, None))
        drawn.append(own)
    features: list[np.ndarray] | None = None
    if with_features:
        y = _features(recipe, x)
        for layer in spectrograms:
            y, own = _changed(layer, y, next(given, None))
            drawn.append(own)
        features = [_in_layout(recipe, one) for one in (*_features(recipe, samples[None]), *y[:count])]
    words = [_phrases(layers[: len(drawn)], drawn, row, rate) for row in range(count)]
    return Copies(samples, x[:count], features, drawn, words, recipe, rate)


def _samples(waveform: Any) -> np.ndarray:
    """Return samples as float32 (channel, time)."""
    rule, remedy = "(time,) or (time, channel), with samples", "Give one recording at a time, its channels last."
    if not isinstance(waveform, np.ndarray):
        waveform = ops.convert_to_numpy(waveform)
    check_real(waveform.dtype)
    x = np.asarray(waveform, np.float32)
    x = x[0] if x.ndim == 3 and len(x) == 1 else x
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2 or 0 in x.shape or x.shape[1] > _MOST_CHANNELS:
        raise ValueError(message("waveform", f"of shape {rule}", np.shape(waveform), remedy))
    return np.ascontiguousarray(x.T)


def _checked_recipe(recipe: Any, rate: float) -> Recipe:
    if not isinstance(recipe, Recipe):
        raise TypeError(message("recipe", "a kapre.Recipe, or None", recipe, "Use layer.recipe of a front end."))
    if recipe.clip_rate != rate:
        rule = f"one that takes clips of {rate:g} Hz, the rate of the waveform"
        raise ValueError(message("recipe", rule, recipe.clip_rate, "Resample the waveform, or use another."))
    return recipe


def _rows(parameters: Sequence[Mapping[str, Any]], layers: int, with_others: bool) -> int:
    remedy = "Give what a call with return_parameters=True returned."
    if len(parameters) != layers:
        raise ValueError(message("parameters", f"what {layers} layers drew", f"those of {len(parameters)}", remedy))
    rows = {len(np.ravel(one.get("applied", []))) for one in parameters}
    if len(rows) != 1 or 0 in rows or (with_others and min(rows) % 2):
        rule = "of as many examples for each layer, with 'applied'"
        raise ValueError(message("parameters", rule, sorted(rows), remedy))
    return rows.pop() // (1 + with_others)


def _alike(other: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Return another recording with the length and channels of this one."""
    if len(other) != len(samples):
        other = np.broadcast_to(other.mean(axis=0), (len(samples), other.shape[1]))
    return np.stack([np.resize(channel, samples.shape[1]) for channel in other])


def _changed(layer: RandomLayer, x: np.ndarray, parameters: Mapping[str, Any] | None) -> tuple[np.ndarray, Any]:
    """Return what a layer makes of (batch, channel, …), and what it drew."""
    given = channels_in_place(x, layer.data_format)
    y, drawn = layer(
        ops.convert_to_tensor(given), training=True, return_parameters=True, parameters=_nested(_as_drawn, parameters)
    )
    y = ops.convert_to_numpy(ops.cast(y, "float32"))
    return channels_second(y, x.ndim, layer.data_format), _nested(ops.convert_to_numpy, drawn)


def _as_drawn(values: Any) -> np.ndarray:
    """Return numbers, of a JSON file perhaps, in the types in which layers draw."""
    array = np.asarray(values)
    return array.astype({"f": "float32", "i": "int32"}.get(array.dtype.kind, array.dtype))


def _nested(change: Any, drawn: Any) -> Any:
    if isinstance(drawn, Mapping):
        return {name: _nested(change, values) for name, values in drawn.items()}
    return drawn if drawn is None else change(drawn)


def _features(recipe: Recipe, x: np.ndarray) -> np.ndarray:
    """Return the features of (batch, channel, time), as (batch, channel, frame, band) if they have these axes."""
    y = keras.ops.convert_to_numpy(Frontend(recipe)(x.reshape(-1, x.shape[-1])))
    return _in_layout(recipe, y.reshape(*x.shape[:2], *y.shape[1:]))


def _in_layout(recipe: Recipe, y: np.ndarray) -> np.ndarray:
    """Exchange frames and bands if bands come first. Twice changes nothing."""
    return y if recipe.layout == "time_first" or recipe.power is None else np.swapaxes(y, -1, -2)


def _phrases(layers: Sequence[RandomLayer], drawn: list[dict[str, Any]], row: int, rate: float) -> list[str]:
    found = [phrase for layer, own in zip(layers, drawn, strict=True) for phrase in in_words(layer, own, row, rate)]
    return [phrase for phrase in found if phrase != UNCHANGED] or [UNCHANGED]
