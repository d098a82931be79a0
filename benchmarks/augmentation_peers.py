"""The candidates of `benchmarks.augmentation`: Kapre's layers and those of other libraries, with the same settings.

Import it when the backend is chosen.
"""

from __future__ import annotations

import functools
import importlib.metadata
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from benchmarks.augmentation_effects import CHAINS, RATE, noises, responses
from benchmarks.candidate import Candidate
from kapre import augmentation as aug

OURS = "Kapre"
CLIP_BY_CLIP = "audiomentations"
BATCHED = "torch-audiomentations"


def versions() -> dict[str, str]:
    """Return the versions of the peers."""
    peers = [CLIP_BY_CLIP, *([BATCHED, "torchaudio"] if keras.backend.backend() == "torch" else [])]
    return {name: importlib.metadata.version(name) for name in peers}


def layer(effect: str) -> aug.RandomLayer:
    """Return Kapre's layer."""
    if effect in CHAINS:
        return aug.Chain([layer(part) for part in CHAINS[effect]], seed=0)
    make: dict[str, Callable[..., aug.RandomLayer]] = {
        "gain": aug.RandomGain,
        "polarity": aug.PolarityInversion,
        "reverse": aug.TimeInversion,
        "shift": aug.RandomShift,
        "white_noise": functools.partial(aug.AddColoredNoise, 5.0, 30.0, min_psd_exponent=0.0, max_psd_exponent=0.0),
        "colored_noise": functools.partial(aug.AddColoredNoise, 5.0, 30.0),
        "recorded_noise": functools.partial(aug.AddNoise, noises(), 5.0, 30.0),
        "lowpass": functools.partial(aug.RandomFilter, RATE, ["lowpass"], max_frequency_hz=7000.0),
        "highpass": functools.partial(aug.RandomFilter, RATE, ["highpass"]),
        "peaking": functools.partial(aug.RandomFilter, RATE, ["peaking"], max_frequency_hz=7000.0),
        "equalizer": functools.partial(aug.RandomEqualizer, RATE),
        "reverb": functools.partial(aug.Reverb, RATE, responses()),
        "clipping": aug.Clipping,
        "soft_clip": aug.SoftClip,
        "bit_crush": aug.BitCrush,
        "time_mask": functools.partial(aug.DropChunk, max_chunks=1),
        "pitch_shift": aug.PitchShift,
        "time_stretch": aug.TimeStretch,
    }
    return make[effect](p=1.0, seed=0)


def ours(effect: str, x: np.ndarray) -> list[Candidate]:
    """Return Kapre's layer on the batch, eager and compiled."""
    backend = keras.backend.backend()
    return [_plain(effect, x), *{"jax": _jitted, "tensorflow": _graph, "torch": _compiled}[backend](effect, x)]


def _read(y: Any) -> np.ndarray:
    return keras.ops.convert_to_numpy(y)[..., 0]


def _plain(effect: str, x: np.ndarray) -> Candidate:
    one, batch = layer(effect), keras.ops.convert_to_tensor(x[..., None])
    if keras.backend.backend() != "jax":
        return Candidate(OURS, lambda: one(batch, training=True), _read, ours=True)
    return Candidate(OURS, lambda: one(batch, training=True).block_until_ready(), _read, ours=True)


def _jitted(effect: str, x: np.ndarray) -> list[Candidate]:
    import jax

    one, batch = layer(effect), jax.numpy.asarray(x[..., None])
    one.build(batch.shape)
    step = jax.jit(lambda state, x: one.stateless_call([], state, x, training=True))
    state = [variable.value for variable in one.non_trainable_variables]

    def call() -> Any:
        nonlocal state
        y, state = step(state, batch)
        return y.block_until_ready()

    return [Candidate(OURS, call, _read, ours=True, mode="jax.jit")]


def _graph(effect: str, x: np.ndarray) -> list[Candidate]:
    import tensorflow as tf

    found = []
    for mode, compiled in {"tf.function": False, "tf.function, XLA": True}.items():
        one, batch = layer(effect), tf.constant(x[..., None])
        step = tf.function(functools.partial(one, training=True), jit_compile=compiled)
        found.append(Candidate(OURS, functools.partial(step, batch), _read, ours=True, mode=mode))
    return found


def _compiled(effect: str, x: np.ndarray) -> list[Candidate]:
    import torch

    if effect != "chain" or torch.get_num_threads() > 1:  # it takes more than a minute
        return []
    one, batch = layer(effect), torch.from_numpy(x[..., None])
    one(batch, training=True)
    step = torch.compile(functools.partial(one, training=True))
    return [Candidate(OURS, lambda: step(batch), _read, ours=True, mode="torch.compile")]


