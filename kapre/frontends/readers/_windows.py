"""Windows by the short names that SciPy, torch and most libraries use."""

from __future__ import annotations

SHORT = {name: f"{name}_window" for name in ("hann", "hamming", "blackman", "bartlett")}
"""The windows of a recipe that have a periodic and a symmetric form in other libraries, too, by their short names."""
