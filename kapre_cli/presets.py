"""`kapre presets`."""

from __future__ import annotations

import json
from typing import Any

from kapre_cli.errors import light
from kapre_cli.recipes import of_preset


def _shape(recipe: Any) -> list[int]:
    """Return the shape of the features of one second."""
    return list(recipe.output_shape(round(recipe.sample_rate)))


def run(name: str | None, as_json: bool) -> int:
    """Print the presets, or the recipe of one. Return the exit code."""
    if name is not None:
        print(of_preset(name).to_json(indent=2))
        return 0
    light()
    from kapre.frontends import list_presets, preset

    rows = [preset(each) for each in list_presets()]
    if as_json:
        listed = [
            dict(
                name=row.name,
                title=row.title,
                sample_rate=row.recipe.sample_rate,
                shape_of_one_second=_shape(row.recipe),
                layout=row.recipe.layout,
                used_by=row.used_by,
                source=row.source,
                note=row.note,
                version=row.version,
            )
            for row in rows
        ]
        print(json.dumps(listed, indent=2))
        return 0
    lines = [(row.name, f"{row.recipe.sample_rate:g}", str(tuple(_shape(row.recipe))), row.title) for row in rows]
    heads = ("name", "Hz", "one second", "what it is")
    widths = [max(len(line[column]) for line in [heads, *lines]) for column in range(3)]
    for name_, rate, shape, title in [heads, *lines]:
        print(f"{name_:<{widths[0]}}  {rate:>{widths[1]}}  {shape:<{widths[2]}}  {title}".rstrip())
    return 0
