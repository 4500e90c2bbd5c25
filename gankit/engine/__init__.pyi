"""Public names of `gankit.engine`; `__init__.py` imports each when it is first used."""

from . import random as random
from .arrays import ArraySource as ArraySource
from .distribution import logical_cpus as logical_cpus
from .functions import FunctionSource as FunctionSource
from .mixed_precision import precision as precision
from .replicas import gather as gather
from .replicas import global_mean as global_mean
