"""What was drawn for an example, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kapre.augmentation._add_colored_noise import AddColoredNoise
from kapre.augmentation._add_noise import AddNoise
from kapre.augmentation._base import RandomLayer
from kapre.augmentation._bit_crush import BitCrush
from kapre.augmentation._channel_drop import ChannelDrop
from kapre.augmentation._channel_swap import ChannelSwap
from kapre.augmentation._clipping import Clipping
from kapre.augmentation._compositions import Composition, WeightedComposition
from kapre.augmentation._drop_chunk import DropChunk
from kapre.augmentation._fade import Fade
from kapre.augmentation._filter_augment import FilterAugment
from kapre.augmentation._freq_mix_style import FreqMixStyle
from kapre.augmentation._frequency_shift import FrequencyShift
from kapre.augmentation._pitch_shift import PitchShift
from kapre.augmentation._polarity_inversion import PolarityInversion
from kapre.augmentation._random_crop import RandomCrop
from kapre.augmentation._random_equalizer import RandomEqualizer
from kapre.augmentation._random_filter import RandomFilter
from kapre.augmentation._random_gain import RandomGain
from kapre.augmentation._random_shift import RandomShift
from kapre.augmentation._reverb import Reverb
from kapre.augmentation._soft_clip import SoftClip
from kapre.augmentation._some_of import SomeOf
from kapre.augmentation._spec_augment import SpecAugment
from kapre.augmentation._speed_perturbation import SpeedPerturbation
from kapre.augmentation._telephone import Telephone
from kapre.augmentation._time_inversion import TimeInversion
from kapre.augmentation._time_stretch import TimeStretch
from kapre.augmentation._vtlp import VTLP

Row = Mapping[str, Any]
"""What was drawn for one example: arrays without the axis of the batch."""

UNCHANGED = "unchanged"


def in_words(layer: RandomLayer, drawn: Mapping[str, Any], row: int, sample_rate: float) -> list[str]:
    """Return what a layer drew for an example, as short phrases such as "gain −3.2 dB". A chain has several.

    Args:
        layer: The layer.
        drawn: What the layer returned as parameters, as NumPy arrays whose first axis is the batch.
        row: The number of the example.
        sample_rate: Samples per second, for durations in seconds.
    """
    if not drawn["applied"][row]:
        return [UNCHANGED]
    if isinstance(layer, Composition):
        indices: Any = range(len(layer.layers))
        if isinstance(layer, WeightedComposition):
            indices = [int(drawn["index"][row])]
        elif isinstance(layer, SomeOf):
            indices = np.flatnonzero(drawn["chosen"][row])
        phrases = [in_words(layer.layers[i], drawn[str(i)], row, sample_rate) for i in indices]
        return [phrase for each in phrases for phrase in each if phrase != UNCHANGED] or [UNCHANGED]
    own = {name: np.asarray(values)[row] for name, values in drawn.items() if name != "applied"}
    for cls in type(layer).__mro__:
        if cls in _PHRASES:
            return [_PHRASES[cls](layer, own, sample_rate)]
    return [", ".join(f"{name} {_numbers(values, 2)}" for name, values in own.items()) or layer.name]


def _number(value: float, digits: int = 1) -> str:
    text = f"{value:.{digits}f}"
    if not text.strip("-0."):
        text = text.lstrip("-")
    return text.replace("-", "−")


def _numbers(values: Any, digits: int = 1, most: int = 6) -> str:
    found = [_number(float(value), digits) for value in np.ravel(values)]
    return ", ".join(found if len(found) <= most else [*found[:most], "…"])


def _times(samples: Any, rate: float) -> str:
    seconds = np.ravel(samples) / rate
    if np.abs(seconds).max(initial=0.0) < 1.0:
        return f"{_numbers(1000 * seconds, 0)} ms"
    return f"{_numbers(seconds, 2)} s"


def _ranges(starts: Any, ends: Any, word: str) -> str:
    pairs = sorted(zip(np.ravel(starts).tolist(), np.ravel(ends).tolist(), strict=True))
    found = [f"{start}–{end - 1}" if end > start + 1 else f"{start}" for start, end in pairs if end > start]
    return f"{word} {', '.join(found)}" if found else f"no {word}"


def _chunks(layer: Any, drawn: Row, rate: float) -> str:
    sizes = np.ravel(drawn["chunk_samples"])
    count = int((sizes > 0).sum())
    return f"{count} chunk{'' if count == 1 else 's'}, {_times(sizes.sum(), rate)}"


def _bands(layer: Any, drawn: Row, rate: float) -> str:
    parts = []
    for boundaries, gains in zip(drawn["boundaries"], drawn["gain_db"], strict=True):
        count = int((np.diff(boundaries) > 0).sum())
        own = gains[: count + (layer.kind == "linear")]
        parts.append(f"{count} bands, {_number(own.min())} to {_number(own.max())} dB")
    return "; ".join(parts)


def _filter(layer: Any, drawn: Row, rate: float) -> str:
    parts = []
    for kind, hertz, q, gain in zip(*(np.ravel(drawn[name]) for name in _FILTER), strict=True):
        name = layer.kinds[int(kind)]
        level = f", {_number(gain)} dB" if name in ("lowshelf", "highshelf", "peaking") else ""
        parts.append(f"{name} {hertz:.0f} Hz, Q {q:.1f}{level}")
    return "; ".join(parts)


_FILTER = ("kind", "frequency_hz", "q", "gain_db")


def _room(layer: Any, drawn: Row, rate: float) -> str:
    if "index" in drawn:
        return f"response {_numbers(drawn['index'] + 1, 0)}"
    return f"T60 {_numbers(drawn['t60_seconds'], 2)} s, direct {_numbers(drawn['direct_to_reverberant_db'])} dB"


def _mixture(layer: Any, drawn: Row, rate: float) -> str:
    own = round(100 * float(drawn["share"]))
    return f"{own} % own, {100 - own} % of example {int(drawn['partner']) + 1}"


def _masks(layer: Any, drawn: Row, rate: float) -> str:
    parts = [_ranges(drawn[f"{axis}_start"], drawn[f"{axis}_end"], word) for axis, word in _AXES]
    if "warp_shift" in drawn:
        parts.append(f"warp {_numbers(drawn['warp_shift'])} frames")
    return ", ".join(parts)


_AXES = (("freq", "bins"), ("time", "frames"))


def _of_table(layer: Any, drawn: Row) -> float:
    return float(layer.table[int(np.ravel(drawn["index"])[0])])


def _signed(value: float, digits: int = 0) -> str:
    return ("+" if value > 0 else "") + _number(value, digits)


_PHRASES: dict[type, Callable[[Any, Row, float], str]] = {
    AddColoredNoise: lambda layer, drawn, rate: (
        f"SNR {_numbers(drawn['snr_db'])} dB, PSD exponent {_numbers(drawn['psd_exponent'])}"
    ),
    AddNoise: lambda layer, drawn, rate: (
        f"SNR {_numbers(drawn['snr_db'])} dB, recording {_numbers(drawn['index'] + 1, 0)}"
    ),
    BitCrush: lambda layer, drawn, rate: f"{_numbers(drawn['bits'], 0)} bits",
    ChannelDrop: lambda layer, drawn, rate: (
        f"without channel {_numbers(np.flatnonzero(~drawn['kept'].astype(bool)) + 1, 0)}"
    ),
    ChannelSwap: lambda layer, drawn, rate: f"channels {_numbers(drawn['order'] + 1, 0)}",
    Clipping: lambda layer, drawn, rate: f"{_numbers(drawn['percent'])} % clipped",
    DropChunk: _chunks,
    Fade: lambda layer, drawn, rate: (
        f"in {_times(drawn['fade_in_samples'], rate)}, out {_times(drawn['fade_out_samples'], rate)}"
    ),
    FilterAugment: _bands,
    FreqMixStyle: _mixture,
    FrequencyShift: lambda layer, drawn, rate: (
        f"shift {', '.join(_signed(float(shift)) for shift in np.ravel(drawn['shift']))} bins"
    ),
    PitchShift: lambda layer, drawn, rate: (
        f"{_signed(value := _of_table(layer, drawn), 2 * (value % 1 > 0))} semitones"
    ),
    PolarityInversion: lambda layer, drawn, rate: "inverted",
    RandomCrop: lambda layer, drawn, rate: f"from {_times(drawn['start'], rate)}",
    RandomEqualizer: lambda layer, drawn, rate: f"gains {_numbers(drawn['gain_db'], 0, 12)} dB",
    RandomFilter: _filter,
    RandomGain: lambda layer, drawn, rate: f"gain {_numbers(drawn['gain_db'])} dB",
    RandomShift: lambda layer, drawn, rate: f"shift {_times(drawn['shift_samples'], rate)}",
    Reverb: _room,
    SoftClip: lambda layer, drawn, rate: f"drive {_numbers(drawn['drive_db'])} dB",
    SpecAugment: _masks,
    SpeedPerturbation: lambda layer, drawn, rate: f"speed {_of_table(layer, drawn):g}",
    Telephone: lambda layer, drawn, rate: f"{layer.low_hz:g}–{layer.high_hz:g} Hz, {layer.codec or 'no codec'}",
    TimeInversion: lambda layer, drawn, rate: "reversed",
    TimeStretch: lambda layer, drawn, rate: f"rate {_of_table(layer, drawn):g}",
    VTLP: lambda layer, drawn, rate: f"warp factor {_numbers(drawn['factor'], 2)}",
}
