"""The version of Kapre, readable without importing Keras."""

__version__ = "1.0.0rc1"
