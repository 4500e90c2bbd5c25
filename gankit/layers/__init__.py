"""Layers that Keras lacks. Each says what it computes and where it comes from."""

from gankit.layers.batch import MinibatchDiscrimination, MinibatchStandardDeviation
from gankit.layers.enlarging import BicubicUpscale, PixelShuffle
from gankit.layers.spectral import SpectralConv2D, SpectralDense

__all__ = [
    "BicubicUpscale",
    "MinibatchDiscrimination",
    "MinibatchStandardDeviation",
    "PixelShuffle",
    "SpectralConv2D",
    "SpectralDense",
]
