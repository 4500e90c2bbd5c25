"""Public names of `gankit.runs`; `__init__.py` imports each when it is first used."""

from .loading import LoadedRun as LoadedRun
from .loading import assign as assign
from .loading import build_networks as build_networks
from .loading import load as load
from .results import Results as Results
from .results import provenance as provenance
from .results import versions as versions
from .run import Run as Run
from .run import find_run as find_run
from .run import runs_root as runs_root
from .training import fit as fit
from .training import train as train
