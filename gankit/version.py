"""The version, which setup.cfg and every record of a run read."""

__version__ = "0.1.0"
"""The version of the distribution, by Semantic Versioning."""
