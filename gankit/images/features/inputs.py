"""What networks that look at pictures may be given."""

from __future__ import annotations

from typing import Any

import numpy as np

from gankit.errors import DataError


def checked_pictures(images: Any) -> np.ndarray:
    """The same array, neither copied nor converted.

    Raises:
        DataError: It is not uint8 `[n, height, width, 1 or 3]`.
    """
    images = np.asanyarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3) or 0 in images.shape[1:3]:
        raise DataError(
            f"pictures must be uint8 [n, height, width, 1 or 3], not {images.dtype} {list(images.shape)}",
            "bring them to 0..255 and round",
        )
    return images
