"""`FixedPieces`: the features of long clips, piece by piece."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import keras
from keras import ops

from kapre._arguments import LayerArguments, PresetAlias, PresetName
from kapre._checks import message, positive_int
from kapre._layer import Shape, check_mask, lengths_of, register
from kapre._lengths import lengths_within
from kapre.frontends._clips import ClipLayer, adopt
from kapre.frontends._given import frontend_of
from kapre.frontends._mask import ClipMask, entries_within
from kapre.frontends.frontend import Frontend
from kapre.frontends.parallel import ParallelFrontends
from kapre.ops import frames
from kapre.ops.counts import num_frames
from kapre.ops.kernels import active as kernel
from kapre.recipe import Recipe


@register
class FixedPieces(ClipLayer):
    """Cut clips of any length into pieces of the same length, and compute the features of each piece by itself.

    The last piece of a clip is padded with zeros. A piece that starts past the end of its clip is 0 and masked. So is a
    last piece with too few samples for a frame (a stack, a patch), by the recipe's own count of frames. Models that
    take pieces of 30 s, such as Whisper, can then take recordings of any length. The pieces do not overlap.

    Args:
        frontend: A `kapre.Frontend`, a `kapre.ParallelFrontends`, a `kapre.Recipe` or the name of a preset.
        piece_samples: int ≥ 1 or None, samples at `recipe.clip_rate`. The length of a piece. None is the fixed length
            of the front end (`recipe.clip_samples`), which a piece must not exceed. A piece must be long enough for a
            frame.
        **kwargs: Keras' layer arguments. The dtype is that of the front end.

    Call arguments:
        inputs: Samples, as the front end takes them; floating point, `(batch, time)`.
        lengths: Integers of shape `(batch,)` with the number of samples of each clip, or None for all samples.
        mask: Keras' mask `(batch, time)`, as an alternative to `lengths`, as in `kapre.Frontend`.

    Input shape:
        `(batch, time)`.

    Output shape:
        `(batch, pieces, *recipe.output_shape(piece_samples))`, where `pieces` is `ceil(time / piece_samples)`, plus the
        channel axis of `kapre.ParallelFrontends`. Frames past the end of a clip are those of the front end: 0, or the
        features of the padding if its length is fixed. With `lengths` or a mask, the output carries a mask over the
        pieces, `(batch, pieces)`, of which the first `num_valid_pieces` are True.

    Raises:
        TypeError: If `frontend` is none of these, or the samples are integers.
        ValueError: If the front end has no fixed length and `piece_samples` is None, if a piece is longer than the
            fixed length or too short for a frame, or if the input has the wrong rank.

    Notes:
        The pieces in the mask are those of transformers' extractors of MOSS-Transcribe-Diarize and dots3.note, which
        return the pieces of all clips one after another (largest difference 3.4e-5). On JAX, an eager call compiles for
        each number of clips and of pieces.

    Example:
        ```python
        import kapre
        import numpy as np

        whisper = kapre.FixedPieces("whisper")
        assert whisper.piece_samples == 30 * 16000
        x = np.random.uniform(-1, 1, (2, 70 * 16000)).astype("float32")
        y = whisper(x, lengths=[70 * 16000, 20 * 16000])
        assert tuple(y.shape) == (2, 3, 80, 3000)
        assert not np.any(np.asarray(y[1, 1:]))
        assert whisper.piece_lengths(70 * 16000) == (480000, 480000, 160000)
        kaldi = kapre.FixedPieces("kaldi_fbank", piece_samples=16000)  # frames of 400 samples
        assert kaldi.num_pieces(16399) == 2 and kaldi.num_valid_pieces(16399) == 1
        ```
    """

    def __init__(
        self,
        frontend: Frontend | ParallelFrontends | Recipe | PresetName | PresetAlias | Mapping[str, Any],
        piece_samples: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.frontend = self._checked(frontend)
        if "dtype" not in kwargs:
            self.dtype_policy = self.frontend.dtype_policy
        adopt(self, [self.frontend])
        self.piece_samples = _length(piece_samples, self.frontend.clip_samples)
        self._least_samples = _least_samples(self.frontend, self.piece_samples)
        self._may_skip_keras = self.frontend._may_skip_keras

    def _checked(self, value: Any) -> Frontend | ParallelFrontends:
        if isinstance(value, Mapping):
            value = keras.saving.deserialize_keras_object(dict(value))
        return value if isinstance(value, ParallelFrontends) else frontend_of(value, dtype=self.dtype_policy)

    def num_pieces(self, n_samples: Any) -> Any:
        """Return the number of pieces of a clip: `ceil(n_samples / piece_samples)`.

        Args:
            n_samples: An int, None (unknown), or an integer tensor.
        """
        return num_frames(n_samples, self.piece_samples, self.piece_samples, pad_end=True)

    def num_valid_pieces(self, n_samples: Any) -> Any:
        """Return how many pieces of a clip have a valid frame: all, or all but a last one that is too short.

        Args:
            n_samples: An int, None (unknown), or an integer tensor.
        """
        return _num_valid(n_samples, self.piece_samples, self._least_samples)

    def piece_lengths(self, n_samples: int) -> tuple[int, ...]:
        """Return the number of samples of each piece of a clip, without the padding.

        Args:
            n_samples: int ≥ 0. The number of samples of the clip.
        """
        starts = range(0, n_samples, self.piece_samples)
        return tuple(min(self.piece_samples, n_samples - start) for start in starts)

    def call(self, inputs: Any, lengths: Any = None, mask: Any = None) -> Any:
        if len(inputs.shape) != 2:
            self.output_shape_and_dtype(tuple(inputs.shape))  # raises, also after the first call
        if mask is not None:
            check_mask(mask, inputs.shape, "Or give lengths, the samples of each clip.")
        x = self.real_input(inputs)
        lengths = lengths_of(mask) if lengths is None else lengths_within(lengths, x)
        batch, time = ops.shape(x)
        count = (time + self.piece_samples - 1) // self.piece_samples  # without abs, which JAX's symbolic sizes lack
        most = -time % self.piece_samples if isinstance(time, int) else self.piece_samples - 1
        pieces = ops.reshape(frames.pad(x, 0, most)[:, : count * self.piece_samples], (-1, self.piece_samples))
        own = self._own_lengths(x, count, lengths)
        y = self.frontend(pieces, lengths=None if own is None else ops.reshape(own, (-1,)))
        y = ops.reshape(y, (batch, count, *self._entries()))
        if lengths is None:
            return y
        assert own is not None
        there = ops.reshape(own >= kernel.number(self._least_samples, own), (batch, count, *[1] * len(self._entries())))
        return ops.where(there, y, ops.zeros_like(y))

    def _own_lengths(self, x: Any, count: Any, lengths: Any) -> Any:
        """Return the number of samples of each piece, `(batch, pieces)`, or None if all pieces are whole."""
        time = kernel.size(x, -1)
        if lengths is None and isinstance(time, int) and time % self.piece_samples == 0:
            return None
        starts = ops.arange(count, dtype="int32") * self.piece_samples
        if lengths is None:
            lengths = ops.broadcast_to(kernel.number(time, starts, "int32"), (ops.shape(x)[0],))
        left = ops.reshape(ops.cast(lengths, "int32"), (-1, 1)) - starts
        return ops.clip(left, kernel.number(0, left), kernel.number(self.piece_samples, left))

    def _entries(self) -> Shape:
        """Return the shape of the features of one piece."""
        return self.frontend.compute_output_shape((None, self.piece_samples))[1:]

    def _output_mask(self, inputs: Any, within: Any) -> Any:
        if keras.utils.is_keras_tensor(inputs) or keras.utils.is_keras_tensor(within):
            return PiecesMask(self.piece_samples, self._least_samples)(inputs, within)
        return entries_within(self.num_pieces, self.num_valid_pieces, inputs, within)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        if len(shape) != 2:
            self.frontend.output_shape_and_dtype(shape)  # raises
        return (shape[0], self.num_pieces(shape[1]), *self._entries()), self.compute_dtype

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument, with the front end in serialized form."""
        return {**super().get_config(), "frontend": keras.saving.serialize_keras_object(self.frontend)}


