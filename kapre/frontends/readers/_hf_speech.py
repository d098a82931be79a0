"""Feature extractors with NeMo's, Kaldi's and Google's frames."""

from __future__ import annotations

from typing import Any

from kapre.frontends.readers import _kaldi
from kapre.frontends.readers._hf_fields import Extractor, of_batches
from kapre.frontends.readers._hf_whisper import bands
from kapre.frontends.readers._reader import Published, Settings
from kapre.ops.counts import power_of_two


def _nemo(settings: Settings, n_mels: int) -> dict[str, Any]:
    """Take the fields of NeMo's features, as the extractors of Parakeet, Cohere and Nemotron have them."""
    fields = bands(settings, n_mels, n_fft=512)
    of_batches(settings)
    return dict(
        fields,
        win_length=settings.integer("win_length", 400, of="win_length"),
        preemphasis=settings.number("preemphasis", 0.97, of="preemphasis"),
        f_max=fields["sample_rate"] / 2.0,
        layout="time_first",
    )


def _parakeet(settings: Settings) -> Published:
    return settings.finish("nemo", **_nemo(settings, 80))


def _cohere(settings: Settings) -> Published:
    fields = _nemo(settings, 128)
    amount = settings.number("dither", 1e-5, at_least=0.0, of="dither")
    if amount:
        settings.note("transformers adds the same dither to a clip in every call, Kapre another one, in training only")
    settings.ignore("cuts clips of many seconds", "max_audio_clip_s", "overlap_chunk_second")
    settings.ignore("cuts clips of many seconds", "min_energy_window_samples")
    return settings.finish("nemo", **fields, dither=amount)


def _nemotron(settings: Settings) -> Published:
    settings.one_of("mel_filters_dtype", "float32", ("float32",))
    return settings.finish("nemo", **_nemo(settings, 80), normalize=None)


def _frames(rate: int, window: float = 25.0, hop: float = 10.0) -> dict[str, Any]:
    """Return the fields of Kaldi's frames at a rate, with lengths in milliseconds."""
    return _kaldi.frames(rate, int(rate * window * 0.001), int(rate * hop * 0.001))


def _rate(settings: Settings) -> int:
    return int(settings.integer("sampling_rate", 16000, of="sample_rate"))


def _ast(settings: Settings) -> Published:
    fields = _frames(_rate(settings))
    settings.ignore("is not used", "feature_size", "padding_value", "padding_side")
    settings.ignore("returns a mask, and changes no feature", "return_attention_mask")
    mean, std = settings.number("mean", -4.2677393), settings.number("std", 4.5689974)
    fields |= dict(
        n_mels=settings.integer("num_mel_bins", 128, of="n_mels"),
        fixed_frames=settings.integer("max_length", 1024, of="fixed_frames"),
        feature_shift=-mean,
        feature_scale=1.0 / (2.0 * std) if std else 0.0,
    )
    if not settings.flag("do_normalize", True):
        fields |= dict(feature_shift=0.0, feature_scale=1.0)
    return settings.finish("ast", **fields)


def _speech2text(settings: Settings) -> Published:
    fields = _frames(_rate(settings))
    of_batches(settings)
    settings.ignore("is not used", "feature_size")
    means, deviations = settings.flag("normalize_means", True), settings.flag("normalize_vars", True)
    normalizes = settings.flag("do_ceptral_normalize", True)
    if normalizes and deviations and not means:
        raise settings.error("normalize_vars", "false without normalize_means", True, "A recipe cannot express it.")
    normalize = None if not (normalizes and means) else "mean_std" if deviations else "mean"
    bins = settings.integer("num_mel_bins", 80, of="n_mels")
    fields |= dict(n_mels=bins, dither=settings.dither(0.0, "transformers"), normalize=normalize)
    return settings.finish("speech2text", **fields)


