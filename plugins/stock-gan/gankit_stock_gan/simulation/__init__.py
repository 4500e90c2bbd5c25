"""Whole paths: made by the generator, tuned to a history, and judged by stylised facts beside simpler simulators."""
