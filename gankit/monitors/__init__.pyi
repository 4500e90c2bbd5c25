"""Public names of `gankit.monitors`; `__init__.py` imports each when it is first used."""

from .rules import Alarm as Alarm
from .rules import AlarmRules as AlarmRules
from .statistics import Reference as Reference
from .statistics import watch_statistics as watch_statistics
