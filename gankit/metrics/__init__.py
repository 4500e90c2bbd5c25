"""Figures of quality, one file a family."""
