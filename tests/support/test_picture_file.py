"""Pictures that are programs, or that ask for gigabytes."""

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from growth import growth
from PIL import Image

from gankit.errors import DataError
from gankit.images import image_size, list_images, read_image
from gankit.support import open_picture
from gankit.support.limits import PICTURE_FORMATS

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n0 0 64 64 rectfill\nshowpage\n%%EOF\n"


def greedy(tags, size):
    """A block of EXIF of `size` bytes whose tags all mean the same bytes, nearly all of it."""
    at = 8 + 2 + 12 * tags + 4
    entries = b"".join(struct.pack("<HHII", 0x8A00 + i, 7, size - at, at) for i in range(tags))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", tags) + entries + bytes(4) + bytes(size - at)


def greedy_tiff(tags, size):
    """A TIFF file of one pixel, whose other tags all mean the same bytes."""
    count = tags + 8
    at = 8 + 2 + 12 * count + 4
    own = [(256, 1), (257, 1), (258, 8), (259, 1), (262, 1), (273, at), (278, 1), (279, 1)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in own)
    entries += b"".join(struct.pack("<HHII", 0xC000 + i, 7, size - at, at) for i in range(tags))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", count) + entries + bytes(4) + bytes(size - at)


def segmented(block):
    """A JPEG file with a block of EXIF in many segments, which Pillow puts together."""
    plain = io.BytesIO()
    Image.new("L", (4, 4)).save(plain, "JPEG")
    pieces = [b"Exif\0\0" + block[start : start + 65_000] for start in range(0, len(block), 65_000)]
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(piece) + 2) + piece for piece in pieces)
    return plain.getvalue()[:2] + segments + plain.getvalue()[2:]


def test_postscript_never_reaches_ghostscript(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    for name in ("gs", "gswin64c"):
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\ntouch {tmp_path}/executed\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "a.png").write_bytes(EPS)
    for read in (read_image, image_size, open_picture):
        with pytest.raises(DataError, match=r"a\.png: PostScript is not supported") as caught:
            read(tmp_path / "a.png")
        assert "PNG" in caught.value.hint
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("form", ["PPM", "TGA", "ICO", "PCX", "PDF"])
def test_the_content_decides(tmp_path, form):
    Image.new("RGB", (16, 16), "red").save(tmp_path / "a.png", form)
    with pytest.raises(DataError, match=f"not a picture of a known format|{form} is not supported"):
        read_image(tmp_path / "a.png")
    Image.new("RGB", (16, 16), "red").save(tmp_path / "b.ppm", "PNG")
    assert read_image(tmp_path / "b.ppm").shape == (16, 16, 3)


def test_nothing_else_opens_pictures():
    found = []
    for folder in ("gankit", "plugins"):
        for path in (Path(__file__).parents[2] / folder).rglob("*.py"):
            if "tests" not in path.parts and "Image.open(" in path.read_text("utf-8"):
                found.append(path.name)
    assert found == ["picture_file.py"]
    assert not {"EPS", "PDF", "WMF", "PSD"} & set(PICTURE_FORMATS)


@pytest.mark.parametrize("name", ["tiff", "exif.tif", "one.jpg", "many.jpg", "exif.png", "exif.webp"])
def test_tags_that_ask_for_gigabytes_cost_nothing(tmp_path, name):
    path = tmp_path / name
    block, picture = greedy(30_000, 1_000_000), Image.new("L", (4, 4))
    if name == "tiff":
        path.write_bytes(greedy_tiff(2_000, 1_000_000))
    elif name == "exif.tif":  # asks for 20 GB in a directory of its own
        block = bytearray(block)
        head = greedy_tiff(0, 1000)
        entries = struct.unpack_from("<H", head, 8)[0]
        pointer = struct.pack("<HHII", 0x8769, 4, 1, len(head) + 8)
        at = 10 + 12 * entries
        moved = bytearray(head[:at] + pointer + head[at + 12 :])
        struct.pack_into("<H", moved, 8, entries + 1)
        for i in range(30_000):
            struct.pack_into("<I", block, 10 + 12 * i + 8, len(head) + 8 + 2 + 12 * 30_000)
            struct.pack_into("<I", block, 10 + 12 * i + 4, 600_000)
        path.write_bytes(bytes(moved) + bytes(block))
    elif name == "one.jpg":
        picture.save(path, exif=b"Exif\0\0" + greedy(2_500, 65_000))
    elif name == "many.jpg":
        path.write_bytes(segmented(block))
    else:
        picture.save(path, exif=b"Exif\0\0" + block)
    assert path.stat().st_size < 2_000_000
    before = "from gankit.images import read_image; import PIL.Image; PIL.Image.init()"
    took = growth(path, before, "assert read_image(path).shape[2] == 3")
    assert not took.said and took.mb < 50 and took.seconds < 3, took  # 0.6 s where nothing else is going on


@pytest.mark.parametrize(
    "content, kind",
    [
        (b"\xff\x0a\xfa\x1f", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\0\0\0\x18ftypheic\0\0\0\0heicmif1", "HEIC"),
        (b"8BPS\0\1", "Photoshop"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    ],
)
def test_what_is_not_supported_is_not_called_damaged(tmp_path, content, kind):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"a\.png: {kind} is not supported$") as caught:
        open_picture(path)
    assert caught.value.hint == "convert it to PNG first"


@pytest.mark.parametrize("mode, kind", [("F", "of floating point"), ("I", "of 32 bits"), ("LAB", "in Lab")])
def test_pixels_that_are_not_supported_are_not_called_damaged(tmp_path, mode, kind):
    Image.new(mode, (4, 4)).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match=rf"a\.tif: pixels {kind} are not supported$") as caught:
        read_image(tmp_path / "a.tif")
    assert caught.value.hint == "convert it to 8 or 16 bits of RGB or grey"


@pytest.mark.parametrize("name", ["a.avif", "a.jp2", "a.j2k"])
def test_avif_and_jpeg_2000(tmp_path, name):
    pixels = np.arange(0, 192, dtype=np.uint8).reshape(8, 8, 3) + 30
    options = {"quality": 100, "subsampling": "4:4:4"} if name == "a.avif" else {}
    Image.fromarray(pixels).save(tmp_path / name, **options)
    assert list_images(tmp_path) == [tmp_path / name] and image_size(tmp_path / name) == (8, 8)
    np.testing.assert_allclose(read_image(tmp_path / name).astype(int), pixels, atol=3 if "avif" in name else 0)


def test_a_small_jpeg_2000_does_not_cost_gigabytes(tmp_path):
    path = tmp_path / "a.jp2"
    Image.new("RGB", (40, 40)).save(path)
    data = bytearray(path.read_bytes())
    stream, head = data.find(b"\xff\x4f\xff\x51"), data.find(b"ihdr")
    struct.pack_into(">II", data, stream + 8, 20_000, 20_000)  # only the pixels claim to be many
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"cannot read .*a\.jp2"):
        read_image(path)
    struct.pack_into(">II", data, head + 4, 14_000, 14_000)
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"too large: 14000 x 14000 pixels$"):
        read_image(path)
