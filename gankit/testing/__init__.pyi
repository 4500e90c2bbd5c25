"""Public names of `gankit.testing`; `__init__.py` imports each when it is first used."""

from .kit import CHECKS as CHECKS
from .kit import FAST as FAST
from .kit import check_recipe as check_recipe
from .pictures import tiny_pictures as tiny_pictures
