"""Pictures of every kind through the whole way from file to file: their channels, levels and transparency."""

import struct

import numpy as np
import pytest
import pyvips
import tifffile
from gankit_srgan.upscale.decoders import depth_and_profile
from gankit_srgan.upscale.pictures import header, read
from gankit_srgan.upscale.planes import fill_hidden
from PIL import Image, ImageCms

from gankit.errors import DataError, NonFinite, UsageError

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (9, 14, 3), np.uint8)
GREY = COLOUR[:, :, 0]


def enlarged(pixels, scale=4):
    return pixels.repeat(scale, 0).repeat(scale, 1)


def save(folder, name, pixels, **options):
    Image.fromarray(pixels).save(folder / name, **options)
    return folder / name


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.webp"])
def test_colour_comes_out_as_it_went_in(tmp_path, upscale, repeat, name):
    path = save(tmp_path, name, COLOUR, **({"lossless": True} if name == "a.webp" else {}))
    upscale(repeat(), path, tmp_path / "out.png", tile=5)
    result = Image.open(tmp_path / "out.png")
    assert result.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(result), enlarged(COLOUR))


def test_grey_stays_one_channel(tmp_path, upscale, repeat):
    for name in ("g.png", "g.tif", "g.jpg"):
        path = save(tmp_path, name, GREY)
        upscale(repeat(), path, tmp_path / "out.tif")
        result = Image.open(tmp_path / "out.tif")
        assert result.mode == "L"
        np.testing.assert_array_equal(np.asarray(result), enlarged(np.asarray(Image.open(path))))


def test_grey_is_the_mean_of_the_networks_channels(tmp_path, upscale, repeat):
    class Tinted(repeat):
        def __call__(self, low):
            return super().__call__(low) + np.array([0, 0.03, 0.06], np.float32)

    path = save(tmp_path, "g.png", GREY // 2)
    upscale(Tinted(2), path, tmp_path / "out.png")
    expected = np.floor(enlarged(GREY // 2, 2) + 0.03 * 255 + 0.5)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out.png")), expected)


def test_values_beyond_black_and_white_are_clipped(tmp_path, upscale, repeat):
    class Overshoots(repeat):
        def __call__(self, low):
            return super().__call__(low) * 3 - 1

    upscale(Overshoots(2), save(tmp_path, "a.png", COLOUR), tmp_path / "out.png")
    expected = np.clip(COLOUR.astype(int) * 3 - 255, 0, 255)
    assert (expected == 0).any() and (expected == 255).any()
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out.png")), enlarged(expected, 2))


def test_black_and_white_and_palettes(tmp_path, upscale, repeat):
    bits = Image.fromarray(GREY).convert("1")
    bits.save(tmp_path / "bits.png")
    upscale(repeat(), tmp_path / "bits.png", tmp_path / "out.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out.png")), enlarged(np.asarray(bits) * 255))

    palette = Image.fromarray(COLOUR).quantize(16)
    for name in ("p.png", "p.gif"):
        palette.save(tmp_path / name)
        upscale(repeat(), tmp_path / name, tmp_path / "out.png")
        result = Image.open(tmp_path / "out.png")
        assert result.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(result), enlarged(np.asarray(palette.convert("RGB"))))


def test_palette_with_a_transparent_colour_gets_alpha(tmp_path, upscale, repeat):
    palette = Image.fromarray(COLOUR).quantize(16)
    index = np.asarray(palette)
    palette.save(tmp_path / "p.png", transparency=3)
    upscale(repeat(), tmp_path / "p.png", tmp_path / "out.png")
    result = np.asarray(Image.open(tmp_path / "out.png"))
    assert result.shape[2] == 4
    np.testing.assert_array_equal(result[:, :, 3], enlarged(np.where(index == 3, 0, 255)))


