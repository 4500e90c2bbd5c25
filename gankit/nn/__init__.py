"""Layers that Keras lacks. Each says what it computes and where it comes from."""

from gankit.images.enlarging import BicubicUpscale, PixelShuffle
from gankit.nn.batch_layers import MinibatchDiscrimination, MinibatchStandardDeviation
from gankit.nn.spectral import SpectralConv2D, SpectralDense

__all__ = [
    "BicubicUpscale",
    "MinibatchDiscrimination",
    "MinibatchStandardDeviation",
    "PixelShuffle",
    "SpectralConv2D",
    "SpectralDense",
]
