"""From padded samples to bands and their logarithm: frames, their window, the DFT and the filter bank.

These stages run in one piece, block by block where there are many frames, so that no spectrum is held as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from kapre._checks import message
from kapre._lazy import needs
from kapre.ops.counts import num_frames
from kapre.stages import resynthesis
from kapre.stages._stage import Back, Call, Mistake, Stage, Values, not_negative, one_of
from kapre.stages.chunks import cut, frames_in_chunk, frames_of
from kapre.stages.energy import least_energy, log_energy
from kapre.stages.logarithm import fixed_reference
from kapre.stages.preemphasis import within_frames
from kapre.stages.window import placed

if TYPE_CHECKING:
    import keras

    from kapre.ops import correlations, fourier, frames, scales, waves
    from kapre.ops.fourier import Pair, constant, is_empty
    from kapre.ops.kernels import active as kernel
    from kapre.ops.kernels import current
    from kapre.ops.kernels._blocks import Edges, Stages
    from kapre.recipe import Recipe

needs(
    __name__,
    keras="keras",
    correlations="kapre.ops.correlations",
    fourier="kapre.ops.fourier",
    frames="kapre.ops.frames",
    scales="kapre.ops.scales",
    waves="kapre.ops.waves",
    constant="kapre.ops.fourier:constant",
    is_empty="kapre.ops.fourier:is_empty",
    kernel="kapre.ops.kernels:active",
    current="kapre.ops.kernels:current",
    Edges="kapre.ops.kernels._blocks:Edges",
    Stages="kapre.ops.kernels._blocks:Stages",
)


_OF_CQT = ("cqt_gamma", "cqt_filter_scale")


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of the spectrum."""

    power: float | None = 1.0
    magnitude_epsilon: float = 0.0
    magnitude_epsilon_by: Literal["add", "max"] = "add"
    transform: Literal["dft", "cqt", "identity"] = "dft"
    cqt_gamma: float = 0.0
    cqt_filter_scale: float = 1.0


class Spectrum(Stage):
    """Cut padded samples into frames, and convert these to bands and their logarithm."""

    Fields = Fields
    checks: ClassVar = {
        "power": one_of((1.0, 2.0, None), "1.0 is the magnitude, 2.0 the power, None leaves samples as they are."),
        "magnitude_epsilon": not_negative,
        "transform": one_of(("dft", "cqt", "identity"), "'identity' leaves each frame as its samples."),
        "magnitude_epsilon_by": one_of(("add", "max"), "'add' is sqrt(p + epsilon), 'max' is sqrt(max(p, epsilon))."),
    }
    added = ("magnitude_epsilon_by", "transform", *_OF_CQT)
    idle = (("magnitude_epsilon", 0.0, ("magnitude_epsilon_by",)),)

    def in_words(self, recipe: Recipe) -> tuple[str, ...]:
        kind = {1.0: "magnitude", 2.0: "power"}[recipe.power or 1.0]
        first = {
            "dft": f"{kind} of a DFT of {recipe.n_fft}",
            "cqt": f"{kind} of a CQT of {recipe.n_bins} bins",
            "identity": "samples of frames",
        }[recipe.transform]
        bank = () if recipe.bank is None else (f"{recipe.filterbank} bank of {recipe.bank.shape[1]}",)
        log = () if recipe.log is None else ({"db": "decibels", "ln": "ln", "log10": "log10"}[recipe.log],)
        return (first, *bank, *log)

    def shape(self, recipe: Recipe, shape: tuple[int, ...]) -> tuple[int, ...]:
        count = num_frames(shape[0], *recipe.cut, recipe.pad_end)
        lead: tuple[int, ...] = (max(0, count - recipe.drop_last),)
        if recipe.chunk_length is not None:
            lead += (frames_in_chunk(recipe),)
        return (*lead, recipe.n_freq if recipe.bank is None else recipe.bank.shape[1])

    def products(self, recipe: Recipe, shape: tuple[int, ...]) -> float:
        frame_count = math.prod(shape[:-1])
        of_transform = {
            "dft": recipe.frame_length + 2.5 * recipe.n_fft * math.log2(recipe.n_fft),
            "cqt": float(sum(octave.taps.size for octave in recipe.kernels)),
            "identity": float(recipe.frame_length),
        }[recipe.transform]
        of_bank = 0 if recipe.bank is None else np.count_nonzero(recipe.bank)
        return frame_count * (of_transform + 2 * recipe.n_freq + of_bank)

    def idle_fields(self, f: Mapping[str, Any]) -> dict[str, str]:
        found = {} if f["transform"] == "cqt" else dict.fromkeys(_OF_CQT, "transform='cqt'")
        if f["transform"] == "identity":
            found |= {"magnitude_epsilon": "transform='dft'"}
        return found | super().idle_fields(f)

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        if f["transform"] != "cqt":
            f.update((name, defaults[name]) for name in _OF_CQT)
        if f["transform"] == "identity":
            f.update(power=1.0, magnitude_epsilon=0.0, magnitude_epsilon_by="add")
            for name, value in (("filterbank", None), ("log", None), ("pcen", False)):
                if f[name] != value:
                    raise ValueError(message(name, f"{value} with transform='identity'", f[name], "Leave one out."))
            if f["frame_length"] != f["n_fft"] or f["win_length"] != f["n_fft"]:
                rule = f"win_length={f['win_length']}, the length of a frame, with transform='identity'"
                raise ValueError(message("n_fft", rule, f["n_fft"], "Give n_fft alone."))
        if f["magnitude_epsilon"] and f["power"] != 1.0:
            rule = "0.0 unless power=1.0, under whose root it is added"
            raise ValueError(message("magnitude_epsilon", rule, f["magnitude_epsilon"], "Use power=1.0."))

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        bands, call.energy = of_samples(recipe, x, call)
        return bands

    def undo(self, recipe: Recipe, x: Any, back: Back) -> Any:
        return resynthesis.samples_of(recipe, x, back)

    def lost(self, recipe: Recipe) -> tuple[str, ...]:
        return resynthesis.lost(recipe)

    def no_way_back(self, recipe: Recipe) -> tuple[str, str] | None:
        return resynthesis.no_way_back(recipe)

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        for power, words in ((1.0, "magnitudes"), (2.0, "powers")):
            yield f"{words} of the DFT", dict(power=power, magnitude_epsilon=0.0)
        if recipe.magnitude_epsilon:
            for by, form in (("add", "sqrt(p + epsilon)"), ("max", "sqrt(max(p, epsilon))")):
                yield f"magnitudes {form}", dict(magnitude_epsilon_by=by)