def test_sixteen_bits_stay_sixteen(tmp_path, upscale, repeat):
    deep = RNG.integers(0, 65536, (40, 50, 3), np.uint16)
    tifffile.imwrite(tmp_path / "deep.tif", deep, photometric="rgb")
    upscale(repeat(2), tmp_path / "deep.tif", tmp_path / "out.tif", tile=16)
    result = tifffile.imread(tmp_path / "out.tif")
    assert result.dtype == np.uint16 and len(np.unique(result)) > 256
    np.testing.assert_array_equal(result, enlarged(deep, 2))
    upscale(repeat(2), tmp_path / "out.tif", tmp_path / "again.png", factor=2.0)
    again = pyvips.Image.new_from_file(str(tmp_path / "again.png"))
    assert again.interpretation == "rgb16"
    np.testing.assert_array_equal(again.numpy(), enlarged(deep, 4))
    tifffile.imwrite(tmp_path / "grey.tif", deep[:, :, 0])
    upscale(repeat(2), tmp_path / "grey.tif", tmp_path / "grey.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "grey.png")), enlarged(deep[:, :, 0], 2))


def test_sixteen_bits_with_alpha(tmp_path, upscale, repeat):
    deep = RNG.integers(0, 65536, (15, 20, 4), np.uint16)
    pyvips.Image.new_from_array(deep).copy(interpretation="rgb16").pngsave(str(tmp_path / "deep.png"))
    for name in ("out.png", "out.tif"):
        upscale(repeat(2), tmp_path / "deep.png", tmp_path / name, tile=8)
        result = pyvips.Image.new_from_file(str(tmp_path / name)).numpy()
        assert result.dtype == np.uint16
        np.testing.assert_array_equal(result, enlarged(deep, 2))


def test_sixteen_bits_become_eight_where_the_format_holds_no_more_and_it_is_said(tmp_path, upscale, repeat):
    deep = RNG.integers(0, 65536, (20, 30), np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    result = upscale(repeat(2), tmp_path / "deep.png", tmp_path / "out.webp")
    assert "16 bits a channel become 8" in result.notes[0]
    assert result.output_size == (60, 40)
    assert np.asarray(Image.open(tmp_path / "out.webp").convert("L")).std() > 50


def test_alpha_goes_through_the_network_and_nothing_turns_black(tmp_path, upscale, blur):
    # A white disc on black pixels that nobody sees: their black must not bleed into its edge.
    y, x = np.mgrid[:40, :40] - 19.5
    inside = np.hypot(y, x) < 12
    picture = np.zeros((40, 40, 4), np.uint8)
    picture[inside] = 250, 240, 230, 255
    path = save(tmp_path, "disc.png", picture)

    class Soft(blur):
        def __call__(self, low):
            return super().__call__(low) / self.gain.max()

    network = Soft(2, 2)
    network.gain[:] = 1
    upscale(network, path, tmp_path / "out.png", tile=16)
    result = np.asarray(Image.open(tmp_path / "out.png")).astype(int)
    far = np.zeros((80, 80), bool)
    far[8:-8, 8:-8] = True  # the network's own zeros darken the border of the picture
    seen = (result[:, :, 3] > 0) & far
    assert np.abs(result[seen][:, :3] - [250, 240, 230]).max() <= 1
    alpha, opaque = result[:, :, 3], np.hypot(*(np.mgrid[:80, :80] - 39.5))
    assert (alpha[opaque < 20] == 255).all() and (alpha[opaque > 30] == 0).all()
    assert len(np.unique(alpha)) > 5  # its edge is smooth


def test_constant_alpha_is_not_computed(tmp_path, upscale, blur):
    for level in (255, 77, 0):
        picture = np.dstack([COLOUR, np.full(GREY.shape, level, np.uint8)])
        path = save(tmp_path, "flat.png", picture)
        network = blur(2, 2)
        calls = []
        network_call = type(network).__call__

        class Counting(blur):
            def __call__(self, low, calls=calls, network_call=network_call):
                calls.append(low.shape)
                return network_call(self, low)

        upscale(Counting(2, 2), path, tmp_path / "out.png")
        assert (np.asarray(Image.open(tmp_path / "out.png"))[:, :, 3] == level).all()
        assert len(calls) == 1


def test_grey_with_alpha(tmp_path, upscale, repeat):
    both = np.dstack([GREY, 255 - GREY])
    Image.fromarray(both, "LA").save(tmp_path / "la.png")
    upscale(repeat(2), tmp_path / "la.png", tmp_path / "out.png")
    result = Image.open(tmp_path / "out.png")
    assert result.mode == "LA"
    np.testing.assert_array_equal(np.asarray(result)[:, :, 1], enlarged(255 - GREY, 2))


def test_hidden_pixels_take_the_colour_of_the_nearest_visible_one():
    colour = RNG.integers(0, 256, (30, 20, 3), np.uint8)
    hidden = RNG.uniform(size=(30, 20)) < 0.9
    filled = fill_hidden(colour, hidden)
    seen = np.argwhere(~hidden)
    for place in np.argwhere(hidden):
        distance = ((seen - place) ** 2).sum(1)
        nearest = colour[tuple(seen[distance == distance.min()].T)]
        assert (filled[tuple(place)] == nearest).all(axis=1).any()
    np.testing.assert_array_equal(filled[~hidden], colour[~hidden])
    assert fill_hidden(colour, np.zeros_like(hidden)) is colour


def test_hidden_pixels_in_bands(monkeypatch):
    from gankit_srgan.upscale import planes

    colour = np.arange(64, dtype=np.uint8)[:, None, None].repeat(3, 2)
    hidden = np.ones((64, 1), bool)
    hidden[::8] = False
    expected = fill_hidden(colour, hidden)
    monkeypatch.setattr(planes, "BAND", 16)
    found = fill_hidden(colour, hidden)
    # Pixels in the middle between two may take either.
    distance = np.abs(np.arange(64) - found[:, 0, 0])
    np.testing.assert_array_equal(distance, np.abs(np.arange(64) - expected[:, 0, 0]))
    assert distance.max() == 7


def test_cmyk_is_converted(tmp_path, upscale, repeat):
    flat = np.full((20, 30, 3), (200, 60, 30), np.uint8)
    for name in ("c.jpg", "c.tif"):
        Image.fromarray(flat).convert("CMYK").save(tmp_path / name)
        result = upscale(repeat(2), tmp_path / name, tmp_path / "out.png")
        assert "CMYK is converted to sRGB" in result.notes
        out = Image.open(tmp_path / "out.png")
        red, green, blue = np.asarray(out).reshape(-1, 3).mean(0)
        assert out.mode == "RGB" and red > 150 > 100 > green > blue  # red; inverted it would be cyan


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 2), (13, 17)])
def test_small_and_odd_sizes(tmp_path, upscale, blur, size):
    rows, columns = size
    path = save(tmp_path, "small.png", RNG.integers(0, 256, (rows, columns, 4), np.uint8))
    for factor in (3.0, 2.5, 1.0):
        result = upscale(blur(3, 5), path, tmp_path / "out.png", factor, compare=True, tile=11)
        assert result.output_size == (round(columns * factor), round(rows * factor))
        assert Image.open(tmp_path / "out.png").size == result.output_size


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_flat_pictures_keep_their_colour(tmp_path, upscale, scale):
    from gankit_srgan import networks

    net = networks.compact(scale, 1, 8)  # untrained, it is bicubic interpolation

    class Bicubic:
        name, radius, cell, generative, bytes_per_pixel = "bicubic", 8, 1, False, 4000

        def __call__(self, low):
            return np.asarray(net(low, training=False))

    Bicubic.scale = scale
    flat = np.full((20, 21, 3), (255, 0, 77), np.uint8)
    for factor in (float(scale), scale - 0.3):
        upscale(Bicubic(), save(tmp_path, "flat.png", flat), tmp_path / "out.png", factor, tile=18)
        result = np.asarray(Image.open(tmp_path / "out.png")).astype(int)
        assert np.abs(result - [255, 0, 77]).max() <= 1
        assert np.abs(result.mean((0, 1)) - [255, 0, 77]).max() <= 0.5


