"""Train small models with a front end in them on so many devices; write the losses and weights to a file.

`python -m tests.devices.train COUNT FILE`. tests/test_devices.py runs it: the number of devices has to be known before
the backend starts.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

COUNT = int(sys.argv[1]) if __name__ == "__main__" else 1  # a process that torch starts is told by its caller
if __name__ == "__main__" and os.environ["KERAS_BACKEND"] == "jax":
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={COUNT}"
os.environ["GLOO_SOCKET_IFNAME"] = "lo"  # PyTorch's processes talk within this machine, whatever its name resolves to

import keras  # noqa: E402

import kapre  # noqa: E402

BATCH, TIME, STEPS = 16, 4000, 4


def with_frontend() -> Any:
    """Return a model that learns its filter bank and its window too."""
    frontend = kapre.Frontend.from_preset(
        "kaldi_fbank", input_scale=1.0, preemphasis=0.0, n_mels=20, trainable_filterbank=True, trainable_window=True
    )
    pool = keras.layers.GlobalAveragePooling1D()
    return keras.Sequential([keras.Input((TIME,)), frontend, pool, keras.layers.Dense(2)])


def with_helper() -> Any:
    """Return a model behind a composed helper: one channel, and a convolution."""
    mel = kapre.get_melspectrogram_layer(n_fft=256, hop_length=128, sample_rate=16000, n_mels=20, return_decibel=True)
    layers = [keras.layers.Reshape((TIME, 1)), mel, keras.layers.Conv2D(4, 3, activation="relu")]
    pool = keras.layers.GlobalAveragePooling2D()
    return keras.Sequential([keras.Input((TIME,)), *layers, pool, keras.layers.Dense(2)])


Result = tuple[list[float], list[np.ndarray]]
"""The loss of each step, and the weights after the last."""
MODELS: dict[str, tuple[Callable[[], Any], float]] = {"frontend": (with_frontend, 5e-3), "helper": (with_helper, 1e-2)}
"""How to make each model, and how fast it learns."""


def data() -> tuple[np.ndarray, np.ndarray]:
    """Return clips, each as loud as no other, so that every share of the batch has a loss of its own."""
    rng = np.random.default_rng(0)
    loudness = np.linspace(0.02, 0.5, BATCH)[:, None]
    x = loudness * rng.standard_normal((BATCH, TIME))
    return x.astype("float32"), rng.integers(0, 2, BATCH).astype("int32")


def start(make: Callable[[], Any]) -> Any:
    """Make a model with the same weights under any distribution; the front end keeps its own."""
    model = make()
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, (keras.layers.Dense, keras.layers.Conv2D)):
            layer.set_weights([0.1 * rng.standard_normal(w.shape).astype("float32") for w in layer.get_weights()])
    return model


def fit(make: Callable[[], Any], rate: float) -> Result:
    """Train by Keras: as many epochs as steps, each of one batch, so that the history has the loss of each."""
    x, y = data()
    model = start(make)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(rate), loss)
    history = model.fit(x, y, batch_size=BATCH, epochs=STEPS, shuffle=False, verbose=0)
    return history.history["loss"], model.get_weights()


def with_jax() -> dict[str, Result]:
    with keras.distribution.DataParallel(devices=keras.distribution.list_devices()).scope():
        return {name: fit(*model) for name, model in MODELS.items()}


def with_tensorflow() -> dict[str, Result]:
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * COUNT)
    # One strategy for all: those of two would take each other's sums for their own.
    strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(COUNT)])
    assert strategy.num_replicas_in_sync == COUNT
    with strategy.scope():
        return {name: fit(*model) for name, model in MODELS.items()}


def with_torch() -> dict[str, Result]:
    import torch

    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(torch_process, (COUNT, folder), nprocs=COUNT)
        return {name: pickle.loads((Path(folder) / name).read_bytes()) for name in MODELS}


def torch_process(rank: int, count: int, folder: str) -> None:
    """Train in one of several processes, on its share of the batch; the first writes what came of it."""
    import torch
    import torch.distributed as dist

    faulthandler.dump_traceback_later(120, exit=True)  # where it stands, if it stands still
    torch.set_num_threads(1)
    meeting = f"file://{folder}/meeting"
    dist.init_process_group("gloo", meeting, timedelta(seconds=100), rank=rank, world_size=count)
    x, y = (torch.as_tensor(values[rank::count]) for values in data())
    for name, (make, rate) in MODELS.items():
        model = start(make)
        parallel = torch.nn.parallel.DistributedDataParallel(model)
        optimizer = torch.optim.SGD(parallel.parameters(), lr=rate)
        losses = []
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(parallel(x), y.long())
            loss.backward()
            optimizer.step()
            total = loss.detach().clone()
            dist.all_reduce(total)
            losses.append(float(total) / count)
        if rank == 0:
            (Path(folder) / name).write_bytes(pickle.dumps((losses, model.get_weights())))
    dist.barrier()  # nobody leaves while another still listens
    os._exit(0)  # torch 2.13's gloo may stand still at the group's end: see examples/torch_devices.py


def compiled_by_jax() -> dict[str, str]:
    """Return what XLA makes of plain functions of a batch that the devices share."""
    import jax
    import jax.numpy as jnp

    mesh = jax.sharding.Mesh(np.array(jax.devices()), ("batch",))
    shares = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("batch"))
    x, y = (jax.device_put(values, shares) for values in data())
    programs = {}
    for name, (make, _) in MODELS.items():
        model = start(make)

        def loss(weights: Any, x: Any, y: Any, model: Any = model) -> Any:
            logits, _ = model.stateless_call(weights, [], x)
            return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1))

        weights = [weight.value for weight in model.trainable_variables]
        step = jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))
        programs[name] = step.lower(weights, x, y).compile().as_text()
    kaldi = kapre.frontends.preset("kaldi_fbank").recipe  # frames shorter than the DFT, and a bank that is fixed
    by_samples = jax.jit(jax.grad(lambda x: jnp.sum(kapre.executor.run(kaldi, x))))
    programs["kaldi"] = by_samples.lower(x).compile().as_text()
    framing = dict(n_fft=256, hop_length=64)
    there, back = kapre.STFT(**framing), kapre.InverseSTFT(**framing)
    programs["there and back"] = (
        jax.jit(jax.grad(lambda x: jnp.sum(back(there(x)) ** 4))).lower(x[..., None]).compile().as_text()
    )
    return programs


def alone() -> dict[str, Any]:
    """Return what `main` writes, without anything that shares out: the models learn here, on one device."""
    return described({name: fit(*model) for name, model in MODELS.items()})


def described(found: dict[str, Result]) -> dict[str, Any]:
    """Return the losses and weights by name, and on JAX what is compiled of them."""
    results: dict[str, Any] = {}
    for name, (losses, weights) in found.items():
        results[f"{name} losses"] = losses
        results |= {f"{name} start {i}": weight for i, weight in enumerate(start(MODELS[name][0]).get_weights())}
        results |= {f"{name} weight {i}": weight for i, weight in enumerate(weights)}
    if keras.backend.backend() == "jax":
        results |= {f"{name} program": text for name, text in compiled_by_jax().items()}
    return results


def main() -> None:
    """Write what comes of it on as many devices as asked for."""
    with_all = {"jax": with_jax, "tensorflow": with_tensorflow, "torch": with_torch}[keras.backend.backend()]
    np.savez(sys.argv[2], **described(with_all()))


if __name__ == "__main__":
    main()
