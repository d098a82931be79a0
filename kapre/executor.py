"""Computation of a recipe, and conversion of a chain of layers to a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from kapre._checks import message
from kapre._frame_stages import centred, emphasized, is_framewise, log_energy, placed
from kapre._lowered_recipe import spectra as lowered_spectra
from kapre.ops import buckets, features, fourier, frames, lowered, scales, waves
from kapre.ops.counts import num_frames
from kapre.ops.fourier import Pair, constant, is_empty
from kapre.ops.host import library
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels._blocks import Stages
from kapre.recipe import Recipe


def stft(recipe: Recipe, x: Any, lengths: Any = None, dft: Literal["fft", "conv"] = "fft") -> Pair:
    """Transform `(..., time)` floats into real and imaginary parts, each `(..., frames, n_freq)`.

    `lengths`, of shape `(batch,)`, holds the number of samples of each item. Samples past the end of an item are
    treated as silence, and padding starts there.
    """
    x = padded(recipe, x, lengths)
    if fourier.is_lowering():
        return lowered.stft(x, recipe.analysis_window, recipe.n_fft, recipe.hop_length, recipe.pad_end)
    transform = fourier.stft if dft == "fft" else fourier.stft_by_convolution
    return transform(x, recipe.analysis_window, recipe.n_fft, recipe.hop_length, recipe.pad_end)


def istft(recipe: Recipe, pair: Pair, exact_edges: bool = False, length: int | None = None, lengths: Any = None) -> Any:
    """Invert `stft`: convert pairs of `(..., frames, n_freq)` to `(..., time)` and remove the padding of `center`.

    `length` cuts or zero-pads the result to that many samples. `lengths`, of shape `(batch,)`, holds the number of
    frames of each item.
    """
    x = fourier.istft(
        pair, recipe.analysis_window, recipe.synthesis_window, recipe.n_fft, recipe.hop_length, exact_edges, lengths
    )
    left, right = recipe.padding
    if lengths is not None:
        x = frames.keep(x, recipe.num_samples(lengths) + left)
    if length is not None:
        return frames.pad(x, 0, left + length)[..., left : left + length]
    return x[..., left : ops.shape(x)[-1] - right] if left or right else x


def apply_bank(x: Any, bank: Any) -> Any:
    """Multiply the last axis by a `(n_freq, bands)` matrix, given as a NumPy array or a weight."""
    return kernel.dot(x, constant(bank, x) if isinstance(bank, np.ndarray) else ops.cast(bank, x.dtype))


def padded(recipe: Recipe, x: Any, lengths: Any = None) -> Any:
    """Pad `(..., time)` as the framing of the recipe requires, each item at its own ends."""
    left, right = recipe.padding
    if lengths is not None:
        x = frames.keep(x, lengths)
    return frames.pad(x, left, right, recipe.padded_by, lengths=lengths)


def wave(recipe: Recipe, x: Any, lengths: Any = None, noise: Any = None) -> tuple[Any, Any]:
    """Apply the recipe's operations on whole waveforms to `(batch, ..., time)`. Return the result and its lengths."""
    if lengths is not None:
        x = frames.keep(x, lengths)
    if recipe.input_scale != 1.0:
        x = x * recipe.input_scale
    if noise is not None:
        x = x + recipe.dither * noise
        x = x if lengths is None else frames.keep(x, lengths)
    if recipe.normalize_samples:
        x = waves.normalized(x, recipe.samples_epsilon, lengths)
    if recipe.preemphasis and recipe.preemphasis_over == "signal":
        x = waves.preemphasis(x, recipe.preemphasis, recipe.preemphasis_first)
    if lengths is not None:
        x = frames.keep(x, lengths)
    if recipe.fixed_samples is None:
        if recipe.samples_at_least or recipe.samples_multiple > 1:
            x = waves.pad_to_multiple(x, recipe.samples_at_least, recipe.samples_multiple)
        return x, None if lengths is None else recipe.num_samples_used(lengths)
    if recipe.fixed_by == "tile":
        return waves.tile(x, recipe.fixed_samples, lengths), None
    return waves.fit(x, recipe.fixed_samples), None


def cut(recipe: Recipe, x: Any, ends: bool = True) -> Any:
    """Cut padded samples into frames, `(..., frames, frame_length)`, or chunks, `(..., chunks, frames, length)`.

    `ends` tells whether the clip ends with these samples. If so, the end is padded and final frames may be removed.
    """
    x = frames.frame(x, *recipe.cut, recipe.pad_end and ends)
    if recipe.drop_last and ends:
        x = x[..., : -recipe.drop_last, :]
    if recipe.chunk_length is None:
        return x
    return frames.frame(frames.pad(x, 0, recipe.chunk_pad, "reflect"), recipe.frame_length, recipe.hop_length)


