"""MixUp and CutMix: closed forms for given draws, the laws of the draws, labels, lengths, and every place of use."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import scipy.stats
from keras import ops

from kapre import augmentation as aug
from tests.conftest import BACKEND, to_numpy

SLOW_ON_JAX = [pytest.mark.thorough] * (BACKEND == "jax")
"""Of tests that repeat there what other backends show: JAX compiles each of their operations."""
RNG = np.random.default_rng(5)
X = RNG.standard_normal((6, 200, 2)).astype("float32") * np.array([0.1, 1, 3, 0.5, 2, 1])[:, None, None].astype(
    "float32"
)
LABELS = np.eye(6, dtype="float32")
LENGTHS = np.array([200, 150, 90, 200, 20, 0], "int32")


def mixed(layer: Any, batch: Any, **words: Any) -> tuple[Any, dict[str, np.ndarray]]:
    found, drawn = layer(batch, return_parameters=True, **words)
    arrays = keras.tree.map_structure(to_numpy, found)
    return arrays, {name: to_numpy(value) for name, value in drawn.items()}


def whole(lengths: Any = None) -> dict[str, np.ndarray]:
    return {"audio": X, "labels": LABELS} | ({} if lengths is None else {"lengths": lengths})


def valid(lengths: Any = None) -> np.ndarray:
    return X if lengths is None else np.where((np.arange(200) < lengths[:, None])[..., None], X, 0.0)


@pytest.mark.parametrize("lengths", [None, LENGTHS])
@pytest.mark.parametrize("weighting", ["linear", "power", "level"])
@pytest.mark.parametrize("sources", [2, 4])
def test_mix_up(sources: int, weighting: Any, lengths: Any) -> None:
    layer = aug.MixUp(1.0, sources, weighting, seed=1)
    found, drawn = mixed(layer, whole(lengths))
    x = valid(lengths).astype("float64")
    count = np.full(6, 200) if lengths is None else np.maximum(lengths, 1)
    level = np.sqrt((x**2).sum(axis=(1, 2)) / (2 * count))
    for item in range(6):
        members = [item, *drawn["partner"][item]]
        weights = drawn["weights"][item].astype("float64")
        factors = np.zeros_like(weights)
        for member, weight in zip(members, weights, strict=True):  # an example may occur more than once
            factors[members.index(member)] += weight
        if weighting == "level":
            heard = np.where(level[members] > 0, level[members], level[members].max())
            factors = factors / np.where(heard > 0, heard, 1.0)
            factors /= factors.sum()
        if weighting != "linear":
            factors /= np.sqrt((factors**2).sum())
        np.testing.assert_allclose(found["audio"][item], np.tensordot(factors, x[members], 1), atol=2e-6)
        np.testing.assert_allclose(found["labels"][item], weights @ LABELS[members], atol=1e-6)
        if lengths is not None:
            assert found["lengths"][item] == lengths[np.array(members)[weights > 0]].max()
    np.testing.assert_allclose(drawn["weights"].sum(axis=1), 1.0, atol=1e-6)


def test_power_is_kept() -> None:
    x = RNG.standard_normal((2, 200_000)).astype("float32")
    drawn = {
        "partner": np.array([[1], [0]], "int32"),
        "weights": np.array([[0.3, 0.7], [0.9, 0.1]], "float32"),
        "applied": np.ones(2, bool),
    }
    y = to_numpy(aug.MixUp(weighting="power")((x, np.eye(2, dtype="float32")), parameters=drawn)[0])
    np.testing.assert_allclose((y**2).mean(axis=1), 1.0, atol=0.02)


def test_a_union_of_labels() -> None:
    found, drawn = mixed(aug.MixUp(0.4, 3, labels="union", seed=2), whole())
    for item in range(6):
        members = np.array([item, *drawn["partner"][item]])[drawn["weights"][item] > 0]
        np.testing.assert_array_equal(found["labels"][item], LABELS[members].max(axis=0))


def test_laws() -> None:
    batch = {"audio": np.zeros((4000, 1), "float32"), "labels": np.zeros((4000, 1), "float32")}
    _, drawn = mixed(aug.MixUp(0.4, seed=0), batch)
    assert scipy.stats.kstest(drawn["weights"][:, 0], scipy.stats.beta(0.4, 0.4).cdf).pvalue > 1e-3
    assert sorted(drawn["partner"][:, 0]) == list(range(4000))
    _, drawn = mixed(aug.MixUp(1.0, 4, seed=0), batch)
    number = (drawn["weights"] > 0).sum(axis=1)
    assert scipy.stats.chisquare(np.bincount(number, minlength=5)[1:]).pvalue > 1e-3
    first = drawn["weights"][number == 4, 0]  # the marginal law of Dirichlet(1, 1, 1, 1)
    assert scipy.stats.kstest(first, scipy.stats.beta(1.0, 3.0).cdf).pvalue > 1e-3
    _, drawn = mixed(aug.MixUp(p=0.3, seed=0), batch)
    assert scipy.stats.binomtest(int(drawn["applied"].sum()), 4000, 0.3).pvalue > 1e-3


@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_cut_mix(lengths: Any) -> None:
    found, drawn = mixed(aug.CutMix(seed=3), whole(lengths))
    x = valid(lengths)
    own = np.full(6, 200) if lengths is None else lengths
    for item in range(6):
        other, start, end = drawn["partner"][item, 0], drawn["start"][item], drawn["end"][item]
        assert 0 <= start <= end <= min(own[item], own[other])
        right = x[item].copy()
        right[start:end] = x[other, start:end]
        np.testing.assert_array_equal(found["audio"][item], right)
        share = (end - start) / max(own[item], 1)
        np.testing.assert_allclose(found["labels"][item], (1 - share) * LABELS[item] + share * LABELS[other], atol=1e-6)
    if lengths is not None:
        np.testing.assert_array_equal(found["lengths"], lengths)


def test_the_law_of_a_span() -> None:
    batch = {"audio": np.zeros((4000, 1000), "float32"), "labels": np.zeros((4000, 1), "float32")}
    _, drawn = mixed(aug.CutMix(1.0, seed=0), batch)
    width = drawn["end"] - drawn["start"]
    assert scipy.stats.kstest(width / 1000, scipy.stats.uniform().cdf).pvalue > 1e-3
    some = (width > 100) & (width < 900)
    place = drawn["start"][some] / (1000 - width[some])
    assert scipy.stats.kstest(place, scipy.stats.uniform().cdf).pvalue > 1e-3


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_spectrograms_in_both_data_formats(data_format: Any) -> None:
    x = RNG.standard_normal((4, 30, 8, 2)).astype("float32")
    given = np.moveaxis(x, -1, 1) if data_format == "channels_first" else x
    lengths = np.array([30, 20, 10, 5])
    batch = {"spectrogram": given, "labels": LABELS[:4], "lengths": lengths, "id": "kept"}
    layer = aug.CutMix(seed=3, data_format=data_format)
    (found, drawn) = layer(batch, return_parameters=True)
    y = to_numpy(found["spectrogram"])
    y = np.moveaxis(y, 1, -1) if data_format == "channels_first" else y
    assert found["id"] == "kept"
    for item in range(4):
        start, end, other = (int(to_numpy(drawn[n]).ravel()[item]) for n in ("start", "end", "partner"))
        right = np.where((np.arange(30) < lengths[item])[:, None, None], x[item], 0.0)
        right[start:end] = x[other, start:end]
        np.testing.assert_array_equal(y[item], right)


@pytest.mark.parametrize("make", [aug.MixUp, aug.CutMix])
def test_replay_seed_config_and_rest(make: Any) -> None:
    layer = make(seed=7, p=0.5)
    first, drawn = mixed(layer, whole(LENGTHS))
    again = layer(whole(LENGTHS), parameters=drawn)
    for name in first:
        np.testing.assert_array_equal(to_numpy(again[name]), first[name])
    other = make.from_config(layer.get_config())
    np.testing.assert_array_equal(to_numpy(other(whole(LENGTHS))["audio"]), first["audio"])
    assert (to_numpy(layer(whole(LENGTHS))["audio"]) != first["audio"]).any()
    rest = layer(whole(LENGTHS), training=False)
    np.testing.assert_array_equal(to_numpy(rest["audio"]), X)
    keep = np.flatnonzero(~drawn["applied"])
    assert 0 < len(keep) < 6
    np.testing.assert_array_equal(first["audio"][keep], valid(LENGTHS)[keep])
    np.testing.assert_array_equal(first["labels"][keep], LABELS[keep])


def test_neighbours_without_weight_do_not_count() -> None:
    x = X.copy()
    x[1] = np.nan
    layer = aug.MixUp()
    drawn = {
        "partner": np.array([[1], [2], [0]], "int32"),
        "weights": np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]], "float32"),
        "applied": np.ones(3, bool),
    }
    y = to_numpy(layer((x[:3], LABELS[:3]), parameters=drawn)[0])
    np.testing.assert_allclose(y, [x[0], x[2], 0.5 * (x[0] + x[2])], rtol=1e-6)


def batches(x: np.ndarray = X) -> Any:
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices({"audio": x, "labels": LABELS, "lengths": LENGTHS})
    return data.repeat(4).batch(6, drop_remainder=True)


@pytest.mark.parametrize("make", [aug.MixUp, aug.CutMix])
def test_in_tf_data(make: Any) -> None:
    layer = make(1.0, seed=0)
    found = [{k: v.numpy() for k, v in b.items()} for b in batches().map(lambda b: layer(b), num_parallel_calls=2)]
    assert len(found) == 4
    assert len({b["labels"].tobytes() for b in found}) == 4  # each call draws anew
    for b in found:
        assert (b["audio"].shape, b["lengths"].dtype) == ((6, 200, 2), np.int32)
        np.testing.assert_allclose(b["labels"].sum(axis=1), 1.0, atol=1e-5)
    half = make(1.0, seed=0, dtype="mixed_float16")
    b, drawn = next(iter(batches().map(lambda b: half(b, return_parameters=True))))
    assert [b[name].dtype.name for name in ("audio", "labels")] == ["float16", "float32"]
    assert drawn["applied"].shape == (6,)
    pairs = batches().map(lambda b: (b["audio"], b["labels"])).map(lambda x, y: layer((x, y)))
    x, y = next(iter(pairs))
    assert (tuple(x.shape), tuple(y.shape)) == ((6, 200, 2), (6, 6))


def test_in_fit() -> None:
    layer = aug.MixUp(1.0, seed=0)
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(6, activation="softmax")])
    model.compile("sgd", "categorical_crossentropy")
    pairs = batches().map(lambda b: layer((b["audio"], b["labels"])), num_parallel_calls=2)
    assert np.isfinite(model.fit(pairs, shuffle=False, verbose=0).history["loss"][0])


def compiled_step(layer: Any) -> Any:
    """Return a function that mixes in a compiled program, as a training step of one's own does."""
    if BACKEND == "jax":
        import jax

        state = [variable.value for variable in layer.non_trainable_variables]
        step = jax.jit(lambda state, x, y: layer.stateless_call([], state, (x, y)))

        def call(x: Any, y: Any) -> Any:
            nonlocal state
            found, state = step(state, x, y)
            return found

        return call
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(lambda x, y: layer((x, y)))
    return lambda x, y: layer((x, y))


