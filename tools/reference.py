"""Write the reference: a page for each layer and class, and an index of all public names.

    python tools/reference.py          # docs/api/<group>/*.md and docs/api/index.md; tools/overview.py does this too
    python tools/reference.py --nav    # print the contents of the reference for zensical.toml

The text of a page is the docstring. The tool adds a picture, what the variables of the example hold after it ran, and
links to related layers and to the guides that mention the layer.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
import json
import os
import re
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
API = DOCS / "api"
LARGEST = 60_000
"""The largest size of a picture in bytes."""
FENCE = re.compile(r"^( *)```python\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
"""A Python block of a docstring or a page: its indentation and its code."""
MOST_GUIDES = 6
"""The most guides that a page leads to."""
MOST_NEIGHBOURS = 8
"""The names of a section with at most so many others lead to one another."""


class Group(NamedTuple):
    """Names of the reference with a page each: the title, the text above the table, and the names by section."""

    title: str
    text: str
    sections: dict[str, tuple[str, ...]]


def _of(prefix: str, names: str) -> tuple[str, ...]:
    return tuple(f"{prefix}.{name}" for name in names.split())


GROUPS = {
    "layers": Group(
        "Layers",
        "Layers for waveforms, spectrograms and features. [Use a front end in a model](../../model.md) shows how to "
        "use them.",
        {
            "Features of waveforms": _of("kapre", "Spectrogram MelSpectrogram MFCC CQT VQT Frontend"),
            "Fourier transforms": _of("kapre", "STFT InverseSTFT GriffinLim Magnitude Phase"),
            "Bands and cepstra": _of(
                "kapre",
                "ApplyFilterbank InverseFilterbank MagnitudeToDecibel LogmelToMFCC InverseMFCC Delta "
                "ConcatenateFrequencyMap SqueezeChannels",
            ),
            "Frames, rates and filters": _of("kapre", "Frame Energy Resample IIRFilter Convolve"),
            "Level": _of("kapre", "Loudness LoudnessNormalization RMSNormalization PeakNormalization"),
            "Mu-law": _of("kapre", "MuLawEncoding MuLawDecoding"),
            "Several recipes, and clips in pieces": _of("kapre", "ParallelFrontends FixedPieces"),
            "Random layers of Kapre 0.4": _of("kapre", "SpecAugment ChannelSwap"),
            "Real pairs in place of complex numbers": _of("kapre", "STFTTflite MagnitudeTflite PhaseTflite"),
        },
    ),
    "augmentation": Group(
        "Augmentation",
        "Layers that change their input at random during training. [Augment during "
        "training](../../training.md#augment-during-training) describes how to use them, and the "
        "[gallery](../../augmentation.md) shows what each of them does. "
        "[`kapre.SpecAugment`](../layers/SpecAugment.md) and [`kapre.ChannelSwap`](../layers/ChannelSwap.md) come from "
        "Kapre 0.4, and are listed with its layers. Calls take the same arguments as those of the layers here.",
        {
            "Level and position": _of(
                "kapre.augmentation", "RandomGain PolarityInversion TimeInversion RandomShift RandomCrop Fade"
            ),
            "Noise, rooms and filters": _of(
                "kapre.augmentation", "AddNoise bank AddColoredNoise Reverb RandomFilter RandomEqualizer Telephone"
            ),
            "Speed and pitch": _of("kapre.augmentation", "SpeedPerturbation TimeStretch PitchShift"),
            "Distortion and lost parts": _of("kapre.augmentation", "Clipping SoftClip BitCrush DropChunk ChannelDrop"),
            "Spectrograms": _of("kapre.augmentation", "FrequencyShift VTLP FilterAugment FreqMixStyle"),
            "Batches with labels": _of("kapre.augmentation", "MixUp CutMix"),
            "Compositions": _of("kapre.augmentation", "Chain OneOf SomeOf Choice"),
            "Base classes for your own layers": _of("kapre.augmentation", "RandomLayer BatchLayer Composition"),
        },
    ),
    "descriptors": Group(
        "Descriptors",
        "One or a few numbers for each frame of a waveform, as in `librosa.feature`. [Describe "
        "frames](../../descriptors.md) shows them.",
        {
            "Spectrum": _of(
                "kapre",
                "SpectralCentroid SpectralBandwidth SpectralRolloff SpectralFlatness SpectralContrast SpectralFlux "
                "SpectralDescriptors FrequencyWeighting",
            ),
            "Level and rhythm": _of("kapre", "RMS ZeroCrossingRate OnsetStrength Tempogram"),
            "Pitch and harmony": _of("kapre", "YIN Chroma Tonnetz HPSS"),
            "Phase": _of("kapre", "InstantaneousFrequency GroupDelay"),
            "Lapped transforms": _of("kapre", "MDCT InverseMDCT"),
            "Several microphones": _of(
                "kapre", "InterchannelPhaseDifference InterchannelLevelDifference GCCPHAT IntensityVector"
            ),
            "Streams": _of("kapre.descriptors", "DescriptorStream SpatialStream"),
        },
    ),
    "learned": Group(
        "Trained front ends",
        "Layers whose filters are trained with the model. [Train a front end](../../learned.md) shows how to use them.",
        {"": _of("kapre", "SincConv Leaf ParametricFilterbank PCEN")},
    ),
    "losses": Group(
        "Losses and metrics",
        "Losses between waveforms, as `keras.losses.Loss`, for models that return sound: enhancement, separation, "
        "vocoders and codecs. [Compare waveforms in training](../../losses.md) shows to which "
        "differences each of them responds.",
        {
            "Losses": _of(
                "kapre.losses",
                "MultiResolutionSTFTLoss SpectralConvergence MelLoss LoudnessDifference SISDR SNR WaveformLoss",
            ),
            "Metrics": _of("kapre.metrics", "SISDR SNR"),
        },
    ),
    "composed": Group(
        "Composed layers",
        "Functions of Kapre 0.4 that return several layers as one, and the classes that they return.",
        {
            "Functions": _of(
                "kapre",
                "get_stft_magnitude_layer get_melspectrogram_layer get_log_frequency_spectrogram_layer "
                "get_perfectly_reconstructing_stft_istft get_stft_mag_phase get_frequency_aware_conv2d",
            ),
            "Classes": _of("kapre.composed", "ComposedSequential ComposedModel ConcatenateChannels"),
        },
    ),
}
PAGES = {
    "backend": "Backend functions",
    "functional": "Functions of waveforms",
    "recipe": "Recipe",
    "frontends": "Front ends",
    "integrations": "Other libraries",
    "plot": "Pictures",
    "export": "Export",
    "compare": "Comparing features",
    "audio": "Audio files",
    "corpus": "Corpora",
}
"""The other pages of the reference, which are written by hand and hold several names."""


def page_of(name: str) -> str:
    """Return the page of a name with a page of its own, relative to docs/api."""
    return f"{names()[name]}/{_stem(name)}.md"


def _stem(name: str) -> str:
    """Return the last word of a name; metrics have the names of losses."""
    return f"{name.split('.')[-1]}Metric" if name.startswith("kapre.metrics.") else name.split(".")[-1]


def _title(name: str) -> str:
    return f"{name.split('.')[-1]} (metric)" if name.startswith("kapre.metrics.") else name.split(".")[-1]


def names() -> dict[str, str]:
    """Return every name with a page of its own, and its group."""
    return {name: group for group, entry in GROUPS.items() for section in entry.sections.values() for name in section}


def nav() -> list[dict[str, Any]]:
    """Return the contents of the reference, as in zensical.toml."""
    found: list[dict[str, Any]] = [{"Index of names": "api/index.md"}]
    for group, entry in GROUPS.items():
        of_group = sorted(
            (name for name, its in names().items() if its == group), key=lambda name: _title(name).lower()
        )
        pages = [{_title(name): f"api/{page_of(name)}"} for name in of_group]
        found.append({entry.title: [{"Overview": f"api/{group}/index.md"}, *pages]})
    return found + [{title: f"api/{page}.md"} for page, title in PAGES.items()]


def _toml(entries: list[dict[str, Any]], depth: int = 1) -> Iterator[str]:
    for entry in entries:
        ((title, target),) = entry.items()
        if isinstance(target, str):
            yield f"{'  ' * depth}{{ {json.dumps(title)} = {json.dumps(target)} }},"
        else:
            yield f"{'  ' * depth}{{ {json.dumps(title)} = ["
            yield from _toml(target, depth + 1)
            yield f"{'  ' * depth}] }},"


def first_sentence(value: Any) -> str:
    """Return the first line of a docstring."""
    return (inspect.getdoc(value) or "").split("\n")[0]


def after(code: str, name: str = "example") -> str:
    """Run an example. Return what it printed, and what its variables hold. Empty: nothing besides its input."""
    said, variables = io.StringIO(), {"__name__": "__main__"}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), contextlib.redirect_stdout(said):
        exec(compile(code, f"the example of {name}", "exec"), variables)
    held = {name: text for name, value in variables.items() if name != "__name__" and (text := _held(value))}
    if len(held) < 2 and not said.getvalue():
        return ""
    width = max(map(len, held), default=0)
    return said.getvalue() + "".join(f"{name:<{width}}  {text}\n" for name, text in held.items())


def _held(value: Any) -> str:
    """Return a variable in words: an array by its type and shape. Empty: nothing to show."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and not isinstance(value, type):
        return f"{value.dtype} {shape}" if shape else f"{float(value):.4g}"
    if isinstance(value, bool | int | str):
        return repr(value) if len(repr(value)) <= 80 else ""
    return f"{value:.4g}" if isinstance(value, float) else ""


