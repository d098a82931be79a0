"""Recipes that differ from a recipe by one common mistake, with a description. Used by `kapre.compare`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kapre.recipe import Recipe

_NAMES = {"hann_window": "hann", "hamming_window": "hamming"}
_SCALES = {True: "HTK's mel scale", False: "Slaney's mel scale"}
_SIDES = {"hz": "straight in Hz", "mel": "straight in mel", "symmetric": "symmetric in Hz"}
_LOGS = {"ln": "a natural logarithm", "log10": "a logarithm to base 10", "db": "decibels", None: "no logarithm"}
_AMINS = (1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 2.0**-24, 2.0**-23, 1e-3, 0.01, 1.0)
_FIRST = {
    "keep": "the first sample kept",
    "first": "the first sample taken for the one before it",
}
_PADS = {"constant": "zeros", "reflect": "a reflection", "symmetric": "a mirror image", "edge": "its last value"}
_UNPADDED: dict[str, Any] = dict(
    center=False, snip_edges=True, pad_begin=False, pad_end=False, pad_left=0, pad_right=0, frame_length=None
)
KALDI_SCALE = 32768.0


@dataclass(frozen=True)
class Neighbour:
    """Describe a recipe that is similar to another one.

    Attributes:
        words: The description of the difference, "The features were made with …".
        recipe: The similar recipe.
        changes: The fields that turn the other recipe into this one, for `replace`.
        delay: Number of samples by which its frames start later. No field expresses this.
        skipped: Number of frames missing at the start. If negative, the number of extra frames there.
        preset: The preset that has this recipe, or an empty string.
        estimated: Whether the recipe was estimated from the features, which may be in another unit.
    """

    words: str
    recipe: Recipe
    changes: dict[str, Any] = field(default_factory=dict)
    delay: int = 0
    skipped: int = 0
    preset: str = ""
    estimated: bool = False


def _listed(recipe: Recipe, peak: float) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield descriptions and changes, most common mistakes first. Some changes are invalid here or have no effect."""
    yield from _waves(recipe, peak)
    yield from _frames(recipe)
    yield from _windows(recipe)
    yield from _banks(recipe)
    yield from _logs(recipe)
    yield from _after(recipe)


def _waves(recipe: Recipe, peak: float) -> Iterator[tuple[str, dict[str, Any]]]:
    if recipe.input_scale == 1.0:
        yield "samples scaled by 32768, as Kaldi's are", dict(input_scale=KALDI_SCALE)
    else:
        yield f"samples in [-1, 1], not scaled by {recipe.input_scale:g}", dict(input_scale=1.0)
    yield "samples scaled by 32768 twice", dict(input_scale=recipe.input_scale * KALDI_SCALE)
    yield "samples divided by 32768 once too often", dict(input_scale=recipe.input_scale / KALDI_SCALE)
    if peak > 0.0:
        yield "samples scaled to a peak of 1 first", dict(input_scale=recipe.input_scale / peak)
    if recipe.normalize_samples:
        yield "samples that were not normalised", dict(normalize_samples=False)
        for epsilon in (0.0, 1e-5):
            yield f"an epsilon of {epsilon:g} under the samples' variance", dict(samples_epsilon=epsilon)
    else:
        yield "samples normalised to mean 0 and variance 1", dict(normalize_samples=True)
    yield "no preemphasis", dict(preemphasis=0.0)
    for amount in dict.fromkeys((recipe.preemphasis or 0.97, 0.97, 0.95)):
        for over, place in (("signal", "the whole signal"), ("frame", "each frame")):
            for first, rule in _FIRST.items():
                yield (
                    f"preemphasis of {amount:g} over {place}, {rule}",
                    dict(preemphasis=amount, preemphasis_over=over, preemphasis_first=first),
                )
    if recipe.remove_dc:
        yield "frames whose mean was not subtracted", dict(remove_dc=False)
    else:
        yield "frames whose mean was subtracted", dict(remove_dc=True)
    if recipe.fixed_samples is not None:
        yield "clips that were not padded to a fixed length", dict(fixed_samples=None)
        other = "tile" if recipe.fixed_by == "zeros" else "zeros"
        yield f"short clips filled up by {other!r}", dict(fixed_by=other)
    elif recipe.sample_rate is not None:
        for seconds in (10, 30):
            length = round(seconds * recipe.sample_rate)
            yield f"clips padded or trimmed to {seconds} s", dict(fixed_samples=length)
    yield "clips that were not padded to a multiple of samples", dict(samples_at_least=0, samples_multiple=1)


