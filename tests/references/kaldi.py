"""Kaldi's filter banks and cepstra, and the front ends made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.references._registry import double, reference, torchaudio, transformers

SCALE = 32768
KNF = "kaldi-native-fbank OnlineFbank"
TORCHAUDIO = "torchaudio compliance.kaldi.fbank"
AUDIO_UTILS = "transformers audio_utils.spectrogram"
ROUNDED = "Its spectrum is rounded to complex64: 2e-7 off."


def _native(x: np.ndarray, kind: str = "Fbank", **options: Any) -> np.ndarray:
    """Return what kaldi-native-fbank computes; `options` by the names of its options, wherever they are."""
    import kaldi_native_fbank as knf

    o = getattr(knf, f"{kind}Options")()
    o.frame_opts.dither = 0.0
    o.energy_floor = 0.0
    for name, value in options.items():
        owner = next(part for part in (o, o.frame_opts, o.mel_opts) if hasattr(part, name))
        setattr(owner, name, value)
    online = getattr(knf, f"Online{kind}")(o)
    online.accept_waveform(16000, x.tolist())
    online.input_finished()
    frames = [online.get_frame(i) for i in range(online.num_frames_ready)]
    return np.array(frames, "float32").reshape(len(frames), online.dim)


def _torchaudio(x: np.ndarray, kind: str = "fbank", **options: Any) -> np.ndarray:
    """Return what torchaudio's Kaldi computes, in float64 (its mel matrix too)."""
    import torch

    with double():
        y = getattr(torchaudio().compliance.kaldi, kind)(torch.tensor(x)[None], energy_floor=0.0, **options)
    return y.numpy()


def _audio_utils(x: np.ndarray, bands: int = 80, window: str = "povey") -> np.ndarray:
    """Return transformers' spectrogram with Kaldi's settings."""
    utils = transformers().audio_utils
    filters = utils.mel_filter_bank(257, bands, 20, 8000, 16000, mel_scale="kaldi", triangularize_in_mel_space=True)
    return utils.spectrogram(
        x,
        utils.window_function(400, window, periodic=False),
        400,
        160,
        512,
        power=2.0,
        center=False,
        preemphasis=0.97,
        mel_filters=filters,
        log_mel="log",
        mel_floor=1.1920928955078125e-07,
        remove_dc_offset=True,
        dtype=np.float64,
    ).T


@reference("kaldi_fbank", KNF, "ln")
def kaldi_fbank(x: np.ndarray) -> np.ndarray:
    return _native(SCALE * x, num_bins=80)


@reference("kaldi_fbank_torchaudio", TORCHAUDIO, "ln", float64=True, torch=True, shortest=400)
def kaldi_fbank_torchaudio(x: np.ndarray) -> np.ndarray:
    return _torchaudio(SCALE * x, num_mel_bins=80)


@reference("kaldi_fbank_audio_utils", AUDIO_UTILS, "ln", note=ROUNDED, shortest=240)
def kaldi_fbank_audio_utils(x: np.ndarray) -> np.ndarray:
    return _audio_utils(SCALE * x)


@reference("kaldi_fbank_no_snip", KNF, "ln")
def kaldi_fbank_no_snip(x: np.ndarray) -> np.ndarray:
    return _native(SCALE * x, num_bins=80, snip_edges=False)


@reference("kaldi_fbank_no_snip_torchaudio", TORCHAUDIO, "ln", float64=True, torch=True, shortest=400)
def kaldi_fbank_no_snip_torchaudio(x: np.ndarray) -> np.ndarray:
    return _torchaudio(SCALE * x, num_mel_bins=80, snip_edges=False)


@reference("kaldi_fbank_hamming", KNF, "ln")
def kaldi_fbank_hamming(x: np.ndarray) -> np.ndarray:
    return _native(SCALE * x, num_bins=80, window_type="hamming")


