"""A candidate: one way to compute one kind of features, which has to give the right numbers before it is timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import shapes
from benchmarks.shapes import OURS, Framing, Shape

KINDS = {
    "logmel": "log-mel: power, mel, 10 log10",
    "mel_magnitude": "mel of the magnitude, no logarithm",
    "kaldi_fbank": "Kaldi's log-mel: the mean, preemphasis, its window and floor",
    "mel_decibel": "mel of the magnitude in decibel, 80 dB of range",
    "stft_magnitude": "STFT magnitude",
    "stft": "complex STFT",
    "inverse_stft": "inverse of the complex STFT",
    "training": "log-mel and its gradient with respect to the waveform",
    "training_model": "log-mel in front of a small Dense, the gradient of its weights",
    "bare_layer": "log-mel, a bare `layer(x)`",
    "call_path": "log-mel of one second, the layer and the bare function, both compiled where the runtime compiles",
    "predict": "log-mel, `model.predict`",
    "fft_floor": "the FFT of ready frames alone",
    "parts": "what our log-mel is made of, each part alone",
    "framings": "log-mel by other ways to cut frames and to apply the bank, what they would gain us",
}
INVERSE = "inverse_stft"
FLOOR = "fft_floor"
PARTS = "parts"
FRAMINGS = "framings"
FRAMEWORK = ", framework"  # ours without the compiled kernel
NO_ROOT = ", no root"  # a peer that squares both parts of a spectrum, where most people write abs() ** 2
# float32 in bands 80 dB below the peak, which a logarithm and its gradient enlarge; another window or scale is far off.
LINEAR_TOLERANCE = 1e-5  # of the peak
DECIBEL_TOLERANCE = 0.3
GRADIENT_TOLERANCE = 0.02  # of the largest
CLASSES = 10  # of the Dense behind the front end


@dataclass(frozen=True)
class Candidate:
    """One way to compute one kind, its numbers not yet seen.

    `call` computes to the end (asynchronous runtimes wait) and `read` turns what it returns into NumPy:
    `(batch, frames, bands)`, `(batch, samples)` for "training" and INVERSE, `(bands, CLASSES)` for "training_model".
    """

    name: str
    call: Callable[[], Any]
    read: Callable[[Any], np.ndarray]
    ours: bool = False
    mode: str = "eager"
    framing: Framing = OURS

    @property
    def label(self) -> str:
        """The name and the mode, which no other candidate of the kind has."""
        return f"{self.name}, {self.mode}"


def group(mode: str) -> str:
    """Return what a mode is compared with: a call through Keras with its like, everything compiled or eager as one."""
    return mode if mode in ("layer(x)", "model(x)", "predict") else "functions"


@dataclass(frozen=True)
class Way:
    """A function of a runtime's own tensor of samples, `(batch, samples)`, not yet wrapped, compiled or trained."""

    name: str
    function: Callable[[Any], Any]
    framing: Framing = OURS
    ours: bool = False
    bands_first: bool = False
    """Whether it gives `(batch, bands, frames)`."""

    def features(self, x: Any) -> Any:
        """Return the features as `(batch, frames, bands)`, whatever the tensor."""
        y = self.function(x)
        return y.swapaxes(-1, -2) if self.bands_first else y

    def candidate(self, call: Callable[[], Any], read: Callable[[Any], np.ndarray], mode: str) -> Candidate:
        """Return it as a candidate whose result is features."""
        swapped = (lambda y: read(y).swapaxes(-1, -2)) if self.bands_first else read
        return Candidate(self.name, call, swapped, self.ours, mode, self.framing)

    def gradient(self, call: Callable[[], Any], read: Callable[[Any], np.ndarray], mode: str) -> Candidate:
        """Return it as a candidate whose result is a gradient."""
        return Candidate(self.name, call, read, self.ours, mode, self.framing)


class WrongNumbersError(Exception):
    """A candidate gave other numbers than the reference."""


def check(candidate: Candidate, kind: str, shape: Shape, x: np.ndarray) -> None:
    """Compare a candidate with the float64 reference, once; raise where they differ."""
    if kind in (FLOOR, PARTS):
        return
    got = np.asarray(candidate.read(candidate.call()))
    got = got.astype(np.complex128 if np.iscomplexobj(got) else np.float64)
    if not np.isfinite(got).all():  # anywhere: only some frames are compared
        raise WrongNumbersError(f"{candidate.name}, {kind} of shape {shape.key}: not all its numbers are finite")
    error, allowed = CHECKS.get(kind, _of_features)(candidate, kind, shape, x, got)
    if not error <= allowed:  # and not `>`: NaN is wrong
        raise WrongNumbersError(f"{candidate.name}, {kind} of shape {shape.key}: differs by {error:.2g} > {allowed:g}")


