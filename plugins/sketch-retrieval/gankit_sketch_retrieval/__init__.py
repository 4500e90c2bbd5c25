"""Marks learned without labels, and found again: `gankit run sketch-retrieval`, `index`, `search`, `spot`."""