def _dtype_of(x: Any) -> str:
    return keras.backend.standardize_dtype(x.dtype)


def _prepares_frames(recipe: Recipe) -> bool:
    """Tell whether a stage takes whole frames before their transform."""
    parts = recipe.remove_dc, recipe.normalize_frames, recipe.energy is not None, within_frames(recipe) != 0.0
    return any(parts)


def _is_framewise(recipe: Recipe) -> bool:
    """Tell whether whole frames are processed before the window, so that a frame must hold only its own samples."""
    return _prepares_frames(recipe) or not _for_any_kernel(recipe)


def _for_any_kernel(recipe: Recipe) -> bool:
    """Tell whether the kernels have `of_frames` as data."""
    return recipe.transform == "dft" and not recipe.normalize_frames


def _for_kernels(recipe: Recipe, dtype: str) -> Stages:
    """Return what `of_frames` does, as data for the kernels, cached on the recipe."""
    name = f"_stages_{dtype}"
    kept: Stages | None = vars(recipe).get(name)
    if kept is None:
        kept = vars(recipe)[name] = Stages(
            size=recipe.frame_length,
            hop=recipe.hop_length,
            n_fft=recipe.n_fft,
            window=recipe.dft_window if recipe.frame_length > recipe.n_fft else recipe.analysis_window,
            power=recipe.power or 1.0,
            groups=recipe.bank_groups(dtype),
            log=recipe.log,
            amin=recipe.amin,
            amin_by=recipe.amin_by,
            ref_value=fixed_reference(recipe),
            reference=scales.reference(recipe.amin, fixed_reference(recipe)),
            remove_dc=recipe.remove_dc,
            preemphasis=within_frames(recipe),
            preemphasis_first=recipe.preemphasis_first,
            magnitude_epsilon=recipe.magnitude_epsilon,
            magnitude_epsilon_by=recipe.magnitude_epsilon_by,
            chunk_pad=None if recipe.chunk_length is None else recipe.chunk_pad,
            least_energy=None if recipe.energy is None else least_energy(recipe),
        )
    return kept


