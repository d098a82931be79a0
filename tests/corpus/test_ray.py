"""The engine of a cluster: the rows of the local one, whatever is killed."""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

import kapre
from kapre import corpus
from kapre.corpus import CorpusError, _ray
from kapre.corpus._folder import versions
from kapre.corpus._items import Item
from kapre.corpus._job import Job
from kapre.corpus._place import Place
from tests.corpus.recordings import COUNT, PRESET, same, table

LAST_LINE = f"{COUNT} ok, 12 failed"


def begin(recordings: Path, folder: Path, *more: str, cwd: Path | None = None) -> subprocess.Popen[str]:
    """Begin a run on Ray, in a group of its own."""
    words = ["extract", str(recordings / "all.csv"), "-o", str(folder), "--preset", PRESET, "--engine", "ray"]
    command = [sys.executable, "-P", "-m", "kapre_cli", *words, *more, "--backend", keras.backend.backend()]
    pipes: dict[str, Any] = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(command, start_new_session=True, env=env, cwd=cwd, **pipes)


def ended(process: subprocess.Popen[str], folder: Path) -> None:
    """Wait for a run to end well."""
    out, err = process.communicate(timeout=450)
    assert process.returncode == 1, err  # for twelve files failed
    assert out == f"{LAST_LINE} → {folder / 'errors.csv'}\n"
    assert all(" of 500 files, " in line for line in err.splitlines()), err  # Ray's own words are kept out of it
    assert sorted(path.name for path in folder.iterdir()) == [".lock", "_kapre.json", "errors.csv", "shards"]


def wait_for_shards(process: subprocess.Popen[str], folder: Path, count: int) -> None:
    until = time.monotonic() + 240
    while process.poll() is None and len(list((folder / "shards").glob("shard-*"))) < count:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert process.poll() is None, process.communicate()


def below(pid: int, word: str) -> list[int]:
    """Return the processes that another began, or that those began, whose command has a word."""
    parents, titles = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                titles[int(entry.name)] = (entry / "cmdline").read_bytes().decode(errors="replace")
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])

    def is_below(each: int) -> bool:
        while each in parents and each != pid:
            each = parents[each]
        return each == pid

    return [each for each, title in titles.items() if each != pid and word in title and is_below(each)]


def actors(pid: int) -> list[int]:
    """Return Ray's processes that run our class, of a Ray that a process began."""
    return below(pid, "ShardMaker")


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.thorough  # a Ray for each run: minutes; test_extract.py kills the local engine
def test_killed_at_three_moments(recordings: Path, store: Path, tmp_path: Path) -> None:
    """The command, then what speaks to Ray, then one of the workers; all else goes on and gives the local rows.

    Nor is anything taken from where the command was called, though there are files with modules' names.
    """
    folder, cwd = tmp_path / "store", tmp_path / "cwd"
    cwd.mkdir()
    for name in ("numpy", "keras", "queue"):
        (cwd / f"{name}.py").write_text("raise SystemExit('not this')")
    rng = np.random.default_rng(5)
    gone: list[int] = []
    for moment in range(3):
        more = "--resume" if moment else "--shard-size=16"
        process = begin(recordings, folder, "-j", "2", more, cwd=cwd)
        while len(actors(process.pid)) < 2:  # those of the run before may still end their shard
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        wait_for_shards(process, folder, len(list((folder / "shards").glob("shard-*"))) + 2)
        time.sleep(rng.uniform(0, 0.3))
        if moment == 2:
            os.kill(actors(process.pid)[0], signal.SIGKILL)
            ended(process, folder)
            break
        gone += below(process.pid, "")
        if moment == 1:
            (driver,) = below(process.pid, "_ray_driver")
            os.kill(driver, signal.SIGKILL)
            _, err = process.communicate(timeout=240)
            assert process.returncode == 1
            assert re.search(r"The process that speaks to Ray ended \(exit code -9: .*\)\. Use --resume\.", err)
        else:
            process.kill()
            process.communicate()
        with pytest.raises(CorpusError, match="not whole"):
            corpus.read(folder)
    same(folder, store)
    until = time.monotonic() + 60
    while any(map(alive, gone)):  # the Ray that a killed run began goes with it
        assert time.monotonic() < until
        time.sleep(0.1)
    paths = table(folder)["path"].to_pylist()
    assert len(paths) == len(set(paths)) == 500


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[int, Callable[[str], str]]]:
    """A cluster of three nodes, each of one processor, on this machine."""
    script = Path(__file__).parents[2] / "tools" / "cluster.py"
    pipes: dict[str, Any] = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    env = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    with subprocess.Popen([sys.executable, str(script), "3"], env=env, stderr=subprocess.DEVNULL, **pipes) as process:

        def ask(words: str) -> str:
            print(words, file=process.stdin, flush=True)
            return process.stdout.readline().strip()

        yield process.pid, ask


