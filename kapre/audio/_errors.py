"""Errors about audio files, each in one line."""

from __future__ import annotations

COPY_AGAIN = "Copy it again from its source."


class AudioError(Exception):
    """Report an audio file that cannot be used, in one line with the file, the problem and the remedy.

    Attributes:
        problem: The problem alone.
    """

    problem: str = ""


def line(path: str, problem: str, remedy: str) -> AudioError:
    """Return an AudioError whose text is a single line, whatever characters the path contains."""
    name = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in path)
    error = AudioError(f"{name}: {problem}. {remedy}")
    error.problem = problem
    return error


def one_line(error: object, longest: int = 200) -> str:
    """Return the text of an error in one line."""
    return " ".join(str(error).split())[:longest]
