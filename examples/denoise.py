"""Train a small network that removes noise, with a loss between waveforms.

    KERAS_BACKEND=torch python examples/denoise.py

The network sees the log magnitudes of a `kapre.STFT` and returns a mask for each bin. `kapre.InverseSTFT` makes sound
of the masked spectrum, so that the model goes from samples to samples. Its loss is the multi-resolution STFT loss. The
clips are made here: notes with four partials, in noise.
"""

import kapre  # isort: skip  (first: it picks the backend that is installed)
import keras
import numpy as np
from keras import ops

RATE, SAMPLES = 8000, 2048
FRAMING = dict(n_fft=128, hop_length=32, center=True)


def clips(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy and clean clips, `(count, samples, 1)`."""
    rng = np.random.default_rng(seed)
    t = np.arange(SAMPLES) / RATE
    pitch = rng.uniform(150.0, 500.0, (count, 1, 1))
    partials = np.arange(1, 5)[:, None]
    clean = np.sum(np.sin(2 * np.pi * pitch * partials * t + rng.uniform(0, 6, (count, 4, 1))) / partials, axis=1)
    clean = 0.2 * clean * (1.0 - np.exp(-20.0 * t)) * np.exp(-3.0 * t)
    noisy = clean + 0.05 * rng.standard_normal(clean.shape)
    return noisy[..., None].astype("float32"), clean[..., None].astype("float32")


def denoiser() -> keras.Model:
    """Return a model of noisy samples that returns clean ones."""
    samples = keras.Input((SAMPLES, 1))
    spectrum = kapre.STFT(**FRAMING)(samples)
    level = kapre.MagnitudeToDecibel(amin=1e-3)(kapre.Magnitude()(spectrum))
    bins = keras.layers.Reshape((-1, FRAMING["n_fft"] // 2 + 1))(level)
    hidden = keras.layers.Conv1D(64, 5, padding="same", activation="relu")(bins / 20.0)
    mask = keras.layers.Conv1D(FRAMING["n_fft"] // 2 + 1, 5, padding="same", activation="sigmoid")(hidden)
    masked = spectrum * ops.cast(ops.expand_dims(mask, -1), "complex64")
    return keras.Model(samples, kapre.InverseSTFT(**FRAMING, exact_edges=True, length=SAMPLES)(masked))


if __name__ == "__main__":
    keras.utils.set_random_seed(0)
    model = denoiser()
    resolutions = ((256, 64, 256), (64, 16, 64))
    loss = kapre.losses.MultiResolutionSTFTLoss(resolutions)
    model.compile(keras.optimizers.Adam(3e-3), loss, metrics=[kapre.metrics.SISDR()])
    noisy, clean = clips(96, seed=0)
    model.fit(noisy, clean, batch_size=16, epochs=8, verbose=0)
    heard, wanted = clips(16, seed=1)
    ratio = kapre.metrics.SISDR()
    ratio.update_state(wanted, heard)
    print(f"SI-SDR of {len(heard)} new clips: {float(ratio.result()):.1f} dB noisy, ", end="")
    ratio.reset_state()
    ratio.update_state(wanted, model.predict(heard, verbose=0))
    print(f"{float(ratio.result()):.1f} dB denoised")
