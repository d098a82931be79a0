"""Validation of the fields of a `Recipe`, and their canonical form: equal meanings compare and hash as equal."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from kapre._checks import choice, count, flag, message, number, positive_int, published_flag
from kapre.ops import filterbanks
from kapre.ops.counts import PAD_MODES
from kapre.ops.windows import resolve_name, resolve_periodic

_BANK_FIELDS = {
    None: (),
    "mel": ("n_mels", "f_min", "f_max", "htk", "norm", "triangles"),
    "log": ("n_bins", "bins_per_octave", "f_min", "spread"),
}
_CHOICES: dict[str, tuple[tuple[Any, ...], str]] = {
    "fixed_by": (("zeros", "tile"), "'tile' repeats the clip a whole number of times, then adds zeros."),
    "preemphasis_over": (("signal", "frame"), "Kaldi filters each frame, NeMo the whole signal."),
    "preemphasis_first": (("keep", "first"), "What stands before the first sample: nothing (NeMo), or itself (Kaldi)."),
    "pad_mode": (PAD_MODES, "librosa pads with 'constant', torch with 'reflect'."),
    "power": ((1.0, 2.0, None), "1.0 is the magnitude, 2.0 the power, None leaves samples as they are."),
    "filterbank": ((None, "mel", "log"), "None keeps the bins of the DFT."),
    "log": ((None, "ln", "log10", "db"), "'db' is 10 log10."),
    "amin_by": (("max", "add"), "'max' is log(max(x, amin)), 'add' is log(x + amin)."),
    "lifter_start": ((0, 1), "Kaldi counts coefficients from 0, librosa from 1."),
    "energy": ((None, "first", "last", "c0"), "'c0' replaces the first cepstral coefficient."),
    "normalize": ((None, "mean", "mean_std"), "Each band over time: 'mean' subtracts, 'mean_std' divides too."),
    "normalize_over": (("utterance", "running"), "'running' takes the frames up to the present one: it can stream."),
    "normalize_ddof": ((0, 1), "1 divides the variance by the frames less one."),
    "normalize_epsilon_in": (("variance", "deviation"), "Where the epsilon is added: before or after the root."),
    "stack_edges": (("drop", "zeros", "repeat"), "What becomes of frames that fill no whole stack."),
    "valid_frames": (("all", "hops", "whole"), "'hops' counts n_samples // hop_length."),
    "layout": (("time_first", "band_first"), "'time_first' is (frames, bands)."),
}
_FLAGS = ("normalize_samples", "pad_begin", "pad_end", "center", "snip_edges", "remove_dc")
_PUBLISHED_FLAGS = ("pad_begin", "pad_end")
_COUNTS = ("samples_at_least", "pad_left", "pad_right", "drop_last", "chunk_context", "chunk_pad")
_POSITIVE = {
    "samples_multiple": "1 pads nothing.",
    "stack": "1 stacks nothing.",
}
_OPTIONAL = {
    "fixed_samples": "Use None for clips of any length.",
    "chunk_length": "Use None unless each chunk is transformed by itself.",
    "n_mfcc": "Use None for no cepstrum.",
    "fixed_frames": "Use None for as many frames as there are.",
    "patch_frames": "Use None for no patches.",
}
_NOT_NEGATIVE = ("samples_epsilon", "dither", "magnitude_epsilon", "lifter", "energy_floor", "normalize_epsilon")
_ABOVE_0 = {
    "input_scale": "Use 1.0, or 32768.0 for Kaldi's scale.",
    "window_exponent": "Use 1.0, or 0.85 on hann for povey.",
}
_FRAMED = (
    "n_fft",
    "win_length",
    "hop_length",
    "frame_length",
    "pad_begin",
    "pad_end",
    "center",
    "snip_edges",
    "pad_left",
    "pad_right",
    "pad_mode",
    "window_placement",
    "drop_last",
    "remove_dc",
    "window_name",
    "window_periodic",
    "window_exponent",
    "magnitude_epsilon",
    "filterbank",
    "log",
    "n_mfcc",
    "energy",
    "normalize",
    "fixed_frames",
    "stack",
    "stack_hop",
    "patch_frames",
    "patch_hop",
    "valid_frames",
    "chunk_length",
    "layout",
)
_PLAIN_PADDING = {
    "center": False,
    "snip_edges": True,
    "pad_begin": False,
    "pad_end": False,
    "pad_left": 0,
    "pad_right": 0,
}
_EXCLUSIVE = {
    "center": ("pad_begin", "pad_end", "snip_edges", "pad_left", "pad_right"),
    "snip_edges": ("pad_begin", "pad_end", "pad_left", "pad_right"),
    "pad_begin": ("pad_left",),
    "pad_end": ("pad_right",),
}
# Fields that have no effect unless another field has some value. They are reset to their defaults.
_IDLE: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    ("fixed_samples", None, ("fixed_by",)),
    ("normalize_samples", False, ("samples_epsilon",)),
    ("preemphasis", 0.0, ("preemphasis_over", "preemphasis_first")),
    ("log", None, ("amin", "amin_by", "ref_value", "dynamic_range", "range_top")),
    ("dynamic_range", None, ("range_top",)),
    ("n_mfcc", None, ("lifter",)),
    ("lifter", 0.0, ("lifter_start",)),
    ("energy", None, ("energy_floor",)),
    ("normalize", None, ("normalize_over", "normalize_ddof", "normalize_epsilon", "normalize_epsilon_in")),
    ("normalize", "mean", ("normalize_ddof", "normalize_epsilon", "normalize_epsilon_in")),
    ("stack", 1, ("stack_hop", "stack_edges")),
    ("patch_frames", None, ("patch_hop",)),
    ("chunk_length", None, ("chunk_context", "chunk_pad")),
)


def idle(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields that have no effect with the other fields of a recipe, and what each of them would need."""
    found: dict[str, str] = {}
    used = _BANK_FIELDS[fields["filterbank"]]
    if fields["power"] is None:
        found |= dict.fromkeys(
            (*_FRAMED, *(name for names in _BANK_FIELDS.values() for name in names)), "power=1.0 or 2.0"
        )
    elif fields["win_length"] >= fields["n_fft"] and not fields["center"]:
        found["window_placement"] = "a win_length below n_fft"
    if not (fields["center"] or fields["pad_left"] or fields["pad_right"]):
        found.setdefault("pad_mode", "center=True, pad_left or pad_right")
    if fields["fixed_samples"] is not None:
        found |= dict.fromkeys(("samples_at_least", "samples_multiple"), "fixed_samples=None")
    for name, value, others in _IDLE:
        if fields[name] == value:
            for other in others:
                found.setdefault(other, f"another {name} than {value!r}")
    for kind, names in _BANK_FIELDS.items():
        for name in names:
            if name not in used:
                found.setdefault(name, f"filterbank={kind!r}")
    return found


