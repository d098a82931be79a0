"""`ClipLayer`: the base of layers over clips `(batch, time)` that take `lengths` and return a mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kapre._checks import message
from kapre._layer import AudioLayer, Shape, with_mask
from kapre._lengths import checked_lengths
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels import tf_data


class ClipLayer(AudioLayer):
    """Take clips `(batch, time)`, and the number of samples of each one as `lengths` or as a mask.

    A subclass returns the mask of its output in `_output_mask`.
    """

    # With further shapes as keywords, Keras lets a subclass have a `call` with other arguments.
    def build(self, inputs_shape: Any, **_: Any) -> None:  # type: ignore[override]
        super().build(inputs_shape)

    def __call__(self, inputs: Any, lengths: Any = None, **kwargs: Any) -> Any:
        inputs = kernel.given(inputs)
        if lengths is None and self._skips_keras((inputs,), kwargs):
            return kernel.call(self, inputs)
        if lengths is None:
            return super().__call__(inputs, **kwargs)
        lengths = checked_lengths(inputs, lengths)
        y = super().__call__(inputs, lengths=lengths, **kwargs)
        if tf_data.is_foreign(y):
            return y
        mask = self._output_mask(inputs, lengths)  # not `compute_mask`, to which Keras does not pass the lengths
        return y if mask is None else with_mask(y, mask)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Return the mask of the output for a mask over the samples, or None if there is none."""
        return None if previous_mask is None else self._output_mask(inputs, previous_mask)

    def _output_mask(self, inputs: Any, within: Any) -> Any:
        """Return the mask of the output for the lengths of the clips, or for a mask over samples."""
        raise NotImplementedError

    def compute_output_shape(self, inputs_shape: Any, **_: Any) -> Shape:  # type: ignore[override]
        return super().compute_output_shape(inputs_shape)


def adopt(layer: AudioLayer, parts: Sequence[ClipLayer]) -> None:
    """Build the parts of a layer, and refuse those whose dtype policy is not that of the layer.

    Parts that are built within the layer's first call fail if PyTorch compiles that call (2.13).
    """
    for part in parts:
        given, own = part.dtype_policy.name, layer.dtype_policy.name
        if given != own:
            rule = f"{given!r}, that of the front end {part.name!r}"
            raise ValueError(message("dtype", rule, own, "Give the same dtype to both."))
        part._build_once((None, None))
