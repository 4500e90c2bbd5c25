"""The engine: games on batches, on one device or many, exactly resumable."""
