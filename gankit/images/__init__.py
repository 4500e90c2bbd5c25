"""Data: streams over sources, images, datasets by name."""
