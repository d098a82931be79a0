"""What a model hears: a waveform that has the features of a recording."""

from __future__ import annotations

from typing import Any

from kapre_cli.errors import USAGE, CommandError, quiet
from kapre_cli.progress import working


def check_listen(recipe: Any) -> None:
    """Refuse a recipe whose features have no inverse. Keras is not loaded."""
    from kapre.stages import check_invertible

    try:
        check_invertible(recipe)
    except ValueError as error:
        raise CommandError(f"--listen: {error}", USAGE) from None


def heard(recipe: Any, features: Any, samples: Any) -> tuple[Any, list[str]]:
    """Return the inverse of the features, (channels, time), and what the features do not hold.

    The features have their channels on the last axis if they have any. The inverse is as long as the clip, and as
    loud, because many front ends leave out the level.
    """
    import keras
    import numpy as np

    import kapre
    from kapre import stages

    rows = np.moveaxis(features, -1, 0) if features.ndim > len(recipe.output_shape(None)) else features[None]
    count = int(stages.RATE.count(recipe, len(samples)))
    with working("estimating the sound of the features"), quiet():
        frontend = kapre.Frontend(recipe)
        y = keras.ops.convert_to_numpy(frontend.invert(rows, lengths=np.full(len(rows), count)))
    y = np.pad(y, [(0, 0), (0, max(0, count - y.shape[1]))])[:, :count]
    level, found = (float(np.sqrt(np.sum(np.square(x, dtype="float64")))) for x in (samples, y))
    ratio = recipe.sample_rate / recipe.clip_rate  # of two rates, the lower one has fewer samples
    return (y * (level * ratio**0.5 / found) if found > 0.0 else y), frontend.lost
