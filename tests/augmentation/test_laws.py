"""The laws of every augmentation, on every backend."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from kapre import augmentation
from kapre._layer import with_mask
from tests.augmentation.calls import check_same, drawn, example, of_item, replayed
from tests.augmentations import AUGMENTATIONS, TIME
from tests.conftest import BACKEND, gradient, quick, relative_error, to_numpy

APART = [name for name, row in AUGMENTATIONS.items() if not row.mixes_examples]
ALL = pytest.mark.parametrize("name", list(AUGMENTATIONS))
WAVES = [name for name, row in AUGMENTATIONS.items() if row.takes == "waveform"]
WITH_P = [name for name, row in AUGMENTATIONS.items() if row.takes_p]
PER_CHANNEL = [name for name, row in AUGMENTATIONS.items() if row.takes_per_channel]
pytestmark = pytest.mark.filterwarnings("ignore:.*mask_value=0.0 is above")


def test_every_public_layer_has_a_row() -> None:
    made = [getattr(augmentation, name) for name in augmentation.__all__]
    whole = (augmentation.RandomLayer, augmentation.Composition)  # compositions have tests of their own
    single = [kind for kind in made if isinstance(kind, type) and issubclass(kind, whole[0])]
    apart = {"SpeedPerturbation", "TimeStretch"}  # the length of items changes: `test_speed_and_pitch.py`
    public = {kind.__name__ for kind in single if kind is not whole[0] and not issubclass(kind, whole[1])}
    assert public - apart == {name.split(",")[0] for name in AUGMENTATIONS}


@ALL
def test_outside_training_it_is_the_identity_and_adds_nothing_to_a_graph(name: str) -> None:
    row = AUGMENTATIONS[name]
    layer, x = row.make(seed=0), example(row)
    for options in ({}, {"training": False}, {"training": None}):
        np.testing.assert_array_equal(to_numpy(layer(x, **options)), x)
    assert layer(x, return_parameters=True)[1] == {}
    if BACKEND == "jax":
        import jax

        assert jax.make_jaxpr(layer)(x).eqns == []
    elif BACKEND == "tensorflow":
        import tensorflow as tf

        graph = tf.function(layer).get_concrete_function(tf.TensorSpec((None, *x.shape[1:]))).graph
        assert {op.type for op in graph.get_operations()} <= {"Placeholder", "Identity", "NoOp"}
    else:
        given = ops.convert_to_tensor(x)
        assert layer(given).data_ptr() == given.data_ptr()
    state = to_numpy(layer.seed_generator.state)
    assert state.tolist() == [0, 0]  # nothing was drawn


@ALL
def test_draws_follow_their_law(name: str) -> None:
    row = AUGMENTATIONS[name]
    layer = (row.default or row.make)(seed=2)
    shape = (10_000, 3, TIME) if row.takes == "waveform" else (10_000, 3, 100, 40)
    parameters = {key: to_numpy(value) for key, value in layer.draw(shape, None).items()}
    if row.takes_p:
        parameters["applied"] = to_numpy(layer.uniform((10_000,)) < layer.p)
    assert all(value.shape[0] == 10_000 for value in parameters.values())
    found = row.law(parameters)
    assert found
    assert min(found) > 1e-3, found


def test_laws_refuse_another_range() -> None:
    """The tests above can fail: draws that lie 5 % off are refused."""
    row = AUGMENTATIONS["RandomGain"]
    gains = to_numpy(row.make(seed=1).draw((10_000, 1, 10), None)["gain_db"])
    assert row.law({"gain_db": gains})[0] > 1e-3
    assert row.law({"gain_db": gains * 0.95})[0] < 1e-3
    crushed = AUGMENTATIONS["BitCrush"]
    assert crushed.law({"bits": np.repeat(np.arange(5, 11), [1800, 1600, 1600, 1600, 1600, 1800])})[0] < 1e-3


@ALL
def test_a_seed_repeats_and_calls_differ(name: str) -> None:
    row = AUGMENTATIONS[name]
    x = example(row, batch=8)
    options: dict[str, Any] = {"p": 0.5} if row.is_one_way else {}
    one = row.make(seed=3, **options)
    other = type(one).from_config(one.get_config())
    third = row.make(seed=1234567, **options)
    (y, first), (again, same), (_, another) = (drawn(layer, x) for layer in (one, other, third))
    np.testing.assert_array_equal(y, again)
    assert first.keys() == same.keys() == another.keys()
    assert all((first[key] == same[key]).all() for key in first)
    _, second = drawn(one, x)
    for changed in (second, another):
        assert any((first[key] != changed[key]).any() for key in first)


@ALL
def test_a_replay_is_exact(name: str) -> None:
    row = AUGMENTATIONS[name]
    x = example(row)
    options: dict[str, Any] = {"p": 0.5} if row.takes_p else {}
    layer = row.make(seed=5, **options)
    y, parameters = drawn(layer, x, eager=True)
    assert parameters["applied"].shape == (3,)
    state = to_numpy(layer.seed_generator.state)
    logged = {key: np.asarray(value) for key, value in json.loads(json.dumps(_lists(parameters))).items()}
    again = to_numpy(row.make(seed=99)(x, training=True, parameters=logged))
    np.testing.assert_array_equal(again, y)
    np.testing.assert_array_equal(to_numpy(layer.seed_generator.state), state)
    # One program may round in another order than operations one by one.
    assert relative_error(replayed(layer, x, parameters), y) <= row.rounding


def _lists(parameters: dict[str, np.ndarray]) -> dict[str, Any]:
    return {name: value.tolist() for name, value in parameters.items()}


@pytest.mark.parametrize("name", WITH_P)
def test_p_is_the_share_of_examples_that_are_changed(name: str) -> None:
    row = AUGMENTATIONS[name]
    x = example(row, batch=3)
    layer = row.make(p=0.3, seed=2)
    shares = [to_numpy(layer.uniform((10_000,)) < layer.p).mean()]
    assert abs(shares[0] - 0.3) < 3 * np.sqrt(0.21 / 10_000)
    seen = set()
    for _ in range(8):
        y, parameters = drawn(layer, x)
        for item, applied in enumerate(parameters["applied"]):
            seen.add(bool(applied))
            if not applied:
                np.testing.assert_array_equal(y[item], x[item])
    assert seen == {True, False}
    everything = to_numpy(row.make(p=1.0)(x, training=True, parameters={**parameters, "applied": np.ones(3, bool)}))
    for item, applied in enumerate(parameters["applied"]):
        if applied:  # other examples are computed beside it, which may round in another order
            assert relative_error(y[item], everything[item]) <= row.rounding
    never, _ = drawn(row.make(p=0.0), x)
    np.testing.assert_array_equal(never, x)


@pytest.mark.parametrize("name", APART)
def test_an_item_is_the_same_alone_and_beside_others(name: str) -> None:
    row = AUGMENTATIONS[name]
    x = example(row)
    x[1:] *= 1e3
    layer = row.make(seed=4)
    _, parameters = drawn(layer, x)
    together = replayed(layer, x, parameters)
    alone = replayed(layer, x[:1], of_item(parameters, 0))
    assert relative_error(together[:1], alone) <= 2e-6


@pytest.mark.parametrize("name", APART)
def test_a_padded_item_is_the_item_alone(name: str) -> None:
    row = AUGMENTATIONS[name]
    x = example(row)
    lengths = [200, 120, 0]
    junk = x.copy()
    for item, length in enumerate(lengths):
        junk[item, length:] = np.nan if row.takes == "waveform" else 7.0
    layer = row.make(seed=4)
    y, parameters = drawn(layer, junk, lengths=lengths)
    by_mask = ops.convert_to_tensor(np.arange(200) < np.array(lengths)[:, None])
    got = layer(junk, training=True, mask=by_mask, parameters=parameters)
    check_same(got, y, row.rounding)
    mask = to_numpy(got._keras_mask)
    assert mask.shape == y.shape[:2]
    alone = replayed(layer, x[1:2, :120], of_item(parameters, 1))
    valid = int(mask[1].sum())
    assert valid == min(120, alone.shape[1])
    assert mask[0].sum() == min(200, y.shape[1])
    assert not mask[2].any()
    assert relative_error(y[1:2, :valid], alone[:, :valid]) <= 2e-6
    if row.takes == "waveform":
        assert not y[~mask].any()  # zeros, and neither NaN nor what the layer adds


@ALL
def test_keras_own_mask_is_heeded_and_kept(name: str) -> None:
    row = AUGMENTATIONS[name]
    x = example(row)
    mask = ops.convert_to_tensor(np.arange(200) < np.array([[200], [120], [0]]))
    layer = row.make(seed=4)
    expected, parameters = drawn(layer, x, lengths=[200, 120, 0])
    masked = with_mask(ops.convert_to_tensor(x), mask)
    for options in ({}, {"parameters": parameters}):  # beside a second tensor, Keras passes no mask
        got = row.make(seed=4)(masked, training=True, **options)
        check_same(got, expected, row.rounding)
        assert to_numpy(got._keras_mask)[1].sum() == min(120, got.shape[1])
    np.testing.assert_array_equal(to_numpy(row.make()(masked)._keras_mask), to_numpy(mask))


@ALL
def test_data_formats_agree(name: str) -> None:
    row = AUGMENTATIONS[name]
    x = example(row)
    last, first = (row.make(data_format=each, seed=4) for each in ("channels_last", "channels_first"))
    y, parameters = drawn(last, x)
    moved, same = drawn(first, np.moveaxis(x, -1, 1))
    check_same(np.moveaxis(moved, 1, -1), y, row.rounding)
    assert all((parameters[key] == same[key]).all() for key in parameters)


@pytest.mark.parametrize("name", PER_CHANNEL)
def test_channels_share_a_draw_unless_asked_otherwise(name: str) -> None:
    row = AUGMENTATIONS[name]
    x = np.repeat(example(row, channels=1), 3, axis=-1)
    shared, parameters = drawn(row.make(seed=4), x)
    np.testing.assert_array_equal(shared, np.repeat(shared[..., :1], 3, axis=-1))
    assert all(value.shape[1:2] == (1,) for key, value in parameters.items() if key != "applied")
    layer = row.make(seed=4, per_channel=True)
    x = example(row)
    y, parameters = drawn(layer, x)
    for channel in range(3):
        own = {key: value if key == "applied" else value[:, channel : channel + 1] for key, value in parameters.items()}
        assert relative_error(y[..., channel : channel + 1], replayed(layer, x[..., channel : channel + 1], own)) < 2e-6
    assert any((value[:, :1] != value).any() for key, value in parameters.items() if key != "applied")


@ALL
@pytest.mark.parametrize("clip", ["sounding", "silent"])
def test_gradients_are_finite(name: str, clip: str) -> None:
    row = AUGMENTATIONS[name]
    x = example(row)
    layer = row.make(seed=4)
    _, parameters = drawn(layer, x)
    x = x * (clip == "sounding")
    given = {key: ops.convert_to_tensor(value) for key, value in parameters.items()}
    found = gradient(lambda x: layer(x, training=True, parameters=given), x)
    assert found.shape == x.shape
    assert np.isfinite(found).all()
    if clip == "sounding":
        assert np.abs(found).max() > 0.0


@pytest.mark.parametrize("name", APART)
def test_silence_stays_finite_and_nan_stays_with_its_item(name: str) -> None:
    row = AUGMENTATIONS[name]
    x = example(row)
    layer = row.make(seed=4)
    clean, parameters = drawn(layer, x)
    silent = replayed(layer, 0.0 * x, parameters)
    if row.takes == "waveform":
        assert not silent.any()  # silence stays silent
    assert np.isfinite(silent).all()
    x[0, :, ...] = np.nan
    got = replayed(layer, x, parameters)
    assert np.isnan(got[0]).any()
    assert relative_error(got[1:], clean[1:]) <= 1e-6


@ALL
@pytest.mark.parametrize("time", [0, 1])
def test_no_samples_and_one_sample(name: str, time: int) -> None:
    row = AUGMENTATIONS[name]
    x = example(row, batch=2, time=time)
    y, _ = drawn(row.make(seed=4), x)
    assert y.shape == (x.shape if row.keeps_time else (2, 50, *x.shape[2:]))
    assert np.isfinite(y).all()


@ALL
def test_mixed_precision_rounds_once_and_draws_the_same(name: str) -> None:
    row = AUGMENTATIONS[name]
    x = example(row)
    y, parameters = drawn(row.make(seed=4), x)
    keras.config.set_floatx("bfloat16")
    layer = row.make(seed=4, dtype="mixed_float16")
    low, same = drawn(layer, x)
    keras.config.set_floatx("float32")
    assert low.dtype == "float16"
    assert all((parameters[key] == same[key]).all() for key in parameters)
    np.testing.assert_allclose(low.astype("float32"), y, rtol=1e-3, atol=1e-6)


@ALL
def test_unknown_batch_and_time(name: str) -> None:
    row = AUGMENTATIONS[name]
    x = example(row)
    inputs = keras.Input((None, *x.shape[2:]))
    layer = row.make(seed=4)
    model = keras.Model(inputs, layer(inputs))
    assert model.output_shape[:2] == (None, None)
    expected, parameters = drawn(row.make(seed=4), x)
    if BACKEND == "tensorflow":
        import tensorflow as tf

        run = tf.function(lambda x: model(x, training=True), input_signature=[tf.TensorSpec(inputs.shape)])
        given = {key: tf.constant(value) for key, value in parameters.items()}
        signature = [tf.TensorSpec(inputs.shape)]
        again = tf.function(lambda x: layer(x, training=True, parameters=given), input_signature=signature)
        assert relative_error(again(tf.constant(x)), expected) <= 2e-6
        y = run(tf.constant(x))
    elif BACKEND == "jax":
        import jax

        state = [variable.value for variable in model.non_trainable_variables]
        y, _ = jax.jit(lambda state, x: model.stateless_call([], state, x, training=True))(state, x)
    else:
        y = model(x, training=True)
    assert relative_error(y, expected) <= 2e-6


@ALL
def test_it_is_saved_and_trains_after_loading(name: str, tmp_path: Path) -> None:
    row = AUGMENTATIONS[name]
    x = example(row)
    model = keras.Sequential([keras.Input((None, *x.shape[2:])), row.make(seed=4)])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert (tmp_path / "model.keras").stat().st_size < 20_000
    expected, _ = drawn(row.make(seed=4), x)
    for copied in (again, keras.models.clone_model(model)):
        np.testing.assert_array_equal(drawn(copied.layers[-1], x)[0], expected)


@pytest.mark.parametrize("name", WAVES)
def test_spectrograms_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a batch of waveforms, of rank 3; received shape"):
        AUGMENTATIONS[name].make()(np.zeros((2, 3, 4, 1), "float32"))


def test_a_compiled_call_gives_what_an_eager_one_gives() -> None:
    """With its own draws: the state goes in and out."""
    row = AUGMENTATIONS["RandomGain"]
    x = example(row)
    layer, other = row.make(seed=4), row.make(seed=4)
    expected = [drawn(other, x)[0] for _ in range(2)]
    layer(x)
    if BACKEND == "jax":
        import jax

        run = jax.jit(lambda state, x: layer.stateless_call([], state, x, training=True))
        state = [variable.value for variable in layer.non_trainable_variables]
        for each in expected:
            y, state = run(state, x)
            assert relative_error(y, each) <= 1e-6
    else:
        run = quick(lambda x: layer(x, training=True))
        for each in expected:
            assert relative_error(run(x), each) <= 1e-6