def check_decibel(ref_value: Any, amin: Any, dynamic_range: Any) -> tuple[float, float, float]:
    """Return the three arguments of a decibel scale as floats. Raise if one is invalid."""
    unbounded = isinstance(dynamic_range, numbers.Real) and float(dynamic_range) == math.inf
    return (_reference(ref_value), _amin(amin), math.inf if unbounded else _dynamic_range(dynamic_range))


def _reference(value: Any) -> float:
    return number("ref_value", value, "Use 1.0.", above=0.0, rule="a positive number")


def _amin(value: Any) -> float:
    return number("amin", value, "Use 1e-5 for magnitudes, 1e-10 for power.", above=0.0, rule="a positive number")


def _dynamic_range(value: Any) -> float:
    return number("dynamic_range", value, "Use 80.0 for decibels.", above=0.0, rule="a positive number of dB")


def check_even(n_fft: int) -> None:
    """Refuse an odd DFT length for a filter bank, whose top bin must be Nyquist."""
    if n_fft % 2:
        raise ValueError(message("n_fft", "even with a filter bank", n_fft, f"Use {n_fft + 1}."))


def canonical(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return every field, checked and in canonical form. Fields without an effect have their defaults."""
    f = dict(given)
    for name, (allowed, remedy) in _CHOICES.items():
        value = float(f[name]) if isinstance(f[name], numbers.Real) and not isinstance(f[name], bool) else f[name]
        choice(name, value, allowed, remedy)
        f[name] = next(option for option in allowed if option == value)
    f.update((name, (published_flag if name in _PUBLISHED_FLAGS else flag)(name, f[name])) for name in _FLAGS)
    f.update((name, count(name, f[name], "Use 0 for none.")) for name in _COUNTS)
    f.update((name, positive_int(name, f[name], remedy)) for name, remedy in _POSITIVE.items())
    for name, remedy in _OPTIONAL.items():
        f[name] = None if f[name] is None else positive_int(name, f[name], remedy)
    for name in _NOT_NEGATIVE:
        f[name] = number(name, f[name], "Use 0.0 for none.", at_least=0.0, rule="a number, 0 or above")
    for name, remedy in _ABOVE_0.items():
        f[name] = number(name, f[name], remedy, above=0.0, rule="a positive number")
    if f["sample_rate"] is not None:
        rate = number("sample_rate", f["sample_rate"], "Give it in Hz.", above=0.0, rule="a positive number of Hz")
        f["sample_rate"] = int(rate) if rate.is_integer() else rate
    f["preemphasis"] = number("preemphasis", f["preemphasis"], "Use 0.97, or 0.0 for none.")
    if f["power"] is None:
        f.update((name, defaults[name]) for name in _FRAMED)
        if f["preemphasis"] and f["preemphasis_over"] == "frame":
            rule = "'signal' with power=None, which has no frames"
            raise ValueError(message("preemphasis_over", rule, "frame", "Use preemphasis_over='signal'."))
    if f["fixed_samples"] is not None:
        f.update((name, defaults[name]) for name in ("samples_at_least", "samples_multiple"))
    for name, value, idle in _IDLE:
        if f[name] == value:
            f.update((other, defaults[other]) for other in idle)
    _check_frames(f)
    _check_bank(f, defaults)
    _check_log(f)
    _check_after(f)
    return f


def _check_frames(f: dict[str, Any]) -> None:
    n_fft = f["n_fft"] = positive_int("n_fft", f["n_fft"], "2048 samples are 93 ms at 22050 Hz.")
    win_length = n_fft if f["win_length"] is None else f["win_length"]
    win_length = f["win_length"] = positive_int("win_length", win_length, f"Use None for n_fft={n_fft}.")
    quarter = max(1, win_length // 4)
    hop = quarter if f["hop_length"] is None else f["hop_length"]
    hop = f["hop_length"] = positive_int("hop_length", hop, f"Use {quarter} for 75 % overlap.")
    f["window_name"] = resolve_name(f["window_name"])
    if f["window_periodic"] is not None:
        f["window_periodic"] = flag("window_periodic", f["window_periodic"])
    f["window_periodic"] = resolve_periodic(f["window_name"], win_length, f["window_periodic"])
    _check_padding(f)
    centred = f["window_placement"] == "center"
    shortest = n_fft if centred else win_length
    length = shortest if f["frame_length"] is None else f["frame_length"]
    f["frame_length"] = positive_int("frame_length", length, f"Use None for {shortest}.")
    if (f["frame_length"] != n_fft) if centred else (f["frame_length"] < win_length):
        rule = f"n_fft={n_fft} around a centred window" if centred else f"at least win_length={win_length}"
        raise ValueError(message("frame_length", rule, length, f"Use None for {shortest}."))
    if f["preemphasis_over"] == "frame" and centred and win_length < n_fft:
        raise ValueError(
            message(
                "preemphasis_over", "'signal' with a window shorter than its frame", "frame", "Use win_length=n_fft."
            )
        )


def _check_padding(f: dict[str, Any]) -> None:
    for first, others in _EXCLUSIVE.items():
        if f[first] == _PLAIN_PADDING[first]:
            continue
        for name in others:
            if f[name] != _PLAIN_PADDING[name]:
                rule = f"{_PLAIN_PADDING[name]} with {first}={f[first]}"
                raise ValueError(message(name, rule, f[name], "Choose one way to pad."))
    if not (f["center"] or f["pad_left"] or f["pad_right"]):
        f["pad_mode"] = "constant"  # snip_edges=False has its own mode, the others pad zeros
    placement = f["window_placement"] or ("center" if f["center"] else "start")
    choice("window_placement", placement, ("start", "center"), "torch centres a short window, Kaldi does not.")
    if f["win_length"] >= f["n_fft"] and not f["center"]:
        placement = "start"  # there is no shorter window to place
    f["window_placement"] = placement
    if placement == "center" and f["win_length"] > f["n_fft"]:
        rule = f"at most n_fft={f['n_fft']} with a centred window"
        raise ValueError(message("win_length", rule, f["win_length"], "Lower it."))
    if not f["snip_edges"] and f["hop_length"] > (f["frame_length"] or f["win_length"]):
        rule = f"at most win_length={f['win_length']} with snip_edges=False"
        raise ValueError(message("hop_length", rule, f["hop_length"], "Lower it."))
    if f["pad_begin"] and f["hop_length"] > f["n_fft"]:
        rule = f"at most n_fft={f['n_fft']} with pad_begin=True"
        raise ValueError(message("hop_length", rule, f["hop_length"], "Lower it."))


def _check_bank(f: dict[str, Any], defaults: Mapping[str, Any]) -> None:
    """Put the bank's fields in canonical form, and reset the fields that this bank does not use."""
    used = _BANK_FIELDS[f["filterbank"]]
    f.update((name, defaults[name]) for names in _BANK_FIELDS.values() for name in names if name not in used)
    if f["filterbank"] is None:
        return
    if f["sample_rate"] is None:
        raise ValueError(message("sample_rate", "given with a filter bank", None, "Give it in Hz."))
    check_even(f["n_fft"])
    check = filterbanks.check_mel if f["filterbank"] == "mel" else filterbanks.check_log
    f.update(check(f["sample_rate"], **{name: f[name] for name in used}))


def _check_log(f: dict[str, Any]) -> None:
    f["amin"] = _amin(f["amin"])
    f["ref_value"] = _reference(f["ref_value"])
    if f["dynamic_range"] is not None:
        f["dynamic_range"] = _dynamic_range(f["dynamic_range"])
    if f["range_top"] is not None:
        f["range_top"] = number("range_top", f["range_top"], "Use None for each clip's own maximum.")
    if f["log"] != "db" and f["ref_value"] != 1.0:
        raise ValueError(message("ref_value", "1.0 unless log='db'", f["ref_value"], "Use log='db'."))
    if f["magnitude_epsilon"] and f["power"] != 1.0:
        rule = "0.0 unless power=1.0, under whose root it is added"
        raise ValueError(message("magnitude_epsilon", rule, f["magnitude_epsilon"], "Use power=1.0."))


def _check_after(f: dict[str, Any]) -> None:
    bands = _bands(f)
    if f["n_mfcc"] is not None and f["n_mfcc"] > bands:
        raise ValueError(message("n_mfcc", f"at most the {bands} bands", f["n_mfcc"], "Lower it, or raise n_mels."))
    if f["energy"] == "c0" and f["n_mfcc"] is None:
        raise ValueError(message("energy", "None, 'first' or 'last' without n_mfcc", "c0", "Use energy='first'."))
    for name, of, remedy in (("stack_hop", "stack", "no overlap"), ("patch_hop", "patch_frames", "no overlap")):
        step = f[of] if f[name] is None else f[name]
        f[name] = None if step is None else positive_int(name, step, f"Use None for {f[of]}: {remedy}.")
    if f["stack_edges"] == "repeat" and f["stack_hop"] > f["stack"]:
        raise ValueError(message("stack_hop", f"at most stack={f['stack']}", f["stack_hop"], "Lower it."))
    if f["chunk_length"] is not None:
        plain = dict.fromkeys(("filterbank", "log", "n_mfcc", "energy", "normalize", "patch_frames", "fixed_frames"))
        plain |= {**_PLAIN_PADDING, "drop_last": 0, "stack": 1, "valid_frames": "all"}
        for name, value in plain.items():
            if f[name] != value:
                raise ValueError(message(name, f"{value} with chunk_length", f[name], "Leave one of them out."))
        whole = f["chunk_length"] + f["chunk_context"] + f["chunk_pad"]
        if whole < f["frame_length"]:
            rule = f"long enough, with its context and pad, for a frame of {f['frame_length']} samples"
            raise ValueError(message("chunk_length", rule, f["chunk_length"], "Raise it, or lower n_fft."))
    width = 1 if f["power"] is None else _width(f)
    for name in ("feature_shift", "feature_scale"):
        f[name] = _vector(name, f[name], width)


def _bands(f: Mapping[str, Any]) -> int:
    of_bank = {None: f["n_fft"] // 2 + 1, "mel": f["n_mels"], "log": f["n_bins"]}
    return int(of_bank[f["filterbank"]])


def _width(f: Mapping[str, Any]) -> int:
    bands = _bands(f) if f["n_mfcc"] is None else f["n_mfcc"]
    return int((bands + (f["energy"] in ("first", "last"))) * f["stack"])


def width(f: Mapping[str, Any]) -> tuple[int, int]:
    """Return the number of values in a frame before and after stacking."""
    return _width(f) // int(f["stack"]), _width(f)


def _vector(name: str, value: Any, width: int) -> float | tuple[float, ...]:
    """Return a number, or one number for each value of a frame as a tuple."""
    remedy = f"Give one number, or {width}, one for each value in a frame."
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return number(name, value, remedy)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes)):
        raise TypeError(message(name, "a number or a sequence of numbers", value, remedy))
    values = tuple(number(name, entry, remedy) for entry in value)
    if len(values) != width or width == 1:
        raise ValueError(message(name, f"a number or {width} numbers", f"{len(values)} numbers", remedy))
    return values[0] if len(set(values)) == 1 else values
