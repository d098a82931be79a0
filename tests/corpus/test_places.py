"""Stores and recordings on object storage: a server that speaks S3 runs beside the tests."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import fsspec
import keras
import numpy as np
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from kapre import corpus
from kapre.corpus import CorpusError, _place
from kapre_cli.main import _code
from tests.corpus.recordings import PRESET, write_good


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A bucket of a server that speaks S3."""
    program = (
        "from moto.server import ThreadedMotoServer; import sys; server = ThreadedMotoServer(port=0, verbose=False); "
        "server.start(); "
        "print(server.get_host_and_port()[1], flush=True); sys.stdin.read()"
    )
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with pytest.MonkeyPatch.context() as patch, subprocess.Popen([sys.executable, "-c", program], **pipes) as server:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.stdout.readline().strip()}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        boto3.client("s3").create_bucket(Bucket="corpus")
        yield "s3://corpus"


def s3() -> fs.FileSystem:
    return fs.FileSystem.from_uri("s3://corpus/")[0]


@pytest.fixture(scope="module")
def recordings(bucket: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Recordings here, and the same in the bucket, with a manifest that names one more."""
    folder = tmp_path_factory.mktemp("recordings")
    paths = write_good(folder, 20)
    (folder / "0" / "cut.wav").write_bytes(paths[0].read_bytes()[:2000])
    names = [str(path.relative_to(folder)) for path in sorted((folder / "0").iterdir())]
    lines = [json.dumps({"path": name, "kind": name[-3:]}) for name in [*names, "gone away.wav"]]
    (folder / "all.jsonl").write_text("\n".join(lines))
    fs.copy_files(str(folder), f"{bucket}/in", chunk_size=1 << 20)
    return folder, f"{bucket}/in"


def rows(store: corpus.Store) -> list[tuple[str, float, bytes]]:
    return [(os.path.basename(clip.path), clip.duration, clip.features.tobytes()) for clip in store]


@pytest.mark.parametrize("engine", ["local", pytest.param("ray", marks=pytest.mark.thorough)])
def test_from_a_bucket_to_a_bucket(engine: str, bucket: str, recordings: tuple[Path, str], tmp_path: Path) -> None:
    folder, there = recordings
    corpus.extract(folder / "all.jsonl", tmp_path / "here", PRESET, shard_size=8)
    right = corpus.read(tmp_path / "here")
    target = f"{bucket}/{engine}"
    words = ["extract", f"{there}/all.jsonl", "-o", target, "--preset", PRESET, "--engine", engine, "-j", "2"]
    command = [sys.executable, "-m", "kapre_cli", *words, "--shard-size", "8", "--backend", keras.backend.backend()]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1, result.stderr
    assert all(" of 22 files, " in line for line in result.stderr.splitlines()), result.stderr
    assert result.stdout == f"20 ok, 2 failed → {target}/errors.csv\n"
    store = corpus.read(target)
    assert rows(store) == rows(right)
    assert [clip.carried for clip in store] == [clip.carried for clip in right]
    assert {clip.path.rpartition("/")[0] for clip in store} == {f"{there}/0"}
    assert [(e.stage, e.reason) for e in store.errors()] == [(e.stage, e.reason) for e in right.errors()]
    assert store.errors()[-1].path == f"{there}/gone away.wav"
    assert pickle.loads(pickle.dumps(store))[3].path == store[3].path
    names = [info.path for info in s3().get_file_info(fs.FileSelector(f"corpus/{engine}", recursive=True))]
    assert sorted(name.partition("/")[2].partition("/")[2] for name in names if "." in name) == [
        "_kapre.json",
        "errors.csv",
        *(f"shards/shard-{n:05d}-of-00003.parquet" for n in range(3)),
    ]


def test_a_store_in_a_bucket_goes_on_and_is_replaced(bucket: str, recordings: tuple[Path, str]) -> None:
    _, there = recordings
    target = f"{bucket}/again"
    summary = corpus.extract(f"{there}/0", target, PRESET, shard_size=4, glob="**/good*.wav")
    assert (summary.ok, summary.failed, summary.shards) == (10, 0, 3)
    with pytest.raises(CorpusError, match="there is a store already"):
        corpus.extract(f"{there}/0", target, PRESET)
    s3().delete_file("corpus/again/shards/shard-00001-of-00003.parquet")
    with pytest.raises(CorpusError, match="the store is not whole"):
        corpus.read(target)
    assert corpus.extract(f"{there}/0", target, PRESET, glob="**/good*.wav", resume=True).resumed == 2
    assert len(corpus.read(target)) == 10
    assert corpus.extract(f"{there}/0", target, PRESET, glob="*.ogg", overwrite=True).rows == 3
    assert len(corpus.read("corpus/again", filesystem=s3())) == 3
    with pytest.raises(ValueError, match=r"`format` must be .* on other file systems"):
        corpus.extract(f"{there}/0", target, PRESET, format="array_record", overwrite=True)


def test_what_is_not_there(bucket: str, recordings: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CorpusError, match=r"s3://corpus/none: no store of `kapre extract`"):
        corpus.read(f"{bucket}/none")
    with pytest.raises(CorpusError, match="no such manifest"):
        corpus.extract(f"{bucket}/none.csv", f"{bucket}/new", PRESET)
    with pytest.raises(CorpusError, match="no file system that can be used"):
        corpus.extract("nosuch://host/x.wav", f"{bucket}/new2", PRESET, glob="*")
    with pytest.raises(CorpusError, match="nothing can be written there"):
        corpus.extract(recordings[0] / "0", "s3://no-such-bucket/store", PRESET)
    assert _code(["info", f"{bucket}/none"]) == 1
    assert "no store of `kapre extract`" in capsys.readouterr().err


def test_the_command_reads_a_store_of_a_bucket(
    bucket: str, recordings: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = f"{bucket}/shown"
    corpus.extract([f"{recordings[1]}/0/good_0000.wav"], target, PRESET)
    assert _code(["info", target]) == 0
    assert "1 with features, 0 with an error" in capsys.readouterr().out
    assert _code(["show", target, "--row", "0", "-o", str(tmp_path / "row.png")]) == 0
    assert (tmp_path / "row.png").stat().st_size > 10_000
    assert _code(["extract", f"{recordings[1]}/0", "-o", target, "--preset", PRESET, "--dry-run"]) == 0
    assert "21 files, audio of unknown length, 2 shards of 16" in capsys.readouterr().out


def test_a_file_system_that_renames(recordings: tuple[Path, str]) -> None:
    """What is being written has another name until it is whole, where files grow in sight of all."""
    moved = []

    class Watched(fs.FSSpecHandler):
        """A file system whose moves are noted."""

        def move(self, source: str, target: str) -> None:
            moved.append((os.path.basename(source)[:9], os.path.basename(target)))
            super().move(source, target)

    filesystem = fs.PyFileSystem(Watched(fsspec.filesystem("memory")))
    corpus.extract(recordings[0] / "0", "folder/store", PRESET, filesystem=filesystem, shard_size=32)
    shard = "shard-00000-of-00001.parquet"
    assert moved == [(".writing-", name) for name in ("_kapre.json", shard, "errors.csv", "_kapre.json")]
    store = corpus.read("folder/store", filesystem=filesystem)
    assert (len(store), len(store.errors())) == (20, 1)
    found = filesystem.get_file_info(fs.FileSelector("folder/store", recursive=True))
    names = {info.base_name for info in found if info.is_file}
    assert names == {"_kapre.json", "errors.csv", shard}


def test_what_storage_does_not_give_is_tried_again(
    recordings: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that says so, and --resume makes its shard again."""
    monkeypatch.setattr(_place, "_TRIES", (0.0, 0.0))
    folder = recordings[0]
    names = [f"flaky://host/{path.name}" for path in sorted((folder / "0").glob("good*"))[:6]]
    asked = []

    class Flaky(fs.FSSpecHandler):
        """A file system that has bad days."""

        broken = True

        def open_input_stream(self, path: str) -> object:
            asked.append(path)
            if self.broken and path.endswith("2.ogg"):
                raise RuntimeError("slow down")
            return fs.LocalFileSystem().open_input_stream(str(folder / "0" / path))

    handler = Flaky(fsspec.filesystem("memory"))
    monkeypatch.setattr(_place, "_file_system", lambda *_: (fs.PyFileSystem(handler), ""))
    summary = corpus.extract(names, tmp_path / "store", PRESET, shard_size=2)
    assert (summary.ok, summary.failed) == (5, 1)
    (error,) = corpus.read(tmp_path / "store").errors()
    assert (error.stage, error.reason) == ("fetch", "it cannot be had (slow down)")
    assert asked.count("good_0002.ogg") == 2
    handler.broken = False
    summary = corpus.extract(names, tmp_path / "store", PRESET, resume=True)
    assert (summary.ok, summary.failed, summary.resumed) == (6, 0, 2)
    assert len(corpus.read(tmp_path / "store")) == 6


def test_an_upload_that_fails_leaves_what_was_there() -> None:
    class Full(fs.FSSpecHandler):
        """An object store that takes nothing more."""

        full = False

        def get_type_name(self) -> str:
            return "s3"

        def open_output_stream(self, path: str, metadata: object) -> object:
            if self.full:
                raise OSError("503 slow down")
            return super().open_output_stream(path, metadata)

    handler = Full(fsspec.filesystem("memory"))
    place = _place.Place.of("full", fs.PyFileSystem(handler))
    place.write_text("old", "about.json")
    handler.full = True
    with pytest.raises(OSError, match="slow down"):
        place.write_text("new", "about.json")
    assert place.read_text("about.json") == "old"


def test_shards_of_another_run(recordings: tuple[Path, str], tmp_path: Path) -> None:
    """They may land late, from a worker of a run that was killed and replaced."""
    files = sorted((recordings[0] / "0").glob("good*"))[:6]
    corpus.extract(files, tmp_path / "old", "whisper", shard_size=2)
    corpus.extract(files, tmp_path / "new", PRESET, shard_size=2)
    name = "shards/shard-00001-of-00003.parquet"
    (tmp_path / "new" / name).write_bytes((tmp_path / "old" / name).read_bytes())
    with pytest.raises(CorpusError, match=r"is of another run\. Remove it, and use resume=True"):
        corpus.read(tmp_path / "new")
    with pytest.raises(CorpusError, match=r"is of another run\. Remove it, and use resume=True"):
        corpus.extract(files, tmp_path / "new", PRESET, resume=True)
    (tmp_path / "new" / name).unlink()
    assert corpus.extract(files, tmp_path / "new", PRESET, resume=True).resumed == 2


@pytest.mark.parametrize("left", [[], ["errors.csv"], ["errors.csv", "_kapre.json"]])
def test_a_run_that_was_killed_as_it_began(left: list[str], recordings: tuple[Path, str], tmp_path: Path) -> None:
    """Whatever of the old store was removed already, it can be replaced; what was being written is no reason not to."""
    files = sorted((recordings[0] / "0").glob("good*"))[:4]
    store = tmp_path / "store"
    corpus.extract(files, store, "whisper")
    shutil.rmtree(store / "shards")
    for name in left:
        (store / name).unlink()
    (store / ".writing-x.json").write_text("{")
    assert corpus.extract(files, store, PRESET, overwrite=True).ok == 4
    assert sorted(path.name for path in store.iterdir()) == [".lock", "_kapre.json", "errors.csv", "shards"]


def test_uris() -> None:
    for uri, path in (
        ("s3://bucket/a/b c?d.wav", "bucket/a/b c?d.wav"),
        ("s3://bucket/take?v=2.wav", "bucket/take?v=2.wav"),
        ("s3://bucket", "bucket"),
        ("s3://bucket?region=eu-west-1", "bucket"),
        ("s3://key:secret@bucket/a", "bucket/a"),
        ("s3://bucket/a?region=eu-west-1&endpoint_override=http://127.0.0.1:9/", "bucket/a"),
        ("gs://anonymous@bucket/a", "bucket/a"),
        ("abfs://container@account.dfs.core.windows.net/a/b", "container/a/b"),
    ):
        assert _place.on_file_system(uri)[1].rstrip("/") == path
    for uri in ("s3://bucket/a", "s3://key:secret@bucket/a", "s3://bucket/a?region=x"):
        assert _place.without_secrets(uri) == "s3://bucket/a"
    assert _place.is_uri("s3://bucket/a b?x.wav")
    assert not _place.is_uri("folder/a:b.wav")
    assert not _place.is_uri("C:\\folder\\a.wav")
    assert _place.split_uri("s3://b/x.csv?region=eu-west-1") == ("s3://b/x.csv", "?region=eu-west-1")
    assert _place.split_uri("s3://b/what?.wav") == ("s3://b/what?.wav", "")
    assert _place.without_secrets("a?region=x/b.wav") == "a?region=x/b.wav"
    filesystem, path = _place.on_file_system("file:///some/folder")
    assert isinstance(filesystem, fs.LocalFileSystem)
    assert path == "/some/folder"


def test_a_shard_of_bytes_is_the_same_wherever_it_is(bucket: str, recordings: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = recordings
    corpus.extract(folder / "0", tmp_path / "one", PRESET, shard_size=32)
    corpus.extract(folder / "0", f"{bucket}/one", PRESET, shard_size=32)
    name = "shards/shard-00000-of-00001.parquet"
    with s3().open_input_file(f"corpus/one/{name}") as file:
        there = pq.read_table(io.BytesIO(file.read()))
    here = pq.read_table(tmp_path / "one" / name)
    assert there.equals(here)
    assert np.array(here["frames"].drop_null()).min() > 0
