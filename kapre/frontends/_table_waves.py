"""Table of published front ends that take the wave itself or frames of it; see `_table`."""

from __future__ import annotations

from kapre.frontends._table import PRESETS, _add
from kapre.recipe import Recipe


def _wave(sample_rate: float, **fields: object) -> Recipe:
    return Recipe(sample_rate=sample_rate, power=None).replace(**fields)  # type: ignore[arg-type]


_add(
    "mert",
    PRESETS["wav2vec2"].recipe.replace(sample_rate=24000.0),
    "MERT: the wave at 24 kHz, zero mean and unit variance",
    "MERT-v1",
    "transformers.Wav2Vec2FeatureExtractor(sampling_rate=24000). Li et al. (2023), MERT.",
)
_add(
    "dac",
    _wave(16000.0, samples_multiple=512),
    "DAC: the wave, zeros up to a multiple of 512 samples",
    "Descript Audio Codec; Dia at 44.1 kHz",
    "transformers.DacFeatureExtractor. Kumar et al. (2023), High-fidelity audio compression.",
    note="The codecs at 24 and 44.1 kHz have `sample_rate=24000` with 320 samples, and 44100 with 512.",
)
_add(
    "encodec",
    _wave(24000.0),
    "EnCodec: the wave at 24 kHz",
    "EnCodec 24 kHz, MusicGen's codec at 32 kHz",
    "transformers.EncodecFeatureExtractor. Défossez et al. (2022), High fidelity neural audio compression.",
    note="`chunk_length_s`, which the model at 48 kHz has, cuts the clip into overlapping chunks; this does not.",
)
_add(
    "kyutai_speech_to_text",
    _wave(24000.0, pad_right=24000),
    "Kyutai STT: the wave at 24 kHz with a second of zeros behind it",
    "Kyutai STT, Moshi",
    "transformers.KyutaiSpeechToTextFeatureExtractor.",
    note="A model's `audio_delay_seconds` adds to `pad_right`, its `audio_silence_prefix_seconds` is `pad_left`.",
)
_add(
    "muse_spark",
    _wave(24000.0, samples_multiple=1920),
    "Muse Spark: the wave at 24 kHz, zeros up to a multiple of 1920 samples",
    "Muse Spark",
    "transformers.MuseSparkFeatureExtractor.",
)
_add(
    "pe_audio",
    _wave(48000.0, samples_multiple=1920, multiple_by="reflect"),
    "PE Audio: the wave at 48 kHz, mirrored up to a multiple of 1920 samples",
    "Perception Encoder Audio",
    "transformers.PeAudioFeatureExtractor.",
)
_add(
    "vibevoice",
    _wave(
        24000.0,
        normalize_samples="rms",
        target_dbfs=-25.0,
        samples_epsilon=1e-6,
        peak_limit=1.0,
        samples_multiple=3200,
    ),
    "VibeVoice: the wave at -25 dB, zeros up to a multiple of 3200 samples",
    "VibeVoice",
    "transformers.VibeVoiceAcousticTokenizerFeatureExtractor.",
)
_add(
    "gemma4_unified",
    Recipe(
        sample_rate=16000.0,
        pad_end=True,
        n_fft=640,
        hop_length=640,
        transform="identity",
        window_name="rectangular_window",
    ),
    "Gemma 4 unified: frames of 40 ms",
    "Gemma 4 (unified audio)",
    "transformers.Gemma4UnifiedAudioFeatureExtractor.",
)
