"""Loudness against pyloudnorm, and layers that set the level of waveforms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import kapre
from tests.conftest import BACKEND, compiled, float64, gradient, quick, to_numpy

RATE = 8000


def clip(seed: int, seconds: float, channels: int, rate: int = RATE) -> np.ndarray:
    """Make noise whose level changes by up to 60 dB every 100 ms, `(time, channel)`."""
    rng = np.random.default_rng(seed)
    step = rate // 10
    blocks = round(10 * seconds)
    return 0.3 * rng.normal(size=(blocks * step, channels)) * np.repeat(10 ** rng.uniform(-3, 0, blocks), step)[:, None]


@pytest.mark.parametrize("seed", range(6))
def test_pyloudnorm(seed: int) -> None:
    import pyloudnorm

    rng = np.random.default_rng(seed)
    rate = int(rng.choice([8000, 16000, 22050, 44100, 48000]))
    channels = int(rng.integers(1, 6))
    x = clip(seed, rng.uniform(0.4, 3.0), channels, rate)
    right = pyloudnorm.Meter(rate).integrated_loudness(x)
    with float64():
        found = to_numpy(kapre.Loudness(rate, dtype="float64", data_format="channels_last")(x[None]))
    assert found.shape == (1,)
    assert found[0] == pytest.approx(right, abs=1e-9)
    first = kapre.Loudness(rate, data_format="channels_first")(x.T[None].astype("float32"))
    assert float(first[0]) == pytest.approx(right, abs=1e-4)


def test_weights_of_channels() -> None:
    import pyloudnorm

    x = clip(0, 1.0, 5)
    layer = kapre.Loudness(RATE, data_format="channels_last")
    assert float(layer(x[None].astype("float32"))[0]) == pytest.approx(
        pyloudnorm.Meter(RATE).integrated_loudness(x), abs=1e-4
    )
    apart = kapre.Loudness(RATE, [0.0, 2.0], data_format="channels_last")(x[None, :, :2].astype("float32"))
    alone = kapre.Loudness(RATE)(x[None, :, 1].astype("float32"))
    assert float(apart[0]) == pytest.approx(float(alone[0]) + 10 * np.log10(2.0), abs=1e-4)


def test_masks_count_the_samples_of_a_clip() -> None:
    lengths = np.array([24000, 9000, 3200, 3199, 700, 0])
    x = np.stack([clip(seed, 3.0, 2) for seed in range(6)]).astype("float32")
    x[np.arange(24000) >= lengths[:, None]] = np.nan
    mask = ops.convert_to_tensor(np.arange(24000) < lengths[:, None])
    layer = kapre.Loudness(RATE, data_format="channels_last")
    found = to_numpy(layer(x, mask=mask))
    alone = [float(to_numpy(layer(x[i : i + 1, :n]))[0]) for i, n in enumerate(lengths)]
    np.testing.assert_allclose(found, alone, atol=1e-4)
    assert layer.compute_mask(x, mask) is None
    y = to_numpy(kapre.LoudnessNormalization(RATE, -30.0, data_format="channels_last")(x, mask=mask))
    assert not y[np.arange(24000) >= lengths[:, None]].any()
    np.testing.assert_allclose(to_numpy(layer(y, mask=mask))[:5], -30.0, atol=1e-3)
    loud = kapre.losses.LoudnessDifference(RATE, data_format="channels_last", reduction="none")
    np.testing.assert_allclose(to_numpy(loud(x, 0.5 * x, lengths=lengths))[:5], 20 * np.log10(2.0), atol=1e-3)


@pytest.mark.parametrize("quiet", [0.0, 1e-6])
def test_what_is_below_the_gate(quiet: float) -> None:
    x = quiet * clip(0, 1.0, 1)[None, :, 0].astype("float32")
    layer = kapre.Loudness(RATE)
    assert to_numpy(layer(x)).tolist() == [-70.0]
    np.testing.assert_array_equal(to_numpy(kapre.LoudnessNormalization(RATE)(x)), x)
    assert np.isfinite(gradient(layer, x)).all()
    assert np.isfinite(gradient(kapre.LoudnessNormalization(RATE), x)).all()


@pytest.mark.parametrize(
    "make", [kapre.PeakNormalization, kapre.RMSNormalization, lambda: kapre.LoudnessNormalization(RATE)]
)
def test_nan_behind_the_end_is_not_in_the_gradient(make: Any) -> None:
    x = clip(0, 1.0, 1)[None, :, 0].astype("float32")
    mask = ops.convert_to_tensor(np.arange(8000)[None] < 5000)
    layer = make()
    alone = gradient(lambda x: layer(x)[:, :3000], x[:, :5000])  # of all samples, the energy may be constant
    x[:, 5000:] = np.nan
    found = gradient(lambda x: layer(x, mask=mask)[:, :3000], x)
    np.testing.assert_allclose(found[:, :5000], alone, rtol=1e-3, atol=1e-3 * np.abs(alone).max())
    assert not found[:, 5000:].any()


def test_one_nan_makes_a_long_clip_nan() -> None:
    x = np.full((2, 48000), 0.25, "float32")
    x[0, 24000] = np.nan
    for layer in (kapre.PeakNormalization(), kapre.RMSNormalization(), kapre.LoudnessNormalization(RATE)):
        y = to_numpy(layer(x))
        assert np.isnan(y[0]).all()
        assert np.isfinite(y[1]).all()


if BACKEND == "tensorflow":

    @pytest.mark.parametrize("channels", [1, 2, 5])
    def test_unknown_channels(channels: int) -> None:
        import tensorflow as tf

        x = clip(0, 1.0, channels)[None].astype("float32")
        for weights in (None, [0.5] * channels):
            layer = kapre.Loudness(RATE, weights, data_format="channels_last")
            graph = tf.function(layer, input_signature=[tf.TensorSpec((None, None, None), "float32")])
            np.testing.assert_allclose(graph(x), to_numpy(layer(x)), atol=1e-4)
        wrong = tf.function(kapre.Loudness(RATE, [1.0] * (channels + 1), data_format="channels_last"),
                            input_signature=[tf.TensorSpec((None, None, None), "float32")])  # fmt: skip
        with pytest.raises(tf.errors.InvalidArgumentError):
            wrong(x)


def test_a_layer_and_a_model(tmp_path: Path) -> None:
    x = clip(0, 1.0, 2)[None].astype("float32")
    layer = kapre.Loudness(RATE, [1.0, 0.5], data_format="channels_last")
    expected = to_numpy(layer(x))
    np.testing.assert_allclose(to_numpy(compiled(layer)(ops.convert_to_tensor(x))), expected, atol=1e-5)
    model = keras.Sequential([keras.Input((None, 2)), layer])
    assert model.output_shape == (None,)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(to_numpy(again(x)), expected, atol=1e-5)
    assert again.layers[0].channel_weights == (1.0, 0.5)
    assert np.abs(gradient(layer, x)).max() > 0.0
    flat = kapre.Loudness(RATE)
    assert flat.compute_output_shape((None, None)) == (None,)
    assert flat.weights == []


@pytest.mark.parametrize("channels", [0, 2])
def test_levels_reach_their_targets(channels: int) -> None:
    x = clip(3, 0.5, max(channels, 1))[None].astype("float32") * np.array([1e-3, 1.0, 30.0], "float32")[:, None, None]
    x = x if channels else x[..., 0]
    axes = tuple(range(1, x.ndim))
    y = to_numpy(quick(kapre.RMSNormalization(-26.0, data_format="channels_last"))(x))
    np.testing.assert_allclose(20 * np.log10(np.sqrt(np.mean(y**2, axis=axes))), -26.0, atol=1e-4)
    y = to_numpy(quick(kapre.PeakNormalization(-1.0, data_format="channels_last"))(x))
    np.testing.assert_allclose(20 * np.log10(np.abs(y).max(axis=axes)), -1.0, atol=1e-4)
    y = to_numpy(quick(kapre.PeakNormalization(-1.0, max_gain_db=6.0, data_format="channels_last"))(x))
    quiet = 10**0.3 * x[0]
    np.testing.assert_allclose(y[0], quiet, rtol=1e-5)
    np.testing.assert_allclose(20 * np.log10(np.abs(y[2]).max()), -1.0, atol=1e-4)


def test_levels_within_a_mask() -> None:
    x = np.array([[0.1, -0.2, 9.0, 9.0], [0.3, -0.3, 0.3, -0.6]], "float32")
    mask = ops.convert_to_tensor(np.array([[True, True, False, False], [True] * 4]))
    y = to_numpy(kapre.PeakNormalization()(x, mask=mask))
    np.testing.assert_allclose(y, [[0.5, -1.0, 0.0, 0.0], [0.5, -0.5, 0.5, -1.0]], rtol=1e-6)
    y = to_numpy(kapre.RMSNormalization(0.0)(x, mask=mask))
    np.testing.assert_allclose(np.mean(y[0, :2] ** 2), 1.0, rtol=1e-5)
    assert not y[0, 2:].any()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: kapre.Loudness(2000), "sample_rate.*above 3000.*48000"),
        (lambda: kapre.Loudness(RATE, []), "channel_weights.*for each channel"),
        (lambda: kapre.Loudness(RATE, [-1.0]), "channel_weights.*0 or above"),
        (lambda: kapre.Loudness(RATE)(np.zeros(9, "float32")), r"shape \(9,\).*x\[None\]"),
        (lambda: kapre.Loudness(RATE, [1.0])(np.zeros((1, 9, 2), "float32")), "channel_weights.*the 2 channels"),
        (lambda: kapre.Loudness(RATE)(np.zeros((1, 9, 6), "float32")), "channel_weights.*6: give as many"),
        (lambda: kapre.LoudnessNormalization(RATE, np.inf), "target_lufs"),
        (lambda: kapre.RMSNormalization(np.nan), "target_db"),
        (lambda: kapre.PeakNormalization(max_gain_db=np.inf), "max_gain_db.*None"),
        (lambda: kapre.losses.LoudnessDifference(100), "sample_rate"),
    ],
)
def test_errors(make: Any, words: str) -> None:
    keras.config.set_image_data_format("channels_last")
    with pytest.raises(ValueError, match=words):
        make()
