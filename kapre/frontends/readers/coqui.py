"""Coqui TTS: the `audio` section of `config.json`, of text-to-speech models, vocoders and speaker encoders."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from kapre.frontends._vocoder import reflected
from kapre.frontends.readers._reader import Document, Published, Reader, Settings

_SECTION = "audio"
_MEL = (
    *("tacotron", "tacotron2", "glow_tts", "speedy_speech", "align_tts", "fast_pitch", "fast_speech", "fastspeech2"),
    *("forward_tts", "overflow", "neuralhmm_tts", "speaker_encoder", "wavernn", "wavegrad", "gan", "hifigan"),
)
"""Models whose features are those of `AudioProcessor.melspectrogram`, as are those of all files with signal_norm."""
_VITS = "vits"
_PEAK = 0.95
"""The peak to which Coqui scales a recording with `do_sound_norm`."""
_FARTHEST = 1000
"""The largest level in decibels, of which 10 ** (level / 20) is a number."""
_FLOOR = 1e-5
_NEW_FLOOR = 1e-8
_OF_SPEECH = ("power", "griffin_lim_iters", "trim_db", "pitch_fmin", "pitch_fmax", "do_amp_to_db_linear")


def _knows(data: Any) -> bool:
    """Tell whether a section has Coqui's name of the hop or its length of the DFT, with a rate."""
    section = data.get(_SECTION) if isinstance(data, Mapping) else None
    if not isinstance(section, Mapping) or "sample_rate" not in section:
        return False
    return any(name in section for name in ("fft_size", "frame_shift_ms", "mel_fmin", "num_mels"))


def _read(document: Document) -> Published:
    data = document.data
    outer = Settings({name: data[name] for name in ("model",) if name in data}, "Coqui TTS", document.place)
    model = outer.take("model", "gan")
    model = model.lower() if isinstance(model, str) else model
    if model != _VITS and model not in _MEL and "signal_norm" not in data[_SECTION]:
        rule = f"one of {', '.join((*_MEL, _VITS))}, or a model with signal_norm in its audio section"
        raise outer.error("model", rule, model, "Make the recipe by hand: kapre.Recipe(…).")
    _refuse_torch(outer, data.get("model_params"))
    settings = Settings(data[_SECTION], f"Coqui TTS ({model})", f"{document.place}: {_SECTION}")
    settings.ignore("is used by the model's output, not by its features", *_OF_SPEECH)
    rate = settings.integer("sample_rate", 22050, of="sample_rate")
    n_fft = _length_of_dft(settings)
    fields = dict(sample_rate=rate, n_fft=n_fft, frame_length=None, **_frames(settings, rate), **_level(settings))
    if model == _VITS:
        return _vits(settings, fields)
    return settings.finish("tacotron2", **fields, **_bank(settings, rate), **_range(settings))


def _refuse_torch(outer: Settings, params: Any) -> None:
    """Refuse a speaker encoder that computes its features by torchaudio, with a window and logarithm of its own."""
    given = params.get("use_torch_spec") if isinstance(params, Mapping) else None
    if given:
        way = (
            "The encoder takes torchaudio's bands. Make the recipe by hand: kapre.Recipe.from_torchaudio("
            "'torch.log(T.MelSpectrogram(…, window_fn=torch.hamming_window)(x) + 1e-6)'), with "
            "replace(preemphasis=…, preemphasis_first='reflect')."
        )
        raise outer.error("model_params.use_torch_spec", "false", given, way)


def _length_of_dft(settings: Settings) -> int:
    """Take the length of the DFT. Files of Mozilla TTS, Coqui's predecessor, have its number of bins instead."""
    if settings.given("fft_size") is None and settings.given("num_freq") is not None:
        settings.ignore("replaced by num_freq", "fft_size")
        return 2 * (int(settings.integer("num_freq", of="n_fft")) - 1)
    settings.ignore("follows from fft_size", "num_freq")
    return int(settings.integer("fft_size", 1024, of="n_fft"))


def _frames(settings: Settings, rate: int) -> dict[str, Any]:
    """Take the length and hop of frames, in samples or in milliseconds."""
    win = settings.integer("win_length", None if _has_milliseconds(settings) else 1024, of="win_length")
    hop = settings.integer("hop_length", None if _has_milliseconds(settings) else 256, of="hop_length")
    shift, length = (settings.number(name, None, at_least=0.0) for name in ("frame_shift_ms", "frame_length_ms"))
    if hop is None:
        hop = settings.in_samples("frame_shift_ms", int(shift / 1000.0 * rate), shift)
        factor = (length or 0.0) / shift
        if not factor.is_integer() or factor < 1.0:
            raise settings.error("frame_length_ms", "a multiple of frame_shift_ms", length, "Correct the file.")
        win = settings.in_samples("frame_length_ms", hop * int(factor), length)
    elif win is None:
        raise settings.error("win_length", "given beside hop_length", None, "Add it to the file.")
    return dict(hop_length=hop, win_length=win)


def _has_milliseconds(settings: Settings) -> bool:
    return settings.given("frame_shift_ms") is not None and settings.given("hop_length") is None


