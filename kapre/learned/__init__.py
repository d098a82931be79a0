"""Front ends that are trained with the model: `SincConv`, `Leaf`, `PCEN` and `ParametricFilterbank`."""

from kapre.learned._leaf import Leaf
from kapre.learned._parametric_filterbank import ParametricFilterbank
from kapre.learned._pcen import PCEN
from kapre.learned._sinc_conv import SincConv

__all__ = ["PCEN", "Leaf", "ParametricFilterbank", "SincConv"]