@keras.saving.register_keras_serializable(package="Kapre")
class PiecesMask(ClipMask):
    """Compute the mask over the pieces of clips.

    Args:
        piece_samples: The length of a piece.
        least_samples: The fewest samples of a valid piece. Files of 1.0.0.dev0 before it have none.
        **kwargs: The `name` of the layer.
    """

    def __init__(self, piece_samples: int, least_samples: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.piece_samples, self.least_samples = piece_samples, least_samples

    def entries(self, samples: Any) -> Any:
        return num_frames(samples, self.piece_samples, self.piece_samples, pad_end=True)

    def valid(self, samples: Any) -> Any:
        return _num_valid(samples, self.piece_samples, self.least_samples)

    def get_config(self) -> dict[str, Any]:
        """Return the name, the length of a piece and that of the shortest valid one."""
        sizes = {"piece_samples": self.piece_samples, "least_samples": self.least_samples}
        return {"name": self.name, **sizes}


def _num_valid(n_samples: Any, piece: int, least: int) -> Any:
    """Return the number of pieces with `least` samples or more: an int, None or an integer tensor."""
    return None if n_samples is None else (n_samples + (piece - least)) // piece


def _least_samples(frontend: Frontend | ParallelFrontends, piece: int) -> int:
    """Return the fewest samples of a piece that has a valid frame, or raise if a whole piece has none."""
    alone = [frontend] if isinstance(frontend, Frontend) else frontend.frontends
    least = max(each.recipe.least_samples(valid=True) for each in alone)
    if least > piece:
        rule = f"at least {least}, the samples of one frame, stack or patch of the front end"
        raise ValueError(message("piece_samples", rule, piece, f"Use {least} or more, such as {10 * least}."))
    return least


def _length(piece_samples: Any, fixed: int | None) -> int:
    """Check the length of a piece for a front end whose clips have a fixed length, or None."""
    if piece_samples is None and fixed is not None:
        return fixed
    if piece_samples is None:
        rule = "given for a front end without a fixed length"
        raise ValueError(message("piece_samples", rule, None, "Use 30 * 16000 for 30 s at 16 kHz, say."))
    size = positive_int("piece_samples", piece_samples, "Use 30 * 16000 for 30 s at 16 kHz, say.")
    if fixed is not None and size > fixed:
        rule = f"at most {fixed}, the fixed length of the front end"
        raise ValueError(message("piece_samples", rule, size, "Use None, or raise fixed_samples of the recipe."))
    return size
