"""What the formats' own libraries compute with the fields of a file: by them, or by librosa, torchaudio and NumPy."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from tests.readers.configurations import SCALE, by_torchaudio
from tests.references._registry import torchaudio, without_lazy_modules

NAMES = {
    "sample-frequency": "samp_freq", "frame-length": "frame_length_ms", "frame-shift": "frame_shift_ms",
    "num-mel-bins": "num_bins", "preemphasis-coefficient": "preemph_coeff",
}  # fmt: skip
"""Options of kaldi-native-fbank that are not called as in Kaldi."""
IGNORED = {"allow-downsample", "allow-upsample", "dither"}
SENTENCE = dict(norm_type="sentence", std_norm=False)


def options_of(text: str) -> dict[str, str]:
    """Return the options of a text. This parser is the test's own."""
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    return dict(line[2:].split("=", 1) for line in lines if line)  # type: ignore[misc]


def by_knf(x: np.ndarray, kind: str, options: dict[str, str]) -> np.ndarray:
    import kaldi_native_fbank as knf

    o = getattr(knf, f"{kind.title()}Options")()
    o.frame_opts.dither = 0.0
    o.energy_floor = 0.0
    for name, text in options.items():
        if name in IGNORED:
            continue
        attribute = NAMES.get(name, name.replace("-", "_"))
        owner = next(part for part in (o, o.frame_opts, o.mel_opts) if hasattr(part, attribute))
        now = getattr(owner, attribute)
        value = text == "true" if isinstance(now, bool) else text if isinstance(now, str) else type(now)(float(text))
        setattr(owner, attribute, value)
    online = getattr(knf, f"Online{kind.title()}")(o)
    online.accept_waveform(o.frame_opts.samp_freq, (SCALE * x).tolist())
    online.input_finished()
    return np.array([online.get_frame(i) for i in range(online.num_frames_ready)])


