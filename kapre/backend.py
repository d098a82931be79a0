"""Functional API on tensors: windows, decibel conversion, filter banks, mu-law coding and PCM scaling.

Every function takes NumPy arrays, Python numbers, and tensors of the active Keras backend, eager or traced. It returns
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
from kapre.ops import filterbanks, scales, windows
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels import tf_data
from kapre.stages.logarithm import check_decibel

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
    """Return Keras' `floatx`. Kept for code and tests written for Kapre 0.4."""
    return str(keras.config.floatx())


def _get_image_data_format() -> str:
    """Return Keras' `image_data_format`. Kept for code and tests written for Kapre 0.4."""
    return str(keras.config.image_data_format())


def _tensor(x: Any) -> Any:
    """Return `x` as a tensor of the active backend, with its dtype unchanged."""
    if tf_data.is_foreign(x):
        tf_data.refuse("kapre.backend")
    return x if keras.ops.is_tensor(x) or isinstance(x, keras.KerasTensor) else ops.convert_to_tensor(x)


def _floating(x: Any) -> tuple[Any, str]:
    """Return `x` in the working dtype, and the dtype of the result: that of `x` if floating, else floatx."""
    x = _tensor(x)
    dtype = keras.backend.standardize_dtype(x.dtype)
    if not keras.backend.is_float_dtype(dtype):
        dtype = keras.config.floatx()
    return ops.cast(x, work_dtype(dtype)), dtype


def get_window_fn(window_name: str | None = None) -> Callable[..., Any]:
    """Return a window function by name.

    Args:
        window_name: "hamming_window", "hann_window", "kaiser_bessel_derived_window", "kaiser_window" or
            "vorbis_window". None means hann.

    Returns:
        A callable `(length, dtype=None) -> tensor` that returns a tensor of shape `(length,)`. The dtype is floatx
        unless `dtype` is given. The callable can be passed to `tf.signal.stft(window_fn=…)`.

    Raises:
        NotImplementedError: If the name is unknown. The message lists the valid names.
        ValueError: Raised by the callable if `length` is below 1, or is odd for kaiser_bessel_derived_window.

    Notes:
        The windows match those of the same names in TensorFlow's `tf.signal` to 2e-6. hann and hamming are periodic for
        an even length and symmetric for an odd one. kaiser and kaiser_bessel_derived use beta = 12.

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
    """Convert values to decibels by Kapre's original rule: 10 log10 of the input, even if it is a magnitude.

    The result is `10 log10(max(x, amin)) − 10 log10(max(amin, ref_value))`. Values more than `dynamic_range` below the
    item's maximum are then raised to that floor. The maximum is taken for each item over all axes but the first. For a
    1-D input it is taken over all values.

    For decibels in the usual sense, use `power_to_decibel` or `amplitude_to_decibel`.

    Args:
        x: Real values ≥ 0, of any shape. A 2-D input is a batch of rows.
        ref_value: float > 0. The value that maps to 0 dB.
        amin: float > 0. Smaller values are raised to this value.
        dynamic_range: float > 0, dB. The range kept below each item's maximum.

    Returns:
        A tensor in dB, of the same shape as `x`. Its dtype is that of `x` if floating, else floatx.

    Raises:
        ValueError: If `ref_value`, `amin` or `dynamic_range` is not positive.

    Notes:
        Each item matches `librosa.power_to_db(item, ref=ref_value, amin=amin, top_db=dynamic_range)` to 1e-4 dB.

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
    """Convert power to decibels, `10 log10(x / ref_value)`, within `dynamic_range` of each item's maximum.

    Args:
        x: Power ≥ 0, of any shape. With two or more axes, the first axis is the batch.
        ref_value: float > 0, power. The value that maps to 0 dB.
        amin: float > 0, power. Smaller values are raised to this value.
        dynamic_range: float > 0, dB. The range kept below each item's maximum.

    Returns:
        A tensor in dB, of the same shape as `x`. Its dtype is that of `x` if floating, else floatx.

    Raises:
        ValueError: If `ref_value`, `amin` or `dynamic_range` is not positive.

    Notes:
        Each item matches `librosa.power_to_db` with its default arguments to 1e-4 dB.

    Example:
        ```python
        import numpy as np
        import kapre

        assert np.allclose(kapre.power_to_decibel([100.0, 1.0]), [20.0, 0.0])
        ```
    """
    return magnitude_to_decibel(x, ref_value, amin, dynamic_range)


