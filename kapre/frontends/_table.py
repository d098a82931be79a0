"""Table of published front ends, with the recipe and the origin of each."""

from __future__ import annotations

from typing import Any

from kapre.frontends._preset import Preset
from kapre.recipe import Recipe

PRESETS: dict[str, Preset] = {}


def _add(name: str, recipe: Recipe, title: str, used_by: str, source: str, **more: Any) -> None:
    PRESETS[name] = Preset(name, recipe, title, used_by, source, **more)


_SPEECH = Recipe(sample_rate=16000.0, n_fft=512, win_length=400, hop_length=160, power=2.0)
_SLANEY: dict[str, Any] = dict(filterbank="mel", htk=False, norm="slaney", triangles="hz")
_HTK: dict[str, Any] = dict(filterbank="mel", htk=True, norm=None, triangles="hz")
_TENSORFLOW: dict[str, Any] = dict(filterbank="mel", htk=True, norm=None, triangles="mel")
_POVEY: dict[str, Any] = dict(window_name="hann_window", window_periodic=False, window_exponent=0.85)
_HAMMING: dict[str, Any] = dict(window_name="hamming_window", window_periodic=False, window_exponent=1.0)
_REFLECT: dict[str, Any] = dict(center=True, pad_mode="reflect")
_DB: dict[str, Any] = dict(log="db", amin=1e-10)

_WHISPER = "Radford et al. (2022), Robust Speech Recognition via Large-Scale Weak Supervision"
_whisper = _SPEECH.replace(
    **_REFLECT, **_SLANEY, n_fft=400, drop_last=1, fixed_samples=480000, n_mels=80, f_min=0.0, f_max=8000.0,
    log="log10", amin=1e-10, dynamic_range=8.0, feature_shift=4.0, feature_scale=0.25, layout="band_first",
)  # fmt: skip
_add(
    "whisper",
    _whisper,
    "OpenAI Whisper up to large-v2: 80 bands of 30 s",
    "Whisper tiny to large-v2, Distil-Whisper, faster-whisper",
    f"whisper.audio.log_mel_spectrogram; transformers.WhisperFeatureExtractor. {_WHISPER}.",
    note="The clip's own maximum sets the floor, so it cannot stream; `voxtral_realtime` fixes it.",
)
_add(
    "whisper_large_v3",
    _whisper.replace(n_mels=128),
    "OpenAI Whisper large-v3 and turbo: 128 bands of 30 s",
    "Whisper large-v3, turbo, Qwen2-Audio, Voxtral",
    f"transformers.WhisperFeatureExtractor(feature_size=128). {_WHISPER}.",
)
_add(
    "voxtral_realtime",
    _whisper.replace(n_mels=128, fixed_samples=None, range_top=1.5),
    "Whisper's features with a fixed maximum, which stream",
    "Voxtral Realtime",
    "transformers.VoxtralRealtimeFeatureExtractor.",
)
_add(
    "granite_speech",
    _SPEECH.replace(
        **_REFLECT, **_HTK, n_mels=80, log="log10", amin=1e-10, dynamic_range=8.0, feature_shift=4.0,
        feature_scale=0.25, stack=2,
    ),
    "IBM Granite Speech: Whisper's range on HTK bands, two frames joined",
    "Granite Speech 3.2, 3.3",
    "transformers.GraniteSpeechFeatureExtractor (torchaudio.transforms.MelSpectrogram).",
)  # fmt: skip

