"""Damage: each part against SciPy, Pillow or a closed form; the pipeline as a function of the example's index."""

import io

import numpy as np
import pytest
from gankit_srgan.degradation.options import NOTHING, PRESETS, Damage, degradation
from gankit_srgan.degradation.tracks import TRACKS, Track, named, reduced
from gankit_srgan.patterns import SIDE, drawings
from PIL import Image
from scipy import ndimage, special

from gankit.errors import UsageError
from gankit.images import imresize


@pytest.fixture(scope="module")
def photo():
    from sklearn.datasets import load_sample_image

    return load_sample_image("china.jpg")[100:228, 200:328]


@pytest.fixture(scope="module")
def batch(photo):
    """Four photographs, `[4, 64, 64, 3]` in [0, 1]."""
    parts = [photo[y : y + 64, x : x + 64] for y in (0, 64) for x in (0, 64)]
    return np.stack(parts).astype("float32") / 255


def test_presets_say_everything_and_parts_replace_them():
    for preset, damage in PRESETS.items():
        assert None not in damage.model_dump().values(), preset
    assert degradation("clean", Damage()) == NOTHING
    assert degradation("web", Damage(jpeg=70)).jpeg == 70 and PRESETS["web"].jpeg == 30
    assert degradation("clean", Damage(resize=1)).passes == 2 and degradation("clean", Damage(resize=1)).strikes
    assert degradation("clean", Damage(poisson=1)) == NOTHING  # of no noise
    assert degradation("clean", Damage(noise=3)) == NOTHING.model_copy(update={"passes": 1, "noise": 3})