def of_frames(recipe: Recipe, framed: Any, window: Any = None, bank: Any = None) -> tuple[Any, Any]:
    """Convert frames to bands and their logarithm. Return these and the log energy `(..., frames, 1)`, or None.

    `window` and `bank` are weights that replace those of the recipe.
    """
    if recipe.remove_dc:
        framed = waves.without_mean(framed)
    energy = None if recipe.energy is None else log_energy(recipe, framed)
    if within_frames(recipe):
        framed = waves.preemphasis(framed, recipe.preemphasis, recipe.preemphasis_first)
    if recipe.normalize_frames:
        framed = waves.standardized(framed)
    if recipe.transform == "cqt":
        return _levels(recipe, correlations.of_frames(framed, recipe.kernels), bank), energy
    whole = framed.shape[-1] == recipe.n_fft  # frames are as long as the DFT: `of_samples` cuts them so where it can
    if window is None:
        analysis = constant(recipe.dft_window if whole else recipe.analysis_window, framed)
    else:
        analysis = placed(recipe, window, framed)
        if whole:
            analysis = frames.pad(analysis, 0, max(0, recipe.n_fft - recipe.frame_length))[: recipe.n_fft]
    windowed = framed * analysis
    if recipe.transform == "identity":
        return windowed, energy
    groups = recipe.bank_groups(_dtype_of(framed)) if bank is None else None
    if groups is not None and recipe.power == 2.0:
        return _logarithm(recipe, fourier.power_in_bands(windowed, recipe.n_fft, groups)), energy
    return _levels(recipe, fourier.rfft(windowed, recipe.n_fft), bank), energy


def _logarithm(recipe: Recipe, x: Any) -> Any:
    if recipe.log is None:
        return x
    return scales.logarithm(x, recipe.log, recipe.amin, recipe.amin_by, fixed_reference(recipe))


def _levels(recipe: Recipe, pair: Pair, bank: Any = None) -> Any:
    """Return the bands of a transform, and their logarithm."""
    x = fourier.magnitude(pair, recipe.power or 1.0, recipe.magnitude_epsilon, recipe.magnitude_epsilon_by)
    groups = recipe.bank_groups(_dtype_of(x)) if bank is None else None
    if bank is not None:
        x = fourier.apply_bank(x, bank)
    elif groups is not None:
        x = fourier.in_bands(x, groups)
    return _logarithm(recipe, x)


@dataclass(frozen=True)
class _Operations:
    """Compute a spectrum from samples with the operations of the active kernel, for a kernel that has another way.

    Two of them with the same fields are equal, so that a compiler may keep what it made of one.
    """

    recipe: Recipe
    ends: bool
    edges: Edges | None
    """Without lengths, which are tensors."""

    def parts(self) -> tuple[Any, ...]:
        """Return constants from which `of` makes operations that are equal."""
        return self.recipe, self.ends, self.edges is not None

    @classmethod
    def of(cls, recipe: Recipe, ends: bool, has_edges: bool) -> _Operations:
        """Return the operations of these parts."""
        return cls(recipe, ends, Edges(*recipe.padding, recipe.padded_by) if has_edges else None)

    def counting(self) -> tuple[int, int, int]:
        """Return what the number of frames of padded samples follows from; see `Operations`."""
        size, hop = self.recipe.cut
        return 1 if self.recipe.pad_end and self.ends else size, hop, self.recipe.drop_last * self.ends

    def stages(self, dtype: str) -> Stages:
        """Return the same as data."""
        return _for_kernels(self.recipe, dtype)

    def _call(self, lengths: Any) -> Call:
        return Call(ends=self.ends, edges=None if self.edges is None else self.edges._replace(lengths=lengths))

    def pad(self, x: Any, lengths: Any = None) -> Any:
        """Pad samples at the ends of each item."""
        return frames.at_edges(x, self._call(lengths).edges)

    def __call__(self, x: Any, lengths: Any = None) -> tuple[Any, Any]:
        """Return what `of_samples` returns."""
        return _by_frames(self.recipe, x, self._call(lengths), _for_kernels(self.recipe, _dtype_of(x)))


class _Transform(_Operations):
    """Compute the complex spectrum of frames in the same way, without what comes after it."""

    def stages(self, dtype: str) -> Stages:
        name = f"_transform_{dtype}"
        kept: Stages | None = vars(self.recipe).get(name)
        if kept is None:
            kept = vars(self.recipe)[name] = super().stages(dtype)._replace(power=None, groups=None, log=None)
        return kept

    def __call__(self, x: Any, lengths: Any = None) -> tuple[Any, Any]:
        recipe, x = self.recipe, self.pad(x, lengths)
        pad_end = recipe.pad_end and self.ends
        pair = fourier.stft(x, recipe.analysis_window, recipe.n_fft, recipe.hop_length, pad_end)
        return kernel.to_complex(*pair), None


def inverse_stages(recipe: Recipe, dtype: str, exact_edges: bool) -> Stages:
    """Return the stages from a complex spectrum to a frame as data, cached on the recipe."""
    name = f"_inverse_{dtype}_{exact_edges}"
    kept: Stages | None = vars(recipe).get(name)
    if kept is None:
        plain = _Transform(recipe, False, None).stages(dtype)
        window = recipe.analysis_window if exact_edges else recipe.synthesis_window
        plain = plain._replace(remove_dc=False, preemphasis=0.0, least_energy=None)  # only the window and the DFT
        kept = vars(recipe)[name] = plain._replace(window=window, is_inverse=True)
    return kept


