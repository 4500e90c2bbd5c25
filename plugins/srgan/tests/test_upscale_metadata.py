"""Profile, EXIF, XMP: kept, and true for the enlarged picture."""

import struct
from xml.etree import ElementTree

import numpy as np
import pytest
import pyvips
import tifffile
from gankit_srgan.upscale import exif, pictures, xmp
from growth import growth
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from gankit.errors import DataError

COLOUR = np.random.default_rng(0).integers(0, 256, (30, 44, 3), np.uint8)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
MARKS = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
OLD = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="uuid:7"
xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xap="http://ns.adobe.com/xap/1.0/"
xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
xap:CreatorTool="Darkroom 3" tiff:Orientation="6" tiff:ImageWidth="44"
ext:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture">
<dc:creator><rdf:Seq><rdf:li>Jürgen &amp; Söhne</rdf:li></rdf:Seq></dc:creator>
<xap:Thumbnails><rdf:Alt><rdf:li>AAAA</rdf:li></rdf:Alt></xap:Thumbnails>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()


def camera(order="<", orientation=6):
    """A block as a camera of either byte order writes it, with a thumbnail in IFD 1."""

    def entry(tag, kind, content, at):
        size = {2: 1, 3: 2, 4: 4, 5: 8, 7: 1}[kind]
        inline = content.ljust(4, b"\0") if len(content) <= 4 else struct.pack(order + "I", at)
        return struct.pack(order + "HHI", tag, kind, len(content) // size) + inline, content if len(
            content
        ) > 4 else b""

    def directory(entries, at, following=0):
        head, body = struct.pack(order + "H", len(entries)), b""
        values = at + 2 + 12 * len(entries) + 4
        for tag, kind, content in entries:
            fixed, rest = entry(tag, kind, content, values + len(body))
            head, body = head + fixed, body + rest + bytes(len(rest) % 2)
        return head + struct.pack(order + "I", following) + body

    short, long = (lambda n: struct.pack(order + "H", n)), (lambda n: struct.pack(order + "I", n))
    rational = lambda *n: struct.pack(order + f"{len(n)}I", *n)  # noqa: E731
    photo = [
        (0x829A, 5, rational(1, 250)),
        (0x9003, 2, b"2020:05:06 07:08:09\0"),
        (0x927C, 7, b"MAKER\0\1\2\3"),
        (0xA002, 4, long(44)),
        (0xA003, 3, short(30)),
    ]
    gps = [(1, 2, b"N\0"), (2, 5, rational(48, 1, 8, 1, 1250, 100))]
    image = [
        (0x10F, 2, b"J\xfcrgens Kamera\0"),
        (0x112, 3, short(orientation)),
        (0x8298, 2, b"(c) me\0"),
        (0x8769, 4, long(0)),
        (0x8825, 4, long(0)),
    ]
    at_photo = 8 + len(directory(image, 8))
    at_gps = at_photo + len(directory(photo, at_photo))
    at_thumbnail = at_gps + len(directory(gps, at_gps))
    image[3], image[4] = (0x8769, 4, long(at_photo)), (0x8825, 4, long(at_gps))
    thumbnail = directory([(0x201, 4, long(0)), (0x202, 4, long(0))], at_thumbnail)
    block = directory(image, 8, at_thumbnail) + directory(photo, at_photo) + directory(gps, at_gps) + thumbnail
    return b"Exif\0\0" + {"<": b"II*\0", ">": b"MM\0*"}[order] + long(8) + block


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.jpg"
    Image.fromarray(COLOUR).save(path, exif=camera(">"), icc_profile=PROFILE, xmp=OLD, dpi=(300, 300), quality=95)
    return path


def marks(path):
    """The packet of a file, as elements by their names."""
    packet = pyvips.Image.new_from_file(str(path)).get("xmp-data")
    return ElementTree.fromstring(packet.strip(b"\0"))


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_of_either_byte_order(order):
    found = exif.parse(camera(order))
    assert found.image[0x10F] == (2, b"J\xfcrgens Kamera\0")
    assert found.image[0x112] == (3, b"\6\0")
    assert found.photo[0x829A] == (5, struct.pack("<2I", 1, 250))
    assert found.gps[2][1] == struct.pack("<6I", 48, 1, 8, 1, 1250, 100)
    again = exif.parse(found.to_bytes())
    assert again == found  # and so without the thumbnail and without the pointers
    assert 0x8769 not in found.image and 0x201 not in found.image
    true = found.corrected(100, 70_000)
    assert true.image[0x112] == (3, b"\1\0")
    assert (true.photo[0xA002], true.photo[0xA003]) == ((4, struct.pack("<I", 100)), (4, struct.pack("<I", 70_000)))
    assert 0x100 not in true.image  # nothing is said that was not said before
    assert found.image[0x112] == (3, b"\6\0")