def _largest(errors: list[np.floating[Any]]) -> float:
    """Return the largest, NaN where there is one: Python's own `max` may pass over it."""
    return float(np.max(errors))


def _of_features(c: Candidate, kind: str, shape: Shape, x: np.ndarray, got: np.ndarray) -> tuple[float, float]:
    """Compare the first and the last frames of the first and the last clip."""
    frames = np.arange(shapes.num_frames(shape, c.framing))
    if got.shape[:2] != (shape.batch, len(frames)):
        raise WrongNumbersError(f"{c.name}, {kind} of shape {shape.key}: its shape is {got.shape}")
    frames = np.unique(np.concatenate([frames[:200], frames[-200:]]))
    errors = []
    for item in {0, shape.batch - 1}:
        right = shapes.features(kind, shape, x[item], c.framing, frames)
        scale = 1.0 if kind in DECIBEL_KINDS else np.abs(right).max()
        errors.append(np.abs(got[item, frames] - right).max() / scale)
    return _largest(errors), DECIBEL_TOLERANCE if kind in DECIBEL_KINDS else LINEAR_TOLERANCE


def _of_range(c: Candidate, kind: str, shape: Shape, x: np.ndarray, got: np.ndarray) -> tuple[float, float]:
    """Compare the decibel of the first clip, whose range needs the maximum over all of it."""
    frames = np.arange(shape.frames)
    right = np.concatenate(
        [shapes.features("mel_magnitude", shape, x[0], c.framing, part) for part in shapes.in_parts(frames)]
    )
    right = shapes.DECIBEL * np.log(np.maximum(right, 1e-5))
    right = np.maximum(right, right.max() - 80.0)
    return float(np.abs(got[0] - right).max()), DECIBEL_TOLERANCE


def _of_gradient(c: Candidate, kind: str, shape: Shape, x: np.ndarray, got: np.ndarray) -> tuple[float, float]:
    """Compare the gradient of the first and last samples of the first clip, but for what mirroring changes there."""
    first, last, errors = c.framing.mirrored + 1, shape.samples - c.framing.mirrored - 1, []
    for part in (slice(first, min(last, first + 200 * shape.hop)), slice(max(first, last - 200 * shape.hop), last)):
        right = shapes.gradient(shape, x[0], c.framing, part)
        errors.append(np.abs(got[0, part] - right).max() / np.abs(right).max())
    return _largest(errors), GRADIENT_TOLERANCE


def _of_model(c: Candidate, kind: str, shape: Shape, x: np.ndarray, got: np.ndarray) -> tuple[float, float]:
    """Compare the weights' gradient: each column is the mean of the features, where the loss is the mean score."""
    frames = np.arange(shapes.num_frames(shape, c.framing))
    total = np.zeros(shape.mels)
    for clip in x:
        for part in shapes.in_parts(frames):
            total += shapes.features("logmel", shape, clip, c.framing, part).sum(0)
    right = total / (len(x) * len(frames) * CLASSES)
    return float(np.abs(got - right[:, None]).max() / np.abs(right).max()), GRADIENT_TOLERANCE


def _of_kaldi(c: Candidate, kind: str, shape: Shape, x: np.ndarray, got: np.ndarray) -> tuple[float, float]:
    """Compare the bands of the first frames of the first and the last clip, before the logarithm."""
    import kapre
    from tests.numpy_spectra import spectra

    recipe = kapre.frontends.preset("kaldi_fbank").recipe
    few = x[:, : shape.win + 99 * shape.hop].astype("float64") * recipe.input_scale
    right = spectra(recipe, few[[0, -1]]).bands
    found = np.exp(got[[0, -1], : right.shape[1]])
    return float(np.abs(found - np.exp(right)).max() / np.exp(right).max()), LINEAR_TOLERANCE


def _of_inverse(c: Candidate, kind: str, shape: Shape, x: np.ndarray, got: np.ndarray) -> tuple[float, float]:
    """Compare the samples that all windows reach, of the first and the last clip, with those that were transformed."""
    if got.shape[:-1] != (shape.batch,) or abs(got.shape[-1] - shape.samples) > shape.n_fft:
        raise WrongNumbersError(f"{c.name}, {kind} of shape {shape.key}: its shape is {got.shape}")
    inside = slice(shape.n_fft, min(got.shape[-1], shape.samples) - shape.n_fft)
    clips = [0, -1]
    return float(np.abs(got[clips, inside] - x[clips, inside]).max() / np.abs(x).max()), LINEAR_TOLERANCE


DECIBEL_KINDS = ("logmel", "bare_layer", "call_path", "predict", FRAMINGS)
CHECKS = {
    "mel_decibel": _of_range,
    "kaldi_fbank": _of_kaldi,
    INVERSE: _of_inverse,
    "training": _of_gradient,
    "training_model": _of_model,
}
