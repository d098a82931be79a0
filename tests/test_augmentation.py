"""What augmentation draws: per example and per call, with the distributions of the paper, repeatable by a seed."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest
import scipy.stats
from keras import ops

import kapre
from kapre.ops import augment
from kapre.ops.kernels import active as kernel
from tests.conftest import BACKEND, compiled, to_numpy


def test_nothing_changes_outside_training() -> None:
    x = np.random.default_rng(0).standard_normal((2, 6, 8, 3)).astype("float32")
    for layer in (kapre.ChannelSwap(), kapre.SpecAugment(4, 4)):
        np.testing.assert_array_equal(to_numpy(layer(x)), x)
        np.testing.assert_array_equal(to_numpy(layer(x, training=False)), x)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("rank", [3, 4])
def test_channels_are_permuted_for_each_example_and_call(data_format: str, rank: int) -> None:
    n = 400
    shape = (n, 5, 3) if rank == 3 else (n, 2, 5, 3)
    x = np.broadcast_to(np.arange(3.0), shape).astype("float32")
    x = x + 10.0 * np.arange(5.0)[:, None].astype("float32")
    if data_format == "channels_first":
        x = np.moveaxis(x, -1, 1)
    layer = kapre.ChannelSwap(data_format, seed=1)
    first, second = (to_numpy(layer(x, training=True)) for _ in range(2))
    assert (first != second).any()
    axis = 1 if data_format == "channels_first" else -1
    np.testing.assert_array_equal(np.sort(first, axis=axis), x)
    orders = np.moveaxis(first, axis, -1).reshape(n, -1, 3)[:, 0] % 10
    assert (np.moveaxis(first, axis, -1).reshape(n, -1, 3) % 10 == orders[:, None]).all()  # one order for an example
    _, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(counts) == 6
    assert scipy.stats.chisquare(counts).pvalue > 1e-3


def test_widths_are_uniform_on_the_integers_up_to_the_parameter() -> None:
    x = np.ones((4000, 3, 20, 1), "float32")
    y = to_numpy(kapre.SpecAugment(4, 0, seed=0)(x, training=True))
    hidden = (y[:, 0, :, 0] == 0.0).sum(axis=1)
    counts = np.bincount(hidden, minlength=5)
    assert len(counts) == 5
    assert scipy.stats.chisquare(counts).pvalue > 1e-3
    for width in range(1, 5):
        starts = (y[hidden == width, 0, :, 0] == 0.0).argmax(axis=1)
        assert scipy.stats.chisquare(np.bincount(starts, minlength=20 - width + 1)).pvalue > 1e-3


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("channels", [1, 3])
def test_masks_are_bands_and_stretches_shared_by_the_channels(data_format: str, channels: int) -> None:
    x = np.random.default_rng(0).standard_normal((30, 12, 9, channels)).astype("float32")
    layer = kapre.SpecAugment(3, 4, 2, 2, mask_value=-7.0, data_format=data_format, seed=5)
    given = np.moveaxis(x, -1, 1) if data_format == "channels_first" else x
    y = to_numpy(layer(given, training=True))
    y = np.moveaxis(y, 1, -1) if data_format == "channels_first" else y
    hidden = y == -7.0
    np.testing.assert_array_equal(y[~hidden], x[~hidden])
    assert (hidden == hidden[..., :1]).all()
    by_bin, by_frame = hidden[..., 0].all(axis=1), hidden[..., 0].all(axis=2)
    np.testing.assert_array_equal(hidden[..., 0], by_bin[:, None, :] | by_frame[:, :, None])
    assert by_bin.sum(axis=1).max() <= 6
    assert by_frame.sum(axis=1).max() <= 8
    assert len(np.unique(hidden.reshape(30, -1), axis=0)) > 15  # examples differ


@pytest.mark.parametrize("floatx", ["float16", "bfloat16"])
def test_draws_do_not_coarsen_with_floatx(floatx: str) -> None:
    keras.config.set_floatx(floatx)
    y = to_numpy(
        kapre.SpecAugment(0, 1, seed=0, dtype="float32")(np.ones((4000, 1000, 1, 1), "float32"), training=True)
    )
    keras.config.set_floatx("float32")
    reached = np.unique(np.argwhere(y == 0.0)[:, 1])
    assert len(reached) > 800  # of 1000 places, in about 2000 draws


def test_torchs_state_dict_fits_another_of_its_kind() -> None:
    if BACKEND == "torch":
        import torch

        one, other = (torch.nn.ModuleList([kapre.SpecAugment(2, 2), kapre.ChannelSwap()]) for _ in range(2))
        for module in (one, other):
            for layer in module:
                layer(np.ones((1, 4, 4, 2), "float32"), training=True)
        other.load_state_dict(one.state_dict())
    first, second = kapre.SpecAugment(2, 2), kapre.SpecAugment(2, 2)
    assert [v.path.split("/")[-2:] for v in first.variables] == [v.path.split("/")[-2:] for v in second.variables]


def test_nothing_to_hide() -> None:
    x = np.ones((3, 5, 6, 1), "float32")
    for layer in (kapre.SpecAugment(0, 0), kapre.SpecAugment(4, 4, 0, 0)):
        np.testing.assert_array_equal(to_numpy(layer(x, training=True)), x)


def test_a_mask_wider_than_the_axis() -> None:
    y = to_numpy(kapre.SpecAugment(100, 100, seed=0)(np.ones((200, 4, 5, 1), "float32"), training=True))
    assert ((y == 0.0) | (y == 1.0)).all()


@pytest.mark.parametrize(
    "make", [lambda seed: kapre.ChannelSwap(seed=seed), lambda seed: kapre.SpecAugment(5, 5, seed=seed)]
)
def test_a_seed_repeats_and_calls_differ(make: object) -> None:
    x = np.random.default_rng(0).standard_normal((8, 10, 12, 6)).astype("float32")
    one, other, third = make(3), make(3), make(4)  # type: ignore[operator]
    first = to_numpy(one(x, training=True))
    np.testing.assert_array_equal(first, to_numpy(other(x, training=True)))
    assert (first != to_numpy(third(x, training=True))).any()
    assert (first != to_numpy(one(x, training=True))).any()
    again = type(one).from_config(one.get_config())
    np.testing.assert_array_equal(to_numpy(again(x, training=True)), first)


def weighed(p: object) -> object:
    """Return a mean that the order of the channels changes."""
    return ops.mean(p * ops.arange(5, dtype="float32"))


@pytest.mark.parametrize("make", [lambda: kapre.ChannelSwap(seed=0), lambda: kapre.SpecAugment(5, 5, seed=0)])
@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
def test_traced_calls_draw_anew(make: object) -> None:
    """Published: a traced ChannelSwap kept the first permutation for ever."""
    x = np.random.default_rng(0).standard_normal((4, 6, 7, 5)).astype("float32")
    inputs = keras.Input((6, 7, 5))
    model = keras.Model(inputs, make()(inputs))  # type: ignore[operator]
    optimizer = keras.optimizers.SGD(0.0)
    model.compile(loss=lambda y, p: weighed(p), optimizer=optimizer, jit_compile=BACKEND == "jax")
    losses = [model.train_on_batch(x, x) for _ in range(4)]
    assert len({float(loss) for loss in losses}) == 4


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        (dict(freq_mask_param=-1, time_mask_param=2), ValueError, "`freq_mask_param` must be an integer, 0 or above"),
        (dict(freq_mask_param=1, time_mask_param=2.5), TypeError, "`time_mask_param` must be an integer"),
        (dict(freq_mask_param=1, time_mask_param=2, n_freq_masks=-1), ValueError, "`n_freq_masks`"),
        (
            dict(freq_mask_param=1, time_mask_param=2, mask_value="x"),
            ValueError,
            "`mask_value` must be a number, 'mean'",
        ),
        (dict(freq_mask_param=1, time_mask_param=2, mask_value=None), TypeError, "`mask_value`"),
        (dict(freq_mask_param=1, time_mask_param=2, seed=1.5), TypeError, "`seed` must be None or an integer"),
    ],
)
def test_bad_arguments(arguments: dict, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        kapre.SpecAugment(**arguments)


def test_rank_is_known_before_training() -> None:
    with pytest.raises(ValueError, match="rank 3 or 4; received shape"):
        kapre.ChannelSwap()(np.zeros((2, 3), "float32"))
    with pytest.raises(ValueError, match="must have shape"):
        kapre.SpecAugment(1, 1)(np.zeros((2, 3, 4), "float32"))


def decibels(batch: int = 3) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.uniform(-80.0, 0.0, (batch, 12, 9, 2)).astype("float32") - 5.0 * np.arange(batch)[:, None, None, None]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("kind", ["mean", "min"])
@pytest.mark.parametrize("masked", [False, True])
def test_the_items_own_level_is_put_in_place(data_format: str, kind: str, masked: bool) -> None:
    """Over all of an item's channels, and over its valid frames where there is a mask."""
    x = decibels().astype("float32")
    lengths = [12, 7, 1] if masked else [12, 12, 12]
    mask = np.arange(12) < np.array(lengths)[:, None]
    if masked:
        mask[0, 3] = False  # a hole is not an end
        x[1, 7:], x[2, 1:] = 900.0, -900.0
    layer = kapre.SpecAugment(5, 6, 2, 2, mask_value=kind, data_format=data_format, seed=5)
    layer = kapre.SpecAugment.from_config(layer.get_config())
    assert layer.mask_value == kind
    given = np.moveaxis(x, -1, 1) if data_format == "channels_first" else x
    y = to_numpy(layer(given, training=True, mask=ops.convert_to_tensor(mask) if masked else None))
    y = np.moveaxis(y, 1, -1) if data_format == "channels_first" else y
    for item, length in enumerate(lengths):
        changed = y[item] != x[item]
        assert changed.any()
        level = getattr(np, kind)(x[item, :length].astype("float64"))
        np.testing.assert_allclose(y[item][changed], level, rtol=1e-5)


