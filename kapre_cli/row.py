"""`kapre show --row`: draw a row of a store."""

from __future__ import annotations

from pathlib import Path

from kapre_cli.errors import USAGE, CommandError, load_kapre, shown
from kapre_cli.outputs import PICTURES, check_output, write_all
from kapre_cli.pictures import draw_features
from kapre_cli.store import open_store


def run(path: str, row: int, output: Path | None, backend: str | None) -> int:
    """Draw a row of a store. Return the exit code."""
    check_output("--output", output, PICTURES)
    store = open_store(path)
    if not 0 <= row < len(store):
        raise CommandError(f"--row: the store has rows 0 to {len(store) - 1}; received {row}. Give one of them.", USAGE)
    clip = store[row]
    if output is None:
        from kapre_cli.preview import preview

        preview(clip.features, store.recipe)
    else:
        title = f"{shown(Path(clip.path).name)}, from {clip.start:g} s"
        plot = load_kapre(backend).plot
        write_all({output: lambda file: draw_features(plot, file, title, clip.features, store.recipe)})
    kept = "" if output is None else f" → {output}"
    size = " × ".join(map(str, clip.features.shape))
    print(
        f"{shown(clip.path)} from {clip.start:g} s: {size} {clip.features.dtype}, {clip.duration:.2f} s of audio{kept}"
    )
    return 0
