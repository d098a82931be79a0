"""Feature extractors of transformers: how each is called, and random legal values of its fields."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.references._registry import transformers, without_lazy_modules

Draw = Callable[[np.random.Generator], Any]
"""Draw a value of a field."""


def of(*values: Any) -> Draw:
    """Return a function that draws one of the values."""
    return lambda rng: values[int(rng.integers(len(values)))]


def between(low: float, high: float) -> Draw:
    """Return a function that draws a number with two decimals."""
    return lambda rng: round(float(rng.uniform(low, high)), 2)


@dataclass(frozen=True)
class Extractor:
    """How a feature extractor is called, and what its fields may be.

    `output` names what it returns. `options` are those of the call. `unit` is that of `tests.references`.
    """

    fields: Mapping[str, Draw]
    output: str = "input_features"
    options: Mapping[str, Any] = field(default_factory=dict)
    unit: str = "log10"
    audio: str = ""
    """The name of the argument for the clip, if it is not the first."""
    is_list: bool = False
    """Whether the clip is given as a list of one."""
    with_rate: bool = True
    tensors: str | None = "np"
    has_channels: bool = False
    """Whether it returns the features once, or four times over, or channels, on an axis of their own."""
    always: tuple[str, ...] = ()
    """The fields that are never left out."""
    masked: int = 0
    """The number of entries at the end that its mask may exclude, or that a note of the reader excludes."""
    lost: tuple[str, ...] = ()
    """The fields that `to_dict` leaves out."""


def draw(name: str, seed: int) -> dict[str, Any]:
    """Return random fields of an extractor. Each one is left out now and then."""
    rng = np.random.default_rng([seed, *name.encode()])
    found = {key: make(rng) for key, make in EXTRACTORS[name].fields.items()}
    return {key: value for key, value in found.items() if rng.random() < 0.8 or key in EXTRACTORS[name].always}


def compute(name: str, made: Any, x: np.ndarray) -> np.ndarray:
    """Return what an extractor makes of one clip."""
    how = EXTRACTORS[name]
    options = dict(how.options)
    if how.tensors is not None:
        options["return_tensors"] = how.tensors
    if how.with_rate:
        options["sampling_rate"] = made.sampling_rate
    clip: Any = [x] if how.is_list else x
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = made(**{how.audio: clip}, **options) if how.audio else made(clip, **options)
    without_lazy_modules()
    y = np.asarray(found[how.output][0])
    return y[0] if how.has_channels else y


def make(name: str, fields: Mapping[str, Any]) -> Any:
    """Return an extractor with some fields."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(transformers(), name)(**fields)


_MASK = of(True, False)
_BANDS = of(40, 64, 80, 128)
_KALDI_BANDS = of(23, 40, 64, 80)
_FRAMES: dict[str, Draw] = dict(
    feature_size=_BANDS,
    sampling_rate=of(16000, 22050, 24000),
    hop_length=of(80, 128, 160, 200, 320),
    n_fft=of(320, 400, 512, 640, 1024),
    return_attention_mask=_MASK,
)
_NEMO: dict[str, Draw] = {
    **_FRAMES,
    "sampling_rate": of(8000, 16000, 22050),
    "n_fft": of(400, 512, 1024),
    "win_length": of(200, 320, 400),
    "preemphasis": of(0.0, 0.5, 0.9, 0.97),
}
_GEMMA: dict[str, Draw] = dict(
    feature_size=_BANDS,
    sampling_rate=of(16000, 24000),
    frame_length_ms=of(20.0, 25.0, 32.0),
    hop_length_ms=of(8.0, 10.0, 12.5),
    min_frequency=of(0.0, 60.0, 125.0),
    max_frequency=of(6000.0, 7600.0, 8000.0),
    preemphasis=of(0.0, 0.5, 0.97),
    fft_overdrive=_MASK,
    input_scale_factor=of(1.0, 0.5, 2.0),
    mel_floor=of(1e-5, 1e-4, 1e-3, 1e-2),
    return_attention_mask=_MASK,
)


def _wave(always: tuple[str, ...] = (), tensors: str = "np", **fields: Draw) -> Extractor:
    """Return how an extractor is called that returns samples, with an axis of channels."""
    return Extractor(fields, "input_values", unit="linear", tensors=tensors, always=always, has_channels=True)


_WINDOWS = of("hann_window", "hamming_window")