@pytest.mark.parametrize("make", [aug.MixUp, aug.CutMix])
def test_in_a_training_step(make: Any) -> None:
    layer = make(1.0, seed=0)
    layer((X, LABELS))
    step = compiled_step(layer)
    x, y = ops.convert_to_tensor(X), ops.convert_to_tensor(LABELS)
    assert len({to_numpy(step(x, y)[1]).tobytes() for _ in range(4)}) == 4


def test_in_a_collate_function() -> None:
    layer, items = aug.CutMix(seed=0), list(zip(X, LABELS, strict=True))

    def collate(batch: Any) -> Any:
        return layer(tuple(np.stack(part) for part in zip(*batch, strict=True)))

    if BACKEND == "torch":
        import torch

        found = list(torch.utils.data.DataLoader(items, batch_size=3, collate_fn=collate))
    else:
        found = [collate(items[:3]), collate(items[3:])]
    for x, y in found:
        assert (tuple(x.shape), tuple(y.shape)) == ((3, 200, 2), (3, 6))


@pytest.mark.parametrize("policy", ["mixed_float16", *(["float64"] if BACKEND != "jax" else [])])
def test_dtypes(policy: str) -> None:
    found, drawn = mixed(aug.MixUp(1.0, seed=1, dtype=policy), whole())
    assert found["audio"].dtype == ("float16" if policy == "mixed_float16" else "float64")
    wide = found["audio"].astype("float64")
    weights, partner = drawn["weights"], drawn["partner"][:, 0]
    right = weights[:, :1, None] * X + weights[:, 1:, None] * X[partner]
    np.testing.assert_allclose(wide, right, atol=4e-3 if policy == "mixed_float16" else 1e-6)


