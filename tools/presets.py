"""Write the pages about the published front ends: the table, and one page and picture for each.

    python tools/presets.py                        # docs/presets/*.md and *.png; tools/docs.py calls this
    python tools/presets.py --agreement FOLDER     # docs/presets/agreement.json; `make agreement` calls this

Nothing on a page is written by hand: recipe and text come from `kapre.frontends.preset`, what a field means from the
docstring of `kapre.Recipe`, the numbers from agreement.json.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import inspect
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import kapre
from kapre import audio, frontends, plot
from kapre._plot_layout import is_linear

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "presets"
AGREEMENT = PAGES / "agreement.json"
RECORDING = ROOT / "examples" / "audio" / "speech.flac"
SECONDS = 3
SHOWN_SECONDS = 6  # of a front end that pads to a fixed length
KINDS = ("speech", "music", "full_scale", "silence", "impulse", "sweep_in_noise", "sweep")
PACKAGES = ("keras", "numpy", "jax", "tensorflow-cpu", "torch", "transformers", "librosa", "kaldi-native-fbank")
RANGES = {"ln": 18.4, "log10": 8.0, "db": 80.0}  # what the colours of a picture cover at most: 80 dB
WHOLE = "no: needs the whole clip"


def meanings() -> dict[str, str]:
    """Return what each field of a recipe means, from the docstring's Args."""
    text = inspect.getdoc(kapre.Recipe) or ""
    block = text.split("Args:\n")[1].split("\n\n")[0]
    found: dict[str, str] = {}
    before = ""
    for name, meaning in re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", block, re.MULTILINE):
        found[name] = " ".join(meaning.split())
        if found[name] == "See there.":  # what the entry before says is about this one too
            found[name] = f"See `{before}`: {found[before]}"
        else:
            before = name
    return found


def cell(text: str) -> str:
    """Return text that may stand in a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell(text) for text in line)} |" for line in lines)


def shape(sizes: tuple[Any, ...]) -> str:
    """Return a shape as code."""
    return f"`({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})`"


def milliseconds(recipe: kapre.Recipe) -> str:
    """Return the latency of a recipe that streams."""
    return f"{1000 * (kapre.Frontend(recipe).stream().latency_seconds or 0.0):.3g} ms"


def streaming(entry: frontends.Preset) -> str:
    """Return how the preset streams, or what prevents it."""
    stages = frontends.whole_clip_stages(entry.recipe)
    if not stages:
        recipe = entry.recipe
        noun = "patch" if recipe.patch_frames else "chunk" if recipe.chunk_length else "frame"
        return (
            f'It streams: `kapre.Frontend.from_preset("{entry.name}").stream()`. A {noun} is given '
            f"{milliseconds(entry.recipe)} after the start of its hop, and the numbers are those of the whole clip."
        )
    changes = {name: value for change in stages.values() for name, value in change.items()}
    code = ", ".join(f"{name}={value!r}" for name, value in changes.items())
    return (
        f"It cannot be streamed, because it needs the whole clip for {' and for '.join(stages)}. "
        f'`kapre.Frontend.from_preset("{entry.name}", {code})` streams with a latency of '
        f"{milliseconds(entry.recipe.replace(**changes))}, and gives other numbers."
    )


# ---- agreement ----


def merge(folder: Path) -> None:
    """Put what `tests/frontends/test_agreement.py` measured into one file."""
    sys.path.insert(0, str(ROOT))
    from tests.frontends.agreement import about
    from tests.references import REFERENCES

    found: dict[tuple[str, str], dict[str, Any]] = {}
    packages = set(PACKAGES)
    for path in sorted(folder.glob("*.json")):
        name, dtype, backend = path.stem.split(".")
        measured = json.loads(path.read_text(encoding="utf-8"))
        preset, changes = about(name)
        packages.add(REFERENCES[name].package.split()[0])
        facts = {"name": name, "preset": preset, "changes": changes, "reference": measured.pop("package")}
        facts |= {"dtype": dtype, "unit": REFERENCES[name].unit}
        entry = found.setdefault((name, dtype), {**facts, "backends": {}})
        entry["backends"][backend] = {kind: float(f"{value:.2g}") for kind, value in sorted(measured.items())}
    head = {
        "made_by": "make agreement",
        "what": "largest difference for each kind of clip, over twelve lengths or more: in natural-log units, of "
        "linear features relative to the peak, of those divided by their deviation as they are",
        "versions": {name: importlib.metadata.version(name).split("+")[0] for name in sorted(packages)},
    }
    rows = sorted(found.values(), key=lambda e: (e["preset"], bool(e["changes"]), e["dtype"], e["reference"]))
    lines = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    text = f'{json.dumps(head, indent=1)[:-2]},\n "measured": [\n{lines}\n ]\n}}\n'
    AGREEMENT.write_text(text, encoding="utf-8")
    print(f"{len(rows)} comparisons in {AGREEMENT.relative_to(ROOT)}")


def measured(name: str) -> list[dict[str, Any]]:
    """Return a preset's entries in agreement.json."""
    if not AGREEMENT.exists():
        return []
    entries = json.loads(AGREEMENT.read_text(encoding="utf-8"))["measured"]
    return [entry for entry in entries if entry["preset"] == name]


