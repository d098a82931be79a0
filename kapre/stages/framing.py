"""Frames: their length and hop, the padding at the ends of a clip, and which of them are removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from kapre._checks import choice, flag, message, positive_int, published_flag
from kapre._lazy import needs
from kapre.ops import constant_q
from kapre.ops.counts import PAD_MODES, power_of_two
from kapre.stages._stage import LARGEST, UNSET, Back, Call, Mistake, Stage, Values, at_least_0, at_most, one_of

if TYPE_CHECKING:
    from kapre.ops import frames
    from kapre.ops.kernels._blocks import Edges
    from kapre.recipe import Recipe

needs(__name__, frames="kapre.ops.frames", Edges="kapre.ops.kernels._blocks:Edges")

LONGEST = 1 << 22
"""The most samples of a frame: some three minutes."""
PLAIN_PADDING = {
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
OF_WAVES = ("pad_left", "pad_right", "pad_mode")
"""Fields that a recipe without a spectrum has, too."""
_UNPADDED: dict[str, Any] = {**PLAIN_PADDING, "frame_length": None}
_PADS = {"constant": "zeros", "reflect": "a reflection", "symmetric": "a mirror image", "edge": "its last value"}


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of framing."""

    n_fft: int = 2048
    win_length: int = UNSET
    hop_length: int = UNSET
    frame_length: int = UNSET
    pad_begin: bool = False
    pad_end: bool = False
    center: bool = False
    snip_edges: bool = True
    pad_left: int = 0
    pad_right: int = 0
    pad_mode: Literal["constant", "reflect", "symmetric", "edge"] = "constant"
    window_placement: Literal["start", "center"] = UNSET
    drop_last: int = 0


def _pads(f: Mapping[str, Any]) -> bool:
    """Tell whether the padding has a mode to choose."""
    return bool(f["center"] or f["pad_left"] or f["pad_right"])


