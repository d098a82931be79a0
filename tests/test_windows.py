"""Windows against TensorFlow's own, which is where their names and quirks come from."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from kapre import backend
from tests.conftest import BACKEND, to_numpy

NAMES = ("hamming_window", "hann_window", "kaiser_bessel_derived_window", "kaiser_window", "vorbis_window")
LENGTHS = (1, 2, 3, 4, 5, 16, 25, 160, 399, 400, 512, 1023, 2048)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("length", LENGTHS)
def test_equal_to_tensorflow(name: str, length: int) -> None:
    if name == "kaiser_bessel_derived_window" and length % 2:
        with pytest.raises(ValueError, match=rf"length={length}\. Use {length + 1}"):
            backend.get_window_fn(name)(length)
        return
    got = to_numpy(backend.get_window_fn(name)(length))
    assert got.dtype == np.float32
    assert got.shape == (length,)
    np.testing.assert_allclose(got, getattr(tf.signal, name)(length).numpy(), atol=2e-6)


def test_none_is_hann() -> None:
    np.testing.assert_array_equal(backend.get_window_fn()(8), backend.get_window_fn("hann_window")(8))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_takes_a_dtype(dtype: str) -> None:
    window = backend.get_window_fn("hamming_window")(64, dtype=dtype)
    assert dtype in str(window.dtype)
    exact = backend.get_window_fn("hamming_window")(64)
    np.testing.assert_allclose(to_numpy(window).astype("float32"), to_numpy(exact), atol=4e-3)


def test_fits_tensorflows_stft() -> None:
    x = tf.random.stateless_normal((1000,), seed=(1, 2))

    def window_fn(length: int, dtype: tf.DType) -> np.ndarray:
        return to_numpy(backend.get_window_fn("vorbis_window")(length, dtype=dtype.name))

    # On TensorFlow as it is, and in a graph; elsewhere through NumPy.
    if BACKEND == "tensorflow":
        got = tf.function(lambda x: tf.signal.stft(x, 256, 64, window_fn=backend.get_window_fn("vorbis_window")))(x)
    else:
        got = tf.signal.stft(x, 256, 64, window_fn=window_fn)
    np.testing.assert_allclose(got, tf.signal.stft(x, 256, 64, window_fn=tf.signal.vorbis_window), atol=1e-4)


def test_unknown_name_lists_the_names() -> None:
    with pytest.raises(NotImplementedError) as error:
        backend.get_window_fn("blackman")
    assert all(name in str(error.value) for name in ("blackman", *NAMES))


@pytest.mark.parametrize(("length", "kind"), [(0, ValueError), (-3, ValueError), (2.5, TypeError), ("8", TypeError)])
def test_bad_length(length: object, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="`length` must be a positive integer"):
        backend.get_window_fn()(length)


@pytest.mark.parametrize(
    ("short", "name"), [("hann", "hann_window"), ("hamming", "hamming_window"), ("kaiser", "kaiser_window")]
)
def test_a_shortened_name_is_answered_with_the_whole(short: str, name: str) -> None:
    with pytest.raises(NotImplementedError, match=f"received window_name='{short}'. Use '{name}'."):
        backend.get_window_fn(short)
