"""How the tests of augmentations call a layer: with parameters or without, compiled where that is cheaper."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from keras import ops

from tests.augmentations import Augmentation
from tests.conftest import BACKEND, chirp, quick, relative_error, to_numpy

BINS = 9


def example(row: Augmentation, batch: int = 3, time: int = 200, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Make an input, `(batch, time, channel)` or `(batch, time, bin, channel)`."""
    if row.takes == "waveform":
        return chirp(batch, time, channels, seed=seed).astype("float32")
    rng = np.random.default_rng(seed)
    return rng.uniform(0.1, 1.0, (batch, time, BINS, channels)).astype("float32")


def drawn(
    layer: Any, x: np.ndarray, lengths: Any = None, eager: bool = False
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the output in training, and what was drawn for it: as one program on JAX."""
    options = {} if lengths is None else {"lengths": np.asarray(lengths, "int32")}
    if BACKEND != "jax" or eager:
        y, parameters = layer(x, training=True, return_parameters=True, **options)
    else:
        layer(x)
        state = [variable.value for variable in layer.non_trainable_variables]
        (y, parameters), state = _program(layer)(state, x, options)
        for variable, value in zip(layer.non_trainable_variables, state, strict=True):
            variable.assign(value)
    return to_numpy(y), {name: to_numpy(value) for name, value in parameters.items()}


@functools.lru_cache(maxsize=4)  # a process has room for some thousand programs of XLA
def _program(layer: Any) -> Any:
    """Return a training call as a program of the generator's state."""
    import jax

    return jax.jit(
        lambda state, x, options: layer.stateless_call([], state, x, training=True, return_parameters=True, **options)
    )


def check_same(got: Any, expected: Any, rounding: float = 1e-6) -> None:
    """Check that two results are equal. On JAX, two programs may round in another order."""
    if BACKEND == "jax":
        assert relative_error(got, expected) <= rounding
    else:
        np.testing.assert_array_equal(to_numpy(got), expected)


def replayed(layer: Any, x: np.ndarray, parameters: dict[str, np.ndarray], lengths: Any = None) -> np.ndarray:
    """Return what given parameters make of an input: as one program on JAX, which would compile each operation."""
    given = {name: ops.convert_to_tensor(value) for name, value in parameters.items()}
    if lengths is None:
        return to_numpy(quick(lambda x, given: layer(x, training=True, parameters=given))(x, given))
    lengths = ops.convert_to_tensor(np.asarray(lengths, "int32"))
    run = quick(lambda x, given, lengths: layer(x, training=True, parameters=given, lengths=lengths))
    return to_numpy(run(x, given, lengths))


def of_item(parameters: dict[str, np.ndarray], item: int) -> dict[str, np.ndarray]:
    """Return the parameters of one item of a batch."""
    return {name: value[item : item + 1] for name, value in parameters.items()}
