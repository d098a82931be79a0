"""Whisper's feature extractor, and those of models whose features have the same range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kapre.frontends.readers._hf_fields import Extractor, of_batches, of_fixed_length
from kapre.frontends.readers._reader import Published, Settings
from kapre.recipe import Recipe

_CUTS = "transformers cuts a longer clip into pieces of chunk_length seconds"


def bands(settings: Settings, n_mels: int, rate: int = 16000, hop: int = 160, n_fft: int = 400) -> dict[str, Any]:
    """Take the fields that nearly all extractors have: bands, rate, hop and DFT."""
    return dict(
        n_mels=settings.integer("feature_size", n_mels, of="n_mels"),
        sample_rate=settings.integer("sampling_rate", rate, of="sample_rate"),
        hop_length=settings.integer("hop_length", hop, of="hop_length"),
        n_fft=settings.integer("n_fft", n_fft, of="n_fft"),
        frame_length=None,
    )


def _whisper(settings: Settings, n_mels: int, seconds: int, dithers: bool = True) -> dict[str, Any]:
    """Take the fields of Whisper, and return those of the recipe."""
    fields = bands(settings, n_mels)
    seconds = settings.integer("chunk_length", seconds)
    samples = settings.clip_samples("chunk_length", seconds * fields["sample_rate"], seconds)
    settings.follows("n_samples", samples, "chunk_length and sampling_rate")
    settings.follows("nb_max_frames", samples // fields["hop_length"], "n_samples and hop_length")
    settings.follows("mel_filters", None, "the other fields")
    of_fixed_length(settings)
    fields |= dict(win_length=fields["n_fft"], fixed_samples=samples, f_max=8000.0)
    return fields | (dict(dither=settings.dither(0.0, "transformers")) if dithers else {})


def _plain(settings: Settings) -> Published:
    return settings.finish("whisper", **_whisper(settings, 80, 30))


def _moss(settings: Settings) -> Published:
    fields = _whisper(settings, 80, 30)
    settings.note(f"{_CUTS}; a recipe keeps the first one, kapre.FixedPieces all of them")
    return settings.finish("whisper", **fields)


def _dots3(settings: Settings) -> Published:
    fields = _whisper(settings, 128, 60)
    settings.one_of("chunk_seconds", None, (None,), "Use chunk_length.")
    settings.note(
        f"{_CUTS}; a recipe keeps it whole, kapre.FixedPieces cuts it with fixed_samples={fields['fixed_samples']}, "
        "zeros_after=0 and drop_last=1"
    )
    multiple, reach = 8 * fields["hop_length"], fields["n_fft"] // 2
    blocks = -(-reach // multiple)  # of zeros after the clip, whose frames are dropped
    lengths = dict(
        fixed_samples=None, samples_multiple=multiple, zeros_after=blocks * multiple, drop_last=1 + 8 * blocks
    )
    return settings.finish("whisper", **{**fields, **lengths})


def _qwen3(settings: Settings) -> Published:
    fields = _whisper(settings, 128, 30)
    multiple = 2 * settings.integer("n_window", 50)
    settings.ignore("is below the fixed length", "min_length")
    settings.note("this is padding='max_length', the default; transformers does not trim a longer clip")
    has_multiple = (fields["fixed_samples"] // fields["hop_length"]) % multiple == 0
    return settings.finish("whisper", **fields, frames_multiple=1 if has_multiple else multiple)


def _voxtral_realtime(settings: Settings) -> Published:
    fields = bands(settings, 128)
    of_batches(settings)
    settings.ignore("is not used: the window is as long as n_fft", "win_length")
    return settings.finish(
        "voxtral_realtime",
        **fields,
        f_max=8000.0,
        win_length=fields["n_fft"],
        range_top=settings.number("global_log_mel_max", 1.5, of="range_top"),
    )


def _granite(settings: Settings) -> Published:
    of_batches(settings)
    settings.ignore("belongs to the projector of the model", "projector_*")
    settings.ignore("is n_mels, whatever the file says", "feature_size")
    names = {"n_fft": 512, "win_length": 400, "hop_length": 160, "n_mels": 80}
    inner = settings.take("melspec_kwargs", None)
    rate = settings.integer("sampling_rate", 16000, of="sample_rate")
    within, default = settings, rate
    if isinstance(inner, Mapping):
        settings.note("these are the melspec_kwargs of the file, which transformers itself replaces when it loads them")
        within = settings.within("melspec_kwargs", inner)
        rate = within.integer("sample_rate", default, of="sample_rate")
        for name in names:
            settings.ignore("replaced by melspec_kwargs", name)
    fields = {name: within.integer(name, default, of=name) for name, default in names.items()}
    within.check_left()
    return settings.finish("granite_speech", **fields, sample_rate=rate, f_max=rate / 2.0, frame_length=None)


def _granite5(settings: Settings) -> Published:
    of_batches(settings)
    settings.ignore("follows from num_mel_bins", "feature_size")
    names = {"n_fft": 512, "win_length": 400, "hop_length": 160}
    fields = {name: settings.integer(name, default, of=name) for name, default in names.items()}
    rate = settings.integer("sampling_rate", 16000, of="sample_rate")
    n_mels = settings.integer("num_mel_bins", 80, of="n_mels")
    settings.note("of an odd number of frames, transformers drops the last one before its deltas, a recipe after them")
    settings.note(
        "transformers appends a sample to a clip of an odd number of hops: there, its last two frames differ from the "
        "recipe's"
    )
    return settings.finish(
        "granite_speech",
        **fields,
        sample_rate=rate,
        f_max=rate / 2.0,
        frame_length=None,
        n_mels=n_mels,
        dynamic_range=settings.number("logmel_floor_db", 8.0, at_least=0.0, of="dynamic_range"),
        deltas=1,
        delta_window=settings.integer("delta_win_length", 3, of="delta_window"),
        feature_shift=((4.0,) * n_mels + (0.0,) * n_mels) * 2,
    )


def _inkling(settings: Settings) -> Published:
    of_batches(settings)
    rate = settings.integer("sampling_rate", 16000, of="sample_rate")
    seconds = settings.number("audio_token_duration_s", 0.05, at_least=0.0)
    times = settings.number("window_size_multiplier", 2.0, at_least=0.0)
    hop = settings.in_samples("audio_token_duration_s", round(seconds * rate), seconds)
    window = settings.in_samples("window_size_multiplier", round(seconds * times * rate), times)
    settings.follows("hop_length", hop, "audio_token_duration_s and sampling_rate")
    settings.follows("window_size", window, "hop_length and window_size_multiplier")
    if window < hop:
        rule = f"at most the window of {window} samples"
        raise settings.error("audio_token_duration_s", rule, seconds, "Correct the file.")
    n_fft = settings.integer("n_fft", None, of="n_fft") or window
    spectrum: dict[str, Any] = dict(power=1.0, magnitude_epsilon=1e-10, magnitude_epsilon_by="max")
    spectrum |= dict(filterbank="mel", log="log10", amin=1e-10)
    return settings.finish(
        Recipe(sample_rate=rate, n_fft=max(n_fft, window), **spectrum),
        n_fft=n_fft,
        hop_length=hop,
        win_length=window,
        frame_length=None,
        window_placement="center",
        samples_multiple=hop,
        pad_left=max(0, n_fft - hop),
        n_mels=settings.integer("feature_size", 80, of="n_mels"),
    )


def _clvp(settings: Settings) -> Published:
    fields = bands(settings, 80, 22050, 256, 1024)
    of_fixed_length(settings)
    rate = fields["sample_rate"]
    seconds = settings.integer("default_audio_length", 6)
    samples = settings.clip_samples("default_audio_length", seconds * rate, seconds)
    settings.ignore("is longer than default_audio_length", "chunk_length", "n_samples", "nb_max_frames")
    settings.follows("mel_filters", None, "the other fields")
    norms = settings.numbers("mel_norms")
    if norms is not None and not all(norms):
        raise settings.error("mel_norms", "numbers other than 0", norms, "Correct the file.")
    scale = 1.0 if norms is None else tuple(1.0 / each for each in norms)
    sizes = dict(win_length=fields["n_fft"], fixed_samples=samples, f_max=8000.0)
    return settings.finish("clvp", **fields, **sizes, feature_scale=scale)


EXTRACTORS: dict[str, Extractor] = {
    "ClvpFeatureExtractor": _clvp,
    "Dots3NoteFeatureExtractor": _dots3,
    "GraniteSpeech5FeatureExtractor": _granite5,
    "GraniteSpeechFeatureExtractor": _granite,
    "InklingFeatureExtractor": _inkling,
    "MossTranscribeDiarizeFeatureExtractor": _moss,
    "Qwen3ASRFeatureExtractor": _qwen3,
    "VoxtralRealtimeFeatureExtractor": _voxtral_realtime,
    "WhisperFeatureExtractor": _plain,
}
