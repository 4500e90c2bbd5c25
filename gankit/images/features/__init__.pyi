"""Public names of `gankit.images.features`; `__init__.py` imports each when it is first used."""

from .distance import Features as Features
from .distance import content_distance as content_distance
from .distance import feature_distance as feature_distance
from .distance import feature_network as feature_network
from .embeddings import Embedding as Embedding
from .embeddings import embedding as embedding
from .embeddings import locate_embedding as locate_embedding
from .small_classifier import classifier_possible as classifier_possible
from .small_classifier import classifier_ready as classifier_ready