def by_nemo(x: np.ndarray, old: bool, **given: Any) -> np.ndarray:
    """Return what NeMo computes with some fields, `old` by its versions until 2.2."""
    import librosa
    import scipy.signal

    f: dict[str, Any] = dict(sample_rate=16000, window_size=0.02, window_stride=0.01, window="hann", features=64)
    f |= dict(preemph=0.97, lowfreq=0, highfreq=None, log=True, log_zero_guard_type="add", mag_power=2.0, pad_to=0)
    f |= dict(log_zero_guard_value=2.0**-24, normalize="per_feature", mel_norm="slaney", exact_pad=False)
    f |= given
    size, hop = int(f["window_size"] * f["sample_rate"]), int(f["window_stride"] * f["sample_rate"])
    n_fft = f.get("n_fft") or 2 ** int(np.ceil(np.log2(size)))
    window = scipy.signal.get_window(f["window"] or "boxcar", size, fftbins=False)
    y = scipy.signal.lfilter([1, -(f["preemph"] or 0.0)], [1], x)
    pad = (n_fft - hop) // 2 if f["exact_pad"] else n_fft // 2
    y = np.pad(y, pad, mode="reflect" if old else "constant")
    bands = librosa.feature.melspectrogram(
        y=y, sr=f["sample_rate"], n_fft=n_fft, win_length=size, hop_length=hop, window=window, center=False,
        n_mels=f["features"], fmin=f["lowfreq"], fmax=f["highfreq"], norm=f["mel_norm"], power=f["mag_power"],
        dtype=np.float64,
    )  # fmt: skip
    guard = f["log_zero_guard_value"]
    if f["log"]:
        bands = np.log(bands + guard if f["log_zero_guard_type"] == "add" else np.maximum(bands, guard))
    count = bands.shape[1] if old else len(x) // hop
    valid = bands[:, :count]
    if f["normalize"] == "per_feature":
        valid = (valid - valid.mean(1, keepdims=True)) / (valid.std(1, ddof=1, keepdims=True) + 1e-5)
    elif isinstance(f["normalize"], dict):
        mean, std = (np.array(f["normalize"][name])[:, None] for name in ("fixed_mean", "fixed_std"))
        valid = (valid - mean) / std
    frames = bands.shape[1] if f["pad_to"] < 2 else -(-bands.shape[1] // f["pad_to"]) * f["pad_to"]
    return np.pad(valid, ((0, 0), (0, frames - count)))


def by_speechbrain(x: np.ndarray, kind: str, normalization: dict[str, Any] | None, **options: Any) -> np.ndarray:
    import torch

    torchaudio()
    from speechbrain.lobes import features
    from speechbrain.processing.features import InputNormalization

    with torch.no_grad():
        y = getattr(features, kind)(**options)(torch.tensor(x[None].astype("float32")))
        if normalization is not None:
            y = InputNormalization(**normalization)(y, torch.ones(1))
    without_lazy_modules()
    return y[0].numpy()


def low_frame_rate(x: np.ndarray, size: int, hop: int) -> np.ndarray:
    """Join frames: the first frame is repeated before the clip, and the last one after it."""
    if size == 1:
        return x
    count = -(-len(x) // hop)
    first = np.arange(count)[:, None] * hop - (size - 1) // 2
    return x[(first + np.arange(size)).clip(0, len(x) - 1)].reshape(count, -1)


def by_funasr(x: np.ndarray, moments: Any = None, **f: Any) -> np.ndarray:
    scale = SCALE if f.get("upsacle_samples", True) else 1.0
    bands = by_torchaudio(
        scale * x, "fbank", num_mel_bins=f.get("n_mels", 80), frame_length=f.get("frame_length", 25),
        frame_shift=f.get("frame_shift", 10), window_type=f.get("window", "hamming"),
        sample_frequency=f.get("fs", 16000), snip_edges=f.get("snip_edges", True),
    )  # fmt: skip
    y = low_frame_rate(bands, f.get("lfr_m", 1), f.get("lfr_n", 1))
    return y if moments is None else (y - moments[0]) / moments[1]


def by_wenet(x: np.ndarray, kind: str, moments: Any = None, rate: int = 16000, **f: Any) -> np.ndarray:
    if kind == "log_mel_spectrogram":
        y = _whisper(x, rate, **f)
    else:
        options = dict(num_mel_bins=23, frame_length=25, frame_shift=10, sample_frequency=rate)
        options |= dict(num_ceps=40) if kind == "mfcc" else {}
        y = by_torchaudio(SCALE * x, kind, **{**options, **{name: f[name] for name in f if name != "dither"}})
    return y if moments is None else (y - moments[0]) / moments[1]


def _whisper(x: np.ndarray, rate: int, n_fft: int = 400, hop_length: int = 160, **f: Any) -> np.ndarray:
    import librosa

    x = np.pad(x, (0, f.get("padding", 0)))
    if f.get("pad_or_trim"):
        x = librosa.util.fix_length(x, size=rate * f.get("max_duration", 30))
    power = librosa.feature.melspectrogram(
        y=x, sr=rate, n_fft=n_fft, hop_length=hop_length, pad_mode="reflect",
        n_mels=f.get("num_mel_bins", 80), dtype=np.float64,
    )[:, :-1]  # fmt: skip
    log = np.log10(np.maximum(power, 1e-10))
    return ((np.maximum(log, log.max() - 8) + 4) / 4).T


def by_wespeaker(x: np.ndarray, mean: bool = True, rate: int = 16000, **f: Any) -> np.ndarray:
    """Return what kaldi-native-fbank computes with the fields of `fbank_args`."""
    names = {"frame_length": "frame-length", "frame_shift": "frame-shift", "num_mel_bins": "num-mel-bins"}
    options = {"window-type": "hamming", "sample-frequency": str(rate)}
    y = by_knf(x, "fbank", options | {names[name]: str(value) for name, value in f.items() if name in names})
    return y - y.mean(0) if mean else y


def cmvn(mean: np.ndarray, deviation: np.ndarray, frames: int = 1000) -> str:
    """Return the text of `global_cmvn`."""
    squares = (deviation**2 + mean**2) * frames
    return json.dumps({"mean_stat": list(mean * frames), "var_stat": list(squares), "frame_num": frames})


def by_espnet(x: np.ndarray, synthesis: bool = False, moments: Any = None, **f: Any) -> np.ndarray:
    import librosa

    n_fft, hop, low, high = (1024, 256, 80, 7600) if synthesis else (512, 128, None, None)
    n_fft, rate = f.get("n_fft") or n_fft, f.get("fs", 16000)
    rate = int(rate[:-1]) * 1000 if isinstance(rate, str) else rate
    low, high = f.get("fmin", low), f.get("fmax", high)
    spectrum = librosa.stft(
        x, n_fft=n_fft, win_length=f.get("win_length") or n_fft, hop_length=f.get("hop_length", hop),
        window=f.get("window", "hann") or "boxcar", center=f.get("center", True), pad_mode="reflect",
        dtype=np.complex128,
    )  # fmt: skip
    power = np.abs(spectrum) ** 2 / (n_fft if f.get("normalized") else 1)
    bank = librosa.filters.mel(
        sr=rate, n_fft=n_fft, n_mels=f.get("n_mels", 80), fmin=low or 0, fmax=high, htk=f.get("htk", False),
        dtype=np.float64,
    )  # fmt: skip
    if synthesis:
        y = np.log10(np.maximum(bank @ np.sqrt(np.maximum(power, 1e-10)), 1e-10)).T
    else:
        y = np.log(np.maximum(bank @ power, 1e-10)).T
    if moments in ("mean", "mean_std"):
        y = y - y.mean(0)
        return y / y.std(0) if moments == "mean_std" else y
    return y if moments is None else (y - moments[0]) / moments[1]
