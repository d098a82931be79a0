"""Compositions of random layers: what each does with given draws, and the laws of its own draws."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import scipy.stats

from kapre import augmentation as aug
from tests.conftest import BACKEND, to_numpy

X = np.random.default_rng(0).standard_normal((6, 300, 2)).astype("float32")
LENGTHS = np.array([300, 200, 120, 60, 10, 0], "int32")


def simple() -> list[aug.RandomLayer]:
    return [aug.RandomGain(), aug.PolarityInversion(p=1.0), aug.DropChunk()]


COMPOSITIONS = {
    "Chain": lambda **k: aug.Chain(simple(), **k),
    "Chain, crop": lambda **k: aug.Chain([aug.RandomGain(), aug.RandomCrop(100), aug.RandomShift()], **k),
    "OneOf": lambda **k: aug.OneOf(simple(), weights=[1, 2, 3], **k),
    "SomeOf": lambda **k: aug.SomeOf(simple(), 1, 2, **k),
    "Choice": lambda **k: aug.Choice(simple(), **k),
    "nested": lambda **k: aug.Chain([aug.OneOf(simple(), p=0.5), aug.SomeOf(simple(), 0), aug.Choice(simple())], **k),
}
ALL = pytest.mark.parametrize("name", list(COMPOSITIONS))


def called(layer: Any, x: np.ndarray = X, **words: Any) -> tuple[np.ndarray, Any]:
    y, drawn = layer(x, training=True, return_parameters=True, **words)
    return to_numpy(y), keras.tree.map_structure(to_numpy, drawn)


def by_hand(layer: aug.RandomLayer, x: np.ndarray, drawn: Any) -> np.ndarray:
    """Compute what a layer makes of its own parameters, by calls of the single layers alone."""
    own = [sub(x, training=True, parameters=drawn[str(i)]) for i, sub in enumerate(getattr(layer, "layers", []))]
    if isinstance(layer, aug.OneOf):
        index = drawn["index"]
        y = sum((index == i)[:, None, None] * to_numpy(one) for i, one in enumerate(own))
    elif isinstance(layer, aug.Choice):
        assert len(np.unique(drawn["index"])) == 1
        y = to_numpy(own[int(drawn["index"][0])])
    elif isinstance(layer, (aug.Chain, aug.SomeOf)):
        y = x
        for i, sub in enumerate(layer.layers):
            changed = to_numpy(sub(y, training=True, parameters=drawn[str(i)]))
            chosen = drawn["chosen"][:, i] if isinstance(layer, aug.SomeOf) else np.ones(len(x), bool)
            y = np.where(chosen[:, None, None], changed, y) if changed.shape == y.shape else changed
    return y if y.shape != x.shape else np.where(drawn["applied"][:, None, None], y, x)


@pytest.mark.parametrize("name", [name for name in COMPOSITIONS if name != "nested"])
def test_a_composition_is_its_layers(name: str) -> None:
    layer = COMPOSITIONS[name](seed=1)
    y, drawn = called(layer)
    np.testing.assert_allclose(y, by_hand(layer, X, drawn), rtol=1e-6, atol=1e-7)
    assert (y[:, :50] != X[:, :50]).any()


@ALL
def test_replay_seed_and_config(name: str) -> None:
    layer = COMPOSITIONS[name](seed=1)
    first, drawn = called(layer, lengths=LENGTHS)
    np.testing.assert_array_equal(called(layer, lengths=LENGTHS, parameters=drawn)[0], first)
    again = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
    np.testing.assert_array_equal(called(again, lengths=LENGTHS)[0], first)
    assert (called(layer, lengths=LENGTHS)[0] != first).any()
    np.testing.assert_array_equal(to_numpy(layer(X)), X)


@ALL
def test_padding_and_neighbours_do_not_count(name: str) -> None:
    layer = COMPOSITIONS[name](seed=1)
    y, drawn = called(layer, lengths=LENGTHS)
    dirty = np.where((np.arange(300) < LENGTHS[:, None])[..., None], X, np.nan)
    np.testing.assert_array_equal(called(layer, dirty, lengths=LENGTHS, parameters=drawn)[0], y)
    one = keras.tree.map_structure(lambda v: v[1:2], drawn)
    alone, _ = called(layer, X[1:2], lengths=LENGTHS[1:2], parameters=one)
    np.testing.assert_allclose(alone[0], y[1], rtol=1e-6, atol=1e-7)
    mask = getattr(layer(X, training=True, lengths=LENGTHS), "_keras_mask", None)
    assert mask is not None
    if y.shape[1] == 300:
        np.testing.assert_array_equal(to_numpy(mask).sum(axis=1), LENGTHS)
        assert (y[:, :][np.arange(300) >= LENGTHS[:, None]] == 0.0).all()


def test_seeds_of_layers_that_were_called() -> None:
    """A layer that is already built takes a new seed, alone and from a composition, again and again."""
    gain = aug.RandomGain()
    gain(X, training=True)
    layer = aug.Chain([gain, aug.BitCrush()], seed=0)
    first, _ = called(layer)
    layer.reseed(5)
    second, _ = called(layer)
    assert (first != second).any()
    layer.reseed(0)
    np.testing.assert_array_equal(called(layer)[0], first)
    np.testing.assert_array_equal(called(aug.Chain(layer.layers, seed=5))[0], second)
    own = aug.RandomGain(seed=3)
    aug.Chain([own], seed=1)
    assert own.seed == 3
    assert called(aug.OneOf(simple(), weights=np.array([1.0, 2.0, 3.0]), seed=0))[0].shape == X.shape


def test_the_laws() -> None:
    x = np.zeros((4000, 10, 1), "float32")
    _, drawn = called(aug.OneOf(simple(), weights=[1, 2, 3], seed=0), x)
    counts = np.bincount(drawn["index"], minlength=3)
    assert scipy.stats.chisquare(counts, np.array([1, 2, 3]) * 4000 / 6).pvalue > 1e-3
    _, drawn = called(aug.SomeOf(simple(), 1, 3, seed=0), x)
    number = drawn["chosen"].sum(axis=1)
    assert scipy.stats.chisquare(np.bincount(number, minlength=4)[1:]).pvalue > 1e-3
    pairs = drawn["chosen"][number == 2]
    assert scipy.stats.chisquare(pairs.sum(axis=0)).pvalue > 1e-3
    _, drawn = called(aug.Chain(simple(), p=0.3, seed=0), x)
    assert scipy.stats.binomtest(int(drawn["applied"].sum()), 4000, 0.3).pvalue > 1e-3


def test_a_choice_is_drawn_for_each_batch() -> None:
    layer = aug.Choice([aug.RandomGain(0.0, 0.0), aug.PolarityInversion(p=1.0)], weights=[1.0, 3.0], seed=0)
    found = [float(to_numpy(layer(np.ones((2, 3, 1), "float32"), training=True))[0, 0, 0]) for _ in range(60)]
    assert scipy.stats.binomtest(found.count(-1.0), 60, 0.75).pvalue > 1e-3
    assert layer(np.ones((0, 3, 1), "float32"), training=True).shape[0] == 0


@pytest.mark.parametrize("name", ["nested", "Chain, crop"])
@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
def test_in_a_model(name: str, tmp_path: Path) -> None:
    """New draws in each step, and a saved model without its training."""
    inputs = keras.Input((300, 2))
    layer = COMPOSITIONS[name](seed=0)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(keras.layers.Dense(1)(layer(inputs))))
    model.compile("sgd", "mse", jit_compile=BACKEND == "jax")
    model.optimizer.learning_rate = 0.0
    losses = {float(model.train_on_batch(X, np.zeros((6, 1)))) for _ in range(4)}
    assert len(losses) == 4
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(to_numpy(loaded(X)), to_numpy(model(X)), rtol=1e-6)


def test_spectrograms_go_through_too() -> None:
    x = np.random.default_rng(1).standard_normal((4, 50, 20, 1)).astype("float32")
    layers = [aug.FrequencyShift(3), aug.FilterAugment(), aug.SpecAugment(4, 10, mask_value="mean")]
    y, _ = called(aug.Chain(layers, seed=0), x)
    assert y.shape == x.shape
    assert np.isfinite(y).all()


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: aug.Chain([]), ValueError, "a list of random layers"),
        (lambda: aug.Chain(aug.RandomGain()), TypeError, "a list of random layers"),
        (lambda: aug.Chain([keras.layers.Dropout(0.1)]), TypeError, "one with Dropout"),
        (lambda: aug.Chain([aug.RandomGain(data_format="channels_first")]), ValueError, "the same data_format"),
        (lambda: aug.Chain([aug.RandomCrop(10)], p=0.5), ValueError, "unless p is 1.0"),
        (lambda: aug.OneOf([aug.RandomCrop(10)]), ValueError, "layers that keep the length of items"),
        (lambda: aug.SomeOf([aug.SpeedPerturbation()]), ValueError, "layers that keep the length of items"),
        (lambda: aug.OneOf(simple(), weights=[1, 2]), ValueError, "3 numbers above 0"),
        (lambda: aug.Choice(simple(), weights=[1, 2, 0]), ValueError, "3 numbers above 0"),
        (lambda: aug.SomeOf(simple(), 1, 4), ValueError, "`max_count` must be at most 3"),
        (lambda: aug.SomeOf(simple(), 3, 2), ValueError, "`min_count` must be at most 2"),
    ],
)
def test_bad_arguments(make: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        make()
