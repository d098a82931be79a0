"""Audio as a recipe takes it: one channel at the recipe's rate, of a whole file or chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import numpy as np

from kapre import _checks
from kapre._hints import names_arguments
from kapre.audio._conversion import Conversion, as_channel, check_rate, refusals
from kapre.audio._decoder import Samples
from kapre.audio._opening import AudioFile, name_of
from kapre.audio.reading import Recording, blocks, decoded
from kapre.frontends.presets import preset
from kapre.recipe import Recipe

Block = tuple[Samples, int]


@names_arguments
def load(
    path: AudioFile,
    recipe: Recipe | str | int,
    channel: int | Literal["mix"] = "mix",
    on_damage: Literal["raise", "keep"] = "raise",
) -> Recording:
    """Load an audio file as a recipe takes it: decode it, mix its channels to one, then resample it.

    `kapre.corpus.extract` and the command `kapre` convert audio in the same way, so that the samples are the same.

    Args:
        path: The file: its path, its content as bytes, or a binary file object.
        recipe: A `Recipe`, the name of a preset, or only the rate in Hz, as in `load(path, 16000)`.
        channel: "mix" for the mean of all channels, or the number of one channel, counted from 0.
        on_damage: "raise" refuses a damaged file. "keep" returns the samples that can be decoded, and `info.damage`
            describes the damage.

    Returns:
        The samples as float32 of shape (time,), with the properties of the file.

    Raises:
        AudioError: If the file is missing, empty or not audio, lacks the channel, or, with "raise", has any damage that
            `inspect` finds.
        ValueError: If the recipe has no whole sample rate, or an argument is not one of the values above.
        ImportError: If soundfile or soxr is not installed.

    Example:
        ```python
        import numpy as np, soundfile
        import kapre

        soundfile.write("stereo.wav", np.random.default_rng(0).uniform(-0.5, 0.5, (44100, 2)), 44100)
        clip = kapre.audio.load("stereo.wav", "whisper")
        assert clip.samples.shape == (16000,) and clip.info.channels == 2
        features = kapre.Frontend.from_preset("whisper")(clip.samples[None])
        ```
    """
    rate, number = rate_of(recipe), as_channel(channel)
    samples, info = decoded(path, rate, on_damage)
    with refusals(info.path):
        return Recording(Conversion(info.sample_rate, rate, number).whole(samples), rate, info)


@names_arguments
def stream(
    path: AudioFile,
    recipe: Recipe | str | int,
    channel: int | Literal["mix"] = "mix",
    chunk_seconds: float | None = None,
) -> Iterator[tuple[Samples, float]]:
    """Load an audio file as `load` does, chunk by chunk, with bounded memory for files of any length.

    Args:
        path: The file: its path, its content as bytes, or a binary file object.
        recipe: A `Recipe`, the name of a preset, or only the rate in Hz, as in `load(path, 16000)`.
        channel: "mix" for the mean of all channels, or the number of one channel, counted from 0.
        chunk_seconds: Seconds of the file in a chunk, or None for the decoder's blocks.

    Returns:
        An iterator. Each item is the float32 samples of shape (time,) that a chunk adds, and the seconds of the file
        decoded so far. The resampler holds samples back, so the first chunks may add none.

    Raises:
        AudioError: As in `load`. Damage that only decoding reveals is raised after the last chunk.
        ValueError: If the recipe has no whole sample rate, or an argument is not one of the values above.
        ImportError: If soundfile or soxr is not installed.

    Example:
        ```python
        import numpy as np, soundfile
        import kapre

        soundfile.write("noise.wav", np.random.default_rng(0).uniform(-0.5, 0.5, 48000), 48000)
        chunks = list(kapre.audio.stream("noise.wav", 16000, chunk_seconds=0.1))
        assert sum(len(samples) for samples, _ in chunks) == 16000
        assert chunks[0][1] == 0.1 and chunks[-1][1] == 1.0
        ```
    """
    if chunk_seconds is not None:
        chunk_seconds = _checks.number(
            "chunk_seconds", chunk_seconds, "Use 0.02, or None.", above=0.0, rule="seconds above 0, or None"
        )
    return _streamed(path, rate_of(recipe), as_channel(channel), chunk_seconds)


def _streamed(path: AudioFile, to: int, channel: int | None, seconds: float | None) -> Iterator[tuple[Samples, float]]:
    conversion, done = None, 0
    with refusals(name_of(path)):
        for chunk, rate in _cut(blocks(path), seconds):
            if conversion is None:
                check_rate(rate, to)
                conversion = Conversion(rate, to, channel)
            done += len(chunk)
            yield conversion.push(chunk), done / rate
        if conversion is not None and len(rest := conversion.finish()):
            yield rest, done / conversion.rate


def _cut(decoded_blocks: Iterable[Block], seconds: float | None) -> Iterator[Block]:
    """Yield the samples of blocks in chunks of so many seconds. The last one may be shorter."""
    waiting, rate = None, 0
    for block, rate in decoded_blocks:
        joined = block if waiting is None else np.concatenate([waiting, block])
        size = max(1, len(joined) if seconds is None else round(seconds * rate))
        whole = len(joined) // size * size
        for first in range(0, whole, size):
            yield joined[first : first + size], rate
        waiting = joined[whole:]
    if waiting is not None and len(waiting):
        yield waiting, rate


def rate_of(recipe: Any) -> int:
    """Return the rate in Hz at which a recipe, a preset or a rate takes audio.

    Raises:
        TypeError: If it is none of them.
        ValueError: If the recipe has no whole sample rate.
    """
    if isinstance(recipe, str):
        recipe = preset(recipe).recipe
    if not isinstance(recipe, Recipe):
        try:
            return _checks.positive_int("recipe", recipe, "")
        except (TypeError, ValueError) as error:
            rule = "a kapre.Recipe, a preset's name or a rate in whole Hz"
            raise type(error)(_checks.message("recipe", rule, recipe, "Use 16000, say.")) from None
    rate = recipe.clip_rate
    if rate is None or rate != round(rate):
        rule, remedy = "one with a whole sample_rate, to read audio at", "recipe.replace(sample_rate=16000)"
        raise ValueError(_checks.message("recipe", rule, f"one with {rate}", f"Give it one, in Hz: {remedy}."))
    return round(rate)


__all__ = ["load", "stream"]
