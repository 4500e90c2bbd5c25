"""Marks as pictures: read, told from their ground, brought to one size."""
