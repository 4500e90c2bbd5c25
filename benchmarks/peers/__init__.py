"""The methods of enlarging by four that `benchmarks/upscale.py` compares: one file a family."""
