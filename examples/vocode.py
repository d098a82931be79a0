"""Train a small vocoder: a network that makes sound of the features of a published front end.

    KERAS_BACKEND=jax python examples/vocode.py

The features are those of the preset "vocos", 100 mel bands at 24 kHz. The network turns each frame into the samples of
a hop, and its losses are `kapre.losses.MelLoss` of the same preset and the multi-resolution STFT loss. The clips are
made here: chords of three notes. What a real vocoder adds is depth, discriminators and many hours of sound.
"""

import kapre  # isort: skip  (first: it picks the backend that is installed)
import keras
import numpy as np
from keras import ops

FRONTEND = kapre.Frontend.from_preset("vocos", layout="time_first")
HOP = FRONTEND.recipe.hop_length
RATE, FRAMES = int(FRONTEND.recipe.sample_rate), 12
SAMPLES = (FRAMES - 1) * HOP


def chords(count: int, seed: int) -> np.ndarray:
    """Return clips `(count, samples)` of chords that fade."""
    rng = np.random.default_rng(seed)
    t = np.arange(SAMPLES) / RATE
    notes = 110.0 * 2.0 ** (rng.integers(0, 36, (count, 3, 1)) / 12.0)
    waves = np.sin(2 * np.pi * notes * t + rng.uniform(0, 6, notes.shape)).sum(axis=1)
    return (0.2 * waves * np.exp(-4.0 * t)).astype("float32")


def vocoder() -> keras.Model:
    """Return a model of features `(frames, bands)` that returns samples."""
    features = keras.Input((FRAMES, FRONTEND.recipe.n_mels))
    hidden = keras.layers.LayerNormalization()(features)
    for _ in range(2):
        hidden = keras.layers.Conv1D(128, 5, padding="same", activation="gelu")(hidden)
    hops = keras.layers.Dense(HOP)(hidden)
    return keras.Model(features, ops.reshape(hops, (-1, FRAMES * HOP))[:, :SAMPLES])


class MelAndSTFT(kapre.losses.WaveformLoss):
    """The sum of a mel loss and of an STFT loss."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self._parts = [
            kapre.losses.MelLoss("vocos", reduction="none"),
            kapre.losses.MultiResolutionSTFTLoss(((256, 64, 256), (512, 128, 512)), reduction="none"),
        ]

    def of_clips(self, y_true, y_pred, lengths=None):
        """Return the loss of each clip."""
        first, second = (part.of_clips(y_true, y_pred, lengths) for part in self._parts)
        return first + second


if __name__ == "__main__":
    keras.utils.set_random_seed(0)
    model = vocoder()
    model.compile(keras.optimizers.Adam(1e-3), MelAndSTFT())
    sound, new = chords(64, seed=0), chords(16, seed=1)
    features, heard = (ops.convert_to_numpy(FRONTEND(x)) for x in (sound, new))
    mel = kapre.losses.MelLoss("vocos")
    before = float(mel(new, model.predict(heard, verbose=0)))
    model.fit(features, sound, batch_size=16, epochs=10, verbose=0)
    after = float(mel(new, model.predict(heard, verbose=0)))
    print(f"mel loss of {len(new)} new clips: {before:.2f} untrained, {after:.2f} trained")
