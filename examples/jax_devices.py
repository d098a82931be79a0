"""A model with a front end in it on several devices, by Keras and in a plain jax.jit.

KERAS_BACKEND=jax python examples/jax_devices.py
"""

import os

import jax
import keras
import numpy as np

import kapre


def main() -> None:
    """Train on every device there is; then compute features, each device those of its share of the batch."""
    os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=8")  # the processor, eight times
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, (16, 8000)).astype("float32"), rng.integers(0, 2, 16)

    keras.distribution.set_distribution(keras.distribution.DataParallel())  # before the model is made
    frontend = kapre.Frontend.from_preset("kaldi_fbank", n_mels=40)
    pool = keras.layers.GlobalAveragePooling1D()
    model = keras.Sequential([keras.Input((None,)), frontend, pool, keras.layers.Dense(2)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, batch_size=16, verbose=0)

    mesh = jax.sharding.Mesh(np.array(jax.devices()), ("batch",))
    shares = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("batch"))
    features = jax.jit(lambda x: frontend(x))(jax.device_put(x, shares))
    print(len(jax.devices()), features.shape, features.sharding.shard_shape(features.shape))


if __name__ == "__main__":
    main()