def on_speech(name: str) -> str:
    """Return the largest float32 difference of a preset on speech, over the backends, or that there is none."""
    entries = [e for e in measured(name) if e["dtype"] == "float32" and not e["changes"]]
    return f"{max(v['speech'] for e in entries for v in e['backends'].values()):.1e}" if entries else "not measured"


def agreement(name: str) -> str:
    """Return the section about measured agreement."""
    entries = measured(name)
    if not entries:
        return "Not measured."
    parts = [
        "The largest difference from independent implementations, over clips of twelve lengths and more, from one "
        "sample to some seconds. Differences of logarithms are in natural-log units (0.01 is 1 %, which is 0.04 dB of "
        "power), of linear features relative to the peak, of those divided by the clip's own deviation as they are; a "
        "recipe's `feature_scale` is taken out. `make agreement` measures it; `make test-frontends` bounds it."
    ]
    for entry in entries:
        changes = ", ".join(f"{key}={value!r}" for key, value in entry["changes"].items())
        kinds = [kind for kind in KINDS if any(kind in values for values in entry["backends"].values())]
        rows = [
            (backend, *(f"{values[kind]:.1e}" if values[kind] else "0" for kind in kinds))
            for backend, values in sorted(entry["backends"].items())
        ]
        unit = {"linear": "of the peak", "normalised": "normalised"}.get(entry["unit"], "ln")
        about = f"**{entry['reference']}**, {entry['dtype']}{f', with `{changes}`' if changes else ''}:"
        parts += [about, table((unit, *(kind.replace("_", " ") for kind in kinds)), rows)]
    return "\n\n".join(parts)


# ---- pictures ----


def caption(recipe: kapre.Recipe) -> str:
    """Return what has to be said of the picture."""
    parts = [f"The first {SECONDS} s of `examples/audio/speech.flac`."]
    if recipe.fixed_samples or recipe.fixed_frames:
        seconds = recipe.fixed_samples or (recipe.fixed_frames or 0) * recipe.hop_length
        parts.append(f"The clip ends at the line; the features go on to {seconds / (recipe.sample_rate or 1):g} s.")
    if recipe.patch_frames:
        parts.append("Patches stand side by side.")
    if recipe.log and not recipe.n_mfcc and not is_normalised(recipe):
        parts.append("The colours cover the upper 80 dB at most.")
    if is_linear(recipe) and recipe.power is not None:
        parts.append("The numbers are linear, the colours logarithmic.")
    if recipe.n_mfcc:
        parts.append("The colours follow the coefficients from 1 up; number 0 may lie beyond them.")
    return " ".join(parts)


def picture(entry: frontends.Preset, path: Path) -> None:
    """Draw what the front end makes of the recording."""
    import matplotlib.pyplot as plt

    recipe = entry.recipe
    rate = int(recipe.sample_rate or 0)
    samples = audio.load(RECORDING, rate).samples[: SECONDS * rate]
    figure, axes = plt.subplots(figsize=(7.6, 2.7), dpi=100, layout="constrained")
    image = plot.spectrogram(kapre.Frontend(recipe)(samples[None]), recipe, axes)
    if recipe.power is not None:
        _colour(recipe, image)
    if recipe.fixed_samples or recipe.fixed_frames:
        axes.set_xlim(right=SHOWN_SECONDS)
        axes.axvline(SECONDS, color="white", linewidth=1, linestyle="--")
    _save(figure, path)
    plt.close(figure)


def _colour(recipe: kapre.Recipe, image: Any) -> None:
    """Let the colours cover what there is to see: 80 dB, and of cepstra what lies behind the first coefficient."""
    from matplotlib.colors import LogNorm

    values = np.asarray(image.get_array())
    high = float(values.max())
    if recipe.n_mfcc is not None:
        image.set_clim(float(values[1:].min()), float(values[1:].max()))
    elif is_linear(recipe):
        low = high * (1e-4 if recipe.power == 1.0 else 1e-8)
        image.set_data(np.maximum(values, low))
        image.set_norm(LogNorm(low, high))
    elif recipe.log is not None and not is_normalised(recipe):
        image.set_clim(max(float(values.min()), high - RANGES[recipe.log]), high)