def amplitude_to_decibel(x: Any, ref_value: float = 1.0, amin: float = 1e-5, dynamic_range: float = 80.0) -> Any:
    """Convert amplitude to decibels, `20 log10(|x| / ref_value)`, within `dynamic_range` of each item's maximum.

    Args:
        x: Amplitude, of any shape. With two or more axes, the first axis is the batch.
        ref_value: float > 0, amplitude. The value that maps to 0 dB.
        amin: float > 0, amplitude. Smaller values are raised to this value.
        dynamic_range: float > 0, dB. The range kept below each item's maximum.

    Returns:
        A tensor in dB, of the same shape as `x`. Its dtype is that of `x` if floating, else floatx.

    Raises:
        ValueError: If `ref_value`, `amin` or `dynamic_range` is not positive.

    Notes:
        Each item matches `librosa.amplitude_to_db` with its default arguments to 1e-4 dB.

    Example:
        ```python
        import numpy as np
        import kapre

        assert np.allclose(kapre.amplitude_to_decibel([10.0, 1.0]), [20.0, 0.0])
        ```
    """
    x, dtype = _floating(x)
    ref_value, amin, dynamic_range = check_decibel(ref_value, amin, dynamic_range)
    # Use 20 log10 |x| rather than 10 log10 x²: a square of 1e-30 underflows to 0 in float32.
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
    """Make a mel filter bank: triangles over DFT bins that overlap by half on the mel scale.

    Args:
        sample_rate: float > 0, Hz.
        n_freq: int ≥ 2. Number of DFT bins, `n_fft // 2 + 1`.
        n_mels: int ≥ 1. Number of bands. If it is too large for `n_freq`, some low bands contain no bin and a warning
            is issued.
        f_min: float ≥ 0, Hz. The lower edge of the lowest triangle.
        f_max: float or None (Nyquist), Hz. The upper edge of the highest triangle.
        htk: bool. Use HTK's scale, `2595 log10(1 + f / 700)`, instead of Slaney's.
        norm: "slaney" (each triangle has area 2 / width), None (each peak is 1), or p ≥ 0 (each band is divided by its
            p-norm).

    Returns:
        A floatx tensor of shape `(n_freq, n_mels)`. `spectrum @ bank` gives the bands.

    Raises:
        ValueError: If an argument is out of range.
        TypeError: If an argument has the wrong type.

    Notes:
        The result matches `librosa.filters.mel(...)`, transposed, to the last bit in float32.

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
    """Make a log-frequency filter bank: log-normal windows evenly spaced on a log2 frequency axis.

    Band i has its centre at `c = f_min · 2^(i / bins_per_octave)`. Its weight at frequency f is
    `exp(−½ ((log2 f − log2 c) / σ)² − log2 σ − log2 f)` with `σ = spread / bins_per_octave`. DC belongs to no band. The
    weights of each band sum to 1.

    Args:
        sample_rate: float > 0, Hz.
        n_freq: int ≥ 2. Number of DFT bins, `n_fft // 2 + 1`. If it is too small, some low bands contain no bin and a
            warning is issued.
        n_bins: int ≥ 1. Number of bands.
        bins_per_octave: int ≥ 1. Bands per octave. 12 gives semitones.
        f_min: float > 0 or None (C1 ≈ 32.703 Hz), Hz. The centre of the lowest band.
        spread: float > 0. Width of a window as a fraction of the distance between centres.

    Returns:
        A floatx tensor of shape `(n_freq, n_bins)`.

    Raises:
        RuntimeError: If `f_min · 2^(n_bins / bins_per_octave)` exceeds Nyquist. The message says what to change.
        ValueError: If an argument is out of range.

    Example:
        ```python
        import numpy as np
        import kapre

        bank = kapre.backend.filterbank_log(22050, 2049)
        assert np.allclose(np.asarray(bank).sum(axis=0), 1.0, atol=1e-5)
        ```

    References:
        The `logfrequency` bank of librosa 0.6, adopted by Kapre and implemented here from the formula above.
    """
    return _bank(_log_frequency, sample_rate, n_freq, n_bins, bins_per_octave, f_min, spread)


def mu_law_encoding(signal: Any, quantization_channels: int) -> Any:
    """Compress samples by the mu-law and quantise them.

    The code is `int(((sign(x) · log1p(μ |x|) / log1p(μ)) + 1) / 2 · μ + 0.5)` with `μ = quantization_channels − 1`.

    Args:
        signal: Samples in [−1, 1], of any shape. Values outside this range are clipped. NaN gives code 0.
        quantization_channels: int ≥ 2. Number of codes. 256 gives 8 bits.

    Returns:
        An int32 tensor of codes 0 … quantization_channels − 1, of the same shape as `signal`.

    Raises:
        ValueError: If `quantization_channels` is below 2.
        TypeError: If `quantization_channels` is not an integer.

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
    """Decode mu-law codes to samples.

    Args:
        signal_mu: Codes 0 … quantization_channels − 1, of any shape, integer or floating.
        quantization_channels: int ≥ 2. The value used for encoding.

    Returns:
        A floatx tensor of samples in [−1, 1], of the same shape as `signal_mu`.

    Raises:
        ValueError: If `quantization_channels` is below 2.
        TypeError: If `quantization_channels` is not an integer.

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

    Signed samples of b bits are divided by `2^(b−1)`; int16 samples are divided by 32768. Unsigned 8-bit samples, as in
    WAV files, are first centred at 128. Floating samples are returned unchanged.

    Args:
        x: Samples of any shape: int8, int16, int32, uint8 or floating. 24-bit samples usually come in int32 with the
            full scale of 32 bits. If yours do not, divide them by `2**23` instead.

    Returns:
        A tensor of the same shape as `x`. Its dtype is that of `x` if floating, else floatx.

    Raises:
        TypeError: If `x` has a dtype that is not listed.

    Example:
        ```python
        import numpy as np
        import kapre

        samples = np.array([-32768, 0, 16384], "int16")
        assert np.asarray(kapre.pcm_to_float(samples)).tolist() == [-1.0, 0.0, 0.5]
        ```
    """
    if not (keras.ops.is_tensor(x) or isinstance(x, keras.KerasTensor)):
        x = np.asarray(x)  # not a tensor yet: JAX would turn int64 into int32, which has another full scale
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
