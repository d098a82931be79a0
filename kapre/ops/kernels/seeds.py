"""A generator of seeds that gives each thread, pipeline and process seeds of its own.

Gap: `keras.random.SeedGenerator` (Keras 3.15) reads its state and then writes the next one. Parallel calls in tf.data
can read the same state. A forked process and each worker of PyTorch's DataLoader start with a copy of the state, so
that all of them draw the same. Drop what Keras does itself.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from typing import Any

import keras
import numpy as np

from kapre.ops.kernels import active as kernel

_reading = threading.Lock()
"""A lock that is held while a state is read and advanced in an eager call."""
_process: tuple[int, ...] = ()
"""The numbers of the forks that led to this process: one for each generation."""
_forks = 0


def _will_fork() -> None:
    global _forks
    _forks += 1


def _has_forked() -> None:
    """Number the new process, and create the lock again, because the thread that held it does not exist there."""
    global _process, _forks, _reading
    _process, _forks, _reading = (*_process, _forks), 0, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_will_fork, after_in_child=_has_forked)


def _worker() -> int | None:
    """Return the seed that PyTorch's DataLoader gives this worker in this epoch, or None outside a worker."""
    data = sys.modules.get("torch.utils.data")
    info = None if data is None else data.get_worker_info()
    return None if info is None else int(info.seed)


class SeedGenerator(keras.random.SeedGenerator):
    """Generate seeds as Keras does, and different ones in each worker, fork and parallel call.

    In the process that made the generator, the seeds are Keras' own. A process that received a copy mixes its own
    number into the state once: the seed of a worker of PyTorch's DataLoader, or the number of the fork. Both repeat
    from run to run: the first with `torch.manual_seed` or with the loader's `generator`. In the functions of tf.data on
    TensorFlow, which run in parallel, a counter that is read and advanced in one step takes the place of Keras' state.

    Args:
        seed: int or None. An integer makes the seeds repeatable.
        name: str or None. The name of the generator.

    Example:
        ```python
        import keras
        from kapre.ops.kernels.seeds import SeedGenerator

        seeds = SeedGenerator(0)
        assert keras.random.uniform((1,), seed=seeds)[0] != keras.random.uniform((1,), seed=seeds)[0]
        ```
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(seed, name=name, **kwargs)
        self._place: tuple[tuple[int, ...], int | None] = (_process, None)

    def next(self, ordered: bool = True) -> Any:
        """Return the next seed as a tensor."""
        if kernel.is_compiling():  # it follows neither locks nor the table of modules
            return super().next(ordered)
        with _reading:
            self._separate()
            found = kernel.seed_in_pipeline(self)
            return super().next(ordered) if found is None else found

    def _separate(self) -> None:
        """Mix the number of this process into the state, if the generator was made in another one."""
        worker = _worker()
        place = (_process if worker is None else self._place[0], worker)
        if place == self._place or kernel.is_abstract(keras.ops.convert_to_tensor(self.state)):
            return
        self._place = place
        first, count = np.asarray(keras.ops.convert_to_numpy(self.state)).tolist()
        mixed = hashlib.sha256(repr((first, place)).encode()).digest()
        dtype = keras.backend.standardize_dtype(self.state.dtype)
        self.state.assign(np.array([int.from_bytes(mixed[:4], "big") >> 1, count], dtype))
