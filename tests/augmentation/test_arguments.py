"""Arguments of augmentations: what is refused, and banks, which no file contains."""

from __future__ import annotations

import gc
import json
import pickle
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import soundfile

from kapre import augmentation as aug
from tests.augmentation.calls import drawn, example
from tests.augmentations import AUGMENTATIONS, BANK
from tests.conftest import BACKEND, to_numpy
from tests.processes import python

ROW = AUGMENTATIONS["AddNoise"]


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: aug.RandomGain(p=1.5), ValueError, r"`p` must be a probability in \[0, 1\]; received p=1.5"),
        (lambda: aug.RandomGain(p="often"), TypeError, "`p` must be a probability"),
        (
            lambda: aug.RandomGain(3, -3),
            ValueError,
            "`min_gain_db` must be at most max_gain_db=-3.0; received min_gain",
        ),
        (lambda: aug.RandomGain(max_gain_db=float("inf")), ValueError, "`max_gain_db` must be a finite number"),
        (lambda: aug.RandomGain(per_channel="yes"), TypeError, "`per_channel` must be True or False"),
        (lambda: aug.RandomShift(unit="ms"), ValueError, "`unit` must be one of 'fraction', 'seconds', 'samples'"),
        (lambda: aug.RandomShift(unit="seconds"), ValueError, "`sample_rate` must be a rate in Hz above 0; received"),
        (lambda: aug.RandomShift(sample_rate=0), ValueError, "`sample_rate` must be a rate in Hz above 0"),
        (lambda: aug.RandomCrop(0), ValueError, "`length` must be a positive integer"),
        (lambda: aug.Fade(max_fade_in=-0.1), ValueError, "`max_fade_in` must be a number, 0 or above"),
        (lambda: aug.Fade(fade_shape="cubic"), ValueError, "`fade_shape` must be one of 'linear'"),
        (lambda: aug.Clipping(0, 101), ValueError, r"`max_percent` must be a percentage in \[0, 100\]"),
        (lambda: aug.BitCrush(5, 25), ValueError, "`max_bits` must be at most 24"),
        (lambda: aug.BitCrush(9, 8), ValueError, "`min_bits` must be at most max_bits=8"),
        (lambda: aug.DropChunk(min_chunks=4), ValueError, "`min_chunks` must be at most max_chunks=3"),
        (lambda: aug.ChannelDrop(2), ValueError, "`min_channels` must be at most max_channels=1"),
        (lambda: aug.AddColoredNoise(seed=0.5), TypeError, "`seed` must be None or an integer"),
        (lambda: aug.AddNoise(np.zeros(9)), ValueError, r"`bank` must be an array of shape \(recordings, samples\)"),
        (lambda: aug.AddNoise(np.full((1, 9), np.nan)), ValueError, "`bank` must be an array of finite numbers"),
        (lambda: aug.AddNoise(None), TypeError, "`bank` must be an array; received bank=None"),
        (lambda: aug.bank("nothing", 16000), ValueError, "`folder` must be a folder with recordings"),
        (lambda: aug.bank(".", 16000, seconds=0), ValueError, "`seconds` must be seconds above 0, or None"),
    ],
)
def test_bad_arguments(make: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        make()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lengths": [3]}, "`lengths` must be one number for each of 3 clips"),
        ({"lengths": [1.5, 2, 3]}, "`lengths` must be integers of shape"),
        ({"mask": np.ones((3, 7), bool)}, "`mask` must be over the samples, of shape"),
    ],
)
def test_bad_lengths(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        aug.RandomGain()(example(ROW), training=True, **options)


def test_a_bank_is_read_from_a_folder(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "deep").mkdir()
    long, short = (rng.uniform(-0.5, 0.5, size) for size in (2500, 300))
    soundfile.write(tmp_path / "deep" / "a.wav", long, 1000, subtype="FLOAT")
    soundfile.write(tmp_path / "z.FLAC", np.stack([short, short], axis=1), 1000, format="FLAC", subtype="PCM_24")
    (tmp_path / "notes.txt").write_text("no sound")
    rows = aug.bank(tmp_path, 1000, seconds=1.0)
    assert rows.dtype == np.float32
    assert rows.shape == (3, 1000)
    np.testing.assert_allclose(rows[:2].ravel(), long[:2000], atol=1e-6)
    np.testing.assert_allclose(rows[2], np.tile(short, 4)[:1000], atol=1e-6)
    assert aug.bank(str(tmp_path), 1000).shape == (2, 2500)
    assert aug.bank(tmp_path, 500).shape == (2, 1250)  # resampled


def config(bank: np.ndarray) -> dict[str, Any]:
    """Return the config of a layer that is then gone, and its bank with it, as in a new process."""
    found = aug.AddNoise(bank, seed=3).get_config()
    gc.collect()
    return json.loads(json.dumps(found))


def test_a_bank_is_in_no_config_and_training_asks_for_it() -> None:
    bank = np.random.default_rng(11).standard_normal((2, 5000)).astype("float32")
    found = config(bank)
    assert found["bank"].keys() == {"shape", "sha256"}
    assert found["bank"]["shape"] == [2, 5000]
    layer = aug.AddNoise.from_config(found)
    assert layer.bank is None
    assert layer.get_config()["bank"] == found["bank"]
    x = example(ROW)
    np.testing.assert_array_equal(to_numpy(layer(x)), x)
    with pytest.raises(ValueError, match=r"`bank` must be set before training.*layer\.bank.*\(2, 5000\)"):
        layer(x, training=True)
    with pytest.raises(ValueError, match=r"`bank` must be the one of the config.*Make a new layer"):
        layer.bank = bank + 1.0
    layer.bank = bank.astype("float64")
    np.testing.assert_array_equal(drawn(layer, x)[0], drawn(aug.AddNoise(bank, seed=3), x)[0])


def test_a_bank_in_use_is_found_by_copies_and_in_no_file(tmp_path: Path) -> None:
    bank = np.random.default_rng(12).standard_normal((2, 50_000)).astype("float32")
    layer = aug.AddNoise(bank)
    assert layer.bank is not bank
    with pytest.raises(ValueError, match="read-only"):
        layer.bank[0] = 0.0
    model = keras.Sequential([keras.Input((None, 1)), layer])
    model.save(tmp_path / "model.keras")
    assert (tmp_path / "model.keras").stat().st_size < 20_000
    for other in (keras.models.clone_model(model), keras.saving.load_model(tmp_path / "model.keras")):
        assert other.layers[-1].bank is layer.bank
    assert layer.weights == []


def test_a_pickle_takes_the_bank_to_another_process(tmp_path: Path) -> None:
    """As the workers of a DataLoader get it where processes are spawned."""
    chain = aug.Chain([aug.AddNoise(BANK, seed=1), aug.Reverb(16000, BANK, seed=2)])
    (tmp_path / "layer").write_bytes(pickle.dumps(chain))
    code = (
        "import pickle, sys, numpy as np; layer = pickle.load(open(sys.argv[1], 'rb')); "
        "print(layer(np.ones((1, 100, 1), 'float32'), training=True).shape, layer.layers[0].bank.shape)"
    )
    done = python("-c", code, tmp_path / "layer", KERAS_BACKEND=BACKEND)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "(3, 70)" in done.stdout


def test_the_rank_is_checked_in_each_call() -> None:
    layer = aug.RandomGain()
    layer(np.ones((2, 10, 1), "float32"), training=True)
    for shape in ((2, 10), (2, 3, 10, 1)):
        with pytest.raises(ValueError, match="a batch of waveforms, of rank 3"):
            layer(np.ones(shape, "float32"), training=True)


def test_seeds() -> None:
    assert aug.RandomGain(seed=np.int64(3)).seed == 3
    for seed in (-1, 2**40):
        with pytest.raises(ValueError, match="`seed` must be None or an integer from 0"):
            aug.RandomGain(seed=seed)
