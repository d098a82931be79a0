"""The documented functional API: windows, decibel, filter banks, mu-law and PCM as functions on tensors.

Every function takes NumPy arrays, Python numbers and tensors of the active Keras backend, eager or traced, and returns
tensors of that backend.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from kapre._checks import message
from kapre._layer import (
    _CH_DEFAULT_STR,
    _CH_FIRST_STR,
    _CH_LAST_STR,
    validate_data_format_str,
    work_dtype,
)
from kapre._recipe_fields import check_decibel
from kapre.ops import filterbanks, scales, windows
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels import tf_data

__all__ = [
    "_CH_DEFAULT_STR",
    "_CH_FIRST_STR",
    "_CH_LAST_STR",
    "amplitude_to_decibel",
    "filterbank_log",
    "filterbank_mel",
    "get_window_fn",
    "magnitude_to_decibel",
    "mu_law_decoding",
    "mu_law_encoding",
    "pcm_to_float",
    "power_to_decibel",
    "validate_data_format_str",
]


_window = kernel.untraced(windows.window)
_mel = kernel.untraced(filterbanks.mel)
_log_frequency = kernel.untraced(filterbanks.log_frequency)
_warn_if_empty = kernel.untraced(filterbanks.warn_if_empty)


def _get_floatx() -> str:
    """Return Keras' `floatx`; kept for code and tests written for Kapre 0.4."""
    return str(keras.config.floatx())


def _get_image_data_format() -> str:
    """Return Keras' `image_data_format`; kept for code and tests written for Kapre 0.4."""
    return str(keras.config.image_data_format())


def _tensor(x: Any) -> Any:
    """Return `x` as a tensor of the active backend, its dtype kept."""
    if tf_data.is_foreign(x):
        tf_data.refuse("kapre.backend")
    return x if keras.ops.is_tensor(x) or isinstance(x, keras.KerasTensor) else ops.convert_to_tensor(x)


def _floating(x: Any) -> tuple[Any, str]:
    """Return `x` in a dtype to work in, and the dtype of the result: its own if floating, else floatx."""
    x = _tensor(x)
    dtype = keras.backend.standardize_dtype(x.dtype)
    if not keras.backend.is_float_dtype(dtype):
        dtype = keras.config.floatx()
    return ops.cast(x, work_dtype(dtype)), dtype


def get_window_fn(window_name: str | None = None) -> Callable[..., Any]:
    """Get a window function by name.

    Args:
        window_name: "hamming_window", "hann_window", "kaiser_bessel_derived_window", "kaiser_window" or
            "vorbis_window"; None for hann.

    Returns:
        A callable `(length, dtype=None) -> tensor` of shape `(length,)`, floatx unless `dtype` says otherwise. It can
        be given to `tf.signal.stft(window_fn=…)`.

    Raises:
        NotImplementedError: If the name is unknown; the message lists the names.
        ValueError: From the callable, if `length` is below 1, or odd for kaiser_bessel_derived_window.

    Notes:
        Equal to TensorFlow's `tf.signal` functions of the same names to 2e-6. hann and hamming are periodic for an even
        length and symmetric for an odd one; kaiser and kaiser_bessel_derived have beta 12.

    Example:
        ```python
        import numpy as np
        import kapre

        hann = kapre.backend.get_window_fn()
        assert np.allclose(hann(4), [0.0, 0.5, 1.0, 0.5])
        ```

    References:
        Harris, F. J. (1978). On the use of windows for harmonic analysis with the discrete Fourier transform.
        Proceedings of the IEEE, 66(1).
    """
    name = windows.resolve_name(window_name)

    def window_fn(length: int, dtype: Any = None) -> Any:
        dtype = keras.config.floatx() if dtype is None else keras.backend.standardize_dtype(dtype)
        return ops.cast(
            ops.convert_to_tensor(_window(name, kernel.static_value(length)), dtype=work_dtype(dtype)), dtype
        )

    window_fn.__name__ = name
    return window_fn