@pytest.mark.parametrize("factor", [1.0, 1.7, 2.5, 3.9])
def test_a_factor_between_two_is_antialiased_bicubic(tmp_path, upscale, repeat, factor):
    from gankit.images.resize import imresize

    picture = RNG.integers(60, 196, (31, 40, 3), np.uint8)
    upscale(repeat(4), save(tmp_path, "r.png", picture), tmp_path / "out.png", factor, tile=24)
    result = np.asarray(Image.open(tmp_path / "out.png")).astype(int)
    expected = imresize(enlarged(picture), round(31 * factor), round(40 * factor))
    inside = (slice(6, -6), slice(6, -6))  # the two treat the border differently
    assert result.shape == expected.shape
    assert np.abs(result[inside] - expected[inside]).max() <= 2


def test_a_factor_between_two_weighs_colours_by_alpha(tmp_path, upscale, repeat):
    picture = np.zeros((30, 30, 4), np.uint8)
    picture[:, :15] = 200, 100, 50, 255
    upscale(repeat(4), save(tmp_path, "half.png", picture), tmp_path / "out.png", 2.5)
    result = np.asarray(Image.open(tmp_path / "out.png")).astype(int)
    seen = result[:, :, 3] > 8
    assert np.abs(result[seen][:, :3] - [200, 100, 50]).max() <= 2
    assert 0 < (result[:, :, 3] == 255).mean() < 0.6


def test_opaque_alpha_is_no_reason_to_refuse_a_jpeg(tmp_path, upscale, repeat):
    opaque = np.dstack([COLOUR, np.full(GREY.shape, 255, np.uint8)])
    upscale(repeat(), save(tmp_path, "o.png", opaque), tmp_path / "out.jpg", quality=100)
    assert Image.open(tmp_path / "out.jpg").mode == "RGB"
    opaque[0, 0, 3] = 254
    with pytest.raises(UsageError, match="no transparency"):
        upscale(repeat(), save(tmp_path, "o.png", opaque), tmp_path / "out.jpg")


