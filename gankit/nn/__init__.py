"""Parts of networks and games that Keras lacks: losses, penalties, optimizers, layers, and the game of most GANs.

Each says what it computes and where it comes from.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
