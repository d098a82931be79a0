"""Keyword arguments of recipes, layers and presets, as types for type checkers and editors."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

PresetName = Literal[
    "ast",
    "beat_this",
    "beats",
    "bigvgan_24k_100band",
    "campplus",
    "clap_fused",
    "clap_unfused",
    "clvp",
    "cohere_asr",
    "cosyvoice2",
    "crepe",
    "dac",
    "dasheng",
    "dnsmos",
    "dots3_note",
    "eat",
    "encodec",
    "espnet",
    "essentia_musicnn",
    "essentia_vggish",
    "fun_asr_nano",
    "gemma3n",
    "gemma4",
    "gemma4_unified",
    "granite_speech",
    "hifigan",
    "icefall",
    "inkling",
    "kaldi_fbank",
    "kaldi_mfcc",
    "kaldi_mfcc_hires",
    "keras_mel",
    "kyutai_speech_to_text",
    "librosa_mel",
    "librosa_mfcc",
    "maest",
    "medasr",
    "mert",
    "microfrontend",
    "msclap",
    "mt3",
    "muse_spark",
    "musicfm",
    "musicgen_melody",
    "musicnn",
    "nemo",
    "nemo_128",
    "nemo_v1",
    "nemotron_streaming",
    "neucodec",
    "openwakeword",
    "panns",
    "paraformer",
    "passt",
    "pe_audio",
    "phi4_multimodal",
    "piano_transcription",
    "pop2piano",
    "python_speech_features",
    "qwen3_asr",
    "redimnet",
    "resemblyzer",
    "rmvpe",
    "seamless_m4t",
    "silero_vad",
    "speech2text",
    "speechbrain_ecapa",
    "speechbrain_fbank",
    "speecht5",
    "styletts2",
    "tacotron2",
    "torchaudio_lfcc",
    "torchaudio_mel",
    "torchaudio_mfcc",
    "univnet",
    "vggish",
    "vibevoice",
    "vits",
    "vocos",
    "voxtral_realtime",
    "wav2vec2",
    "wenet",
    "wespeaker",
    "whisper",
    "whisper_large_v3",
    "xcodec2",
    "xtts",
    "yamnet",
]
"""The published front ends that `kapre.list_presets()` returns."""

PresetAlias = Literal[
    "canary",
    "distil_whisper",
    "f5_tts",
    "htsat",
    "hubert",
    "kokoro",
    "matcha",
    "moss_transcribe_diarize",
    "openvoice",
    "parakeet",
    "parakeet_tdt",
    "pyannote",
    "sensevoice",
    "titanet",
    "vosk",
    "waveglow",
    "wavlm",
    "whisper_turbo",
]
"""Names of models that are presets of another name: those of `kapre.frontends.aliases()`."""


class LayerArguments(TypedDict, total=False):
    """List Keras' arguments of a layer."""

    name: str | None
    dtype: Any
    trainable: bool
    autocast: bool
    activity_regularizer: Any
    input_shape: Any


class RecipeFields(TypedDict, total=False):
    """List the fields of `kapre.Recipe`."""

    input_rate: int | None
    resampling_method: Literal["sinc_interp_hann", "sinc_interp_kaiser", "kaiser_best", "kaiser_fast"]
    sample_rate: float | None
    input_scale: float
    normalize_samples: bool | Literal["rms", "peak"]
    samples_epsilon: float
    target_dbfs: float
    only_raise: bool
    peak_limit: float | None
    dither: float
    preemphasis: float
    preemphasis_over: Literal["signal", "frame"]
    preemphasis_first: Literal["keep", "first", "reflect", "drop"]
    fixed_samples: int | None
    fixed_by: Literal["zeros", "tile"]
    samples_at_least: int
    samples_multiple: int
    samples_multiple_strict: bool
    multiple_by: Literal["zeros", "reflect"]
    zeros_after: int
    n_fft: int
    win_length: int | None
    hop_length: int | None
    frame_length: int | None
    pad_begin: bool
    pad_end: bool
    center: bool
    snip_edges: bool
    pad_left: int
    pad_right: int
    pad_mode: Literal["constant", "reflect", "symmetric", "edge"]
    window_placement: Literal["start", "center"] | None
    drop_last: int
    chunk_length: int | None
    chunk_context: int
    chunk_pad: int
    remove_dc: bool
    normalize_frames: bool
    window_name: str | None
    window_periodic: bool | None
    window_exponent: float
    power: float | None
    magnitude_epsilon: float
    magnitude_epsilon_by: Literal["add", "max"]
    transform: Literal["dft", "cqt", "identity"]
    cqt_gamma: float
    cqt_filter_scale: float
    filterbank: Literal["mel", "log", "linear", "bark", "gammatone", "chroma"] | None
    n_mels: int
    n_bins: int
    bins_per_octave: int
    f_min: float | None
    f_max: float | None
    htk: bool
    norm: str | float | None
    triangles: Literal["hz", "mel", "symmetric", "bins"]
    spread: float
    n_chroma: int
    tuning: float
    bank_rate: float | None
    log: Literal["ln", "log10", "db"] | None
    amin: float
    amin_by: Literal["max", "add"]
    ref_value: float | Literal["max"]
    dynamic_range: float | None
    range_top: float | None
    pcen: bool
    pcen_gain: float
    pcen_bias: float
    pcen_power: float
    pcen_time_constant: float
    pcen_smoothing: float | None
    pcen_epsilon: float
    pcen_start: Literal["unit", "first"]
    microfrontend: bool
    noise_even: float
    noise_odd: float
    noise_floor: float
    pcan_strength: float
    pcan_offset: float
    n_mfcc: int | None
    lifter: float
    lifter_start: Literal[0, 1]
    energy: Literal["first", "last", "c0"] | None
    energy_floor: float
    normalize: Literal["mean", "mean_std"] | None
    normalize_over: Literal["utterance", "running", "sliding"]
    normalize_ddof: int
    normalize_epsilon: float
    normalize_epsilon_in: Literal["variance", "deviation"]
    normalize_window: int
    normalize_min_frames: int
    normalize_center: bool
    one_hot: bool
    valid_frames: Literal["all", "hops", "whole"]
    fixed_frames: int | None
    deltas: Literal[0, 1, 2]
    delta_window: int
    delta_edges: Literal["nearest", "interp"]
    stack: int
    stack_hop: int | None
    stack_edges: Literal["drop", "zeros", "repeat"]
    feature_shift: float | tuple[float, ...]
    feature_scale: float | tuple[float, ...]
    frames_multiple: int
    patch_frames: int | None
    patch_hop: int | None
    layout: Literal["time_first", "band_first"]


class PresetArguments(RecipeFields, LayerArguments, total=False):
    """List the arguments of a preset's layer: recipe changes, and arguments of the layer."""

    trainable_filterbank: bool | Literal["all"]
    trainable_window: bool | Literal["all"]
    seed: int | None