@pytest.mark.parametrize("cut", [3, 10, 40, 90, 150, 200])
def test_damaged_exif_is_an_error_of_its_own(cut):
    with pytest.raises(ValueError):
        exif.parse(camera()[:cut])


@pytest.mark.parametrize("kind", ["png", "tif", "webp"])
def test_orientation_is_applied_and_reset(tmp_path, upscale, repeat, kind):
    for orientation in range(1, 9):
        block = Image.Exif()
        block[0x112] = orientation
        path = tmp_path / f"o.{kind}"
        Image.fromarray(COLOUR).save(path, exif=block, **({"lossless": True} if kind == "webp" else {}))
        upright = np.asarray(ImageOps.exif_transpose(Image.open(path)))
        for name in ("out.png", "out.tif"):
            upscale(repeat(2), path, tmp_path / name)
            result = Image.open(tmp_path / name)
            np.testing.assert_array_equal(np.asarray(result), upright.repeat(2, 0).repeat(2, 1))
            assert result.getexif().get(0x112, 1) == 1


@pytest.mark.parametrize("name", ["out.jpg", "out.png", "out.webp", "out.tif"])
def test_profile_and_exif_are_kept_in_every_format(upscale, repeat, photo, name):
    target = photo.with_name(name)
    result = upscale(repeat(2), photo, target, memory=10**6)  # the peak is that of all tests before
    assert result.output_size == (60, 88) and not result.notes
    image = Image.open(target)
    assert image.info["icc_profile"] == PROFILE
    found = exif.of_tiff(target) if name == "out.tif" else exif.parse(image.info["exif"])
    assert found.image[0x10F] == (2, b"J\xfcrgens Kamera\0") and found.image[0x8298] == (2, b"(c) me\0")
    assert found.photo[0x829A] == (5, struct.pack("<2I", 1, 250))
    assert found.photo[0x9003] == (2, b"2020:05:06 07:08:09\0")
    assert found.photo[0x927C] == (7, b"MAKER\0\1\2\3")
    assert found.gps[2][1] == struct.pack("<6I", 48, 1, 8, 1, 1250, 100)
    assert [int.from_bytes(found.photo[tag][1], "little") for tag in (0xA002, 0xA003)] == [60, 88]
    assert image.getexif().get(0x112, 1) == 1
    assert Image.open(target).getexif().get_ifd(0x8769)[0x9003] == "2020:05:06 07:08:09"
    if name != "out.webp":
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_exif_of_a_tiff_reaches_other_formats_and_its_pixels_stay(tmp_path, upscale, repeat, photo):
    upscale(repeat(2), photo, tmp_path / "first.tif")
    upscale(repeat(2), tmp_path / "first.tif", tmp_path / "second.png", factor=2.0)
    found = exif.parse(Image.open(tmp_path / "second.png").info["exif"])
    assert found.image[0x10F] == (2, b"J\xfcrgens Kamera\0") and found.gps
    assert 0x111 not in found.image and 0x117 not in found.image
    assert int.from_bytes((tmp_path / "first.tif").read_bytes()[4:8], "little") % 2 == 0  # where a directory may begin
    first = tifffile.imread(tmp_path / "first.tif")
    second = np.asarray(Image.open(tmp_path / "second.png"))
    np.testing.assert_array_equal(second, first.repeat(2, 0).repeat(2, 1))


def test_exif_in_a_big_tiff(tmp_path):
    image = pyvips.Image.new_from_array(COLOUR).copy(interpretation="srgb")
    image.tiffsave(str(tmp_path / "big.tif"), bigtiff=True, compression="deflate")
    exif.add_to_tiff(tmp_path / "big.tif", exif.parse(camera(orientation=1)))
    data = (tmp_path / "big.tif").read_bytes()
    assert data[2] == 43 and int.from_bytes(data[8:16], "little") % 2 == 0
    found = exif.of_tiff(tmp_path / "big.tif")
    assert found.photo[0x9003] == (2, b"2020:05:06 07:08:09\0") and found.gps
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "big.tif"), COLOUR)
    assert Image.open(tmp_path / "big.tif").getexif().get_ifd(0x8769)[0x9003] == "2020:05:06 07:08:09"


