"""Table of published front ends of taggers, music models and vocoders; see `_table`."""

from __future__ import annotations

import math

from kapre.frontends._table import _DB, _HTK, _REFLECT, _SLANEY, _TENSORFLOW, PRESETS, _add
from kapre.recipe import Recipe

_panns, _hifigan = PRESETS["panns"].recipe, PRESETS["hifigan"].recipe
_torchaudio = PRESETS["torchaudio_mel"].recipe

_PONS = "Pons and Serra (2019), musicnn"
_musicnn = Recipe(
    sample_rate=16000.0, n_fft=512, hop_length=256, center=True, power=2.0, n_mels=96, log="log10", amin=1e-4,
    amin_by="add", feature_shift=4.0, **_SLANEY,
)  # fmt: skip
_add(
    "musicnn",
    _musicnn,
    "musicnn: log10(1 + 10000 x) of 96 bands",
    "MusiCNN, MSD and MTT taggers",
    f"musicnn's batch_data (librosa.feature.melspectrogram). {_PONS}.",
)
_add(
    "essentia_musicnn",
    _musicnn.replace(center=False, window_periodic=False),
    "Essentia's TensorflowInputMusiCNN: musicnn's bands of frames that are not centred",
    "Discogs-EffNet, MusiCNN and other models of Essentia",
    "essentia.standard.TensorflowInputMusiCNN. Alonso-Jiménez et al. (2020), Tensorflow audio models in Essentia.",
)
_add(
    "maest",
    _musicnn.replace(
        pad_mode="reflect", feature_shift=4.0 - 2.06755686098554, feature_scale=1.0 / (2.0 * 1.268292820667291)
    ),
    "MAEST: musicnn's bands, normalised",
    "MAEST",
    "maest_infer's MelSpectrogram. Alonso-Jiménez et al. (2023), Efficient supervised training of audio transformers.",
)
_add(
    "essentia_vggish",
    PRESETS["vggish"].recipe.replace(window_periodic=False, patch_frames=None),
    "Essentia's TensorflowInputVGGish: VGGish's bands with a symmetric window",
    "VGGish and YAMNet models of Essentia",
    "essentia.standard.TensorflowInputVGGish. Alonso-Jiménez et al. (2020), Tensorflow audio models in Essentia.",
)
_add(
    "msclap",
    _panns.replace(sample_rate=44100.0, f_max=8000.0),
    "Microsoft CLAP 2023: 64 bands in dB at 44.1 kHz",
    "msclap 2023, HTS-AT at 44.1 kHz",
    "msclap's HTSAT (torchlibrosa). Elizalde et al. (2023), Natural language supervision for general-purpose audio.",
)
_add(
    "piano_transcription",
    _panns.replace(
        sample_rate=16000.0, n_fft=2048, win_length=2048, hop_length=160, n_mels=229, f_min=30.0, f_max=8000.0
    ),
    "Kong's piano transcription: 229 bands in dB every 10 ms",
    "piano_transcription_inference",
    "piano_transcription_inference (torchlibrosa). Kong et al. (2021), High-resolution piano transcription.",
)
_add(
    "dasheng",
    _torchaudio.replace(n_fft=512, win_length=512, hop_length=160, n_mels=64, dynamic_range=120.0, **_DB),
    "Dasheng: 64 bands in dB within 120 dB of the clip's maximum",
    "Dasheng, MiDashengLM",
    "dasheng's front end (torchaudio.transforms). Dinkel et al. (2024), Scaling up masked audio encoder learning.",
)
_add(
    "beat_this",
    Recipe(
        sample_rate=22050.0, input_scale=1.0 / 32.0, n_fft=1024, hop_length=441, power=1.0, n_mels=128, f_min=30.0,
        f_max=11000.0, filterbank="mel", htk=False, norm=None, log="ln", amin=1e-3, amin_by="add",
        feature_shift=math.log(1000.0), **_REFLECT,
    ),
    "Beat This!: ln(1 + 1000 x) of 128 bands, 50 frames per second",
    "Beat This!",
    "beat_this's LogMelSpect (torchaudio.transforms.MelSpectrogram, normalized). Foscarin et al. (2024), Beat This!",
)  # fmt: skip
_add(
    "musicfm",
    _torchaudio.replace(
        sample_rate=24000.0, n_fft=2048, win_length=2048, hop_length=240, feature_shift=-6.768444971712967,
        feature_scale=1.0 / 18.417922652295623, **_DB,
    ),
    "MusicFM: 128 bands in dB, normalised",
    "MusicFM",
    "musicfm's MelSTFT (torchaudio.transforms). Won, Hung and Le (2024), A foundation model for music informatics.",
)  # fmt: skip
_add(
    "pop2piano",
    Recipe(
        sample_rate=22050.0, n_fft=4096, hop_length=1024, power=2.0, n_mels=512, f_min=10.0, log="ln", amin=1e-6,
        layout="band_first", **_REFLECT, **_HTK,
    ),
    "Pop2Piano: 512 HTK bands from 10 Hz",
    "Pop2Piano",
    "transformers.Pop2PianoFeatureExtractor. Choi and Lee (2022), Pop2Piano.",
    note="The reference cuts the clip at beats first, which another library finds.",
)  # fmt: skip
_add(
    "mt3",
    Recipe(
        sample_rate=16000.0, n_fft=2048, hop_length=128, pad_end=True, power=1.0, n_mels=512, f_min=20.0, f_max=7600.0,
        log="ln", amin=1e-5, **_TENSORFLOW,
    ),
    "MT3: 512 bands of the magnitude from 20 Hz, every 8 ms",
    "MT3, multi-instrument transcription",
    "mt3's compute_spectrogram (ddsp.spectral_ops.compute_logmel, tf.signal). Gardner et al. (2022), MT3.",
    note=(
        "The lowest bands are narrower than a bin of the DFT, and those without a bin are ln 1e-5 throughout. Versions "
        "of ddsp differ in values between 0 and 1e-5: some raise them to 1e-5, as this does, others only zeros."
    ),
)  # fmt: skip
_add(
    "passt",
    Recipe(
        sample_rate=32000.0, preemphasis=0.97, preemphasis_first="drop", n_fft=1024, win_length=800, hop_length=320,
        window_periodic=False, power=2.0, n_mels=128, f_min=0.0, f_max=15000.0, log="ln", amin=1e-5, amin_by="add",
        feature_shift=4.5, feature_scale=0.2, layout="band_first", **_REFLECT, **_TENSORFLOW,
    ),
    "PaSST: 128 bands at 32 kHz, (x + 4.5) / 5",
    "PaSST, EfficientAT, hear21passt",
    "hear21passt's AugmentMelSTFT. Koutini et al. (2022), Efficient training of audio transformers with patchout.",
)  # fmt: skip
_add(
    "musicgen_melody",
    Recipe(
        sample_rate=32000.0, samples_at_least=16384, n_fft=16384, hop_length=4096, power=2.0, filterbank="chroma",
        one_hot=True, **_REFLECT,
    ),
    "MusicGen Melody: the strongest of 12 pitch classes, every 128 ms",
    "MusicGen Melody",
    "transformers.MusicgenMelodyFeatureExtractor. Copet et al. (2023), Simple and controllable music generation.",
    note=(
        "The reference takes the sum of the stems 'vocals' and 'other' of the clip, which Demucs separates. It places "
        "a clip of less than half a second in the middle of that length, not at its start."
    ),
)  # fmt: skip
_add(
    "rmvpe",
    Recipe(
        sample_rate=16000.0, n_fft=1024, hop_length=160, power=1.0, filterbank="mel", htk=True, norm="slaney",
        n_mels=128, f_min=30.0, f_max=8000.0, log="ln", amin=1e-5, layout="band_first", **_REFLECT,
    ),
    "RMVPE: 128 HTK bands of the magnitude",
    "RMVPE pitch, RVC, so-vits-svc",
    "rmvpe's MelSpectrogram (librosa.filters.mel). Wei et al. (2023), RMVPE.",
)  # fmt: skip
_add(
    "crepe",
    Recipe(
        sample_rate=16000.0, n_fft=1024, hop_length=160, center=True, transform="identity", normalize_frames=True,
        window_name="rectangular_window",
    ),
    "CREPE: frames of 64 ms, each of mean 0 and deviation 1",
    "CREPE, torchcrepe, DDSP",
    "torchcrepe.preprocess. Kim et al. (2018), CREPE: A convolutional representation for pitch estimation.",
    note="torchcrepe's `hop_length` is that of the recipe; CREPE's own is 160.",
)  # fmt: skip
_add(
    "torchaudio_lfcc",
    Recipe(
        sample_rate=16000.0, n_fft=400, hop_length=200, power=2.0, filterbank="linear", n_bins=128, norm=None,
        n_mfcc=40, dynamic_range=80.0, layout="band_first", **_REFLECT, **_DB,
    ),
    "torchaudio.transforms.LFCC with its defaults: 40 coefficients of 128 linear bands",
    "spoofing countermeasures (ASVspoof baselines), what is written with torchaudio",
    "torchaudio.transforms.LFCC. Yang et al. (2022), TorchAudio.",
)  # fmt: skip

