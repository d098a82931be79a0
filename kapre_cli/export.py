"""`kapre export`."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

from kapre_cli import recipes
from kapre_cli.errors import DATA, USAGE, CommandError, light, load_kapre, quiet, shown
from kapre_cli.progress import working


def _table(report: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    console.print(str(report).split("\n", 1)[0], soft_wrap=True, markup=False)
    for words, slots in (("in", report.inputs), ("out", report.outputs)):
        for name, shape in slots.items():
            free = ", ".join("dynamic" if size is None else str(size) for size in shape)
            console.print(f"  {words:<4}{name} ({free})", soft_wrap=True, markup=False)
    for line in report.notes:
        console.print(f"  {line}", soft_wrap=True, markup=False)
    if not report.checked:
        console.print("  not run: its numbers are not known (--no-check)")
        return
    table = Table(box=None, padding=(0, 2, 0, 2))
    table.add_column("input")
    table.add_column("largest error, of the range", justify="right")
    for check in report.checks:
        error = "too short for the model" if check.error is None else f"{check.error:.1e}"
        table.add_row(", ".join(map(str, check.shapes)), error)
    console.print(table)
    console.print(f"  {report.speed}")


def _model(model: Path) -> Any:
    if not model.is_dir() and model.suffix.lower() not in (".keras", ".h5", ".hdf5"):
        raise CommandError(f"{model}: not a model that Keras saved. Give a .keras or .h5 file.", USAGE)
    import keras

    try:
        return keras.saving.load_model(model, compile=False)
    except Exception as error:
        problem = " ".join(str(error).split())[:200]
        raise CommandError(f"{model}: Keras cannot load it: {problem} Give a .keras or .h5 file.", DATA) from None


def _check_format(path: Path, name: str | None) -> None:
    """Refuse an unknown format before Keras is loaded."""
    light()
    from kapre.deploy.formats import format_of

    try:
        format_of(path, name)
    except ValueError as error:
        raise CommandError(str(error), USAGE) from None


def run(
    model: Path | None,
    path: Path | None,
    output: Path | None,
    wanted: recipes.Wanted,
    options: dict[str, Any],
    as_json: bool,
    backend: str | None,
) -> int:
    """Export, print the report, and return the exit code."""
    alone = wanted.given()
    if alone and model is not None and path is None and output is None:
        model, path = None, model  # `kapre export --preset whisper front_end.onnx`
    if len(alone) + (model is not None) != 1:
        raise CommandError("give one of MODEL, --preset, --recipe and --from: what is to be exported.", USAGE)
    if (path is None) == (output is None):
        raise CommandError("give the file to write once: `kapre export model.keras model.onnx`, or -o FILE.", USAGE)
    to = path or output
    if model is not None and to is not None and model.resolve() == to.resolve():
        raise CommandError(f"{to}: the model itself. Give another file to write.", USAGE)
    chosen = None
    if model is None:
        chosen = wanted.found()
    elif not model.exists():
        raise CommandError(f"{model}: no such file. Give a model that Keras saved, or --preset NAME.", USAGE)
    _check_format(Path(str(to)), options["format"])
    kapre = load_kapre(backend)
    with working(f"exporting to {shown(str(to))}"), quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        given = kapre.Frontend(chosen, name=wanted.preset or "front_end") if model is None else _model(model)
        try:
            report = kapre.export(given, to, **options)
        except FileExistsError as error:
            raise CommandError(str(error).replace("Use overwrite=True", "Use --overwrite"), USAGE) from None
        except kapre.deploy.ExportError as error:
            raise CommandError(str(error).replace("check=False", "--no-check"), DATA) from None
        except (ValueError, TypeError) as error:
            raise CommandError(str(error), USAGE) from None
    if as_json:
        print(json.dumps(report.to_dict()))
    else:
        _table(report)
    return 0
