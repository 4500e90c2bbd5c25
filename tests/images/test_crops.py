"""Crops against plain slices, from memory and from a file."""

import itertools

import numpy as np
import pytest

from gankit.errors import DataError
from gankit.images.crops import ImageCrops
from gankit.images.pixels import Pixels, pixels_sha256


def pictures(*shapes):
    """Images in which every pixel of the set is different."""
    start, out = 0, []
    for height, width in shapes:
        number = np.arange(start, start + height * width).reshape(height, width)
        out.append(np.stack([number % 256, number // 256 % 256, number // 65536], axis=2).astype(np.uint8))
        start += height * width
    return out


def in_file(images, path):
    """The same set, its pixels in a file."""
    path.write_bytes(b"".join(image.tobytes() for image in images))
    heights, widths = [image.shape[0] for image in images], [image.shape[1] for image in images]
    names = [f"image {number}" for number in range(len(images))]
    return Pixels(heights, widths, [pixels_sha256(image) for image in images], names, path)


def cut(source, rows, index, seed=0):
    import tensorflow as tf

    batch = source.gather(tf.constant(rows, tf.int64), tf.constant(index, tf.int64), seed)
    (crops,) = batch.values()
    return np.rint(crops.numpy() * 255).astype(np.uint8)


@pytest.mark.parametrize("backing", ["memory", "file"])
def test_crops_are_slices(tmp_path, backing):
    images = pictures((8, 11), (20, 5), (5, 5))
    crop = 5
    backed = images if backing == "memory" else in_file(images, tmp_path / "pixels")
    source = ImageCrops(backed, crop, augment=False, repeat=20)
    rows = np.arange(source.n)
    owner = np.searchsorted(source.ends, rows, side="right")
    for image, out in zip(owner, cut(source, rows, rows + 2**33), strict=True):
        picture = images[image]
        slices = [
            picture[y : y + crop, x : x + crop]
            for y, x in itertools.product(range(picture.shape[0] - 4), range(picture.shape[1] - 4))
        ]
        assert sum(np.array_equal(out, one) for one in slices) == 1


def test_rows_are_shared_out_by_area():
    source = ImageCrops(pictures((10, 10), (10, 20), (40, 40), (4, 4)), 4, repeat=100)
    counts = np.diff(source.ends, prepend=0)
    np.testing.assert_array_equal(counts, np.rint(400 * np.array([100, 200, 1600, 16]) / 1916))
    assert source.n == counts.sum()
    assert np.diff(ImageCrops(pictures((4, 4), (90, 90)), 4).ends, prepend=0).tolist() == [1, 2]


def test_rows_by_image_are_equal():
    source = ImageCrops(pictures((10, 10), (90, 90), (4, 4)), 4, repeat=7, by="image")
    assert np.diff(source.ends, prepend=0).tolist() == [7, 7, 7] and source.n == 21
    owner = np.searchsorted(source.ends, range(21), side="right")
    smallest = cut(source, range(21), range(21))[owner == 2]
    (_, _, whole) = pictures((10, 10), (90, 90), (4, 4))
    assert all(np.array_equal(np.sort(crop, axis=None), np.sort(whole, axis=None)) for crop in smallest)


def test_memory_and_file_give_the_same_crops(tmp_path):
    rng = np.random.default_rng(5)
    images = [rng.integers(0, 256, (*shape, 3), np.uint8) for shape in ((90, 121), (64, 40), (300, 37))]
    for options in ({"repeat": 50}, {"repeat": 9, "by": "image", "field": "x"}, {"augment": False}):
        memory = ImageCrops(images, 32, **options)
        file = ImageCrops(in_file(images, tmp_path / "pixels"), 32, **options)
        assert memory.n == file.n and memory.fingerprint == file.fingerprint
        rows = np.arange(memory.n)
        np.testing.assert_array_equal(cut(memory, rows, rows * 3 + 2**40, 7), cut(file, rows, rows * 3 + 2**40, 7))


@pytest.mark.slow
def test_a_file_is_mapped_and_not_read(tmp_path):
    """2.7 GB, nearly none of which is on the disk; their end lies beyond what 31 bits count."""
    height, width = 30000, 30000
    with (tmp_path / "pixels").open("wb") as file:
        file.truncate(3 * height * width)
        file.write(b"\x11" * 3)
        file.seek(-3, 2)
        file.write(b"\x22" * 3)
    pixels = Pixels([height], [width], [""], ["large"], tmp_path / "pixels")
    tensor = pixels.tensor()
    assert tensor.shape == (height * width, 3)
    assert tensor[0].numpy().tolist() == [0x11] * 3 and tensor[-1].numpy().tolist() == [0x22] * 3


def test_a_file_that_is_gone_or_cut_is_named(tmp_path):
    images = pictures((8, 11))
    for spoil in (lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-1])):
        source = ImageCrops(in_file(images, tmp_path / "pixels"), 5)
        spoil(tmp_path / "pixels")
        with pytest.raises(DataError, match=r"gone or damaged: .*pixels") as caught:
            cut(source, [0], [0])
        assert caught.value.hint


def test_arrays_that_tensorflow_would_abort_on_are_refused():
    room = np.zeros(3 * 40 + 64, np.uint8)
    begin = -room.ctypes.data % 64
    Pixels([4], [10], [""], ["a"], room[begin : begin + 120].reshape(40, 3))
    with pytest.raises(ValueError, match="empty_pixels"):
        Pixels([4], [10], [""], ["a"], room[begin + 16 : begin + 136].reshape(40, 3))
    assert len(Pixels.of([])) == 0


def test_a_crop_depends_on_its_index_alone():
    source = ImageCrops(pictures((30, 40), (25, 20)), 7, repeat=8)
    rows = np.arange(source.n)
    index = rows * 1000
    all_at_once = cut(source, rows, index, seed=3)
    backwards = np.concatenate([cut(source, rows[i : i + 1], index[i : i + 1], seed=3) for i in rows[::-1]])[::-1]
    np.testing.assert_array_equal(all_at_once, backwards)
    assert not np.array_equal(all_at_once, cut(source, rows, index, seed=4))
    assert not np.array_equal(all_at_once, cut(source, rows, index + 1, seed=3))


def test_augmentation_is_the_eight_symmetries():
    (image,) = pictures((6, 6))
    symmetries = [np.rot90(side, k) for side in (image, image[:, ::-1]) for k in range(4)]
    out = cut(ImageCrops([image], 6), np.zeros(4000), np.arange(4000))
    counts = [sum(np.array_equal(crop, one) for crop in out) for one in symmetries]
    assert sum(counts) == 4000
    assert sum((count - 500) ** 2 / 500 for count in counts) < 24.3  # chi-square, 7 degrees of freedom, p = .001


@pytest.mark.parametrize("augment", [False, True])
def test_positions_are_uniform_to_the_very_edge(augment):
    (image,) = pictures((9, 11))
    out = cut(ImageCrops([image], 5, augment=augment), np.zeros(14000), np.arange(14000))
    first = out[..., 0].reshape(len(out), -1).min(axis=1)  # the smallest number in a crop is its top left pixel
    where, counts = np.unique(first, return_counts=True)
    assert where.tolist() == [y * 11 + x for y in range(5) for x in range(7)]
    assert ((counts - 400) ** 2 / 400).sum() < 65.2  # 34 degrees of freedom, p = .001


def test_source_in_a_dataset_has_static_shapes_and_floatx():
    import keras
    import tensorflow as tf

    source = ImageCrops(pictures((9, 11)), 4, field="image", repeat=10)

    def dataset(drop):
        batches = tf.data.Dataset.range(10).batch(4, drop_remainder=drop)
        return batches.map(lambda index: source.gather(index % source.n, index, 1))

    assert dataset(True).element_spec["image"] == tf.TensorSpec((4, 4, 4, 3), "float32")
    assert dataset(False).element_spec["image"].shape.as_list() == [None, 4, 4, 3]
    before = keras.config.floatx()
    try:
        keras.config.set_floatx("float64")
        (first, *_) = dataset(False)
    finally:
        keras.config.set_floatx(before)
    assert first["image"].dtype == tf.float64 and 0 <= first["image"].numpy().min() <= first["image"].numpy().max() <= 1
    np.testing.assert_array_equal(np.rint(first["image"] * 255), cut(source, range(4), range(4), seed=1))


def test_fingerprint_follows_pixels_and_settings():
    images = pictures((9, 11), (6, 6))
    same = ImageCrops([image.copy() for image in images], 4)
    changed = [image.copy() for image in images]
    changed[1][5, 5, 2] += 1
    others = [
        ImageCrops(changed, 4),
        ImageCrops(images, 5),
        ImageCrops(images, 4, augment=False),
        ImageCrops(images, 4, repeat=2),
        ImageCrops(images, 4, by="image"),
        ImageCrops([images[0].transpose(1, 0, 2).reshape(11, 9, 3), images[1]], 4),
    ]
    assert ImageCrops(images, 4).fingerprint == same.fingerprint and len(same.fingerprint) == 64
    assert len({same.fingerprint, *(other.fingerprint for other in others)}) == 7


def test_unusable_images_are_refused_by_name():
    (square,) = pictures((6, 6))
    with pytest.raises(DataError, match=r"b\.png \(20 x 7\)") as caught:
        ImageCrops(pictures((9, 9), (7, 20)), 8, names=["a.png", "b.png"])
    assert "a.png" not in caught.value.message and caught.value.hint
    with pytest.raises(DataError, match=r"image 1 .*float"):
        ImageCrops([square, square / 255], 4)
    with pytest.raises(DataError, match="no image"):
        ImageCrops([], 4)
    with pytest.raises(ValueError, match="crop"):
        ImageCrops([square], 0)
    with pytest.raises(ValueError, match="by"):
        ImageCrops([square], 4, by="pixel")


def test_larger_pictures_are_cut_at_the_same_places_and_turned_alike():
    small = pictures((20, 31), (16, 16))
    grid = [image.repeat(3, axis=0).repeat(3, axis=1) for image in small]
    grid[0] = np.pad(grid[0], ((0, 2), (0, 1), (0, 0)))  # a remainder that the small picture has no pixel of
    grid[1] = grid[1][:-2]  # nor the large one
    for by in ("area", "image", "detail"):
        source = ImageCrops(small, 8, field="a", repeat=60, by=by, larger={"b": (Pixels.of(grid), 3)})
        rows = np.arange(source.n)
        import tensorflow as tf

        batch = source.gather(tf.constant(rows), tf.constant(rows + 2**35), 4)
        a, b = (np.rint(batch[key].numpy() * 255).astype(np.uint8) for key in "ab")
        np.testing.assert_array_equal(a.repeat(3, axis=1).repeat(3, axis=2), b)
        assert source.heights.tolist() == [20, 15] and source.widths.tolist() == [31, 16]
        alone = ImageCrops([small[0], small[1][:15]], 8, field="a", repeat=60, by=by)
        np.testing.assert_array_equal(cut(alone, rows, rows + 2**35, 4), a)
        assert alone.fingerprint != source.fingerprint
