"""Fields that the feature extractors of transformers have in common."""

from __future__ import annotations

from collections.abc import Callable

from kapre.frontends.readers._reader import Published, Settings

Extractor = Callable[[Settings], Published]
"""Take the fields of a feature extractor, and return the recipe."""

_OF_IMAGES = (
    "image_*", "size", "crop_size", "resample", "rescale_factor", "do_resize", "do_rescale", "do_center_crop",
    "do_convert_rgb", "do_pan_and_scan", "pan_and_scan_*", "data_format", "input_data_format", "patch_size",
    "max_soft_tokens", "pooling_kernel_size", "default_to_square", "disable_grouping", "device", "do_pad", "pad_size",
)  # fmt: skip


def of_processors(settings: Settings) -> None:
    """Ignore the names of classes, and the fields of an image processor in the same file."""
    names = ("feature_extractor_type", "processor_class", "_processor_class", "auto_map", "audio_processor_type")
    settings.ignore("names a class", *names)
    settings.ignore("names the version of the library", "transformers_version")
    settings.ignore("says how tensors are returned", "return_tensors")
    settings.ignore("belongs to the tokenizer", "tokenizer_class", "src_lang", "tgt_lang", "language_code")
    if "image_processor_type" in settings:
        settings.ignore("belongs to the image processor", *_OF_IMAGES)


def of_batches(settings: Settings) -> None:
    """Ignore what affects only the padding of clips in a batch, and masks."""
    settings.ignore("fills only what a mask excludes in a batch", "padding_value", "padding_side")
    settings.ignore("returns a mask, and changes no feature", "return_attention_mask")


def of_fixed_length(settings: Settings) -> None:
    """Take how clips are padded to a fixed length: a recipe pads zeros at the end."""
    settings.one_of("padding_value", 0.0, (0.0,), "A recipe pads with zeros.")
    settings.one_of("padding_side", "right", ("right",), "A recipe pads at the end.")
    settings.ignore("returns a mask, and changes no feature", "return_attention_mask")
