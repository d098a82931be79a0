"""Write the gallery of all layers: docs/gallery.md and the pictures of features in docs/gallery.

    python tools/overview.py         # tools/docs.py calls this, after the pictures of the other pages are made

Each picture of a feature is the result of the layer for a recording of the examples. The pictures of augmentations and
of published front ends are those of their own pages.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SPEECH, MUSIC = "speech", "arpeggio"
SECONDS = 3
RATE = 16000
LARGEST = 24_000
"""The largest size of a picture in bytes."""
PRESETS = (
    *("whisper", "kaldi_fbank", "nemo", "wav2vec2", "ast", "clap_unfused", "vggish", "yamnet"),
    *("hifigan", "vocos", "encodec", "mert", "librosa_mel", "crepe", "silero_vad", "microfrontend"),
)
"""One front end of each family."""
HEAD = """# Gallery

Every picture is made by running the layer, in `make docs`. A click leads to its description.
"""


class Picture(NamedTuple):
    """What a picture shows: the page of the layer, the recording, and what makes values of its samples."""

    link: str
    recording: str
    values: Callable[[Any], Any]
    is_line: bool = False


def pictures() -> dict[str, dict[str, Picture]]:
    """Return the pictures of features by section and name."""
    import numpy as np

    import kapre

    framing: dict[str, Any] = dict(n_fft=1024, hop_length=256)

    def layer(name: str, *given: Any, of: str = SPEECH, page: str = "layers", line: bool = False, **more: Any) -> Any:
        made = getattr(kapre, name)(*given, **more)
        return Picture(f"api/{page}.md#kapre.{name}", of, made, line)

    def described(name: str, *given: Any, of: str = SPEECH, line: bool = True, **more: Any) -> Any:
        return layer(name, *given, of=of, page="descriptors", line=line, **more)

    def recipe(name: str, of: str = SPEECH, **fields: Any) -> Picture:
        made = kapre.Frontend(kapre.Recipe(sample_rate=RATE, **framing, power=2.0, center=True, **fields))
        return Picture("api/recipe.md#kapre.Recipe", of, made)

    def separated(component: Any) -> Picture:
        magnitudes = kapre.Spectrogram(**framing, power=1.0, scale="linear")
        part = kapre.HPSS(component)
        return Picture(
            "api/descriptors.md#kapre.HPSS", MUSIC, lambda x: kapre.amplitude_to_decibel(part(magnitudes(x)))
        )

    def delta(x: Any) -> Any:
        return kapre.Delta()(mel(x)[..., None])[..., 0]

    mdct, mfcc = kapre.MDCT(256), kapre.MFCC(RATE, 20, **framing)
    frequency, tempogram = kapre.InstantaneousFrequency(RATE, **framing), kapre.Tempogram(RATE, **framing)
    mel = kapre.MelSpectrogram(RATE, **framing, n_mels=64)
    log = kapre.get_log_frequency_spectrogram_layer(**framing, sample_rate=RATE, return_decibel=True, center=True)
    pcen: dict[str, Any] = dict(filterbank="mel", n_mels=64, pcen=True, input_scale=2.0**31)
    normal: dict[str, Any] = dict(filterbank="mel", n_mels=64, log="ln", normalize="mean_std")
    return {
        "Spectrograms": {
            "Spectrogram": layer("Spectrogram", **framing),
            "MelSpectrogram": layer("MelSpectrogram", RATE, **framing, n_mels=64),
            "MFCC": Picture("api/layers.md#kapre.MFCC", SPEECH, lambda x: mfcc(x)[..., 1:]),  # without the level
            "CQT": layer("CQT", RATE, n_bins=80, scale="db", of=MUSIC),
            "VQT": layer("VQT", RATE, n_bins=80, scale="db", of=MUSIC),
            "get_log_frequency_spectrogram_layer": Picture(
                "api/composed.md#kapre.get_log_frequency_spectrogram_layer", MUSIC, lambda x: log(x[..., None])[..., 0]
            ),
            "Delta": Picture("api/layers.md#kapre.Delta", SPEECH, delta),
            "MDCT": Picture("api/descriptors.md#kapre.MDCT", MUSIC, lambda x: abs(mdct(x)) ** 0.5),
        },
        "Stages of a recipe": {
            "PCEN": recipe("pcen", **pcen),
            "Normalised bands": recipe("normalize", **normal),
            "Gammatone bank": recipe("gammatone", filterbank="gammatone", n_bins=64, log="db", amin=1e-8),
            "Bark bank": recipe("bark", filterbank="bark", n_bins=24, log="db", amin=1e-8),
            "Pitch classes": recipe("chroma", of=MUSIC, filterbank="chroma", log="db", amin=1e-6),
        },
        "Descriptors": {
            "SpectralCentroid": described("SpectralCentroid", RATE, **framing),
            "SpectralBandwidth": described("SpectralBandwidth", RATE, **framing),
            "SpectralRolloff": described("SpectralRolloff", RATE, **framing),
            "SpectralFlatness": described("SpectralFlatness", **framing),
            "SpectralContrast": described("SpectralContrast", RATE, line=False, **framing),
            "SpectralFlux": described("SpectralFlux", **framing),
            "RMS": described("RMS", 1024, 256),
            "ZeroCrossingRate": described("ZeroCrossingRate", 1024, 256),
            "OnsetStrength": described("OnsetStrength", RATE, of=MUSIC, **framing),
            "Tempogram": Picture(
                "api/descriptors.md#kapre.Tempogram", MUSIC, lambda x: np.sqrt(np.abs(tempogram(x)))[..., 1:100]
            ),
            "Chroma": described("Chroma", RATE, of=MUSIC, line=False, **framing),
            "Tonnetz": described("Tonnetz", RATE, of=MUSIC, line=False, **framing),
            "YIN": described("YIN", RATE, of=MUSIC),
            "HPSS, harmonic": separated("harmonic"),
            "HPSS, percussive": separated("percussive"),
            "InstantaneousFrequency": Picture(
                "api/descriptors.md#kapre.InstantaneousFrequency",
                MUSIC,
                lambda x: np.clip((np.asarray(frequency(x)) - np.arange(513) * RATE / 1024)[..., :160], -30.0, 30.0),
            ),
        },
    }


def samples(recording: str) -> Any:
    """Return the first seconds of a recording as `(1, time)`."""
    from kapre import audio

    return audio.load(ROOT / "examples" / "audio" / f"{recording}.flac", RATE).samples[None, : SECONDS * RATE]


def draw(picture: Picture, path: Path) -> None:
    """Write a picture of the values."""
    import keras
    import matplotlib.pyplot as plt
    import numpy as np

    values = np.asarray(keras.ops.convert_to_numpy(picture.values(samples(picture.recording))))[0]
    figure = plt.figure(figsize=(3.2, 2.0), dpi=100)
    axis = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axis.set_axis_off()
    if picture.is_line:
        line = values[:, 0] if values.ndim == 2 else values
        axis.plot(line, linewidth=1.2)
        axis.margins(x=0.0, y=0.08)
    else:
        low, high = np.quantile(values, [0.02, 0.999])
        axis.imshow(values.T, origin="lower", aspect="auto", cmap="magma", vmin=low, vmax=high)
    figure.savefig(path)
    plt.close(figure)


def augmentations() -> dict[str, tuple[str, str]]:
    """Return the link and the picture of each augmentation with a picture on its page."""
    found = re.findall(r"^!\[(\w+)\]\(augmentation/([^)]+)\)", (DOCS / "augmentation.md").read_text(), re.MULTILINE)
    return {name: (f"augmentation.md#{name.lower()}", f"augmentation/{picture}") for name, picture in found}


def section(title: str, entries: dict[str, tuple[str, str]]) -> str:
    """Return a section of linked pictures."""
    lines = [f"[![{name}]({picture}) {name}]({link})" for name, (link, picture) in entries.items()]
    return "\n".join([f"## {title}", "", *lines, "{ .gallery }", ""])


def page(folder: Path) -> str:
    """Write the pictures of features into a folder. Return the page."""
    from gallery import shrink

    parts = [HEAD]
    for title, entries in pictures().items():
        shown = {}
        for name, picture in entries.items():
            file = f"{re.sub(r'[^a-z]+', '_', name.lower())}.png"
            draw(picture, folder / file)
            shrink(folder / file, LARGEST)
            shown[name] = (picture.link, f"{folder.name}/{file}")
        parts.append(section(title, shown))
    others = {"GCCPHAT": ("microphones.md", "microphones/moving.png")}
    parts.append(section("Several microphones", others))
    parts.append(
        section("Trained filters", {"SincConv, Leaf, ParametricFilterbank": ("learned.md", "learned/filters.png")})
    )
    parts.append(section("Augmentations", augmentations()))
    parts.append(
        section("Published front ends", {name: (f"presets/{name}.md", f"presets/{name}.png") for name in PRESETS})
    )
    return "\n".join(parts)


def main() -> int:
    """Write page and pictures; return the exit code."""
    os.environ["KERAS_BACKEND"] = "numpy"
    import matplotlib

    matplotlib.use("agg")
    folder = DOCS / "gallery"
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.png"):
        path.unlink()
    text = page(folder)
    (DOCS / "gallery.md").write_text(text, encoding="utf-8")
    absent = sorted(name for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text) if not (DOCS / name).exists())
    if absent:
        raise RuntimeError(
            f"gallery.md shows {', '.join(absent)}, which is not there: run tools/presets.py and gallery.py"
        )
    sizes = [path.stat().st_size for path in folder.glob("*.png")]
    print(f"{len(sizes)} pictures in docs/gallery, {sum(sizes) / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
