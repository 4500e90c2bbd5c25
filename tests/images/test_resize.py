"""imresize against MATLAB's own files, against a loop, and NumPy against TensorFlow."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gankit.images.resize import downscale, imresize, resize_matrix, to_uint8, upscale

SIZES = [(1, 1), (1, 2), (2, 1), (3, 5), (17, 9)]


def by_hand(signal, size_out, scale):
    """One axis, output pixel by output pixel, from the definition."""

    def cubic(x):
        x = abs(x)
        if x <= 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0

    mirrored = np.concatenate([signal, signal[::-1]])
    stretch = min(scale, 1)
    out = []
    for pixel in range(size_out):
        center = (pixel + 0.5) / scale - 0.5
        taps = range(int(center - 2 / stretch) - 3, int(center + 2 / stretch) + 4)
        weights = np.array([cubic(stretch * (center - tap)) for tap in taps])
        out.append(weights @ [mirrored[tap % len(mirrored)] for tap in taps] / weights.sum())
    return np.array(out)


@pytest.mark.parametrize(
    "size_in, size_out, scale", [(24, 6, None), (7, 28, None), (10, 3, 0.25), (5, 8, None), (1, 3, None)]
)
def test_resize_matrix_is_the_definition(size_in, size_out, scale):
    signal = np.random.default_rng(size_in).normal(size=size_in)
    matrix = resize_matrix(size_in, size_out, scale)
    assert matrix.shape == (size_out, size_in) and matrix.dtype == np.float64
    np.testing.assert_allclose(matrix @ signal, by_hand(signal, size_out, scale or size_out / size_in), atol=1e-13)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-14)
    with pytest.raises(ValueError):
        matrix[0, 0] = 1  # cached: nobody may change it


def test_halving_has_the_known_weights():
    # cubic(x / 2) / 2 at x = 0.5, 1.5, 2.5, 3.5
    side = np.array([111, 29, -9, -3]) / 256
    np.testing.assert_allclose(resize_matrix(32, 16)[8, 13:21], [*side[::-1], *side], atol=1e-15)


@pytest.mark.parametrize("size_in, size_out, scale", [(0, 1, None), (4, 0, None), (4, 4, 0.0), (4, 4, float("nan"))])
def test_bad_sizes_are_refused(size_in, size_out, scale):
    with pytest.raises(ValueError):
        resize_matrix(size_in, size_out, scale)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("float64", 1e-12)])
def test_tensorflow_equals_numpy(scale, dtype, tolerance):
    import tensorflow as tf

    grow = tf.function(lambda x: upscale(x, scale), input_signature=[tf.TensorSpec([None, None, None, 3], dtype)])
    for height, width in SIZES:
        small = np.random.default_rng(width).random((2, height, width, 3)).astype(dtype)
        large = np.random.default_rng(height).random((2, height * scale, width * scale, 3)).astype(dtype)
        for out, images, shape in (
            (grow(small), small, large.shape),
            (downscale(large, scale), large, small.shape),
        ):
            expected = [imresize(image.astype("float64"), *shape[1:3]) for image in images]
            assert out.dtype == dtype and out.shape == shape
            np.testing.assert_allclose(out, expected, atol=tolerance, rtol=0)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_constant_stays_constant(scale):
    for level in (0, 77, 255):
        image = np.full((4 * scale, 5 * scale, 3), level, np.uint8)
        assert (imresize(image, 4, 5) == level).all() and (imresize(image, 40 * scale, 7) == level).all()
    batch = np.full((1, 4 * scale, 5 * scale, 2), 0.7)
    np.testing.assert_allclose(downscale(batch, scale), 0.7, atol=1e-14)
    np.testing.assert_allclose(upscale(batch, scale), 0.7, atol=1e-14)


@pytest.mark.parametrize("height, width", [(1, 1), (2, 3), (6, 5)])
def test_gradient_of_upscale_is_the_transposed_matrix(height, width):
    import tensorflow as tf

    rng = np.random.default_rng(0)
    x, upstream = tf.constant(rng.random((1, height, width, 1))), rng.random((1, 3 * height, 3 * width, 1))
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(upscale(x, 3) * upstream)
    expected = resize_matrix(height, 3 * height).T @ upstream[0, :, :, 0] @ resize_matrix(width, 3 * width)
    np.testing.assert_allclose(tape.gradient(total, x)[0, :, :, 0], expected, atol=1e-13)


def test_floats_overshoot_and_bytes_saturate():
    edge = np.repeat([[0, 0, 0, 255, 255, 255]], 6, axis=0)
    smooth = imresize(edge.astype(np.float32), 12, 12)
    assert smooth.dtype == np.float32 and smooth.min() < -5 and smooth.max() > 260
    sharp = imresize(edge.astype(np.uint8), 12, 12)
    assert sharp.dtype == np.uint8 and sharp.min() == 0 and sharp.max() == 255
    np.testing.assert_array_equal(to_uint8(np.array([-3, 0.5, 1.5, 2.4, 254.5, 300])), [0, 1, 2, 2, 255, 255])


def test_large_images_go_in_blocks(monkeypatch):
    image = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    whole = imresize(image, 10, 60)
    monkeypatch.setattr("gankit.images.resize._BLOCK", 200)
    np.testing.assert_array_equal(imresize(image, 10, 60), whole)


def test_wrong_input_is_refused():
    with pytest.raises(TypeError, match="int64"):
        imresize(np.zeros((4, 4), np.int64), 2, 2)
    with pytest.raises(ValueError, match="4"):
        imresize(np.zeros((1, 4, 4, 3)), 2, 2)
    with pytest.raises(ValueError, match="divisible"):
        downscale(np.zeros((1, 9, 8, 3)), 4)
    with pytest.raises(ValueError, match="factor"):
        upscale(np.zeros((1, 9, 8, 3)), 0)


def test_numpy_part_does_not_import_tensorflow():
    modules = "gankit.images.resize, gankit.images.images, gankit.images.metrics.image_quality"
    code = f"import sys, {modules}; assert 'tensorflow' not in sys.modules"
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )


@pytest.mark.parametrize("name", ["Set5", "Set14", "BSD100"])
def test_official_low_resolution_files(name):
    root = os.environ.get("GANKIT_TEST_DATA")
    if not root or not (Path(root) / "sr" / name).is_dir():
        pytest.skip(f"needs sr/{name} below $GANKIT_TEST_DATA")
    worst, border = 0.0, 0.0
    for path in sorted((Path(root) / "sr" / name / "HR").iterdir()):
        truth = np.asarray(Image.open(path.parent.parent / "LR_x4" / path.name)).astype(int)
        difference = np.abs(imresize(np.asarray(Image.open(path)), *truth.shape[:2]) - truth)
        worst, border = max(worst, difference[2:-2, 2:-2].mean()), max(border, difference.mean())
    print(f"{name}: mean |difference| {worst} inside, {border:.3f} with the border")
    # Bit by bit MATLAB's, but for the border, which the release that made these files padded in another way.
    assert worst == 0 and border < 0.15
