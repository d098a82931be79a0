"""Stores of many recordings: the layer's numbers, every damage said, nothing lost, whatever kills a run."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

import kapre
from kapre import corpus
from kapre.corpus import CorpusError, _clips, _folder
from kapre.corpus._items import Item
from kapre_cli.main import main
from tests.conftest import to_numpy
from tests.containers import as_int16, encoded
from tests.corpus.recordings import BAD, COUNT, PRESET, assert_near, mono, same, sound, table


def test_every_row_is_what_the_layer_gives(recordings: Path, store: Path) -> None:
    frontend = kapre.Frontend.from_preset(PRESET)
    clips = corpus.read(store)
    assert len(clips) == COUNT
    with open(recordings / "all.csv", newline="") as file:
        labels = {row["path"]: row for row in csv.DictReader(file)}
    for clip in clips:
        samples = mono(Path(clip.path), 16000)
        right = to_numpy(frontend(samples[None]))[0]
        assert clip.n_samples == len(samples)
        assert_near(clip.features, right)
        assert (clip.start, clip.duration, clip.sample_rate) == (0.0, len(samples) / 16000, 16000)
        row = labels[str(Path(clip.path).relative_to(recordings))]
        assert clip.carried == {"label": row["label"], "number": int(row["number"])}


def test_every_bad_file_is_a_row_and_a_line(recordings: Path, store: Path) -> None:
    errors = corpus.read(store).errors()
    found = {Path(error.path).name: error for error in errors}
    assert set(found) == set(BAD)
    for name, (stage, words) in BAD.items():
        assert re.fullmatch(stage, found[name].stage), found[name]
        assert re.search(words, found[name].reason), found[name]
    with open(store / "errors.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(line["path"], line["stage"], line["reason"]) for line in lines] == [
        (error.path, error.stage, error.reason) for error in errors
    ]
    rows = [row for row in table(store).to_pylist() if row["error"]]
    assert len(rows) == 12
    assert all(row["features"] is None and row["frames"] is None for row in rows)


def test_order_columns_and_metadata(recordings: Path, store: Path) -> None:
    found = table(store)
    with open(recordings / "all.csv", newline="") as file:
        paths = [str(recordings / row["path"]) for row in csv.DictReader(file)]
    assert found["path"].to_pylist() == paths
    assert found.schema.names[:10] == [
        *("path", "start", "duration", "sample_rate", "n_samples", "frames", "bands", "shape", "features", "error")
    ]
    for path in sorted((store / "shards").iterdir()):
        file = pq.ParquetFile(path)
        assert b"kapre" in (file.metadata.metadata or {})
        assert b'"n_mels": 80' in file.metadata.metadata[b"kapre"]
        group = file.metadata.row_group(0)
        column = next(group.column(i) for i in range(group.num_columns) if "features" in group.column(i).path_in_schema)
        assert column.compression == "ZSTD"
        assert "BYTE_STREAM_SPLIT" in column.encodings
    assert not list(store.rglob(".writing-*"))


def test_two_runs_at_once_and_a_shard_that_is_broken(recordings: Path, tmp_path: Path) -> None:
    import fcntl

    files = sorted((recordings / "0").iterdir())[:20]
    corpus.extract(files, tmp_path / "store", PRESET)
    with open(tmp_path / "store" / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CorpusError, match="another run is writing to this store"):
            corpus.extract(files, tmp_path / "store", PRESET, resume=True)
    broken = sorted((tmp_path / "store" / "shards").iterdir())[1]
    broken.write_bytes(broken.read_bytes()[:100])
    with pytest.raises(CorpusError, match=r"is no shard that can be read .* Remove it, and use resume=True"):
        corpus.extract(files, tmp_path / "store", PRESET, resume=True)
    broken.unlink()
    with pytest.raises(CorpusError, match="the store is not whole"):
        corpus.read(tmp_path / "store")
    assert corpus.extract(files, tmp_path / "store", PRESET, resume=True).resumed == 1
    assert len(corpus.read(tmp_path / "store")) == 20
    content = bytearray(broken.read_bytes())
    for place in range(len(content) // 3, len(content) // 3 + 200):
        content[place] ^= 0x55
    broken.write_bytes(bytes(content))
    for read in (list, lambda store: [store[place] for place in range(len(store))]):
        with pytest.raises(CorpusError, match=r"is damaged .* Remove it, and use resume=True"):
            read(corpus.read(tmp_path / "store"))


def test_a_column_of_several_kinds(recordings: Path, tmp_path: Path) -> None:
    path = sorted((recordings / "0").iterdir())[0]
    (tmp_path / "mixed.json").write_text(f'[{{"path": "{path}", "x": 1}}, {{"path": "{path}", "x": "one"}}]')
    with pytest.raises(CorpusError, match="The column `x` has values of several kinds"):
        corpus.extract(tmp_path / "mixed.json", tmp_path / "store", PRESET)
    assert not (tmp_path / "store").exists()


@pytest.mark.thorough  # the run that is killed below has two as well
def test_two_processes(recordings: Path, store: Path, tmp_path: Path) -> None:
    told: list[corpus.Progress] = []
    summary = corpus.extract(recordings / "all.csv", tmp_path / "two", PRESET, workers=2, progress=told.append)
    assert (summary.ok, summary.failed) == (COUNT, 12)
    assert (told[-1].items, told[-1].of, told[-1].failed) == (500, 500, 12)
    same(tmp_path / "two", store)


def command(recordings: Path, folder: Path, *more: str) -> list[str]:
    words = ["extract", str(recordings / "all.csv"), "-o", str(folder), "--preset", PRESET, *more]
    return [sys.executable, "-m", "kapre_cli", *words, "--backend", keras.backend.backend()]


@pytest.mark.parametrize(
    "kills", [[("2", True)], pytest.param([("1", False), ("2", True)], marks=pytest.mark.thorough)]
)
def test_killed_while_it_runs(kills: list[tuple[str, bool]], recordings: Path, store: Path, tmp_path: Path) -> None:
    """Each time, the run is killed as soon as there are more shards than before; the last run loses a worker."""
    folder = tmp_path / "killed"
    rng = np.random.default_rng(1)
    for workers, alone in kills:
        process, shards = begun(command(recordings, folder, "-j", workers, "--resume"), folder, 2)
        time.sleep(rng.uniform(0, 0.05))
        if alone:  # its workers end by themselves
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        for path in shards.glob("shard-*"):
            pq.read_table(path)
    with pytest.raises(CorpusError, match="not whole"):
        corpus.read(folder)
    assert len(corpus.read(folder, partial=True)) > 0
    process, _ = begun(command(recordings, folder, "-j", "2", "--resume"), folder, 1)
    os.kill(children(process.pid)[0], signal.SIGKILL)  # it is replaced
    out, err = process.communicate()
    assert process.returncode == 1, err
    assert out == f"{COUNT} ok, 12 failed → {folder / 'errors.csv'}\n"
    same(folder, store)


def begun(words: list[str], folder: Path, more: int) -> tuple[subprocess.Popen[str], Path]:
    """Begin a run, and wait until there are so many shards more than before."""
    pipes: dict[str, Any] = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process = subprocess.Popen(words, start_new_session=True, **pipes)
    shards = folder / "shards"
    wanted = len(list(shards.glob("shard-*"))) + more
    while process.poll() is None and len(list(shards.glob("shard-*"))) < wanted:
        time.sleep(0.01)
    assert process.poll() is None, process.communicate()
    return process, shards


def children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    found = [int(child) for child in path.read_text().split()] if path.exists() else []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return sorted(set(found))


def test_resume_is_refused_where_something_differs(recordings: Path, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    few = sorted((recordings / "0").iterdir())[:20]
    summary = corpus.extract(few, folder, PRESET)
    assert (summary.shards, summary.resumed) == (2, 0)
    assert corpus.extract(few, folder, PRESET, resume=True).resumed == 2
    with pytest.raises(CorpusError, match="Use resume=True to go on with it, or overwrite=True"):
        corpus.extract(few, folder, PRESET)
    recipe = kapre.frontends.preset(PRESET).recipe.replace(n_mels=40)
    for changed, words in (
        (lambda: corpus.extract(few, folder, recipe, resume=True), r"recipe\.n_mels is 40, was 80"),
        (lambda: corpus.extract(few[:-1], folder, PRESET, resume=True), r"the number of files is 19, was 20"),
        (lambda: corpus.extract([*few[:-1], "b.wav"], folder, PRESET, resume=True), "the files, their slices"),
        (lambda: corpus.extract(few, folder, PRESET, resume=True, dtype="f16"), "dtype is 'float16', was 'float32'"),
        (lambda: corpus.extract(few, folder, PRESET, resume=True, shard_size=3), "shard_size is 3, was 16"),
    ):
        with pytest.raises(CorpusError, match=words):
            changed()
    assert corpus.extract(few[:3], folder, recipe, overwrite=True).rows == 3
    assert len(corpus.read(folder)) == 3
    with pytest.raises(ValueError, match="cannot both be True"):
        corpus.extract(few, folder, PRESET, resume=True, overwrite=True)


def test_what_is_no_store_is_left_alone(recordings: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    for options in ({}, {"overwrite": True}, {"resume": True}):
        with pytest.raises(CorpusError, match="a folder that is no store"):
            corpus.extract(recordings / "0", tmp_path / "mine", PRESET, **options)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "mine"
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CorpusError, match="a file, not a folder"):
        corpus.extract(recordings / "0", tmp_path / "file", PRESET, overwrite=True)
    with pytest.raises(CorpusError, match="nothing to extract"):
        corpus.extract(recordings / "0", tmp_path / "new", PRESET, glob="*.xyz")
    with pytest.raises(CorpusError, match="no store"):
        corpus.read(tmp_path / "mine")


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.thorough)])
def test_the_first_error_ends_a_run_that_wants_none(workers: int, recordings: Path, tmp_path: Path) -> None:
    files = [*sorted((recordings / "0").iterdir())[:40], recordings / "bad" / "nan.wav"]
    with pytest.raises(CorpusError, match=r"nan\.wav: decode: 1 samples are not finite.*on_error='skip'"):
        corpus.extract(files, tmp_path / "store", PRESET, on_error="fail", workers=workers)
    summary = corpus.extract(files, tmp_path / "store", PRESET, resume=True)
    assert (summary.ok, summary.failed) == (40, 1)


@pytest.mark.parametrize("installed", [True, False])
def test_m4a_is_extracted_and_one_cut_short_is_a_row(
    installed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    x = sound(32000, 16000, 2, 1)
    whole = encoded(x, 16000, "alac", "ipod", {"movflags": "+faststart"})
    (folder / "a.m4a").write_bytes(whole)
    (folder / "b.M4A").write_bytes(whole[: len(whole) // 2])
    (folder / "c.aac").write_bytes(encoded(x, 16000, "aac", "adts"))
    (folder / "d.mp4").write_bytes(whole)  # of a video, as a rule: not taken from a folder
    soundfile.write(folder / "e.wav", as_int16(x), 16000)
    assert corpus.plan(folder).items == 4
    assert abs(corpus.plan(folder / "a.m4a").hours * 3600 - 2.0) < 1e-9
    if not installed:
        monkeypatch.setitem(sys.modules, "av", None)
    summary = corpus.extract(folder, tmp_path / "store", PRESET, workers=1)
    store = corpus.read(tmp_path / "store")
    errors = {Path(error.path).name: (error.stage, error.reason) for error in store.errors()}
    if installed:
        assert (summary.ok, summary.failed) == (3, 1)
        assert errors["b.M4A"][0] == "decode"
        assert re.fullmatch(r"cut short: the header promises 2\.000 s, [01]\.\d{3} s are there", errors["b.M4A"][1])
        clips = {Path(clip.path).name: clip.features for clip in store}
        assert_near(clips["a.m4a"], clips["e.wav"])
    else:
        assert (summary.ok, summary.failed) == (1, 3)
        said = "MP4 is decoded by PyAV, which is not installed: run `pip install 'kapre[av]'`"
        assert errors["a.m4a"] == ("decode", said)
        assert set(errors) == {"a.m4a", "b.M4A", "c.aac"}


def test_a_store_in_which_nothing_was_made_is_in_no_way(recordings: Path, tmp_path: Path) -> None:
    files = sorted((recordings / "0").iterdir())[:2]
    with pytest.raises(CorpusError, match="Run on a node of the cluster"):
        corpus.extract(files, tmp_path / "store", PRESET, engine="ray", address="ray://somewhere:10001")
    assert corpus.extract(files, tmp_path / "store", "whisper").ok == 2


def test_links_are_followed_once(tmp_path: Path) -> None:
    inside, other = tmp_path / "in", tmp_path / "other"
    for folder in (inside, other):
        folder.mkdir()
        soundfile.write(folder / f"{folder.name}.wav", sound(8000, 16000, 1, 1), 16000)
    (inside / "link").symlink_to(other)
    (other / "back").symlink_to(inside)
    (inside / "a").symlink_to(inside)
    corpus.extract(inside, tmp_path / "store", PRESET)
    assert [clip.path for clip in corpus.read(tmp_path / "store")] == [
        str(inside / "in.wav"),
        str(inside / "link" / "other.wav"),
    ]


def test_columns_of_csv_lose_nothing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", sound(8000, 16000, 1, 1), 16000)
    (tmp_path / "all.csv").write_text(
        "\ufeffpath,speaker,count,weight,day,text,most\n"
        'a.wav,007,1,1.5,2026-02-28,"two\nlines, ""quoted""",1\n'
        "a.wav,012,-2,1e3,2026-03-01,,\n",
        encoding="utf-8",
    )
    corpus.extract(tmp_path / "all.csv", tmp_path / "store", PRESET)
    one, other = (clip.carried for clip in corpus.read(tmp_path / "store"))
    assert one == dict(speaker="007", count=1, weight=1.5, day="2026-02-28", text='two\nlines, "quoted"', most=1)
    assert other == dict(speaker="012", count=-2, weight=1000.0, day="2026-03-01", text="", most=None)
    for text, words in (("path,x\na.wav\n", "row 1 has not as many cells"), ('path,x\na.wav,"b\n', "line")):
        (tmp_path / "bad.csv").write_text(text)
        with pytest.raises(CorpusError, match=f"cannot be read as a manifest: {words}"):
            corpus.extract(tmp_path / "bad.csv", tmp_path / "none", PRESET)