@reference("kaldi_fbank_hamming_torchaudio", TORCHAUDIO, "ln", float64=True, torch=True, shortest=400)
def kaldi_fbank_hamming_torchaudio(x: np.ndarray) -> np.ndarray:
    return _torchaudio(SCALE * x, num_mel_bins=80, window_type="hamming")


@reference("kaldi_fbank_energy", KNF, "ln")
def kaldi_fbank_energy(x: np.ndarray) -> np.ndarray:
    return _native(SCALE * x, num_bins=80, use_energy=True)


@reference("kaldi_fbank_energy_torchaudio", TORCHAUDIO, "ln", float64=True, torch=True, shortest=400)
def kaldi_fbank_energy_torchaudio(x: np.ndarray) -> np.ndarray:
    return _torchaudio(SCALE * x, num_mel_bins=80, use_energy=True)


@reference("kaldi_fbank_energy_htk", KNF, "ln", note="htk_compat: the energy comes last.")
def kaldi_fbank_energy_htk(x: np.ndarray) -> np.ndarray:
    return _native(SCALE * x, num_bins=80, use_energy=True, htk_compat=True)


@reference("kaldi_mfcc", "kaldi-native-fbank OnlineMfcc", "ln", note="use_energy is True, Kaldi's default.")
def kaldi_mfcc(x: np.ndarray) -> np.ndarray:
    return _native(SCALE * x, "Mfcc", use_energy=True)


@reference("kaldi_mfcc_torchaudio", "torchaudio compliance.kaldi.mfcc", "ln", float64=True, torch=True, shortest=400)
def kaldi_mfcc_torchaudio(x: np.ndarray) -> np.ndarray:
    return _torchaudio(SCALE * x, "mfcc", use_energy=True)


@reference("kaldi_mfcc_no_energy", "kaldi-native-fbank OnlineMfcc", "ln")
def kaldi_mfcc_no_energy(x: np.ndarray) -> np.ndarray:
    return _native(SCALE * x, "Mfcc", use_energy=False)


@reference(
    "kaldi_mfcc_no_energy_torchaudio", "torchaudio compliance.kaldi.mfcc", "ln", float64=True, torch=True, shortest=400
)
def kaldi_mfcc_no_energy_torchaudio(x: np.ndarray) -> np.ndarray:
    return _torchaudio(SCALE * x, "mfcc", use_energy=False)


def _beats(features: np.ndarray) -> np.ndarray:
    return (features - 15.41663) / (2 * 6.55582)


@reference("beats", AUDIO_UTILS, "normalised", note="kaldi-native-fbank refuses 128 bands of 257 bins.", shortest=240)
def beats(x: np.ndarray) -> np.ndarray:
    return _beats(_audio_utils(SCALE * x, 128))


@reference(
    "beats_torchaudio", TORCHAUDIO, "normalised", float64=True, torch=True, note="BEATs itself calls it.", shortest=400
)
def beats_torchaudio(x: np.ndarray) -> np.ndarray:
    return _beats(_torchaudio(SCALE * x, num_mel_bins=128))


def _without_mean(features: np.ndarray) -> np.ndarray:
    return features - features.mean(axis=0, dtype="float64") if len(features) else features


@reference("wespeaker", KNF, "ln")
def wespeaker(x: np.ndarray) -> np.ndarray:
    return _without_mean(_native(SCALE * x, num_bins=80, window_type="hamming"))


@reference(
    "wespeaker_torchaudio", TORCHAUDIO, "ln", float64=True, torch=True, note="WeSpeaker itself calls it.", shortest=400
)
def wespeaker_torchaudio(x: np.ndarray) -> np.ndarray:
    return _without_mean(_torchaudio(SCALE * x, num_mel_bins=80, window_type="hamming"))


@reference("wenet", KNF, "ln", note="Without the vectors of a model's CMVN file: Kaldi's filter bank of 80.")
def wenet(x: np.ndarray) -> np.ndarray:
    return _native(SCALE * x, num_bins=80)


@reference("icefall", KNF, "ln", note="The settings of icefall's and sherpa's recipes: high_freq -400.")
def icefall(x: np.ndarray) -> np.ndarray:
    return _native(x, num_bins=80, snip_edges=False, high_freq=-400)


