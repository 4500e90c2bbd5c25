"""Bicubic interpolation: this project's, which is MATLAB's, and Pillow's, which has the same kernel."""

from __future__ import annotations

import numpy as np
import PIL
from PIL import Image

from gankit.images import imresize
from peers.method import SCALE, Found, Method, Place, timed


def pillow(low: np.ndarray) -> np.ndarray:
    height, width = low.shape[:2]
    return np.asarray(Image.fromarray(low).resize((width * SCALE, height * SCALE), Image.Resampling.BICUBIC))


def matlab(low: np.ndarray) -> np.ndarray:
    return imresize(low, low.shape[0] * SCALE, low.shape[1] * SCALE)


def methods(place: Place) -> Found:
    """Both run on one thread."""
    return [
        Method("bicubic", "bicubic", timed(matlab), {"function": "gankit.images.imresize", "threads": 1}),
        Method("bicubic (Pillow)", "bicubic", timed(pillow), {"Pillow": PIL.__version__, "threads": 1}),
    ]
