"""Candidates on PyTorch: eager without gradients, the training step, and what Keras makes of the layers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks import layers
from benchmarks.candidate import CLASSES, FLOOR, INVERSE, NO_ROOT, PARTS, Candidate, Way
from benchmarks.shapes import AMIN, Shape, framed_in_the_middle, hann, mel_matrix
from kapre.ops.kernels._torch_fused import BLOCK

KINDS = (
    "logmel",
    "mel_magnitude",
    "stft_magnitude",
    "stft",
    INVERSE,
    "training",
    "training_model",
    "bare_layer",
    "call_path",
    "predict",
    FLOOR,
    PARTS,
)
DISTRIBUTIONS = ("torch", "torchaudio", "keras", "numpy")


def use_threads(count: int) -> None:
    """Let PyTorch use so many threads."""
    torch.set_num_threads(count)


def read(y: torch.Tensor) -> np.ndarray:
    """Return a tensor as an array."""
    return y.detach().numpy()


def _decibel(power: torch.Tensor) -> torch.Tensor:
    return 10.0 * torch.log10(torch.clamp(power, min=AMIN))


def peers(kind: str, shape: Shape, device: str = "cpu") -> list[Way]:
    """Return `torch.stft` with a matrix product, and torchaudio."""
    window = torch.from_numpy(hann(shape.win).astype("float32")).to(device)
    mel = torch.from_numpy(np.ascontiguousarray(mel_matrix(shape).T, "float32")).to(device)

    def stft(x: torch.Tensor) -> torch.Tensor:
        return torch.stft(x, shape.n_fft, shape.hop, shape.win, window, center=False, return_complex=True)

    def power(x: torch.Tensor) -> torch.Tensor:
        z = stft(x)
        return z.real.square() + z.imag.square()

    functions: dict[str, Callable[[torch.Tensor], torch.Tensor]]
    if kind == "stft_magnitude":
        functions = {"torch.stft": lambda x: stft(x).abs(), **_torchaudio(kind, shape, device)}
    elif kind == "stft":
        functions = {"torch.stft": stft}
    elif kind == "mel_magnitude":
        functions = {"torch.stft": lambda x: torch.matmul(mel, stft(x).abs()), **_torchaudio(kind, shape, device)}
    else:
        functions = {
            "torch.stft": lambda x: _decibel(torch.matmul(mel, stft(x).abs().square())),
            f"torch.stft{NO_ROOT}": lambda x: _decibel(torch.matmul(mel, power(x))),
            **_torchaudio(kind, shape, device),
        }
    framing = framed_in_the_middle(shape)
    return [Way(name, function, framing, bands_first=True) for name, function in functions.items()]


def _torchaudio(kind: str, shape: Shape, device: str) -> dict[str, Callable[[torch.Tensor], torch.Tensor]]:
    from tests.references._registry import torchaudio

    transforms = torchaudio().transforms
    common = dict(n_fft=shape.n_fft, win_length=shape.win, hop_length=shape.hop, center=False)
    if kind == "stft_magnitude":
        return {"torchaudio": transforms.Spectrogram(**common, power=1.0).to(device)}
    bands = dict(sample_rate=shape.rate, n_mels=shape.mels, norm="slaney", mel_scale="slaney")
    if kind == "mel_magnitude":
        return {"torchaudio": transforms.MelSpectrogram(**common, **bands, power=1.0).to(device)}
    logmel = torch.nn.Sequential(transforms.MelSpectrogram(**common, **bands), transforms.AmplitudeToDB())
    return {"torchaudio": logmel.to(device)}


def nnaudio(kind: str, shape: Shape, device: str = "cpu") -> Way:
    """Return nnAudio's layer, without its messages."""
    from nnAudio.features.mel import MelSpectrogram
    from nnAudio.features.stft import STFT

    common = dict(sr=shape.rate, n_fft=shape.n_fft, win_length=shape.win, hop_length=shape.hop, center=False)
    function: Callable[[torch.Tensor], torch.Tensor]
    if kind == "stft_magnitude":
        function = STFT(**common, output_format="Magnitude", verbose=False).to(device)
    else:
        mel = MelSpectrogram(**common, n_mels=shape.mels, verbose=False).to(device)

        def function(x: torch.Tensor) -> torch.Tensor:
            return _decibel(mel(x))

    return Way("nnAudio", function, framed_in_the_middle(shape), bands_first=True)


def ways(kind: str, shape: Shape) -> list[Way]:
    """Return ours and the peers."""
    return layers.ways(kind, shape) + ([] if kind == "call_path" else peers(kind, shape))


