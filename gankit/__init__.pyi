"""Public names of `gankit`; `__init__.py` imports each when it is first used."""

from .config import RecipeConfig as RecipeConfig
from .config import Section as Section
from .config import Training as Training
from .engine.arrays import ArraySource as ArraySource
from .errors import DataError as DataError
from .errors import GankitError as GankitError
from .errors import UsageError as UsageError
from .metrics.evaluation import Evaluation as Evaluation
from .recipe import Claim as Claim
from .recipe import Data as Data
from .recipe import Monitor as Monitor
from .recipe import Phase as Phase
from .recipe import Recipe as Recipe
from .recipe import Schedule as Schedule
from .recipe import Selection as Selection
from .recipe import Source as Source
from .recipe import Stage as Stage
from .recipe import Terms as Terms
from .recipe import Turn as Turn
from .runs.loading import LoadedRun as LoadedRun
from .runs.loading import load as load
from .runs.training import train as train
from .version import __version__ as __version__
