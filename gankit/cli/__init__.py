"""The command line: one file a verb. Nothing here imports TensorFlow before a verb needs it."""

# The rest stands in app.py: here the verbs' modules, `list` among them, shadow the built-in names.
from gankit.cli.app import main

__all__ = ["main"]
