"""Make the pictures of pages by running what stands on them, such as docs/augmentation.md and docs/descriptors.md.

    python tools/gallery.py          # docs/augmentation/*.png, docs/descriptors/*.png, …; tools/docs.py calls this
    python tools/gallery.py learned  # of one page
    python tools/gallery.py live     # of a tutorial: these are committed, and `make docs` does not make them again

Each `kapre augment` command of a page runs in the root of the repository, and each Python block that saves pictures
runs too. A picture that the page shows and nothing on it makes is an error.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "augmentation.md"
PAGES = (
    PAGE,
    *(ROOT / "docs" / f"{name}.md" for name in ("descriptors", "constant_q", "microphones", "learned", "losses")),
)
"""The pages. The pictures of each lie in the folder with its name."""
TRAINED = ("learned",)
"""The pages that train, for which Keras' NumPy backend does not suffice. Each is run by a process of its own."""
TUTORIALS = tuple(ROOT / "docs" / "tutorials" / f"{name}.md" for name in ("keyword_spotter", "live"))
"""The tutorials with pictures. Their blocks are one program, which trains."""
LARGEST = 40_000
"""The largest size of a picture in bytes."""


def commands(text: str) -> list[list[str]]:
    """Return the words of each `kapre augment` command of a page, without `kapre`."""
    lines = re.findall(r"^\$ (kapre augment .+)$", text.replace("\\\n", ""), re.MULTILINE)
    return [shlex.split(line)[1:] for line in lines]


def programs(text: str, joined: bool = False) -> list[str]:
    """Return the Python blocks of a page that save pictures; joined, each with all blocks before it."""
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return ["\n".join(blocks[i * (not joined) : i + 1]) for i, code in enumerate(blocks) if "savefig" in code]


def shown(text: str, folder: str = "augmentation") -> list[str]:
    """Return the names of the pictures of a folder that a page shows."""
    return re.findall(rf"!\[[^]]*\]\({folder}/([^)]+)\)", text)


def run(words: list[str], folder: Path) -> None:
    """Run a command, with its picture in a folder."""
    from kapre_cli.main import main

    place = words.index("--picture") + 1
    words = [*words[:place], str(folder / words[place]), *words[place + 1 :]]
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            main(words)
    except SystemExit as end:
        if end.code:
            raise RuntimeError(f"kapre {shlex.join(words)}: {said.getvalue()}") from None


def draw(code: str, folder: Path) -> None:
    """Run a program in a folder."""
    import matplotlib.pyplot as plt

    with contextlib.chdir(folder):
        exec(compile(code, "page", "exec"), {"__name__": "__main__"})
    plt.close("all")


def shrink(path: Path, largest: int = LARGEST) -> None:
    """Replace a PNG by one of few colours, as many as its size allows."""
    from PIL import Image

    with Image.open(path) as image:
        picture = image.convert("RGB")
    for colours in (48, 32, 24, 20, 16, 12, 8):
        picture.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= largest:
            return
    raise RuntimeError(f"{path.name} has {path.stat().st_size} bytes; {largest} are allowed")


def write(folder: Path, text: str, name: str = "augmentation") -> None:
    """Write the pictures of a page, which it shows in a folder `name`, into a folder, and remove all others."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        for words in commands(text):
            run(words, Path(made))
        for code in programs(text, joined=folder.parent.name == "tutorials"):
            draw(code, Path(made))
        wanted = set(shown(text, name))
        absent = sorted(wanted - {path.name for path in Path(made).iterdir()})
        if absent:
            raise RuntimeError(f"{name}.md shows {', '.join(absent)}, which nothing on it makes")
        for path in folder.glob("*.png"):
            path.unlink()
        for name in sorted(wanted):
            (folder / name).write_bytes((Path(made) / name).read_bytes())
            shrink(folder / name)


def main(names: list[str] | None = None) -> int:
    """Write the pictures of the pages with these names, or of all; return the exit code."""
    # NumPy compiles nothing, and the seeds on the page are chosen for its draws.
    trained = {*TRAINED, *(page.stem for page in TUTORIALS)}
    os.environ["KERAS_BACKEND"] = "jax" if names and set(names) <= trained else "numpy"
    os.chdir(ROOT)
    import matplotlib

    matplotlib.use("agg")
    for page in (*PAGES, *(TUTORIALS if names else ())):
        folder = page.with_suffix("")
        if names and folder.name not in names:
            continue
        if not names and folder.name in TRAINED:
            code = subprocess.run([sys.executable, __file__, folder.name], check=False).returncode
            if code:
                return code
            continue
        write(folder, page.read_text(encoding="utf-8"), folder.name)
        sizes = [path.stat().st_size for path in folder.glob("*.png")]
        print(f"{len(sizes)} pictures in {folder.relative_to(ROOT)}, {sum(sizes) / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