_KALDI = "Povey et al. (2011), The Kaldi Speech Recognition Toolkit"
_kaldi = _SPEECH.replace(
    **_POVEY, **_TENSORFLOW, input_scale=32768.0, remove_dc=True, preemphasis=0.97, preemphasis_over="frame",
    preemphasis_first="first", n_mels=80, f_min=20.0, f_max=8000.0, log="ln", amin=1.1920928955078125e-07,
)  # fmt: skip
_add(
    "kaldi_fbank",
    _kaldi,
    "Kaldi's log mel filter bank, 80 bands, samples scaled by 32768",
    "Kaldi recipes, WeNet",
    f"compute-fbank-feats; kaldi_native_fbank.OnlineFbank with dither 0. {_KALDI}.",
    note="`snip_edges=False`, `energy='first'` and `dither=1.0` are the options of the same name in Kaldi.",
)
_add(
    "kaldi_mfcc",
    _kaldi.replace(n_mels=23, n_mfcc=13, lifter=22.0, energy="c0"),
    "Kaldi's MFCC: 13 coefficients, the first one the log energy",
    "Kaldi recipes",
    f"compute-mfcc-feats; kaldi_native_fbank.OnlineMfcc with dither 0. {_KALDI}.",
    note="`energy=None` is use_energy=false, torchaudio's default.",
)
_add(
    "ast",
    _kaldi.replace(
        input_scale=1.0, window_exponent=1.0, n_mels=128, fixed_frames=1024, feature_shift=4.2677393,
        feature_scale=1.0 / (2.0 * 4.5689974),
    ),
    "Audio Spectrogram Transformer: 1024 frames of 128 bands, normalised",
    "AST, SSAST",
    "transformers.ASTFeatureExtractor. Gong, Chung and Glass (2021), AST: Audio Spectrogram Transformer.",
    note=(
        "Missing frames are 0 before the normalisation, and 0.4670 after it. EAT's features have the clip's own "
        "length: `eat`."
    ),
)  # fmt: skip
_add(
    "beats",
    _kaldi.replace(n_mels=128, feature_shift=-15.41663, feature_scale=1.0 / (2.0 * 6.55582)),
    "BEATs: 128 Kaldi bands, normalised",
    "BEATs",
    "BEATs.preprocess (unilm). Chen et al. (2022), BEATs: Audio Pre-Training with Acoustic Tokenizers.",
)
_add(
    "wespeaker",
    _kaldi.replace(**_HAMMING, normalize="mean"),
    "WeSpeaker and pyannote embeddings: hamming Kaldi bands less their mean over time",
    "WeSpeaker, pyannote.audio's wespeaker embedding",
    "wespeaker's compute_fbank with apply_cmvn. Wang et al. (2023), Wespeaker: a research and production toolkit.",
    note=(
        "The mean is the whole clip's; `normalize_over='running'` streams. 3D-Speaker's CAM++ and ERes2Net take "
        "Kaldi's povey window and samples in [-1, 1]: `campplus`."
    ),
)
_add(
    "icefall",
    _kaldi.replace(input_scale=1.0, snip_edges=False, f_max=7600.0),
    "icefall, lhotse and sherpa-onnx: Kaldi's bands without the scale, mirrored at the ends",
    "k2 icefall recipes, lhotse, sherpa-onnx models",
    "lhotse.Fbank; kaldi_native_fbank with snip_edges=false, high_freq=-400.",
)
_add(
    "wenet",
    _kaldi,
    "WeNet: Kaldi's 80 bands, to be normalised by a file's statistics",
    "WeNet",
    "wenet's compute_fbank. Yao et al. (2021), WeNet: production oriented streaming ASR toolkit.",
    note="The model's global CMVN file gives `feature_shift` (minus its means) and `feature_scale` (its istd).",
)
_add(
    "paraformer",
    _kaldi.replace(**_HAMMING, stack=7, stack_hop=6, stack_edges="repeat"),
    "FunASR Paraformer: hamming Kaldi bands, seven frames joined every six",
    "Paraformer, SenseVoice, FunASR",
    "funasr's WavFrontend (lfr_m=7, lfr_n=6). Gao et al. (2022), Paraformer.",
    note="The model's am.mvn gives `feature_shift` and `feature_scale`, 560 values each.",
)
_add(
    "seamless_m4t",
    _kaldi.replace(normalize="mean_std", normalize_ddof=1, normalize_epsilon=1e-7, stack=2, stack_edges="zeros"),
    "SeamlessM4T and w2v-BERT 2.0: Kaldi's bands normalised over time, two frames joined",
    "SeamlessM4T, w2v-BERT 2.0",
    "transformers.SeamlessM4TFeatureExtractor. Seamless Communication (2023), SeamlessM4T.",
)
_add(
    "speech2text",
    _kaldi.replace(normalize="mean_std"),
    "fairseq S2T: Kaldi's bands normalised over time",
    "Speech2Text (S2T), fairseq S2T models",
    "transformers.Speech2TextFeatureExtractor. Wang et al. (2020), fairseq S2T.",
    note="A band that never changes becomes 0, where the reference divides 0 by 0.",
)
_add(
    "phi4_multimodal",
    _kaldi.replace(**_HAMMING, remove_dc=False, f_min=0.0, f_max=7690.0, amin=1.0),
    "Phi-4 multimodal: hamming bands to 7690 Hz, floor 1.0",
    "Phi-4-multimodal",
    "transformers.Phi4MultimodalFeatureExtractor.",
)

