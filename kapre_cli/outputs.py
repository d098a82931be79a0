"""Check, write and replace the files that a command makes."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kapre_cli.errors import USAGE, CommandError

PICTURES = (".png", ".svg", ".pdf", ".jpg", ".jpeg")


def check_range(option: str, value: int | None, most: int, least: int = 1, remedy: str = "Use another.") -> None:
    """Refuse a number out of range. None is not given."""
    if value is not None and not least <= value <= most:
        raise CommandError(f"{option} must lie between {least} and {most}; received {value}. {remedy}", USAGE)


def check_output(option: str, path: Path | None, endings: tuple[str, ...]) -> None:
    """Refuse a file that cannot be written, before anything is loaded."""
    if path is None:
        return
    if path.suffix.lower() not in endings:
        raise CommandError(f"{path}: {option} must end in {', '.join(endings)}. Give it another name.", USAGE)
    if path.is_dir():
        raise CommandError(f"{path}: {option} is a folder. Give a file name in it.", USAGE)
    if path.parent.exists() and not path.parent.is_dir():
        raise CommandError(f"{path}: {path.parent} is a file, not a folder. Choose another place.", USAGE)
    if not path.parent.is_dir():
        raise CommandError(f"{path}: there is no folder {path.parent}. Make it first (mkdir -p).", USAGE)
    if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise CommandError(f"{path}: cannot be written. Choose a folder that you may write to.", USAGE)


def of_each(path: Path, files: Sequence[Path], file: Path) -> Path:
    """Return where the output of a file goes: where the option says, with the file's name if there are several."""
    return path if len(files) == 1 else path.with_name(f"{path.stem}.{file.stem}{path.suffix}")


def write_all(targets: dict[Path, Callable[[Path], None]]) -> None:
    """Write every target beside its final path, then move all into place. Each file appears complete or not at all."""
    made: dict[Path, Path] = {}
    target = next(iter(targets), Path())
    try:
        for target, write in targets.items():
            handle, name = tempfile.mkstemp(suffix=target.suffix, prefix=f".{target.stem}-", dir=target.parent)
            os.close(handle)
            made[target] = Path(name)
            write(made[target])
        mask = os.umask(0)
        os.umask(mask)
        for target, temporary in made.items():  # the error message uses `target`
            temporary.chmod(0o666 & ~mask)  # mkstemp's files are private
            temporary.replace(target)
    except OSError as error:
        raise CommandError(
            f"{target}: cannot be written ({error.strerror}). Choose another place.",
            USAGE,
        ) from None
    finally:
        for temporary in made.values():
            temporary.unlink(missing_ok=True)


def save_picture(figure: Any, path: Path) -> None:
    """Write a figure."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name in a script that the font lacks
        figure.savefig(path)


def save_sound(path: Path, samples: Any, rate: int) -> None:
    """Write samples (channel, time) as WAV of 32-bit floats, which keeps what is beyond full scale."""
    import soundfile

    soundfile.write(path, samples.T, rate, format="WAV", subtype="FLOAT")
