"""Recipes that several tests take, and recipes drawn at random."""

from __future__ import annotations

from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

import kapre

FULL = kapre.Recipe(sample_rate=16000, n_fft=400, hop_length=160, power=2.0, filterbank="mel", n_mels=20, log="ln")
"""Samples to logarithms of mel bands: what tests change into other recipes."""


def recipe_of(fields: dict[str, Any], of: kapre.Recipe | None = None) -> kapre.Recipe:
    """Return the recipe of drawn fields, or another with these fields; Hypothesis draws others for impossible ones."""
    try:
        return kapre.Recipe(**fields) if of is None else of.replace(**fields)
    except ValueError:
        assume(False)
        raise


SIZES = st.integers(15, 24)
PADDING = st.sampled_from(
    [
        dict(),
        dict(center=True, pad_mode="reflect"),
        dict(center=True, pad_mode="edge"),
        dict(snip_edges=False),
        dict(pad_begin=True),
        dict(pad_end=True),
        dict(pad_left=5, pad_right=3, pad_mode="symmetric"),
        dict(pad_left=20, pad_mode="edge"),
        dict(pad_left=40),
        dict(preemphasis=0.9, preemphasis_first="drop"),
        dict(preemphasis=0.9, preemphasis_first="reflect", center=True),
        dict(samples_multiple=7, samples_multiple_strict=True),
        dict(samples_multiple=5, zeros_after=9, drop_last=2, center=True),
        dict(samples_multiple=9, multiple_by="reflect"),
        dict(power=None, pad_right=4),
        dict(power=None, pad_left=3, pad_right=2, pad_mode="reflect", samples_multiple=5, multiple_by="reflect"),
    ]
)
FEATURES = st.sampled_from(
    [
        dict(),
        dict(normalize="mean_std", normalize_over="running", normalize_ddof=1, normalize_epsilon=1e-3),
        dict(normalize="mean", log="ln", amin=1e-3, valid_frames="hops"),
        dict(normalize="mean_std", normalize_epsilon=1e-3, valid_frames="whole"),
        dict(stack=3, stack_hop=2, stack_edges="repeat"),
        dict(stack=2, stack_hop=3),
        dict(stack=2, stack_edges="zeros", energy="last"),
        dict(patch_frames=3, patch_hop=2, layout="band_first"),
        dict(patch_frames=1, patch_hop=4),
        dict(fixed_frames=12, stack=2, valid_frames="hops"),
        dict(valid_frames="hops", drop_last=1, stack=2, stack_edges="zeros"),
        dict(log="db", dynamic_range=30.0, amin=1e-5, n_mfcc=4, energy="c0"),
        dict(log="db", ref_value="max", amin=1e-5, valid_frames="hops"),
        dict(deltas=1, delta_window=3, stack=2, stack_edges="repeat"),
        dict(deltas=2, valid_frames="hops"),
        dict(deltas=1, delta_window=3, stack=2, stack_edges="zeros", valid_frames="whole"),
        dict(deltas=2, delta_window=3, valid_frames="whole", patch_frames=2, energy="first"),
        dict(deltas=2, delta_window=3, delta_edges="interp"),
        dict(frames_multiple=4, feature_shift=1.0),
        dict(frames_multiple=3, stack=2, stack_edges="zeros", valid_frames="hops", feature_shift=0.5),
        dict(frames_multiple=2, stack=3, valid_frames="whole", feature_shift=0.5),
        dict(normalize="mean", normalize_over="sliding", normalize_window=3, normalize_min_frames=1),
        dict(
            normalize="mean_std",
            normalize_over="sliding",
            normalize_window=4,
            normalize_min_frames=1,
            normalize_epsilon=0.1,
            deltas=1,
        ),
        dict(
            normalize="mean_std",
            normalize_over="sliding",
            normalize_window=4,
            normalize_center=True,
            normalize_epsilon=0.1,
        ),
        dict(normalize_frames=True, one_hot=True),
        dict(microfrontend=True, power=2.0, input_scale=1000.0),
        dict(transform="identity", normalize_frames=True, window_name="rectangular_window"),
        dict(normalize_samples="rms", peak_limit=1.0),
        dict(normalize_samples="peak", only_raise=True),
        dict(magnitude_epsilon=1e-3, magnitude_epsilon_by="max"),
        dict(filterbank="chroma", sample_rate=100.0, window_name="blackman_window", one_hot=True),
        dict(filterbank="gammatone", n_bins=4, sample_rate=100.0, f_min=5.0, n_mfcc=3, log="ln", amin=1e-3, deltas=1),
        dict(filterbank="linear", n_bins=4, sample_rate=100.0, bank_rate=80.0, triangles="bins", norm=None),
        dict(transform="cqt", sample_rate=100.0, f_min=15.0, n_bins=5, bins_per_octave=4, log="ln", amin=1e-3),
        dict(transform="cqt", sample_rate=90.0, n_bins=8, bins_per_octave=8, f_min=10.0, cqt_gamma=3.0)
        | dict(filterbank="chroma", n_chroma=4, window_name="hamming_window", deltas=1, energy="last"),
        dict(filterbank="bark", n_bins=3, sample_rate=4000.0, window_name="sine_window"),
    ]
)


@st.composite
def any_recipe(draw: Any, n_fft: st.SearchStrategy[int] = SIZES) -> kapre.Recipe:
    """Draw a recipe of any stages, with a small DFT."""
    fields: dict[str, Any] = dict(n_fft=draw(n_fft), hop_length=draw(st.integers(1, 26)))
    fields |= draw(PADDING) | draw(FEATURES)
    fields = {"power": draw(st.sampled_from([1.0, 2.0])), **fields}
    fields |= draw(st.sampled_from([dict(), dict(preemphasis=0.9), dict(samples_multiple=7), dict(remove_dc=True)]))
    fields |= draw(st.sampled_from([dict(), dict(), dict(input_rate=5, sample_rate=3)]))
    return recipe_of(fields)
