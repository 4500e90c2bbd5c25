"""Runs: the directory of a training, the trainer that fills it, and what is done with it afterwards."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