def _prose(value: Any) -> str:
    """Return a docstring without its example."""
    return FENCE.sub("", value.__doc__ or "")


def related(public: dict[str, Any]) -> dict[str, list[str]]:
    """Return the related names of each: those that its docstring names, those that name it, and its neighbours."""
    own = names()
    mentions = {
        name: [
            other
            for other in dict.fromkeys(re.findall(r"kapre(?:\.\w+)+", _prose(public[name])))
            if other in own and other != name
        ]
        for name in own
    }
    found = {
        name: others + [other for other, its in mentions.items() if name in its] for name, others in mentions.items()
    }
    for entry in GROUPS.values():
        for section in entry.sections.values():
            if len(section) <= MOST_NEIGHBOURS:
                for name in section:
                    found[name] += [other for other in section if other != name]
    return {name: list(dict.fromkeys(others)) for name, others in found.items()}


@functools.cache
def guides() -> dict[Path, tuple[str, str]]:
    """Return the hand-written pages: the title and the text of each."""
    found = {}
    for path in sorted([*DOCS.glob("*.md"), *DOCS.glob("tutorials/*.md")]):
        if path.name not in ("index.md", "gallery.md", "contract.md", "benchmarks.md"):
            text = path.read_text(encoding="utf-8")
            found[path] = (text.split("\n")[0].removeprefix("# "), text)
    return found


