"""Public names of `gankit.nn`; `__init__.py` imports each when it is first used."""

from .batch_layers import MinibatchDiscrimination as MinibatchDiscrimination
from .batch_layers import MinibatchStandardDeviation as MinibatchStandardDeviation
from .constraints import WeightClipping as WeightClipping
from .losses import ADVERSARIAL as ADVERSARIAL
from .losses import Adversarial as Adversarial
from .losses import absolute_error as absolute_error
from .losses import cross_entropy as cross_entropy
from .losses import feature_matching as feature_matching
from .losses import per_example as per_example
from .losses import squared_error as squared_error
from .optimizers import Muon as Muon
from .penalties import dragan as dragan
from .penalties import gradient_norm_penalty as gradient_norm_penalty
from .penalties import squared_gradient as squared_gradient
from .penalties import wgan_gp as wgan_gp
from .spectral import SpectralConv2D as SpectralConv2D
from .spectral import SpectralDense as SpectralDense
