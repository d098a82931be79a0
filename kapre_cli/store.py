"""Stores of `kapre extract`, as displayed by `kapre info`."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from kapre_cli.errors import DATA, CommandError, light, shown, with_flags
from kapre_cli.progress import working

ABOUT = "_kapre.json"


def is_store(path: str | Path) -> bool:
    """Tell whether a path is a store. A URI is always treated as one."""
    return "://" in str(path) or os.path.isfile(os.path.join(path, ABOUT))


def open_store(path: str | Path) -> Any:
    """Return a store, complete or not."""
    light()
    from kapre import corpus

    try:
        with working(f"opening {shown(str(path))}"):
            return corpus.read(path, partial=True)
    except (corpus.CorpusError, OSError) as error:
        raise CommandError(with_flags(str(error)), DATA) from None


def print_store(path: str | Path, as_json: bool) -> None:
    """Print the contents of a store."""
    store = open_store(path)
    about = store.about
    errors = store.errors()
    stages = Counter(error.stage for error in errors)
    size = store.n_bytes
    if as_json:
        text = {"path": str(path), "store": about, "rows": len(store), "errors": dict(stages), "bytes": size}
        text["warnings"] = store.warned
        print(json.dumps({**text, "error": None}))
        return
    hours = about.get("samples", 0) / (store.recipe.clip_rate or 1.0) / 3600
    print(shown(str(path)))
    rows = {
        "state": "whole" if store.is_whole else "not whole: go on with --resume",
        "files": str(about["items"]),
        "rows": f"{len(store)} with features, {len(errors)} with an error",
        "errors": ", ".join(f"{count} {stage}" for stage, count in stages.most_common()) or "none",
        **({"warnings": f"{store.warned}, in the column `warning`"} if store.warned else {}),
        "audio": f"{hours:.2f} h" if store.is_whole else "not known yet",
        "size": f"{size / 1e6:.1f} MB, {about['dtype']}, {about['format']}",
        "made by": f"Kapre {about['kapre']} on {about['backend']}",
        "recipe": ", ".join(f"{name}={value!r}" for name, value in store.recipe.changed_fields().items()),
    }
    for name, value in rows.items():
        print(f"  {name:<9}{value}")
