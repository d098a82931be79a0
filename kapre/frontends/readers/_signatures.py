"""Functions of librosa and torchaudio that make features: their arguments, defaults and recipes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from kapre._checks import message
from kapre.frontends.presets import preset
from kapre.frontends.readers import _kaldi, _windows
from kapre.frontends.readers._reader import Published, Settings
from kapre.ops import windows
from kapre.recipe import Recipe

_RECTANGULAR = ("boxcar", "rectangular", "ones")


Read = Callable[[Settings], Published]
"""Read the arguments of a function."""


# ---- librosa ----


def _window(settings: Settings, name: str, default: Any, periodic: bool | None = True) -> dict[str, Any]:
    """Take a window by its name in SciPy or torch."""

    def check(key: str, value: Any) -> str:
        short = str(value).removeprefix("torch.").removesuffix("_window")
        if short in _RECTANGULAR:
            return "rectangular_window"
        if short not in _windows.SHORT:
            way = f"Use one of {', '.join((*_windows.SHORT, *_RECTANGULAR))}."
            raise ValueError(message(key, "the name of a window that recipes have", value, way))
        return _windows.SHORT[short]

    found = settings.take(name, default, check)
    found = found if str(found).endswith("_window") and "." not in str(found) else check(name, found)
    return dict(window_name=found, window_periodic=None if found == "rectangular_window" else periodic)


def _librosa_frames(settings: Settings, rate: bool = True) -> dict[str, Any]:
    """Take the arguments of librosa's STFT."""
    settings.ignore("is the sound", "y")
    settings.one_of("S", None, (None,), "A recipe takes samples, not a spectrogram.")
    settings.ignore("says in which precision to compute; here, the layer's dtype does", "dtype")
    n_fft = settings.integer("n_fft", 2048, of="n_fft")
    win_length = settings.integer("win_length", None, of="win_length") or n_fft
    fields = dict(
        n_fft=n_fft,
        win_length=win_length,
        frame_length=None,
        hop_length=settings.integer("hop_length", 512 if rate else win_length // 4, of="hop_length"),
        center=settings.flag("center", True),
        pad_mode=settings.one_of("pad_mode", "constant", ("constant", "reflect", "symmetric", "edge")),
        window_placement="center",
        **_window(settings, "window", "hann"),
    )
    if rate:
        fields["sample_rate"] = settings.number("sr", 22050.0, of="sample_rate")
    return fields


def _librosa_mel(settings: Settings, norm: str = "norm") -> dict[str, Any]:
    return _librosa_frames(settings) | dict(
        power=settings.one_of("power", 2.0, (1.0, 2.0), "A recipe has magnitudes or powers."),
        n_mels=settings.integer("n_mels", 128, of="n_mels"),
        f_min=settings.number("fmin", 0.0, at_least=0.0, of="f_min"),
        f_max=settings.number("fmax", None, of="f_max"),
        htk=settings.flag("htk", False),
        norm=settings.take(norm, "slaney", of="norm"),
    )


def _melspectrogram(settings: Settings) -> Published:
    return settings.finish("librosa_mel", **_librosa_mel(settings))


def _mfcc(settings: Settings) -> Published:
    settings.one_of("dct_type", 2, (2,))
    fields = dict(
        n_mfcc=settings.integer("n_mfcc", 20, of="n_mfcc"),
        lifter=settings.number("lifter", 0.0, at_least=0.0, of="lifter"),
        lifter_start=1,
    )
    settings.one_of("norm", "ortho", ("ortho",))
    return settings.finish("librosa_mfcc", **_librosa_mel(settings, "mel_norm"), **fields)


def _chroma(settings: Settings) -> Published:
    settings.one_of("norm", math.inf, (None,), "librosa divides each frame by its maximum; give norm=None.")
    settings.one_of("octwidth", 2, (2,))
    settings.one_of("ctroct", 5.0, (5.0,))
    tuning = settings.take("tuning", None)
    if tuning is None:
        raise settings.error("tuning", "given", None, "librosa estimates it from each clip; give tuning=0.0.")
    fields = dict(filterbank="chroma", n_chroma=settings.integer("n_chroma", 12, of="n_chroma"), tuning=float(tuning))
    base = Recipe(power=2.0, layout="band_first", sample_rate=22050.0)
    return settings.finish(base, **_librosa_frames(settings), **fields)


def _stft(settings: Settings) -> Published:
    settings.ignore("says in which precision to compute; here, the layer's dtype does", "dtype", "out")
    return settings.finish(Recipe(power=1.0, layout="band_first"), **_librosa_frames(settings, rate=False))


LIBROSA: dict[str, tuple[Read, tuple[str, ...]]] = {
    "feature.melspectrogram": (_melspectrogram, ("y",)),
    "feature.mfcc": (_mfcc, ("y",)),
    "feature.chroma_stft": (_chroma, ("y",)),
    "stft": (_stft, ("y",)),
}

# ---- torchaudio ----


def _torch_frames(settings: Settings, rate: bool) -> dict[str, Any]:
    n_fft = settings.integer("n_fft", 400, of="n_fft")
    win_length = settings.integer("win_length", None, of="win_length") or n_fft
    settings.one_of("pad", 0, (0,), "A recipe pads once; pad the sound before.")
    settings.ignore("has no effect on a real sound", "onesided", "return_complex")
    more = settings.take("wkwargs", None)
    more = dict(more) if isinstance(more, Mapping) else {}
    periodic = bool(more.pop("periodic", True))
    if more:
        raise settings.error("wkwargs", "periodic alone", more, "A recipe's windows have no other argument.")
    window = _window(settings, "window_fn", "hann", periodic)
    scaled = settings.one_of("normalized", False, (False, True, "window", "frame_length"))
    shape = windows.window(window["window_name"], win_length, window["window_periodic"])
    scale = {False: 1.0, "frame_length": n_fft**-0.5}.get(scaled, float((shape**2).sum()) ** -0.5)
    fields = dict(
        n_fft=n_fft,
        win_length=win_length,
        frame_length=None,
        hop_length=settings.integer("hop_length", None, of="hop_length") or win_length // 2,
        center=settings.flag("center", True),
        pad_mode=settings.one_of("pad_mode", "reflect", ("constant", "reflect", "replicate")),
        power=settings.one_of("power", 2.0, (1.0, 2.0), "A recipe has magnitudes or powers."),
        window_placement="center",
        input_scale=scale,
        **window,
    )
    fields["pad_mode"] = {"replicate": "edge"}.get(fields["pad_mode"], fields["pad_mode"])
    if rate:
        fields["sample_rate"] = settings.number("sample_rate", 16000.0, of="sample_rate")
    return fields


def _torch_mel(settings: Settings, rate: bool = True) -> dict[str, Any]:
    return _torch_frames(settings, rate) | dict(
        n_mels=settings.integer("n_mels", 128, of="n_mels"),
        f_min=settings.number("f_min", 0.0, at_least=0.0, of="f_min"),
        f_max=settings.number("f_max", None, of="f_max"),
        norm=settings.one_of("norm", None, (None, "slaney")),
        htk=settings.one_of("mel_scale", "htk", ("htk", "slaney")) == "htk",
    )


def _on_its_bins(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields with the bins where torchaudio's banks have them: `n_fft // 2 + 1` from 0 to `sample_rate // 2`.

    For an odd rate or an odd DFT, they are not at multiples of `sample_rate / n_fft`.
    """
    rate, n_fft = fields["sample_rate"], fields["n_fft"]
    bank_rate = 2.0 * (rate // 2) * n_fft / (n_fft - n_fft % 2)
    if bank_rate == rate:
        return fields
    top = float(rate // 2) if fields["f_max"] is None else fields["f_max"]
    return {**fields, "bank_rate": bank_rate, "f_max": top}


def _torch_spectrogram(settings: Settings) -> Published:
    return settings.finish(Recipe(power=2.0, layout="band_first"), **_torch_frames(settings, rate=False))


def _torch_mel_spectrogram(settings: Settings) -> Published:
    return settings.finish("torchaudio_mel", **_on_its_bins(_torch_mel(settings)))


def _within(settings: Settings, name: str) -> Settings:
    inner = settings.take(name, None)
    if not isinstance(inner, (Mapping, type(None))):
        raise settings.error(name, "a mapping of arguments", inner, "Give a dict.")
    return settings.within(name, inner or {})


def _log_of(settings: Settings, name: str) -> dict[str, Any]:
    if settings.flag(name, False):
        return dict(log="ln", amin=1e-6, amin_by="add", dynamic_range=None)
    return dict(log="db", amin=1e-10, dynamic_range=80.0)


def _cepstrum_of(settings: Settings, name: str) -> dict[str, Any]:
    settings.one_of("dct_type", 2, (2,))
    settings.one_of("norm", "ortho", ("ortho",))
    return dict(
        sample_rate=settings.number("sample_rate", 16000.0, of="sample_rate"),
        n_mfcc=settings.integer(name, 40, of="n_mfcc"),
    )


def _torch_mfcc(settings: Settings) -> Published:
    fields = _cepstrum_of(settings, "n_mfcc") | _log_of(settings, "log_mels")
    inner = _within(settings, "melkwargs")
    fields |= _torch_mel(inner, rate=False)
    inner.check_left()
    return settings.finish("torchaudio_mfcc", **_on_its_bins(fields))


def _torch_lfcc(settings: Settings) -> Published:
    fields = _cepstrum_of(settings, "n_lfcc") | _log_of(settings, "log_lf")
    fields |= dict(
        n_bins=settings.integer("n_filter", 128, of="n_bins"),
        f_min=settings.number("f_min", 0.0, at_least=0.0, of="f_min"),
        f_max=settings.number("f_max", None, of="f_max"),
    )
    inner = _within(settings, "speckwargs")
    fields |= _torch_frames(inner, rate=False)
    inner.check_left()
    return settings.finish("torchaudio_lfcc", **_on_its_bins(fields))


_KALDI_WINDOWS = ("povey", "hamming", "hanning", "rectangular", "blackman")


def _torch_kaldi(settings: Settings, kind: str) -> Published:
    """Take the arguments of `torchaudio.compliance.kaldi`. It takes samples of any scale, Kaldi those of 16 bits."""
    settings.ignore("is the sound", "waveform")
    settings.ignore("selects a channel of the sound", "channel")
    if settings.number("min_duration", 0.0, at_least=0.0):
        settings.note("torchaudio gives no frame of a clip shorter than min_duration; a recipe does")
    options = _kaldi.Options(
        settings,
        library="torchaudio",
        separator="_",
        samples=lambda rate, milliseconds: rate * milliseconds * 0.001,
        windows=_KALDI_WINDOWS,
        dither=0.0,
        energy_floor=1.0,
        cepstra_have_energy=False,
    )
    base = preset("kaldi_mfcc" if kind == "mfcc" else "kaldi_fbank").recipe
    if kind == "spectrogram":
        base = base.replace(filterbank=None)
    return settings.finish(base, **options.features(kind), input_scale=1.0)


def _torch_fbank(settings: Settings) -> Published:
    return _torch_kaldi(settings, "fbank")


def _torch_kaldi_mfcc(settings: Settings) -> Published:
    return _torch_kaldi(settings, "mfcc")


def _torch_kaldi_spectrogram(settings: Settings) -> Published:
    return _torch_kaldi(settings, "spectrogram")


TORCHAUDIO: dict[str, tuple[Read, tuple[str, ...]]] = {
    "transforms.MelSpectrogram": (
        _torch_mel_spectrogram,
        ("sample_rate", "n_fft", "win_length", "hop_length", "f_min", "f_max"),
    ),
    "transforms.Spectrogram": (_torch_spectrogram, ("n_fft", "win_length", "hop_length")),
    "transforms.MFCC": (_torch_mfcc, ("sample_rate", "n_mfcc")),
    "transforms.LFCC": (_torch_lfcc, ("sample_rate", "n_filter")),
    "compliance.kaldi.fbank": (_torch_fbank, ("waveform",)),
    "compliance.kaldi.mfcc": (_torch_kaldi_mfcc, ("waveform",)),
    "compliance.kaldi.spectrogram": (_torch_kaldi_spectrogram, ("waveform",)),
}
