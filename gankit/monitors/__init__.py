"""Monitors: what a look at a training shows, and the alarms that follow from it. Nothing here needs TensorFlow."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
