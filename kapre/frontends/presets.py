"""Published front ends by name. The filter banks in `_table.py` are made when the first preset is requested."""

from __future__ import annotations

import difflib
from typing import Any

from kapre._arguments import PresetName
from kapre._checks import message
from kapre.frontends._preset import Preset
from kapre.recipe import Recipe


def _table() -> dict[str, Preset]:
    from kapre.frontends import _table_music, _table_speech, _table_waves  # noqa: F401  (they add to the table)
    from kapre.frontends._table import PRESETS

    return PRESETS


ALIASES: dict[str, PresetName] = {
    "canary": "nemo_128",
    "distil_whisper": "whisper",
    "f5_tts": "vocos",
    "htsat": "panns",
    "hubert": "wav2vec2",
    "kokoro": "styletts2",
    "matcha": "hifigan",
    "moss_transcribe_diarize": "whisper",
    "openvoice": "vits",
    "parakeet": "nemo",
    "parakeet_tdt": "nemo_128",
    "pyannote": "wespeaker",
    "sensevoice": "paraformer",
    "titanet": "nemo",
    "vosk": "kaldi_mfcc_hires",
    "waveglow": "tacotron2",
    "wavlm": "wav2vec2",
    "whisper_turbo": "whisper_large_v3",
}
"""Names of models whose front end is a preset of another name."""


def aliases() -> dict[str, PresetName]:
    """Return the names of models that `preset` also accepts, with the name of the preset that each stands for.

    Example:
        ```python
        import kapre

        assert kapre.frontends.aliases()["f5_tts"] == "vocos"
        assert kapre.frontends.preset("f5_tts").name == "vocos"
        ```
    """
    return dict(sorted(ALIASES.items()))


def list_presets() -> list[PresetName]:
    """Return the sorted names of the published front ends that `kapre.Frontend.from_preset` accepts.

    Example:
        ```python
        import kapre

        assert "whisper" in kapre.list_presets()
        ```
    """
    names: list[Any] = sorted(_table())
    return names


def name_of(recipe: Recipe) -> PresetName | None:
    """Return the name of the preset with this recipe, or None."""
    names: list[Any] = [entry.name for entry in _table().values() if entry.recipe == recipe]
    return min(names, default=None)


def preset(name: str) -> Preset:
    """Return a published front end by name, with its recipe, its source and its users.

    Args:
        name: One of `kapre.list_presets()`, or of `aliases()`.

    Raises:
        ValueError: If there is no preset of that name. The message names the nearest ones.

    Example:
        ```python
        import kapre

        assert kapre.frontends.preset("nemo").recipe.n_mels == 80
        ```
    """
    known = _table()
    name = ALIASES.get(name, name)
    if name in known:
        return known[name]
    near = difflib.get_close_matches(str(name), [*known, *ALIASES], n=3, cutoff=0.4)
    remedy = f"Use {' or '.join(map(repr, near))}." if near else "kapre.list_presets() has them all."
    raise ValueError(message("name", "a preset of kapre.list_presets()", name, remedy))