def _seamless(settings: Settings) -> Published:
    fields = _stacks(settings, 0.0)
    n_mels = settings.integer("num_mel_bins", 80, of="n_mels")
    settings.ignore("is not used", "feature_size")
    stride = settings.one_of("stride", 2, (1, 2), "transformers pads to an even number of frames, then drops some.")
    return settings.finish("seamless_m4t", **fields, n_mels=n_mels, stack=stride, frames_multiple=2 // stride)


def _stacks(settings: Settings, fill: float) -> dict[str, Any]:
    """Take the fields of SeamlessM4T's features, which the extractors of two codecs have too."""
    settings.ignore("returns a mask, and changes no feature", "return_attention_mask")
    settings.one_of("padding_side", "right", ("right",), "A recipe pads at the end.")
    if settings.number("padding_value", fill):
        settings.note("padding_value fills the last stack of an odd number of frames, which the mask excludes; here, 0")
    return dict(sample_rate=_rate(settings))


def _codec(settings: Settings, is_centred: bool) -> Published:
    fields = _stacks(settings, 1.0)
    settings.ignore("is not used", "feature_size", "stride", "num_mel_bins", "frame_length", "frame_shift")
    settings.note("these are the input_features; input_values are the samples, padded to the same multiple")
    hop = settings.integer("hop_length", 320, of="samples_multiple")
    pad = hop // 2 if is_centred else 0
    multiple = dict(samples_multiple=hop, samples_multiple_strict=True, pad_left=pad, pad_right=pad)
    return settings.finish("seamless_m4t", **fields, **multiple)


def _fun_asr(settings: Settings) -> Published:
    fields = _frames(_rate(settings), settings.integer("frame_length", 25), settings.integer("frame_shift", 10))
    of_batches(settings)
    window = settings.one_of("window", "hamming", ("hamming", "hanning", "povey", "rectangular"))
    return settings.finish(
        "paraformer",
        **fields,
        **_kaldi.WINDOWS[window],
        **_kaldi.stack(settings, ("num_frames_lfr", 7), ("stride_lfr", 6)),
        input_scale=1.0,
        n_mels=settings.integer("feature_size", 80, of="n_mels"),
    )


def _phi4(settings: Settings) -> Published:
    fields = bands(settings, 80, n_fft=512)
    of_batches(settings)
    settings.ignore("counts the tokens of the model", "audio_compression_rate", "audio_downsample_rate")
    settings.ignore("counts the tokens of the model", "audio_feat_stride")
    return settings.finish(
        "phi4_multimodal",
        **fields,
        win_length=settings.integer("win_length", 400, of="win_length"),
        preemphasis=settings.number("preemphasis", 0.97, of="preemphasis"),
        f_min=settings.number("mel_min_frequency", 0.0, at_least=0.0, of="f_min"),
        f_max=settings.number("mel_max_frequency", 7690.0, at_least=0.0, of="f_max"),
    )


def _lasr(settings: Settings) -> Published:
    fields = bands(settings, 128, n_fft=512)
    of_batches(settings)
    return settings.finish("medasr", **fields, win_length=settings.integer("win_length", 400, of="win_length"))


def _samples(settings: Settings, name: str, milliseconds: float, rate: int) -> int:
    """Take a length in milliseconds, or what the extractor writes in its place: samples."""
    given = settings.number(f"{name}_ms", milliseconds, at_least=0.0)
    samples = round(rate * given / 1000.0)
    if name not in settings:
        samples = settings.in_samples(f"{name}_ms", samples, given)
    return int(settings.integer(name, samples, of=_OURS[name]))


_OURS = {"frame_length": "win_length", "hop_length": "hop_length"}


def _gemma(settings: Settings, ms: float, overdrives: bool) -> dict[str, Any]:
    """Take the fields of the Universal Speech Model's features."""
    of_batches(settings)
    settings.ignore("belongs to the image processor", "do_normalize")
    rate = _rate(settings)
    window, hop = _samples(settings, "frame_length", ms, rate), _samples(settings, "hop_length", 10.0, rate)
    own = power_of_two(window) * (2 if settings.flag("fft_overdrive", overdrives) else 1)
    htk = settings.flag("preemphasis_htk_flavor", True)
    preemphasis = settings.number("preemphasis", 0.97 if overdrives else 0.0, of="preemphasis")
    if preemphasis and not htk:
        raise settings.error("preemphasis_htk_flavor", "true with a preemphasis", False, "A recipe cannot express it.")
    fields = dict(
        sample_rate=rate,
        win_length=window,
        frame_length=window + 1,
        hop_length=hop,
        n_fft=settings.integer("fft_length", own, of="n_fft"),
        n_mels=settings.integer("feature_size", 128, of="n_mels"),
        preemphasis=preemphasis,
        dither=settings.dither(0.0, "transformers"),
        input_scale=settings.number("input_scale_factor", 1.0, of="input_scale"),
        f_min=settings.number("min_frequency", 125.0 if overdrives else 0.0, at_least=0.0, of="f_min"),
        f_max=settings.number("max_frequency", 7600.0 if overdrives else 8000.0, at_least=0.0, of="f_max"),
        amin=settings.number("mel_floor", 1e-5 if overdrives else 1e-3, of="amin"),
    )
    if preemphasis:
        fields |= dict(preemphasis_over="frame", preemphasis_first="first")
    means, deviations = settings.numbers("per_bin_mean"), settings.numbers("per_bin_stddev")
    if means is not None:
        fields["feature_shift"] = tuple(-each for each in means)
    if deviations is not None:
        if not all(deviations):
            raise settings.error("per_bin_stddev", "numbers other than 0", deviations, "Correct the file.")
        fields["feature_scale"] = tuple(1.0 / each for each in deviations)
    settings.note("transformers trims clips to 480000 samples")
    return fields


def gemma3n(settings: Settings) -> Published:
    settings.one_of("padding_value", 0.0, (0.0,), "The last frame reads it, and a recipe pads with zeros.")
    return settings.finish("gemma3n", **_gemma(settings, 32.0, True))


def _gemma4(settings: Settings) -> Published:
    fields = _gemma(settings, 20.0, False)
    return settings.finish("gemma4", **fields, pad_left=fields["win_length"] // 2)


EXTRACTORS: dict[str, Extractor] = {
    "ASTFeatureExtractor": _ast,
    "CohereAsrFeatureExtractor": _cohere,
    "FunAsrNanoFeatureExtractor": _fun_asr,
    "Gemma3nAudioFeatureExtractor": gemma3n,
    "Gemma4AudioFeatureExtractor": _gemma4,
    "LasrFeatureExtractor": _lasr,
    "NemotronAsrStreamingFeatureExtractor": _nemotron,
    "NeuCodecFeatureExtractor": lambda settings: _codec(settings, False),
    "ParakeetFeatureExtractor": _parakeet,
    "Phi4MultimodalFeatureExtractor": _phi4,
    "SeamlessM4TFeatureExtractor": _seamless,
    "Speech2TextFeatureExtractor": _speech2text,
    "Xcodec2FeatureExtractor": lambda settings: _codec(settings, True),
}
