"""Errors that a run over a corpus raises."""

from kapre.audio._errors import one_line


class CorpusError(Exception):
    """Report a run, a store or a manifest that cannot be used, in one line with the problem and the remedy."""


class ItemError(CorpusError):
    """Report a file that failed when `on_error` is "fail", or a shard that cannot be made."""


def named(error: Exception) -> str:
    """Return the type and the text of an error in one line."""
    return f"{type(error).__name__}: {one_line(error, 500)}"
