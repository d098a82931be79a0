"""`AudioLayer`: the shared base of all Kapre layers: data formats, dtypes, shapes, config, registration."""

from __future__ import annotations

import inspect
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeVar

import keras
import numpy as np
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import message, public_names
from kapre._hints import nearest, remedy
from kapre._one_piece import has_changed, in_one_piece
from kapre._shown import in_brackets
from kapre.ops import frames
from kapre.ops.host import goes_by_host, library, on_host
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels import current, tf_data

_CH_FIRST_STR = "channels_first"
_CH_LAST_STR = "channels_last"
_CH_DEFAULT_STR = "default"

DataFormat = Literal["default", "channels_first", "channels_last"]
Shape = tuple[int | None, ...]

_Layer = TypeVar("_Layer", bound=type)


def register(cls: _Layer) -> _Layer:
    """Register a layer under Kapre's name.

    If `call` has no `training` argument, repeated calls may skip Keras. If `call` takes only the input and optionally a
    mask, it also runs in one piece.
    """
    arguments = set(inspect.signature(cls.call).parameters)  # type: ignore[attr-defined]
    if "_may_skip_keras" not in vars(cls):
        cls._may_skip_keras = "training" not in arguments  # type: ignore[attr-defined]
    if "call" in vars(cls) and arguments <= {"self", "inputs", "mask"} and vars(cls).get("_in_one_piece", True):
        cls.call = in_one_piece(cls.call)  # type: ignore[attr-defined]
    registered: _Layer = keras.saving.register_keras_serializable(package="Kapre")(cls)
    return registered


def _plain_kind(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any] | None:
    """Return the shape and dtype of a call with one plain tensor, or None for any other call."""
    if kwargs or len(args) != 1 or not kernel.is_plain(args[0]):
        return None
    return args[0].shape, args[0].dtype


_first_calls = threading.RLock()
"""A lock that is held during the first call of a layer and any other build. Keras builds in several steps, and a thread
that arrives between two of them fails or leaves the layer half built. All layers share one lock, because a chain and
its layers, which may be called by themselves, are built together. The lock belongs to no layer, so that it is not
pickled or copied with a layer."""


def _new_lock() -> None:
    """Create the lock again in a forked process, where the thread that held it does not exist."""
    global _first_calls
    _first_calls = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)


def unique_name(name: str) -> str:
    """Return a default name, numbered from its second use on, as Keras numbers its layers."""
    used = keras.backend.get_uid(name) - 1
    return f"{name}_{used}" if used else name


def _is_same(value: Any, plain: Any) -> bool:
    """Tell whether a value is a parameter's default. An array is none, and Keras makes other lists of lists."""
    if isinstance(value, (list, tuple)) and isinstance(plain, (list, tuple)):
        return list(value) == list(plain)
    return value is plain or (not hasattr(value, "shape") and type(value == plain) is bool and value == plain)


