"""Layers that draw one of a few speeds or pitches, item by item beside the functions, and their lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from keras import ops

import kapre
from kapre import augmentation as aug
from tests.augmentation.calls import drawn as called
from tests.conftest import chirp, relative_error, to_numpy

X = chirp(6, 400, 2).astype("float32")
LENGTHS = np.array([400, 300, 150, 60, 7, 0], "int32")
FACTORS = (0.8, 1.0, 1.25)
LAYERS: dict[str, tuple[Any, Any, Any]] = {
    "speed": (aug.SpeedPerturbation, {}, kapre.functional.speed),
    "stretch": (aug.TimeStretch, dict(n_fft=64), kapre.functional.time_stretch),
}


def make(name: str, **words: Any) -> Any:
    kind, options, _ = LAYERS[name]
    return kind(FACTORS, **options, **words)


@pytest.mark.parametrize("lengths", [None, LENGTHS])
@pytest.mark.parametrize("name", list(LAYERS))
def test_an_item_is_what_the_function_makes_of_it(name: str, lengths: Any) -> None:
    _, options, function = LAYERS[name]
    layer = make(name, seed=1, p=0.8)
    y, drawn = called(layer, X, lengths)
    mask = to_numpy(layer(X, training=True, parameters=drawn, lengths=lengths)._keras_mask)
    own = np.full(6, 400) if lengths is None else lengths
    for item, length in enumerate(own):
        factor = FACTORS[drawn["index"][item, 0]] if drawn["applied"][item] else 1.0
        right = np.asarray(function(X[item, :length].T.astype("float64"), factor, **options))[:, :400]
        count = min(right.shape[1], 400)
        assert mask[item].sum() == count
        assert relative_error(y[item, :count].T, right) < 2e-5 if count else True
        assert not y[item, count:].any()
    assert len(np.unique(drawn["index"])) == 3


@pytest.mark.parametrize("name", list(LAYERS))
def test_replay_seed_config_and_unknown_time(name: str) -> None:
    layer = make(name, seed=2)
    y, drawn = called(layer, X, LENGTHS)
    again = to_numpy(layer(X, training=True, parameters=drawn, lengths=LENGTHS))
    assert relative_error(again, y) < 1e-6
    other = type(layer).from_config(layer.get_config())
    assert (called(other, X, LENGTHS)[1]["index"] == drawn["index"]).all()
    longer = np.pad(X, ((0, 0), (0, 37), (0, 0)))
    padded = to_numpy(layer(longer, training=True, parameters=drawn, lengths=LENGTHS))
    whole = drawn["index"][:, 0] > 0  # a slower item is cut at another place
    assert relative_error(padded[whole, :400], y[whole]) < 2e-5
    np.testing.assert_array_equal(to_numpy(layer(X)), X)


@pytest.mark.parametrize("steps", [-12, 7])
def test_a_pitch(steps: int) -> None:
    """The peak of the spectrum of a tone moves by the ratio of the pitch."""
    x = np.sin(2 * np.pi * 1000.0 * np.arange(16000) / 16000).astype("float32")[None, :, None]
    y = to_numpy(aug.PitchShift([steps])(x, training=True))[0, 4000:12000, 0]
    found = np.abs(np.fft.rfft(y * np.hanning(8000))).argmax() * 2.0
    assert abs(found - 1000.0 * 2.0 ** (steps / 12.0)) <= 3.0


def test_draws_have_equal_shares() -> None:
    index = to_numpy(aug.TimeStretch(seed=0).draw((10_000, 1, 10), None)["index"])
    assert np.abs(np.bincount(index.ravel(), minlength=5) / 10_000 - 0.2).max() < 0.02


def test_edges_and_gradients() -> None:
    for layer in (make("speed", seed=0), make("stretch", seed=0), aug.PitchShift(seed=0)):
        for time in (0, 1):
            y = to_numpy(layer(np.ones((3, time, 1), "float32"), training=True))
            assert y.shape == (3, time, 1)
            assert np.isfinite(y).all()
        silent = ops.zeros((3, 500, 1))
        assert not to_numpy(layer(silent, training=True)).any()


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: aug.SpeedPerturbation([]), ValueError, "`factors` must be a list of numbers from 0.5 to 2"),
        (lambda: aug.SpeedPerturbation([0.9, 3.0]), ValueError, "`factors` must be"),
        (lambda: aug.TimeStretch("fast"), ValueError, "`rates` must be"),
        (lambda: aug.TimeStretch([None]), TypeError, "`rates` must be"),
        (lambda: aug.PitchShift([30]), ValueError, "`semitones` must be a list of numbers from -24 to 24"),
        (lambda: aug.PitchShift(n_fft=512, hop_length=400), ValueError, "`hop_length` must be at most"),
    ],
)
def test_bad_arguments(make: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        make()


@pytest.mark.parametrize("steps", [-48, -45, -33, -27, 48])
def test_a_large_shift_keeps_the_number_of_samples(steps: int) -> None:
    for time in (1, 10, 1000):
        assert kapre.functional.pitch_shift(np.ones(time, "float32"), steps, n_fft=64).shape == (time,)


def test_the_kernel_of_a_speed_stays_small() -> None:
    assert kapre.functional.speed(np.ones(4000, "float32"), 99.999).shape == (40,)
