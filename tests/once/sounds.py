"""Sounds as files that soundfile writes, for the tests of decoding."""

import io

import numpy as np
import soundfile as sf

N = 3000
RATE = 16000
MP3_MODES = ("CONSTANT", "AVERAGE", "VARIABLE")


def noise(n_samples=N, channels=1, seed=0):
    """Return white noise of 0.1 (RMS), (samples, channels)."""
    return 0.1 * np.random.default_rng(seed).standard_normal((n_samples, channels))


def encoded(container, subtype, samples=None, sample_rate=RATE, **options):
    """Return the bytes that soundfile writes, of noise unless told; an MP3's subtype is its bit rate mode."""
    file = io.BytesIO()
    if container == "MP3":
        options |= {"compression_level": 0.5, "bitrate_mode": subtype if subtype in MP3_MODES else "VARIABLE"}
    else:
        options["subtype"] = subtype
    sf.write(file, noise() if samples is None else samples, sample_rate, format=container, **options)
    return file.getvalue()


def mp3(samples=None, mode="VARIABLE"):
    """Return an MP3, of noise with a pause in it unless told: its frames differ in size."""
    paused = np.concatenate([noise(8000), np.zeros((16000, 1)), noise(8000)])
    return encoded("MP3", mode, paused if samples is None else samples)


def without_first_frame(content):
    """Return an MP3 without the frame that counts the others."""
    kbits = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)[content[2] >> 4]
    return content[72 * kbits * 1000 // RATE + (content[2] >> 1 & 1) :]
