"""Front ends in the form that other libraries expect: transformers' feature extractors and KerasHub's converters.

Neither library is imported before an object that needs it is made.
"""

from kapre.integrations._converter import as_audio_converter
from kapre.integrations._extractor import FeatureExtractor

__all__ = ["FeatureExtractor", "as_audio_converter"]