def transform(recipe: Recipe, x: Any, call: Call) -> Any:
    """Transform samples `(..., time)` into complex numbers `(..., frames, n_freq)`. `call` has the edges."""
    operations, found = _by_kernel(_Transform, recipe, x, call)
    return (operations(x, call.lengths) if found is None else found)[0]


def constant_q(recipe: Recipe, x: Any, call: Call) -> Pair:
    """Transform samples `(..., time)` into pairs `(..., frames, n_bins)`. `call` has the edges."""
    x = frames.at_edges(x, call.edges)
    if recipe.pad_end and call.ends:
        x = frames.pad(x, 0, recipe.frame_length - 1)
    if isinstance(x.shape[-1], int) and (x.shape[-1] < recipe.frame_length or is_empty(x)):
        return correlations.of_frames(cut(recipe, x, False), recipe.kernels)  # no frame
    pair = correlations.of_samples(x, recipe.kernels, recipe.hop_length)
    if not (recipe.drop_last and call.ends):
        return pair
    real, imag = (kernel.part(part, 0, recipe.drop_last, axis=-2) for part in pair)
    return real, imag


def of_samples(recipe: Recipe, x: Any, call: Call) -> tuple[Any, Any]:
    """Pad samples `(..., time)`, cut them into frames and apply `of_frames`. Return what that returns.

    A kernel may do all of it. Otherwise many frames are processed block by block.
    """
    learned = call.window is not None or call.bank is not None or not _for_any_kernel(recipe)
    if not learned:
        _, found = _by_kernel(_Operations, recipe, x, call)
        if found is not None:
            return found
    if recipe.transform == "cqt" and not _prepares_frames(recipe):
        return _levels(recipe, constant_q(recipe, x, call), call.bank), None
    data = None if learned or current().is_tracing() else _for_kernels(recipe, _dtype_of(x))
    return _by_frames(recipe, x, call, data)


def _by_kernel(
    kind: type[_Operations], recipe: Recipe, x: Any, call: Call
) -> tuple[_Operations, tuple[Any, Any] | None]:
    """Return the operations of a call and their results, or None in place of these if the kernel leaves them to us."""
    count = _count(recipe, x, call) if isinstance(x.shape[-1], int) else None
    edges = call.edges
    operations = kind(recipe, call.ends, None if edges is None else edges._replace(lengths=None))
    return operations, None if count == 0 else current().spectrum(x, count, edges, operations)


def _count(recipe: Recipe, x: Any, call: Call) -> int:
    """Return the number of frames, or of chunks, of samples that are not yet padded and whose number is known."""
    padding = 0 if call.edges is None else call.edges.left + call.edges.right
    count = num_frames(x.shape[-1] + padding, *recipe.cut, recipe.pad_end and call.ends)
    return max(0, count - recipe.drop_last * call.ends)


def _by_frames(recipe: Recipe, x: Any, call: Call, data: Stages | None) -> tuple[Any, Any]:
    by, ends, window, bank = current(), call.ends, call.window, call.bank
    length, hop = recipe.cut
    count: int | None = None
    if not by.frames_unknown_time:
        count = _count(recipe, x, call) if ends and isinstance(x.shape[-1], int) else 0
        x = frames.at_edges(x, call.edges)
        if count == 0 or is_empty(x) or recipe.chunk_length is not None:
            return of_frames(recipe, cut(recipe, x, ends), window, bank)
        if not _is_framewise(recipe):
            length = recipe.n_fft  # frames as long as the DFT need no zeros after each
    else:
        x = frames.at_edges(x, call.edges)
        x = frames.pad(x, 0, length - 1) if recipe.pad_end and ends else x

    weights = {name: value for name, value in (("window", window), ("bank", bank)) if value is not None}

    def block(framed: Any, *values: Any) -> tuple[Any, ...]:
        if recipe.chunk_length is not None:
            framed = frames_of(recipe, framed)
        bands, energy = of_frames(recipe, framed, **dict(zip(weights, values, strict=True)))
        return (bands,) if energy is None else (bands, energy)

    data = None if recipe.energy is not None else data  # kernels have no way of their own for frames and their energy
    found = by.over_frames(block, x, length, hop, count, list(weights.values()), data)
    if count is None and ends and recipe.drop_last:
        found = tuple(by.part(part, 0, recipe.drop_last, axis=-2) for part in found)
    bands, *energy = found
    return bands, energy[0] if energy else None
