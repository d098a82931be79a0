"""What a run over a corpus raises."""


class CorpusError(Exception):
    """A run, a store or a manifest that cannot be used: one line with what is wrong and the remedy."""


class ItemError(CorpusError):
    """A file that failed where one is not to, or a shard that cannot be made."""


def one_line(error: object, longest: int = 200) -> str:
    """Return what an error says, in one line."""
    return " ".join(str(error).split())[:longest]


def named(error: Exception) -> str:
    """Return an error's type and what it says, in one line."""
    return f"{type(error).__name__}: {one_line(error, 500)}"
