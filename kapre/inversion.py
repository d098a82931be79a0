"""Layers that invert features: from magnitudes to waveforms, from bands to bins, and from cepstra to bands."""

from __future__ import annotations

from typing import Any, Literal, Unpack

from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import checked_seed, choice, count, message, number, positive_int
from kapre._layer import (
    AudioLayer,
    DataFormat,
    Shape,
    channels_in_place,
    channels_second,
    lengths_of,
    register,
    resolve_data_format,
    shape_channels_second,
    shape_in_place,
)
from kapre.ops import fourier, frames, inverse_bank, kernels, scales
from kapre.ops.griffin_lim import check_momentum, check_steps, framing_of, griffin_lim
from kapre.recipe import stft_recipe
from kapre.time_frequency import ApplyFilterbank, check_bins


@register
class GriffinLim(AudioLayer):
    """Estimate waveforms from the magnitudes of their short-time Fourier transform.

    The phases are unknown. In each step, the layer computes the spectra `c = STFT(InverseSTFT(S exp(iφ)))` of the
    current waveform, and takes the phases of `c − m / (1 + m) c'`, where c' are the spectra of the previous step and m
    is the momentum.

    Args:
        n_fft: int ≥ 1, samples. DFT length of the forward transform.
        win_length: int ≥ 1 or None (`n_fft`), samples. Window length of the forward transform.
        hop_length: int ≥ 1 or None (`win_length // 4`), samples. Hop of the forward transform.
        window_name: The window of the forward transform, or None for hann.
        pad_begin: bool. Whether the forward transform padded the start with `n_fft - hop_length` zeros.
        input_data_format: "default", "channels_first" or "channels_last".
        output_data_format: The data format of the output, with the same choices.
        center: bool. Whether the forward transform was centred.
        pad_mode: How the forward transform padded with `center`: "constant", "reflect", "symmetric" or "edge".
        n_iter: int ≥ 0. Number of steps. 0 gives the waveform of the initial phases.
        momentum: float from 0 to 1. 0.0 is the algorithm of Griffin and Lim, and 0.99 that of Perraudin et al.
        power: 1.0 if the input is the magnitude, 2.0 if it is the power, whose root is taken.
        seed: int or None. None starts from phases of 0. An integer starts from random phases, which are the same for
            each item, channel and call.
        length: int ≥ 0 or None, samples. The output is cut or zero-padded to this length.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, frame, n_fft // 2 + 1, channel)`, channels_first `(batch, channel, frame,
        n_fft // 2 + 1)`; real, at least 0.

    Output shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`, with
        `time = (frames - 1) * hop_length + win_length` unless `length`, `pad_begin` or `center` changes it; the compute
        dtype.

    Raises:
        ValueError: If an argument is out of range, or the input has the wrong number of bins.
        TypeError: If a number is not an integer, or the input is complex.

    Notes:
        With `center=True`, the result matches `librosa.griffinlim(init=None)` to 1e-10 of the peak in float64. In
        float32, rounding leads to a different waveform, 4e-3 of the peak apart, whose magnitudes are equally close. A
        waveform and its negative have the same magnitudes, and silence between two sounds separates their phases. The
        result may therefore differ from the original although it sounds the same. Without `center`, few windows cover
        the ends of the clip. The sum of their squares, by which the samples are divided, is raised to at least 5 % of
        the sum elsewhere. JAX and TensorFlow compile a loop. `torch.compile` compiles all steps one after another.

    Example:
        ```python
        import numpy as np
        import kapre

        t = np.arange(8000) / 16000
        x = np.sin(2 * np.pi * (200 * t + 2000 * t**2)).reshape(1, 8000, 1).astype("float32")
        settings = dict(n_fft=512, hop_length=128, center=True)
        magnitudes = kapre.Magnitude()(kapre.STFT(**settings)(x))
        y = kapre.GriffinLim(**settings, length=8000)(magnitudes)
        again = kapre.Magnitude()(kapre.STFT(**settings)(y))
        error = np.linalg.norm(np.asarray(again) - np.asarray(magnitudes)) / np.linalg.norm(np.asarray(magnitudes))
        assert y.shape == (1, 8000, 1) and error < 0.06
        ```

    References:
        Perraudin, N., Balazs, P. and Søndergaard, P. (2013). A Fast Griffin-Lim Algorithm. IEEE Workshop on
        Applications of Signal Processing to Audio and Acoustics.
    """

    def __init__(
        self,
        n_fft: int = 2048,
        win_length: int | None = None,
        hop_length: int | None = None,
        window_name: str | None = None,
        pad_begin: bool = False,
        input_data_format: DataFormat = "default",
        output_data_format: DataFormat = "default",
        center: bool = False,
        pad_mode: frames.PadMode = "constant",
        n_iter: int = 32,
        momentum: float = 0.99,
        power: float = 1.0,
        seed: int | None = None,
        length: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        self._recipe = stft_recipe(
            n_fft=n_fft,
            win_length=win_length,
            hop_length=hop_length,
            window_name=window_name,
            pad_begin=pad_begin,
            center=center,
            pad_mode=pad_mode,
        )
        self.n_fft = self._recipe.n_fft
        self.win_length = self._recipe.win_length
        self.hop_length = self._recipe.hop_length
        self.window_name = self._recipe.window_name
        self.pad_begin = self._recipe.pad_begin
        self.input_data_format = resolve_data_format(input_data_format, "input_data_format")
        self.output_data_format = resolve_data_format(output_data_format, "output_data_format")
        self.center = self._recipe.center
        self.pad_mode = pad_mode  # the recipe resets it where nothing is padded
        self.n_iter = check_steps("n_iter", n_iter)
        self.momentum = check_momentum(momentum)
        self.power = float(choice("power", power, (1.0, 2.0), "1.0 is the magnitude, 2.0 the power."))
        self.seed = checked_seed(seed)
        self.length = None if length is None else count("length", length, "Use None for what the frames cover.")

    def output_mask(self, mask: Any) -> Any:
        recipe = self._recipe
        padding = sum(recipe.padding)
        return frames.sample_mask(mask, padding, recipe.frame_length, recipe.hop_length, self.length)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        x = channels_second(self.real_input(inputs), 4, self.input_data_format)
        if isinstance(x.shape[-1], int):
            check_bins(x.shape[-1], self._recipe.n_freq, f"n_fft={self.n_fft}")
        if mask is not None:  # before the root, whose gradient at NaN behind the end is NaN
            x = frames.keep(x, lengths_of(mask), axis=2)
        x = x if self.power == 1.0 else kernels.current().root(x)
        behind = 0 if self.length is None else self._recipe.padding[1]
        y = griffin_lim(x, framing_of(self._recipe), self.n_iter, self.momentum, self.seed, lengths_of(mask), behind)
        y = y if self.length is None else frames.pad(y, 0, self.length)[..., : self.length]
        return channels_in_place(ops.cast(y, self.compute_dtype), self.output_data_format)

    def time_axes(self, shape: Shape) -> Any:
        return super().time_axes(shape) if self.length is None else None  # `length` may extend past the last frame

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        batch, channels, frame_count, bins = shape_channels_second(shape, 4, self.input_data_format)
        check_bins(bins, self._recipe.n_freq, f"n_fft={self.n_fft}")
        time = self.length if self.length is not None else self._recipe.num_samples(frame_count)
        return shape_in_place((batch, channels, time), self.output_data_format), self.compute_dtype


@register
class InverseFilterbank(ApplyFilterbank):
    """Estimate the bins of a spectrogram from its bands under a filter bank.

    The layer looks for the bins x ≥ 0 whose bands are closest to the input, `min ‖B x − y‖`, by accelerated projected
    gradient steps (FISTA) from the pseudoinverse. Each step takes two matrix products.

    Args:
        type: "mel" or "log".
        filterbank_kwargs: dict. The arguments of `kapre.ApplyFilterbank`, whose bands are inverted.
        data_format: "default", "channels_first" or "channels_last".
        n_iter: int ≥ 0. Number of steps. 0 gives the pseudoinverse without its negative values, as torchaudio's
            `InverseMelScale` does.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, frame, band, channel)`, channels_first `(batch, channel, frame, band)`; real.

    Output shape:
        The same shape with `n_freq` bins instead of bands; the compute dtype.

    Raises:
        ValueError: If `type` or a keyword is unknown, or the input has the wrong number of bands.
        TypeError: If a required keyword is missing, or the input is complex.
        RuntimeError: If the log bank extends beyond Nyquist.

    Notes:
        After 100 steps, the bands of the result lie 1.7e-4 of their norm from the input (128 Slaney bands of 1025
        bins), against 1.8e-3 for `librosa.feature.inverse.mel_to_stft` and 7.3e-2 for the pseudoinverse. Many different
        bins have the same bands, so the bins themselves are less close. A bin that belongs to no band is 0.

    Example:
        ```python
        import numpy as np
        import kapre

        bank = dict(sample_rate=16000, n_freq=257, n_mels=40)
        bands = kapre.ApplyFilterbank("mel", bank)(np.random.default_rng(0).random((1, 10, 257, 1), "float32"))
        bins = kapre.InverseFilterbank("mel", bank)(bands)
        again = kapre.ApplyFilterbank("mel", bank)(bins)
        assert bins.shape == (1, 10, 257, 1) and np.allclose(again, bands, rtol=1e-3)
        ```

    References:
        Beck, A. and Teboulle, M. (2009). A Fast Iterative Shrinkage-Thresholding Algorithm for Linear Inverse Problems.
        SIAM Journal on Imaging Sciences, 2(1).
    """

    recipe_stage = ""  # a chain with it is no recipe

    def __init__(
        self,
        type: str,
        filterbank_kwargs: dict[str, Any],
        data_format: DataFormat = "default",
        n_iter: int = 100,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(type, filterbank_kwargs, data_format, **kwargs)
        self.n_iter = check_steps("n_iter", n_iter)
        self._solver = inverse_bank.solver(self._bank)

    def call(self, inputs: Any) -> Any:
        x = channels_second(self.real_input(inputs), 4, self.data_format)
        bins = inverse_bank.solve(x, self._solver, self.n_iter)
        return channels_in_place(ops.cast(bins, self.compute_dtype), self.data_format)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        batch, channels, frame_count, bands = shape_channels_second(shape, 4, self.data_format)
        n_freq, n_bands = self._bank.shape
        if bands is not None and bands != n_bands:
            rule = f"with the {n_bands} bands of the bank"
            raise ValueError(message("inputs", rule, f"{bands} bands", "Give it the output of the same bank."))
        return shape_in_place((batch, channels, frame_count, n_freq), self.data_format), self.compute_dtype


@register
class InverseMFCC(AudioLayer):
    """Estimate the logarithms of bands from their cepstral coefficients: the transposed DCT, without the lifter.

    The coefficients that were left out count as 0, which makes the bands smoother than they were.

    Args:
        n_mels: int ≥ 1. Number of bands, at least the number of coefficients.
        lifter: float ≥ 0. The L of the lifter `1 + L / 2 sin(π i / L)` by which the coefficients were multiplied, or
            0.0 for none.
        lifter_start: The i of the first coefficient there: 1 (librosa and `kapre.MFCC`) or 0 (Kaldi, HTK).
        data_format: "default", "channels_first" or "channels_last".
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, frame, coefficient, channel)`, channels_first `(batch, channel, frame, coefficient)`;
        real.

    Output shape:
        The same shape with `n_mels` bands instead of coefficients; the compute dtype. The values are in the unit of the
        logarithm from which the coefficients were computed, such as decibels.

    Raises:
        ValueError: If an argument is out of range, or there are more coefficients than bands, or their number is
            unknown.
        TypeError: If the input is complex.

    Notes:
        `10 ** (y / 10)` matches `librosa.feature.inverse.mfcc_to_mel` to 1e-6 in float32. The coefficients are those of
        an orthonormal DCT. Divide coefficient 0 of `kapre.LogmelToMFCC` by √2 first.

    Example:
        ```python
        import numpy as np
        import kapre

        mfcc = kapre.MFCC(sample_rate=16000, n_mfcc=20, n_fft=512, hop_length=160, n_mels=20, lifter=22)
        coefficients = mfcc(np.random.default_rng(0).uniform(-1, 1, (1, 16000)).astype("float32"))
        decibels = kapre.InverseMFCC(n_mels=20, lifter=22)(np.asarray(coefficients)[..., None])
        assert decibels.shape == (1, 101, 20, 1)
        ```
    """

    def __init__(
        self,
        n_mels: int = 128,
        lifter: float = 0.0,
        lifter_start: Literal[0, 1] = 1,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.n_mels = positive_int("n_mels", n_mels, "Use 128, or as many as there were.")
        self.lifter = number("lifter", lifter, "Use 0.0 for none.", at_least=0.0, rule="a number, 0 or above")
        self.lifter_start = choice("lifter_start", lifter_start, (0, 1), "librosa counts from 1, Kaldi from 0.")
        self.data_format = resolve_data_format(data_format)

    def call(self, inputs: Any) -> Any:
        x = channels_second(self.real_input(inputs), 4, self.data_format)
        bands = fourier.apply_bank(x, self._matrix)
        return channels_in_place(ops.cast(bands, self.compute_dtype), self.data_format)

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        kept: Any = shape_channels_second(input_shape, 4, self.data_format)[3]
        self._matrix = scales.inverse_dct_matrix(self.n_mels, int(kept), self.lifter, self.lifter_start)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        batch, channels, frame_count, kept = shape_channels_second(shape, 4, self.data_format)
        if kept is None:
            raise ValueError(f"{self.name}: the input's count of coefficients must be known; received None.")
        if kept > self.n_mels:
            rule = f"at least the input's {kept} coefficients"
            raise ValueError(message("n_mels", rule, self.n_mels, "Give it the number of bands."))
        return shape_in_place((batch, channels, frame_count, self.n_mels), self.data_format), self.compute_dtype
