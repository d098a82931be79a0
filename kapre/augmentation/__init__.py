"""Layers that change their input at random during training.

`RandomLayer` is the base class of all of them, and of your own. The layers for waveforms are `RandomGain`,
`PolarityInversion`, `TimeInversion`, `RandomShift`, `RandomCrop`, `Fade`, `AddNoise`, `AddColoredNoise`, `Clipping`,
`SoftClip`, `BitCrush`, `DropChunk`, `RandomFilter`, `RandomEqualizer`, `Reverb`, `Telephone`, `SpeedPerturbation`,
`TimeStretch` and `PitchShift`. The layers for spectrograms are `SpecAugment`, `FrequencyShift`, `VTLP`, `FilterAugment`
and `FreqMixStyle`. `ChannelSwap` and `ChannelDrop` take both. `Chain`, `OneOf`, `SomeOf` and `Choice` combine other
random layers. `MixUp` and `CutMix` combine the examples of a batch and their labels. `bank` reads the recordings that
some layers use.
"""

from typing import TYPE_CHECKING

from kapre._removed import removed_names
from kapre.augmentation._add_colored_noise import AddColoredNoise
from kapre.augmentation._add_noise import AddNoise
from kapre.augmentation._bank import bank
from kapre.augmentation._base import RandomLayer
from kapre.augmentation._batches import BatchLayer
from kapre.augmentation._bit_crush import BitCrush
from kapre.augmentation._chain import Chain
from kapre.augmentation._channel_drop import ChannelDrop
from kapre.augmentation._channel_swap import ChannelSwap
from kapre.augmentation._choice import Choice
from kapre.augmentation._clipping import Clipping
from kapre.augmentation._compositions import Composition
from kapre.augmentation._cut_mix import CutMix
from kapre.augmentation._drop_chunk import DropChunk
from kapre.augmentation._fade import Fade
from kapre.augmentation._filter_augment import FilterAugment
from kapre.augmentation._freq_mix_style import FreqMixStyle
from kapre.augmentation._frequency_shift import FrequencyShift
from kapre.augmentation._mix_up import MixUp
from kapre.augmentation._one_of import OneOf
from kapre.augmentation._pitch_shift import PitchShift
from kapre.augmentation._polarity_inversion import PolarityInversion
from kapre.augmentation._random_crop import RandomCrop
from kapre.augmentation._random_equalizer import RandomEqualizer
from kapre.augmentation._random_filter import RandomFilter
from kapre.augmentation._random_gain import RandomGain
from kapre.augmentation._random_shift import RandomShift
from kapre.augmentation._reverb import Reverb
from kapre.augmentation._soft_clip import SoftClip
from kapre.augmentation._some_of import SomeOf
from kapre.augmentation._spec_augment import SpecAugment
from kapre.augmentation._speed_perturbation import SpeedPerturbation
from kapre.augmentation._telephone import Telephone
from kapre.augmentation._time_inversion import TimeInversion
from kapre.augmentation._time_stretch import TimeStretch
from kapre.augmentation._vtlp import VTLP

if not TYPE_CHECKING:  # a type checker would otherwise accept any name
    __getattr__ = removed_names(__name__)

__all__ = [
    "VTLP",
    "AddColoredNoise",
    "AddNoise",
    "BatchLayer",
    "BitCrush",
    "Chain",
    "ChannelDrop",
    "ChannelSwap",
    "Choice",
    "Clipping",
    "Composition",
    "CutMix",
    "DropChunk",
    "Fade",
    "FilterAugment",
    "FreqMixStyle",
    "FrequencyShift",
    "MixUp",
    "OneOf",
    "PitchShift",
    "PolarityInversion",
    "RandomCrop",
    "RandomEqualizer",
    "RandomFilter",
    "RandomGain",
    "RandomLayer",
    "RandomShift",
    "Reverb",
    "SoftClip",
    "SomeOf",
    "SpecAugment",
    "SpeedPerturbation",
    "Telephone",
    "TimeInversion",
    "TimeStretch",
    "bank",
]