_add(
    "univnet",
    PRESETS["bigvgan_24k_100band"].recipe.replace(layout="time_first"),
    "UnivNet: BigVGAN's 100 bands at 24 kHz, time first",
    "UnivNet",
    "transformers.UnivNetFeatureExtractor. Jang et al. (2021), UnivNet.",
    note="The reference also returns noise. `do_normalize=True` maps the values to -1 … 1, which this does not.",
)
_add(
    "tacotron2",
    _hifigan.replace(pad_left=0, pad_right=0, center=True, magnitude_epsilon=0.0),
    "NVIDIA Tacotron 2: HiFi-GAN's 80 bands of centred frames",
    "Tacotron 2, WaveGlow, Flowtron",
    "tacotron2's TacotronSTFT. Shen et al. (2018), Natural TTS synthesis.",
)
_add(
    "cosyvoice2",
    _hifigan.replace(
        sample_rate=24000.0, n_fft=1920, win_length=1920, hop_length=480, pad_left=720, pad_right=720, f_max=8000.0
    ),
    "CosyVoice 2 and 3: 80 bands at 24 kHz, 50 frames per second",
    "CosyVoice 2, CosyVoice 3",
    "matcha's mel_spectrogram with CosyVoice's settings. Du et al. (2024), CosyVoice 2.",
    note="Its tokenizer takes `whisper_large_v3` without the fixed length, its speaker encoder `campplus`.",
)
_add(
    "styletts2",
    _torchaudio.replace(
        sample_rate=24000.0, bank_rate=16000.0, n_fft=2048, win_length=1200, hop_length=300, n_mels=80, log="ln",
        amin=1e-5, amin_by="add", feature_shift=4.0, feature_scale=0.25,
    ),
    "StyleTTS 2: 80 bands at 24 kHz, of a bank for 16 kHz",
    "StyleTTS 2, Kokoro, StarGANv2-VC",
    "StyleTTS2's preprocess (torchaudio.transforms.MelSpectrogram). Li et al. (2023), StyleTTS 2.",
    note="The published code leaves torchaudio's bank at 16 kHz; the models were trained so.",
)  # fmt: skip
_add(
    "xtts",
    _torchaudio.replace(
        sample_rate=22050.0, n_fft=4096, win_length=4096, hop_length=1024, n_mels=80, f_max=8000.0, norm="slaney",
        log="ln", amin=1e-5,
    ),
    "XTTS v2's style mel: 80 bands of long frames",
    "XTTS v2, Tortoise",
    "TTS's wav_to_mel_cloning. Casanova et al. (2024), XTTS.",
    note="The model divides by its mel_stats.pth: give `feature_scale`, 80 values, as 1 / mel_norms.",
)  # fmt: skip
_add(
    "vits",
    _hifigan.replace(filterbank=None, log=None, magnitude_epsilon=1e-6),
    "VITS' linear spectrogram: 513 bins of the magnitude",
    "VITS, MeloTTS, OpenVoice, GPT-SoVITS, RVC",
    "vits' spectrogram_torch. Kim, Kong and Son (2021), VITS.",
)