_YAMNET = "Gemmeke et al. (2017), Audio Set; Hershey et al. (2017), CNN architectures for large-scale audio"
_vggish = _SPEECH.replace(
    **_TENSORFLOW, power=1.0, n_mels=64, f_min=125.0, f_max=7500.0, log="ln", amin=0.01, amin_by="add",
    patch_frames=96,
)  # fmt: skip
_add(
    "vggish",
    _vggish,
    "VGGish: patches of 96 frames of 64 bands",
    "VGGish, AudioSet embeddings",
    f"vggish_input.waveform_to_examples; torchvggish. {_YAMNET}.",
)
_add(
    "yamnet",
    _vggish.replace(amin=0.001, patch_hop=48, samples_at_least=15600, samples_multiple=7680),
    "YAMNet: overlapping patches of 96 frames of 64 bands",
    "YAMNet",
    f"yamnet's features.py (TensorFlow models). {_YAMNET}.",
)
_add(
    "medasr",
    _SPEECH.replace(**_TENSORFLOW, window_periodic=False, n_mels=128, f_min=125.0, f_max=7500.0, log="ln", amin=1e-5),
    "MedASR (LASR): 128 bands, 125 to 7500 Hz",
    "MedASR",
    "transformers.LasrFeatureExtractor.",
)
_add(
    "gemma3n",
    _SPEECH.replace(
        **_HTK, n_fft=1024, win_length=512, frame_length=513, samples_multiple=128, preemphasis=0.97,
        preemphasis_over="frame", preemphasis_first="first", power=1.0, n_mels=128, f_min=125.0, f_max=7600.0,
        log="ln", amin=1e-5,
    ),
    "Gemma 3n: 128 bands of a 1024-point DFT, HTK preemphasis in each frame",
    "Gemma 3n, Universal Speech Model",
    "transformers.Gemma3nAudioFeatureExtractor.",
)  # fmt: skip
_add(
    "gemma4",
    _SPEECH.replace(
        **_HTK, win_length=320, frame_length=321, pad_left=160, samples_multiple=128, power=1.0, n_mels=128,
        f_min=0.0, f_max=8000.0, log="ln", amin=1e-3, amin_by="add", valid_frames="whole",
    ),
    "Gemma 4: 128 bands of 20 ms frames, half a frame of zeros in front",
    "Gemma 4",
    "transformers.Gemma4AudioFeatureExtractor.",
)  # fmt: skip

_nemo = _SPEECH.replace(
    **_SLANEY, window_periodic=False, center=True, preemphasis=0.97, n_mels=80, f_min=0.0, f_max=8000.0,
    log="ln", amin=2.0**-24, amin_by="add", valid_frames="hops", normalize="mean_std", normalize_ddof=1,
    normalize_epsilon=1e-5, normalize_epsilon_in="deviation", layout="band_first",
)  # fmt: skip
_PARAKEET = "nemo.collections.asr FilterbankFeatures; transformers.ParakeetFeatureExtractor"
_CHANGED = "NeMo padded by reflection and counted one frame more until 2025: `nemo_v1`."
_add(
    "nemo",
    _nemo,
    "NVIDIA NeMo: 80 bands, normalised over time",
    "Conformer, FastConformer, Parakeet, Canary, TitaNet",
    f"{_PARAKEET}.",
    note=_CHANGED,
    version="2, since 2025",
)
_add(
    "nemo_128",
    _nemo.replace(n_mels=128),
    "NVIDIA NeMo with 128 bands",
    "Parakeet TDT 0.6b v2 and v3, Canary 1b flash",
    f"{_PARAKEET}(feature_size=128).",
    note=_CHANGED,
    version="2, since 2025",
)
_add(
    "nemo_v1",
    _nemo.replace(pad_mode="reflect", valid_frames="all"),
    "NVIDIA NeMo before 2025: reflected ends, one valid frame more",
    "QuartzNet, Citrinet, Conformer checkpoints of that time",
    "nemo.collections.asr FilterbankFeatures up to 2.2.",
    version="1, until 2025",
)