@pytest.mark.parametrize("name", ["out.jpg", "out.png", "out.webp", "out.tif"])
def test_the_mark_is_there_and_old_xmp_with_it(upscale, repeat, photo, name):
    upscale(repeat(2), photo, photo.with_name(name))
    tree = marks(photo.with_name(name))
    (mark,) = tree.iter(MARKS)
    assert mark.text == "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    text = ElementTree.tostring(tree, "unicode")
    assert "Jürgen &amp; Söhne" in text and "Darkroom 3" in text  # the first tool stays the first tool
    assert not list(tree.iter("{http://ns.adobe.com/xap/1.0/}CreatorTool"))  # it is an attribute, once
    assert "digitalCapture" not in text and "AAAA" not in text
    assert "model repeat" in "".join(x.text for x in tree.iter() if x.tag.endswith("softwareAgent"))
    assert [x.text for x in tree.iter("{http://ns.adobe.com/tiff/1.0/}Orientation")] == ["1"]
    assert [x.text for x in tree.iter("{http://ns.adobe.com/tiff/1.0/}ImageWidth")] == ["60"]
    abouts = {x.get("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about") for x in tree[0]}
    assert abouts == {"uuid:7"}  # one packet, one resource


def test_png_carries_xmp_as_the_standard_wants_it(tmp_path, upscale, repeat, photo):
    upscale(repeat(2), photo, tmp_path / "out.png")
    data = (tmp_path / "out.png").read_bytes()
    at = data.index(b"iTXt") + 4
    length = int.from_bytes(data[at - 8 : at - 4])
    assert at == 33 + 8  # behind the header, before the pixels
    assert data[at : at + 22] == b"XML:com.adobe.xmp\0\0\0\0\0"
    packet = Image.open(tmp_path / "out.png").info["XML:com.adobe.xmp"]
    assert packet.encode() == data[at + 22 : at + length] and "TrainedAlgorithmicMedia" in packet
    assert marks(tmp_path / "out.png") is not None  # by libvips, too


@pytest.mark.parametrize("kind", ["png", "jpg", "webp"])
def test_no_exif_is_made_up(tmp_path, upscale, repeat, kind):
    Image.fromarray(COLOUR).save(tmp_path / "plain.png")
    upscale(repeat(2), tmp_path / "plain.png", tmp_path / f"out.{kind}")
    result = Image.open(tmp_path / f"out.{kind}")
    assert not result.getexif() and "xmp" in result.info


@pytest.mark.parametrize("unit, written, dpi", [(1, (300, 150), (300, 150)), (2, (118, 79), (299.72, 200.66))])
def test_density_of_a_jpeg_without_exif_is_kept(tmp_path, upscale, repeat, unit, written, dpi):
    path = tmp_path / "scan.jpg"
    Image.fromarray(COLOUR).save(path, dpi=(300, 300))
    data = bytearray(path.read_bytes())
    struct.pack_into(">BHH", data, 13, unit, *written)
    path.write_bytes(data)
    for name in ("out.jpg", "out.png", "out.tif", "out.webp"):
        upscale(repeat(2), path, tmp_path / name)
        with Image.open(tmp_path / name) as image:
            if name == "out.jpg":
                assert (image.info["jfif_unit"], image.info["jfif_density"]) == (unit, written)
                assert not image.getexif()
            found = image.info["dpi"] if name != "out.webp" else [image.getexif()[tag] for tag in (0x11A, 0x11B)]
            per_inch = 2.54 if name == "out.webp" and image.getexif()[0x128] == 3 else 1
        np.testing.assert_allclose(np.array(found, float) * per_inch, dpi, atol=0.02 if name != "out.jpg" else 1)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_no_density_is_made_up_in_a_jpeg(tmp_path, upscale, repeat, name):
    Image.fromarray(COLOUR).save(tmp_path / name)
    upscale(repeat(2), tmp_path / name, tmp_path / "out.jpg")
    assert not {"dpi", "jfif_density"} & set(Image.open(tmp_path / "out.jpg").info)


@pytest.mark.parametrize("comment", [b"scan of plate 7", "Löwe \u2192 7".encode(), b"L\xf6we"])
def test_a_comment_is_kept(tmp_path, upscale, repeat, comment):
    path = tmp_path / "scan.jpg"
    Image.fromarray(COLOUR).save(path, comment=comment)
    for name in ("out.jpg", "out.png", "out.tif", "out.webp"):
        assert not upscale(repeat(2), path, tmp_path / name, memory=10**6).notes
        with Image.open(tmp_path / name) as image:
            image.load()
            if name == "out.jpg":
                assert image.info["comment"] == comment
            elif name == "out.png":
                text = image.info["Comment"]
                assert text.encode("utf-8" if comment != b"L\xf6we" else "latin-1") == comment
            else:
                found = exif.of_tiff(tmp_path / name) if name == "out.tif" else exif.parse(image.info["exif"])
                assert found.image[0x10E] == (2, comment + b"\0")
    upscale(repeat(2), tmp_path / "out.png", tmp_path / "again.jpg")
    expected = "Löwe".encode() if comment == b"L\xf6we" else comment
    assert Image.open(tmp_path / "again.jpg").info["comment"] == expected


