"""Candidates that need no framework to be chosen: librosa, kaldi-native-fbank, nnAudio; ours on PyTorch beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import kapre
from benchmarks import candidates_torch, layers
from benchmarks.candidate import FLOOR, Candidate, Way
from benchmarks.shapes import AMIN, DECIBEL, OURS, Shape, framed_in_the_middle

KALDI = "kaldi_fbank"
KINDS = ("logmel", "stft_magnitude", KALDI, FLOOR)
DISTRIBUTIONS = ("librosa", "kaldi-native-fbank", "nnAudio", "torch", "keras", "numpy", "scipy")
MOST_KALDI = 10_000_000  # samples, shape e and all before it: it takes them one by one, and an hour would not end

use_threads = candidates_torch.use_threads


def candidates(kind: str, shape: Shape, x: np.ndarray) -> list[Candidate]:
    """Return every way to compute a kind."""
    if kind == FLOOR:
        import scipy.fft

        frames = layers.ready_frames(shape, x)
        return [Candidate("scipy.fft.rfft", lambda: scipy.fft.rfft(frames), np.asarray)]
    wave = torch.from_numpy(x)
    if kind == KALDI:
        if (shape.rate, shape.win) != (16000, 400) or x.size > MOST_KALDI:
            return []
        frontend = kapre.Frontend.from_preset(KALDI)
        return [*_ours(Way("kapre Frontend", frontend, ours=True), wave), _kaldi_fbank(shape, x, frontend.recipe)]
    found = [*_ours(layers.ways(kind, shape)[0], wave), _librosa(kind, shape, x)]
    found.append(_nnaudio(kind, shape, wave))
    if kind == "logmel" and x.size <= MOST_KALDI:
        found.append(_kaldi(shape, x))
    return found


def _ours(way: Way, wave: torch.Tensor) -> list[Candidate]:
    """Return ours on PyTorch, with the compiled kernel and without it."""

    def candidate(way: Way) -> Candidate:
        def call() -> Any:
            with torch.no_grad():
                return way.function(wave)

        return way.candidate(call, candidates_torch.read, "torch, no grad")

    return [candidate(one) for one in layers.and_without(way)]


def _bands_last(y: np.ndarray) -> np.ndarray:
    return np.swapaxes(y, -1, -2)


def _librosa(kind: str, shape: Shape, x: np.ndarray) -> Candidate:
    import librosa

    common = dict(n_fft=shape.n_fft, hop_length=shape.hop, win_length=shape.win, center=False)

    def magnitude() -> np.ndarray:
        return np.abs(librosa.stft(x, **common))

    def logmel() -> np.ndarray:
        power = librosa.feature.melspectrogram(y=x, sr=shape.rate, n_mels=shape.mels, **common)
        return librosa.power_to_db(power, amin=AMIN, top_db=None)

    call = magnitude if kind == "stft_magnitude" else logmel
    return Candidate("librosa", call, _bands_last, framing=framed_in_the_middle(shape))


def _nnaudio(kind: str, shape: Shape, wave: torch.Tensor) -> Candidate:
    way = candidates_torch.nnaudio(kind, shape)

    def call() -> torch.Tensor:
        with torch.no_grad():
            return way.function(wave)

    return Candidate("nnAudio", call, lambda y: _bands_last(candidates_torch.read(y)), framing=way.framing)


def _by_kaldi(options: Any, shape: Shape, samples: np.ndarray) -> np.ndarray:
    import kaldi_native_fbank as knf

    online = knf.OnlineFbank(options)
    online.accept_waveform(shape.rate, samples)
    online.input_finished()
    return np.stack([online.get_frame(i) for i in range(online.num_frames_ready)])


def _kaldi_fbank(shape: Shape, x: np.ndarray, recipe: kapre.Recipe) -> Candidate:
    """Return kaldi-native-fbank with Kaldi's own recipe, clip by clip, on samples of 16 bits."""
    import kaldi_native_fbank as knf

    options = knf.FbankOptions()
    options.frame_opts.samp_freq = shape.rate
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = recipe.n_mels
    scaled = x * np.float32(recipe.input_scale)

    def call() -> np.ndarray:
        return np.stack([_by_kaldi(options, shape, samples) for samples in scaled])

    return Candidate("kaldi-native-fbank", call, np.asarray, framing=OURS)


def _kaldi(shape: Shape, x: np.ndarray) -> Candidate:
    """Return kaldi-native-fbank made to compute librosa's bands, clip by clip, as it is used."""
    import kaldi_native_fbank as knf

    options = knf.FbankOptions()
    options.frame_opts.samp_freq = shape.rate
    options.frame_opts.frame_length_ms = 1000.0 * shape.win / shape.rate
    options.frame_opts.frame_shift_ms = 1000.0 * shape.hop / shape.rate
    options.frame_opts.dither = 0.0
    options.frame_opts.preemph_coeff = 0.0
    options.frame_opts.remove_dc_offset = False
    options.frame_opts.window_type = "hann"
    options.frame_opts.round_to_power_of_two = shape.n_fft > shape.win
    options.mel_opts.num_bins = shape.mels
    options.mel_opts.low_freq = 0.0
    options.mel_opts.is_librosa = True
    options.energy_floor = 0.0
    options.eps = AMIN

    def call() -> np.ndarray:
        return np.stack([_by_kaldi(options, shape, samples) for samples in x])

    def read(y: np.ndarray) -> np.ndarray:
        return np.maximum(DECIBEL * y, DECIBEL * np.log(AMIN))

    return Candidate("kaldi-native-fbank", call, read, framing=OURS)
