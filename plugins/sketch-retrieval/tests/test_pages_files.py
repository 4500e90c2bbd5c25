"""Every kind of file that holds pages, broken ones, and references to places."""

import sys

import numpy as np
import pytest
from gankit_sketch_retrieval.pages import files
from gankit_sketch_retrieval.pages.files import Region, documents, page_count, pages, region
from PIL import Image

from gankit import DataError, UsageError


def ramp(value=0, shape=(30, 40)):
    return (np.add.outer(np.arange(shape[0]), np.arange(shape[1])) * 2 + value).astype(np.uint8)


def read(path):
    return list(pages(path, path.name))


@pytest.fixture
def tiff(tmp_path):
    path = tmp_path / "scans.tif"
    frames = [Image.fromarray(ramp(20 * i)) for i in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    return path


@pytest.fixture
def pdf(tmp_path):
    pytest.importorskip("pypdfium2", reason="needs pypdfium2: pages of PDF files")
    path = tmp_path / "book.pdf"
    half = np.full((720, 360), 255, np.uint8)
    half[:360] = 0
    frames = [Image.fromarray(half), Image.fromarray(255 - half)]
    frames[0].save(path, save_all=True, append_images=frames[1:], resolution=72)
    return path


def test_frames_of_a_tiff_come_one_by_one(tiff):
    assert page_count(tiff) == 3
    found = pages(tiff, "box/scans.tif")
    first = next(found)
    assert (first.document, first.number, first.path) == ("box/scans.tif", 1, tiff)
    for i, page in enumerate([first, *found]):
        assert page.number == i + 1
        np.testing.assert_array_equal(page.pixels, ramp(20 * i))


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "CMYK", "I;16", "P", "LA"])
def test_all_modes_become_grey(tmp_path, mode):
    black = np.full((20, 30), 255, np.uint8)
    black[5:15, 5:10] = 0
    path = tmp_path / "page.tif"
    picture = Image.fromarray(black.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(black).convert(mode)
    picture.save(tmp_path / "page.png" if mode in ("P", "LA") else path)
    (page,) = read(tmp_path / "page.png" if mode in ("P", "LA") else path)
    assert page.pixels.dtype == np.uint8
    np.testing.assert_array_equal(page.pixels, black)


def test_exif_says_which_side_is_up(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(ramp()).save(tmp_path / "a.png", exif=exif)
    (page,) = read(tmp_path / "a.png")
    np.testing.assert_array_equal(page.pixels, np.rot90(ramp(), -1))


def test_a_pdf_is_drawn_at_200_dpi(pdf):
    assert page_count(pdf) == 2
    first, second = read(pdf)
    assert first.pixels.shape == (2000, 1000) and second.number == 2  # 10 x 5 inches
    assert first.pixels[:990].max() < 10 and first.pixels[1010:].min() > 245 and second.pixels[:990].min() > 245


def test_without_pypdfium2_the_hint_says_what_to_install(pdf, monkeypatch):
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(DataError, match="pypdfium2 is needed") as error:
        read(pdf)
    assert error.value.hint == "pip install 'gankit-sketch-retrieval[pdf]'"


def encrypted():
    """An empty PDF whose user password is unknown: the standard handler, revision 2, with a key that fits nothing."""
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [] /Count 0 >>",
        f"<< /Filter /Standard /V 1 /R 2 /P -4 /O <{'11' * 32}> /U <{'22' * 32}> >>",
    ]
    out, starts = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        starts.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n".encode()
    table = "xref\n0 4\n0000000000 65535 f \n" + "".join(f"{start:010d} 00000 n \n" for start in starts)
    trailer = f"trailer\n<< /Size 4 /Root 1 0 R /Encrypt 3 0 R /ID [<{'33' * 16}> <{'33' * 16}>] >>\n"
    return out + f"{table}{trailer}startxref\n{len(out)}\n%%EOF\n".encode()


def test_broken_and_encrypted_pdfs_are_refused(tmp_path, pdf):
    (tmp_path / "locked.pdf").write_bytes(encrypted())
    with pytest.raises(DataError, match="is encrypted"):
        read(tmp_path / "locked.pdf")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4\nnothing")
    for name in ("broken.pdf", "none.pdf"):
        with pytest.raises(DataError, match="cannot be read as a PDF"):
            read(tmp_path / name)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_tiff_that_ends_early_is_refused(tiff, share):
    whole = tiff.read_bytes()
    tiff.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(DataError, match="cannot be read as a picture"):
        read(tiff)


def test_no_frame_of_a_cut_tiff_is_left_out_silently(tmp_path):
    path, frames = tmp_path / "a.tif", [Image.fromarray(ramp(20 * i)) for i in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:], compression="tiff_lzw")
    whole = path.read_bytes()
    for end in range(0, len(whole), 9):
        path.write_bytes(whole[:end])
        try:
            assert len(read(path)) == 3  # all that is missing are a few bytes at the very end
        except DataError:
            continue


def test_what_is_no_picture_is_refused(tmp_path):
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(DataError, match=r"a\.png"):
        read(tmp_path / "a.png")
    Image.fromarray(ramp()).save(tmp_path / "b.jpg")
    (tmp_path / "b.jpg").write_bytes((tmp_path / "b.jpg").read_bytes()[:300])
    with pytest.raises(DataError, match=r"b\.jpg"):
        read(tmp_path / "b.jpg")


def test_huge_pages_are_refused_and_large_ones_are_not(tmp_path, monkeypatch, pdf):
    before = Image.MAX_IMAGE_PIXELS
    Image.fromarray(ramp()).save(tmp_path / "a.png")
    monkeypatch.setattr(files, "LARGEST", 1200)
    assert len(read(tmp_path / "a.png")) == 1
    monkeypatch.setattr(files, "LARGEST", 1199)
    for path in (tmp_path / "a.png", pdf):
        with pytest.raises(DataError, match="more than 1,199 pixels"):
            read(path)
    assert before == Image.MAX_IMAGE_PIXELS


def test_documents_in_natural_order(tmp_path):
    for name in ("p10.png", "p2.PNG", "b/1.tif", "notes.txt", ".hidden.png", ".git/x.png", "a.pdf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in documents(tmp_path)]
    assert found == ["a.pdf", "b/1.tif", "p2.PNG", "p10.png"]
    assert documents(tmp_path / "p10.png") == [tmp_path / "p10.png"]
    with pytest.raises(DataError, match="no file or folder"):
        documents(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no pages"):
        documents(tmp_path / "empty")


def test_references_name_places(tmp_path):
    from pathlib import Path

    assert region("a/page.png") == Region(Path("a/page.png"), 1, None)
    assert region("page.png#1,2,30,40") == Region(Path("page.png"), 1, (1, 2, 30, 40))
    assert region("s.tif#3") == Region(Path("s.tif"), 3, None)
    assert region("s.tif#12/1,2,30,40") == Region(Path("s.tif"), 12, (1, 2, 30, 40))
    assert region("a#b.tif#12") == Region(Path("a#b.tif"), 12, None)
    odd = tmp_path / "page#2"
    odd.touch()
    assert region(str(odd)) == Region(odd, 1, None)


@pytest.mark.parametrize(
    "reference", ["a.png#", "a.png#x", "a.png#1,2,3", "a.png#0", "a.png#3/", "a.png#5,5,5,9", "#3"]
)
def test_bad_references_are_refused(reference):
    with pytest.raises(UsageError, match=r"names no place|is empty"):
        region(reference)