def inverses(shape: Shape) -> list[tuple[Callable[[Any], Any], Way]]:
    """Return transforms and ways to invert their results."""
    window = torch.from_numpy(hann(shape.win).astype("float32"))

    def forward(x: torch.Tensor) -> torch.Tensor:
        return torch.stft(x, shape.n_fft, shape.hop, shape.win, window, return_complex=True)

    def back(z: torch.Tensor) -> torch.Tensor:
        return torch.istft(z, shape.n_fft, shape.hop, shape.win, window, length=shape.samples)

    return [*layers.inverses(shape), (forward, Way("torch.istft", back))]


def _without_gradient(way: Way, wave: torch.Tensor) -> Candidate:
    def call() -> Any:
        with torch.no_grad():
            return way.function(wave)

    return way.candidate(call, read, "no grad")


def _training(way: Way, wave: torch.Tensor) -> Candidate:
    leaf = wave.clone().requires_grad_()
    return way.gradient(lambda: torch.autograd.grad(way.function(leaf).sum(), leaf)[0], read, "eager")


def _training_model(way: Way, wave: torch.Tensor, mels: int) -> Candidate:
    weights = torch.zeros(mels, CLASSES, requires_grad=True)
    return way.gradient(
        lambda: torch.autograd.grad(torch.matmul(way.features(wave), weights).mean(), weights)[0], read, "eager"
    )


def _parts(shape: Shape, x: np.ndarray) -> list[Candidate]:
    """Return what our log-mel does to a block of frames, each operation alone, as often as the shape has blocks."""
    recipe = layers.recipe(shape)
    frames = max(1, min(shape.batch * shape.frames, BLOCK // shape.n_fft))
    blocks = math.ceil(shape.batch * shape.frames / frames)
    wave = torch.from_numpy(np.resize(x[0], (frames - 1) * shape.hop + shape.win))
    window = torch.from_numpy(hann(shape.win).astype("float32"))
    ready = torch.zeros(frames, shape.n_fft)
    torch.mul(wave.unfold(0, shape.win, shape.hop), window, out=ready[:, : shape.win])
    squares = torch.view_as_real(torch.fft.rfft(ready)).square().flatten(1)
    ones = torch.ones_like(squares)
    bands = torch.rand(frames, shape.mels)
    scratch = torch.empty_like(bands)
    groups, band = [], 0
    for low, high, weights in recipe.bank_groups("float32") or ():
        columns = bands[:, band : band + weights.shape[1]]
        rows = torch.from_numpy(np.repeat(weights, 2, axis=0).astype("float32"))
        groups.append((squares[:, 2 * low : 2 * high], rows, columns))
        band += weights.shape[1]

    def bank() -> None:
        for powers, weights, out in groups:
            torch.mm(powers, weights, out=out)

    calls = {
        "window": lambda: torch.mul(wave.unfold(0, shape.win, shape.hop), window, out=ready[:, : shape.win]),
        "FFT": lambda: torch.fft.rfft(ready),
        "squares": lambda: ones.square_(),
        "bank": bank,
        "logarithm": lambda: torch.log10(bands.clamp_min_(AMIN), out=scratch).mul_(10.0),
    }

    def repeated(call: Callable[[], Any]) -> Callable[[], None]:
        def every_block() -> None:
            for _ in range(blocks):
                call()

        return every_block

    return [Candidate(name, repeated(call), read, ours=True, mode="of all blocks") for name, call in calls.items()]


def candidates(kind: str, shape: Shape, x: np.ndarray) -> list[Candidate]:
    """Return every way to compute a kind."""
    wave = torch.from_numpy(x)
    if kind == FLOOR:
        frames = torch.from_numpy(layers.ready_frames(shape, x))
        return [Candidate("torch.fft.rfft", lambda: torch.fft.rfft(frames), read)]
    if kind == PARTS:
        return _parts(shape, x)
    if kind == "predict":
        return layers.predictors(shape, x)
    if kind == "bare_layer":
        return [w.candidate(lambda w=w: w.function(wave), read, "layer(x)") for w in layers.ways(kind, shape)]
    if kind == INVERSE:
        return [_without_gradient(way, forward(wave)) for forward, way in inverses(shape)]
    if kind == "training":
        return [_training(way, wave) for way in ways(kind, shape)]
    if kind == "training_model":
        return [_training_model(way, wave, shape.mels) for way in ways(kind, shape)]
    return [_without_gradient(way, wave) for way in ways(kind, shape)]
