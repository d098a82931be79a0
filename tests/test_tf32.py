"""Products on GPUs that round float32 inputs to TF32: the filter bank keeps float32's precision."""

from __future__ import annotations

import sys
from typing import Any

import keras
import numpy as np
import pytest

from kapre.ops.kernels import active as kernel
from kapre.ops.kernels._tf32 import in_full_precision
from tests.conftest import BACKEND, to_numpy

MODULES = [sys.modules[kind.__module__] for kind in type(kernel).__mro__]
module: Any = next((each for each in MODULES if hasattr(each, "_split")), None)
RNG = np.random.default_rng(0)
POWERS = (RNG.standard_normal((2, 5, 257)) ** 2 * 10.0 ** RNG.uniform(-9, 3, (2, 5, 257))).astype("float32")
BANK = RNG.uniform(0, 1, (257, 40)).astype("float32")


def rounded(x: np.ndarray) -> np.ndarray:
    """Return what a tensor core reads of float32: ten bits behind the leading one."""
    bits = np.ascontiguousarray(x, "float32").view("int32")
    return (bits + (1 << 12) & -1 << 13).view("float32")


def in_tf32(x: Any, y: Any) -> Any:
    """Multiply as a tensor core does."""
    return keras.ops.convert_to_tensor(rounded(to_numpy(x)) @ rounded(to_numpy(y)))


def error(y: Any) -> float:
    expected = POWERS.astype("float64") @ BANK
    return float((np.abs(to_numpy(y) - expected) / expected).max())


if BACKEND == "jax":
    import jax

    @pytest.mark.parametrize("name", ["dot", "product", "total"])
    def test_products_ask_for_full_precision(name: str) -> None:
        arrays = (POWERS,) if name == "total" else (POWERS, BANK)
        (equation,) = (
            found
            for found in jax.make_jaxpr(getattr(kernel, name))(*arrays).eqns
            if found.primitive.name == "dot_general"
        )
        assert set(equation.params["precision"]) == {jax.lax.Precision.HIGHEST}

else:

    def test_a_product_in_tf32_keeps_full_precision() -> None:
        x, bank = map(keras.ops.convert_to_tensor, (POWERS, BANK))
        assert error(in_tf32(x, bank)) > 1e-4
        assert error(in_full_precision(in_tf32, module._split, x, bank)) <= 1e-6
        assert error(in_full_precision(keras.ops.matmul, module._split, x, bank)) <= 1e-6

    def test_its_gradient_is_that_of_one_product() -> None:
        slope = RNG.standard_normal((2, 5, 40)).astype("float32")
        if BACKEND == "torch":
            import torch

            x, bank = (torch.tensor(values, requires_grad=True) for values in (POWERS, BANK))
            in_full_precision(torch.matmul, module._split, x, bank).backward(torch.tensor(slope))
            found = x.grad, bank.grad
        else:
            import tensorflow as tf

            x, bank = tf.constant(POWERS), tf.constant(BANK)
            with tf.GradientTape() as tape:
                tape.watch((x, bank))
                y = in_full_precision(tf.matmul, module._split, x, tf.reshape(bank, (1, 257, 40)))
            found = tape.gradient(y, (x, bank), tf.constant(slope))
        by_x = slope.astype("float64") @ BANK.T
        by_bank = np.einsum("btf,btm->fm", POWERS.astype("float64"), slope)
        for got, expected in zip(found, (by_x, by_bank), strict=True):
            np.testing.assert_allclose(to_numpy(got), expected, rtol=0, atol=1e-6 * np.abs(expected).max())