def clip_by_clip(effect: str, x: np.ndarray, folder: Path) -> list[Candidate]:
    """Return audiomentations' transform, on one clip after another."""
    import audiomentations as am

    def transform(effect: str) -> Any:
        if effect in CHAINS:
            return am.Compose([transform(part) for part in CHAINS[effect]])
        make: dict[str, Callable[..., Any]] = {
            "gain": functools.partial(am.Gain, -12.0, 12.0),
            "polarity": am.PolarityInversion,
            "reverse": am.Reverse,
            "shift": functools.partial(am.Shift, -0.5, 0.5, rollover=True, fade_duration=0.0),
            "white_noise": functools.partial(am.AddGaussianSNR, 5.0, 30.0),
            "colored_noise": functools.partial(am.AddColorNoise, 5.0, 30.0, -6.0, 6.0),
            "recorded_noise": functools.partial(am.AddBackgroundNoise, folder / "noises", 5.0, 30.0),
            "lowpass": functools.partial(am.LowPassFilter, 150.0, 7000.0, 12, 12),
            "highpass": functools.partial(am.HighPassFilter, 20.0, 2400.0, 12, 12),
            "peaking": functools.partial(am.PeakingFilter, 50.0, 7000.0, -12.0, 12.0, 0.5, 2.0),
            "equalizer": functools.partial(am.SevenBandParametricEQ, -12.0, 12.0),
            "reverb": functools.partial(am.ApplyImpulseResponse, folder / "responses"),
            "clipping": am.ClippingDistortion,
            "soft_clip": am.TanhDistortion,
            "bit_crush": am.BitCrush,
            "time_mask": functools.partial(am.TimeMask, 0.01, 0.1, fade_duration=0.0),
            "pitch_shift": am.PitchShift,
            "time_stretch": am.TimeStretch,
        }
        return make[effect](p=1.0)

    one = transform(effect)

    def call() -> np.ndarray:
        return np.stack([one(clip, sample_rate=RATE) for clip in x])

    return [Candidate(CLIP_BY_CLIP, call, np.asarray, mode="clip by clip")]


def batched(effect: str, x: np.ndarray, folder: Path) -> list[Candidate]:
    """Return torch-audiomentations' transform on the batch, in its mode "per_example"."""
    import torch

    from tests.references._torch_audiomentations import in_memory, torch_audiomentations

    ta = torch_audiomentations()
    common = {"p": 1.0, "sample_rate": RATE, "output_type": "dict"}

    def transform(effect: str) -> Any:
        if effect in CHAINS:
            return ta.Compose([transform(part) for part in CHAINS[effect]], output_type="dict")
        make: dict[str, Callable[..., Any]] = {
            "gain": functools.partial(ta.Gain, -12.0, 12.0),
            "polarity": ta.PolarityInversion,
            "reverse": ta.TimeInversion,
            "shift": functools.partial(ta.Shift, -0.5, 0.5),
            "white_noise": functools.partial(ta.AddColoredNoise, 5.0, 30.0, 0.0, 0.0),
            "colored_noise": functools.partial(ta.AddColoredNoise, 5.0, 30.0),
            "recorded_noise": functools.partial(ta.AddBackgroundNoise, folder / "noises", 5.0, 30.0),
            "lowpass": functools.partial(ta.LowPassFilter, 150.0, 7000.0),
            "highpass": functools.partial(ta.HighPassFilter, 20.0, 2400.0),
            "reverb": functools.partial(
                ta.ApplyImpulseResponse, folder / "responses", compensate_for_propagation_delay=True
            ),
            "pitch_shift": functools.partial(ta.PitchShift, -4.0, 4.0),
        }
        one = make[effect](**common)
        return in_memory(one, RATE) if hasattr(one, "audio") else one

    if effect in ("equalizer", "chain", "peaking", "clipping", "soft_clip", "bit_crush", "time_mask", "time_stretch"):
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = transform(effect)
    batch = torch.from_numpy(x[:, None])
    return [Candidate(BATCHED, lambda: one(batch).samples, lambda y: y.numpy()[:, 0], mode="per_example")]


def of_torchaudio(effect: str, x: np.ndarray) -> list[Candidate]:
    """Return torchaudio's functions on the batch, with parameters that are drawn for each example.

    Its recursive filters are absent: without its compiled part, which needs another PyTorch, they are loops in Python.
    """
    import torch

    from tests.references._registry import torchaudio

    functional = torchaudio().functional
    batch, bank, sounds = map(torch.from_numpy, (x, responses(), noises()))
    count = len(x)

    def drawn(low: float, high: float) -> Any:
        return low + (high - low) * torch.rand(count)

    ways: dict[str, Callable[[], Any]] = {
        "gain": lambda: batch * functional.DB_to_amplitude(drawn(-12.0, 12.0), 1.0, 0.5)[:, None],
        "white_noise": lambda: functional.add_noise(batch, torch.randn_like(batch), drawn(5.0, 30.0)),
        "recorded_noise": lambda: functional.add_noise(
            batch, sounds[torch.randint(len(sounds), (count,))], drawn(5.0, 30.0)
        ),
        "reverb": lambda: functional.fftconvolve(batch, bank[torch.randint(len(bank), (count,))])[:, : x.shape[1]],
    }
    return [Candidate("torchaudio", ways[effect], lambda y: y.numpy(), mode="functional")] if effect in ways else []


def candidates(effect: str, x: np.ndarray, folder: Path) -> list[Candidate]:
    """Return every way to have an effect: Kapre's, and the peers, of which two need PyTorch."""
    found = [*ours(effect, x), *clip_by_clip(effect, x, folder)]
    if keras.backend.backend() == "torch":
        found += [*batched(effect, x, folder), *of_torchaudio(effect, x)]
    return found
