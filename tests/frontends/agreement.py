"""Measure how far every preset is from its references: what the test bounds, and what the docs' table shows."""

from __future__ import annotations

import bisect
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

import kapre
from tests.clips import NEAR, clip, lengths
from tests.conftest import BACKEND, float64, quick, to_numpy
from tests.references import REFERENCES, Reference

LN = {"ln": 1.0, "log10": math.log(10.0), "dB": math.log(10.0) / 10.0, "normalised": 1.0, "linear": 1.0}
"""What makes a difference one in natural-log units; linear features are taken relative to their peak."""

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "kaldi_fbank_no_snip": ("kaldi_fbank", dict(snip_edges=False)),
    "kaldi_fbank_hamming": ("kaldi_fbank", dict(window_name="hamming_window", window_exponent=1.0)),
    "kaldi_fbank_energy": ("kaldi_fbank", dict(energy="first")),
    "kaldi_fbank_energy_htk": ("kaldi_fbank", dict(energy="last")),
    "kaldi_mfcc_no_energy": ("kaldi_mfcc", dict(energy=None)),
    "librosa_mel_db": ("librosa_mel", dict(log="db", amin=1e-10, dynamic_range=80.0)),
}
"""References of other settings of a preset."""

# On silence these take the deviation of float32 rounding, or divide 0 by 0; ours is 0 there.
ROUNDING_ON_SILENCE = (
    "nemo",
    "nemo_128",
    "nemo_v1",
    "cohere_asr",
    "seamless_m4t",
    "neucodec",
    "xcodec2",
    "speech2text",
)


def about(name: str) -> tuple[str, dict[str, Any]]:
    """Return the preset that a reference is about, and what is changed of it."""
    known = [*kapre.list_presets(), *VARIANTS]
    shown = max((entry for entry in known if name == entry or name.startswith(f"{entry}_")), key=len)
    return VARIANTS.get(shown, (shown, {}))


def preset_of(name: str) -> kapre.Recipe:
    """Return the recipe that a reference is about."""
    preset, changes = about(name)
    return kapre.frontends.preset(preset).recipe.replace(**changes)


def fewest(recipe: kapre.Recipe, count: int) -> int:
    """Return the fewest samples that become `count` frames, stacks, patches or chunks."""
    return bisect.bisect_left(range(10**7), count, key=recipe.num_frames)


def edges(recipe: kapre.Recipe) -> set[int]:
    """Return the lengths on both sides of one entry more, and of where a fixed length is full."""
    if recipe.fixed_samples is not None:
        at = [recipe.fixed_samples]
    elif recipe.fixed_frames is not None:
        at = [fewest(recipe.replace(fixed_frames=None), recipe.fixed_frames + 1)]
    else:
        at = [fewest(recipe, count) for count in (1, 2, 3)]
    return {n + step for n in at for step in (-1, 0, 1) if n + step > 0}


