"""The process of a worker: it receives shards on its standard input and reports on its standard output.

It does not use `multiprocessing`, which would run the caller's script again in every worker.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import struct
import sys
from typing import IO, Any

_HEAD = struct.Struct("<Q")


def send(stream: IO[bytes], message: Any) -> None:
    """Write a message."""
    data = pickle.dumps(message)
    stream.write(_HEAD.pack(len(data)) + data)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read a message. Raise EOFError if the other side is gone."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise EOFError
    size = _HEAD.unpack(head)[0]
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return pickle.loads(data)


def last_line(said: IO[bytes]) -> str:
    """Return the last line that a process wrote to a file."""
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def main() -> None:
    """Make shards until no more arrive."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # keeps the output of libraries out of the messages
    from kapre.corpus._errors import CorpusError, named
    from kapre.corpus._job import Worker

    stdin = sys.stdin.buffer
    with contextlib.suppress(EOFError, BrokenPipeError):  # the parent process is gone
        worker = Worker(receive(stdin))
        while (given := receive(stdin)) is not None:
            number, items = given
            try:
                counts = worker.make(number, items, lambda *done: send(out, ("told", done)))
            except BrokenPipeError:
                return
            except CorpusError as error:
                send(out, ("refused", str(error)))
            except Exception as error:
                send(out, ("broke", named(error)))
            else:
                send(out, ("made", counts))


if __name__ == "__main__":
    main()
