"""Published front ends, each computed by an independent package, to compare ours with.

`REFERENCES[preset]` is a `Reference`. Packages are imported when a reference is computed; an absent one raises.
Those of PyTorch come from requirements-references.txt. `<preset>_<package>` is another reference for the same preset;
`kaldi_fbank_no_snip` and its like are other settings of it.
"""

from tests.references._registry import REFERENCES, Reference

from tests.references import composed, kaldi, mel, music, speech  # noqa: F401  isort: skip

__all__ = ["REFERENCES", "Reference"]
