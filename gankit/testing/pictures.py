"""Little pictures, for recipes that read folders of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def tiny_pictures(folder: Path, count: int = 10, side: int = 16) -> Path:
    """Writes pictures of coloured noise, `0.png` and so on: what `Recipe.tiny_data` of many recipes needs.

    Args:
        folder: Is made. Folders of one name and of different parents get the same pictures, others different ones.
        count: Number of pictures.
        side: Pixels of each side.

    Returns:
        The folder.

    Examples:
        >>> def tiny_data(cls, folder):
        ...     return {"data": str(tiny_pictures(folder / "pictures"))}
        >>> import tempfile
        >>> sorted(path.name for path in tiny_pictures(Path(tempfile.mkdtemp(), "A"), 2).iterdir())
        ['0.png', '1.png']
    """
    folder.mkdir(parents=True)
    rng = np.random.default_rng(list(folder.name.encode()))
    for i, pixels in enumerate(rng.integers(0, 256, (count, side, side, 3), np.uint8)):
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder
