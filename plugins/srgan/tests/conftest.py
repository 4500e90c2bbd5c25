"""Networks for the tests of `gankit srgan upscale`, without TensorFlow."""

import numpy as np
import pytest
from scipy import ndimage


class Repeat:
    """Repeats pixels: what comes out is known."""

    name, radius, cell = "repeat", 0, 1
    generative, bytes_per_pixel = True, 4000

    def __init__(self, scale=4):
        self.scale = scale

    def __call__(self, low):
        return low.repeat(self.scale, 1).repeat(self.scale, 2)


class Blur:
    """A convolution with zeros around the picture, every tap of which counts, and another gain for each subpixel."""

    name, cell = "blur", 1
    generative, bytes_per_pixel = True, 4000

    def __init__(self, scale=3, radius=5):
        self.scale, self.radius = scale, radius
        rng = np.random.default_rng(5)
        self.kernel = rng.uniform(0.5, 1, (1, 2 * radius + 1, 2 * radius + 1, 1))
        self.kernel /= self.kernel.sum()
        self.gain = rng.uniform(0.8, 1, (scale, scale))
        self.shapes = set()

    def __call__(self, low):
        self.shapes.add(low.shape)
        blurred = ndimage.convolve(low.astype(np.float64), self.kernel, mode="constant")
        gain = np.tile(self.gain, low.shape[1:3])[None, :, :, None]
        return (blurred.repeat(self.scale, 1).repeat(self.scale, 2) * gain).astype(np.float32)


@pytest.fixture
def repeat():
    """`Repeat` of a factor, 4 by default."""
    return Repeat


@pytest.fixture
def blur():
    """`Blur` of a factor and a radius."""
    return Blur


@pytest.fixture
def upscale(tmp_path):
    """Enlarges a file into another one, as the command does; returns the result."""
    from gankit_srgan.upscale.job import Settings, enlarge, prepare
    from gankit_srgan.upscale.targets import plan

    def run(enlarger, source, target, factor=None, **settings):
        (job,) = plan([str(source)], target, None, "4", "replace")
        task = prepare(job, factor or float(enlarger.scale))
        return enlarge(enlarger, task, Settings(force=True, **settings))

    return run