def test_long_comments_and_those_in_pieces(tmp_path, upscale, repeat):
    path = tmp_path / "scan.jpg"
    Image.fromarray(COLOUR).save(path, comment=b"b")
    data = path.read_bytes()
    long = b"a" * 65_533
    path.write_bytes(data[:2] + b"\xff\xfe\xff\xff" + long + data[2:])
    upscale(repeat(2), path, tmp_path / "out.jpg")
    found = [text for kind, text in Image.open(tmp_path / "out.jpg").applist if kind == "COM"]
    assert b"".join(found) == long + b"\nb"


def test_without_provenance_there_is_no_mark(tmp_path, upscale, repeat, photo):
    upscale(repeat(2), photo, tmp_path / "out.png", provenance=False)
    text = ElementTree.tostring(marks(tmp_path / "out.png"), "unicode")
    assert "TrainedAlgorithmicMedia" not in text and "gankit" not in text
    assert "Darkroom 3" in text and "digitalCapture" in text  # what was there stays
    Image.fromarray(COLOUR).save(tmp_path / "plain.png")
    upscale(repeat(2), tmp_path / "plain.png", tmp_path / "out.png", provenance=False)
    assert not pyvips.Image.new_from_file(str(tmp_path / "out.png")).get_typeof("xmp-data")
    assert b"gankit" not in (tmp_path / "out.png").read_bytes()


def test_a_network_that_only_corrects_says_so(tmp_path, upscale, repeat):
    class Corrects(repeat):
        generative = False

    Image.fromarray(COLOUR).save(tmp_path / "plain.png")
    upscale(Corrects(2), tmp_path / "plain.png", tmp_path / "out.png")
    (mark,) = marks(tmp_path / "out.png").iter(MARKS)
    assert mark.text == "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"
    tools = [x.text for x in marks(tmp_path / "out.png").iter("{http://ns.adobe.com/xap/1.0/}CreatorTool")]
    assert len(tools) == 1 and tools[0].startswith("gankit ")


def test_a_second_enlargement_adds_to_the_history():
    once = xmp.rewritten(OLD, 1, 2, xmp.Mark("a<b", "4", True))
    twice = ElementTree.fromstring(xmp.rewritten(once, 3, 4, xmp.Mark("c", "2", False)))
    agents = [x.text for x in twice.iter() if x.tag.endswith("softwareAgent")]
    assert [agent.split("model ")[1] for agent in agents] == ["a<b)", "c)"]
    assert len(list(twice.iter(MARKS))) == 1


def test_rdf_under_another_prefix():
    packet = OLD.replace(b"rdf:", b"r:").replace(b"xmlns:rdf", b"xmlns:r")
    tree = ElementTree.fromstring(xmp.rewritten(packet, 1, 2, xmp.Mark("m", "4", True)))
    assert len(list(tree.iter(MARKS))) == 1


@pytest.mark.parametrize(
    "packet",
    [
        b"<x:xmpmeta",
        b"plain text",
        b'<!DOCTYPE a [<!ENTITY b "cc">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&b;</x:xmpmeta>',
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>',
        OLD.replace(b"AAAA", b"<a>" * 5000 + b"</a>" * 5000).replace(b"Thumbnails", b"Nested"),
    ],
)
def test_damaged_xmp_is_left_out_and_said(tmp_path, upscale, repeat, packet):
    image = pyvips.Image.new_from_array(COLOUR).copy(interpretation="srgb")
    image.set_type(pyvips.GValue.blob_type, "xmp-data", packet)
    image.write_to_file(str(tmp_path / "bad.png"))
    result = upscale(repeat(2), tmp_path / "bad.png", tmp_path / "out.png")
    assert any("XMP is left out" in note for note in result.notes)
    assert len(list(marks(tmp_path / "out.png").iter(MARKS))) == 1


