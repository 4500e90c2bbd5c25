"""Figures: retrieval, invariance, spotting."""