EXTRACTORS: dict[str, Extractor] = {
    "ASTFeatureExtractor": Extractor(
        dict(
            sampling_rate=of(16000, 22050, 32000),
            num_mel_bins=_KALDI_BANDS,
            max_length=of(100, 250, 300),
            do_normalize=_MASK,
            mean=between(-6.0, -2.0),
            std=between(2.0, 6.0),
            return_attention_mask=_MASK,
        ),
        output="input_values",
        unit="normalised",
    ),
    "ClapFeatureExtractor": Extractor(
        dict(
            feature_size=_BANDS,
            sampling_rate=of(32000, 44100, 48000),
            hop_length=of(320, 441, 480, 512),
            max_length_s=of(1, 2, 3),
            fft_window_size=of(512, 1024, 2048),
            frequency_min=of(0, 50, 100),
            frequency_max=of(8000, 14000, 16000),
            truncation=of("fusion", "rand_trunc"),
            padding=of("repeatpad", "pad"),
            top_db=of(None, 60, 80),
        ),
        unit="dB",
        has_channels=True,
    ),
    "ClvpFeatureExtractor": Extractor(
        {**_FRAMES, "sampling_rate": of(16000, 22050), "default_audio_length": of(1, 2, 3), "hop_length": of(200, 256)},
        unit="ln",
    ),
    "CohereAsrFeatureExtractor": Extractor(
        {**_NEMO, "dither": of(0.0), "max_audio_clip_s": of(20.0, 35.0)}, unit="normalised", always=("dither",)
    ),
    "Dots3NoteFeatureExtractor": Extractor(
        {**_FRAMES, "n_fft": of(320, 400, 512, 640), "hop_length": of(80, 100, 160, 200, 320)}
    ),
    "FunAsrNanoFeatureExtractor": Extractor(
        dict(
            feature_size=_KALDI_BANDS,
            sampling_rate=of(16000, 24000),
            frame_length=of(20, 25, 32),
            frame_shift=of(8, 10),
            num_frames_lfr=of(3, 5, 7),
            stride_lfr=of(1, 2, 3),
        ),
        unit="ln",
    ),
    "Gemma3nAudioFeatureExtractor": Extractor(_GEMMA, unit="ln", is_list=True, with_rate=False),
    "Gemma4AudioFeatureExtractor": Extractor(_GEMMA, unit="ln", is_list=True, with_rate=False),
    "GraniteSpeechFeatureExtractor": Extractor(
        dict(
            sampling_rate=of(16000, 22050),
            n_fft=of(400, 512, 1024),
            win_length=of(320, 400),
            hop_length=of(128, 160, 200),
            n_mels=of(40, 64, 80),
        ),
        with_rate=False,
        tensors=None,
    ),
    "LasrFeatureExtractor": Extractor({**_FRAMES, "n_fft": of(512, 1024), "win_length": of(320, 400, 512)}, unit="ln"),
    "MossTranscribeDiarizeFeatureExtractor": Extractor({**_FRAMES, "chunk_length": of(3, 5)}),
    "NemotronAsrStreamingFeatureExtractor": Extractor(_NEMO, unit="ln"),
    "ParakeetFeatureExtractor": Extractor(_NEMO, unit="normalised"),
    "Phi4MultimodalFeatureExtractor": Extractor(
        {**_NEMO, "mel_min_frequency": of(0, 20, 60), "mel_max_frequency": of(3000, 3800)},
        output="audio_input_features",
        unit="ln",
        lost=("mel_min_frequency", "mel_max_frequency"),
    ),
    "Qwen3ASRFeatureExtractor": Extractor(
        {**_FRAMES, "return_attention_mask": of(True), "sampling_rate": of(16000, 24000), "chunk_length": of(2, 4)}
    ),
    "SeamlessM4TFeatureExtractor": Extractor(
        dict(sampling_rate=of(16000, 22050), num_mel_bins=_KALDI_BANDS, stride=of(1, 2)), unit="normalised"
    ),
    "Speech2TextFeatureExtractor": Extractor(
        dict(
            sampling_rate=of(16000, 22050),
            num_mel_bins=_KALDI_BANDS,
            do_ceptral_normalize=_MASK,
            normalize_vars=_MASK,
        ),
        unit="normalised",
    ),
    "SpeechT5FeatureExtractor": Extractor(
        dict(
            sampling_rate=of(16000, 24000),
            num_mel_bins=_BANDS,
            hop_length=of(10, 12, 16),
            win_length=of(32, 40, 64),
            win_function=_WINDOWS,
            fmin=of(0, 80),
            fmax=of(7600, 8000),
            mel_floor=of(1e-10, 1e-6, 1e-3),
            do_normalize=_MASK,
        ),
        output="input_values",
        audio="audio_target",
    ),
    "UnivNetFeatureExtractor": Extractor(
        dict(
            sampling_rate=of(22050, 24000),
            num_mel_bins=of(64, 80, 100),
            hop_length=of(200, 256, 300),
            win_length=of(1024),
            filter_length=of(1024, None),
            win_function=_WINDOWS,
            fmin=of(0.0, 50.0),
            fmax=of(None, 8000.0, 11000.0),
            mel_floor=of(1e-9, 1e-6),
            compression_clip_val=of(1e-5, 1e-4),
            do_normalize=_MASK,
            normalize_min=between(-12.0, -10.0),
            normalize_max=between(1.0, 3.0),
        ),
        unit="ln",
        options=dict(return_noise=False),
    ),
    "VoxtralRealtimeFeatureExtractor": Extractor(
        {**_FRAMES, "n_fft": of(400, 512), "win_length": of(320, 400), "global_log_mel_max": of(0.5, 1.5, 2.0)}
    ),
    "Wav2Vec2FeatureExtractor": Extractor(
        dict(sampling_rate=of(16000, 24000), do_normalize=_MASK), output="input_values", unit="normalised"
    ),
    "WhisperFeatureExtractor": Extractor({**_FRAMES, "chunk_length": of(1, 2, 3)}),
    "DacFeatureExtractor": _wave(sampling_rate=of(16000, 44100), hop_length=of(320, 512)),
    "DiaFeatureExtractor": _wave(sampling_rate=of(16000, 44100), hop_length=of(320, 512)),
    "EncodecFeatureExtractor": _wave(sampling_rate=of(24000, 48000)),
    "Gemma4UnifiedAudioFeatureExtractor": Extractor(
        dict(audio_samples_per_token=of(320, 640), sampling_rate=of(16000, 24000)),
        unit="linear",
        is_list=True,
        with_rate=False,
    ),
    "GraniteSpeech5FeatureExtractor": Extractor(
        dict(
            num_mel_bins=of(40, 64, 80),
            sampling_rate=of(16000, 24000),
            n_fft=of(512, 1024),
            win_length=of(320, 400),
            hop_length=of(160, 200),
            delta_win_length=of(3, 5, 7),
            logmel_floor_db=of(6.0, 8.0),
        ),
        masked=2,
    ),
    "InklingFeatureExtractor": Extractor(
        dict(
            feature_size=_BANDS,
            sampling_rate=of(16000, 24000),
            audio_token_duration_s=of(0.025, 0.04, 0.05),
            window_size_multiplier=of(1.5, 2.0),
            n_fft=of(None, 2400, 3000),
        ),
    ),
    "KyutaiSpeechToTextFeatureExtractor": _wave(
        sampling_rate=of(16000, 24000),
        audio_delay_seconds=of(0.0, 0.5),
        audio_silence_prefix_seconds=of(0.0, 0.25, 1.0),
    ),
    "MuseSparkFeatureExtractor": Extractor(dict(samples_per_token=of(960, 1920)), "input_values", unit="linear"),
    "MusicgenMelodyFeatureExtractor": Extractor(
        dict(
            feature_size=of(12),
            sampling_rate=of(22050, 32000),
            hop_length=of(2048, 4096),
            n_fft=of(8192, 16384),
            num_chroma=of(12),
        ),
        unit="linear",
    ),
    "NeuCodecFeatureExtractor": Extractor(
        dict(sampling_rate=of(16000, 22050), feature_size=_KALDI_BANDS, hop_length=of(320, 480)),
        unit="normalised",
        masked=1,
    ),
    "PeAudioFeatureExtractor": _wave(sampling_rate=of(24000, 48000), hop_length=of(960, 1920)),
    "PocketTTSFeatureExtractor": _wave(
        end_on_pause=of(False), pad_to_multiple_of=of(960, 1920), always=("end_on_pause",), tensors="pt"
    ),
    "VibeVoiceAcousticTokenizerFeatureExtractor": _wave(
        normalize_audio=_MASK,
        target_dB_FS=of(-30, -25, -5),
        eps=of(1e-6, 1e-3),
        pad_to_multiple_of=of(1600, 3200),
        tensors="pt",
    ),
    "Xcodec2FeatureExtractor": Extractor(
        dict(sampling_rate=of(16000, 22050), feature_size=_KALDI_BANDS, hop_length=of(320, 480)),
        unit="normalised",
        masked=1,
    ),
}