def _frames(recipe: Recipe) -> Iterator[tuple[str, dict[str, Any]]]:
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
    for hop in dict.fromkeys((round(rate / 100), round(rate / 80), 128, 160, 200, 256, 320, 512, recipe.n_fft // 4)):
        yield f"frames every {hop} samples", dict(hop_length=hop)
    for length in dict.fromkeys((round(rate / 50), round(rate / 40), recipe.n_fft, 512, 1024)):
        if length <= recipe.n_fft:
            yield f"a window of {length} samples", dict(win_length=length, frame_length=None)
    longer = 1 << (recipe.win_length - 1).bit_length()
    yield f"a DFT of {longer} samples", dict(n_fft=longer, frame_length=None)
    yield "the last frame left out", dict(drop_last=1)
    yield "the last frame kept", dict(drop_last=0)
    counted = {"all": "every frame", "hops": "n_samples // hop_length frames", "whole": "whole frames only"}
    for rule, words in counted.items():
        yield f"{words} counted as valid", dict(valid_frames=rule)


def _windows(recipe: Recipe) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, short in _NAMES.items():
        for periodic, form in ((True, "periodic"), (False, "symmetric")):
            for exponent in (1.0, 0.85) if short == "hann" else (1.0,):
                called = "povey" if exponent == 0.85 else short
                yield (
                    f"a {form} {called} window",
                    dict(window_name=name, window_periodic=periodic, window_exponent=exponent),
                )
    for power, words in ((1.0, "magnitudes"), (2.0, "powers")):
        yield f"{words} of the DFT", dict(power=power, magnitude_epsilon=0.0)


def _banks(recipe: Recipe) -> Iterator[tuple[str, dict[str, Any]]]:
    if recipe.filterbank != "mel" or recipe.sample_rate is None:
        return
    for htk, scale in _SCALES.items():
        for norm, area in (("slaney", "triangles of equal area"), (None, "triangles of equal height")):
            for triangles, sides in _SIDES.items():
                parts = []
                if htk != recipe.htk:
                    parts.append(scale)
                if norm != recipe.norm:
                    parts.append(f"{area} (norm={norm!r})")
                if triangles != recipe.triangles:
                    parts.append(f"triangles {sides}")
                yield ", ".join(parts), dict(htk=htk, norm=norm, triangles=triangles)
    for hz in (0.0, 20.0, 50.0, 60.0, 80.0, 125.0):
        yield f"bands from {hz:g} Hz", dict(f_min=hz)
    nyquist = recipe.sample_rate / 2.0
    for hz in dict.fromkeys((nyquist, 7500.0, 7600.0, 7690.0, 8000.0, nyquist - 400.0)):
        if hz <= nyquist:
            yield f"bands up to {hz:g} Hz", dict(f_max=hz)


def _logs(recipe: Recipe) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind, words in _LOGS.items():
        yield words, dict(log=kind, ref_value=1.0)
        if kind is not None and kind != recipe.log:
            for amin in (1e-10, 1e-7, 2.0**-24, 2.0**-23):
                yield f"{words}, floor {amin:.3g}", dict(log=kind, amin=amin, ref_value=1.0)
    if recipe.log != "db":
        yield "decibels down to 80 below the maximum", dict(log="db", amin=1e-10, dynamic_range=80.0, range_top=None)
    if recipe.log is None:
        return
    form = {"max": "log(max(x, {0:.7g}))", "add": "log(x + {0:.7g})"}
    for by, text in form.items():
        for amin in dict.fromkeys((recipe.amin, *_AMINS)):
            yield f"the floor {text.format(amin)}", dict(amin=amin, amin_by=by)
    yield "no floor below the maximum", dict(dynamic_range=None)
    for below in (8.0, 80.0):
        yield f"a floor {below:g} below the clip's maximum", dict(dynamic_range=below, range_top=None)


def _after(recipe: Recipe) -> Iterator[tuple[str, dict[str, Any]]]:
    if recipe.n_mfcc is not None:
        yield "no lifter", dict(lifter=0.0)
        yield "a lifter of 22", dict(lifter=22.0, lifter_start=0)
        yield "a lifter of 22, as librosa counts", dict(lifter=22.0, lifter_start=1)
        yield "the first coefficient kept, no energy", dict(energy=None)
        yield "the energy in place of the first coefficient", dict(energy="c0")
    for floor in (0.0, 1.0):
        yield f"an energy floor of {floor:g}", dict(energy_floor=floor)
    yield "bands that were not normalised over time", dict(normalize=None)
    yield "each band's mean over time subtracted", dict(normalize="mean")
    for ddof in (0, 1):
        for epsilon, place in ((0.0, "variance"), (1e-7, "variance"), (1e-5, "deviation"), (1e-10, "deviation")):
            yield (
                f"bands normalised over time, ddof {ddof}, epsilon {epsilon:g} added to the {place}",
                dict(normalize="mean_std", normalize_ddof=ddof, normalize_epsilon=epsilon, normalize_epsilon_in=place),
            )
    for over, words in (("utterance", "of the whole clip"), ("running", "up to the present frame")):
        yield f"statistics {words}", dict(normalize_over=over)
    if recipe.stack > 1:
        for edges, words in (("drop", "left out"), ("zeros", "filled with zeros"), ("repeat", "filled by repeating")):
            yield f"stacks not filled {words}", dict(stack_edges=edges)
    if recipe.feature_shift != 0.0 or recipe.feature_scale != 1.0:
        yield "no shift and scale at the end", dict(feature_shift=0.0, feature_scale=1.0)
    else:
        yield "Whisper's (x + 4) / 4 at the end", dict(feature_shift=4.0, feature_scale=0.25)
    if recipe.fixed_frames is not None:
        yield "as many frames as the clip has", dict(fixed_frames=None)
    if recipe.patch_frames is not None:
        yield "patches that don't overlap", dict(patch_hop=recipe.patch_frames)
        yield "patches that overlap by half", dict(patch_hop=max(1, recipe.patch_frames // 2))


def _delays(recipe: Recipe) -> Iterator[tuple[str, int]]:
    if recipe.power is None or recipe.chunk_length is not None:
        return
    sizes = {
        recipe.hop_length // 2: " (half a hop)",
        recipe.hop_length: " (a hop)",
        (recipe.n_fft - recipe.win_length) // 2: " ((n_fft - win_length) / 2)",
        recipe.n_fft // 2: " (half a DFT)",
    }
    for size, which in sizes.items():
        if size:
            yield f"frames that start {size} samples later{which}", size
            yield f"frames that start {size} samples earlier{which}", -size


def least_changes(recipe: Recipe, other: Recipe, changes: dict[str, Any]) -> dict[str, Any]:
    """Return the subset of the changes that is needed to turn `recipe` into `other`."""
    needed = {name: value for name, value in changes.items() if getattr(other, name) != getattr(recipe, name)}
    return needed if changed(recipe, **needed) == other else changes


def changed(recipe: Recipe, **changes: Any) -> Recipe | None:
    """Return the recipe with changes, or None if they are not valid for it."""
    try:
        return recipe.replace(**changes)
    except (ValueError, TypeError, NotImplementedError):
        return None


def neighbours(recipe: Recipe, peak: float = 0.0) -> list[Neighbour]:
    """Return the distinct recipes that differ by one common mistake, without the recipe itself."""
    found: dict[tuple[Recipe, int], Neighbour] = {}
    for words, changes in _listed(recipe, peak):
        other = changed(recipe, **changes)
        if other is not None and other != recipe and (other, 0) not in found:
            found[other, 0] = Neighbour(words, other, least_changes(recipe, other, changes))
    for words, delay in _delays(recipe):
        found.setdefault((recipe, delay), Neighbour(words, recipe, {}, delay))
    return list(found.values())