@pytest.mark.thorough
def test_three_nodes_one_of_which_dies(
    cluster: tuple[int, Callable[[str], str]],
    recordings: Path,
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They do as here with paths that are relative to where the command was called, and not to where Ray was."""
    folder = tmp_path / "store"
    pid, ask = cluster
    address = ask("address")
    monkeypatch.chdir(recordings)
    process = begin(Path(), folder, "--address", address)
    wait_for_shards(process, folder, 4)
    assert len(actors(pid)) == 3
    assert ask("kill") == "2"
    ended(process, folder)
    corpus.extract("all.csv", tmp_path / "here", PRESET)
    same(folder, tmp_path / "here")
    assert [str(recordings / path) for path in table(folder)["path"].to_pylist()] == table(store)["path"].to_pylist()


def test_what_a_run_is_refused_for(recordings: Path, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    few = sorted((recordings / "0").iterdir())[:2]
    for options, words in (
        ({"engine": "spark"}, "`engine` must be"),
        ({"address": "auto"}, '`address` must be None without engine="ray"'),
    ):
        with pytest.raises(ValueError, match=words):
            corpus.extract(few, folder, PRESET, **options)
    with pytest.raises(CorpusError, match="Run on a node of the cluster"):
        corpus.extract(few, folder, PRESET, engine="ray", address="ray://somewhere:10001")
    with pytest.raises(CorpusError, match=r"no Ray cluster at 127\.0\.0\.1:9 .*ray start --head"):
        corpus.extract(few, folder, PRESET, engine="ray", address="127.0.0.1:9", overwrite=True)
    assert not (folder / "manifest").exists()


@pytest.mark.thorough
def test_the_first_error_ends_a_run_that_wants_none(
    cluster: tuple[int, Callable[[str], str]], recordings: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "store"
    bad = [*sorted((recordings / "0").iterdir())[:2], recordings / "bad" / "nan.wav"]
    address = cluster[1]("address")
    with pytest.raises(CorpusError, match=r"decode: 1 samples are not finite.*on_error='skip'"):
        corpus.extract(bad, folder, PRESET, engine="ray", address=address, overwrite=True, on_error="fail")
    assert not (folder / "manifest").exists()


ODD = {
    "text": 'a "quoted", and\nbroken line',
    "none": None,
    "number": 2**53 + 1,
    "nan": float("nan"),
    "yes": True,
    "bytes": b"\x00\xff",
    "day": datetime.date(2026, 2, 28),
    "list": [1, None, 3],
    "struct": {"a": 1.5},
}


def a_job(folder: Path, items: list[Item], **about: Any) -> Job:
    """Return a job, and make the folder of its store."""
    carried = pa.schema([pa.field(name, pa.array([value]).type) for name, value in items[0].carried.items()])
    (folder / "shards").mkdir(parents=True)
    (folder / "_kapre.json").write_text("{}")
    return Job(
        run="a run",
        cwd=str(folder),
        place=Place.of(folder),
        format="parquet",
        recipe=kapre.frontends.preset(PRESET).recipe.to_json(),
        dtype="float32",
        segment=None,
        channel=None,
        items=len(items),
        shard_size=len(items),
        carried=carried,
        fail=False,
        about={"versions": versions(), **about},
    )


def test_items_come_through_the_manifest_as_they_are(tmp_path: Path) -> None:
    names = ["plain.wav", os.fsdecode(b"not \xff utf-8.wav"), 'é, "x"\n.wav']
    items = [Item(name, None, 0.1 + number, number, dict(ODD)) for number, name in enumerate(names)]
    job = a_job(tmp_path / "store", items)
    (path,) = _ray._write_manifest(job, items, [0])
    options = pa.csv.ConvertOptions(column_types={"shard": pa.int64(), "item": pa.string()})
    block = pa.csv.read_csv(path, convert_options=options)
    assert block["shard"].to_pylist() == [0, 0, 0]
    found = [_ray._decoded(text, job.carried) for text in block["item"].to_pylist()]
    for one, other in zip(items, found, strict=True):
        assert repr(one) == repr(other)  # NaN is not equal to itself


def test_nodes_that_would_make_something_else(recordings: Path, tmp_path: Path) -> None:
    items = [Item(str(sorted((recordings / "0").iterdir())[0]))]
    job = a_job(tmp_path / "store", items)
    (path,) = _ray._write_manifest(job, items, [0])
    block = pa.csv.read_csv(path, convert_options=pa.csv.ConvertOptions(column_types={"item": pa.string()}))
    for _ in range(_ray._TRIES):  # workers that were killed
        _ray.ShardMaker(job)._count_try(0)
    (problem,) = _ray.ShardMaker(job)(block)["problem"]
    assert "its worker ended 5 times over it" in problem
    other = a_job(tmp_path / "other", items, versions={"kapre": "0.3", "keras": keras.version()})
    (problem,) = _ray.ShardMaker(other)(block)["problem"]
    assert "(0.3 is wanted). Install the same versions on every node." in problem
    (tmp_path / "store" / "_kapre.json").unlink()
    (problem,) = _ray.ShardMaker(job)(block)["problem"]
    assert "does not see the store" in problem
