"""The front end in JAX functions: compiled by jit, mapped by vmap, differentiated by grad.

KERAS_BACKEND=jax python examples/jax_functions.py
"""

import jax
import jax.numpy as jnp
import numpy as np

import kapre

mel = kapre.get_melspectrogram_layer(n_fft=512, hop_length=160, sample_rate=16000, n_mels=40, power=2.0)


@jax.jit
def energy(clip: jax.Array) -> jax.Array:
    """Return the mean mel energy of one clip of shape (time,)."""
    return jnp.mean(mel(clip[None, :, None]))


def main() -> None:
    """Print a batch of energies, and how one of them changes with its clip."""
    clips = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (4, 16000)), "float32")
    energies = jax.vmap(energy)(clips)
    slope = jax.grad(energy)(clips[0])
    step = 1e-3
    predicted, moved = energies[0] + step * jnp.sum(slope**2), energy(clips[0] + step * slope)
    print(energies.shape, slope.shape, bool(jnp.abs(moved - predicted) < 1e-3 * predicted))


if __name__ == "__main__":
    main()
