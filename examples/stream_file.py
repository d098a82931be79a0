"""Features of a recording as it is heard: chunks of 20 ms through the stream of a published front end.

    KERAS_BACKEND=jax python examples/stream_file.py recording.wav --preset voxtral_realtime

Each line is a frame: its number, where it starts, how long after its start it is given (the front end's look-ahead and
the wait for the chunk to fill), and its bands from low to high as shades. The numbers are those of the whole clip.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

import kapre

SPEECH = Path(__file__).parent / "audio" / "speech.flac"
CHUNK_SECONDS = 0.02
SHADES = " .:-=+*#%@"


def entries(features: np.ndarray, recipe: kapre.Recipe) -> np.ndarray:
    """Return features of one clip as `(entries, bands)`; the frames of a patch or a chunk become their mean."""
    if recipe.layout == "band_first":
        features = np.swapaxes(features, -1, -2)
    return features[0] if features.ndim == 3 else features[0].mean(axis=1)


def shades(values: np.ndarray, low: float, high: float, width: int = 40) -> str:
    """Return bands as characters, each the mean of its neighbours, from `low` (a space) to `high`."""
    groups = np.array([part.mean() for part in np.array_split(values, min(width, len(values)))])
    levels = (groups - low) / (high - low or 1.0) * len(SHADES)
    return "".join(SHADES[int(level)] for level in np.clip(levels, 0, len(SHADES) - 1))


def main() -> None:
    """Stream a file and print its frames."""
    parser = argparse.ArgumentParser(description="Print the features of a recording as it is heard.")
    parser.add_argument("path", nargs="?", type=Path, default=SPEECH, help="an audio file")
    parser.add_argument("--preset", default="kaldi_fbank", help="one of kapre.list_presets(); default: kaldi_fbank")
    arguments = parser.parse_args()
    try:
        frontend = kapre.Frontend.from_preset(arguments.preset)
        stream = frontend.stream()
        kapre.audio.told_seconds(arguments.path)  # an error here comes before the first line
    except (ValueError, kapre.audio.AudioError) as error:
        sys.exit(f"stream_file.py: {error}")
    recipe = frontend.recipe
    hop = recipe.entry_hop / recipe.sample_rate
    latency = 1000 * stream.latency_seconds
    print(f"{arguments.preset}: a frame every {1000 * hop:.3g} ms, look-ahead {latency:.3g} ms, chunks of 20 ms")
    low, high, count, heard = np.inf, -np.inf, 0, 0.0

    def show(features: object) -> None:
        nonlocal low, high, count
        for values in entries(np.asarray(features), recipe):
            low, high = min(low, values.min()), max(high, values.max())
            late = 1000 * (heard - count * hop)
            print(f"{count:6}  {count * hop:7.3f} s  {late:+5.0f} ms  |{shades(values, low, high)}|", flush=True)
            count += 1

    state = stream.initial_state()
    try:
        for samples, heard in kapre.audio.stream(arguments.path, recipe, chunk_seconds=CHUNK_SECONDS):  # noqa: B007
            features, state = stream.step(samples[None], state)
            show(features)  # it reads `heard`
    except kapre.audio.AudioError as error:  # damage that is found at the end
        sys.exit(f"stream_file.py: {error}")
    show(stream.flush(state))
    print(f"{count} frames of {heard:.3g} s")


if __name__ == "__main__":
    main()
