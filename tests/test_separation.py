"""Running medians against SciPy, and the separation of harmonic and percussive sound against librosa."""

from __future__ import annotations

import math
from typing import Any

import librosa
import numpy as np
import pytest
from keras import ops
from scipy.ndimage import median_filter

import kapre
from kapre.ops import medians
from tests.conftest import float64, quick, to_numpy


def spectrogram(seed: int, *shape: int) -> np.ndarray:
    """Make magnitudes with some equal values and some zeros, `(..., frames, bins)`."""
    rng = np.random.default_rng(seed)
    return np.round(np.abs(rng.normal(size=shape)) * rng.choice([0.0, 1.0, 30.0], shape), 1)


@pytest.mark.parametrize("size", [1, 3, 5, 7, 9, 11, 13, 15, 17, 31, 33, 63])
@pytest.mark.parametrize("entries", [1, 4, 70])
def test_running_median(size: int, entries: int) -> None:
    x = spectrogram(size, 3, 2, entries)
    with float64():
        found = to_numpy(quick(lambda x: medians.running_median(x, size))(ops.convert_to_tensor(x)))
    padded = np.pad(x, [(0, 0), (0, 0), (size // 2, size // 2)], mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=2)
    np.testing.assert_array_equal(found, np.median(windows, axis=-1))
    if size <= entries:  # SciPy 1.17 reads memory outside of a shorter array
        np.testing.assert_array_equal(found, median_filter(x, size=(1, 1, size), mode="reflect"))


def test_blocks_of_rows() -> None:
    """More rows than fit into a block, the last one not full."""
    x = spectrogram(0, 3, 401, 100).astype("float32")
    found = to_numpy(medians.running_median(ops.convert_to_tensor(x), 5))
    np.testing.assert_array_equal(found, median_filter(x, size=(1, 1, 5), mode="reflect"))


@pytest.mark.parametrize(
    ("sizes", "power", "margin"),
    [(31, 2.0, 1.0), ((5, 9), 1.0, 1.0), (7, 1.5, (2.0, 3.0)), ((3, 17), math.inf, 1.0), (9, 2.0, 1.2)],
)
def test_hpss_is_librosas(sizes: Any, power: float, margin: Any) -> None:
    s = spectrogram(1, 40, 33)
    theirs = (sizes[1], sizes[0]) if isinstance(sizes, tuple) else sizes  # of librosa: the harmonic filter first
    theirs = sizes if isinstance(sizes, tuple) else theirs
    right = librosa.decompose.hpss(s.T, kernel_size=theirs, power=power, margin=margin)
    masks = librosa.decompose.hpss(s.T, kernel_size=theirs, power=power, margin=margin, mask=True)
    with float64():
        for place, component in enumerate(("harmonic", "percussive")):
            arguments: dict[str, Any] = dict(kernel_size=sizes, power=power, margin=margin, dtype="float64")
            found = to_numpy(quick(kapre.HPSS(component, **arguments))(s[None]))[0]
            np.testing.assert_allclose(found, right[place].T, atol=1e-12)
            mask = to_numpy(quick(kapre.HPSS(component, mask=True, **arguments))(s[None]))[0]
            np.testing.assert_allclose(mask, masks[place].T, atol=1e-12)
        rest = to_numpy(quick(kapre.HPSS("residual", **arguments))(s[None]))[0]
    np.testing.assert_allclose(rest, s - right[0].T - right[1].T, atol=1e-9)


def test_a_padded_item_and_no_channels() -> None:
    s = spectrogram(2, 2, 30, 9).astype("float32")
    mask = np.arange(30) < np.array([[30], [12]])
    layer = kapre.HPSS(kernel_size=(7, 3))
    given = np.where(mask[..., None], s, np.nan)
    y = to_numpy(layer(given, mask=ops.convert_to_tensor(mask)))
    np.testing.assert_allclose(y[:1], to_numpy(layer(s[:1])), atol=1e-6)
    np.testing.assert_allclose(y[1:, :12], to_numpy(layer(s[1:, :12])), atol=1e-6)
    channels = kapre.HPSS(kernel_size=(7, 3), data_format="channels_first")
    np.testing.assert_allclose(to_numpy(channels(s[:, None]))[:, 0], to_numpy(layer(s)), atol=1e-6)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: kapre.HPSS("drums"), "component"),
        (lambda: kapre.HPSS(kernel_size=30), "kernel_size.*odd"),
        (lambda: kapre.HPSS(kernel_size=(3, 5, 7)), "kernel_size.*or two"),
        (lambda: kapre.HPSS(power=0.0), "power"),
        (lambda: kapre.HPSS(margin=0.5), "margin.*at least 1"),
        (lambda: kapre.HPSS()(np.zeros((3, 4), "float32")), "frames, bins"),
    ],
)
def test_errors(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
