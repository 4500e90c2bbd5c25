"""Public names of `gankit.export`; `__init__.py` imports each when it is first used."""

from .formats import to_onnx as to_onnx
from .networks import export as export
