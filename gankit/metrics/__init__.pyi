"""Public names of `gankit.metrics`; `__init__.py` imports each when it is first used."""

from .copies import memorisation as memorisation
from .frechet import fid as fid
from .frechet import frechet_distance as frechet_distance
from .inception import InceptionScore as InceptionScore
from .kernel import kid as kid
from .kernel import polynomial_mmd2 as polynomial_mmd2
from .moments import Moments as Moments
from .neighbours import neighbour_scores as neighbour_scores
from .score import Difference as Difference
from .score import Score as Score
from .score import difference as difference
from .wasserstein import sliced_wasserstein as sliced_wasserstein