def test_an_item_of_no_frames_has_no_level() -> None:
    mask = ops.convert_to_tensor(np.zeros((3, 12), bool))
    for kind in ("mean", "min"):
        y = to_numpy(kapre.SpecAugment(5, 6, mask_value=kind, seed=0)(decibels(), training=True, mask=mask))
        assert np.isfinite(y).all()
        assert kapre.SpecAugment(5, 6, mask_value=kind)(np.zeros((2, 0, 9, 1), "float32"), training=True).shape[1] == 0


def test_zero_behind_decibels_is_warned_of_once() -> None:
    layer = kapre.SpecAugment(2, 2)
    with pytest.warns(UserWarning, match='mask_value=0.0 is above 90 % of the values .* Use mask_value="mean"'):
        layer(decibels() - 1.0, training=True)
    quiet = [layer, kapre.SpecAugment(2, 2, mask_value="min"), kapre.SpecAugment(2, 2, mask_value=-80.0)]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for other in quiet:
            other(decibels() - 1.0, training=True)
        kapre.SpecAugment(2, 2)(decibels() - 1.0)
        kapre.SpecAugment(2, 2)(np.abs(decibels()), training=True)
        masked = np.concatenate([np.ones((3, 4, 9, 2)), -np.ones((3, 96, 9, 2))], axis=1).astype("float32")
        mask = ops.convert_to_tensor(np.broadcast_to(np.arange(100) < 4, (3, 100)))
        kapre.SpecAugment(2, 2)(masked, training=True, mask=mask)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("mask_value", [-7.0, "mean"])
