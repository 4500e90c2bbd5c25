"""Public names of `gankit.studies`; `__init__.py` imports each when it is first used."""

from .claims import verify as verify
from .comparison import compare as compare
from .seeds import train_seeds as train_seeds
