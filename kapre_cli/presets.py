"""`kapre presets`."""

from __future__ import annotations

import json
import sys
from typing import Any

from kapre_cli.errors import light
from kapre_cli.recipes import of_preset


def _shape(recipe: Any) -> list[int]:
    """Return the shape of the features of one second."""
    return list(recipe.output_shape(round(recipe.sample_rate)))


def run(name: str | None, as_json: bool) -> int:
    """Print the presets, or the recipe of one. Return the exit code."""
    light()
    from kapre.frontends import aliases, list_presets, preset

    if name is not None:
        print(of_preset(name).to_json(indent=2))
        if name in aliases():
            print(f"{name} takes the front end of the preset {aliases()[name]}", file=sys.stderr)
        return 0

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


def _nearest(recipe: Any) -> tuple[str, dict[str, tuple[Any, Any]]]:
    """Return the preset that differs in the fewest fields, and these fields with its values and those of the recipe."""
    from kapre.compare import fields
    from kapre.frontends import list_presets, preset

    found = {name: fields(preset(name).recipe, recipe) for name in list_presets()}
    name = min(found, key=lambda each: len(found[each]))
    return name, found[name]


def run_from(found: Any, as_json: bool) -> int:
    """Print the recipe of what a reader found, and how it differs from the nearest preset. Return the exit code."""
    recipe, about = found
    name, different = _nearest(recipe)
    if as_json:
        changes = {field: list(values) for field, values in different.items()}
        listed = {**vars(about), "nearest_preset": name, "differences": changes, "recipe": json.loads(recipe.to_json())}
        print(json.dumps(listed, indent=2))
        return 0
    print(recipe.to_json(indent=2))
    lines = [f"{about.where}, read by {about.reader}"]
    lines.append(f"  nearest preset  {name}" + ("" if different else ": the same recipe"))
    lines += [
        f"    {field:<22}{ours!r}, where the preset has {theirs!r}" for field, (theirs, ours) in different.items()
    ]
    lines += [f"  ignored         {field}: {why}" for field, why in about.ignored.items()]
    lines += [f"  note            {note}" for note in about.notes]
    print("\n".join(lines), file=sys.stderr)
    return 0