def magnitude_to_decibel(x: Any, ref_value: float = 1.0, amin: float = 1e-5, dynamic_range: float = 80.0) -> Any:
    """Convert to decibel as Kapre always has: 10 log10 of the values as they are, magnitudes included.

    `10 log10(max(x, amin)) − 10 log10(max(amin, ref_value))`, then at least the maximum less `dynamic_range`. The
    maximum is an item's own: over all axes but the first, or over all of a 1-D input.

    For decibels in the usual sense use `power_to_decibel` or `amplitude_to_decibel`.

    Args:
        x: Real values ≥ 0, any shape; a 2-D input is a batch of rows.
        ref_value: float > 0. What becomes 0 dB.
        amin: float > 0. Smaller values are raised to it.
        dynamic_range: float > 0, dB.

    Returns:
        A tensor of the same shape, and of the same dtype if that is floating, else floatx; dB.

    Raises:
        ValueError: If a number is not positive.

    Notes:
        Equal to `librosa.power_to_db(item, ref=ref_value, amin=amin, top_db=dynamic_range)` of each item to 1e-4 dB.

    Example:
        ```python
        import numpy as np
        import kapre

        assert np.allclose(kapre.backend.magnitude_to_decibel([10.0, 1.0, 0.0]), [10.0, 0.0, -50.0])
        ```
    """
    x, dtype = _floating(x)
    return ops.cast(scales.decibel(x, *check_decibel(ref_value, amin, dynamic_range)), dtype)


def power_to_decibel(x: Any, ref_value: float = 1.0, amin: float = 1e-10, dynamic_range: float = 80.0) -> Any:
    """Convert power to decibel: `10 log10(x / ref_value)`, within `dynamic_range` of the item's own maximum.

    Args:
        x: Power ≥ 0, any shape; the first axis of two or more is the batch.
        ref_value: float > 0, power. What becomes 0 dB.
        amin: float > 0, power. Smaller values are raised to it.
        dynamic_range: float > 0, dB.

    Returns:
        A tensor of the same shape, and of the same dtype if that is floating, else floatx; dB.

    Raises:
        ValueError: If a number is not positive.

    Notes:
        Equal to `librosa.power_to_db` of each item, with its defaults, to 1e-4 dB.

    Example:
        ```python
        import numpy as np
        import kapre

        assert np.allclose(kapre.power_to_decibel([100.0, 1.0]), [20.0, 0.0])
        ```
    """
    return magnitude_to_decibel(x, ref_value, amin, dynamic_range)


def amplitude_to_decibel(x: Any, ref_value: float = 1.0, amin: float = 1e-5, dynamic_range: float = 80.0) -> Any:
    """Convert amplitude to decibel: `20 log10(|x| / ref_value)`, within `dynamic_range` of the item's own maximum.

    Args:
        x: Amplitude, any shape; the first axis of two or more is the batch.
        ref_value: float > 0, amplitude. What becomes 0 dB.
        amin: float > 0, amplitude. Smaller values are raised to it.
        dynamic_range: float > 0, dB.

    Returns:
        A tensor of the same shape, and of the same dtype if that is floating, else floatx; dB.

    Raises:
        ValueError: If a number is not positive.

    Notes:
        Equal to `librosa.amplitude_to_db` of each item, with its defaults, to 1e-4 dB.

    Example:
        ```python
        import numpy as np
        import kapre

        assert np.allclose(kapre.amplitude_to_decibel([10.0, 1.0]), [20.0, 0.0])
        ```
    """
    x, dtype = _floating(x)
    ref_value, amin, dynamic_range = check_decibel(ref_value, amin, dynamic_range)
    # 20 log10 |x|, not 10 log10 x²: a square of 1e-30 is 0 in float32.
    return ops.cast(2.0 * scales.decibel(ops.abs(x), ref_value, amin, dynamic_range / 2.0), dtype)


