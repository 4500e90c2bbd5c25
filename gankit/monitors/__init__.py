"""Monitors: what a look at a training shows, and the alarms that follow from it. Nothing here needs TensorFlow."""

from gankit.monitors.rules import Alarm, Monitor
from gankit.monitors.statistics import Reference, look

__all__ = ["Alarm", "Monitor", "Reference", "look"]