def _mentions(name: str, text: str) -> int:
    """Return how often a text names something."""
    return len(re.findall(rf"(?<!\w){re.escape(name.split('.')[-1])}(?=[(`\]])", text))


def page(name: str, public: dict[str, Any], others: list[str], pictures: list[tuple[str, str, str]]) -> str:
    """Return the page of a name. Pictures: what each shows, its path relative to docs, and its caption."""
    value = public[name]
    lines = [
        "---",
        f"title: {json.dumps(_title(name))}",
        f"description: {json.dumps(first_sentence(value))}",
        "---",
        "",
    ]
    lines += [f"# {_title(name)}", ""]
    for alternative, path, caption in pictures:
        lines += [f"![{alternative}](../../{path})", "", f"{caption}", ""]
    lines += [f"::: {name}", ""]
    codes = [code for _, code in FENCE.findall(value.__doc__ or "")]
    outputs = [text for code in codes if (text := after(textwrap.dedent(code), name))]
    if outputs:
        lines += [
            "## Variables after the example { data-search-exclude }",
            "",
            "```text",
            *"".join(outputs).rstrip().split("\n"),
            "```",
            "",
        ]
    entries = [f"- [`{other}`](../{page_of(other)}): {first_sentence(public[other])}" for other in others]
    texts = guides()
    found = sorted(
        (path for path in texts if _mentions(name, texts[path][1])), key=lambda p: -_mentions(name, texts[p][1])
    )
    entries += [f"- [{texts[path][0]}](../../{path.relative_to(DOCS)})" for path in found[:MOST_GUIDES]]
    if entries:
        lines += ["## See also { data-search-exclude }", "", *entries, ""]
    return "\n".join(lines)


