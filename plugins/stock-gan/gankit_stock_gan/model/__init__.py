"""The generator: what it sees, what it is, how it is trained, and how a trained one forecasts."""