@pytest.mark.parametrize("size, target", [(64, 16), (48, 31), (40, 64)])
def test_resampling_against_matlabs_bicubic_and_exact_areas(batch, size, target):
    import tensorflow as tf
    from gankit_srgan.degradation.resampling import FILTERS, resample, resampling_matrix

    sizes, targets = tf.constant([size] * 3), tf.constant([target] * 3)
    matrix = resampling_matrix(sizes, targets, 64, 64, tf.range(3), "float64")
    assert np.allclose(tf.reduce_sum(matrix, 2), 1)
    found = resample(tf.constant(np.repeat(batch[:1], 3, 0).astype("float64")), matrix).numpy()
    picture = batch[0, :size, :size].astype(np.float64)
    inside = slice(4, target - 4)  # at the edges MATLAB mirrors
    expected = imresize(picture, target, target)
    np.testing.assert_allclose(found[FILTERS.index("bicubic"), inside, inside], expected[inside, inside], atol=1e-6)
    if size % target == 0:
        areas = picture.reshape(target, size // target, target, size // target, 3).mean((1, 3))
        np.testing.assert_allclose(found[FILTERS.index("area"), :target, :target], areas, atol=1e-6)
    # What lies outside the picture is its last pixel.
    np.testing.assert_allclose(
        found[:, target:, :target], found[:, target - 1 : target, :target].repeat(64 - target, 1)
    )


def test_a_blur_is_scipys(batch):
    import tensorflow as tf
    from gankit_srgan.degradation import blur

    sigma = tf.constant([0.7, 1.5, 2.0, 2.6])
    found = blur.convolved(tf.constant(batch), blur.gaussian(sigma, sigma, tf.zeros(4))).numpy()
    for picture, one, width in zip(batch, found, sigma.numpy(), strict=True):
        expected = ndimage.gaussian_filter(picture, (width, width, 0), mode="reflect", radius=blur.REACH)
        np.testing.assert_allclose(one, expected, atol=2e-6)


def test_kernels_have_their_widths():
    import tensorflow as tf
    from gankit_srgan.degradation import blur

    y, x = np.mgrid[-blur.REACH : blur.REACH + 1, -blur.REACH : blur.REACH + 1]
    along = blur.gaussian(tf.constant([3.0]), tf.constant([1.0]), tf.constant([np.pi / 6], tf.float32))[0].numpy()
    # Second moments of a turned Gaussian.
    cosine, sine = np.cos(np.pi / 6), np.sin(np.pi / 6)
    np.testing.assert_allclose((along * x * x).sum(), 9 * cosine**2 + sine**2, rtol=0.01)
    np.testing.assert_allclose((along * x * y).sum(), 8 * cosine * sine, rtol=0.01)
    star = blur.moffat(tf.constant([2.0]), tf.constant([3.0]))[0].numpy()
    middle = star[blur.REACH, blur.REACH :]
    half = 2.0 * np.sqrt(2 * np.log(2))
    np.testing.assert_allclose(np.interp(half, range(len(middle)), middle / middle[0]), 0.5, atol=0.01)
    gaussian = blur.gaussian(tf.constant([2.0]), tf.constant([2.0]), tf.zeros(1))[0].numpy()
    assert star[blur.REACH, 0] > 100 * gaussian[blur.REACH, 0]  # wings
    ringing = blur.sinc(tf.constant([np.pi / 2], tf.float32))[0].numpy()
    radius = np.hypot(y, x)[blur.REACH, blur.REACH + 1 : blur.REACH + 6]
    window = np.cos(np.pi / 2 * radius / (blur.REACH + 1)) ** 2
    exact = np.pi / 2 * special.j1(np.pi / 2 * radius) / (2 * np.pi * radius) * window
    exact /= (np.pi / 2) ** 2 / (4 * np.pi)
    np.testing.assert_allclose(
        ringing[blur.REACH, blur.REACH + 1 : blur.REACH + 6] / ringing[blur.REACH, blur.REACH], exact, atol=1e-5
    )
    assert ringing.min() < 0


@pytest.mark.parametrize("quality", [30, 75, 95])
def test_jpeg_is_pillows_wherever_its_grid_begins(batch, quality):
    import tensorflow as tf
    from gankit_srgan.degradation import jpeg

    corners = tf.constant([[0, 0], [5, 9], [8, 0], [15, 15]])
    found = jpeg.compressed(tf.constant(batch), tf.constant([quality] * 4), corners).numpy() * 255
    for picture, one, (row, column) in zip(batch, found, corners.numpy(), strict=True):
        levels = np.round(picture * 255).astype(np.uint8)
        large = np.pad(levels, ((row, 15), (column, 15), (0, 0)), "symmetric")[: 80 // 16 * 16, :80]
        file = io.BytesIO()
        Image.fromarray(large).save(file, "JPEG", quality=quality, subsampling="4:2:0")
        expected = np.asarray(Image.open(file))[row : row + 64, column : column + 64]
        assert np.abs(one - expected).mean() < 0.02 and np.abs(one - expected).max() <= 4


def degrade(batch, damage, index=(0, 1, 2, 3), scale=4, seed=0):
    import tensorflow as tf
    from gankit_srgan.degradation.pipeline import degraded

    return degraded(tf.constant(batch), scale, damage, tf.constant(index, tf.int64), seed).numpy()


@pytest.mark.parametrize("preset", ["mild", "web", "telescope"])
@pytest.mark.parametrize("scale", [1, 2, 4])
def test_damage_is_a_function_of_the_index(batch, preset, scale):
    damage = PRESETS[preset]
    found = degrade(batch, damage, (5, 6, 7, 2**40), scale)
    assert found.shape == (4, 64 // scale, 64 // scale, 3) and found.min() >= 0 and found.max() <= 1
    np.testing.assert_allclose(found * 255, np.round(found * 255), atol=1e-4)
    again = degrade(batch[[1, 0, 3, 2]], damage, (6, 5, 2**40, 7), scale)[[1, 0, 3, 2]]
    # Single levels: float32 rounds otherwise at another place in a batch.
    assert (np.abs(found - again) > 0.01).mean() < 0.01
    other = degrade(batch, damage, (5, 6, 7, 2**40), scale, seed=1)
    assert (np.abs(found - other) > 0.01).mean() > 0.1


def test_pictures_smaller_than_a_kernel_are_blurred_too(batch):
    found = degrade(batch[:, :32, :32], PRESETS["web"].model_copy(update={"sinc": 1.0}))
    assert found.shape == (4, 8, 8, 3) and np.isfinite(found).all()


def test_no_damage_is_the_reduction_of_the_benchmarks(batch):
    exact = [imresize(picture.astype(np.float64), 16, 16) for picture in batch]
    assert np.abs(degrade(batch, NOTHING) - np.clip(exact, 0, 1)).max() <= 0.51 / 255


def test_noise_has_the_deviation_that_was_drawn():
    grey = np.full((64, 64, 64, 3), 0.5, "float32")
    flat = degraded_noise(grey, NOTHING.model_copy(update={"passes": 1, "noise": 20}))
    spread = flat.std((1, 2, 3)) * 255
    assert spread.max() < 21 and 0.05 < (spread < 1).mean() < 0.35  # fifteen percent have none
    assert 7 < spread[spread > 1].mean() < 13
    alike = degraded_noise(grey, NOTHING.model_copy(update={"passes": 1, "noise": 20, "grey": 1}))
    assert np.abs(alike - alike[..., :1]).max() < 1e-6
    dark = np.full((64, 64, 64, 3), 0.04, "float32")
    poisson = NOTHING.model_copy(update={"passes": 1, "noise": 20, "poisson": 1})
    ratio = degraded_noise(dark, poisson).std((1, 2, 3)).mean() / degraded_noise(grey, poisson).std((1, 2, 3)).mean()
    assert 0.2 < ratio < 0.36  # the root of .04 / .5 is .28


def degraded_noise(pictures, damage):
    return degrade(pictures, damage, range(len(pictures)), scale=2)


def test_tracks_are_what_they_say_and_get_worse(photo):
    assert named("all", 4) == list(TRACKS) and named("all", 1) == ["mild", "medium", "strong"]
    with pytest.raises(UsageError, match="no track 'storng'"):
        named("storng", 4)
    np.testing.assert_array_equal(reduced(photo, 4, TRACKS["clean"], "a"), imresize(photo, 32, 32))
    losses = [
        np.abs(reduced(photo, 4, track, "a").astype(float) - imresize(photo, 32, 32)).mean()
        for track in TRACKS.values()
    ]
    assert losses == sorted(losses) and losses[0] == 0 and losses[1] > 1
    noise = reduced(np.full((512, 512), 128, np.uint8), 2, Track(noise=5), "a")
    assert noise.shape == (256, 256) and abs(noise.std() - 5) < 0.1
    assert (reduced(photo, 1, TRACKS["mild"], "a") != reduced(photo, 1, TRACKS["mild"], "b")).any()


def test_patterns_are_neutral_and_as_fine_as_a_pixel():
    for scale in (1, 2, 4):
        found = drawings(scale)
        assert all(drawing.shape == (SIDE, SIDE, 3) and drawing.dtype == np.uint8 for drawing in found)
        assert all((drawing == drawing[..., :1]).all() and np.ptp(drawing) >= 40 for drawing in found)
        np.testing.assert_array_equal(found, drawings(scale))
    checkers = [imresize(drawing, SIDE // 4, SIDE // 4)[..., 0].astype(int) for drawing in found[::5]]
    assert any(np.abs(np.diff(small[8:-8, 8:-8], axis=0)).min() > 30 for small in checkers)  # every pixel another


def test_textures_are_alike_wherever_they_lie():
    from gankit_srgan.texture import PATCH, texture_distance

    rng = np.random.default_rng(0)
    maps = rng.normal(size=(2, 16, 16, 5))
    shuffled = maps.reshape(2, 2, 8, 2, 8, 5)[:, :, ::-1][:, :, :, :, ::-1].reshape(maps.shape)  # within patches
    other = rng.normal(size=(2, 16, 16, 5))
    assert np.abs(texture_distance([maps], [shuffled], 2 * PATCH)).max() < 1e-12

    def gram(part):
        rows = part.reshape(-1, 5)
        return rows.T @ rows / len(rows)

    blocks = [(slice(y, y + 8), slice(x, x + 8)) for y in (0, 8) for x in (0, 8)]
    exact = [
        np.mean([(gram(a[block]) - gram(b[block])) ** 2 for block in blocks]) for a, b in zip(maps, other, strict=True)
    ]
    np.testing.assert_allclose(texture_distance([maps], [other], 2 * PATCH), exact)
    # The coarse maps have one place a patch, and nothing to say of its texture.
    found = texture_distance([maps, maps[:, ::8, ::8]], [other, other[:, ::8, ::8]], 2 * PATCH)
    np.testing.assert_allclose(found, exact)


def test_discriminators_judge_places_and_their_penalties_are_finite():
    import tensorflow as tf
    from gankit_srgan import networks

    from gankit.nn import per_example, squared_gradient

    pictures = tf.random.stateless_uniform((2, 64, 64, 3), (0, 1))
    for network, places in ((networks.patch_discriminator(8), 8), (networks.unet_discriminator(4), 64)):
        assert network(pictures).shape == (2, places, places, 1)
        penalty = squared_gradient(lambda x, network=network: per_example(network(x, training=True)), pictures)
        assert penalty.shape == (2,) and float(tf.reduce_min(penalty)) > 0