_librosa = Recipe(
    sample_rate=22050.0, n_fft=2048, hop_length=512, center=True, power=2.0, layout="band_first", **_SLANEY
)
_MCFEE = "McFee et al. (2015), librosa: audio and music signal analysis in Python"
_add(
    "librosa_mel",
    _librosa,
    "librosa.feature.melspectrogram with its defaults: power, 128 bands",
    "what is written with librosa",
    f"librosa.feature.melspectrogram (0.9 and later, which pads zeros). {_MCFEE}.",
    note="For librosa.power_to_db: `log='db', amin=1e-10, dynamic_range=80.0`.",
)
_add(
    "librosa_mfcc",
    _librosa.replace(**_DB, dynamic_range=80.0, n_mfcc=20),
    "librosa.feature.mfcc with its defaults: 20 coefficients",
    "what is written with librosa",
    f"librosa.feature.mfcc. {_MCFEE}.",
)
_torchaudio = _SPEECH.replace(**_REFLECT, **_HTK, n_fft=400, hop_length=200, n_mels=128, layout="band_first")
_add(
    "torchaudio_mel",
    _torchaudio,
    "torchaudio.transforms.MelSpectrogram with its defaults: power, 128 bands",
    "what is written with torchaudio",
    "torchaudio.transforms.MelSpectrogram. Yang et al. (2022), TorchAudio.",
)
_add(
    "torchaudio_mfcc",
    _torchaudio.replace(**_DB, dynamic_range=80.0, n_mfcc=40),
    "torchaudio.transforms.MFCC with its defaults: 40 coefficients",
    "what is written with torchaudio",
    "torchaudio.transforms.MFCC. Yang et al. (2022), TorchAudio.",
)

_panns = Recipe(
    sample_rate=32000.0, n_fft=1024, hop_length=320, power=2.0, n_mels=64, f_min=50.0, f_max=14000.0,
    **_REFLECT, **_SLANEY, **_DB,
)  # fmt: skip
_add(
    "panns",
    _panns,
    "PANNs: 64 bands in dB at 32 kHz",
    "PANNs Cnn14 and the like, audioset_tagging_cnn",
    "torchlibrosa.stft.Spectrogram and LogmelFilterBank. Kong et al. (2020), PANNs.",
)
_clap = _panns.replace(
    sample_rate=48000.0, hop_length=480, f_min=0.0, f_max=14000.0, fixed_samples=480000, fixed_by="tile"
)
_CLAP = "Wu et al. (2023), Large-scale Contrastive Language-Audio Pretraining"
_CLAP_NOTE = "A longer clip is trimmed to its first 10 s, where the reference takes a random part."
_add(
    "clap_fused",
    _clap.replace(**_HTK),
    "LAION CLAP with fusion: 64 HTK bands in dB of 10 s, short clips repeated",
    "laion/clap-htsat-fused",
    f"transformers.ClapFeatureExtractor(truncation='fusion'). {_CLAP}.",
    note=f"{_CLAP_NOTE} The model takes this four times over for a clip of 10 s or less.",
)
_add(
    "clap_unfused",
    _clap,
    "LAION CLAP without fusion: 64 Slaney bands in dB of 10 s, short clips repeated",
    "laion/clap-htsat-unfused, larger_clap_general, larger_clap_music",
    f"transformers.ClapFeatureExtractor(truncation='rand_trunc'). {_CLAP}.",
    note=_CLAP_NOTE,
)

_speechbrain = _SPEECH.replace(
    **_DB, filterbank="mel", htk=True, norm=None, triangles="symmetric", n_fft=400, window_name="hamming_window",
    center=True, n_mels=40, f_min=0.0, f_max=8000.0, dynamic_range=80.0,
)  # fmt: skip
_RAVANELLI = "Ravanelli et al. (2021), SpeechBrain: a general-purpose speech toolkit"
_add(
    "speechbrain_fbank",
    _speechbrain,
    "SpeechBrain's Fbank: 40 symmetric triangles in dB",
    "SpeechBrain recipes",
    f"speechbrain.lobes.features.Fbank. {_RAVANELLI}.",
)
_add(
    "speechbrain_ecapa",
    _speechbrain.replace(n_mels=80, normalize="mean"),
    "SpeechBrain's ECAPA-TDNN: 80 bands less their mean over time",
    "speechbrain/spkrec-ecapa-voxceleb",
    f"speechbrain.lobes.features.Fbank(n_mels=80) and InputNormalization(norm_type='sentence'). {_RAVANELLI}.",
)
_add(
    "keras_mel",
    Recipe(
        sample_rate=16000.0, n_fft=2048, hop_length=512, power=2.0, n_mels=128, f_min=20.0, f_max=8000.0,
        dynamic_range=80.0, layout="band_first", **_REFLECT, **_TENSORFLOW, **_DB,
    ),
    "keras.layers.MelSpectrogram with its defaults: 128 bands in dB",
    "Keras models",
    "keras.layers.MelSpectrogram.",
    note="Keras takes the maximum over the whole batch, this over each clip.",
)  # fmt: skip

