"""Metrics between waveforms, as `keras.metrics.Metric`."""

from kapre.metrics._ratios import SISDR, SNR

__all__ = ["SISDR", "SNR"]