def test_pages_but_the_first_are_left_out_and_it_is_said(tmp_path, upscale, repeat):
    pages = [Image.fromarray(COLOUR), Image.fromarray(255 - COLOUR)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    result = upscale(repeat(), tmp_path / "pages.tif", tmp_path / "out.png")
    assert "first of its 2 pages" in result.notes[0]
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out.png")), enlarged(COLOUR))


def test_what_cannot_be_read_is_one_clear_error(tmp_path):
    good = save(tmp_path, "good.jpg", np.tile(COLOUR, (20, 20, 1))).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(good[: len(good) // 2])
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    Image.fromarray(GREY.astype(np.float32)).save(tmp_path / "float.tif")
    Image.fromarray(COLOUR).save(tmp_path / "good.ppm")
    for name in ("missing.png", "text.png", "empty.png", "good.ppm", "float.tif"):
        with pytest.raises(DataError, match=name) as error:
            header(tmp_path / name)
        assert error.value.hint and "\n" not in error.value.message
    with pytest.raises(DataError, match=r"cut\.jpg"):
        read(header(tmp_path / "cut.jpg"))


def test_what_is_not_supported_is_not_called_damaged(tmp_path):
    Image.fromarray(GREY.astype(np.float32)).save(tmp_path / "float.tif")
    (tmp_path / "a.jxl").write_bytes(b"\xff\x0a\xfa\x1f")
    for name in ("float.tif", "a.jxl"):
        with pytest.raises(DataError, match=r"not supported$") as error:
            header(tmp_path / name)
        assert "convert it" in error.value.hint and "damaged" not in error.value.message + error.value.hint


@pytest.mark.parametrize("name", ["a.jp2", "a.j2k"])
def test_jpeg_2000(tmp_path, upscale, repeat, name):
    cases = {"RGB": COLOUR, "L": GREY, "RGBA": np.dstack([COLOUR, GREY]), "LA": np.dstack([GREY, 255 - GREY])}
    cases["I;16"] = RNG.integers(0, 2**16, GREY.shape, np.uint16)
    for mode, pixels in cases.items():
        Image.fromarray(pixels, mode if mode == "LA" else None).save(tmp_path / name)
        result = upscale(repeat(), tmp_path / name, tmp_path / "out.png", memory=10**6)
        with Image.open(tmp_path / "out.png") as image:
            assert (image.mode, result.notes) == (mode, ())
            np.testing.assert_array_equal(np.asarray(image), enlarged(pixels))


def test_the_profile_and_density_of_a_jpeg_2000(tmp_path, upscale, repeat):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = bytearray(save(tmp_path, "a.jp2", COLOUR).read_bytes())
    colour = data.index(b"colr") - 4
    density = struct.pack(">I4sI4sHHHHBB", 26, b"res ", 18, b"resc", 7874, 1, 11811, 1, 0, 0)  # a metre: down, across
    box = struct.pack(">I4sBBB", 15 - 4 + len(profile), b"colr", 2, 0, 0) + profile + density
    head, old = data.index(b"jp2h") - 4, int.from_bytes(data[colour : colour + 4], "big")
    struct.pack_into(">I", data, head, int.from_bytes(data[head : head + 4], "big") - old + len(box))
    (tmp_path / "a.jp2").write_bytes(data[:colour] + box + data[colour + old :])
    upscale(repeat(), tmp_path / "a.jp2", tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        assert image.info["icc_profile"] == profile
        np.testing.assert_allclose(image.info["dpi"], (300, 200), atol=0.01)
        np.testing.assert_array_equal(np.asarray(image), enlarged(COLOUR))


def test_avif(tmp_path, upscale, repeat):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    block = Image.Exif()
    block[0x10F], block[0x112] = "Camera", 6
    smooth = np.indices((9, 14)).sum(0).astype(np.uint8)[..., None] * 7 + np.array([0, 30, 60], np.uint8)
    options = {"quality": 100, "subsampling": "4:4:4", "exif": block, "icc_profile": profile}
    path = save(tmp_path, "a.avif", np.dstack([smooth, np.full((9, 14), 200, np.uint8)]), **options)
    upscale(repeat(), path, tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        found = np.asarray(image).astype(int)
        assert (image.size, image.mode) == ((36, 56), "RGBA") and image.info["icc_profile"] == profile
        assert (image.getexif()[0x10F], image.getexif()[0x112]) == ("Camera", 1)
    np.testing.assert_allclose(found[..., :3], enlarged(np.rot90(smooth, -1)), atol=3)
    np.testing.assert_array_equal(found[..., 3], 200)


def test_bits_that_pillow_leaves_out_are_said(tmp_path, upscale, repeat):
    path = save(tmp_path, "a.jp2", COLOUR)
    assert depth_and_profile(path) == (8, None)
    data = bytearray(path.read_bytes())
    data[data.index(b"\xff\x4f\xff\x51") + 42] = 11
    path.write_bytes(data)
    assert depth_and_profile(path) == (12, None)
    path = save(tmp_path, "a.avif", COLOUR)
    data = bytearray(path.read_bytes())
    for flags, bits in ((0, 8), (0x40, 10), (0x60, 12)):
        data[data.index(b"av1C") + 6] = flags
        path.write_bytes(data)
        assert depth_and_profile(path)[0] == bits


def test_lab_is_converted(tmp_path, upscale, repeat):
    # L* 50, a* 30, b* -20 under D50 is, adapted to D65 by Bradford's matrix, this sRGB.
    lab = {np.uint8: (127.5, 30, 236), np.uint16: (32_768, 30 * 256, 65_536 - 20 * 256)}
    for kind, levels in lab.items():
        pixels = np.broadcast_to(np.array(levels).round(), (8, 10, 3)).astype(kind)
        tifffile.imwrite(tmp_path / "lab.tif", pixels, photometric="cielab")
        result = upscale(repeat(), tmp_path / "lab.tif", tmp_path / "out.png", memory=10**6)
        assert result.notes == ("Lab is converted to sRGB",)
        found = pyvips.Image.new_from_file(str(tmp_path / "out.png")).numpy() / np.iinfo(kind).max
        np.testing.assert_allclose(found, np.broadcast_to(srgb_of_lab(50, 30, -20), found.shape), atol=0.006)


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_turned_lab_picture_is_upright(tmp_path, orientation):
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[0, 0] = 255, 0, 0
    extra = [(274, "H", 1, orientation, True)]
    tifffile.imwrite(tmp_path / "lab.tif", pixels, photometric="cielab", extratags=extra)
    found = read(header(tmp_path / "lab.tif")).colour
    bright = np.unravel_index(found.sum(axis=2).argmax(), found.shape[:2])
    assert (found.shape[:2], bright) == {1: ((4, 6), (0, 0)), 3: ((4, 6), (3, 5)), 6: ((6, 4), (0, 3))}[orientation]


def srgb_of_lab(lightness, a, b):
    """CIE 15:2004, Bradford's adaptation and IEC 61966-2-1, written out."""
    fy = (lightness + 16) / 116
    xyz = np.array([(fy + a / 500) ** 3, fy**3, (fy - b / 200) ** 3]) * [0.96422, 1, 0.82521]
    matrix = [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
    linear = np.array(matrix) @ xyz
    return np.where(linear > 0.0031308, 1.055 * np.abs(linear) ** (1 / 2.4) - 0.055, 12.92 * linear)


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path):
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", b""))
    with pytest.raises(DataError, match="too large: 100000 x 100000"):
        header(tmp_path / "bomb.png")


def test_values_that_are_not_finite_are_no_picture(tmp_path, upscale, repeat):
    class Broken(repeat):
        def __call__(self, low):
            return super().__call__(low) * np.float32(np.nan)

    with pytest.raises(NonFinite):
        upscale(Broken(), save(tmp_path, "a.png", COLOUR), tmp_path / "out.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png"]


def test_what_has_no_colour_gets_none():
    """A network that gives colour to everything, on a picture of which a part is neutral."""

    from gankit_srgan.upscale.pictures import Picture
    from gankit_srgan.upscale.planes import Painter

    class Tints:
        name, scale, radius, cell, generative, bytes_per_pixel = "tints", 2, 4, 1, False, 4000

        def __call__(self, low):
            return (low + np.float32([0.1, -0.1, 0.0])).repeat(2, 1).repeat(2, 2)

    colour = np.random.default_rng(0).integers(40, 200, (40, 30, 1)).astype(np.uint8).repeat(3, axis=2)
    colour[:10, :, 0] += 20
    found = Painter(Tints(), Picture(None, colour), 8)(slice(0, 40), slice(0, 30)).astype(int)
    neutral = found[2 * 13 :]
    assert (neutral == neutral[..., :1]).all()
    np.testing.assert_array_equal(neutral[..., 0], colour[13:, :, 0].repeat(2, 0).repeat(2, 1))
    assert np.ptp(found[: 2 * 13], axis=2).min() >= 30