@reference(
    "icefall_lhotse", "lhotse features.kaldi.layers.Wav2LogFilterBank", "ln", float64=True, torch=True, shortest=140
)
def icefall_lhotse(x: np.ndarray) -> np.ndarray:
    import torch
    from lhotse.features.kaldi.layers import Wav2LogFilterBank

    with double():
        return Wav2LogFilterBank()(torch.tensor(x)[None])[0].numpy()


@reference("paraformer", KNF, "ln", note="The stacking is NumPy's; without a model's mean and scale.")
def paraformer(x: np.ndarray) -> np.ndarray:
    features = _native(SCALE * x, num_bins=80, window_type="hamming")
    count = -(-len(features) // 6)
    if not count:
        return np.zeros((0, 560), "float32")
    frames = np.arange(count)[:, None] * 6 + np.arange(-3, 4)
    return features[frames.clip(0, len(features) - 1)].reshape(count, 560)


@reference(
    "paraformer_transformers",
    "transformers FunAsrNanoFeatureExtractor",
    "ln",
    torch=True,
    note="It does not scale the samples; they are scaled before.",
    shortest=400,
)
def paraformer_transformers(x: np.ndarray) -> np.ndarray:
    out = transformers().FunAsrNanoFeatureExtractor()(
        SCALE * x, sampling_rate=16000, return_tensors="pt", padding=False
    )
    return out["input_features"][0].numpy()


@reference("ast_audio_utils", AUDIO_UTILS, "normalised", note=ROUNDED, shortest=240)
def ast_audio_utils(x: np.ndarray) -> np.ndarray:
    features = _audio_utils(x, 128, "hann")[:1024]
    return (np.pad(features, ((0, 1024 - len(features)), (0, 0))) + 4.2677393) / (2 * 4.5689974)


@reference("seamless_m4t_audio_utils", AUDIO_UTILS, "normalised", note=ROUNDED, shortest=240)
def seamless_m4t_audio_utils(x: np.ndarray) -> np.ndarray:
    features = _audio_utils(SCALE * x)
    scaled = (features - features.mean(0)) / np.sqrt(features.var(0, ddof=1) + 1e-7)
    return np.pad(scaled, ((0, len(scaled) % 2), (0, 0))).reshape(-1, 160)


@reference("speech2text_audio_utils", AUDIO_UTILS, "normalised", note=ROUNDED, shortest=240)
def speech2text_audio_utils(x: np.ndarray) -> np.ndarray:
    features = _audio_utils(SCALE * x)
    return (features - features.mean(0)) / features.std(0)


@reference("campplus", TORCHAUDIO, "normalised", float64=True, torch=True, shortest=400)
def campplus(x: np.ndarray) -> np.ndarray:
    y = _torchaudio(x, num_mel_bins=80)
    return y - y.mean(0)


@reference("eat", TORCHAUDIO, "normalised", float64=True, torch=True, shortest=400)
def eat(x: np.ndarray) -> np.ndarray:
    options: dict[str, Any] = dict(htk_compat=True, use_energy=False, window_type="hanning", num_mel_bins=128)
    return (_torchaudio(x - x.mean(), **options) + 4.268) / (2 * 4.569)


@reference("kaldi_mfcc_hires", "kaldi-native-fbank OnlineMfcc", "ln")
def kaldi_mfcc_hires(x: np.ndarray) -> np.ndarray:
    return _native(SCALE * x, "Mfcc", num_bins=40, num_ceps=40, high_freq=-400, use_energy=False)


@reference(
    "kaldi_mfcc_hires_torchaudio", "torchaudio compliance.kaldi.mfcc", "ln", float64=True, torch=True, shortest=400
)
def kaldi_mfcc_hires_torchaudio(x: np.ndarray) -> np.ndarray:
    return _torchaudio(SCALE * x, "mfcc", num_mel_bins=40, num_ceps=40, high_freq=-400)