def _dtype_of(x: Any) -> str:
    return keras.backend.standardize_dtype(x.dtype)


def _stages(recipe: Recipe, dtype: str) -> Stages | None:
    """Return the stages of `spectra` for the kernels, cached on the recipe. Return None if it needs more stages."""
    if recipe.energy is not None or recipe.magnitude_epsilon:
        return None
    name = f"_stages_{dtype}"
    kept: Stages | None = vars(recipe).get(name)
    if kept is None:
        kept = vars(recipe)[name] = _stages_of(recipe, dtype)
    return kept


def _stages_of(recipe: Recipe, dtype: str) -> Stages:
    return Stages(
        size=recipe.frame_length,
        hop=recipe.hop_length,
        n_fft=recipe.n_fft,
        window=recipe.dft_window if recipe.frame_length > recipe.n_fft else recipe.analysis_window,
        power=recipe.power or 1.0,
        groups=recipe.bank_groups(dtype),
        log=recipe.log,
        amin=recipe.amin,
        amin_by=recipe.amin_by,
        reference=scales.reference(recipe.amin, recipe.ref_value),
        remove_dc=recipe.remove_dc,
        preemphasis=recipe.preemphasis if recipe.preemphasis_over == "frame" else 0.0,
        preemphasis_first=recipe.preemphasis_first,
    )


def spectra(recipe: Recipe, framed: Any, window: Any = None, bank: Any = None) -> tuple[Any, Any]:
    """Convert frames to bands and their logarithm. Return these and the log energy `(..., frames, 1)`, or None.

    `window` and `bank` are weights that replace those of the recipe.
    """
    framed = centred(recipe, framed)
    energy = None if recipe.energy is None else log_energy(recipe, framed)
    framed = emphasized(recipe, framed)
    whole = framed.shape[-1] == recipe.n_fft  # frames are as long as the DFT: `spectra_of` cuts them so where it can
    if window is None:
        analysis = constant(recipe.dft_window if whole else recipe.analysis_window, framed)
    else:
        analysis = placed(recipe, window, framed)
        if whole:
            analysis = frames.pad(analysis, 0, max(0, recipe.n_fft - recipe.frame_length))[: recipe.n_fft]
    windowed = framed * analysis
    groups = recipe.bank_groups(_dtype_of(framed)) if bank is None else None
    if groups is not None and recipe.power == 2.0:
        x = fourier.power_in_bands(windowed, recipe.n_fft, groups)
    else:
        pair = fourier.rfft(windowed, recipe.n_fft)
        x = fourier.magnitude(pair, recipe.power or 1.0, recipe.magnitude_epsilon)
        if groups is not None:
            x = fourier.in_bands(x, groups)
        elif bank is not None:
            x = apply_bank(x, bank)
    if recipe.log is not None:
        x = scales.logarithm(x, recipe.log, recipe.amin, recipe.amin_by, recipe.ref_value)
    return x, energy


def spectra_of(recipe: Recipe, x: Any, window: Any = None, bank: Any = None, ends: bool = True) -> tuple[Any, Any]:
    """Apply `cut` and `spectra` to padded samples `(..., time)`, block by block if there are many frames."""
    if fourier.is_lowering():
        return lowered_spectra(recipe, x, window, bank, ends)
    if not ends:
        return spectra(recipe, cut(recipe, x, ends=False), window, bank)
    length, hop = recipe.cut
    known = isinstance(x.shape[-1], int)
    count = num_frames(x.shape[-1], length, hop, recipe.pad_end) - recipe.drop_last if known else 0
    if count <= 0 or is_empty(x) or recipe.chunk_length is not None:
        return spectra(recipe, cut(recipe, x), window, bank)
    size = length if is_framewise(recipe) else recipe.n_fft  # frames as long as the DFT need no zeros after each

    weights = {name: value for name, value in (("window", window), ("bank", bank)) if value is not None}

    def block(framed: Any, *values: Any) -> tuple[Any, ...]:
        bands, energy = spectra(recipe, framed, **dict(zip(weights, values, strict=True)))
        return (bands,) if energy is None else (bands, energy)

    stages = None if weights or kernel.is_tracing() else _stages(recipe, _dtype_of(x))
    bands, *energy = kernel.over_frames(block, x, size, hop, count, list(weights.values()), stages)
    return bands, energy[0] if energy else None


def limited(recipe: Recipe, x: Any, counts: Any = None) -> Any:
    """Limit values to the recipe's range below its top, or below the item's maximum over the valid frames."""
    if recipe.log is None or recipe.dynamic_range is None:
        return x
    floor = scales.lowest_log(recipe.log, recipe.amin, recipe.ref_value)
    return scales.limit_range(x, recipe.dynamic_range, floor, recipe.range_top, features.valid(x, counts))