class FirstCalls:
    """Run the first call of a layer in one thread at a time, and make a default name unique."""

    _was_called = False
    _default_name: str | None = None
    """A default name, which becomes unique when the layer joins a functional model."""

    def _call_keras(self, call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the layer through Keras. Until one call has succeeded, calls run one at a time."""
        named = self._default_name is None or kernel.is_tracing()
        if not named and any(map(keras.utils.is_keras_tensor, (*args, *kwargs.values()))):
            self.name = unique_name(str(self._default_name))
            vars(self)["_default_name"] = None
        if self._was_called or kernel.is_tracing() or kernel.is_replica():
            return tf_data.call(self, call, args, kwargs)
        with _first_calls:
            y = tf_data.call(self, call, args, kwargs)
        vars(self)["_was_called"] = True  # bypasses Keras' `__setattr__`, which would track it
        return y

    def _build_once(self, shape: Shape) -> None:
        """Build the layer, unless it is already built."""
        with _first_calls:
            if not self.built:  # type: ignore[attr-defined]
                self.build(shape)  # type: ignore[attr-defined]

    def quantized_call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the same as `call`: under a quantised policy, a front end works as under the float policy."""
        return self.call(*args, **kwargs)  # type: ignore[attr-defined]


class ShortCalls(FirstCalls):
    """Skip Keras' work around `call` if Keras has already done it for the same kind of input.

    This work is: checks, building, masks, autocast, regularizers and additions to error messages. Calls are shortened
    only for layers without weights whose types are exactly Kapre's own. The input must be one tensor of the backend
    that is not symbolic and has no mask. Its shape and dtype must equal those of the last call that went through Keras.
    """

    _may_skip_keras = False
    _signature_seen: tuple[Any, Any] | None = None

    def _skips_keras(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        kind = _plain_kind(args, kwargs)
        return kind is not None and kind == self._signature_seen and self.activity_regularizer is None  # type: ignore[attr-defined]

    def _remember(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        kind = _plain_kind(args, kwargs)
        goes = "_may_skip_keras" in vars(type(self)) and self._may_skip_keras and not getattr(self, "_remat_mode", None)
        if goes and kind is not None:
            vars(self)["_signature_seen"] = kind  # bypasses Keras' `__setattr__`, which would track it


def register_published(cls: type) -> None:
    """Make files of Kapre 0.4.1 loadable, which name a layer without its package."""
    keras.saving.get_custom_objects()[cls.__name__] = cls


_MANY_CHANNELS = 64
"""More channels than recordings have. If there are fewer samples than channels, the axes are likely swapped."""
_AXES = {
    (3, _CH_FIRST_STR): "(batch, channel, time)",
    (3, _CH_LAST_STR): "(batch, time, channel)",
    (4, _CH_FIRST_STR): "(batch, channel, time, frequency)",
    (4, _CH_LAST_STR): "(batch, time, frequency, channel)",
}


def validate_data_format_str(data_format: str) -> None:
    """Check the name of a data format.

    Args:
        data_format: "default", "channels_first" or "channels_last".

    Raises:
        TypeError: If `data_format` is not a string.
        ValueError: If it is another string.

    Example:
        ```python
        import kapre

        kapre.backend.validate_data_format_str("channels_last")
        ```
    """
    formats = (_CH_DEFAULT_STR, _CH_FIRST_STR, _CH_LAST_STR)
    if not isinstance(data_format, str):
        raise TypeError(message("data_format", "a string", data_format, f"Use one of {', '.join(formats)}."))
    if data_format not in formats:
        raise ValueError(message("data_format", f"one of {', '.join(formats)}", data_format, "Use 'default'."))


def resolve_data_format(data_format: str, name: str = "data_format") -> Any:
    """Return channels_first or channels_last. "default" means the current value of Keras' `image_data_format()`."""
    with public_names(data_format=name):
        validate_data_format_str(data_format)
    return keras.config.image_data_format() if data_format == _CH_DEFAULT_STR else data_format


def _check_rank(shape: Any, rank: int, data_format: str) -> None:
    known = shape is not None and getattr(shape, "rank", rank) is not None  # TensorFlow's shapes may have no rank
    if not known or len(shape) != rank:
        given = str(tuple(shape)) if known else "of unknown rank"
        hint = ""
        if known and len(shape) == rank - 1:
            channel = "x[:, None]" if data_format == _CH_FIRST_STR else "x[..., None]"
            hint = f" For a batch of one channel, add its axis: {channel}. For one item, add the batch: x[None]."
        raise ValueError(
            f"The input must have shape {_AXES[rank, data_format]} for data_format={data_format!r}; "
            f"received shape {given}.{hint}"
        )
    if rank == 3:
        warn_of_swapped_axes(shape, data_format)


def warn_of_swapped_axes(shape: Any, data_format: str) -> None:
    """Warn of waveforms that seem to have their axes in the other order, such as those of torchaudio."""
    channels, time = (shape[1], shape[2]) if data_format == _CH_FIRST_STR else (shape[2], shape[1])
    if isinstance(channels, int) and isinstance(time, int) and channels >= _MANY_CHANNELS and channels > time > 0:
        other = _CH_LAST_STR if data_format == _CH_FIRST_STR else _CH_FIRST_STR
        warnings.warn(
            f"The input of shape {tuple(shape)} has {channels} channels of {time} samples for "
            f"data_format={data_format!r}. If its axes are in the other order, use data_format={other!r}.",
            stacklevel=2,
        )


def channels_second(x: Any, rank: int, data_format: str) -> Any:
    """Move the channel axis to position 1, so that ops work on the last axes. Check the rank."""
    _check_rank(x.shape, rank, data_format)
    if data_format == _CH_FIRST_STR:
        return x
    if isinstance(x, np.ndarray):
        return np.moveaxis(x, -1, 1)
    if x.shape[-1] == 1 and not _in_transposes(rank):
        return ops.expand_dims(ops.squeeze(x, -1), 1)
    return ops.moveaxis(x, -1, 1)


def time_second(x: Any, data_format: str) -> Any:
    """Return waveforms with the time at position 1, and only one channel where the channels were there."""
    return x[:, 0] if data_format == _CH_FIRST_STR else x


def channels_in_place(x: Any, data_format: str) -> Any:
    """Move the channel axis from position 1 to its position in the data format."""
    if data_format == _CH_FIRST_STR:
        return x
    if isinstance(x, np.ndarray):
        return np.moveaxis(x, 1, -1)
    if x.shape[1] == 1 and not _in_transposes(len(x.shape)):
        return ops.expand_dims(ops.squeeze(x, 1), -1)
    return ops.moveaxis(x, 1, -1)


def _in_transposes(rank: int) -> bool:
    """Tell whether to transpose a single channel too. In an export, LiteRT's converter (2.21) fails at the squeezes."""
    return rank == 4 and not current().squeezes_channels


def shape_channels_second(shape: Any, rank: int, data_format: str) -> Shape:
    """Apply `channels_second` to a shape."""
    _check_rank(shape, rank, data_format)
    shape = tuple(shape)
    return shape if data_format == _CH_FIRST_STR else (shape[0], shape[-1], *shape[1:-1])


def shape_in_place(shape: Shape, data_format: str) -> Shape:
    """Apply `channels_in_place` to a shape."""
    return shape if data_format == _CH_FIRST_STR else (shape[0], *shape[2:], shape[1])


def agree(layer: Any, other: Any) -> bool:
    """Tell whether two layers have the same data format."""
    return bool(layer.data_format == other.data_format)


def time_axis(rank: int, data_format: str) -> int:
    """Return the time axis of a tensor with `rank` axes."""
    return 2 if data_format == _CH_FIRST_STR and rank in (3, 4) else 1


def channel_axis(data_format: str) -> int:
    """Return the axis of the channels."""
    return 1 if data_format == _CH_FIRST_STR else -1


def mask_axis(shape: Shape, length: int | None, data_format: str) -> int:
    """Return the axis that a mask of `length` entries covers: 1 or 2 if only one fits, else the data format's."""
    fits = [axis for axis in (1, 2) if axis < len(shape) and shape[axis] == length]
    if len(fits) == 1:
        return fits[0]
    return time_axis(len(shape), data_format)


def is_complex(dtype: Any) -> bool:
    """Tell whether a dtype of any backend is complex."""
    return "complex" in str(dtype)


def work_dtype(dtype: str) -> str:
    """Return the dtype in which transforms run: float64 for float64, else float32."""
    return "float64" if dtype == "float64" else "float32"


def _check_dtype(dtype: Any, kind: str) -> None:
    """Refuse integer samples, whose full scale is unknown, and dtypes that the layer does not accept."""
    given = keras.backend.standardize_dtype(dtype)
    if kind == "any":
        return
    if given.startswith(("int", "uint", "bool")):
        raise TypeError(
            f"The input must be floating point, with full scale at 1.0; received dtype {given}. "
            "For 16-bit PCM use x / 32768 or, for any integer samples, kapre.pcm_to_float(x)."
        )
    if kind == "real" and is_complex(given):
        raise TypeError(f"The input must be real; received dtype {given}. Put kapre.Magnitude() before this layer.")
    if kind == "complex" and not is_complex(given):
        raise TypeError(f"The input must be complex; received dtype {given}. Give it the output of kapre.STFT.")


def check_real(dtype: Any) -> None:
    """Refuse integer and complex samples in a function."""
    _check_dtype(dtype, "real")


def lengths_of(mask: Any) -> Any:
    """Return the length of each item from Keras' mask, or None."""
    return None if mask is None else frames.lengths_of(mask)


def check_mask(mask: Any, shape: Shape, remedy: str) -> None:
    """Refuse a mask that is not over samples `(batch, time)`. A mask over frames would silence most samples."""
    given, wanted = tuple(mask.shape), tuple(shape)
    fits = len(given) == 2 and all(None in pair or pair[0] == pair[1] for pair in zip(given, wanted, strict=True))
    if not fits:
        raise ValueError(message("mask", f"over the samples, of shape {wanted}", f"shape {given}", remedy))


def check_waveforms(shape: Shape) -> None:
    """Refuse what is neither `(batch, time)` nor has an axis of channels besides."""
    if len(shape) not in (2, 3):
        rule = "of shape (batch, time), or with channels (batch, time, channel)"
        raise ValueError(message("inputs", rule, f"shape {tuple(shape)}", "For one clip, add the batch: x[None]."))


def waveforms(x: Any, mask: Any, data_format: str) -> Any:
    """Return samples, of which `(batch, time)` have one channel, as `(batch, channel, time)`. Check rank and mask."""
    check_waveforms(x.shape)
    flat = len(x.shape) == 2
    if mask is not None:
        seen = x if flat else time_second(x, data_format)
        check_mask(mask, seen.shape[:2], "Give the mask of the samples.")
    return x[:, None] if flat else channels_second(x, 3, data_format)


class _WithMask(keras.layers.Layer):
    """Return the first of two tensors, with the second as its mask."""

    def __init__(self) -> None:
        super().__init__(autocast=False)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs[0]

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return inputs[1]


def with_mask(x: Any, mask: Any) -> Any:
    """Return a tensor with a mask where Keras looks for it, replacing any existing mask.

    The `compute_mask` of a layer does not receive the other arguments of the call, and Keras (3.15) has no other public
    way. JAX's tracers accept no attributes. In that case, a Keras layer puts the mask in the table that Keras keeps for
    them.
    """
    try:
        x._keras_mask = mask
    except AttributeError:
        return _WithMask()([ops.copy(x), mask])
    return x


class _KnownNames:
    """Answer an argument name of another library with the name in this layer.

    This is a base of its own, so that the signature of a layer is that of its `__init__`.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        parameters = inspect.signature(cls.__init__)
        try:
            parameters.bind(None, *args, **kwargs)
        except TypeError:  # Python would only name the required argument, which may be there by another name
            cls._check_names({name: value for name, value in kwargs.items() if name not in parameters.parameters})
        return super().__new__(cls, *args, **kwargs)

    @classmethod
    def _check_names(cls, given: Mapping[str, Any]) -> None:
        """Refuse an argument name of another library, and give the name in this layer."""
        keras_own = {*LayerArguments.__annotations__, "batch_input_shape", "input_dtype", "dynamic"}
        unknown = sorted(set(given) - keras_own)
        if not unknown:
            return
        own = {*inspect.signature(cls.__init__).parameters, *LayerArguments.__annotations__} - {"self", "kwargs"}
        for name in unknown:
            if nearest(name, own):  # else Keras raises
                raise TypeError(f"{cls.__name__} has no argument {name!r}. {remedy(name, own, '')}")


class AudioLayer(_KnownNames, ShortCalls, keras.layers.Layer):
    """Provide the shared behaviour of every Kapre layer.

    A subclass stores each constructor argument under its own name and keeps derived values private. It works on
    trailing axes, and returns the shape and dtype of its output in `output_shape_and_dtype`. If it changes the time
    axis, it also converts masks in `output_mask`. The base class then provides the config, data formats, dtypes, shapes
    and masks.

    A mask over samples, `(batch, time)`, becomes a mask over frames. The length of an item is the position of its last
    True plus one. Samples past it are treated as silence, so that the valid frames of a padded item equal those of the
    item alone.

    Inputs are never rounded to the compute dtype. The computation runs in float32 (float64 under a float64 policy), and
    a real result is cast once. Kapre's layers have no weights, except those requested from a `Frontend`.

    Args:
        **kwargs: Keras' layer arguments (`name`, `dtype`, `trainable`, …).

    Example:
        ```python
        import kapre
        import keras

        class Louder(kapre.Magnitude):
            def __init__(self, gain=2.0, **kwargs):
                super().__init__(**kwargs)
                self.gain = gain

            def call(self, inputs):
                return self.gain * super().call(inputs)

        assert Louder(gain=3.0).get_config()["gain"] == 3.0
        assert Louder(gain=3.0, power=2.0).get_config()["power"] == 2.0
        ```
    """

    input_kind: Literal["real", "complex", "either", "any"] = "real"
    """The kind of input that the layer takes. "any" also allows integers."""

    _in_one_piece = True
    """Whether `call` may be compiled with the layer's attributes as constants. A layer with weights says no."""

    spectrogram_format: str | None = None
    """The data format of the spectrogram that this layer returns, if it depends on one."""

    def __init__(self, **kwargs: Any) -> None:
        self._check_names(kwargs)
        kwargs["autocast"] = False  # else Keras would round the samples to float16 before the transform
        if "input_shape" in kwargs:  # always supported by Kapre; Keras accepts it, but warns
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Do not pass an `input_shape`")
                super().__init__(**kwargs)
        else:
            super().__init__(**kwargs)
        self.supports_masking = True

    def __setattr__(self, name: str, value: Any) -> None:
        has_changed(self, name)
        super().__setattr__(name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        args = tuple(map(kernel.given, args))
        if self._skips_keras(args, kwargs):
            return kernel.call(self, *args)
        shape = getattr(args[0], "shape", None) if args else None
        if getattr(shape, "rank", 0) is None:  # in a TensorFlow graph, where Keras fails with no hint
            raise ValueError(
                f"{self.name}: the input's axes must be known; received shape of unknown rank. "
                "Give it a shape, (None, None, 1) say, with tf.ensure_shape."
            )
        y = self._call_keras(super().__call__, args, kwargs)
        self._remember(args, kwargs)
        return y

    def time_axes(self, shape: Shape) -> tuple[int, int] | Literal["all"] | None:
        """Return the time axes of the input and output along which an eager call may be padded and cropped.

        With padding at the end, the valid results must equal those of the input alone, with a mask if `call` takes one.
        "all" means that each value is computed by itself. None means that the input must not be padded.
        """
        formats = vars(self).get("data_format")
        into, out = (vars(self).get(f"{name}_data_format", formats) for name in ("input", "output"))
        if len(shape) not in (3, 4) or into is None:
            return None
        return time_axis(len(shape), into), time_axis(4, out)

    @property
    def work_dtype(self) -> str:
        """Return the real dtype in which this layer computes."""
        return work_dtype(self.compute_dtype)

    @property
    def complex_dtype(self) -> str:
        """Return the complex dtype that belongs to `work_dtype`."""
        return "complex128" if self.work_dtype == "float64" else "complex64"

    def real_input(self, x: Any) -> Any:
        """Return real samples in the working dtype. Refuse integers and complex numbers."""
        if ops.is_tensor(x) and keras.backend.standardize_dtype(x.dtype) == self.work_dtype:
            return x
        _check_dtype(x.dtype, self.input_kind)
        return ops.cast(x, self.work_dtype)

    def complex_input(self, x: Any) -> tuple[Any, Any]:
        """Return a complex tensor as its real and imaginary parts in the working dtype."""
        _check_dtype(x.dtype, self.input_kind)
        if library(x) is np:
            return x.real.astype(self.work_dtype), x.imag.astype(self.work_dtype)
        return ops.cast(ops.real(x), self.work_dtype), ops.cast(ops.imag(x), self.work_dtype)

    def complex_numbers(self, x: Any) -> Any:
        """Return a complex tensor in the working dtype."""
        _check_dtype(x.dtype, self.input_kind)
        if str(keras.backend.standardize_dtype(x.dtype)) == self.complex_dtype:
            return x
        return kernel.to_complex(*self.complex_input(x))

    def quantize(self, mode: str | None = None, type_check: bool = True, config: Any = None) -> None:
        """Do nothing, so that a Kapre layer keeps its precision when the model around it is quantised."""

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        """Return the shape and dtype of the output for an input shape. Raise if the input does not fit."""
        raise NotImplementedError

    def output_mask(self, mask: Any) -> Any:
        """Return the mask over the output's time for a mask over the input's, using ops that accept symbolic tensors.

        On JAX, a mask with concrete values arrives as a NumPy array, so that nothing is compiled for its shape.
        """
        return mask

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Return the mask over the output's time for a mask over the input's time."""
        if previous_mask is None:
            return None
        if goes_by_host(previous_mask):
            return on_host(self.output_mask, ops.convert_to_tensor(previous_mask))
        return self.output_mask(previous_mask)

    def build(self, input_shape: Any) -> None:
        self.output_shape_and_dtype(input_shape)
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Shape:
        return self.output_shape_and_dtype(input_shape)[0]

    def compute_output_spec(self, inputs: Any, **kwargs: Any) -> keras.KerasTensor:
        _check_dtype(inputs.dtype, self.input_kind)
        shape, dtype = self.output_shape_and_dtype(inputs.shape)
        if 0 in shape and 0 not in tuple(inputs.shape):
            warnings.warn(
                f"{self.name}: an input of shape {tuple(inputs.shape)} is shorter than one frame, so there is nothing "
                f"of it in the output, of shape {shape}. Use longer clips or shorter frames; or is its data format "
                "another one?",
                stacklevel=2,
            )
        return keras.KerasTensor(shape, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument, including those of parents if each constructor takes `**kwargs`."""
        config = super().get_config()
        for cls, parameter in self._constructor_parameters():
            config.setdefault(parameter.name, self._argument(cls, parameter.name))
        return config

    @classmethod
    def _constructor_parameters(cls) -> Iterator[tuple[type, inspect.Parameter]]:
        """Yield the parameters of the constructor, and of parents' while each constructor takes `**kwargs`."""
        for base in cls.__mro__:
            if base is AudioLayer:
                break
            constructor = vars(base).get("__init__")
            if constructor is None:
                continue
            parameters = list(inspect.signature(constructor).parameters.values())[1:]
            for parameter in parameters:
                if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                    yield base, parameter
            if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
                break

    def _shown_arguments(self) -> dict[str, Any]:
        """Return the arguments that differ from the defaults, as far as the layer has them as attributes."""
        parameters: dict[str, inspect.Parameter] = {}
        for _, parameter in self._constructor_parameters():
            parameters.setdefault(parameter.name, parameter)
        shown: dict[str, Any] = {}
        for name, parameter in parameters.items():
            plain = self._resolved_default(name, parameter.default)
            value = getattr(self, name, plain)
            if plain is parameter.empty or not _is_same(value, plain):
                shown[name] = value
        return shown

    def _resolved_default(self, name: str, plain: Any) -> Any:
        """Return the value that a layer stores for a default that stands for another value."""
        if plain == _CH_DEFAULT_STR and name.endswith("data_format"):
            return keras.config.image_data_format()
        if plain is None and name == "win_length":
            return getattr(self, "n_fft", None) if getattr(self, name, None) is not None else None
        if plain is None and name.endswith("window_name") and getattr(self, name, None) == "hann_window":
            return "hann_window"
        return plain

    def __repr__(self) -> str:
        return in_brackets(type(self).__name__, self._shown_arguments(), {"name": getattr(self, "name", None)})

    def _argument(self, cls: type, name: str) -> Any:
        try:
            value = getattr(self, name)
        except AttributeError:
            raise AttributeError(
                f"{cls.__name__}.__init__ takes `{name}`, but the layer has no attribute of that name, so its config "
                f"is not known: write `self.{name} = {name}` in __init__, or override get_config."
            ) from None
        if isinstance(value, Mapping):
            return dict(value)
        if isinstance(value, list):  # Keras has made it one that refers to the layer
            return list(value)
        return value.item() if isinstance(value, np.generic) else value
