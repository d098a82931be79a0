"""The front end in a tf.data pipeline, under whichever backend Keras runs on.

    KERAS_BACKEND=jax python examples/tf_data.py

Under TensorFlow the layer is part of the pipeline's graph; under JAX and PyTorch the pipeline calls it as a Python
function. Either way shapes and dtypes are known behind it.
"""

import keras
import numpy as np
import tensorflow as tf

import kapre  # first: it picks the backend that is installed


def features_of(clips: np.ndarray, batch_size: int = 4) -> tf.data.Dataset:
    """Return batches of log-mel features of clips, computed in the pipeline."""
    mel = kapre.get_melspectrogram_layer(
        n_fft=512, hop_length=160, sample_rate=16000, n_mels=40, power=2.0, return_decibel=True, db_amin=1e-10
    )
    clips_in_batches = tf.data.Dataset.from_tensor_slices(clips).batch(batch_size)
    return clips_in_batches.map(mel, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def main() -> None:
    """Print the shapes that come out."""
    clips = np.random.default_rng(0).uniform(-1, 1, (10, 16000, 1)).astype("float32")
    features = features_of(clips)
    print(keras.backend.backend(), features.element_spec.shape, [tuple(batch.shape) for batch in features])


if __name__ == "__main__":
    main()
