"""A store reads back equal through each reader."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import grain
import numpy as np
import pyarrow as pa
import pytest

import kapre
from kapre import corpus
from kapre.corpus import CorpusError
from tests import doc_examples
from tests.corpus.recordings import write_bad, write_good


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    made = tmp_path_factory.mktemp("recordings")
    paths = write_good(made / "good", 60)
    bad = write_bad(made / "bad")
    return [path for pair in zip(paths[:12], bad, strict=True) for path in pair] + paths[12:]


@pytest.fixture(scope="module")
def parquet(recordings: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parquet") / "features"
    corpus.extract(recordings, folder, "nemo", shard_size=9)
    return folder


@pytest.fixture(scope="module", params=["parquet", "array_record"])
def folder(
    request: pytest.FixtureRequest, parquet: Path, recordings: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The same store in each format."""
    if request.param == "parquet":
        return parquet
    made = tmp_path_factory.mktemp("array_record") / "features"
    summary = corpus.extract(recordings, made, "nemo", shard_size=9, format="array_record", workers=2)
    assert (summary.ok, summary.failed) == (61, 11)
    assert summary.bytes == sum(path.stat().st_size for path in (made / "shards").iterdir())
    return made


@pytest.fixture(scope="module")
def right(parquet: Path) -> list[np.ndarray]:
    return [clip.features for clip in corpus.read(parquet)]


@pytest.mark.parametrize("name", doc_examples.STORES)
def test_the_page(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each example of docs/corpus.md, in a folder with recordings, and with their store unless it makes one."""
    paths = write_good(tmp_path / "recordings", 5)
    if "extract(" not in doc_examples.EXAMPLES[name]:
        corpus.extract(paths, tmp_path / "features", "kaldi_fbank")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    doc_examples.run_example(name, tmp_path, monkeypatch)


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
    assert ">rows</th><td" in store._repr_html_()
    assert ">61</td>" in store._repr_html_()
    assert ">11</td>" in store._repr_html_()


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
    store = corpus.read(folder)
    dataset = grain.MapDataset.source(store).map(lambda clip: clip.features)
    for place, features in enumerate(right):
        assert np.array_equal(dataset[place], features)
    shuffled = list(grain.MapDataset.source(store).shuffle(seed=3).map(lambda clip: clip.path))
    assert sorted(shuffled) == sorted(clip.path for clip in store)


def test_pandas(parquet: Path, right: list[np.ndarray]) -> None:
    import pandas

    frame = pandas.read_parquet(parquet / "shards")
    sound = frame[frame["error"] == ""]
    assert len(frame) == 72
    for (_, row), features in zip(sound.iterrows(), right, strict=True):
        assert np.array_equal(np.reshape(row["features"], row["shape"]), features)


def test_hugging_face_datasets(parquet: Path, right: list[np.ndarray], tmp_path: Path) -> None:
    import datasets

    files = str(parquet / "shards" / "*.parquet")
    dataset = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path))
    sound = dataset.filter(lambda row: row["error"] == "").with_format("numpy")
    for row, features in zip(sound, right, strict=True):
        assert np.array_equal(np.reshape(row["features"], row["shape"]), features)


def test_both_formats_hold_the_same(folder: Path, parquet: Path) -> None:
    one, other = corpus.read(folder), corpus.read(parquet)
    for a, b in zip(one, other, strict=True):
        assert (a.path, a.start, a.duration, a.n_samples, a.carried) == (
            b.path,
            b.start,
            b.duration,
            b.n_samples,
            b.carried,
        )
    assert one.errors() == other.errors()
    assert (folder / "errors.csv").read_text() == (parquet / "errors.csv").read_text()


def test_records_without_kapre(recordings: list[Path], tmp_path: Path) -> None:
    """What docs/corpus.md says of a record: an Arrow stream of one row."""
    corpus.extract(recordings, tmp_path / "store", "nemo", format="array_record", shard_size=100)
    (path,) = (tmp_path / "store" / "shards").iterdir()
    source = grain.sources.ArrayRecordDataSource([str(path)])
    rows = [pa.ipc.open_stream(record).read_all().to_pylist()[0] for record in source]
    assert [row["path"] for row in rows] == [str(each) for each in recordings]
    sound = [row for row in rows if not row["error"]]
    for row, clip in zip(sound, corpus.read(tmp_path / "store"), strict=True):
        assert np.array_equal(np.array(row["features"], "float32").reshape(row["shape"]), clip.features)


def test_array_record_that_is_damaged_goes_on(recordings: list[Path], tmp_path: Path) -> None:
    store = tmp_path / "store"
    few = recordings[:20]
    corpus.extract(few, store, "nemo", format="array_record", shard_size=5)
    with pytest.raises(CorpusError, match="format is 'parquet', was 'array_record'"):
        corpus.extract(few, store, "nemo", resume=True)
    path = store / "shards" / "shard-00002-of-00004.array_record"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(CorpusError, match=r"is no shard that can be read .* Remove it, and use resume=True"):
        corpus.read(store)
    flipped = bytearray(content)
    for place in range(len(content) // 3, len(content) // 3 + 200):
        flipped[place] ^= 0x55
    path.write_bytes(bytes(flipped))
    with pytest.raises(CorpusError, match=r"(is damaged|is no shard).* Remove it, and use resume=True"):
        list(corpus.read(store))
    path.unlink()
    assert corpus.extract(few, store, "nemo", format="array_record", resume=True).resumed == 3
    assert len(corpus.read(store)) == sum(path.parent.name != "bad" for path in few)


def test_array_record_that_is_not_installed(
    recordings: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "array_record.python", None)
    with pytest.raises(ImportError, match=r"pip install 'kapre\[arrayrecord\]'"):
        corpus.extract(recordings, tmp_path / "store", "nemo", format="array_record")
    assert not (tmp_path / "store").exists()