def test_an_example_that_is_its_own_partner_keeps_its_level() -> None:
    x = RNG.standard_normal((1, 100)).astype("float32")
    for weighting in ("linear", "power", "level"):
        y, labels = aug.MixUp(1.0, 3, weighting, seed=0)((x, np.ones((1, 2), "float32")))
        np.testing.assert_allclose(to_numpy(y), x, rtol=1e-5)
        np.testing.assert_allclose(to_numpy(labels), 1.0, rtol=1e-6)


@pytest.mark.parametrize("make", [aug.MixUp, aug.CutMix])
def test_padding_of_decibels(make: Any) -> None:
    x = np.full((2, 10, 4, 1), -60.0, "float32")
    batch = {"spectrogram": x, "labels": LABELS[:2], "lengths": np.array([10, 5])}
    y = to_numpy(make(1.0, pad_value=-80.0, seed=0)(batch)["spectrogram"])
    assert y.max() <= -60.0 + 1e-4
    assert y.min() >= -80.0 - 1e-4


def test_gradients_and_silence() -> None:
    x = ops.convert_to_tensor(np.zeros((3, 50), "float32"))
    for weighting in ("linear", "power", "level"):
        y, _ = aug.MixUp(1.0, weighting=weighting, seed=0)((x, LABELS[:3]))
        np.testing.assert_array_equal(to_numpy(y), 0.0)
    loud = np.concatenate([np.zeros((1, 50)), np.ones((1, 50))]).astype("float32")
    drawn = {
        "partner": np.array([[1], [0]], "int32"),
        "weights": np.full((2, 2), 0.5, "float32"),
        "applied": np.ones(2, bool),
    }
    y = to_numpy(aug.MixUp(weighting="level")((loud, LABELS[:2]), parameters=drawn)[0])
    np.testing.assert_allclose(y, np.sqrt(0.5), rtol=1e-6)  # silence takes nothing from the other sound


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: aug.MixUp(0.0), ValueError, "`alpha` must be a number above 0"),
        (lambda: aug.MixUp(max_sources=1), ValueError, "`max_sources` must be at least 2"),
        (lambda: aug.MixUp(weighting="rms"), ValueError, "`weighting` must be one of"),
        (lambda: aug.MixUp(labels="all"), ValueError, "`labels` must be one of"),
        (lambda: aug.CutMix(p=1.5), ValueError, "`p` must be a probability"),
        (lambda: aug.MixUp()({"audio": X}), ValueError, "a dict with 'audio' or 'spectrogram' and 'labels'"),
        (lambda: aug.MixUp()({"sound": X, "labels": LABELS}), ValueError, "a dict with 'audio'"),
        (lambda: aug.MixUp()((X, np.arange(6))), ValueError, "keras.ops.one_hot"),
        (lambda: aug.MixUp()((X, np.arange(6)[:, None])), ValueError, "keras.ops.one_hot"),
        (lambda: aug.MixUp(weighting="level")((X[..., None], LABELS)), ValueError, "for spectrograms"),
        (
            lambda: aug.CutMix()({"audio": X, "spectrogram": X[:, :9, :, None], "labels": LABELS}),
            ValueError,
            "same number",
        ),
        (lambda: aug.MixUp(seed=True), TypeError, "`seed` must be None or an integer"),
        (lambda: aug.MixUp(seed=-1), ValueError, "`seed` must be None or an integer from 0"),
        (lambda: aug.MixUp()(X), TypeError, "a pair"),
        (lambda: aug.MixUp()((X.astype("int16"), LABELS)), TypeError, "must be floating point"),
        (lambda: aug.MixUp()((X[:, 0, 0], LABELS)), ValueError, "Add the missing axis"),
    ],
)
def test_bad_arguments(call: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        call()