def cepstra(recipe: Recipe, x: Any, energy: Any) -> Any:
    """Convert bands to cepstral coefficients, if requested, and insert the energy at its position."""
    if recipe.n_mfcc is not None:
        bands = recipe.n_freq if recipe.bank is None else recipe.bank.shape[1]  # torch.jit.trace has tensors as sizes
        x = apply_bank(x, scales.dct_matrix(bands, recipe.n_mfcc, recipe.lifter, recipe.lifter_start))
    if recipe.energy is None:
        return x
    parts = {"first": [energy, x], "last": [x, energy], "c0": [energy, x[..., 1:]]}[recipe.energy]
    return ops.concatenate(parts, axis=-1)


def normalization(recipe: Recipe) -> dict[str, Any]:
    """Return the arguments of `features.normalize` and `normalize_running`."""
    return dict(
        std=recipe.normalize == "mean_std",
        ddof=recipe.normalize_ddof,
        epsilon=recipe.normalize_epsilon,
        epsilon_in=recipe.normalize_epsilon_in,
    )


def affine(recipe: Recipe, x: Any) -> Any:
    """Return `(x + feature_shift) * feature_scale`."""
    if isinstance(x, np.ndarray):
        return (x + x.dtype.type(recipe.feature_shift)) * x.dtype.type(recipe.feature_scale)
    if recipe.feature_shift != 0.0:
        x = x + constant(np.asarray(recipe.feature_shift), x)
    return x * constant(np.asarray(recipe.feature_scale), x) if recipe.feature_scale != 1.0 else x


def laid_out(recipe: Recipe, x: Any) -> Any:
    """Cut features into patches, if requested, and order the last two axes as the recipe specifies."""
    if recipe.patch_frames is not None:
        x = features.patches(x, recipe.patch_frames, recipe.patch_hop or 1)
    return x if recipe.layout == "time_first" else library(x).swapaxes(x, -1, -2)


def _over_time(recipe: Recipe, x: Any, counts: Any) -> Any:
    """Apply the operations that need more than one frame at a time, except patches."""
    if recipe.normalize is not None and recipe.normalize_over == "running":
        x, _ = features.normalize_running(x, features.running_start(x), **normalization(recipe))
    elif recipe.normalize is not None:
        x = features.normalize(x, counts=counts, **normalization(recipe))
    if recipe.valid_frames != "all" or recipe.fixed_frames is not None or recipe.stack > 1:
        x = features.keep_valid(x, counts)
    if recipe.fixed_frames is not None:
        x = features.fixed(x, recipe.fixed_frames)
    if recipe.stack > 1:
        stacked_counts = counts if recipe.fixed_frames is None else None
        x = features.stack(x, recipe.stack, recipe.stack_hop, recipe.stack_edges, stacked_counts)
    return affine(recipe, x)


def run(
    recipe: Recipe,
    x: Any,
    lengths: Any = None,
    *,
    window: Any = None,
    bank: Any = None,
    noise: Any = None,
    compiled: bool = True,
) -> Any:
    """Compute a recipe's features on the active backend.

    Args:
        recipe: The recipe to compute.
        x: A float32 or float64 tensor of shape `(batch, ..., time)` with full scale at 1.0. The computation uses its
            dtype.
        lengths: Integer tensor of shape `(batch,)` with the number of samples of each item, or None for all samples.
            The first `recipe.num_frames(length)` entries along time are then those of the item alone.
        window: A weight of shape `(win_length,)` that replaces the window of the recipe.
        bank: A weight of shape `(n_freq, bands)` that replaces the filter bank of the recipe.
        noise: A tensor of the shape of `x`. Dither adds it, multiplied by `recipe.dither`.
        compiled: Whether JAX may compile the computation for each recipe and shape. Compilation takes about a second,
            which is not worthwhile for a recipe that runs once.

    Returns:
        A tensor of shape `(batch, ..., *recipe.output_shape(time))` with the dtype of `x`. The maximum and the
        statistics are computed separately for each entry of the first axis.

    Example:
        ```python
        import kapre
        import keras
        from kapre.executor import run

        recipe = kapre.Recipe(n_fft=512, hop_length=160, filterbank="mel", sample_rate=16000, n_mels=40)
        assert tuple(run(recipe, keras.ops.zeros((2, 16000))).shape) == (2, 97, 40)
        ```
    """
    window, bank = map(_value, (window, bank))
    for weight in (window, bank):
        if weight is not None and kernel.place_of(weight) != kernel.place_of(x):
            rule, given = f"on the device of the layer's weights, {kernel.place_of(weight)}", kernel.place_of(x)
            raise ValueError(message("inputs", rule, given, f"Move them there: x.to({kernel.place_of(weight)!r})."))
    return (_compiled if compiled and not fourier.is_lowering() else _run)(recipe, x, lengths, window, bank, noise)


