"""A real FFT that does not move its batch: every device transforms its own share.

It is a primitive, so that forward and reverse mode, `vmap` and `jit` follow from four rules. It lowers to
`custom_partitioning`. For a single device, in `shard_map` and in `jax.export`, it lowers to the plain FFT.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.experimental.custom_partitioning import custom_partitioning
from jax.extend.core import Primitive, jaxpr_as_fun
from jax.interpreters import ad, batching, mlir
from jax.sharding import Mesh, NamedSharding, PartitionSpec, Sharding

_RULES: dict[str, Any] = dict(sharding_rule="... i -> ... j", need_replication_factors=("i", "j"))
"""The rule for Shardy: any axis but the last may be sharded. JAX 0.4 has no Shardy and uses only the functions."""
if "need_replication_factors" not in inspect.signature(custom_partitioning.def_partition).parameters:
    _RULES = {}


def _fft(x: Array, inverse: bool, n_fft: int) -> Array:
    return jnp.fft.irfft(x, n_fft) if inverse else jnp.fft.rfft(x, n_fft)


def _everywhere(devices: Any) -> Sharding:
    return NamedSharding(Mesh(np.array(list(devices)), ("all",)), PartitionSpec())


def _whole_last_axis(like: Any) -> Sharding:
    """Return the sharding of a tensor with the last axis complete on every device."""
    sharding, rank = like.sharding, len(like.shape)
    if sharding is None:  # not known yet (JAX 0.4): return the minimum, which XLA may improve
        return _everywhere(jax.devices())
    count = len(sharding.device_set)  # a size that any sharding divides, unlike the tensor's own axes
    if sharding.shard_shape((count,) * rank)[-1] == count:
        return sharding
    if isinstance(sharding, NamedSharding):
        return NamedSharding(sharding.mesh, PartitionSpec(*sharding.spec[: rank - 1]))
    return _everywhere(sharding.device_set)  # without a mesh, the other axes have no names


@lru_cache(maxsize=64)
def _partitioned(inverse: bool, n_fft: int) -> Callable[[Array], Array]:
    """Return the transform with the functions that tell XLA how to shard it among devices."""
    local = partial(_fft, inverse=inverse, n_fft=n_fft)

    def infer(mesh: Any, arguments: Any, result: Any) -> Sharding:
        return _whole_last_axis(arguments[0])

    def partition(mesh: Any, arguments: Any, result: Any) -> tuple[Any, ...]:
        sharding = _whole_last_axis(arguments[0])
        return mesh, local, sharding, (sharding,)

    shared = custom_partitioning(lambda x: local(x))
    shared.def_partition(partition, infer, **_RULES)
    return shared


fft_p = Primitive("kapre_fft")


def _bind(x: Array, inverse: bool, n_fft: int) -> Array:
    # The equation contains the lowered call, so that JAX sees that its devices must be known by then.
    call = jax.make_jaxpr(_partitioned(inverse, n_fft))(x)
    return fft_p.bind(x, inverse=inverse, n_fft=n_fft, call=call)


def _abstract(x: Any, *, inverse: bool, n_fft: int, call: Any) -> Any:
    (result,) = call.out_avals
    return x.update(shape=result.shape, dtype=result.dtype)


def _transpose(cotangent: Array, x: Any, *, inverse: bool, n_fft: int, call: Any) -> tuple[Array]:
    """Return the transpose, which is the other transform. Each inner bin counts twice."""
    twice = np.full(n_fft // 2 + 1, 2.0)
    twice[0] = 1.0
    if n_fft % 2 == 0:
        twice[-1] = 1.0
    if inverse:
        y = _bind(cotangent, False, n_fft)
        return (jnp.conj(y) * jnp.asarray(twice / n_fft, cotangent.dtype),)
    weights = jnp.asarray(n_fft / twice, jnp.real(cotangent).dtype)
    return (_bind(jnp.conj(cotangent) * weights, True, n_fft),)


def _batch(arguments: Any, axes: Any, *, inverse: bool, n_fft: int, call: Any) -> tuple[Array, int]:
    return _bind(jnp.moveaxis(arguments[0], axes[0], 0), inverse, n_fft), 0


def _lower(context: Any, x: Any, *, inverse: bool, n_fft: int, call: Any) -> Any:
    if context.module_context.lowering_parameters.for_export:  # a file cannot call back into this process
        return mlir.lower_fun(partial(_fft, inverse=inverse, n_fft=n_fft), multiple_results=False)(context, x)
    return mlir.lower_fun(jaxpr_as_fun(call), multiple_results=True)(context, x)


fft_p.def_abstract_eval(_abstract)
fft_p.def_impl(lambda x, *, inverse, n_fft, call: _fft(x, inverse, n_fft))  # used only under `jax.disable_jit`
mlir.register_lowering(fft_p, _lower)
ad.deflinear2(fft_p, _transpose)
batching.primitive_batchers[fft_p] = _batch
if jax.__version_info__ < (0, 7, 0):  # `shard_map` needs an explicit rule in these versions
    from jax.experimental import shard_map

    for told in ("register_standard_check", "register_standard_rewrite"):
        getattr(shard_map, told, lambda _: None)(fft_p)


@partial(jax.jit, static_argnames="n_fft")
def rfft(x: Array, n_fft: int) -> Array:
    """Transform the last axis of `n_fft` samples into `n_fft // 2 + 1` complex bins."""
    return _bind(x, False, n_fft)


@partial(jax.jit, static_argnames="n_fft")
def irfft(x: Array, n_fft: int) -> Array:
    """Invert `rfft`: convert `n_fft // 2 + 1` complex bins to `n_fft` samples."""
    return _bind(x, True, n_fft)