_hifigan = Recipe(
    sample_rate=22050.0, n_fft=1024, hop_length=256, pad_left=384, pad_right=384, pad_mode="reflect", power=1.0,
    magnitude_epsilon=1e-9, n_mels=80, f_min=0.0, f_max=8000.0, log="ln", amin=1e-5, layout="band_first", **_SLANEY,
)  # fmt: skip
_add(
    "hifigan",
    _hifigan,
    "HiFi-GAN's mel: 80 bands at 22.05 kHz",
    "HiFi-GAN, BigVGAN 22 kHz, many TTS vocoders",
    "hifi-gan's meldataset.mel_spectrogram. Kong, Kim and Bae (2020), HiFi-GAN.",
)
_add(
    "bigvgan_24k_100band",
    _hifigan.replace(sample_rate=24000.0, n_mels=100, f_max=12000.0),
    "BigVGAN and UnivNet: 100 bands at 24 kHz",
    "BigVGAN 24 kHz 100 bands, UnivNet",
    "bigvgan's mel_spectrogram; transformers.UnivNetFeatureExtractor. Lee et al. (2023), BigVGAN.",
)
_add(
    "vocos",
    Recipe(
        sample_rate=24000.0, n_fft=1024, hop_length=256, power=1.0, n_mels=100, log="ln", amin=1e-7,
        layout="band_first", **_REFLECT, **_HTK,
    ),
    "Vocos' mel: 100 HTK bands of the magnitude at 24 kHz",
    "Vocos, F5-TTS",
    "vocos.feature_extractors.MelSpectrogramFeatures. Siuzdak (2023), Vocos.",
)  # fmt: skip
_add(
    "speecht5",
    _SPEECH.replace(
        **_REFLECT, **_SLANEY, n_fft=1024, win_length=1024, hop_length=256, power=1.0, n_mels=80, f_min=80.0,
        f_max=7600.0, log="log10", amin=1e-10,
    ),
    "SpeechT5's target: 80 bands of the magnitude",
    "SpeechT5",
    "transformers.SpeechT5FeatureExtractor (audio_target). Ao et al. (2022), SpeechT5.",
)  # fmt: skip
_add(
    "clvp",
    Recipe(
        sample_rate=22050.0, n_fft=1024, hop_length=256, power=2.0, filterbank="mel", htk=True, norm="slaney",
        n_mels=80, f_min=0.0, f_max=8000.0, log="ln", amin=1e-5, fixed_samples=132300, layout="band_first", **_REFLECT,
    ),
    "CLVP (Tortoise): 80 bands of 6 s",
    "Tortoise TTS's CLVP",
    "transformers.ClvpFeatureExtractor. Betker (2023), Better speech synthesis through scaling.",
)  # fmt: skip
_add(
    "wav2vec2",
    Recipe(sample_rate=16000.0, power=None, normalize_samples=True),
    "The wave itself, zero mean and unit variance",
    "wav2vec 2.0, HuBERT, WavLM",
    "transformers.Wav2Vec2FeatureExtractor. Baevski et al. (2020), wav2vec 2.0.",
)
_add(
    "silero_vad",
    Recipe(
        sample_rate=16000.0, n_fft=256, hop_length=128, power=1.0, samples_multiple=512, chunk_length=512,
        chunk_context=64, chunk_pad=64, layout="band_first",
    ),
    "Silero VAD's STFT of chunks of 32 ms",
    "Silero VAD 5 and 6",
    "silero_vad's own STFT layer. Silero Team (2024), Silero VAD.",
)  # fmt: skip
