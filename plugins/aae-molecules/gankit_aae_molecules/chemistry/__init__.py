"""Molecules: the only part of the plugin that imports RDKit."""
