"""How much of its features the inverse of each preset has: features of speech, their waveform, and its features.

    python -m benchmarks.inversion                     # 3 minutes; writes docs/benchmarks/inversion.md
    python -m benchmarks.inversion --picture           # and docs/images/inversion.png

The numbers depend on the sound: it is examples/audio/speech.flac, with the backend of KERAS_BACKEND.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SPEECH = ROOT / "examples" / "audio" / "speech.flac"
PAGE = ROOT / "docs" / "benchmarks" / "inversion.md"
PICTURE = ROOT / "docs" / "images" / "inversion.png"
DRAWN = ("whisper", "kaldi_mfcc", "speech2text")
HEAD = """# Features, their waveform, and its features

Written by `python -m benchmarks.inversion`; not by hand.

Each row is a preset of the [list](../presets/index.md), on {seconds:.1f} s of speech
(`examples/audio/speech.flac`). `Frontend.invert` estimates a waveform from the features of the clip, with 32 steps of
Griffin-Lim and phases of 0 at the start, on {backend} in float32. The features of this waveform are then compared with
those of the clip, over its frames.

- **error** is the norm of the difference, divided by the norm of the features without their mean. A waveform of which
  nothing is lost has 0, and one whose features are all equal has 1.
- **steps 0** is the error without the steps of Griffin-Lim.
- The last column has what `Frontend.lost` says, without the phases and the floor of the logarithm, which every
  spectrum loses.

A small error tells that a model gets the same from both sounds. It does not tell that both sound the same.

| preset | values of a frame | error | steps 0 | what else is lost |
| --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Row:
    """Hold what is measured of a preset, or why its features have no inverse."""

    name: str
    values: int
    error: float = float("nan")
    without_steps: float = float("nan")
    lost: tuple[str, ...] = ()
    refused: str = ""

    def line(self) -> str:
        """Return the row of the table."""
        if self.refused:
            return f"| {self.name} | {self.values} | none | none | {self.refused} |"
        errors = f"{self.error:.3f} | {self.without_steps:.3f}"
        return f"| {self.name} | {self.values} | {errors} | {' '.join(self.lost) or '–'} |"


def clip(recipe: Any) -> np.ndarray:
    """Return the speech at the rate that a recipe takes."""
    import kapre

    return np.asarray(kapre.audio.load(SPEECH, recipe).samples, "float32")


def round_trip(recipe: Any, n_iter: int = 32) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the features of the speech, those of their waveform over the same frames, and the waveform."""
    import keras

    import kapre
    from kapre import stages

    frontend, x = kapre.Frontend(recipe), clip(recipe)
    features = keras.ops.convert_to_numpy(frontend(x[None]))
    length = int(stages.RATE.count(recipe, len(x)))
    at_rate = kapre.Frontend(recipe.replace(input_rate=None))
    y = keras.ops.convert_to_numpy(frontend.invert(features, lengths=np.array([length]), n_iter=n_iter))
    y = np.pad(y, [(0, 0), (0, max(0, length - y.shape[1]))])[:, :length].astype("float32")
    again = keras.ops.convert_to_numpy(at_rate(y, lengths=np.array([length])))
    axis = recipe.time_axis(features.ndim)
    count = min(again.shape[axis], at_rate.recipe.num_valid_entries(length))
    if recipe.fixed_samples is not None:  # what is behind the clip is zeros
        count = min(count, 1 + length // recipe.entry_hop)
    if recipe.fixed_frames is not None:
        count = min(count, int(recipe.replace(fixed_frames=None).num_frames(length)))
    taken = [np.take(found, range(count), axis=axis).astype("float64") for found in (features, again)]
    return taken[0], taken[1], y[0]


def error(right: np.ndarray, got: np.ndarray) -> float:
    """Return the norm of the difference as a fraction of the norm of the features without their mean."""
    return float(np.linalg.norm(got - right) / np.linalg.norm(right - right.mean()))


def measured(name: str) -> Row:
    """Return the row of a preset."""
    from kapre import stages
    from kapre.frontends.presets import preset

    recipe = preset(name).recipe
    refused = stages.without_way_back(recipe)
    values = 1 if recipe.power is None else recipe.bands
    if refused:
        return Row(name, values, refused="; ".join(why for why, _ in refused) + ".")
    found = [error(*round_trip(recipe, n_iter)[:2]) for n_iter in (32, 0)]
    of_all = ("The phases are lost", "Values below")
    lost = tuple(sentence for sentence in stages.lost(recipe) if not sentence.startswith(of_all))
    return Row(name, values, *found, lost)


def draw() -> None:
    """Draw the features of the speech above those of their waveform, for some presets."""
    from matplotlib.figure import Figure

    import kapre
    from kapre.frontends.presets import preset

    figure = Figure(figsize=(10, 5.6), layout="constrained", dpi=110)
    axes = figure.subplots(2, len(DRAWN))
    for column, name in enumerate(DRAWN):
        recipe = preset(name).recipe
        right, got, _ = round_trip(recipe)
        for row, (features, words) in enumerate(((right, "of the speech"), (got, "of its inverse"))):
            kapre.plot.spectrogram(features[0].astype("float32"), recipe, axes[row, column])
            axes[row, column].set_title(f"{name}: {words}")
    figure.savefig(PICTURE)
    print(f"wrote {PICTURE.relative_to(ROOT)}")


def main(words: Sequence[str] | None = None) -> int:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", help="print the rows of these presets, and write nothing")
    parser.add_argument("--picture", action="store_true", help="draw docs/images/inversion.png, too")
    asked = parser.parse_args(words)
    import keras

    from kapre.frontends.presets import list_presets

    lines = []
    for name in asked.presets or list_presets():
        lines.append(measured(name).line())
        print(lines[-1], flush=True)
    if asked.presets:
        return 0
    import soundfile

    head = HEAD.format(seconds=soundfile.info(SPEECH).duration, backend=keras.backend.backend())
    PAGE.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    if asked.picture:
        draw()
    return 0


if __name__ == "__main__":
    sys.exit(main())
