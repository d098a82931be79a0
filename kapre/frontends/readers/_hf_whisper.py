"""Whisper's feature extractor, and those of models that take its features."""

from __future__ import annotations

from typing import Any

from kapre.frontends.readers._hf_fields import Extractor, dither, of_fixed_length
from kapre.frontends.readers._reader import Published, Settings


def _bands(settings: Settings, bands: int, n_fft: int = 400) -> dict[str, Any]:
    """Take the fields of a log mel spectrum of 0 to 8 kHz."""
    return dict(
        n_mels=settings.integer("feature_size", bands, of="n_mels"),
        sample_rate=settings.integer("sampling_rate", 16000, of="sample_rate"),
        hop_length=settings.integer("hop_length", 160, of="hop_length"),
        n_fft=settings.integer("n_fft", n_fft, of="n_fft"),
        f_max=8000.0,
    )


def _whisper(settings: Settings) -> Published:
    fields = _bands(settings, 80)
    seconds = settings.integer("chunk_length", 30)
    samples = seconds * fields["sample_rate"]
    of_fixed_length(settings)
    settings.follows("n_samples", samples, "chunk_length and sampling_rate")
    settings.follows("nb_max_frames", samples // fields["hop_length"], "n_samples and hop_length")
    settings.follows("mel_filters", None, "the other fields")
    return settings.finish(
        "whisper",
        **fields,
        win_length=fields["n_fft"],
        frame_length=None,
        fixed_samples=samples,
        dither=dither(settings),
    )


EXTRACTORS: dict[str, Extractor] = {"WhisperFeatureExtractor": _whisper}
