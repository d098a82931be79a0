"""Make speech.flac, eight seconds of speech for the tests: two synthetic voices, of a man and a woman.

Run `python examples/audio/make_speech.py`; it needs the program espeak-ng (1.51 made the file), numpy, soundfile and
soxr. Another version of espeak-ng may say it differently, so the recording is kept and this is only how it was made.
"""

import io
import subprocess
from pathlib import Path

import numpy as np
import soundfile
import soxr

RATE = 16000
SENTENCES = (
    ("en-gb+m3", "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background."),
    ("en-us+f2", "A chorus of six sharp whistles; then she hushed."),
)


def say(voice: str, words: str) -> np.ndarray:
    """Return what espeak-ng says, at `RATE`."""
    command = ["espeak-ng", "-v", voice, "-s", "165", "--stdout", words]
    wave, rate = soundfile.read(io.BytesIO(subprocess.run(command, check=True, capture_output=True).stdout))
    return soxr.resample(wave, rate, RATE, quality="VHQ")


def main() -> None:
    x = np.concatenate([say(voice, words) for voice, words in SENTENCES])
    x *= 0.7 / np.abs(x).max()
    soundfile.write(Path(__file__).parent / "speech.flac", x, RATE, subtype="PCM_16")


if __name__ == "__main__":
    main()
