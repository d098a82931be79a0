"""Filters, rooms and telephone lines: what the table of augmentations does not say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from keras import ops

from kapre import augmentation as aug
from kapre.ops import distortion
from tests.augmentation.calls import drawn as called
from tests.augmentation.calls import example
from tests.augmentations import AUGMENTATIONS
from tests.conftest import relative_error, to_numpy


@pytest.mark.parametrize("t60", [0.15, 0.4])
def test_the_decay_of_a_room(t60: float) -> None:
    """By Schroeder's backward integral, from -5 to -25 decibels."""
    x = np.zeros((2, 16000, 1), "float32")
    x[:, 0] = 1.0
    layer = aug.Reverb(16000, None, t60, t60, -6.0, -6.0, keep_level=False, seed=0)
    y, _ = called(layer, x)
    for item in range(2):
        tail = y[item, 1:, 0].astype("float64")
        assert abs(10.0 * np.log10(1.0 / (tail**2).sum()) + 6.0) < 0.05
        left = 10.0 * np.log10(np.cumsum(tail[::-1] ** 2)[::-1] / (tail**2).sum() + 1e-30)
        first, last = np.argmax(left < -5.0), np.argmax(left < -25.0)
        assert abs((last - first) / 16000 * 3.0 / t60 - 1.0) < 0.1


@pytest.mark.parametrize("keep_level", [True, False])
def test_recorded_rooms(keep_level: bool) -> None:
    rng = np.random.default_rng(0)
    bank = (rng.standard_normal((3, 40)) * 0.8 ** np.arange(40)).astype("float32")
    bank[:, 5] = 4.0  # the direct sound
    x = example(AUGMENTATIONS["Reverb"])
    lengths = [200, 120, 30]
    layer = aug.Reverb(16000, bank, keep_level=keep_level, seed=1)
    y, drawn = called(layer, x, lengths=lengths)
    for item, length in enumerate(lengths):
        own = x[item, :length].astype("float64").T
        right = np.stack([np.convolve(row, bank[drawn["index"][item, 0]])[5 : 5 + length] for row in own])
        if keep_level:
            right *= np.sqrt((own**2).mean() / (right**2).mean())
        assert relative_error(y[item, :length].T, right) < 2e-6
        assert not y[item, length:].any()
    again = aug.Reverb.from_config(layer.get_config())
    np.testing.assert_array_equal(called(again, x, lengths=lengths)[0], y)
    assert layer.get_config()["bank"]["shape"] == [3, 40]
    assert aug.Reverb(16000).get_config()["bank"] is None


@pytest.mark.parametrize("law", ["mu_law", "a_law"])
def test_companding(law: str) -> None:
    """Steps grow with the level, silence and full scale stay, and the noise is that of 8 bits (38 dB)."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1.0, 1.0, 100_000).astype("float32")
    y = to_numpy(distortion.companded(ops.convert_to_tensor(x), law)).astype("float64")
    assert 10.0 * np.log10((x**2).mean() / ((y - x) ** 2).mean()) > 37.0
    values = np.unique(y)
    assert 250 <= len(values) <= 255
    positive = values[values > 0]
    assert np.diff(positive)[-1] > 20.0 * np.diff(positive)[0]
    edges = np.array([0.0, 1.0, -1.0, 3.0], "float32")
    np.testing.assert_allclose(
        to_numpy(distortion.companded(ops.convert_to_tensor(edges), law)), [0.0, 1.0, -1.0, 1.0], atol=1e-6
    )
    codes = np.arange(-127, 128) / 127.0
    scale = np.log(256.0) if law == "mu_law" else 1.0 + np.log(87.6)
    size = np.abs(codes) * scale
    curve = np.expm1(size) / 255.0 if law == "mu_law" else np.where(size < 1.0, size, np.exp(size - 1.0)) / 87.6
    np.testing.assert_allclose(values, np.unique(np.sign(codes) * curve), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("codec", ["mu_law", "a_law", None])
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_the_band_of_a_line(codec: Any, rate: int) -> None:
    times = np.arange(rate // 2) / rate
    for frequency, low, high in ((60.0, -130.0, -50.0), (1000.0, -1.0, 0.5)):
        x = 0.5 * np.sin(2 * np.pi * frequency * times).astype("float32")[None, :, None]
        y, _ = called(aug.Telephone(rate, codec, p=1.0), x)
        assert y.shape == x.shape
        part = slice(rate // 8, -rate // 8)
        level = 20.0 * np.log10(np.sqrt((y[0, part] ** 2).mean()) / np.sqrt((x[0, part] ** 2).mean()) + 1e-6)
        assert low < level < high


def test_a_line_mirrors_nothing() -> None:
    """What lies below 4 kHz has no image above it."""
    x = 0.5 * np.sin(2 * np.pi * 3600.0 * np.arange(16000) / 16000).astype("float32")[None, :, None]
    y, _ = called(aug.Telephone(16000, None, p=1.0), x)
    level = np.abs(np.fft.rfft(y[0, 2000:10000, 0] * np.hanning(8000)))
    assert level[2050:2400].max() < 1e-3 * level.max()  # 4100 to 4800 Hz


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: aug.RandomFilter(0), ValueError, "`sample_rate` must be a rate"),
        (lambda: aug.RandomFilter(16000, "lowpass"), ValueError, "`kinds` must be a list"),
        (lambda: aug.RandomFilter(16000, ["comb"]), ValueError, "`kinds` must be one of"),
        (lambda: aug.RandomFilter(16000, ["highpass"], 3000.0), ValueError, "Set max_frequency_hz too"),
        (lambda: aug.RandomFilter(16000, min_q=0.0), ValueError, "`min_q` must be a quality above 0"),
        (
            lambda: aug.RandomFilter(16000, min_gain_db=1.0, max_gain_db=0.0),
            ValueError,
            "`min_gain_db` must be at most",
        ),
        (lambda: aug.RandomEqualizer(16000, frequencies_hz=[9000.0]), ValueError, "`frequencies_hz` must be"),
        (lambda: aug.RandomEqualizer(16000, q=-1.0), ValueError, "`q` must be a quality above 0"),
        (lambda: aug.Reverb(16000, min_t60_seconds=0.0), ValueError, "`min_t60_seconds` must be seconds above 0"),
        (lambda: aug.Reverb(16000, np.zeros(3)), ValueError, "`bank` must be an array of shape"),
        (lambda: aug.Telephone(16000, "gsm"), ValueError, "`codec` must be one of"),
        (lambda: aug.Telephone(8000, high_hz=4000.0), ValueError, "`high_hz` must be below 4000 Hz"),
    ],
)
def test_bad_arguments(make: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        make()