def _bank(make: Callable[..., np.ndarray], sample_rate: float, *settings: Any) -> Any:
    values = make(sample_rate, *settings, dtype=work_dtype(keras.config.floatx()))
    _warn_if_empty(values, sample_rate)
    return ops.convert_to_tensor(values, dtype=keras.config.floatx())


def filterbank_mel(
    sample_rate: float,
    n_freq: int,
    n_mels: int = 128,
    f_min: float = 0.0,
    f_max: float | None = None,
    htk: bool = False,
    norm: str | float | None = "slaney",
) -> Any:
    """Make a mel filter bank: triangles on the bins of a DFT, half overlapping on the mel scale.

    Args:
        sample_rate: float > 0, Hz.
        n_freq: int ≥ 2. Bins, `n_fft // 2 + 1`.
        n_mels: int ≥ 1. Bands. Too many for `n_freq` leave low bands without a bin, which is warned of.
        f_min: float ≥ 0, Hz. Where the lowest triangle begins.
        f_max: float or None (Nyquist), Hz. Where the highest ends.
        htk: bool. HTK's scale, `2595 log10(1 + f / 700)`, in place of Slaney's.
        norm: "slaney" (each triangle has area 2 / width), None (peak 1), or p ≥ 0: each band divided by its p-norm.

    Returns:
        A floatx tensor of shape `(n_freq, n_mels)`: `spectrum @ bank` are the bands.

    Raises:
        ValueError: If an argument is out of range.
        TypeError: If an argument has the wrong type.

    Notes:
        Equal to `librosa.filters.mel(...)` transposed, in float32 to the last bit.

    Example:
        ```python
        import kapre

        assert tuple(kapre.backend.filterbank_mel(16000, 257, n_mels=40).shape) == (257, 40)
        ```

    References:
        Slaney, M. (1998). Auditory Toolbox. Technical Report 1998-010, Interval Research Corporation.
    """
    return _bank(_mel, sample_rate, n_freq, n_mels, f_min, f_max, htk, norm)


def filterbank_log(
    sample_rate: float,
    n_freq: int,
    n_bins: int = 84,
    bins_per_octave: int = 12,
    f_min: float | None = None,
    spread: float = 0.125,
) -> Any:
    """Make a log-frequency filter bank: log-normal windows, evenly spaced on a log2 frequency axis.

    Band i is centred at `c = f_min · 2^(i / bins_per_octave)` and weighs frequency f by
    `exp(−½ ((log2 f − log2 c) / σ)² − log2 σ − log2 f)` with `σ = spread / bins_per_octave`; DC belongs to no band, and
    each band's weights sum to 1.

    Args:
        sample_rate: float > 0, Hz.
        n_freq: int ≥ 2. Bins, `n_fft // 2 + 1`. Too few leave low bands without a bin, which is warned of.
        n_bins: int ≥ 1. Bands.
        bins_per_octave: int ≥ 1. 12 gives semitones.
        f_min: float > 0 or None (C1 ≈ 32.703 Hz), Hz. The lowest centre.
        spread: float > 0. Width of a window as a fraction of the distance between centres.

    Returns:
        A floatx tensor of shape `(n_freq, n_bins)`.

    Raises:
        RuntimeError: If `f_min · 2^(n_bins / bins_per_octave)` exceeds Nyquist; the message says what to change.
        ValueError: If an argument is out of range.

    Example:
        ```python
        import numpy as np
        import kapre

        bank = kapre.backend.filterbank_log(22050, 2049)
        assert np.allclose(np.asarray(bank).sum(axis=0), 1.0, atol=1e-5)
        ```

    References:
        The `logfrequency` bank of librosa 0.6, which Kapre took over; written here from the formula above.
    """
    return _bank(_log_frequency, sample_rate, n_freq, n_bins, bins_per_octave, f_min, spread)