def _run(recipe: Recipe, x: Any, lengths: Any, window: Any, bank: Any, noise: Any) -> Any:
    counts = None
    if lengths is not None:
        counts = recipe.num_valid(lengths)
    elif recipe.valid_frames != "all":
        counts = recipe.num_valid(kernel.size(x, -1))
    if counts is not None and (recipe.fixed_samples is None or recipe.valid_frames != "all"):
        counts = ops.reshape(kernel.number(counts, x, "int32"), (-1,))
    else:
        counts = None
    x, lengths = wave(recipe, x, lengths, noise)
    if recipe.power is None:
        return affine(recipe, x)
    bands, energy = spectra_of(recipe, padded(recipe, x, lengths), window, bank)
    y = cepstra(recipe, limited(recipe, bands, counts), energy)
    return laid_out(recipe, _over_time(recipe, y, counts))


_compiled = kernel.compiled(_run)


def goes_by_bucket(recipe: Recipe, samples: int, x: Any, *others: Any) -> bool:
    """Tell whether `run_in_bucket` computes clips of this many samples. `others` are the other arguments."""
    if fourier.is_lowering() or not kernel.compiles_eager_calls or 0 in tuple(x.shape):
        return False
    kind = (recipe, str(x.dtype), *(other is None for other in others))
    return buckets.is_for_bucket(kind, samples, x, *others)


def run_in_bucket(
    recipe: Recipe, x: Any, lengths: Any = None, *, window: Any = None, bank: Any = None, only_valid: bool = False
) -> Any:
    """Compute `run` eagerly at one of a few padded lengths and crop the result, so that JAX compiles for few shapes.

    The first four lengths of a recipe are compiled at their own size, at the usual cost. Other lengths are padded with
    zeros to the next of two lengths per octave, at least 4096 samples. Their features are computed with the `lengths`
    of the clips, so that the numbers are those of the clip alone. The padding is at most half as long as the clip,
    except that a clip shorter than 4096 samples is padded to 4096. Time and memory grow by at most the same proportion.
    Samples and features are copied once more, on the host.

    Args:
        recipe: As in `run`.
        x: As in `run`, but not traced; a NumPy array is also accepted.
        lengths: As in `run`.
        window: As in `run`.
        bank: As in `run`.
        only_valid: Whether to set entries past a clip's own entries to 0.

    Returns:
        A NumPy array, or None if this call turns out to be part of a trace.
    """
    batch, time = x.shape[0], x.shape[-1]
    own = np.full((batch,), time) if lengths is None else np.clip(ops.convert_to_numpy(lengths), 0, time)
    given: tuple[Any, Any] = buckets.padded(x), own.astype("int32")
    if not kernel.compiles_eager_calls:
        given = ops.convert_to_tensor(given[0]), ops.convert_to_tensor(given[1])
    result = _compiled(recipe, *given, *map(_value, (window, bank)), None)
    if kernel.compiles_eager_calls and not kernel.is_held(result):
        return None
    y = np.asarray(ops.convert_to_numpy(result))
    axis = recipe.time_axis(y.ndim - len(x.shape) + 2) + len(x.shape) - 2
    y = y[(*[slice(None)] * axis, slice(0, recipe.num_frames(time)))]
    if only_valid and not isinstance(recipe.num_frames(None), int):
        y = y.copy()
        for row, samples in zip(y, own, strict=True):
            row[(*[slice(None)] * (axis - 1), slice(recipe.num_frames(int(samples)), None))] = 0.0
    return y


def _value(weight: Any) -> Any:
    return None if weight is None else ops.convert_to_tensor(weight)


_CHAINS = {("stft", "magnitude", *bank, *log) for bank in ((), ("bank",)) for log in ((), ("decibel",))}


def recipe_of(layers: Sequence[Any]) -> Recipe | None:
    """Return the recipe that computes the same as a chain of layers, or None if there is none.

    Only layers whose types are exactly Kapre's own are accepted, because a subclass may compute something else. All
    must have the same dtype policy, and all spectrograms must have the same data format.
    """
    if tuple(vars(type(layer)).get("recipe_stage") for layer in layers) not in _CHAINS:
        return None
    if len({layer.dtype_policy.name for layer in layers}) > 1:
        return None
    if len({layer.spectrogram_format for layer in layers} - {None}) > 1:
        return None
    fields: dict[str, Any] = {}
    for layer in layers:
        fields.update(layer.recipe_fields())
    n_freq = fields.pop("n_freq", None)
    if "filterbank" in fields and fields["n_fft"] % 2:  # odd: a chain may, a recipe may not: its bank ends at Nyquist
        return None
    recipe = Recipe(**fields)
    return recipe if n_freq in (None, recipe.n_freq) else None
