"""Losses and metrics between waveforms, against auraloss, closed forms and the features of front ends."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import kapre
from kapre import losses, metrics
from tests.conftest import BACKEND, compiled, float64, gradient, to_numpy

SMALL = ((64, 16, 50), (128, 32, 128))
LOSSES: dict[str, Any] = {
    "stft": lambda **k: losses.MultiResolutionSTFTLoss(SMALL, magnitude_weight=0.5, **k),
    "convergence": lambda **k: losses.SpectralConvergence(64, **k),
    "loudness": lambda **k: losses.LoudnessDifference(4000, **k),
    "si_sdr": lambda **k: losses.SISDR(**k),
    "snr": lambda **k: losses.SNR(zero_mean=False, **k),
    "mel": lambda **k: losses.MelLoss(MEL, **k),
    "mel, bands first": lambda **k: losses.MelLoss([MEL.replace(layout="band_first"), MEL.replace(n_mels=4)], **k),
    "mel, patches": lambda **k: losses.MelLoss(MEL.replace(patch_frames=3, patch_hop=2), **k),
}
MEL = kapre.Recipe(
    n_fft=64, hop_length=16, sample_rate=8000, filterbank="mel", n_mels=8, log="ln", center=True, dither=0.1
)


@pytest.fixture
def in_double() -> Iterator[None]:
    with float64():
        yield


def pair(batch: int = 3, time: int = 700, *more: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-0.5, 0.5, (batch, time, *more))
    return x, 0.8 * x + 0.1 * rng.normal(size=x.shape)


def test_every_registered_loss_and_metric_is_tested() -> None:
    kinds = keras.losses.Loss, keras.metrics.Metric
    objects = keras.saving.get_custom_objects()
    registered = {made for key, made in objects.items() if key.startswith("Kapre>") and issubclass(made, kinds)}
    assert registered == {type(make()) for make in LOSSES.values()} | {metrics.SISDR, metrics.SNR}


def each(loss: Any, x: np.ndarray, y: np.ndarray, **k: Any) -> np.ndarray:
    return to_numpy(loss(x, y, **k))


if BACKEND == "torch":  # the reference is PyTorch's; below, the backends are compared with the same numbers

    @pytest.mark.parametrize("seed", range(8))
    def test_auraloss(seed: int) -> None:
        import auraloss
        import torch

        rng = np.random.default_rng(seed)
        x, y = pair(1, int(rng.integers(2048, 9000)), seed=seed)
        sizes = [(2 ** int(rng.integers(5, 11)), int(rng.integers(20, 200))) for _ in range(3)]
        resolutions = [(n_fft, hop, int(rng.integers(n_fft // 3, n_fft + 1))) for n_fft, hop in sizes]
        weights = rng.uniform(0.0, 2.0, 3)
        reference = auraloss.freq.MultiResolutionSTFTLoss(
            *([each[place] for each in resolutions] for place in range(3)),
            w_sc=weights[0], w_log_mag=weights[1], w_lin_mag=weights[2],
        )  # fmt: skip
        own = losses.MultiResolutionSTFTLoss(resolutions, *weights, reduction="none", dtype="float64")
        single = losses.MultiResolutionSTFTLoss(resolutions, *weights)
        given = [torch.tensor(each)[:, None] for each in (y, x)]
        right = float(reference(given[0].float(), given[1].float()))
        assert float(own(x, y)[0]) == pytest.approx(right, rel=2e-5)
        assert float(single(x, y)) == pytest.approx(right, rel=2e-5)
        for name, theirs in (("SISDR", auraloss.time.SISDRLoss()), ("SNR", auraloss.time.SNRLoss())):
            found = getattr(losses, name)(reduction="none", dtype="float64")(x, y)
            assert float(found[0]) == pytest.approx(float(theirs(*given)), abs=1e-8)


@pytest.mark.usefixtures("in_double")
def test_the_numbers_of_all_backends() -> None:
    x, y = pair()
    own = {name: float(make()(x, y)) for name, make in LOSSES.items()}
    # Keras' reduction rounds float64 to float32 on PyTorch.
    double = {name: each(make(reduction="none", dtype="float64"), x, y).mean() for name, make in LOSSES.items()}
    for name, value in own.items():
        assert value == pytest.approx(double[name], rel=3e-5), name
    s, t = (np.stack([_spectrum(row) for row in each]) for each in (x, y))
    right = np.mean([np.linalg.norm(a - b) / np.linalg.norm(a) for a, b in zip(s, t, strict=True)])
    assert double["convergence"] == pytest.approx(right, rel=1e-9)


def _spectrum(x: np.ndarray) -> np.ndarray:
    """Return the magnitudes of 64 points every 16 samples, centred, with reflected ends."""
    x = np.pad(x, 32, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(64) / 64)
    return np.abs(np.fft.rfft(np.lib.stride_tricks.sliding_window_view(x, 64)[::16] * window))


@pytest.mark.usefixtures("in_double")
@pytest.mark.parametrize("name", LOSSES)
def test_a_clip_counts_alone_and_within_its_length(name: str) -> None:
    loss = LOSSES[name](reduction="none", dtype="float64")
    x, y = pair(2)
    lengths = np.array([700, 333])
    rng = np.random.default_rng(1)
    for row, length in enumerate(lengths):  # what is behind a clip is loud, and different
        x[row, length:], y[row, length:] = rng.normal(size=(2, 700 - length))
    alone = [each(loss, x[i : i + 1, :n], y[i : i + 1, :n])[0] for i, n in enumerate(lengths)]
    np.testing.assert_allclose(each(loss, x, y, lengths=lengths), alone, rtol=1e-9)
    masked = ops.convert_to_tensor(y)
    keras.src.backend.set_keras_mask(masked, ops.convert_to_tensor(np.arange(700) < lengths[:, None]))
    np.testing.assert_allclose(to_numpy(loss(x, masked)), alone, rtol=1e-9)
    silent = loss(x, y, lengths=np.array([0, 2]))
    assert np.isfinite(to_numpy(silent)).all()


@pytest.mark.parametrize("name", ["stft", "si_sdr", "mel, patches"])
def test_channels_are_averaged(name: str) -> None:
    x, y = pair(2, 700, 3)
    make = LOSSES[name]
    apart = np.mean([each(make(reduction="none"), x[..., c], y[..., c]) for c in range(3)], axis=0)
    last = make(reduction="none", data_format="channels_last")
    first = make(reduction="none", data_format="channels_first")
    np.testing.assert_allclose(each(last, x, y), apart, rtol=2e-5)
    np.testing.assert_allclose(each(first, *(np.moveaxis(each, -1, 1) for each in (x, y))), apart, rtol=2e-5)


@pytest.mark.parametrize("name", ["stft", "convergence", "si_sdr", "snr", "mel"])
@pytest.mark.parametrize("case", ["silent target", "silent estimate", "both silent", "equal"])
def test_silence_is_finite_with_its_gradient(name: str, case: str) -> None:
    x, y = pair(2, 300)
    x = np.zeros_like(x) if "target" in case or "both" in case else x
    y = np.zeros_like(y) if "estimate" in case or "both" in case else y
    y = x if case == "equal" else y
    loss = LOSSES[name](reduction="sum")
    assert np.isfinite(float(loss(x, y)))
    slope = gradient(lambda given: loss(ops.convert_to_tensor(x.astype("float32")), given), y.astype("float32"))
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("name", ["stft", "si_sdr", "mel, patches"])
def test_compiled_calls_give_the_same(name: str) -> None:
    loss = LOSSES[name]()
    x, y = (ops.convert_to_tensor(each.astype("float32")) for each in pair())
    lengths = ops.convert_to_tensor(np.array([700, 400, 128], "int32"))

    def of_lengths(x: Any, y: Any, lengths: Any) -> Any:
        return loss(x, y, lengths=lengths)

    np.testing.assert_allclose(to_numpy(compiled(loss)(x, y)), to_numpy(loss(x, y)), rtol=2e-5)
    np.testing.assert_allclose(
        to_numpy(compiled(of_lengths)(x, y, lengths)), to_numpy(of_lengths(x, y, lengths)), rtol=2e-5
    )


@pytest.mark.parametrize("preset", ["hifigan", "whisper", "vggish"])
def test_the_mel_loss_is_that_of_the_features(preset: str) -> None:
    recipe = kapre.frontends.preset(preset).recipe.replace(dither=0.0)
    x, y = (each.astype("float32") for each in pair(2, 16000))
    frontend = kapre.Frontend(recipe)
    right = np.abs(to_numpy(frontend(x)) - to_numpy(frontend(y))).mean()
    assert float(losses.MelLoss(preset)(x, y)) == pytest.approx(right, rel=1e-4)
    assert float(losses.MelLoss(frontend, weight=45.0)(x, y)) == pytest.approx(45.0 * right, rel=1e-4)


def test_the_mel_loss_of_two_recipes_is_their_sum() -> None:
    x, y = pair()
    parts = [MEL, MEL.replace(n_mels=4)]
    assert float(losses.MelLoss(parts)(x, y)) == pytest.approx(sum(float(losses.MelLoss(p)(x, y)) for p in parts))


@pytest.mark.usefixtures("in_double")
@pytest.mark.parametrize("name", LOSSES)
def test_configs(name: str) -> None:
    loss = LOSSES[name](data_format="channels_first", name="mine", reduction="sum", dtype="float64")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    x, y = pair()
    assert float(again(x, y)) == float(loss(x, y))


@pytest.mark.parametrize("name", ["stft", "si_sdr", "mel"])
def test_a_model_learns_and_is_saved_with_its_loss(name: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    x, _ = (each.astype("float32") for each in pair(8, 512))
    noisy = x + 0.2 * np.random.default_rng(2).normal(size=x.shape).astype("float32")
    samples = keras.Input((512, 1))
    cleaned = keras.layers.Conv1D(1, 9, padding="same", use_bias=False)(samples)
    model = keras.Model(samples, cleaned)
    model.compile(keras.optimizers.Adam(0.02), loss=LOSSES[name](), metrics=[metrics.SISDR()])
    data = noisy[..., None], x[..., None]
    history = model.fit(*data, epochs=6, batch_size=4, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    if name == "si_sdr":
        assert history["sisdr"][-1] > history["sisdr"][0]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.evaluate(*data, verbose=0), model.evaluate(*data, verbose=0), rtol=1e-4)


@pytest.mark.parametrize("name", ["SISDR", "SNR"])
def test_metrics_average_over_all_clips(name: str) -> None:
    x, y = pair(5)
    loss, metric = getattr(losses, name)(reduction="none"), getattr(metrics, name)()
    for rows in (slice(0, 2), slice(2, 5)):
        metric.update_state(x[rows], y[rows])
    ratios = -each(loss, x, y)
    assert float(metric.result()) == pytest.approx(ratios.mean(), rel=1e-5)
    metric.reset_state()
    lengths = [700, 300, 200, 100, 50]
    metric.update_state(x, y, sample_weight=[1.0, 0.0, 0.0, 3.0, 0.0], lengths=lengths)
    own = -each(loss, x, y, lengths=lengths)
    assert float(metric.result()) == pytest.approx((own[0] + 3.0 * own[3]) / 4.0, rel=1e-5)
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert again.get_config() == metric.get_config()


@pytest.mark.usefixtures("in_double")
def test_closed_forms_of_ratios() -> None:
    x, _ = pair(2)
    x -= x.mean(axis=1, keepdims=True)
    noise = np.sqrt(2.0) * np.roll(x, 1, axis=1)
    noise -= (noise * x).sum(1, keepdims=True) / (x**2).sum(1, keepdims=True) * x  # orthogonal, so that α is known
    right = 10.0 * np.log10((x**2).sum(1) / ((0.1 * noise) ** 2).sum(1))
    loss = losses.SISDR(reduction="none", dtype="float64")
    np.testing.assert_allclose(-each(loss, x, 7.0 * (x + 0.1 * noise)), right, atol=1e-6)
    np.testing.assert_allclose(-each(loss, np.zeros_like(x), x), -80.0, atol=1e-6)
    assert float(losses.SNR()(x, 0.9 * x)) == pytest.approx(-20.0, abs=1e-4)


def test_samples_weights_and_low_precision() -> None:
    x, y = pair()
    loss = LOSSES["stft"]()
    alone = each(LOSSES["stft"](reduction="none"), x, y)
    weighted = float(loss(x, y, sample_weight=np.array([1.0, 0.0, 2.0])))
    assert weighted == pytest.approx((alone[0] + 2.0 * alone[2]) / 3.0, rel=1e-5)
    half = ops.cast(ops.convert_to_tensor(y.astype("float32")), "bfloat16")
    rounded = to_numpy(ops.cast(half, "float32"))
    assert float(loss(x, half)) == pytest.approx(float(loss(x, rounded)), rel=1e-5)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: losses.MultiResolutionSTFTLoss([]), "`resolutions` must be a list of"),
        (lambda: losses.MultiResolutionSTFTLoss([(64, 16)]), "`resolutions` must be a list of"),
        (lambda: losses.MultiResolutionSTFTLoss(epsilon=0.0), "`epsilon` must be a positive number"),
        (lambda: losses.MultiResolutionSTFTLoss(magnitude_weight=-1.0), "`magnitude_weight` must be a number"),
        (lambda: losses.MelLoss("hifigam"), "hifigan"),
        (lambda: losses.MelLoss([]), "`recipe` must be at least one recipe"),
        (lambda: losses.SpectralConvergence(hop_length=0), "`hop_length` must be a positive integer"),
        (lambda: losses.SNR()(np.zeros((2, 10)), np.zeros((2, 11))), "of the shape of y_true"),
        (lambda: losses.SNR()(np.zeros((2, 10)), np.zeros((2, 10, 2))), "two batches of waveforms"),
        (lambda: losses.SNR()(np.zeros((2, 10)), np.zeros((2, 10)), lengths=[1.5, 2.0]), "`lengths` must be"),
    ],
)
def test_errors(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_ratios_are_bounded() -> None:
    x, _ = pair(1)
    assert math.isfinite(float(losses.SNR()(x, x)))
    assert float(losses.SISDR()(x, x)) < -60.0
