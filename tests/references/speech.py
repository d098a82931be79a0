"""The front ends of speech models, as their feature extractors in transformers compute them."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from tests.references._registry import reference, transformers


def _extract(extractor: str, x: np.ndarray, arguments: dict[str, Any] | None = None, **options: Any) -> Any:
    """Call a feature extractor on one clip of 16 kHz."""
    made = getattr(transformers(), extractor)(**(arguments or {}))
    return made(x, sampling_rate=16000, return_tensors="np", **options)


def _whisper(x: np.ndarray, bands: int) -> np.ndarray:
    return _extract("WhisperFeatureExtractor", x, {"feature_size": bands})["input_features"][0]


@reference(
    "whisper",
    "transformers WhisperFeatureExtractor",
    "log10",
    note="By torch in float32 where that is installed (2e-5 off), else by NumPy.",
)
def whisper(x: np.ndarray) -> np.ndarray:
    return _whisper(x, 80)


@reference("whisper_large_v3", "transformers WhisperFeatureExtractor", "log10", note="As whisper.")
def whisper_large_v3(x: np.ndarray) -> np.ndarray:
    return _whisper(x, 128)


@reference(
    "whisper_audio_utils", "transformers audio_utils.spectrogram", "log10", note="Its spectrum is rounded to complex64."
)
def whisper_audio_utils(x: np.ndarray) -> np.ndarray:
    utils = transformers().audio_utils
    log10 = utils.spectrogram(
        np.pad(x[:480000], (0, max(0, 480000 - len(x)))),
        utils.window_function(400, "hann"),
        400,
        160,
        power=2.0,
        mel_filters=utils.mel_filter_bank(201, 80, 0, 8000, 16000, norm="slaney", mel_scale="slaney"),
        log_mel="log10",
        dtype=np.float64,
    )
    log10 = log10[:, :-1]
    return (np.maximum(log10, log10.max() - 8) + 4) / 4


@reference("voxtral_realtime", "transformers VoxtralRealtimeFeatureExtractor", "log10", torch=True, shortest=201)
def voxtral_realtime(x: np.ndarray) -> np.ndarray:
    return _extract("VoxtralRealtimeFeatureExtractor", x)["input_features"][0]


@reference(
    "granite_speech",
    "transformers GraniteSpeechFeatureExtractor",
    "log10",
    torch=True,
    shortest=257,
    note="The maximum includes the odd frame that is dropped after.",
)
def granite_speech(x: np.ndarray) -> np.ndarray:
    return transformers().GraniteSpeechFeatureExtractor()(x)["input_features"][0].numpy()


@reference(
    "ast",
    "transformers ASTFeatureExtractor",
    "normalised",
    torch=True,
    shortest=400,
    note="By torchaudio's Kaldi where that is installed, else by audio_utils.",
)
def ast(x: np.ndarray) -> np.ndarray:
    return _extract("ASTFeatureExtractor", x)["input_values"][0]


@reference(
    "seamless_m4t",
    "transformers SeamlessM4TFeatureExtractor",
    "normalised",
    shortest=240,
    note="NaN for one frame (fewer than 560 samples): ddof is 1.",
)
def seamless_m4t(x: np.ndarray) -> np.ndarray:
    return _extract("SeamlessM4TFeatureExtractor", x)["input_features"][0]


@reference(
    "speech2text",
    "transformers Speech2TextFeatureExtractor",
    "normalised",
    shortest=400,
    note="By torchaudio where that is installed. NaN or -inf for one frame, and for silence: no eps.",
)
def speech2text(x: np.ndarray) -> np.ndarray:
    return _extract("Speech2TextFeatureExtractor", x)["input_features"][0]


@reference("phi4_multimodal", "transformers Phi4MultimodalFeatureExtractor", "ln", torch=True, shortest=400)
def phi4_multimodal(x: np.ndarray) -> np.ndarray:
    return _extract("Phi4MultimodalFeatureExtractor", x)["audio_input_features"][0]


@reference("medasr", "transformers LasrFeatureExtractor", "ln", torch=True, shortest=400)
def medasr(x: np.ndarray) -> np.ndarray:
    return _extract("LasrFeatureExtractor", x)["input_features"][0]


@reference("gemma3n", "transformers Gemma3nAudioFeatureExtractor", "ln", note="Cut at 480000 samples.")
def gemma3n(x: np.ndarray) -> np.ndarray:
    return transformers().Gemma3nAudioFeatureExtractor()([x], return_tensors="np")["input_features"][0]


@reference("gemma4", "transformers Gemma4AudioFeatureExtractor", "ln", note="Cut at 480000 samples.")
def gemma4(x: np.ndarray) -> np.ndarray:
    return transformers().Gemma4AudioFeatureExtractor()([x], return_tensors="np")["input_features"][0]


def _parakeet(x: np.ndarray, bands: int) -> np.ndarray:
    return _extract("ParakeetFeatureExtractor", x, {"feature_size": bands})["input_features"][0].T


@reference(
    "nemo",
    "transformers ParakeetFeatureExtractor",
    "normalised",
    torch=True,
    note="NaN below 320 samples: one valid frame, and ddof is 1.",
)
def nemo(x: np.ndarray) -> np.ndarray:
    return _parakeet(x, 80)


@reference("nemo_128", "transformers ParakeetFeatureExtractor", "normalised", torch=True, note="As nemo.")
def nemo_128(x: np.ndarray) -> np.ndarray:
    return _parakeet(x, 128)


@reference("wav2vec2", "transformers Wav2Vec2FeatureExtractor", "normalised")
def wav2vec2(x: np.ndarray) -> np.ndarray:
    return _extract("Wav2Vec2FeatureExtractor", x)["input_values"][0]


@reference("speecht5", "transformers SpeechT5FeatureExtractor", "log10")
def speecht5(x: np.ndarray) -> np.ndarray:
    made = transformers().SpeechT5FeatureExtractor()
    return made(audio_target=x, sampling_rate=16000, return_tensors="np")["input_values"][0]


@reference(
    "silero_vad",
    "silero-vad load_silero_vad",
    "linear",
    torch=True,
    note="Its last chunk is filled with zeros. The STFT is a module inside the packaged model.",
)
def silero_vad(x: np.ndarray) -> np.ndarray:
    import torch

    threads = torch.get_num_threads()
    from silero_vad import load_silero_vad

    stft = load_silero_vad()._model.stft
    torch.set_num_threads(threads)  # importing and loading leave it at one
    padded = np.pad(x, (64, -len(x) % 512))
    chunks = np.lib.stride_tricks.sliding_window_view(padded, 576)[::512].astype("float32")
    with torch.no_grad():
        return stft(torch.tensor(chunks)).numpy()


@reference("qwen3_asr", "transformers Qwen3ASRFeatureExtractor", "log10", torch=True)
def qwen3_asr(x: np.ndarray) -> np.ndarray:
    return _extract("Qwen3ASRFeatureExtractor", x, padding="longest")["input_features"][0]


@reference("dots3_note", "transformers Dots3NoteFeatureExtractor", "log10", torch=True, note="Up to 60 s.")
def dots3_note(x: np.ndarray) -> np.ndarray:
    return np.asarray(transformers().Dots3NoteFeatureExtractor()(x, sampling_rate=16000)["input_features"][0])


@reference("nemotron_streaming", "transformers NemotronAsrStreamingFeatureExtractor", "ln", torch=True)
def nemotron_streaming(x: np.ndarray) -> np.ndarray:
    return _extract("NemotronAsrStreamingFeatureExtractor", x)["input_features"][0]


@reference("cohere_asr", "transformers CohereAsrFeatureExtractor", "normalised", torch=True, note="As nemo.")
def cohere_asr(x: np.ndarray) -> np.ndarray:
    return _extract("CohereAsrFeatureExtractor", x, {"dither": 0.0})["input_features"][0]


@reference("fun_asr_nano", "transformers FunAsrNanoFeatureExtractor", "ln", torch=True, shortest=400)
def fun_asr_nano(x: np.ndarray) -> np.ndarray:
    return _extract("FunAsrNanoFeatureExtractor", x)["input_features"][0]


@reference("inkling", "transformers InklingFeatureExtractor", "log10", torch=True)
def inkling(x: np.ndarray) -> np.ndarray:
    return _extract("InklingFeatureExtractor", x)["input_features"][0]


@reference("neucodec", "transformers NeuCodecFeatureExtractor", "normalised", shortest=320)
def neucodec(x: np.ndarray) -> np.ndarray:
    return _extract("NeuCodecFeatureExtractor", x)["input_features"][0]


@reference("xcodec2", "transformers Xcodec2FeatureExtractor", "normalised", shortest=240)
def xcodec2(x: np.ndarray) -> np.ndarray:
    return _extract("Xcodec2FeatureExtractor", x)["input_features"][0]


@reference(
    "openwakeword",
    "onnxruntime InferenceSession",
    "dB",
    shortest=512,
    note="melspectrogram.onnx of openwakeword 0.4.0, in float32.",
)
def openwakeword(x: np.ndarray) -> np.ndarray:
    session = _melspectrogram()
    found = session.run(None, {session.get_inputs()[0].name: (32768.0 * x[None]).astype("float32")})[0]
    return found[0, 0] / 10 + 2


@functools.cache
def _melspectrogram() -> Any:
    import onnxruntime

    package = importlib.util.find_spec("openwakeword")
    assert package is not None, "requirements-references.txt is not installed"
    return onnxruntime.InferenceSession(Path(str(package.origin)).parent / "resources/models/melspectrogram.onnx")


@reference("dnsmos", "speechmos dnsmos.DNSMOS", "dB")
def dnsmos(x: np.ndarray) -> np.ndarray:
    from speechmos.dnsmos import DNSMOS

    return DNSMOS.audio_melspec(DNSMOS.__new__(DNSMOS), x)


@reference("python_speech_features", "python_speech_features logfbank", "ln", float64=True)
def python_speech_features(x: np.ndarray) -> np.ndarray:
    from python_speech_features import logfbank

    return logfbank(x)
