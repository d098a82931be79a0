"""What a run over a corpus raises."""


class CorpusError(Exception):
    """A run, a store or a manifest that cannot be used: one line with what is wrong and the remedy."""


class ItemError(CorpusError):
    """A file that failed where one is not to, or a shard that cannot be made."""
