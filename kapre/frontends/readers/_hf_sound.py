"""Feature extractors of music, sounds and vocoders, and those that return samples."""

from __future__ import annotations

import math
from typing import Any

from kapre.frontends.readers import _windows
from kapre.frontends.readers._hf_fields import Extractor, of_batches, of_fixed_length
from kapre.frontends.readers._hf_whisper import bands
from kapre.frontends.readers._reader import Published, Settings
from kapre.ops.counts import power_of_two
from kapre.recipe import Recipe
from kapre.stages._stage import optional


def _clap(settings: Settings) -> Published:
    rate = settings.integer("sampling_rate", 48000, of="sample_rate")
    n_fft = settings.integer("fft_window_size", 1024, of="n_fft")
    seconds = settings.integer("max_length_s", 10)
    samples = settings.clip_samples("max_length_s", seconds * rate, seconds)
    settings.follows("nb_max_samples", samples, "max_length_s and sampling_rate")
    settings.follows("nb_frequency_bins", n_fft // 2 + 1, "fft_window_size")
    settings.ignore("is not used", "mel_filters*", "top_db", "n_fft", "nb_max_frames", "chunk_length_s")
    of_fixed_length(settings)
    fused = settings.one_of("truncation", "fusion", ("fusion", "rand_trunc")) == "fusion"
    if fused:
        settings.note("the model takes these features four times over for a clip of max_length_s or less")
    settings.note("transformers takes a random part of a longer clip, a recipe its beginning")
    padding = settings.one_of("padding", "repeatpad", ("repeatpad", "pad"), "A recipe cannot cut the last repetition.")
    return settings.finish(
        "clap_fused" if fused else "clap_unfused",
        sample_rate=rate,
        n_fft=n_fft,
        win_length=n_fft,
        frame_length=None,
        hop_length=settings.integer("hop_length", 480, of="hop_length"),
        n_mels=settings.integer("feature_size", 64, of="n_mels"),
        f_min=settings.number("frequency_min", 0.0, at_least=0.0, of="f_min"),
        f_max=settings.number("frequency_max", 14000.0, at_least=0.0, of="f_max"),
        fixed_samples=samples,
        fixed_by="tile" if padding == "repeatpad" else "zeros",
    )


def _speecht5(settings: Settings) -> Published:
    rate = settings.integer("sampling_rate", 16000, of="sample_rate")
    of_batches(settings)
    settings.ignore("is not used", "feature_size", "reduction_factor", "frame_signal_scale")
    settings.ignore("normalizes the input of the encoder, which is no spectrum", "do_normalize")
    settings.note("these are the features of the target (audio_target); the input of the encoder is the wave")
    window = settings.integer("win_length", 64, of="win_length") * rate // 1000
    n_fft = power_of_two(window)
    return settings.finish(
        "speecht5",
        sample_rate=rate,
        win_length=window,
        hop_length=settings.integer("hop_length", 16, of="hop_length") * rate // 1000,
        n_fft=n_fft,
        frame_length=None,
        window_name=settings.one_of("win_function", "hann_window", tuple(_windows.SHORT.values())),
        n_mels=settings.integer("num_mel_bins", 80, of="n_mels"),
        f_min=settings.number("fmin", 80.0, at_least=0.0, of="f_min"),
        f_max=settings.number("fmax", 7600.0, at_least=0.0, of="f_max"),
        amin=settings.number("mel_floor", 1e-10, of="amin"),
    )


def _univnet(settings: Settings) -> Published:
    rate = settings.integer("sampling_rate", 24000, of="sample_rate")
    of_batches(settings)
    settings.ignore("is not used", "feature_size")
    settings.ignore("sizes the noise that the model takes", "model_in_channels")
    settings.ignore("pads only on request (pad_end)", "pad_end_length")
    settings.ignore("trims only on request (max_length)", "max_length_s", "num_max_samples")
    window = settings.integer("win_length", 1024, of="win_length")
    hop = settings.integer("hop_length", 256, of="hop_length")
    length = settings.take("filter_length", 1024, optional("Correct the file."), of="n_fft")
    n_fft = length or power_of_two(window)
    if window != n_fft:
        rule = f"filter_length={n_fft}, without which transformers makes no features"
        raise settings.error("win_length", rule, window, "Correct the file.")
    settings.one_of("compression_factor", 1.0, (1.0,))
    settings.one_of("center", False, (False,), "A recipe does not reflect the ends of a clip twice.")
    low, high = settings.number("normalize_min", math.log(1e-5)), settings.number("normalize_max", 2.3143386840820312)
    normalizes = settings.flag("do_normalize", False)
    affine = dict(feature_shift=-(low + high) / 2.0, feature_scale=2.0 / (high - low)) if normalizes else {}
    pad = (n_fft - hop) // 2
    return settings.finish(
        "bigvgan_24k_100band",
        **affine,
        sample_rate=rate,
        win_length=window,
        hop_length=hop,
        n_fft=n_fft,
        frame_length=None,
        pad_left=pad,
        pad_right=pad,
        window_name=settings.one_of("win_function", "hann_window", tuple(_windows.SHORT.values())),
        n_mels=settings.integer("num_mel_bins", 100, of="n_mels"),
        f_min=settings.number("fmin", 0.0, at_least=0.0, of="f_min"),
        f_max=settings.number("fmax", None, at_least=0.0, of="f_max") or rate / 2.0,
        magnitude_epsilon=settings.number("mel_floor", 1e-9, at_least=0.0, of="magnitude_epsilon"),
        amin=settings.number("compression_clip_val", 1e-5, of="amin"),
        layout="time_first",
    )


def _pop2piano(settings: Settings) -> Published:
    fields = bands(settings, 512, 22050, 1024)
    n_fft = settings.integer("window_size", 4096, of="n_fft")
    of_batches(settings)
    settings.ignore("cuts the clip at beats, which is no part of a recipe", "num_bars")
    settings.note("transformers cuts the clip at beats first; these are the features of one segment")
    return settings.finish(
        Recipe(**{**fields, "n_fft": n_fft}, center=True, pad_mode="reflect", power=2.0, filterbank="mel", htk=True,
               norm=None, log="ln", amin=1e-6),
        f_min=settings.number("min_frequency", 10.0, at_least=0.0, of="f_min"),
    )  # fmt: skip


def _wave(settings: Settings, rate: int, **fields: Any) -> Published:
    """Return the recipe of an extractor that returns samples."""
    settings.one_of("feature_size", 1, (1,), "A front end takes one channel.")
    of_batches(settings)
    return settings.finish(Recipe(power=None, sample_rate=settings.integer("sampling_rate", rate)), **fields)


def _wav2vec2(settings: Settings) -> Published:
    return _wave(settings, 16000, normalize_samples=settings.flag("do_normalize", True))


def _codec(settings: Settings, rate: int, hop: int, name: str, **fields: Any) -> Published:
    """Return the recipe of samples that are padded to a multiple."""
    if "multiple_by" not in fields:
        settings.one_of("padding_value", 0.0, (0.0,), "A recipe pads with zeros.")
    settings.one_of("padding_side", "right", ("right",), "A recipe pads at the end.")
    return _wave(settings, rate, samples_multiple=settings.integer(name, hop, of="samples_multiple"), **fields)


def _encodec(settings: Settings) -> Published:
    _in_one_piece(settings)
    return _wave(settings, 24000)


def _kyutai(settings: Settings) -> Published:
    _in_one_piece(settings)
    after = settings.number("audio_delay_seconds", 0.0, at_least=0.0)
    before = settings.number("audio_silence_prefix_seconds", 0.0, at_least=0.0)
    rate = settings.integer("sampling_rate", 24000, of="sample_rate")
    left = settings.clip_samples("audio_silence_prefix_seconds", int(before * rate), before)
    right = settings.clip_samples("audio_delay_seconds", int((after + 1.0) * rate), after)
    return _wave(settings, rate, pad_left=left, pad_right=right)


def _pocket_tts(settings: Settings) -> Published:
    settings.one_of("end_on_pause", True, (False,), "A recipe cannot cut the silence at the end of a clip.")
    settings.ignore("belongs to end_on_pause", "pause_duration", "fade_out_duration", "silence_floor_db")
    settings.ignore("belongs to end_on_pause", "analysis_frame_duration")
    settings.ignore("is not used", "frame_size")
    return _codec(settings, 24000, 1920, "pad_to_multiple_of")


def _vibevoice(settings: Settings) -> Published:
    level, epsilon = settings.number("target_dB_FS", -25.0, of="target_dbfs"), settings.number("eps", 1e-6, 0.0)
    scaled = dict(normalize_samples="rms", target_dbfs=level, samples_epsilon=epsilon, peak_limit=1.0)
    scales = settings.flag("normalize_audio", True)
    return _codec(settings, 24000, 3200, "pad_to_multiple_of", **(scaled if scales else {}))


def _pe_audio(settings: Settings) -> Published:
    settings.ignore("is not used: the end of a clip is reflected", "padding_value")
    return _codec(settings, 48000, 1920, "hop_length", multiple_by="reflect")


def _gemma4_unified(settings: Settings) -> Published:
    rate = settings.integer("sampling_rate", 16000, of="sample_rate")
    size = settings.integer("audio_samples_per_token", 640, of="n_fft")
    settings.follows("feature_size", size, "audio_samples_per_token")
    of_fixed_length(settings)
    frames: dict[str, Any] = dict(transform="identity", window_name="rectangular_window", pad_end=True)
    return settings.finish(Recipe(sample_rate=rate, n_fft=size, hop_length=size, **frames))


def _musicgen_melody(settings: Settings) -> Published:
    rate = settings.integer("sampling_rate", 32000, of="sample_rate")
    n_fft = settings.integer("n_fft", 16384, of="n_fft")
    hop = settings.integer("hop_length", 4096, of="hop_length")
    chroma = settings.integer("num_chroma", 12, of="n_chroma")
    settings.ignore("is not used: num_chroma is the number of bands", "feature_size")
    of_batches(settings)
    settings.ignore("cuts only on request (max_length)", "chunk_length", "n_samples")
    settings.ignore("selects the stems of Demucs, which is no part of a recipe", "stem_indices")
    settings.note("transformers takes the vocals and other stems of Demucs first, if it is given them")
    settings.note(
        "transformers places a clip shorter than n_fft in the middle of n_fft samples, a recipe at their start"
    )
    bands: dict[str, Any] = dict(filterbank="chroma", n_chroma=chroma, one_hot=True)
    centred: dict[str, Any] = dict(center=True, pad_mode="reflect", samples_at_least=n_fft)
    return settings.finish(Recipe(sample_rate=rate, n_fft=n_fft, hop_length=hop, power=2.0, **centred, **bands))


def _in_one_piece(settings: Settings) -> None:
    """Take the fields of chunks, which a recipe does not cut."""
    for name in ("chunk_length_s", "overlap"):
        settings.one_of(name, None, (None,), "A recipe does not cut samples into chunks.")


EXTRACTORS: dict[str, Extractor] = {
    "ClapFeatureExtractor": _clap,
    "DacFeatureExtractor": lambda settings: _codec(settings, 16000, 512, "hop_length"),
    "DiaFeatureExtractor": lambda settings: _codec(settings, 16000, 512, "hop_length"),
    "EncodecFeatureExtractor": _encodec,
    "Gemma4UnifiedAudioFeatureExtractor": _gemma4_unified,
    "KyutaiSpeechToTextFeatureExtractor": _kyutai,
    "MuseSparkFeatureExtractor": lambda settings: _codec(settings, 24000, 1920, "samples_per_token"),
    "MusicgenMelodyFeatureExtractor": _musicgen_melody,
    "PeAudioFeatureExtractor": _pe_audio,
    "PocketTTSFeatureExtractor": _pocket_tts,
    "Pop2PianoFeatureExtractor": _pop2piano,
    "SpeechT5FeatureExtractor": _speecht5,
    "UnivNetFeatureExtractor": _univnet,
    "VibeVoiceAcousticTokenizerFeatureExtractor": _vibevoice,
    "Wav2Vec2FeatureExtractor": _wav2vec2,
}
