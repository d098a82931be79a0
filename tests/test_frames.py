"""Framing, padding, frame count and overlap-add against NumPy written out, over random sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from kapre import Frame
from kapre.ops import frames
from tests.conftest import BACKEND, compiled, to_numpy

EXAMPLES = 15 if BACKEND == "jax" else 60  # JAX compiles for every size
settings.register_profile("kapre", deadline=None, max_examples=EXAMPLES, derandomize=True)
settings.load_profile("kapre")

sizes = st.integers(1, 12)
times = st.integers(0, 40)


def counted(time: int, frame_length: int, hop_length: int, pad_end: bool) -> int:
    """Count by walking: the frames that fit, or with `pad_end` those that start on a sample."""
    starts = range(0, time, hop_length)
    return sum(1 for start in starts if pad_end or start + frame_length <= time)


@given(times, sizes, sizes, st.booleans())
def test_num_frames(time: int, frame_length: int, hop_length: int, pad_end: bool) -> None:
    expected = counted(time, frame_length, hop_length, pad_end)
    assert frames.num_frames(time, frame_length, hop_length, pad_end) == expected
    tensor = frames.num_frames(ops.convert_to_tensor(time, dtype="int32"), frame_length, hop_length, pad_end)
    assert int(to_numpy(tensor)) == expected
    assert frames.num_frames(None, frame_length, hop_length, pad_end) is None


@given(times, sizes, sizes, st.booleans())
def test_frame(time: int, frame_length: int, hop_length: int, pad_end: bool) -> None:
    x = np.arange(1, 2 * time + 1, dtype="float32").reshape(2, time)
    count = counted(time, frame_length, hop_length, pad_end)
    expected = np.full((2, count, frame_length), -7.0, "float32")
    for item in range(2):
        for i in range(count):
            piece = x[item, i * hop_length : i * hop_length + frame_length]
            expected[item, i, : len(piece)] = piece
    got = frames.frame(ops.convert_to_tensor(x), frame_length, hop_length, pad_end, -7.0)
    np.testing.assert_array_equal(to_numpy(got), expected)


@given(st.integers(0, 9), sizes, sizes)
def test_overlap_add(count: int, frame_length: int, hop_length: int) -> None:
    x = np.random.default_rng(0).integers(-9, 9, (3, count, frame_length)).astype("float32")
    expected = np.zeros((3, max(0, (count - 1) * hop_length + frame_length)))
    for i in range(count):
        expected[:, i * hop_length : i * hop_length + frame_length] += x[:, i]
    np.testing.assert_array_equal(to_numpy(frames.overlap_add(ops.convert_to_tensor(x), hop_length)), expected)


@given(st.integers(1, 9), st.integers(0, 30), st.integers(0, 30), st.sampled_from(frames.PAD_MODES))
def test_pad_is_numpys(time: int, left: int, right: int, mode: str) -> None:
    x = np.arange(1, 2 * time + 1, dtype="float32").reshape(2, time)
    period = {
        "reflect": np.concatenate([x, x[:, -2:0:-1]], axis=1),
        "symmetric": np.concatenate([x, x[:, ::-1]], axis=1),
    }
    if mode in period:  # written out: NumPy before 2 repeats a short reflection wrongly
        expected = np.take(period[mode], np.arange(-left, time + right), axis=1, mode="wrap")
    else:
        expected = np.pad(x, [(0, 0), (left, right)], mode=mode)
    np.testing.assert_array_equal(to_numpy(frames.pad(ops.convert_to_tensor(x), left, right, mode)), expected)


@pytest.mark.parametrize("mode", frames.PAD_MODES)
def test_nothing_is_padded_with_zeros(mode: str) -> None:
    got = frames.pad(ops.convert_to_tensor(np.ones((2, 0), "float32")), 3, 2, mode)
    np.testing.assert_array_equal(to_numpy(got), np.zeros((2, 5)))


@pytest.mark.parametrize("mode", frames.PAD_MODES)
# Elsewhere a trace knows its length: one shorter than the padding, and one longer.
@pytest.mark.parametrize("time", [0, 1, 2, 5, 30] if BACKEND == "tensorflow" else [2, 30])
def test_unknown_time_pads_the_same(mode: str, time: int) -> None:
    x = np.arange(1, 2 * time + 1, dtype="float32").reshape(2, time)
    expected = to_numpy(frames.pad(ops.convert_to_tensor(x), 7, 4, mode))
    if BACKEND == "tensorflow":
        import tensorflow as tf

        fn = tf.function(lambda v: frames.pad(v, 7, 4, mode), input_signature=[tf.TensorSpec((None, None), tf.float32)])
    else:
        fn = compiled(lambda v: frames.pad(v, 7, 4, mode))
    np.testing.assert_array_equal(to_numpy(fn(ops.convert_to_tensor(x))), expected)


def test_layer_skips_samples_when_the_hop_is_longer() -> None:
    x = np.arange(10, dtype="float32").reshape(1, 10, 1)
    assert to_numpy(Frame(2, 4)(x))[0, :, :, 0].tolist() == [[0, 1], [4, 5], [8, 9]]


def test_layer_pads_with_a_value() -> None:
    x = np.arange(5, dtype="float32").reshape(1, 5, 1)
    assert to_numpy(Frame(4, 3, pad_end=True, pad_value=9)(x))[0, :, :, 0].tolist() == [[0, 1, 2, 3], [3, 4, 9, 9]]


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ((0, 1), ValueError, "`frame_length` must be a positive integer; received frame_length=0"),
        ((4, 0), ValueError, "`hop_length` must be a positive integer; received hop_length=0. Use 2 for 50 % overlap"),
        ((4, 1.5), TypeError, "`hop_length`"),
        ((4, 2, False, float("nan")), ValueError, "`pad_value`"),
        ((4, 2, False, 0, "channels_middle"), ValueError, "`data_format`"),
        ((4, 2, False, 0, 3), TypeError, "`data_format`"),
    ],
)
def test_bad_arguments(arguments: tuple, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        Frame(*arguments)
