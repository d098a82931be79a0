"""Argument names of other libraries, and hints that give Kapre's names for them."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

_ELSEWHERE: dict[str, tuple[str, ...]] = {
    # Kapre's name, and the names in librosa, torchaudio, TensorFlow, Kaldi, NeMo, transformers and others
    "sample_rate": (
        "sr", "fs", "rate", "samplerate", "sampling_rate", "sample_freq", "sample_frequency", "samp_freq", "samplefreq",
        "target_sr", "frame_rate",
    ),
    "input_rate": ("orig_freq", "orig_sr", "sr_orig", "old_rate", "source_rate", "from_rate", "in_rate"),
    "output_rate": ("new_freq", "target_sr", "sr_new", "new_rate", "target_rate", "to_rate", "out_rate"),
    "n_fft": (
        "nfft", "n_ffts", "n_dft", "fft_length", "fft_size", "fft_len", "num_fft", "fft", "fft_window_size",
        "filter_length",
    ),
    "win_length": (
        "win_len", "win_size", "winlen", "window_length", "window_len", "window_size", "window_size_ms",
        "window_samples", "nperseg", "n_window_size", "frame_length", "frame_len", "frame_size", "frame_width",
        "frame_length_ms",
    ),
    "hop_length": (
        "hop", "n_hop", "hop_len", "hop_size", "hopsize", "hop_samples", "hop_length_ms", "frame_step", "frame_shift",
        "frame_shift_ms", "frame_stride", "step_size", "stride", "winstep", "window_stride", "window_step", "noverlap",
    ),
    "window_name": ("window", "window_fn", "window_type", "window_function", "win_type", "winfunc"),
    "window_periodic": ("periodic",),
    "center": ("centered", "centre"),
    "pad_mode": ("padding_mode", "pad_type"),
    "power": ("mag_power", "use_power", "magnitude_power", "power_spectrogram", "power_melgram"),
    "n_mels": (
        "n_mel", "nmels", "num_mels", "num_mel", "mel_bins", "n_mel_bins", "num_mel_bins", "num_mel_filters",
        "n_mel_channels", "num_mel_channels", "mel_bands", "n_filters", "num_filters", "n_filts", "nfilt", "n_filt",
        "feature_size", "num_bins", "n_bands", "num_bands",
    ),
    "f_min": (
        "fmin", "mel_fmin", "low_freq", "lowfreq", "f_low", "min_frequency", "min_freq", "lower_edge_hertz",
        "mel_low_freq", "lower_freq",
    ),
    "f_max": (
        "fmax", "mel_fmax", "high_freq", "highfreq", "f_high", "max_frequency", "max_freq", "upper_edge_hertz",
        "mel_high_freq", "upper_freq",
    ),
    "htk": ("mel_scale", "use_htk"),
    "norm": ("bank_norm", "filterbank_norm"),
    "triangles": ("triangularize_in_mel_space",),
    "filterbank": ("feature_type", "filter_bank"),
    "log": (
        "power_to_db", "amplitude_to_db", "to_db", "decibel", "decibels", "db", "log_mel", "log_mels", "use_log",
        "use_log_fbank", "log_spectrum", "amplitude_to_decibel", "power_to_decibel",
    ),
    "amin": ("eps", "epsilon", "log_offset", "log_floor", "log_zero_guard_value", "mel_floor", "amin_value", "log_eps"),
    "dynamic_range": ("top_db", "max_db", "db_range"),
    "ref_value": ("ref", "reference", "ref_db"),
    "n_mfcc": (
        "n_mfccs", "num_mfcc", "num_mfccs", "cepstra", "n_cepstra", "num_cepstra", "num_ceps", "n_ceps", "numcep",
        "n_coefficients", "num_cepstral_coefficients",
    ),
    "lifter": ("cepstral_lifter", "ceplifter", "liftering"),
    "energy": ("use_energy", "raw_energy", "append_energy"),
    "preemphasis": (
        "preemph", "pre_emphasis", "pre_emph", "preemphasis_coefficient", "preemph_coeff", "emphasis", "preemph_coef",
    ),
    "remove_dc": ("remove_dc_offset", "dc_offset", "subtract_mean"),
    "input_scale": ("scale", "waveform_scale", "upscale_samples"),
    "normalize_samples": ("do_normalize", "normalize_audio", "normalize_waveform", "normalize_wave"),
    "normalize": ("cmvn", "cmn", "apply_cmvn", "apply_cmn", "per_feature", "normalise"),
    "fixed_samples": ("max_samples", "n_samples", "nb_max_samples", "max_length", "duration_samples"),
    "fixed_frames": ("target_length", "num_frames", "max_frames", "nb_max_frames", "target_frames"),
    "stack": ("lfr_m", "frame_stack", "frame_stacking", "left_frames"),
    "stack_hop": ("lfr_n", "frame_skip", "subsampling"),
    "layout": ("data_format", "channel_order", "feature_layout"),
    "recipe": (
        "sample_rate", "sr", "fs", "rate", "target_sr", "sampling_rate", "preset",
    ),
    "workers": ("num_workers", "n_jobs", "jobs", "processes", "threads", "num_threads"),
    "freq_mask_param": ("freq_mask_width", "frequency_mask_param", "freq_masking", "freq_mask_size"),
    "time_mask_param": ("time_mask_width", "time_masking", "time_mask_size"),
    "quantization_channels": ("mu", "n_quantization", "quantisation_channels", "num_quantization"),
}  # fmt: skip
_OURS: dict[str, list[str]] = {}
for _ours, _names in _ELSEWHERE.items():
    for _theirs in _names:
        _OURS.setdefault(_theirs, []).append(_ours)
_PREFIXES = ("", "mel_", "log_", "db_", "waveform_", "input_")
"""Prefixes that the composed helpers add to some of these names, as in `mel_f_min` and `db_amin`."""
_IN_SAMPLES = ("win_length", "hop_length")
_SCALED = ("_ms", "frame_shift", "window_stride", "window_size", "winlen", "winstep", "frame_length", "frame_stride")
"""Names for which Kaldi, NeMo and others use milliseconds or seconds."""


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names that an unknown name may stand for, the most likely first. Empty if none is similar.

    Args:
        name: The given name.
        known: The valid names.
    """
    names = list(known)
    plain = name.strip().lower().replace("-", "_")
    if plain in names:
        return [plain]
    for told in dict.fromkeys((plain, *(plain.removeprefix(prefix) for prefix in _PREFIXES))):
        if told in _OURS:
            meant = [(*(prefix + ours for prefix in _PREFIXES), f"{ours}s") for ours in _OURS[told]]
            found = [each for spellings in meant for each in spellings if each in names]
            if found:
                return found[:1]
        if told in names:
            return [told]
    return difflib.get_close_matches(plain, names, n=2, cutoff=0.75)


def remedy(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return the sentence that tells what to use instead of an unknown name."""
    near = nearest(name, known)
    if not near:
        return otherwise
    if name.strip().lower() == "noverlap":
        return f"Use {near[0]} = nperseg - noverlap."
    unit = ", in samples" if near[0] in _IN_SAMPLES and name.endswith(_SCALED) else ""
    return f"Use {' or '.join(near)}{unit}."


def names_arguments(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Make a function refuse an unknown argument and suggest its own name for that argument.

    A function that takes any keyword is returned unchanged.
    """
    known = inspect.signature(function).parameters
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in known.values()):
        return function

    @functools.wraps(function)
    def checked(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        unknown = next((name for name in kwargs if name not in known), None)
        if unknown is not None:
            way = remedy(unknown, known, f"See help({function.__module__}.{function.__name__}).")
            raise TypeError(f"{function.__name__} has no argument {unknown!r}. {way}")
        return function(*args, **kwargs)

    return checked
