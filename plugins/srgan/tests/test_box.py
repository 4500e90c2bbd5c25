"""The models in the box: complete, small, and free of what users of such models complain about."""

import numpy as np
import pytest
from gankit_srgan import models
from gankit_srgan.degradation.tracks import TRACKS, reduced
from gankit_srgan.evaluation import colour, enlarging, evaluate
from gankit_srgan.photos import benchmark

from gankit.images import imresize
from gankit.images.metrics import super_resolution_scores

EXACT = [("compact", 2), ("compact", 3), ("compact", 4), ("fast", 4)]
BOX = [*EXACT, ("restore", 4), ("texture", 4)]
CLEAN = TRACKS["clean"]
LEAST = {("compact", 2): 37.0, ("compact", 3): 33.0, ("compact", 4): 31.0, ("fast", 4): 30.3}
"""PSNR on luma of Set5 in dB. Bicubic interpolation has 33.67, 30.40 and 28.43."""
GRAIN = {"texture": (1.0, 0.5), "restore": (9.0, 1.2)}
"""Levels that a discriminator taught a network to differ by on one colour, at most and on average."""
COLOURS = [(0, 0, 0), (255, 255, 255), (128, 128, 128), (200, 150, 120), (30, 60, 90), (255, 255, 0), (255, 0, 0)]


def name_of(key):
    return f"{key[0]}-x{key[1]}"


@pytest.fixture(params=BOX, ids=name_of)
def key(request):
    return request.param


exact = pytest.mark.parametrize("key", EXACT, ids=name_of)
"""For the models that are trained for the smallest error."""


@pytest.fixture
def enlarger(key):
    return models.opened(models.find(*key))


@pytest.fixture(scope="module")
def photos():
    return benchmark("photos", 12)  # sides divisible by every factor


def test_the_box_is_complete_and_small():
    assert models.shipped() == BOX
    assert sum(path.stat().st_size for path in models.BOX.glob("*.safetensors")) <= 4_000_000


def test_a_file_says_what_its_network_is(key):
    from gankit_srgan.footprint import receptive_radius
    from keras import layers

    model = models.find(*key)
    network = model.network()
    assert (model.name, model.scale) == key and model.radius == receptive_radius(network)
    assert model.trained["steps"] >= 1000 and model.generative == (key not in EXACT)
    assert all(np.isfinite(value).all() for value in model.weights.values())
    # Stored in half precision, computed in single precision: half would crash or crawl on CPUs.
    assert {v.dtype for v in network.variables} == {"float32"} and network.compute_dtype == "float32"
    # No normalisation, hence neither its artefacts nor a result that depends on the other pictures of a batch.
    assert not any(isinstance(layer, layers.BatchNormalization | layers.GroupNormalization) for layer in network.layers)


@pytest.mark.parametrize("backend", ["tensorflow", "onnx"])
def test_memory_is_that_of_the_network_and_never_promised_too_small(key, backend):
    """Measured at most: compact 3.8 kB and fast 2.2 kB a pixel with TensorFlow, 0.96 kB with ONNX Runtime."""
    if backend == "onnx":
        pytest.importorskip("onnxruntime")
    measured = 960 if backend == "onnx" else {"fast": 2160, "restore": 2100}.get(key[0], 3780)
    assert measured < models.opened(models.find(*key), backend).bytes_per_pixel < 2 * measured


def test_flat_colours_stay_flat(key, enlarger):
    radius, scale = enlarger.radius, enlarger.scale
    side = 2 * radius + 8
    low = np.ones((len(COLOURS), side, side, 3), np.float32) * np.float32(COLOURS)[:, None, None] / 255
    inside = slice(radius * scale, -radius * scale)
    high = 255 * np.clip(enlarger(low), 0, 1)[:, inside, inside]
    error = np.abs(high - np.array(COLOURS)[:, None, None])
    most, mean = GRAIN.get(key[0], (0.5, 0.5))
    assert error.max() < most and error.mean() < mean


@exact
def test_colours_do_not_shift_and_no_grid_shows(enlarger, photos):
    enlarge, scale = enlarging(enlarger), enlarger.scale
    for name, photo in photos.items():
        truth = colour(photo)
        low = reduced(truth, scale, CLEAN, "")
        high = enlarge(low)
        assert np.abs(high.mean((0, 1)) - truth.mean((0, 1))).max() < 0.25, name
        assert np.abs(reduced(high, scale, CLEAN, "").astype(float) - low).mean() < 0.5, name

        def grid(image, truth=truth, low=low):
            """Span of the mean error over the places in a low-resolution pixel: a checkerboard would stand out."""
            error = image.astype(float) - truth
            return np.ptp(error.reshape(low.shape[0], scale, low.shape[1], scale, 3).mean((0, 2, 4)))

        assert grid(high) < grid(imresize(low, *truth.shape[:2])) + 0.2, name


@exact
def test_better_than_bicubic_on_photographs(enlarger, photos):
    enlarge, scale = enlarging(enlarger), enlarger.scale
    gains = []
    for photo in photos.values():
        truth = colour(photo)
        low = reduced(truth, scale, CLEAN, "")
        bicubic = imresize(low, *truth.shape[:2])
        ours, theirs = (super_resolution_scores(truth, image, scale) for image in (enlarge(low), bicubic))
        gains.append(ours["psnr_y"] - theirs["psnr_y"])
    assert min(gains) > 0 and np.mean(gains) > 0.5


@pytest.mark.slow
@exact
def test_figures(key, enlarger, test_data):
    enlarge, scale = enlarging(enlarger), enlarger.scale
    found = []
    for photo in benchmark(str(test_data / "sr" / "Set5" / "HR"), scale).values():
        low = reduced(photo, scale, CLEAN, "")
        found.append(super_resolution_scores(photo, enlarge(low), scale)["psnr_y"])
    assert len(found) == 5 and np.mean(found) >= LEAST[key]


def judged(photos, track, *enlargers):
    """Mean PSNR, feature distance and NIQE of each enlarger, and of bicubic interpolation."""
    methods = {str(i): enlarging(one) for i, one in enumerate(enlargers)}
    found = evaluate(methods, photos, 4, [track])
    before = "" if track == "clean" else f"{track}/"
    names = [f"{before}{name}" for name in ("psnr_y", "feature_distance", "niqe")]
    rows = [found.metrics, *(found.baselines[name] for name in [*list(methods)[1:], "bicubic"])]
    return [[row[name] for name in names] for row in rows]


@pytest.fixture(scope="module")
def small(photos):
    """Parts of three photographs."""
    return {name: photo[:288, :384] for name, photo in list(photos.items())[:3]}


def test_restore_repairs_what_is_damaged(small):
    (psnr, features, niqe), bicubic = judged(small, "medium", models.opened(models.find("restore", 4)))
    assert psnr > bicubic[0] and features < 0.95 * bicubic[1] and niqe < bicubic[2] - 2


def test_between_the_least_error_and_texture_all_is_monotone(small):
    """PSNR falls, the distance of features falls, and pictures look more natural."""
    between = [models.Choice("texture", None, None, 4, "auto", strength).opened() for strength in (0, 0.5, 1)]
    compact, half, texture, bicubic = judged(small, "clean", *between)
    assert compact[0] > half[0] > texture[0] > bicubic[0] - 0.3
    assert compact[2] > half[2] > texture[2] and compact[1] > texture[1]