def test_the_masking_of_one_axis_as_0_4_named_it(axis: int, mask_value: float | str) -> None:
    """Its published tests call this method."""
    layer = kapre.SpecAugment(5, 10, mask_value=mask_value, seed=3)
    x = np.random.default_rng(0).standard_normal((6, 8, 5)).astype("float32")
    found = [to_numpy(layer._apply_masks_to_axis(x, axis, 3, 2)) for _ in range(20)]
    value = x.mean() if mask_value == "mean" else mask_value
    for y in found:
        hidden = (y != x).any(axis=tuple({0, 1, 2} - {axis}))
        assert hidden.sum() <= 6
        np.testing.assert_allclose(np.compress(hidden, y, axis), value, rtol=1e-5)
        np.testing.assert_array_equal(np.compress(~hidden, y, axis), np.compress(~hidden, x, axis))
    assert any((y != x).any() for y in found)
    with pytest.raises(NotImplementedError, match="`axis` must be 0, 1 or 2; received axis=3"):
        layer._apply_masks_to_axis(x, 3, 3, 2)
    with pytest.raises(ValueError, match="`mask_param` must be at most"):
        layer._apply_masks_to_axis(x, axis, 9, 2)


@pytest.mark.parametrize("which", [(True, True, True), (True, False, True), (False, False, False)])
def test_selection_of_examples_is_the_same_eagerly_and_compiled(which: tuple[bool, ...]) -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 3, 4, 1)).astype("float32")
    right = np.where(np.asarray(which)[:, None, None], y, x)
    given = [ops.convert_to_tensor(each) for each in (np.asarray(which), y, x)]
    np.testing.assert_array_equal(to_numpy(augment.selected(*given)), right)
    np.testing.assert_array_equal(to_numpy(compiled(augment.selected)(*given)), right)
    found = kernel.to_some(given[0], lambda x: 2.0 * x, given[2], given[1])
    np.testing.assert_array_equal(to_numpy(found), np.where(np.asarray(which)[:, None, None], 2.0 * x, y))