class Framing(Stage):
    """Describe the padding of the clip. The next stage pads the clip and cuts it into frames."""

    Fields = Fields
    checks: ClassVar = {
        "pad_begin": published_flag,
        "pad_end": published_flag,
        "center": flag,
        "snip_edges": flag,
        "pad_left": at_least_0,
        "pad_right": at_least_0,
        "pad_mode": one_of(PAD_MODES, "librosa pads with 'constant', torch with 'reflect'."),
        "drop_last": at_least_0,
    }

    def idle_fields(self, f: Mapping[str, Any]) -> dict[str, str]:
        found = {} if _pads(f) else {"pad_mode": "center=True, pad_left or pad_right"}
        if f["transform"] == "cqt":
            found |= dict.fromkeys(("n_fft", "win_length", "frame_length", "window_placement"), "transform='dft'")
        elif f["power"] is not None and f["win_length"] >= f["n_fft"] and not f["center"]:
            found["window_placement"] = "a win_length below n_fft"
        return found

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        if f["transform"] == "cqt":
            _set_frame_of_cqt(f)
        n_fft = f["n_fft"] = _length("n_fft", f["n_fft"], "2048 samples are 93 ms at 22050 Hz.")
        win_length = n_fft if f["win_length"] is None else f["win_length"]
        win_length = f["win_length"] = _length("win_length", win_length, f"Use None for n_fft={n_fft}.")
        quarter = max(1, win_length // 4)
        hop = quarter if f["hop_length"] is None else f["hop_length"]
        f["hop_length"] = _length("hop_length", hop, f"Use {quarter} for 75 % overlap.")
        _check_padding(f)
        centred = f["window_placement"] == "center"
        shortest = n_fft if centred else win_length
        length = shortest if f["frame_length"] is None else f["frame_length"]
        f["frame_length"] = _length("frame_length", length, f"Use None for {shortest}.")
        if (f["frame_length"] != n_fft) if centred else (f["frame_length"] < win_length):
            rule = f"n_fft={n_fft} around a centred window" if centred else f"at least win_length={win_length}"
            raise ValueError(message("frame_length", rule, length, f"Use None for {shortest}."))
        if f["preemphasis_over"] == "frame" and centred and win_length < n_fft:
            rule = "'signal' with a window shorter than its frame"
            raise ValueError(message("preemphasis_over", rule, "frame", "Use win_length=n_fft."))

    def in_words(self, recipe: Recipe) -> tuple[str, ...]:
        if recipe.power is None:
            return ("padding",)
        return (f"frames of {recipe.win_length}, one every {recipe.hop_length}",)

    def shape(self, recipe: Recipe, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (int(self.padded(recipe, shape[0])),)

    def products(self, recipe: Recipe, shape: tuple[int, ...]) -> float:
        return 0.0

    def is_on(self, recipe: Recipe) -> bool:
        return recipe.power is not None or sum(recipe.padding) > 0

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        edges = Edges(*recipe.padding, recipe.padded_by, call.lengths)
        if recipe.power is not None:
            call.edges = edges
            return x
        if call.state is not None:  # a stream adds the zeros at its end
            return x
        call.lengths = None if call.lengths is None else self.padded(recipe, call.lengths)
        return frames.at_edges(x, edges)

    def padded(self, recipe: Recipe, n_samples: Any) -> Any:
        """Return the length of a clip with its padding: an int, None or an integer tensor."""
        return None if n_samples is None else n_samples + sum(recipe.padding)

    def undo(self, recipe: Recipe, x: Any, back: Back) -> Any:
        if recipe.power is not None:  # the spectrum has cut the padding off
            return x
        left, right = recipe.padding
        return x[..., left : x.shape[-1] - right]

    def needs_whole_clip(self, recipe: Recipe) -> dict[str, dict[str, Any]]:
        if recipe.power is not None or not self.is_on(recipe):
            return {}
        found: dict[str, dict[str, Any]] = {}
        if recipe.pad_left:
            found[f"pad_left={recipe.pad_left} of a wave (samples before the first)"] = {"pad_left": 0}
        if recipe.pad_mode != "constant" and recipe.pad_right:
            found[f"pad_mode={recipe.pad_mode!r} of a wave (its last samples)"] = {"pad_mode": "constant"}
        return found

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        for mode, by in _PADS.items():
            words = f"frames centred, the clip padded with {by} at both ends"
            yield words, dict(_UNPADDED, center=True, pad_mode=mode)
            if recipe.win_length < recipe.n_fft:
                yield (
                    f"{words}, the window at the start of the DFT",
                    dict(_UNPADDED, center=True, pad_mode=mode, window_placement="start"),
                )
        yield "no padding at the clip's ends", dict(_UNPADDED)
        yield "frames mirrored at the clip's ends (snip_edges=False)", dict(_UNPADDED, snip_edges=False)
        yield "frames that reach past the end kept", dict(_UNPADDED, pad_end=True)
        pad = (recipe.n_fft - recipe.hop_length) // 2
        for mode, by in _PADS.items():
            words = f"{pad} samples ((n_fft - hop_length) / 2) of {by} at both ends"
            yield words, dict(_UNPADDED, pad_left=pad, pad_right=pad, pad_mode=mode)
        if recipe.win_length < recipe.n_fft:
            for placement, words in (("start", "at the start of"), ("center", "in the middle of")):
                changes: dict[str, Any] = dict(window_placement=placement, frame_length=None)
                yield f"the window {words} the DFT", changes
                yield f"no padding, the window {words} the DFT", {**_UNPADDED, **changes}
            yield f"a DFT as long as the window, {recipe.win_length}", dict(n_fft=recipe.win_length, frame_length=None)
        rate = recipe.sample_rate or 16000.0
        for hop in dict.fromkeys(
            (round(rate / 100), round(rate / 80), 128, 160, 200, 256, 320, 512, recipe.n_fft // 4)
        ):
            yield f"frames every {hop} samples", dict(hop_length=hop)
        for length in dict.fromkeys((round(rate / 50), round(rate / 40), recipe.n_fft, 512, 1024)):
            if length <= recipe.n_fft:
                yield f"a window of {length} samples", dict(win_length=length, frame_length=None)
        longer = power_of_two(recipe.win_length)
        yield f"a DFT of {longer} samples", dict(n_fft=longer, frame_length=None)
        yield "the last frame left out", dict(drop_last=1)
        yield "the last frame kept", dict(drop_last=0)


def _set_frame_of_cqt(f: Values) -> None:
    """Check the fields of the constant-Q transform, and make a frame as long as its longest kernel."""
    names = ("n_bins", "bins_per_octave", "f_min", "cqt_gamma", "cqt_filter_scale")
    f.update(constant_q.check(f["sample_rate"], *(f[name] for name in names)))
    length = constant_q.frame_length(constant_q.lengths(f["sample_rate"], 1, *(f[name] for name in names[1:]))[0])
    if length * min(f["n_bins"], f["bins_per_octave"]) > LARGEST // 4 or length > LONGEST:
        way = "Raise it, or cqt_gamma, or lower bins_per_octave."
        rule = f"such that kernels of {length} samples fit the memory"
        raise ValueError(message("f_min", rule, f["f_min"], way))
    f["hop_length"] = 512 if f["hop_length"] is None else f["hop_length"]
    f["window_periodic"] = True if f["window_periodic"] is None else f["window_periodic"]
    f.update(n_fft=length, win_length=length, frame_length=length)


def _length(name: str, value: Any, remedy: str) -> int:
    """Check a length in samples. The window and the bank are arrays: a wrong file must not fill the memory."""
    return int(at_most(name, positive_int(name, value, remedy), LONGEST, remedy))


def _check_padding(f: Values) -> None:
    for first, others in _EXCLUSIVE.items():
        if f[first] == PLAIN_PADDING[first]:
            continue
        for name in others:
            if f[name] != PLAIN_PADDING[name]:
                rule = f"{PLAIN_PADDING[name]} with {first}={f[first]}"
                raise ValueError(message(name, rule, f[name], "Choose one way to pad."))
    if not _pads(f):
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
