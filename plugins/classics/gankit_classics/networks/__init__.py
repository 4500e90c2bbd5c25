"""The networks: dense ones, strided convolutions, and those of a Laplacian pyramid."""
