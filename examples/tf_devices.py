"""A model with a front end in it under tf.distribute.MirroredStrategy.

KERAS_BACKEND=tensorflow python examples/tf_devices.py
"""

import keras
import numpy as np
import tensorflow as tf

import kapre


def main() -> None:
    """Train on two devices: the processor, twice."""
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, (16, 8000)).astype("float32"), rng.integers(0, 2, 16)

    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])  # without a list: every GPU
    with strategy.scope():
        frontend = kapre.Frontend.from_preset("kaldi_fbank", n_mels=40)
        pool = keras.layers.GlobalAveragePooling1D()
        model = keras.Sequential([keras.Input((None,)), frontend, pool, keras.layers.Dense(2)])
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, batch_size=16, verbose=0)  # 16 in all, 8 on each

    print(strategy.num_replicas_in_sync, model.predict(x, verbose=0).shape)


if __name__ == "__main__":
    main()