def mu_law_encoding(signal: Any, quantization_channels: int) -> Any:
    """Compress samples by the mu-law and quantise them.

    `int(((sign(x) · log1p(μ |x|) / log1p(μ)) + 1) / 2 · μ + 0.5)` with `μ = quantization_channels − 1`.

    Args:
        signal: Samples in [−1, 1], any shape; what lies outside is clipped, NaN gives code 0.
        quantization_channels: int ≥ 2. 256 gives 8 bits.

    Returns:
        An int32 tensor of codes 0 … quantization_channels − 1, of the same shape.

    Raises:
        ValueError: If `quantization_channels` is below 2.
        TypeError: If it is not an integer.

    Example:
        ```python
        import numpy as np
        import kapre

        codes = kapre.backend.mu_law_encoding([-1.0, 0.0, 1.0], 256)
        assert np.asarray(codes).tolist() == [0, 128, 255]
        ```

    References:
        ITU-T Recommendation G.711 (1988). Pulse code modulation (PCM) of voice frequencies.
    """
    x, _ = _floating(signal)
    return scales.mu_law_encode(x, scales.check_channels(quantization_channels))


def mu_law_decoding(signal_mu: Any, quantization_channels: int) -> Any:
    """Turn mu-law codes back into samples.

    Args:
        signal_mu: Codes 0 … quantization_channels − 1, any shape, integer or floating.
        quantization_channels: int ≥ 2, as encoded.

    Returns:
        A floatx tensor of samples in [−1, 1], of the same shape.

    Raises:
        ValueError: If `quantization_channels` is below 2.
        TypeError: If it is not an integer.

    Example:
        ```python
        import numpy as np
        import kapre

        assert np.allclose(kapre.backend.mu_law_decoding([0, 255], 256), [-1.0, 1.0])
        ```

    References:
        ITU-T Recommendation G.711 (1988). Pulse code modulation (PCM) of voice frequencies.
    """
    dtype = keras.config.floatx()
    codes = ops.cast(_tensor(signal_mu), work_dtype(dtype))
    return ops.cast(scales.mu_law_decode(codes, scales.check_channels(quantization_channels)), dtype)


def pcm_to_float(x: Any) -> Any:
    """Scale integer PCM samples to floats in [−1, 1).

    Signed samples of b bits are divided by `2^(b−1)`: int16 by 32768. Unsigned 8-bit samples (WAV's) are centred at 128
    first. Floating samples pass as they are.

    Args:
        x: Samples, any shape: int8, int16, int32, uint8 or floating. 24-bit samples are usually delivered in int32 with
            their full scale at that of 32 bits; if yours are not, divide by `2**23` yourself.

    Returns:
        A tensor of the same shape: floatx, or the input's own dtype if floating.

    Raises:
        TypeError: If the dtype is another one.

    Example:
        ```python
        import numpy as np
        import kapre

        samples = np.array([-32768, 0, 16384], "int16")
        assert np.asarray(kapre.pcm_to_float(samples)).tolist() == [-1.0, 0.0, 0.5]
        ```
    """
    if not (keras.ops.is_tensor(x) or isinstance(x, keras.KerasTensor)):
        x = np.asarray(x)  # not yet a tensor: JAX would make int32 of int64, whose full scale is another
    dtype = keras.backend.standardize_dtype(x.dtype)
    if keras.backend.is_float_dtype(dtype):
        return _tensor(x)
    if dtype not in scales.PCM_SCALES:
        way = "For 16-bit samples in it, use x.astype('int16')."
        if dtype in ("uint16", "uint32"):
            half = 2 ** (int(dtype[4:]) - 1)
            way = f"Centre it first: (x.astype('int64') - {half}).astype('{dtype[1:]}')."
        elif dtype == "bool":
            way = "It holds no samples."
        raise TypeError(message("x", f"floating or of dtype {', '.join(scales.PCM_SCALES)}", dtype, way))
    floatx = keras.config.floatx()
    return ops.cast(scales.pcm_to_float(_tensor(x), dtype, work_dtype(floatx)), floatx)
