"""A store reads back equal through each reader."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

import kapre
from kapre import corpus
from tests import test_docs
from tests.corpus.recordings import write_bad, write_good


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("store")
    paths = write_good(made / "good", 60)
    bad = write_bad(made / "bad")
    mixed = [path for pair in zip(paths[:12], bad, strict=True) for path in pair] + paths[12:]
    corpus.extract(mixed, made / "features", "nemo", shard_size=9)
    return made / "features"


@pytest.fixture(scope="module")
def right(folder: Path) -> list[np.ndarray]:
    return [clip.features for clip in corpus.read(folder)]


@pytest.mark.parametrize("name", test_docs.STORES)
def test_the_page(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each example of docs/corpus.md, in a folder with a store, or without where it makes one."""
    if "extract(" not in test_docs.EXAMPLES[name]:
        corpus.extract(write_good(tmp_path / "recordings", 5), tmp_path / "features", "kaldi_fbank")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    test_docs.run(name, tmp_path, monkeypatch)


def test_by_number_by_slice_and_backwards(folder: Path, right: list[np.ndarray]) -> None:
    store = corpus.read(folder)
    assert len(store) == len(right) == 61
    order = np.random.default_rng(0).permutation(61)
    for place in order:
        assert np.array_equal(store[int(place)].features, right[place])
    assert np.array_equal(store[-1].features, right[-1])
    assert [clip.path for clip in store[5:20:7]] == [store[place].path for place in (5, 12, 19)]
    with pytest.raises(IndexError, match="row 61 of a store of 61"):
        store[61]
    again = pickle.loads(pickle.dumps(store))
    assert np.array_equal(again[7].features, right[7])
    assert store.recipe == kapre.frontends.preset("nemo").recipe
    assert repr(store).endswith("61 rows, 11 errors>")


def test_torch(folder: Path, right: list[np.ndarray]) -> None:
    import torch

    store = corpus.read(folder)
    loader = torch.utils.data.DataLoader(
        store, batch_size=None, collate_fn=lambda clip: torch.from_numpy(clip.features)
    )
    for got, features in zip(loader, right, strict=True):
        assert np.array_equal(got.numpy(), features)
    loader = torch.utils.data.DataLoader(
        store, batch_size=7, shuffle=True, collate_fn=lambda clips: clips, num_workers=2
    )
    seen = {clip.path: clip.features for clips in loader for clip in clips}
    assert len(seen) == 61
    assert all(np.array_equal(seen[clip.path], features) for clip, features in zip(store, right, strict=True))


def test_tf_data(folder: Path, right: list[np.ndarray]) -> None:
    import tensorflow as tf

    store = corpus.read(folder)
    spec = tf.TensorSpec((80, None), tf.float32)
    dataset = tf.data.Dataset.from_generator(lambda: (clip.features for clip in store), output_signature=spec)
    for got, features in zip(dataset, right, strict=True):
        assert np.array_equal(got.numpy(), features)


def test_grain(folder: Path, right: list[np.ndarray]) -> None:
    import grain

    store = corpus.read(folder)
    dataset = grain.MapDataset.source(store).map(lambda clip: clip.features)
    for place, features in enumerate(right):
        assert np.array_equal(dataset[place], features)
    shuffled = list(grain.MapDataset.source(store).shuffle(seed=3).map(lambda clip: clip.path))
    assert sorted(shuffled) == sorted(clip.path for clip in store)


def test_pandas(folder: Path, right: list[np.ndarray]) -> None:
    import pandas

    frame = pandas.read_parquet(folder / "shards")
    sound = frame[frame["error"] == ""]
    assert len(frame) == 72
    for (_, row), features in zip(sound.iterrows(), right, strict=True):
        assert np.array_equal(np.reshape(row["features"], row["shape"]), features)


def test_hugging_face_datasets(folder: Path, right: list[np.ndarray], tmp_path: Path) -> None:
    import datasets

    files = str(folder / "shards" / "*.parquet")
    dataset = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path))
    sound = dataset.filter(lambda row: row["error"] == "").with_format("numpy")
    for row, features in zip(sound, right, strict=True):
        assert np.array_equal(np.reshape(row["features"], row["shape"]), features)
