"""Stores of `kapre extract`: what `kapre info` says of one, and `kapre show --row` draws of it."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from kapre_cli.errors import DATA, USAGE, CommandError, load_kapre, shown

ABOUT = "_kapre.json"


def is_store(path: Path) -> bool:
    """Tell whether a path is a store."""
    return os.path.isfile(path / ABOUT)


def _open(path: Path) -> Any:
    corpus = load_kapre().corpus
    try:
        return corpus.read(path, partial=True)
    except corpus.CorpusError as error:
        raise CommandError(str(error), DATA) from None


def print_store(path: Path, as_json: bool) -> None:
    """Print what a store holds."""
    store = _open(path)
    about = store.about
    errors = store.errors()
    stages = Counter(error.stage for error in errors)
    size = sum(file.stat().st_size for file in (path / "shards").glob("*.parquet"))
    if as_json:
        text = {"path": str(path), "store": about, "rows": len(store), "errors": dict(stages), "bytes": size}
        print(json.dumps({**text, "error": None}))
        return
    hours = about.get("samples", 0) / (store.recipe.sample_rate or 1.0) / 3600
    print(shown(str(path)))
    rows = {
        "state": "whole" if about.get("complete") else "not whole: go on with --resume",
        "files": str(about["items"]),
        "rows": f"{len(store)} with features, {len(errors)} with an error",
        "errors": ", ".join(f"{count} {stage}" for stage, count in stages.most_common()) or "none",
        "audio": f"{hours:.2f} h" if about.get("complete") else "not known yet",
        "size": f"{size / 1e6:.1f} MB, {about['dtype']}",
        "made by": f"Kapre {about['kapre']} on {about['backend']}",
        "recipe": ", ".join(f"{name}={value!r}" for name, value in store.recipe.changed_fields().items()),
    }
    for name, value in rows.items():
        print(f"  {name:<9}{value}")


def show_row(path: Path, row: int, output: Path | None, backend: str | None) -> int:
    """Draw a row's features; return the exit code."""
    kapre = load_kapre(backend)
    store = _open(path)
    if not 0 <= row < len(store):
        raise CommandError(f"--row: the store has rows 0 to {len(store) - 1}; received {row}. Give one of them.", USAGE)
    clip = store[row]
    if output is None:
        from kapre_cli.preview import preview

        preview(clip.features, store.recipe)
    else:
        import matplotlib
        import numpy as np

        matplotlib.use("agg")
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9, 4), layout="constrained")
        axes = figure.add_subplot()
        kapre.plot.spectrogram(clip.features.astype(np.float32), store.recipe, ax=axes)
        axes.set_title(f"{shown(Path(clip.path).name)}, from {clip.start:g} s")
        try:
            figure.savefig(output)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or " ".join(str(error).split())
            raise CommandError(f"{output}: cannot be written ({reason}). Give a .png, .svg or .pdf.", USAGE) from None
    kept = "" if output is None else f" → {output}"
    size = " × ".join(map(str, clip.features.shape))
    print(
        f"{shown(clip.path)} from {clip.start:g} s: {size} {clip.features.dtype}, {clip.duration:.2f} s of audio{kept}"
    )
    return 0