MANIFESTS = {
    "a.csv": "path,weight\na.wav,1.5\nb.wav,2\n",
    "a.jsonl": '{"path": "a.wav", "weight": 1.5}\n\n{"path": "b.wav", "weight": 2}\n',
    "a.json": '[{"path": "a.wav", "weight": 1.5}, {"path": "b.wav", "weight": 2.0}]',
}


@pytest.mark.parametrize("name", [*MANIFESTS, "a.parquet"])
def test_manifests(name: str, tmp_path: Path) -> None:
    for file in ("a.wav", "b.wav"):
        soundfile.write(tmp_path / file, sound(8000, 16000, 1, 2), 16000)
    if name == "a.parquet":
        import pyarrow as pa

        pq.write_table(pa.table({"path": ["a.wav", "b.wav"], "weight": [1.5, 2.0]}), tmp_path / name)
    else:
        (tmp_path / name).write_text(MANIFESTS[name])
    corpus.extract(tmp_path / name, tmp_path / "store", PRESET)
    rows = corpus.read(tmp_path / "store")
    assert [(Path(row.path).name, row.carried) for row in rows] == [
        ("a.wav", {"weight": 1.5}),
        ("b.wav", {"weight": 2}),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,label\na.wav,x\n", "no path"),
        ("path,features\na.wav,x\n", "the column `features` is one that a store has itself"),
        ("path,start\na.wav,-1\n", "start must be 0 or more seconds"),
        ("path,duration\na.wav,0\n", "duration must be more than 0 seconds"),
        ("path,channel\na.wav,-1\n", "channel must be a number from 0 on"),
        ("path,start\na.wav,0.5\na.wav,soon\n", "row 2: start must be 0 or more seconds; received 'soon'"),
        ("path,duration\na.wav,inf\n", "row 1: duration must be more than 0 seconds; received 'inf'"),
        ("path,channel\na.wav,nan\n", "row 1: channel must be a number from 0 on; received 'nan'"),
        ("path,channel\na.wav,0\na.wav,left\n", "row 2: channel must be a number from 0 on; received 'left'"),
    ],
)
def test_manifests_that_cannot_be_used(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(CorpusError, match=words):
        corpus.extract(tmp_path / "bad.csv", tmp_path / "store", PRESET)
    assert not (tmp_path / "store").exists()


def test_recipes_that_cannot_be_extracted(tmp_path: Path) -> None:
    for recipe, words in (
        (kapre.Recipe(n_fft=512), "a whole sample_rate"),
        (kapre.Recipe(n_fft=512, sample_rate=16000.5), "a whole sample_rate"),
    ):
        with pytest.raises(ValueError, match=words):
            corpus.extract("a.wav", tmp_path / "store", recipe)
    with pytest.raises(TypeError, match=r"a kapre\.Recipe or a preset's name"):
        corpus.extract("a.wav", tmp_path / "store", 3)
    with pytest.raises(ValueError, match="whisper"):
        corpus.extract("a.wav", tmp_path / "store", "wisper")


def test_folders_read_what_can_be_read_and_name_the_rest(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    x = 0.3 * np.sin(2 * np.pi * 440 * np.arange(8000) / 16000)
    for name, container in (("a.sph", "NIST"), ("b.nist", "NIST"), ("c.snd", "AU"), ("d.voc", "VOC"), ("e.caf", "CAF")):
        soundfile.write(folder / name, x, 16000, format=container, subtype="PCM_16")
    (folder / "f.mka").write_bytes(encoded(x, 16000, "flac", "matroska"))
    (folder / "g.wma").write_bytes(encoded(x, 16000, "wmav2", "asf", bit_rate=64000))
    for name in ("notes.txt", "more.TXT", "film.mkv", "README"):
        (folder / name).write_text("no audio")
    summary = corpus.extract(folder, tmp_path / "out", PRESET)
    assert (summary.items, summary.ok, summary.failed) == (7, 7, 0)
    assert summary.skipped == {".txt": 2, ".mkv": 1, "(no ending)": 1}
    assert corpus.plan(folder).skipped == summary.skipped


def test_channels_that_cancel_each_other_are_a_warning_in_the_row(tmp_path: Path) -> None:
    x = 0.3 * np.sin(2 * np.pi * 440 * np.arange(8000) / 16000)[:, None]
    soundfile.write(tmp_path / "a.wav", x * [[1, -1]], 16000)
    soundfile.write(tmp_path / "b.wav", x * [[1, 1]], 16000)
    summary = corpus.extract([tmp_path / "a.wav", tmp_path / "b.wav"], tmp_path / "out", PRESET)
    assert (summary.ok, summary.warned) == (2, 1)
    first, second = table(tmp_path / "out")["warning"].to_pylist()
    assert "cancel each other out" in first
    assert second == ""
    one = corpus.extract(tmp_path / "a.wav", tmp_path / "one", PRESET, channel=1.0)
    assert one.warned == 0


@pytest.mark.parametrize("limit", [1 << 25, 30000])
@pytest.mark.parametrize("rate", [16000, 22050])
def test_each_clip_has_a_warning_of_its_own(limit: int, rate: int, tmp_path: Path, monkeypatch) -> None:
    """In a file that is held, or goes through a stream; in segments, slices and pieces."""
    monkeypatch.setattr(_clips, "LIMIT", limit)
    monkeypatch.setattr(_clips, "PIECE_SECONDS", 1.0)
    x = np.random.default_rng(0).uniform(-0.5, 0.5, (2 * rate, 1)) * [[1, 1]]
    x[:rate, 1] *= -1
    soundfile.write(tmp_path / "half.wav", x, rate)
    soundfile.write(tmp_path / "all.wav", x[:, :1] * [[1, -1]], rate)

    def warned(name: str, segment: int | None = None, channel: int | None = None, **of_item: Any) -> list[bool]:
        reader = _clips.Reader(16000, segment, channel, 400, [])
        found = list(reader.clips([Item(str(tmp_path / name), **of_item)]))
        assert all("cancel each other" in clip.warning or not clip.warning for clip in found)
        return [bool(clip.warning) for clip in found]

    assert warned("half.wav", 16000) == [True, False]
    assert warned("half.wav", 8000) == [True, True, False, False]
    assert warned("all.wav") == ([True] if limit > 30000 else [True, True])
    assert warned("half.wav", start=0.25, duration=0.5) == [True]
    assert warned("half.wav", start=1.25, duration=0.5) == [False]
    assert warned("half.wav", 8000, start=0.5, duration=1.0) == [True, False]
    assert warned("all.wav", channel=1) == [False] * (1 if limit > 30000 else 2)


def test_warnings_are_read_back_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = np.random.default_rng(0).uniform(-0.5, 0.5, (8000, 1))
    soundfile.write(tmp_path / "a.wav", x * [[1, -1]], 16000)
    soundfile.write(tmp_path / "b.wav", x, 16000)
    corpus.extract([tmp_path / "a.wav", tmp_path / "b.wav"], tmp_path / "out", PRESET)
    store = corpus.read(tmp_path / "out")
    for clips in (list(store), [store[0], store[1]]):
        assert ["cancel each other" in clip.warning for clip in clips] == [True, False]
        assert [clip.carried for clip in clips] == [{}, {}]
    with pytest.raises(SystemExit):
        main(["info", str(tmp_path / "out")])
    assert "warnings 1, in the column `warning`" in capsys.readouterr().out


def test_a_store_without_warnings_keeps_its_manifests_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).uniform(-0.5, 0.5, (8000, 1))
    soundfile.write(tmp_path / "a.wav", x * [[1, -1]], 16000)
    soundfile.write(tmp_path / "b.wav", x, 16000)
    (tmp_path / "m.csv").write_text("path,warning\na.wav,loud\nb.wav,dull\n")
    with pytest.raises(CorpusError, match="`warning` is one that a store has itself"):
        corpus.extract(tmp_path / "m.csv", tmp_path / "new", PRESET)
    begin = _folder.begin
    with monkeypatch.context() as older:
        older.setattr(_folder, "begin", lambda *arguments: (*begin(*arguments)[:2], False))
        corpus.extract(tmp_path / "m.csv", tmp_path / "old", PRESET, shard_size=1)

    def check() -> None:
        clips = list(corpus.read(tmp_path / "old"))
        assert [(clip.carried, clip.warning) for clip in clips] == [
            ({"warning": "loud"}, ""),
            ({"warning": "dull"}, ""),
        ]
        assert table(tmp_path / "old")["warning"].to_pylist() == ["loud", "dull"]

    check()
    about = json.loads((tmp_path / "old" / "_kapre.json").read_text())
    del about["warnings"], about["warned"]  # as 1.0.0.dev0 wrote it
    (tmp_path / "old" / "_kapre.json").write_text(json.dumps(about))
    sorted((tmp_path / "old" / "shards").iterdir())[1].unlink()
    corpus.extract(tmp_path / "m.csv", tmp_path / "old", PRESET, shard_size=1, resume=True)
    check()
