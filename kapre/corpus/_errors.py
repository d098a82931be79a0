"""Errors that a run over a corpus raises."""


class CorpusError(Exception):
    """Report a run, a store or a manifest that cannot be used, in one line with the problem and the remedy."""


class ItemError(CorpusError):
    """Report a file that failed when `on_error` is "fail", or a shard that cannot be made."""


def one_line(error: object, longest: int = 200) -> str:
    """Return the text of an error in one line."""
    return " ".join(str(error).split())[:longest]


def named(error: Exception) -> str:
    """Return the type and the text of an error in one line."""
    return f"{type(error).__name__}: {one_line(error, 500)}"
