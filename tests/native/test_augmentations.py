"""Augmentations with the compiled library and without: the same numbers, and where it takes part. On each backend."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kapre import augmentation
from kapre.ops.kernels import active, framework, overlaid
from kapre.ops.kernels._native_effects import Effects
from tests.conftest import BACKEND, compiled, float64, gradient, to_numpy

RATE = 4000
BANK = np.random.default_rng(1).standard_normal((3, 300)).astype("float32") * np.exp(-np.arange(300) / 40.0)
FEW: dict[str, Any] = dict(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
EXAMPLES = {"torch": 40, "jax": 2, "tensorflow": 20}[BACKEND]  # JAX compiles what the library does not compute
Make = Callable[..., Any]
LAYERS: dict[str, Make] = {
    "white": lambda **more: augmentation.AddColoredNoise(5, 30, 0.0, 0.0, **more),
    "coloured": lambda **more: augmentation.AddColoredNoise(5, 30, **more),
    "recorded": lambda **more: augmentation.AddNoise(BANK, **more),
    "filter": lambda **more: augmentation.RandomFilter(RATE, **more),
    "equalizer": lambda **more: augmentation.RandomEqualizer(RATE, **more),
    "room": lambda **more: augmentation.Reverb(RATE, BANK, **more),
    "made_room": lambda **more: augmentation.Reverb(RATE, max_t60_seconds=0.2, keep_level=False, **more),
    "clipping": lambda **more: augmentation.Clipping(**more),
    "shift": lambda **more: augmentation.RandomShift(**more),
    "bits": lambda **more: augmentation.BitCrush(**more),
    "silence": lambda **more: augmentation.DropChunk(**more),
}
USED = {
    "white": ["mixed"],
    "coloured": ["white", "convolved", "mixed"],
    "recorded": ["mixed"],
    "filter": ["filtered"],
    "equalizer": ["filtered"],
    "room": ["convolved", "mixed"],
    "made_room": ["white", "convolved"],
    "clipping": ["order_statistics"],
}
"""The functions of the library that a layer calls."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """List the functions of the library that are called."""
    found: list[str] = []
    for name in ("white", "mixed", "filtered", "convolved", "order_statistics"):
        whole = getattr(Effects, name)

        def counted(*words: Any, name: str = name, whole: Any = whole) -> Any:
            found.append(name)
            return whole(*words)

        monkeypatch.setattr(Effects, name, counted)
    return found


def test_the_kernel_has_the_library() -> None:
    assert type(active).__name__.startswith("Native")


def clip(batch: int, time: int, channels: int, seed: int, layout: str) -> np.ndarray:
    shape = (batch, channels, time) if layout == "channels_first" else (batch, time, channels)
    return 0.1 * np.random.default_rng(seed).standard_normal(shape).astype("float32")


def check_same(y: Any, right: Any, error: float = 1e-5) -> None:
    y, right = to_numpy(y), to_numpy(right)
    assert y.dtype == right.dtype
    assert y.shape == right.shape
    np.testing.assert_allclose(y, right, rtol=0, atol=error * np.abs(right).max(initial=1e-6))


@pytest.mark.parametrize("name", LAYERS)
def test_numbers_are_the_same_without(name: str) -> None:
    """Hypothesis draws within the test, so that each layer is made once for each of its arguments."""
    made: dict[tuple[str, bool], Any] = {}

    @settings(max_examples=EXAMPLES, **FEW)
    @given(
        st.integers(1, 9),
        st.sampled_from([0, 1, 2, 31, 64, 65, 299, 300, 301, 1024, 4000]),
        st.integers(1, 3),
        st.sampled_from(["channels_first", "channels_last"]),
        st.booleans(),
        st.booleans(),
        st.integers(0, 1000),
    )
    def compare(batch: int, time: int, channels: int, layout: str, apart: bool, counts: bool, seed: int) -> None:
        if (layout, apart) not in made:
            made[layout, apart] = LAYERS[name](per_channel=apart, data_format=layout, seed=3)
        layer = made[layout, apart]
        x = clip(batch, time, channels, seed, layout)
        before = x.copy()
        lengths = np.random.default_rng(seed).integers(0, time + 1, batch).astype("int32") if counts else None
        tensor = keras.ops.convert_to_tensor(x)
        y, drawn = layer(tensor, training=True, lengths=lengths, return_parameters=True)
        with overlaid(framework()):
            right = layer(tensor, training=True, lengths=lengths, parameters=drawn)
        check_same(y, right)
        np.testing.assert_array_equal(x, before)
        np.testing.assert_array_equal(to_numpy(tensor), before)

    compare()


@pytest.mark.parametrize("name", USED)
def test_the_library_takes_part_in_eager_calls(name: str, calls: list[str]) -> None:
    layer = LAYERS[name](seed=0)
    x = keras.ops.convert_to_tensor(clip(3, 1000, 1, 0, "channels_last"))
    layer(x, training=True)
    assert calls == USED[name]
    layer(x, training=False)
    assert calls == USED[name]
    with overlaid(framework()):
        layer(x, training=True)
    assert calls == USED[name]


@pytest.mark.parametrize("name", list(USED)[:3] if BACKEND == "jax" else USED)
def test_float64_stays_as_it_is(name: str, calls: list[str]) -> None:
    with float64():
        layer = LAYERS[name](seed=0, dtype="float64")
        x = keras.ops.convert_to_tensor(clip(2, 500, 1, 0, "channels_last").astype("float64"))
        assert to_numpy(layer(x, training=True)).dtype == np.float64
    assert calls == []


@pytest.mark.parametrize("name", ["white", "equalizer", "room"])
def test_gradients_are_those_of_the_framework(name: str, calls: list[str]) -> None:
    layer = LAYERS[name](seed=0)
    x = clip(2, 400, 1, 0, "channels_last")
    _, drawn = layer(keras.ops.convert_to_tensor(x), training=True, return_parameters=True)
    calls.clear()

    def loss(x: Any) -> Any:
        return keras.ops.sum(layer(x, training=True, parameters=drawn) ** 2)

    found = gradient(loss, x)
    assert "mixed" not in calls
    assert "filtered" not in calls
    assert "convolved" not in calls
    with overlaid(framework()):
        check_same(found, gradient(loss, x))


@pytest.mark.parametrize("name", ["white", "equalizer", "room", "clipping"])
def test_programs_do_not_contain_it(name: str, calls: list[str]) -> None:
    layer = LAYERS[name](seed=0)
    x = keras.ops.convert_to_tensor(clip(2, 400, 1, 0, "channels_last"))
    y, drawn = layer(x, training=True, return_parameters=True)
    calls.clear()

    def step(x: Any) -> Any:
        return layer(x, training=True, parameters=drawn)

    if BACKEND == "torch":
        import torch

        whole = torch.compile(step, backend="eager", dynamic=False)
    else:
        whole = compiled(step)
    check_same(whole(x), y)
    assert calls == []


@pytest.mark.parametrize("name", ["white", "equalizer", "room"])
def test_threads_may_call_at_once(name: str) -> None:
    layer = LAYERS[name](seed=0)
    x = keras.ops.convert_to_tensor(clip(8, 4000, 1, 0, "channels_last"))
    right, drawn = layer(x, training=True, return_parameters=True)
    found: list[Any] = []
    calls = [threading.Thread(target=lambda: found.append(layer(x, training=True, parameters=drawn))) for _ in range(4)]
    for thread in calls:
        thread.start()
    for thread in calls:
        thread.join()
    assert len(found) == 4
    for y in found:
        np.testing.assert_array_equal(to_numpy(y), to_numpy(right))


def test_an_example_does_not_depend_on_its_neighbours() -> None:
    """It has the same bits in every batch."""
    layer = augmentation.Chain([LAYERS[name]() for name in ("white", "equalizer", "room")], seed=0)
    x = clip(9, 3000, 2, 0, "channels_last")
    y, drawn = layer(keras.ops.convert_to_tensor(x), training=True, return_parameters=True)
    for item in (0, 4, 8):
        own = keras.tree.map_structure(lambda value, item=item: value[item : item + 1], drawn)
        alone = layer(keras.ops.convert_to_tensor(x[item : item + 1]), training=True, parameters=own)
        if BACKEND == "tensorflow":  # its sines, of which the filters are made, depend on the number of gains
            check_same(alone[0], y[item], 1e-6)
        else:
            np.testing.assert_array_equal(to_numpy(alone)[0], to_numpy(y)[item])


def test_any_layout_in_memory() -> None:
    wide = np.random.default_rng(0).standard_normal((3, 2000, 4)).astype("float32")
    x = keras.ops.convert_to_tensor(wide)[:, ::2, 1:3]
    same = keras.ops.convert_to_tensor(np.ascontiguousarray(wide[:, ::2, 1:3]))
    for name, make in LAYERS.items():
        layer = make(seed=0)
        y, drawn = layer(x, training=True, return_parameters=True)
        assert np.array_equal(to_numpy(y), to_numpy(layer(same, training=True, parameters=drawn))), name
    np.testing.assert_array_equal(to_numpy(x), wide[:, ::2, 1:3])
