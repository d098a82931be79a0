"""Write the gallery of all layers, docs/gallery.md and its small pictures, and then the reference.

    python tools/overview.py         # tools/docs.py calls this, after the pictures of the other pages are made

Each picture of a layer is its result for a recording of the examples (tools/pictures.py). The pictures of augmentations
and of published front ends are those of their own pages.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
LARGEST = 30_000
"""The largest size of a picture in bytes."""
PRESETS = (
    *("whisper", "kaldi_fbank", "nemo", "wav2vec2", "ast", "clap_unfused", "vggish", "yamnet"),
    *("hifigan", "vocos", "encodec", "mert", "librosa_mel", "crepe", "silero_vad", "microfrontend"),
)
"""One front end of each family."""
HEAD = """# Gallery

`make docs` runs each layer to make its picture. Click a picture to read the description of the layer.
"""


def section(title: str, entries: dict[str, tuple[str, str]]) -> str:
    """Return a section of linked pictures."""
    lines = [f"[![{name}]({picture}) {name}]({link})" for name, (link, picture) in entries.items()]
    return "\n".join([f"## {title}", "", *lines, "{ .gallery }", ""])


def page(folder: Path) -> str:
    """Write the pictures of layers into a folder. Return the page."""
    from gallery import shrink
    from pictures import ELSEWHERE, augmentations, draw, file_of, pictures
    from reference import names, page_of

    parts = [HEAD]
    for title, entries in pictures().items():
        shown = {}
        for name, picture in entries.items():
            file = file_of(name)
            draw(picture, folder / file)
            shrink(folder / file, LARGEST)
            place = page_of(picture.layer) if picture.layer in names() else "recipe.md#kapre.Recipe"
            shown[name] = (f"api/{place}", f"{folder.name}/{file}")
        if title == "Several microphones":
            shown["GCCPHAT"] = ("api/descriptors/GCCPHAT.md", ELSEWHERE["GCCPHAT"][1])
        parts.append(section(title, shown))
    parts.append(section("Trained filters", {"SincConv, Leaf, ParametricFilterbank": ELSEWHERE["Leaf"]}))
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
    import reference  # in this process, which has the values of the same pictures

    sizes = [path.stat().st_size for path in folder.glob("*.png")]
    print(f"{len(sizes)} pictures in docs/gallery, {sum(sizes) / 1e6:.2f} MB")
    print(f"{reference.write(reference.API)} pages in docs/api")
    return 0


if __name__ == "__main__":
    sys.exit(main())
