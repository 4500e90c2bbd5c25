"""Figures of sets of numbers: arrays in, `Score`s out. Nothing here knows pictures or needs TensorFlow."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
