"""gankit: adversarial networks for people who have data, not a training loop.

Everything public is listed in `__all__`; what needs TensorFlow is imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
