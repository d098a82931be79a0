"""Table of published front ends of speech models, with those that need the fields of later versions; see `_table`."""

from __future__ import annotations

from kapre.frontends._table import _DB, _HTK, _REFLECT, _SLANEY, _SPEECH, _TENSORFLOW, PRESETS, _add
from kapre.recipe import Recipe

_whisper_v3 = PRESETS["whisper_large_v3"].recipe
_nemo, _nemo_128 = PRESETS["nemo"].recipe, PRESETS["nemo_128"].recipe
_kaldi = PRESETS["kaldi_fbank"].recipe

_add(
    "qwen3_asr",
    _whisper_v3.replace(fixed_samples=None, samples_at_least=8000, frames_multiple=100),
    "Qwen3-ASR: Whisper's 128 bands of the clip's own length, zeros up to 100 frames",
    "Qwen3-ASR",
    "transformers.Qwen3ASRFeatureExtractor(padding='longest').",
    note="Clips are at least half a second long. With `padding='max_length'` it is `whisper_large_v3`.",
)
_add(
    "dots3_note",
    _whisper_v3.replace(fixed_samples=None, samples_multiple=1280, zeros_after=1280, drop_last=9),
    "dots3.note: Whisper's 128 bands of a clip padded to 80 ms",
    "dots3.note",
    "transformers.Dots3NoteFeatureExtractor.",
    note=(
        "The reference cuts longer clips into pieces of 60 s, each of which has a maximum of its own, as "
        "`kapre.FixedPieces` does with `whisper_large_v3` and `fixed_samples=960000`."
    ),
)
_add(
    "nemotron_streaming",
    _nemo.replace(normalize=None, layout="time_first"),
    "Nemotron streaming ASR: NeMo's 80 bands without normalisation, which stream",
    "Nemotron Speech streaming",
    "transformers.NemotronAsrStreamingFeatureExtractor.",
)
_add(
    "cohere_asr",
    _nemo_128.replace(layout="time_first"),
    "Cohere ASR: NeMo's 128 bands, time first",
    "Cohere Transcribe",
    "transformers.CohereAsrFeatureExtractor(dither=0.0).",
    note="The reference adds dither of 1e-5, and cuts clips longer than 35 s at quiet points.",
)
_add(
    "fun_asr_nano",
    PRESETS["paraformer"].recipe.replace(input_scale=1.0),
    "Fun-ASR Nano: Paraformer's stacks of samples in [-1, 1]",
    "Fun-ASR Nano",
    "transformers.FunAsrNanoFeatureExtractor.",
)
_add(
    "campplus",
    _kaldi.replace(input_scale=1.0, normalize="mean"),
    "CAM++ and ERes2Net: Kaldi's bands of samples in [-1, 1], less their mean over time",
    "3D-Speaker's CAM++ and ERes2Net, CosyVoice's speaker encoder",
    "3D-Speaker's FBank (torchaudio.compliance.kaldi.fbank). Wang et al. (2023), CAM++.",
    note="The mean is the whole clip's; `normalize_over='running'` streams.",
)
_add(
    "eat",
    PRESETS["ast"].recipe.replace(fixed_frames=None, feature_shift=4.268, feature_scale=1.0 / (2.0 * 4.569)),
    "EAT: AST's bands of the clip's own length",
    "EAT, Efficient Audio Transformer",
    "EAT's own fbank (torchaudio.compliance.kaldi.fbank). Chen et al. (2024), EAT.",
)
_add(
    "kaldi_mfcc_hires",
    _kaldi.replace(n_mels=40, n_mfcc=40, lifter=22.0, f_max=7600.0),
    "Kaldi's mfcc_hires.conf: 40 coefficients of 40 bands",
    "Vosk, Kaldi chain and nnet3 recipes",
    "compute-mfcc-feats with mfcc_hires.conf; kaldi_native_fbank.OnlineMfcc with dither 0.",
    note="The model's own mfcc.conf may have another lowest or highest frequency.",
)
_add(
    "openwakeword",
    Recipe(
        sample_rate=16000.0, input_scale=32768.0, n_fft=512, win_length=400, hop_length=160,
        window_placement="center", power=2.0, n_mels=32, f_min=60.0, f_max=3800.0, dynamic_range=80.0,
        feature_shift=20.0, feature_scale=0.1, **_SLANEY, **_DB,
    ),
    "openWakeWord: 32 bands to 3800 Hz in dB, x / 10 + 2",
    "openWakeWord, Home Assistant, Google's speech_embedding",
    "openwakeword's melspectrogram.onnx and AudioFeatures.",
    note="The clip's own maximum sets the floor. openWakeWord computes it for each chunk of its stream.",
)  # fmt: skip
_add(
    "resemblyzer",
    Recipe(
        sample_rate=16000.0, n_fft=400, hop_length=160, center=True, power=2.0, n_mels=40, normalize_samples="rms",
        target_dbfs=-30.0, only_raise=True, samples_epsilon=0.0, **_SLANEY,
    ),
    "Resemblyzer: the power in 40 bands, quiet clips raised to -30 dB",
    "Resemblyzer, GE2E speaker encoders, XTTS tools",
    "resemblyzer.audio's normalize_volume and wav_to_mel_spectrogram. Wan et al. (2018), GE2E.",
    note="Its preprocess_wav also trims long silences, which this does not.",
)  # fmt: skip
_add(
    "redimnet",
    _SPEECH.replace(
        **_REFLECT, **_HTK, preemphasis=0.97, preemphasis_first="reflect", window_name="hamming_window",
        n_mels=72, f_min=20.0, f_max=7600.0, log="ln", amin=1e-6, amin_by="add", normalize="mean",
        layout="band_first",
    ),
    "ReDimNet: 72 hamming bands less their mean over time",
    "ReDimNet; with 40 or 64 bands clovaai's voxceleb_trainer",
    "ReDimNet's MelBanks (torchaudio.transforms.MelSpectrogram). Yakovlev et al. (2024), Reshape Dimensions Network.",
)  # fmt: skip
_add(
    "espnet",
    _SPEECH.replace(
        **_REFLECT, **_SLANEY, win_length=512, hop_length=128, n_mels=80, f_min=0.0, f_max=8000.0, log="ln", amin=1e-10
    ),
    "ESPnet's default front end: 80 bands every 8 ms",
    "ESPnet recipes, OWSM",
    "espnet2.asr.frontend.default.DefaultFrontend. Watanabe et al. (2018), ESPnet.",
    note=(
        "Recipes normalise by global statistics (`feature_shift`, `feature_scale`) or over the utterance. OWSM has "
        "`win_length=400, hop_length=160`."
    ),
)  # fmt: skip
_add(
    "inkling",
    Recipe(
        sample_rate=16000.0, n_fft=1600, hop_length=800, samples_multiple=800, pad_left=800, power=1.0,
        magnitude_epsilon=1e-10, magnitude_epsilon_by="max", n_mels=80, log="log10", amin=1e-10, **_SLANEY,
    ),
    "Inkling: 80 bands of the magnitude every 50 ms",
    "Inkling",
    "transformers.InklingFeatureExtractor.",
    note="The model quantises these to 16 levels.",
)  # fmt: skip
_neucodec = PRESETS["seamless_m4t"].recipe.replace(samples_multiple=320, samples_multiple_strict=True)
_add(
    "neucodec",
    _neucodec,
    "NeuCodec: SeamlessM4T's stacks of the clip padded to the next 20 ms",
    "NeuCodec",
    "transformers.NeuCodecFeatureExtractor (input_features).",
    note="A clip that is a multiple of 320 samples long is padded by 320 more. The codec also takes the wave itself.",
)
_add(
    "xcodec2",
    _neucodec.replace(pad_left=160, pad_right=160),
    "X-Codec 2: SeamlessM4T's stacks of the clip with 10 ms of zeros on both sides",
    "X-Codec 2, Llasa",
    "transformers.Xcodec2FeatureExtractor (input_features).",
    note="The codec also takes the wave itself, padded to the next 320 samples.",
)
_add(
    "dnsmos",
    Recipe(
        sample_rate=16000.0, n_fft=321, hop_length=160, window_periodic=True, center=True, power=2.0, n_mels=120,
        dynamic_range=80.0, ref_value="max", feature_shift=40.0, feature_scale=1.0 / 40.0, **_SLANEY, **_DB,
    ),
    "DNSMOS: 120 bands of a DFT of 321 samples, in dB below the maximum, (x + 40) / 40",
    "Microsoft's DNSMOS P.808",
    "speechmos.dnsmos (librosa.feature.melspectrogram). Reddy et al. (2021), DNSMOS.",
)  # fmt: skip
_add(
    "python_speech_features",
    Recipe(
        sample_rate=16000.0, preemphasis=0.97, samples_at_least=400, samples_multiple=160, n_fft=512, win_length=400,
        hop_length=160, window_name="rectangular_window", power=2.0, input_scale=512.0**-0.5, n_mels=26,
        filterbank="mel", htk=True, norm=None, triangles="bins", f_min=0.0, f_max=8000.0, log="ln",
        amin=2.220446049250313e-16,
    ),
    "python_speech_features.logfbank: 26 bands between whole bins, no window",
    "keyword spotting tutorials, Mozilla DeepSpeech's first versions",
    "python_speech_features.logfbank with its defaults. Lyons et al. (2020), python_speech_features.",
    note="Bands that hold nothing are at the floor of 2.2e-16 there, too.",
)  # fmt: skip
_add(
    "microfrontend",
    Recipe(
        sample_rate=16000.0, input_scale=32768.0, n_fft=512, win_length=480, hop_length=160,
        window_name="cosine_window", window_exponent=2.0, power=2.0, n_mels=40, f_min=125.0, f_max=7500.0,
        microfrontend=True, feature_scale=10.0 / 256.0, **_TENSORFLOW,
    ),
    "TensorFlow Lite's microfrontend: 40 bands with noise reduction and gain control, 10 / 256 of its integers",
    "microWakeWord, ESPHome, pymicro-features, TensorFlow Lite's micro_speech",
    "pymicro_features.MicroFrontend (tensorflow/lite/experimental/microfrontend).",
    note=(
        "The library computes in integers, in steps of 0.039: loud values are within 0.1 of it, quiet ones may be "
        "further off. micro_speech has `hop_length=320`, and its integers are `feature_scale=1.0`."
    ),
)  # fmt: skip
