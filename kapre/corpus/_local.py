"""The engine for one machine: make the shards of a job in this process, or in worker processes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import keras

from kapre.corpus._errors import CorpusError, ItemError, named
from kapre.corpus._items import Item
from kapre.corpus._job import Job, Told, Worker
from kapre.corpus._worker import last_line, receive, send

_TRIES = 3
"""Number of tries for a shard whose worker process ends, for example because memory is short."""


def run(
    job: Job, items: Sequence[Item], numbers: Sequence[int], workers: int | None, told: Told, address: None = None
) -> None:
    """Make shards, `workers` at a time. This engine has no `address`."""
    workers = min(workers or 1, len(numbers))
    if workers <= 1:
        worker = Worker(job)
        for number in numbers:
            _here(worker, job, number, items, told)
        return
    _Pool(job, items, numbers, workers, told).run()


def _here(worker: Worker, job: Job, number: int, items: Sequence[Item], told: Told) -> None:
    first, stop = job.span(number)
    try:
        worker.make(number, items[first:stop], told)
    except CorpusError:
        raise
    except OSError as error:
        reason = error.strerror or error
        raise CorpusError(
            f"{job.shown(number)}: cannot be written ({reason}). Make room, or choose another place; resume=True goes "
            "on."
        ) from error
    except Exception as error:
        text = named(error)
        raise ItemError(f"{job.shown(number)}: cannot be made ({text}). Use resume=True when it is mended.") from error


class _Pool:
    """Manage processes that make shards. One thread serves each process."""

    def __init__(self, job: Job, items: Sequence[Item], numbers: Sequence[int], workers: int, told: Told) -> None:
        self.job, self.items, self.told, self.workers = job, items, told, workers
        self.waiting = deque((number, 1) for number in numbers)
        self.lock = threading.Lock()
        self.error: BaseException | None = None
        self.idle_ends = 0
        self.processes: set[subprocess.Popen[bytes]] = set()

    def run(self) -> None:
        """Work until everything is done or an error occurs."""
        threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(self.workers)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():  # so that Ctrl-C is handled
                    thread.join(0.2)
        except BaseException as error:
            self._end(error)
            raise
        if self.error is not None:
            raise self.error

    def _end(self, error: BaseException) -> None:
        with self.lock:
            self.error = self.error or error
            self.waiting.clear()
            for process in self.processes:
                process.kill()

    def _serve(self) -> None:
        """Give one shard after another to a worker process, and start a new process if it ends."""
        try:
            while self.waiting and self.error is None:
                with tempfile.TemporaryFile() as said:
                    if self._with_process(said):
                        return
        except BaseException as error:
            self._end(error)

    def _with_process(self, said: IO[bytes]) -> bool:
        """Work with one process. Return True if no work is left, or False if the process ended."""
        command, env = child("_worker")
        pipe = subprocess.PIPE
        env |= environment(keras.backend.backend(), max(1, available_cpus() // self.workers))
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=said, env=env)
        assert process.stdin is not None
        assert process.stdout is not None
        with self.lock:
            self.processes.add(process)
        taken: tuple[int, int] | None = None
        try:
            send(process.stdin, self.job)
            while True:
                with self.lock:
                    taken = self.waiting.popleft() if self.waiting and self.error is None else None
                if taken is None:
                    send(process.stdin, None)
                    return True
                self._shard(process.stdin, process.stdout, taken[0])
        except (EOFError, BrokenPipeError):
            if self.error is None:
                self._again(taken, process.wait(), said)
            return False
        finally:
            with self.lock:
                self.processes.discard(process)
            for stream in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    stream.close()
            if process.poll() is None and (self.error is not None or taken is not None):
                process.kill()
            process.wait()

    def _shard(self, stdin: IO[bytes], stdout: IO[bytes], number: int) -> None:
        first, stop = self.job.span(number)
        send(stdin, (number, list(self.items[first:stop])))
        done = [0, 0, 0, 0.0]
        try:
            while True:
                kind, value = receive(stdout)
                if kind == "told":
                    done = [a + b for a, b in zip(done, value, strict=True)]
                    with self.lock:
                        self.told(*value)
                elif kind == "made":
                    return
                elif kind == "refused":
                    raise ItemError(value)
                else:
                    raise ItemError(
                        f"{self.job.shown(number)}: cannot be made ({value}). Use resume=True when it is mended."
                    )
        except EOFError:
            with self.lock:
                self.told(*(-each for each in done))  # type: ignore[arg-type]  # it is done again
            raise

    def _again(self, taken: tuple[int, int] | None, code: int, said: IO[bytes]) -> None:
        """Queue a shard again if its process ended, or give up after too many tries."""
        last = last_line(said)
        if taken is None:  # before its first shard, or after its last
            self.idle_ends += 1
            if self.waiting and self.idle_ends >= _TRIES:
                raise ItemError(f"Workers' processes end before they begin (exit code {code}: {last}).")
            return
        number, tries = taken
        if tries >= _TRIES:
            raise ItemError(
                f"{self.job.shown(number)}: a worker's process ended {tries} times over this shard (exit code {code}: "
                f"{last}). Use fewer workers if memory is short, and resume=True."
            )
        with self.lock:
            self.waiting.appendleft((number, tries + 1))


def child(module: str) -> tuple[list[str], dict[str, str]]:
    """Return the command and the environment of a child process that imports this Kapre.

    The process imports nothing from the current folder, where a corpus may contain Python files.
    """
    ours = str(Path(__file__).resolve().parents[2])
    others = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    path = os.pathsep.join([ours, *map(os.path.abspath, others)])
    return [sys.executable, "-P", "-m", f"kapre.corpus.{module}"], {**os.environ, "PYTHONPATH": path}


def environment(backend: str, threads: int) -> dict[str, str]:
    """Return the environment variables for a worker process: the backend, and its share of the processors."""
    names = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"]
    names += ["TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"]
    env = {name: os.environ.get(name, str(threads)) for name in names}
    env["KERAS_BACKEND"] = backend
    if backend == "jax" and threads == 1:
        env["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    env["TF_CPP_MIN_LOG_LEVEL"] = os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3")
    return env


def available_cpus() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
