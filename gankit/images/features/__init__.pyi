"""Public names of `gankit.images.features`; `__init__.py` imports each when it is first used."""

from . import efficientnet_lite0 as efficientnet_lite0
from . import inception_v3 as inception_v3
from . import small_classifier as small_classifier
from .distance import Features as Features
from .distance import content_distance as content_distance
from .distance import feature_distance as feature_distance
from .distance import feature_network as feature_network
from .embeddings import Embedding as Embedding
from .embeddings import embedding as embedding
