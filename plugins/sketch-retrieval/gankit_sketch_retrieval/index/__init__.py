"""The index of vectors: its file, its search, its making."""