def twelve(recipe: kapre.Recipe) -> list[int]:
    """Return twelve lengths or more at which frames may be counted wrongly, the shortest and the longest among them."""
    window = recipe.frame_length if recipe.power is not None else 400
    hop = recipe.hop_length if recipe.power is not None else 160
    every = lengths(window, hop, int(recipe.sample_rate or 0))
    must = {1, window - 1, window, window + 1, window + hop, every[-1]} | edges(recipe)
    rest = [n for n in every if n not in must]
    return sorted(must | set(rest[:: max(1, len(rest) // 4)]))


def some(recipe: kapre.Recipe) -> list[int]:
    """Return the lengths among `twelve` that show another backend's own faults: around edges, and one of many frames.

    Which sample is in which frame is counted in Python and the same on every backend, so one of them takes all.
    """
    every = twelve(recipe)
    if recipe.fixed_frames is not None:  # most of a short clip's is padding, and few values may be further off
        return every
    at = sorted(edges(recipe))
    return sorted({every[2], *at[:3], at[-1], every[-3]})


@functools.cache
def runner(recipe: kapre.Recipe, dtype: str) -> Callable[..., np.ndarray]:
    """Return a function from clips `(batch, time)`, and their lengths if they differ, to features."""
    layer = kapre.Frontend(recipe, dtype=dtype)
    call = quick(lambda x, lengths: layer(x, lengths=lengths))
    return lambda x, lengths=None: to_numpy(call(keras.ops.convert_to_tensor(x, dtype=dtype), lengths))


def features(recipe: kapre.Recipe, dtype: str, clips: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Return the features of batches of clips, by their length."""
    run = runner(recipe, dtype)
    if BACKEND != "jax":
        return {n: run(x) for n, x in clips.items()}
    # It compiles for every length: most of them go in as one ragged batch.
    found = {n: run(clips[n]) for n in list(clips)[3::8]}
    rest = [n for n in clips if n not in found]
    padded = np.concatenate([np.pad(clips[n], ((0, 0), (0, rest[-1] - n))) for n in rest])
    batches = np.split(run(padded, np.repeat(rest, len(padded) // len(rest)).astype("int32")), len(rest))
    for n, y in zip(rest, batches, strict=True):
        found[n] = y[(slice(None), *(slice(size) for size in recipe.output_shape(n)))]
    return found


def differences(got: np.ndarray, expected: np.ndarray, unit: str, scale: float) -> np.ndarray:
    """Return the differences in natural-log units, or of linear features relative to their peak.

    `scale` is what the features were multiplied by.
    """
    error = np.abs(got - expected).reshape(-1) * LN[unit] / scale
    return error / (float(np.abs(expected).max(initial=0.0)) or 1.0) if unit == "linear" else error


@dataclass
class Found:
    """How far the values of a kind of clip are from a reference."""

    worst: float = 0.0
    values: int = 0
    beyond: int = 0
    """Those further off than `NEAR`."""

    def add(self, errors: np.ndarray) -> None:
        """Count the differences of one clip."""
        self.worst = max(self.worst, float(errors.max(initial=0.0)))
        self.values += errors.size
        self.beyond += int((errors > NEAR).sum())


def compare(
    name: str, dtype: str, kinds: tuple[str, ...], lengths_of: Callable[[kapre.Recipe], list[int]]
) -> dict[str, Found]:
    """Return how far a preset is from a reference for each kind of clip, over the lengths.

    Raises:
        AssertionError: If a shape differs, or ours is not finite.
    """
    reference, recipe = REFERENCES[name], preset_of(name)
    found = {kind: Found() for kind in kinds}
    with float64():
        # One sample, mirrored, is a constant: in float32 all but its DC is rounding, in the reference too.
        least = max(reference.shortest, 1 if dtype == "float64" else 2)
        clips = {
            n: np.stack([clip(kind, n, reference.sample_rate) for kind in kinds])
            for n in lengths_of(recipe)
            if n >= least
        }
        for n, computed in features(recipe, dtype, clips).items():
            for kind, samples, got in zip(kinds, clips[n], computed, strict=True):
                found[kind].add(one(name, reference, kind, samples, got, expected(name, kind, n)))
    return found


@functools.lru_cache(maxsize=256)
def expected(name: str, kind: str, n: int) -> np.ndarray:
    """Return what a reference makes of a clip."""
    reference = REFERENCES[name]
    return reference.compute(clip(kind, n, reference.sample_rate))


def one(
    name: str, reference: Reference, kind: str, samples: np.ndarray, got: np.ndarray, expected: np.ndarray
) -> np.ndarray:
    """Return the differences of one clip's features from those expected."""
    where = f"{name}: {kind} of {len(samples)} samples"
    assert np.isfinite(got).all(), f"{where}: ours is not finite"
    assert got.shape == expected.shape, f"{where}: {got.shape} instead of {expected.shape}"
    if about(name)[0] in ROUNDING_ON_SILENCE and (kind == "silence" or not np.isfinite(expected).all()):
        still = got.reshape(-1) if kind == "silence" else got[~np.isfinite(expected)]
        assert np.abs(still).max(initial=0.0) <= 1e-6, f"{where}: not 0 where the reference has no answer"
        return np.zeros(0)
    assert np.isfinite(expected).all(), f"{where}: the reference is not finite"
    return differences(got, expected, reference.unit, float(np.max(np.abs(preset_of(name).feature_scale))))