def test_what_is_too_long_for_a_jpeg_is_said(tmp_path, upscale, repeat):
    long = OLD.replace(b"AAAA", b"").replace(b"Darkroom 3", b"x" * 70_000)
    block = exif.parse(camera())
    block.photo[0x927C] = (7, bytes(66_000))
    texts = PngImagePlugin.PngInfo()
    texts.add_itxt("XML:com.adobe.xmp", long.decode())
    Image.fromarray(COLOUR).save(tmp_path / "long.png", exif=block.to_bytes(), pnginfo=texts)
    result = upscale(repeat(2), tmp_path / "long.png", tmp_path / "out.jpg")
    assert any("maker's note" in note for note in result.notes)
    assert any("XMP is left out: JPEG holds 64 KB" in note for note in result.notes)
    assert len(list(marks(tmp_path / "out.jpg").iter(MARKS))) == 1  # the mark is there all the same
    assert Image.open(tmp_path / "out.jpg").getexif().get_ifd(0x8769)[0x9003] == "2020:05:06 07:08:09"
    assert not upscale(repeat(2), tmp_path / "long.png", tmp_path / "out.tif").notes
    assert len(exif.of_tiff(tmp_path / "out.tif").photo[0x927C][1]) == 66_000
    block.photo[0x9286] = (7, bytes(66_000))
    Image.fromarray(COLOUR).save(tmp_path / "long.png", exif=block.to_bytes())
    result = upscale(repeat(2), tmp_path / "long.png", tmp_path / "out.png")
    assert any("its EXIF is left out" in note for note in result.notes)


def test_iptc_block_of_a_jpeg_is_kept(tmp_path, upscale, repeat):
    iim = b"\x1c\x02\x78\x00\x07Caption"
    block = b"Photoshop 3.0\x008BIM\x04\x04\x00\x00" + struct.pack(">I", len(iim)) + iim
    image = pyvips.Image.new_from_array(COLOUR).copy(interpretation="srgb")
    image.set_type(pyvips.GValue.blob_type, "iptc-data", block)
    image.write_to_file(str(tmp_path / "captioned.jpg"))
    upscale(repeat(2), tmp_path / "captioned.jpg", tmp_path / "out.jpg")
    from PIL import IptcImagePlugin

    assert IptcImagePlugin.getiptcinfo(Image.open(tmp_path / "out.jpg"))[(2, 120)] == b"Caption"


def greedy(tags, size):
    """A block of EXIF of `size` bytes whose tags all mean the same bytes, nearly all of it."""
    at = 8 + 2 + 12 * tags + 4
    entries = b"".join(struct.pack("<HHII", 0x8A00 + i, 7, size - at, at) for i in range(tags))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", tags) + entries + bytes(4) + bytes(size - at)


def test_tags_that_ask_for_gigabytes_cost_nothing(tmp_path):
    block = greedy(30_000, 1_000_000)
    with pytest.raises(ValueError, match="more bytes than the file"):
        exif.parse(block)
    (tmp_path / "a.tif").write_bytes(block)
    Image.new("L", (4, 4)).save(tmp_path / "b.png", exif=b"Exif\0\0" + block)
    before = "from gankit_srgan.upscale import pictures, vips; vips.vips()"
    code = "print(pictures.read(pictures.header(path)).notes)"
    refused = growth(tmp_path / "a.tif", before, code)
    assert "its tags ask for more bytes than it has" in refused.said
    read = growth(tmp_path / "b.png", before, code)
    assert not read.said
    for took in (refused, read):
        assert took.mb < 100 and took.seconds < 1, took


def test_tags_of_a_later_page_that_ask_for_gigabytes(tmp_path):
    path = tmp_path / "a.tif"
    Image.new("L", (4, 4)).save(path)
    data = bytearray(path.read_bytes())
    start = int.from_bytes(data[4:8], "little")
    following = start + 2 + 12 * int.from_bytes(data[start : start + 2], "little")
    struct.pack_into("<I", data, following, len(data))
    path.write_bytes(data + struct.pack("<HHHII", 1, 0x102, 3, 1 << 20, 0) + bytes(4))
    with pytest.raises(DataError, match="its tags ask for more bytes"):
        pictures.header(path)
    struct.pack_into("<I", data, following, start)  # a circle
    path.write_bytes(data)
    assert not exif.overlaps(path)


def test_a_pointer_beyond_every_file_is_damage():
    # The pointer to the EXIF directory is nine numbers long, hence larger than any place.
    block = b"MM\0*\0\0\0\x08\0\1" + struct.pack(">HHII", 0x8769, 4, 9, 26) + bytes(4) + b"\xff" * 40
    with pytest.raises(ValueError, match="damaged EXIF"):
        exif.parse(block)


@pytest.mark.parametrize(
    "content", [b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7\n"]
)
def test_only_pictures_of_the_formats_that_are_meant_are_read(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError, match="is not supported"):
        pictures.header(tmp_path / "a.png")
    heif = tmp_path / "b.png"
    heif.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0heicmif1")
    with pytest.raises(DataError, match="is not supported"):
        pictures.header(heif)
