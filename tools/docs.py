"""Build the site, warnings fatal, and check that every public symbol has its place in the reference."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import kapre
from kapre import (
    _filter_stream,
    _stft_stream,
    audio,
    augmentation,
    backend,
    compare,
    composed,
    corpus,
    deploy,
    descriptors,
    executor,
    frontends,
    functional,
    integrations,
    losses,
    metrics,
    plot,
)
from kapre.corpus import extraction, reading

ROOT = Path(__file__).resolve().parents[1]


def public_symbols() -> dict[str, Any]:
    """Return what the package offers by dotted name: functions and classes, not modules or constants."""
    modules = {
        kapre: kapre.__all__,
        backend: backend.__all__,
        functional: functional.__all__,
        plot: plot.__all__,
        audio: [name for name in audio.__all__ if name != "AudioFile"],  # a type
    }
    modules |= {extraction: extraction.__all__, reading: ["Store", "StoredClip", "StoredError", "read"]}
    modules |= {corpus: ["CorpusError"]}
    modules |= {frontends: frontends.__all__, _stft_stream: ["STFTStream", "InverseSTFTStream"]}
    modules |= {_filter_stream: ["FilterStream"]}
    modules |= {composed: ["ComposedModel", "ComposedSequential", "ConcatenateChannels"], executor: ["run"]}
    modules |= {deploy: ["Check", "ExportError", "Report", "export", "read_metadata"]}
    modules |= {integrations: integrations.__all__, losses: losses.__all__, metrics: metrics.__all__}
    modules |= {descriptors: descriptors.__all__}
    modules |= {augmentation: augmentation.__all__, compare: ["default_tolerance", "features", "fields", "recipe"]}
    found = {f"{module.__name__}.{name}": getattr(module, name) for module, names in modules.items() for name in names}
    # Re-exported: one entry, under the shorter name.
    shorter = {
        f"kapre.{module}.{name}"
        for module in ("augmentation", "backend", "descriptors", "frontends")
        for name in kapre.__all__
    }
    return {name: value for name, value in found.items() if callable(value) and name not in shorter}


def main() -> int:
    """Write the pages that tools make, build, check; return the exit code."""
    for tool in ("presets", "gallery", "overview"):
        code = subprocess.run([sys.executable, f"tools/{tool}.py"], cwd=ROOT, check=False).returncode
        if code:
            return code
    command = [Path(sys.executable).parent / "zensical", "build", "--strict", "--clean"]
    code = subprocess.run([str(word) for word in command], cwd=ROOT, check=False).returncode
    if code:
        return code
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "site" / "api").rglob("*.html"))
    missing = sorted(name for name in public_symbols() if f'id="{name}"' not in pages)
    for name in missing:
        print(f"{name} is public and has no entry in docs/api", file=sys.stderr)
    print(f"{len(public_symbols())} public symbols, {len(missing)} without an entry; the site is site/index.html")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
