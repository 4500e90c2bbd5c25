"""Pairs of any photographs: `python make_pairs.py PHOTOS pairs`. From a painting in few colours to the photograph."""

import sys
from pathlib import Path

from PIL import Image, ImageFilter, ImageOps

photos, pairs = map(Path, sys.argv[1:])
for side in ("A", "B"):
    (pairs / side).mkdir(parents=True)
for i, path in enumerate(sorted(photos.glob("*.*"))):
    photo = ImageOps.fit(Image.open(path).convert("RGB"), (256, 256))
    painting = photo.filter(ImageFilter.MedianFilter(9)).quantize(6).convert("RGB")
    painting.save(pairs / "A" / f"{i:05}.png")
    photo.save(pairs / "B" / f"{i:05}.png")