def is_normalised(recipe: kapre.Recipe) -> bool:
    """Return whether values are no levels any more."""
    return bool(recipe.normalize or recipe.feature_scale != 1.0 or recipe.feature_shift != 0.0)


def _save(figure: Any, path: Path) -> None:
    """Write a PNG of few colours, which is a third of the size."""
    from PIL import Image

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    Image.open(buffer).convert("RGB").quantize(96, dither=Image.Dither.NONE).save(path, optimize=True)


# ---- pages ----


def page(entry: frontends.Preset) -> str:
    """Return a preset's page."""
    recipe, explained = entry.recipe, meanings()
    rate = int(recipe.sample_rate or 0)
    rows = [(f"`{key}`", f"`{value!r}`", explained[key]) for key, value in recipe.changed_fields().items()]
    parts = [
        f"# {entry.name}",
        f"{entry.title}. Used by {entry.used_by}.",
        f'```python\nfrontend = kapre.Frontend.from_preset("{entry.name}")\n```',
        f"It takes samples `(batch, time)` at {rate} Hz, full scale at 1.0; one second becomes "
        f"{shape(recipe.output_shape(rate))}{' (' + axes_of(recipe) + ')' if recipe.power else ''}.",
        f"![What {entry.name} makes of a recording]({entry.name}.png)",
        f"*{caption(recipe)}*",
    ]
    if entry.note:
        parts.append(f"!!! note\n    {entry.note}")
    parts += ["## Source", entry.source]
    if entry.version:
        parts.append(f"Version {entry.version}.")
    parts += ["## Streaming", streaming(entry)]
    parts += [
        "## Recipe",
        "What differs from the defaults of [`kapre.Recipe`](../api/recipe.md), in the order it runs.",
    ]
    parts += [table(("field", "value", "meaning"), rows), "## Agreement", agreement(entry.name)]
    return "\n\n".join(parts) + "\n"


def axes_of(recipe: kapre.Recipe) -> str:
    """Return the names of the axes of a clip's features."""
    bands = "coefficients" if recipe.n_mfcc else "bands" if recipe.filterbank else "bins"
    if recipe.stack > 1:
        return f"stacks of {recipe.stack} frames, {bands} of all"
    lead = "patches, frames" if recipe.patch_frames else "chunks, frames" if recipe.chunk_length else "frames"
    if recipe.layout == "time_first":
        return f"{lead}, {bands}"
    return ", ".join([*lead.split(", ")[:-1], bands, "frames"])


def index() -> str:
    """Return the table of all presets."""
    rows = []
    for entry in entries():
        rate = int(entry.recipe.sample_rate or 0)
        streams = WHOLE if frontends.whole_clip_stages(entry.recipe) else f"yes, {milliseconds(entry.recipe)}"
        one_second = shape(entry.recipe.output_shape(rate))
        name = f"[`{entry.name}`]({entry.name}.md)"
        rows.append((name, entry.title, str(rate), one_second, streams, on_speech(entry.name)))
    others = [(f"`{alias}`", f"[`{name}`]({name}.md)") for alias, name in frontends.aliases().items()]
    head = ("preset", "what it is", "Hz", "1 s becomes", "streams, latency", "differs by")
    return "\n\n".join(
        [
            "---\nhide:\n  - toc\n---",
            "# All presets",
            f"The {len(rows)} published front ends that `kapre.Frontend.from_preset` makes. How to use, change and "
            "stream them: [Published front ends](../frontends.md). The last column is the largest difference from the "
            "reference on speech in float32, in natural-log units (0.01 is 1 %), of linear features relative to the "
            "peak; each page says more.",
            table(head, rows),
            "## Other names of models",
            "`from_preset` also takes these names, each for the front end that the model takes.",
            table(("name", "preset"), others),
        ]
    ) + "\n"  # fmt: skip


def entries() -> Iterator[frontends.Preset]:
    """Go through the presets by name."""
    return (frontends.preset(name) for name in kapre.list_presets())


def write(folder: Path, pictures: bool = True) -> None:
    """Write every page into a folder, and remove what no preset has."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in [*folder.glob("*.md"), *folder.glob("*.png")]:
        if path.stem not in ("index", *kapre.list_presets()):
            path.unlink()
    (folder / "index.md").write_text(index(), encoding="utf-8")
    for entry in entries():
        (folder / f"{entry.name}.md").write_text(page(entry), encoding="utf-8")
        if pictures:
            picture(entry, folder / f"{entry.name}.png")


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--agreement", type=Path, metavar="FOLDER", help="merge what was measured, and write no page")
    arguments = parser.parse_args()
    if arguments.agreement:
        merge(arguments.agreement)
        return 0
    import matplotlib

    matplotlib.use("agg")
    write(PAGES)
    print(f"{len(kapre.list_presets())} presets in {PAGES.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
