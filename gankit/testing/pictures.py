"""Little pictures, for recipes that read folders of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def tiny_pictures(folder: Path, *names: str, count: int = 10, side: int = 16) -> Path:
    """Writes pictures of coloured noise, `0.png` and so on: what `Recipe.tiny_data` of many recipes needs.

    Args:
        folder: Is made if it is not there.
        *names: Sub-folders that get pictures, of other noise each; without any, the folder itself does.
        count: Number of pictures in each.
        side: Pixels of their sides.

    Returns:
        The folder.

    Examples:
        >>> def tiny_data(cls, folder):
        ...     return {"data": str(tiny_pictures(folder, "A", "B"))}
        >>> import tempfile
        >>> found = tiny_pictures(Path(tempfile.mkdtemp()), "A", "B", count=1)
        >>> sorted(path.relative_to(found).as_posix() for path in found.glob("*/*"))
        ['A/0.png', 'B/0.png']
    """
    rng = np.random.default_rng(0)
    for part in [folder / name for name in names] or [folder]:
        part.mkdir(parents=True, exist_ok=True)
        for i, pixels in enumerate(rng.integers(0, 256, (count, side, side, 3), np.uint8)):
            Image.fromarray(pixels).save(part / f"{i}.png")
    return folder
