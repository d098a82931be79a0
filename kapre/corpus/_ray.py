"""The engine for a cluster: Ray Data passes the shards of a job to actors, each of which holds one worker.

During a run, the store holds a CSV file with the manifest of each shard, so that Ray reads the manifests on the nodes
and not from this process. If an actor or its node dies, its unfinished shard is started again elsewhere. A finished
shard is not computed again.

A separate process (`_ray_driver`) communicates with Ray, because Ray and Ray Data write to the terminal and set up
loggers.
"""

from __future__ import annotations

import base64
import contextlib
import csv
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import IO, Any

import keras
import pyarrow as pa

from kapre.corpus import _folder, _shards
from kapre.corpus._errors import CorpusError, ItemError, named
from kapre.corpus._items import Item
from kapre.corpus._job import Job, Told, Worker
from kapre.corpus._local import available_cpus, child
from kapre.corpus._place import is_uri
from kapre.corpus._worker import last_line, receive, send

_TRIES = 5
"""Number of tries for a shard whose actor dies. Ray itself would try for ever."""


def run(
    job: Job, items: Sequence[Item], numbers: Sequence[int], workers: int | None, told: Told, address: str | None
) -> None:
    """Make shards on a cluster, `workers` at a time, or as many as it has processors."""
    if find_spec("ray") is None:
        raise ImportError("The engine `ray` needs Ray: run `pip install 'kapre[ray]'`.")
    if not numbers:
        return
    address = address or _connected() or os.environ.get("RAY_ADDRESS") or "local"
    if address.startswith("ray://"):
        raise CorpusError(f"address: {address} is of Ray Client. Run on a node of the cluster, with address='auto'.")
    try:
        paths = _write_manifest(job, items, numbers)
        with tempfile.TemporaryFile() as said:
            _drive((job, paths, workers, address, available_cpus(), keras.backend.backend()), told, said)
    finally:
        with contextlib.suppress(OSError):
            job.place.remove_folder(_shards.MANIFEST)


def _connected() -> str | None:
    """Return the address of the cluster to which this process is connected."""
    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return None
    found: str = ray.get_runtime_context().gcs_address
    return found


def _drive(task: tuple[Any, ...], told: Told, said: IO[bytes]) -> None:
    """Start the process that communicates with Ray, and receive its messages."""
    command, env = child("_ray_driver")
    env["KERAS_BACKEND"] = "numpy"  # it computes nothing, and this loads fastest
    pipe = subprocess.PIPE
    root = os.path.abspath(os.sep)  # Ray would import files from its start folder
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=said, env=env, cwd=root)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        send(process.stdin, task)
        while True:
            kind, value = receive(process.stdout)
            if kind == "told":
                told(*value)
            elif kind == "done":
                return
            else:
                raise (CorpusError if kind == "refused" else ItemError)(value)
    except (EOFError, BrokenPipeError):
        code = process.wait()
        raise ItemError(
            f"The process that speaks to Ray ended (exit code {code}: {last_line(said)[:300]}). Use resume=True."
        ) from None
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()  # this ends the process, and the Ray that it started, if any
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


class ShardMaker:
    """Run as an actor that holds one worker with one compiled front end."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._worker: Worker | None = None

    def __call__(self, block: pa.Table) -> dict[str, list[Any]]:
        """Make the shard whose items are in a block of the manifest, and return the result."""
        problem, done = "", [0, 0, 0, 0.0]
        try:
            done = self._make(block)
        except CorpusError as error:
            problem = str(error)
        except Exception as error:
            text = named(error)
            where = f"{self._job.place.name}: a shard cannot be made on {socket.gethostname()}"
            problem = f"{where} ({text}). Use resume=True when it is mended."
        items, rows, failed, seconds = done
        return {"problem": [problem], "items": [items], "rows": [rows], "failed": [failed], "seconds": [seconds]}

    def _make(self, block: pa.Table) -> list[Any]:
        job = self._job
        items = [_decoded(text, job.carried) for text in block["item"].to_pylist()]
        if self._worker is None:
            _check_node(job, items)
            self._worker = Worker(job)
        numbers = set(block["shard"].to_pylist())
        number = numbers.pop()
        first, stop = job.span(number)
        if numbers or len(items) != stop - first:
            raise ItemError(f"{job.shown(number)}: its manifest came in other blocks than it was read in. Report this.")
        with contextlib.suppress(CorpusError):
            if job.place.kind(_shards.SHARDS, job.name(number)) == "file":  # done, but its report was lost
                found = job.open([number])[0].about
                if not found["unfetched"]:
                    return [len(items), found["rows"], found["failed"], found["samples"] / self._worker.columns.rate]
        self._count_try(number)
        done: list[Any] = [0, 0, 0, 0.0]

        def add(*more: float) -> None:
            done[:] = [a + b for a, b in zip(done, more, strict=True)]

        self._worker.make(number, items, add)
        return done

    def _count_try(self, number: int) -> None:
        """Leave a mark beside the manifest, or raise if there are too many."""
        job = self._job
        for n in range(_TRIES):
            mark = f"{number:05d}.try-{n}"
            if not job.place.kind(_shards.MANIFEST, mark):
                with job.place.filesystem.open_output_stream(job.place.at(_shards.MANIFEST, mark)) as file:
                    file.write(b"begun\n")
                return
        raise ItemError(
            f"{job.shown(number)}: its worker ended {_TRIES} times over it. Use fewer workers if memory is short, and "
            "resume=True."
        )


def _check_node(job: Job, items: Sequence[Item]) -> None:
    """Raise if an actor's node would give other numbers, or cannot access the store or the recordings."""
    node = socket.gethostname()
    wanted, here = ({**found, "python": ""} for found in (job.about["versions"], _folder.versions()))
    others = [
        f"{name} {here.get(name)} ({value} is wanted)" for name, value in wanted.items() if here.get(name) != value
    ]
    if others:
        raise ItemError(f"Node {node} has {'; '.join(others)}. Install the same versions on every node.")
    if not job.place.kind(_shards.ABOUT):
        raise ItemError(
            f"Node {node} does not see the store {job.place.name}. Use a folder that every node shares, or a URI such "
            "as s3://bucket/features."
        )
    if not all(os.path.isabs(item.path) or is_uri(item.path) for item in items):
        try:
            os.chdir(job.cwd)
        except OSError:
            raise ItemError(
                f"Node {node} does not see {job.cwd}, which the recordings' paths are relative to. Give absolute paths "
                "of a folder that every node shares."
            ) from None


def _write_manifest(job: Job, items: Sequence[Item], numbers: Sequence[int]) -> list[str]:
    """Write the items of each shard, and return the paths of the files."""
    place = job.place
    place.remove_folder(_shards.MANIFEST)
    place.make(_shards.MANIFEST)
    plain = {field.name for field in job.carried if _is_plain(field.type)}

    def write(number: int) -> str:
        first, stop = job.span(number)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(["shard", "item"])
        writer.writerows([number, _encoded(item, job.carried, plain)] for item in items[first:stop])
        path = place.at(_shards.MANIFEST, f"{number:05d}.csv")
        with place.filesystem.open_output_stream(path) as file:
            file.write(text.getvalue().encode("ascii"))
        return path

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(write, numbers))


def _is_plain(kind: pa.DataType) -> bool:
    """Tell whether JSON represents values of a type without a conversion."""
    types = pa.types
    return bool(types.is_string(kind) or types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))


def _encoded(item: Item, carried: pa.Schema, plain: set[str]) -> str:
    """Return an item as ASCII JSON. Values of types that JSON lacks are stored as Arrow columns in it."""
    own = {}
    for name, value in item.carried.items():
        if value is None or name in plain:
            own[name] = value
            continue
        sink = pa.BufferOutputStream()
        batch = pa.record_batch([pa.array([value], carried.field(name).type)], [name])
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        own[name] = base64.b64encode(sink.getvalue().to_pybytes()).decode()
    return json.dumps([item.path, item.start, item.duration, item.channel, own])


def _decoded(text: str, carried: pa.Schema) -> Item:
    """Return the item from the text that `_encoded` made."""
    path, start, duration, channel, own = json.loads(text)
    for name, value in own.items():
        if value is not None and not _is_plain(carried.field(name).type):
            own[name] = pa.ipc.open_stream(base64.b64decode(value)).read_all()[name][0].as_py()
    return Item(path, start, duration, channel, own)
