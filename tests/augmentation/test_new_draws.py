"""New draws in every step, pipeline, thread, fork and worker, on every backend."""

from __future__ import annotations

import os
import threading
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from kapre import augmentation
from kapre.ops.kernels import seeds
from tests.conftest import BACKEND, compiled, to_numpy

ONES = np.ones((4, 8, 1), "float32")


def gain(seed: int = 0) -> augmentation.RandomGain:
    return augmentation.RandomGain(seed=seed)


def distinct(batches: list[np.ndarray]) -> bool:
    """Tell whether no two items of any two batches have the same gain."""
    gains = np.concatenate([batch[:, 0, 0] for batch in batches])
    assert len(gains) >= 8
    return len(np.unique(gains)) == len(gains)


@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
def test_each_step_of_fit_and_each_epoch() -> None:
    """The loss of a step is the mean of its gains: no two steps have the same."""
    inputs = keras.Input((8, 1))
    model = keras.Model(inputs, gain()(inputs))
    model.compile(loss=lambda y, p: ops.mean(p), optimizer=keras.optimizers.SGD(0.0), jit_compile=BACKEND == "jax")
    seen: list[float] = []

    class Seen(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append(float(logs["loss"]) * (batch + 1))  # Keras logs the mean since the start of the epoch

    model.fit(
        np.ones((16, 8, 1), "float32"), np.ones((16, 8, 1), "float32"), 4, epochs=2, verbose=0, callbacks=[Seen()]
    )
    losses = np.concatenate([np.diff(seen[:4], prepend=0.0), np.diff(seen[4:], prepend=0.0)])
    assert len(losses) == 8
    assert len(np.unique(losses.round(5))) == 8


def test_each_call_of_a_compiled_function() -> None:
    layer = gain()
    if BACKEND == "jax":
        import jax

        layer(ONES)
        step = jax.jit(lambda state, x: layer.stateless_call([], state, x, training=True))
        state, batches = [variable.value for variable in layer.non_trainable_variables], []
        for _ in range(4):
            y, state = step(state, ONES)
            batches.append(to_numpy(y))
    else:
        run = compiled(lambda x: layer(x, training=True))
        batches = [to_numpy(run(ops.convert_to_tensor(ONES))) for _ in range(4)]
    assert distinct(batches)


def test_each_element_of_a_pipeline_that_runs_in_parallel() -> None:
    """Under TensorFlow, Keras' own generator gives some of them the same draw."""
    layer = gain()
    dataset = tf.data.Dataset.range(200).map(lambda _: layer(tf.constant(ONES), training=True), num_parallel_calls=8)
    first, second = ([batch.numpy() for batch in dataset] for _ in range(2))
    assert distinct(first + second)


def test_parameters_come_out_of_a_pipeline_and_go_into_one() -> None:
    layer = gain()
    x = tf.data.Dataset.from_tensors(ONES)
    drawn = x.map(lambda x: (x, *layer(x, training=True, return_parameters=True)))
    for given, y, parameters in drawn.map(lambda x, y, p: (layer(x, training=True, parameters=p), y, p)):
        np.testing.assert_array_equal(given.numpy(), y.numpy())
        np.testing.assert_allclose(y.numpy()[:, 0], 10 ** (parameters["gain_db"].numpy() / 20), rtol=1e-5)


def test_each_thread() -> None:
    layer = gain()
    batches: list[np.ndarray] = []

    def draw() -> None:
        batches.extend(to_numpy(layer.uniform((4, 1, 1))) for _ in range(20))

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert distinct(batches)


def worker(monkeypatch: pytest.MonkeyPatch, seed: int | None) -> None:
    monkeypatch.setattr(seeds, "_worker", lambda: seed)


def test_each_worker_of_a_loader_whatever_the_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each worker starts with a copy of the generator. The seeds that PyTorch gives them tell them apart."""
    batches = []
    for seed in (None, 1000, 1001):
        worker(monkeypatch, seed)
        layer = gain()
        batches += [to_numpy(layer.uniform((4, 1, 1))) for _ in range(2)]
    assert distinct(batches)
    again = gain()
    np.testing.assert_array_equal(to_numpy(again.uniform((4, 1, 1))), batches[4])
    worker(monkeypatch, 1000)  # of the next epoch, in the same process
    assert distinct([*batches, to_numpy(again.uniform((4, 1, 1)))])


def test_each_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens in a fork, without one: JAX and TensorFlow have threads, which a fork may not copy."""
    for name in ("_process", "_forks", "_reading"):  # put back afterwards
        monkeypatch.setattr(seeds, name, getattr(seeds, name))
    copies = [gain() for _ in range(3)]
    batches = [to_numpy(copies[0].uniform((4, 1, 1)))]
    for copied in copies[1:]:
        monkeypatch.setattr(seeds, "_process", ())
        seeds._will_fork()
        forks = seeds._forks
        seeds._has_forked()
        batches.append(to_numpy(copied.uniform((4, 1, 1))))
        made_here = gain()
        np.testing.assert_array_equal(to_numpy(made_here.uniform((4, 1, 1))), batches[0])
        monkeypatch.setattr(seeds, "_forks", forks)
    assert distinct(batches)


if BACKEND == "torch":
    import torch

    class Examples(torch.utils.data.Dataset):  # type: ignore[type-arg]
        """Augment in the workers, as a dataset of PyTorch does."""

        def __init__(self) -> None:
            self.layer = gain()

        def __len__(self) -> int:
            return 8

        def __getitem__(self, index: int) -> torch.Tensor:
            return self.layer(torch.ones((1, 8, 1)), training=True)[0].detach()

    def epochs(seed: int) -> list[list[np.ndarray]]:
        generator = torch.Generator().manual_seed(seed)
        loader = torch.utils.data.DataLoader(Examples(), batch_size=2, num_workers=2, generator=generator)
        return [[batch.numpy() for batch in loader] for _ in range(2)]

    @pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")
    def test_each_worker_of_a_loader_and_each_epoch() -> None:
        """And a seed of the loader repeats all of it."""
        first, second = epochs(0)
        assert distinct(first + second)
        again = epochs(0)
        np.testing.assert_array_equal(np.concatenate(again[0] + again[1]), np.concatenate(first + second))

    @pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")
    def test_a_real_fork_draws_its_own() -> None:
        layer = gain()
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            os.write(writing, to_numpy(layer.uniform((4, 1, 1))).tobytes())
            os._exit(0)
        os.waitpid(process, 0)
        found = np.frombuffer(os.read(reading, 16), "float32").reshape(4, 1, 1)
        os.close(reading)
        os.close(writing)
        assert distinct([found, to_numpy(layer.uniform((4, 1, 1)))])
