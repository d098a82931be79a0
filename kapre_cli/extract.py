"""`kapre extract`."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kapre_cli import recipes
from kapre_cli.errors import DATA, USAGE, CommandError, load_kapre, quiet, shown, with_flags
from kapre_cli.progress import working

_LINES_EVERY = 10.0
"""Seconds between progress lines if there is no terminal for a bar."""


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.2f} h" if seconds >= 360 else f"{seconds:.0f} s"


def _figures(now: Any) -> str:
    failed = f", {now.failed} failed" if now.failed else ""
    return f"{_hours(now.seconds)} of audio, {now.times_real_time:.0f} × real time{failed}"


@contextmanager
def _telling(silent: bool) -> Iterator[Callable[[Any], None] | None]:
    """Provide a function that shows the progress of a run: a bar in a terminal, else occasional lines.

    Meanwhile, the output of C libraries is kept off the terminal.
    """
    try:
        handle = os.dup(2)
    except OSError:  # closed by the caller
        silent = True
    if silent:
        with quiet():
            yield None
        return
    with os.fdopen(handle, "w", encoding=sys.stderr.encoding, errors="backslashreplace") as file, quiet():
        if not file.isatty():
            yield _Lines(file)
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[figures]}"), TimeRemainingColumn())
        with Progress(*columns, console=Console(file=file, force_terminal=True)) as bar:
            task = bar.add_task("", total=None, figures="")
            yield lambda now: bar.update(task, completed=now.items, total=now.of, figures=_figures(now))


class _Lines:
    """Write a line of progress from time to time."""

    def __init__(self, file: Any) -> None:
        self.file, self.told = file, time.monotonic()

    def __call__(self, now: Any) -> None:
        if time.monotonic() - self.told >= _LINES_EVERY:
            self.told = time.monotonic()
            print(f"{now.items} of {now.of} files, {_figures(now)}", file=self.file, flush=True)


def _check_inputs(inputs: list[str]) -> None:
    """Refuse a missing input of the command. Files named in a manifest may be missing."""
    gone = [name for name in inputs if "://" not in name and not os.path.lexists(name)]
    if gone:
        others = f" (and {len(gone) - 1} more)" if len(gone) > 1 else ""
        raise CommandError(f"{shown(gone[0])}: no such file or folder{others}. Check the path.", USAGE)


def run(
    inputs: list[str],
    output: str,
    wanted: recipes.Wanted,
    options: dict[str, Any],
    dry_run: bool,
    as_json: bool,
    backend: str | None,
) -> int:
    """Extract, report the result, and return the exit code."""
    if len(wanted.given()) != 1:
        raise CommandError("give one of --preset NAME, --recipe FILE and --from DIR: what is to be computed.", USAGE)
    if options["channel"] != "mix":
        try:
            options["channel"] = int(options["channel"])
        except ValueError:
            raise CommandError(f'--channel: "mix" or a number from 0 on, not {options["channel"]!r}.', USAGE) from None
    if options["address"] is not None and options["engine"] != "ray":
        raise CommandError("--address is of a Ray cluster: add --engine ray, or leave it out.", USAGE)
    chosen = wanted.found()
    _check_inputs(inputs)
    kapre = load_kapre(backend)
    corpus = kapre.corpus
    try:
        if dry_run:
            with working("listing the files"):
                plan = corpus.plan(inputs, options["glob"], options["shard_size"])
            return _dry(plan, as_json)
        with _telling(as_json) as progress:
            summary = corpus.extract(inputs, output, chosen, progress=progress, **options)
    except corpus.CorpusError as error:
        raise CommandError(with_flags(str(error)), USAGE if type(error) is corpus.CorpusError else DATA) from None
    except (ValueError, TypeError) as error:
        raise CommandError(with_flags(str(error)), USAGE) from None
    except KeyboardInterrupt:
        raise CommandError(f"interrupted. Go on with the same command and --resume: {shown(output)}", 130) from None
    from kapre.audio._container import count

    if as_json:
        print(json.dumps(summary.to_dict()))
    else:
        file = shown(f"{summary.path.rstrip('/')}/errors.csv")
        errors = f", {summary.failed} failed → {file}" if summary.failed else ""
        of = f"{count(summary.rows, 'row')} of {count(summary.items, 'file')}"
        rows = "" if summary.rows == summary.items else f" ({of})"
        print(f"{summary.ok} ok{errors}{rows}" + ("" if errors else f" → {shown(summary.path)}"))
        _say_skipped(summary.skipped)
        if summary.warned:
            print(f"{count(summary.warned, 'row')} with a warning: see the column `warning`")
    return DATA if summary.failed else 0


def _say_skipped(skipped: dict[str, int]) -> None:
    from kapre.corpus._items import in_words

    if skipped:
        print(f"skipped {in_words(skipped)}; --glob takes others", file=sys.stderr)


def _dry(plan: Any, as_json: bool) -> int:
    if as_json:
        print(json.dumps({**vars(plan), "hours": None if math.isnan(plan.hours) else plan.hours}))
        return 0
    from kapre.audio._container import count

    missing = f", {plan.missing} of them missing" if plan.missing else ""
    audio = "audio of unknown length" if math.isnan(plan.hours) else f"{_hours(3600 * plan.hours)} of audio"
    _say_skipped(plan.skipped)
    print(f"{count(plan.items, 'file')}{missing}, {audio}, {count(plan.shards, 'shard')} of {plan.shard_size}")
    return 0