def overview(group: str, public: dict[str, Any]) -> str:
    """Return the page that lists a group."""
    entry = GROUPS[group]
    lines = [f"# {entry.title}", "", entry.text, ""]
    for title, section in entry.sections.items():
        lines += [f"## {title}", ""] if title else []
        lines += ["| Name | Description |", "| --- | --- |"]
        lines += [f"| [`{_title(name)}`]({_stem(name)}.md) | {first_sentence(public[name])} |" for name in section]
        lines += [""]
    return "\n".join(lines)


def index(public: dict[str, Any]) -> str:
    """Return the page that lists every public name."""
    places = {name: page_of(name) for name in names()}
    for written in PAGES:
        text = (API / f"{written}.md").read_text(encoding="utf-8")
        for listed in re.findall(r"^::: (\S+)", text, re.MULTILINE):  # a name, or a module with all that it offers
            places |= {name: f"{written}.md#{name}" for name in public if f"{name}.".startswith(f"{listed}.")}
    lines = ["# Index of names", "", f"The {len(public)} public classes and functions in alphabetical order.", ""]
    lines += ["| Name | Description |", "| --- | --- |"]
    for name in sorted(public, key=lambda name: (name.split(".")[-1].lower(), name)):
        # A class that methods return alone has no public path: its own name, and the page that describes it.
        private = "._" in name
        shown, place = (name.split(".")[-1], places[name].split("#")[0]) if private else (name, places[name])
        lines.append(f"| [`{shown}`]({place}) | {first_sentence(public[name])} |")
    return "\n".join([*lines, ""])


def illustrations(folder: Path) -> dict[str, list[tuple[str, str, str]]]:
    """Write the pictures with axes. Return those of each name, with the pictures of other pages."""
    import pictures
    from gallery import shrink

    found: dict[str, list[tuple[str, str, str]]] = {}
    for entries in pictures.pictures().values():
        for title, picture in entries.items():
            if picture.layer not in names():
                continue
            path = folder / pictures.file_of(title)
            pictures.draw(picture, path, axes=True)
            shrink(path, LARGEST)
            place = str(path.relative_to(DOCS)) if path.is_relative_to(DOCS) else path.name
            found.setdefault(picture.layer, []).append((title, place, pictures.shown(picture)))
    for title, (link, place) in pictures.augmentations().items():
        name = f"kapre.augmentation.{title}" if f"kapre.augmentation.{title}" in names() else f"kapre.{title}"
        found[name] = [(title, place, f"[How the picture is made](../../{link})")]
    for title, (link, place) in pictures.ELSEWHERE.items():
        found[f"kapre.{title}"] = [(title, place, f"[How the picture is made](../../{link})")]
    return found


def write(folder: Path) -> int:
    """Write the pages into a folder; return their number."""
    from docs import public_symbols

    public = public_symbols()
    absent = sorted(set(names()) - set(public))
    if absent:
        raise RuntimeError(f"tools/reference.py lists {', '.join(absent)}, which is not public")
    drawn = folder / "pictures"
    for made in (drawn, *(folder / group for group in GROUPS)):
        shutil.rmtree(made, ignore_errors=True)
    drawn.mkdir(parents=True)
    shown, others = illustrations(drawn), related(public)
    for name, group in names().items():
        (folder / group).mkdir(exist_ok=True)
        text = page(name, public, others[name], shown.get(name, []))
        (folder / page_of(name)).write_text(text, encoding="utf-8")
    for group in GROUPS:
        (folder / group / "index.md").write_text(overview(group, public), encoding="utf-8")
    (folder / "index.md").write_text(index(public), encoding="utf-8")
    return len(names())


def main(arguments: list[str]) -> int:
    """Write the pages, or print the contents; return the exit code."""
    if arguments not in ([], ["--nav"]):
        print(f"{__doc__ or ''}", file=sys.stderr)
        return 2
    if arguments:
        print("\n".join(_toml(nav(), 2)))
        return 0
    os.environ["KERAS_BACKEND"] = "numpy"
    import matplotlib

    matplotlib.use("agg")
    print(f"{write(API)} pages in docs/api")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
