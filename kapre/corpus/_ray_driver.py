"""The process that communicates with Ray: it passes shards to actors and reports results on its standard output."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
from typing import Any

import pyarrow as pa
import pyarrow.csv

from kapre.audio._errors import one_line
from kapre.corpus._errors import CorpusError, ItemError
from kapre.corpus._job import Job
from kapre.corpus._local import environment
from kapre.corpus._ray import ShardMaker
from kapre.corpus._worker import receive, send

_SHARE = 0.9
"""Fraction of a processor that an actor requests. Ray's own tasks use the rest and would otherwise wait for ever."""
_SHARE_OF_READING = 0.05
_PATIENCE = 20.0
"""Timeout in seconds."""
_OBJECTS = 1 << 28
"""Size in bytes of the object store of a Ray started here. It holds manifests and counts."""


def connect(ray: Any, address: str, workers: int | None, processors: int) -> None:
    """Join a cluster, or start one on this machine."""
    options: dict[str, Any] = {"address": address, "log_to_driver": False, "logging_level": logging.ERROR}
    if address == "local":
        options |= {"num_cpus": max(workers or 0, processors), "include_dashboard": False}
        options |= {"object_store_memory": _OBJECTS}
    try:
        _answers(address)
        ray.init(**options)
    except (OSError, RuntimeError, ValueError) as error:
        reason = one_line(error)
        raise CorpusError(
            f"address: no Ray cluster at {address} ({reason}). Start one with `ray start --head`, or give no address."
        ) from None


def _answers(address: str) -> None:
    """Raise OSError if nothing listens at a host and port. Ray would try for many minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()


def work(ray: Any, job: Job, paths: list[str], workers: int | None, backend: str, out: Any) -> None:
    """Let actors make the shards whose manifests are at the given paths."""
    processors = max(1, int(ray.cluster_resources().get("CPU", 1)))
    most = min(workers or processors, len(paths))
    least = min(most, processors)
    manifest = ray.data.read_csv(
        paths,
        filesystem=job.place.filesystem,
        override_num_blocks=len(paths),
        num_cpus=_SHARE_OF_READING,
        convert_options=pa.csv.ConvertOptions(column_types={"shard": pa.int64(), "item": pa.string()}),
    )
    # With one task at a time, no shard waits for a busy actor while another is idle. Ray scales a pool up only with
    # two.
    waiting = 1 if least == most else 2
    made = manifest.map_batches(
        ShardMaker,
        fn_constructor_args=(job,),
        batch_size=None,  # a whole block, which is one shard
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(min_size=least, max_size=most, max_tasks_in_flight_per_actor=waiting),
        num_cpus=_SHARE,
        runtime_env={"env_vars": environment(backend, max(1, processors // most))},
    )
    for table in made.iter_batches(batch_size=None, batch_format="pyarrow"):
        for row in table.to_pylist():
            if row["problem"]:
                raise ItemError(row["problem"])
            send(out, ("told", (row["items"], row["rows"], row["failed"], row["seconds"])))


def _end_with_caller() -> threading.Event:
    """End the process when the caller is gone: at once, or after a delay if the returned event is set.

    The event means that the process is about to end by itself. A Ray started here ends with this process. A cluster
    ends the actors of a process that is gone.
    """
    ending = threading.Event()

    def wait() -> None:
        sys.stdin.buffer.read(1)
        if ending.is_set():
            time.sleep(_PATIENCE / 2)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
    return ending


def main() -> None:
    """Run one job."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # keeps the output of libraries out of the messages
    job, paths, workers, address, processors, backend = receive(sys.stdin.buffer)
    sys.argv[0] = os.path.abspath(os.sep)  # Ray lets workers import files from this file's folder
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import ray
    import ray.data

    ending = _end_with_caller()
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        connect(ray, address, workers, processors)
        work(ray, job, paths, workers, backend, out)
    except ItemError as error:
        last = "broke", str(error)
    except CorpusError as error:
        last = "refused", str(error)
    except ray.exceptions.RayError as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        last = "broke", f"{job.place.name}: the cluster gave up ({lines[-1][:300]}). Use resume=True."
    else:
        last = "done", ""
    ending.set()
    send(out, last)
    ray.shutdown()


if __name__ == "__main__":
    main()
