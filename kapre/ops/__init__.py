"""Pure functions on trailing axes, (..., time) and (..., time, freq): no layers, no channels, no config."""
