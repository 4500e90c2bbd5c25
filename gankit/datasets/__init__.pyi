"""Public names of `gankit.datasets`; `__init__.py` imports each when it is first used."""

from .cards import Card as Card
from .catalogue import all_cards as all_cards
from .catalogue import named as named
from .catalogue import resolve as resolve