def _level(settings: Settings) -> dict[str, Any]:
    """Take what Coqui does to a recording when it loads it."""
    if settings.flag("resample", False):
        settings.note("Coqui resamples a recording to sample_rate when it loads it; so does Kapre")
    if settings.flag("do_trim_silence", True):
        settings.note("Coqui cuts silence off both ends of a recording when it loads it (trim_db); a recipe does not")
    by_peak, by_rms = settings.flag("do_sound_norm", False), settings.flag("do_rms_norm", False)
    level = settings.number("db_level", None)
    if by_peak and by_rms:
        raise settings.error("do_rms_norm", "false beside do_sound_norm", True, "A recipe has one level.")
    if by_peak:
        return dict(normalize_samples="peak", target_dbfs=20.0 * math.log10(_PEAK), samples_epsilon=0.0)
    if by_rms:
        target = -27.0 if level is None else level
        return dict(normalize_samples="rms", target_dbfs=target, samples_epsilon=0.0)
    return {}


def _bank(settings: Settings, rate: int) -> dict[str, Any]:
    top = settings.number("mel_fmax", None, of="f_max")
    preemphasis = settings.number("preemphasis", 0.0, at_least=0.0, of="preemphasis")
    return dict(
        n_mels=settings.integer("num_mels", 80, of="n_mels"),
        f_min=settings.number("mel_fmin", 0.0, at_least=0.0, of="f_min"),
        f_max=rate / 2.0 if top is None else top,
        pad_mode=settings.one_of("stft_pad_mode", "reflect", ("reflect", "constant", "edge", "symmetric")),
        preemphasis=preemphasis,
    )


def _range(settings: Settings) -> dict[str, Any]:
    """Take the logarithm, and the line by which Coqui maps its range to `max_norm`."""
    gain = settings.number("spec_gain", 20.0, of="feature_scale")
    base = settings.one_of("log_func", "np.log10", ("np.log10", "np.log"))
    settings.one_of("do_amp_to_db_mel", True, (True,), "A recipe without a logarithm is replace(log=None).")
    log = {"np.log10": "log10", "np.log": "ln"}[base]
    if gain <= 0.0:
        raise settings.error("spec_gain", "a positive number", gain, "Correct the file.")
    names = ("ref_level_db", "min_level_db", "symmetric_norm", "max_norm", "clip_norm")
    if not settings.flag("signal_norm", True):
        settings.ignore("is not used with signal_norm=false", *names, "stats_path")
        _note_floor(settings)
        return dict(log=log, amin=_FLOOR, feature_shift=0.0, feature_scale=gain)
    path = settings.given("stats_path")
    if path is not None:
        way = "Give its mean and deviation: Recipe.replace(feature_shift=…, feature_scale=…) of a file without it."
        raise settings.error("stats_path", "null: a pickle is never opened", path, way)
    settings.take("stats_path", None)
    reference, least = settings.number("ref_level_db", 20.0), settings.number("min_level_db", -100.0)
    for name, level in (("ref_level_db", reference), ("min_level_db", least)):
        if abs(level) > _FARTHEST:
            raise settings.error(name, f"from {-_FARTHEST} to {_FARTHEST} dB", level, "Correct the file.")
    largest = settings.number("max_norm", 4.0)
    if least >= 0.0:
        raise settings.error("min_level_db", "below 0", least, "Correct the file.")
    if largest <= 0.0:
        raise settings.error("max_norm", "a positive number", largest, "Correct the file.")
    span, start = (2.0 * largest, -largest) if settings.flag("symmetric_norm", True) else (largest, 0.0)
    slope = gain * span / -least  # of the logarithm: slope · log + offset
    offset = (reference + least) / least * span + start
    floor, least_kept = _FLOOR, 0.0
    if settings.flag("clip_norm", True):
        base_of = 10.0 if log == "log10" else math.e
        least_kept = base_of ** ((start - offset) / slope)
        floor = max(_FLOOR, least_kept)
        top = base_of ** ((start + span - offset) / slope)
        settings.note(f"Coqui cuts off values above {start + span:g}, of bands above {top:.3g}; a recipe does not")
    _note_floor(settings, least_kept)
    return dict(log=log, amin=floor, feature_shift=offset / slope, feature_scale=slope)


def _note_floor(settings: Settings, least_kept: float = 0.0) -> None:
    """Note that the floor of the logarithm depends on the version of Coqui, unless clip_norm cuts off more."""
    if least_kept < _FLOOR:
        now = f"amin={max(_NEW_FLOOR, least_kept):.6g}"
        settings.note(
            f"the floor of the logarithm is that of earlier versions of Coqui, {_FLOOR:g}; current versions have "
            f"{_NEW_FLOOR:g}: change it to {now} for a model that they trained"
        )


def _vits(settings: Settings, fields: dict[str, Any]) -> Published:
    """Return the linear spectrogram of Coqui's VITS. Its mel is a part of the loss."""
    settings.ignore("belongs to the loss", "num_mels", "mel_fmin", "mel_fmax")
    unused = ("spec_gain", "log_func", "signal_norm", "ref_level_db", "min_level_db", "symmetric_norm", "max_norm")
    settings.ignore("is not used by VITS", *unused, "clip_norm", "stats_path", "stft_pad_mode", "do_amp_to_db_mel")
    settings.one_of("preemphasis", 0.0, (0.0, 0), "VITS has none.")
    return settings.finish("vits", **fields, **reflected(**fields))


READER = Reader(
    name="Coqui TTS",
    files=("config.json",),
    holds="a section `audio` with frames",
    knows=_knows,
    read=_read,
    knows_names=False,
)
