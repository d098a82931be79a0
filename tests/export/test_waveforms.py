"""Layers of waveforms in a file: resampling, impulse responses and recursive filters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import scipy.signal

import kapre
from kapre.ops.kernels import overlaid
from kapre.ops.kernels.portable import PortableKernel
from tests.conftest import chirp, float64, mostly_on, relative_error, to_numpy
from tests.export.models import ON_EDGE, clip, runner

CASCADE = scipy.signal.butter(4, [300.0, 3000.0], "bandpass", fs=16000, output="sos")
TAPS = np.random.default_rng(0).standard_normal(300) / 17.0
LAYERS: dict[str, Any] = {
    "resampled": lambda **more: kapre.Resample(44100, 16000, **more),
    "recursive": lambda **more: kapre.IIRFilter(CASCADE, **more),
    "narrow": lambda **more: kapre.IIRFilter(scipy.signal.tf2sos(*scipy.signal.iirpeak(0.05, 30)), **more),
    "trained": lambda **more: kapre.IIRFilter(CASCADE, trainable_sos=True, **more),
    "full": lambda **more: kapre.Convolve(TAPS, **more),
    "same": lambda **more: kapre.Convolve(TAPS, mode="same", **more),
    "valid": lambda **more: kapre.Convolve(TAPS, mode="valid", **more),
    "one tap": lambda **more: kapre.Convolve([0.5], **more),
}


@pytest.mark.parametrize("name", LAYERS)
def test_as_by_fft(name: str) -> None:
    with float64():
        layer = LAYERS[name](dtype="float64")
        for channels in (1, 2):
            x = np.concatenate([chirp(2, 900)] * channels, axis=2)
            right = to_numpy(layer(x))
            with overlaid(PortableKernel()):
                got = to_numpy(layer.call(keras.ops.convert_to_tensor(x)))
            assert relative_error(got, right) <= 1e-8


@pytest.mark.parametrize("suffix", ON_EDGE)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=mostly_on("tensorflow")) for name in ("recursive", "trained", "same")]
)
def test_in_a_file(name: str, suffix: str, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((None, 1)), LAYERS[name]()])
    report = kapre.export(model, tmp_path / f"model{suffix}")
    run = runner(Path(report.path))
    for samples in (2000, 3001):
        x = clip(2, samples)[..., None]
        assert relative_error(run(x), to_numpy(model(x))) <= 1e-5
    assert Path(report.path).stat().st_size < 2**20


FRAMES = dict(n_fft=256, hop_length=64)
DESCRIPTORS: dict[str, Any] = {
    "several": lambda: kapre.SpectralDescriptors(16000, **FRAMES),
    "contrast": lambda: kapre.SpectralContrast(16000, 4, 400.0, 0.1, **FRAMES),
    "onsets": lambda: kapre.OnsetStrength(16000, 20, **FRAMES),
    "levelled": lambda: kapre.LoudnessNormalization(16000),
    "loudness": lambda: kapre.Loudness(16000),
    "constant Q": lambda: kapre.CQT(16000, hop_length=200, f_min=200.0, n_bins=48, scale="db"),
    "frequencies": lambda: kapre.InstantaneousFrequency(16000, **FRAMES),
    "tempogram": lambda: kapre.Tempogram(16000, 31, n_mels=20, **FRAMES),
}


OF_CHANNELS: dict[str, Any] = {
    "turns": lambda: kapre.InterchannelPhaseDifference(**FRAMES),
    "delays": lambda: kapre.GCCPHAT(10, **FRAMES),
}


@pytest.mark.parametrize("suffix", ON_EDGE)
@pytest.mark.parametrize("name", [pytest.param(name, marks=mostly_on("tensorflow")) for name in OF_CHANNELS])
def test_several_channels_in_a_file(name: str, suffix: str, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((None, 2)), OF_CHANNELS[name]()])
    run = runner(Path(kapre.export(model, tmp_path / f"model{suffix}").path))
    for samples in (2000, 3001):
        x = np.stack([clip(2, samples), np.roll(clip(2, samples), 3, axis=1) + 0.1 * clip(2, samples)[::-1]], axis=-1)
        np.testing.assert_allclose(run(x), to_numpy(model(x)), atol=2e-3)


@pytest.mark.parametrize("suffix", ON_EDGE)
@pytest.mark.parametrize("name", [pytest.param(name, marks=mostly_on("tensorflow")) for name in DESCRIPTORS])
def test_descriptors_in_a_file(name: str, suffix: str, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((None,)), DESCRIPTORS[name]()])
    run = runner(Path(kapre.export(model, tmp_path / f"model{suffix}").path))
    for samples in (2000, 3001):
        x = clip(2, samples)
        assert relative_error(run(x), to_numpy(model(x))) <= 5e-5  # of decibels


BANDS = dict(sample_rate=16000, n_fft=256, hop_length=64, filterbank="mel", n_mels=12, power=2.0)
LEARNED: dict[str, Any] = {
    "band-passes": lambda: kapre.SincConv(6, 16000, 101, 40),
    "every sample": lambda: kapre.SincConv(4, 16000, 51, padding="same"),
    "leaf": lambda: kapre.Leaf(16000, 8),
    "bank": lambda: kapre.ParametricFilterbank(kapre.Recipe(**BANDS, log="ln", amin=1e-6)),
    "pcen": lambda: keras.Sequential([kapre.Frontend(kapre.Recipe(**BANDS)), kapre.PCEN()]),
}


@pytest.mark.parametrize("suffix", ON_EDGE)
@pytest.mark.parametrize("name", [pytest.param(name, marks=mostly_on("tensorflow")) for name in LEARNED])
def test_learned_front_ends_in_a_file(name: str, suffix: str, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((None,)), LEARNED[name]()])
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(-0.05, 0.05, weight.shape) for weight in model.get_weights()])  # as if trained
    run = runner(Path(kapre.export(model, tmp_path / f"model{suffix}").path))
    for samples in (2000, 3001):
        x = clip(2, samples)
        assert relative_error(run(x), to_numpy(model(x))) <= 2e-5


@pytest.mark.parametrize("name", ["band-passes", "every sample", "leaf"])
@pytest.mark.parametrize("channels", [1, 2])
def test_learned_filters_by_convolutions(name: str, channels: int) -> None:
    layer = LEARNED[name]()
    x = np.concatenate([chirp(2, 900)] * channels, axis=2).astype("float32")
    with overlaid(PortableKernel()):
        got = to_numpy(layer.call(keras.ops.convert_to_tensor(x)))
    assert relative_error(got, to_numpy(layer(x))) <= 1e-5


@pytest.mark.parametrize("suffix", ON_EDGE)
@pytest.mark.parametrize("streams", [pytest.param(streams, marks=mostly_on("tensorflow")) for streams in (False, True)])
def test_another_rate_in_a_file(streams: bool, suffix: str, tmp_path: Path) -> None:
    recipe = kapre.Recipe(
        input_rate=48000, sample_rate=16000, n_fft=400, hop_length=160, power=2.0, filterbank="mel", n_mels=20,
        log="ln", amin=1e-5, center=True, pad_mode="reflect", preemphasis=0.97,
    )  # fmt: skip
    frontend = kapre.Frontend(recipe)
    model: Any = frontend.stream(chunk_samples=4800) if streams else keras.Sequential([keras.Input((None,)), frontend])
    report = kapre.export(model, tmp_path / f"model{suffix}")  # which compares both over a clip
    found = kapre.deploy.read_metadata(report.path)
    assert found is not None
    assert found["sample_rate"] == 48000
    if not streams:
        x = clip(2, 9000)
        assert np.abs(runner(Path(report.path))(x) - to_numpy(frontend(x))).max() <= 2e-3
