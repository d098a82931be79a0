"""KerasHub: `audio_converter.json` of a preset, which is a serialized layer of Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kapre.frontends.readers import _hf_speech
from kapre.frontends.readers._reader import Document, Published, Reader, Settings
from kapre.recipe import Recipe

_CLASS, _FIELDS = "class_name", "config"
_ENDING = "AudioConverter"
_RATE = 16000
_OF_GEMMA = (
    *("feature_size", "sampling_rate", "padding_value", "return_attention_mask", "frame_length_ms", "hop_length_ms"),
    *("min_frequency", "max_frequency", "preemphasis", "preemphasis_htk_flavor", "fft_overdrive", "dither"),
    *("input_scale_factor", "mel_floor", "per_bin_mean", "per_bin_stddev", "padding_side"),
)
"""The arguments of Gemma3nAudioConverter. None has a default."""
_OF_TRANSFORMERS = ("fft_length", "frame_length", "hop_length", "do_normalize")
"""Fields that only transformers' extractor of Gemma 3n has."""


def _knows(data: Any) -> bool:
    if not isinstance(data, Mapping) or not isinstance(data.get(_FIELDS), Mapping):
        return False
    return isinstance(data.get(_CLASS), str) and data[_CLASS].endswith(_ENDING)


def _read(document: Document) -> Published:
    name = document.data[_CLASS]
    outer = Settings(document.data, f"KerasHub ({name})", document.place)
    way = "Use the preprocessor_config.json of the same model for transformers, or make the recipe by hand."
    outer.one_of(_CLASS, None, tuple(_CONVERTERS), way)
    outer.ignore("names a class", "module", "registered_name")
    fields = outer.take(_FIELDS)
    outer.check_left()
    settings = Settings(fields, f"KerasHub ({name})", f"{document.place}: {_FIELDS}")
    settings.ignore("names the layer", "name")
    settings.ignore("has no effect on a layer without weights", "trainable")
    settings.ignore("says in which precision to compute; here, the layer's dtype does", "dtype")
    return _CONVERTERS[name](settings)


def _whisper(settings: Settings) -> Published:
    n_fft = settings.integer("num_fft_bins", 400, of="n_fft")
    if n_fft % 2:
        way = "Whisper's bands of an odd DFT lie elsewhere; make the recipe by hand: kapre.Recipe(…)."
        raise settings.error("num_fft_bins", "even", n_fft, way)
    rate = settings.one_of("sampling_rate", _RATE, (_RATE,), "Whisper's bands are those of 16 kHz.")
    return settings.finish(
        "whisper",
        sample_rate=rate,
        n_fft=n_fft,
        win_length=n_fft,
        frame_length=None,
        hop_length=settings.integer("stride", 160, of="hop_length"),
        n_mels=settings.integer("num_mels", 80, of="n_mels"),
        fixed_samples=settings.integer("max_audio_length", 30, of="fixed_samples") * rate,
        layout="time_first",
    )


def _moonshine(settings: Settings) -> Published:
    settings.one_of("do_normalize", False, (False,), "How KerasHub normalizes samples is not documented.")
    settings.ignore("pads only on request (padding)", "padding_value")
    settings.note("KerasHub adds an axis of one channel after the samples; a recipe does not")
    settings.note("KerasHub refuses clips shorter than 0.1 or longer than 64 seconds; a recipe does not")
    return settings.finish(Recipe(power=None, sample_rate=settings.integer("sampling_rate", _RATE, of="sample_rate")))


def _gemma3n(settings: Settings) -> Published:
    for name in _OF_GEMMA:
        if name not in settings:
            raise settings.error(name, "given", None, "Gemma3nAudioConverter has no default. Add it to the file.")
    for name in _OF_TRANSFORMERS:
        if name in settings:
            raise settings.error(name, "left out", settings.given(name), "Gemma3nAudioConverter has no such argument.")
    settings.note("these are the numbers of transformers' Gemma3nAudioFeatureExtractor, which has the same fields")
    return _hf_speech.gemma3n(settings)


_CONVERTERS: dict[str, Callable[[Settings], Published]] = {
    "WhisperAudioConverter": _whisper,
    "MoonshineAudioConverter": _moonshine,
    "Gemma3nAudioConverter": _gemma3n,
}

READER = Reader(
    name="KerasHub",
    files=("audio_converter.json",),
    holds="the `class_name` of an audio converter",
    knows=_knows,
    read=_read,
)
