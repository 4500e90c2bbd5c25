"""Pages out of files: pictures, TIFFs of many frames, PDFs; one page in memory at a time."""

from __future__ import annotations

import os
import re
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from gankit import DataError, UsageError
from gankit.support import open_picture
from gankit_sketch_retrieval.marks.ink import grey

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".jp2"})
FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "TIFF", "WEBP")  # of their contents, as Pillow calls them
TIFF = frozenset({".tif", ".tiff"})
PDF = ".pdf"
DPI = 200  # at which a PDF's pages are drawn
LARGEST = 200_000_000  # pixels of a page
INSTALL = "pip install 'gankit-sketch-retrieval[pdf]'"
REFERENCE = "write page.png, page.png#x0,y0,x1,y1, scans.tif#3 or scans.tif#3/x0,y0,x1,y1"


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        document: The file, with slashes, relative to the folder that was named.
        number: From 1.
        path: Of the file.
        pixels: `[h, w]` uint8, grey.
    """

    document: str
    number: int
    path: Path
    pixels: np.ndarray


@dataclass(frozen=True)
class Region:
    """A place on a page.

    Attributes:
        path: Of the file.
        page: From 1.
        box: `x0, y0, x1, y1` in pixels, ends exclusive; None for the whole page.
    """

    path: Path
    page: int = 1
    box: tuple[int, int, int, int] | None = None


def documents(source: Path) -> list[Path]:
    """A file itself, or all files of a folder that can hold pages, with its folders', 2 before 10.

    Hidden files and folders are left out. Raises DataError if there is none.
    """
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise DataError(f"there is no file or folder {source}")
    found = []
    for folder, folders, files in os.walk(source):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(folder, name) for name in files if not name.startswith(".")]
    found = [path for path in found if path.suffix.lower() in PICTURES | {PDF}]
    if not found:
        raise DataError(f"{source} holds no pages", f"known are {', '.join(sorted(PICTURES | {PDF}))}")
    return sorted(found, key=lambda path: _natural(path.relative_to(source).as_posix()))


def named_documents(sources: Sequence[Path]) -> dict[str, Path]:
    """Name -> file, of all sources: relative to the folder that was named; two files of one name get their folders'.

    Raises:
        DataError: As of `documents`.
    """
    found: dict[str, Path] = {}
    for source in sources:
        for path in documents(source):
            name = path.relative_to(source).as_posix() if source.is_dir() else path.name
            if found.get(name, path).resolve() != path.resolve():
                name = path.as_posix()
            found[name] = path
    return found


def pages(path: Path, document: str) -> Iterator[Page]:
    """All pages of a picture, TIFF or PDF, one at a time; they get the document's name.

    Raises:
        DataError: The file cannot be read, is encrypted, ends early, or a page has more than 200 million pixels; a PDF,
            and pypdfium2 is not installed.
    """
    for number in range(1, page_count(path) + 1):
        yield Page(document, number, path, _pixels(path, number))


def page_of(path: Path, number: int) -> Page:
    """One page of a file; numbers begin at 1. Raises as `pages`, or if there is no such page."""
    if not 1 <= number <= (count := page_count(path)):
        raise DataError(f"{path} has no page {number}", f"it has {count}")
    return Page(path.name, number, path, _pixels(path, number))


def page_count(path: Path) -> int:
    """How many pages a file has. Raises as `pages`."""
    if path.suffix.lower() == PDF:
        with _pdf(path) as opened:
            return len(opened)
    with _picture(path) as picture:
        return getattr(picture, "n_frames", 1)


def region(reference: str) -> Region:
    """What a reference names: `page.png`, `page.png#x0,y0,x1,y1`, `scans.tif#3` or `scans.tif#3/x0,y0,x1,y1`.

    A file whose own name contains `#` is taken as that file if it exists.

    Raises:
        UsageError: What stands after `#` is no page or box, or the box is empty.

    Examples:
        >>> region("scans.tif#3/10,20,30,40")
        Region(path=PosixPath('scans.tif'), page=3, box=(10, 20, 30, 40))
    """
    name, mark, place = reference.rpartition("#")
    if not mark or Path(reference).exists():
        return Region(Path(reference))
    found = re.fullmatch(r"(?:(\d+)(?:/(?=\d)|$))?(?:(\d+),(\d+),(\d+),(\d+))?", place.strip())
    if not name or not place.strip() or not found or found[1] == "0":
        raise UsageError(f"{reference!r} names no place on a page", REFERENCE)
    box = tuple(int(side) for side in found.groups()[1:]) if found[2] else None
    if box and (box[2] <= box[0] or box[3] <= box[1]):
        raise UsageError(f"the box of {reference!r} is empty", "x1 and y1 are exclusive ends: x1 > x0 and y1 > y0")
    return Region(Path(name), int(found[1] or 1), box)  # type: ignore[arg-type]


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A key that sorts page2 before page10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"\d+|\D+", name.lower())]


@contextmanager
def _picture(path: Path) -> Iterator[Image.Image]:
    """An opened picture; all that can go wrong until it is closed becomes a DataError."""
    limit = Image.MAX_IMAGE_PIXELS
    # Pillow warns from the limit on, and refuses twice as much; here the limit is refused, and smaller pages are fine.
    Image.MAX_IMAGE_PIXELS = LARGEST
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            if path.suffix.lower() in TIFF:
                # Pillow just warns of a directory that ends early, and leaves out the frames after it.
                warnings.filterwarnings("error", "Corrupt EXIF data", UserWarning)
            with open_picture(path, FORMATS) as picture:
                yield picture
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{path} has a page of more than {LARGEST:,} pixels", "scale it down, or cut it up") from error
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, struct.error, UserWarning) as error:
        raise DataError(
            f"{path} cannot be read as a picture: {error}", "is it whole, and what its name says?"
        ) from error
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _pixels(path: Path, number: int) -> np.ndarray:
    """A page, `[h, w]` uint8; the file is opened for it alone, so that no limit stays changed meanwhile."""
    if path.suffix.lower() == PDF:
        with _pdf(path) as opened:
            page, scale = opened[number - 1], DPI / 72
            width, height = page.get_size()
            _checked(path, (int(width * scale), int(height * scale)))
            pixels = grey(page.render(scale=scale, grayscale=True).to_pil())
            page.close()
            return pixels
    with _picture(path) as picture:
        picture.seek(number - 1)
        _checked(path, picture.size)
        return grey(ImageOps.exif_transpose(picture))


def _checked(path: Path, size: tuple[int, int]) -> None:
    if size[0] * size[1] > LARGEST:
        raise DataError(f"{path} has a page of more than {LARGEST:,} pixels", "scale it down, or cut it up")


@contextmanager
def _pdf(path: Path) -> Iterator[Any]:
    """An opened PDF; all that can go wrong until it is closed becomes a DataError."""
    try:
        import pypdfium2
    except ImportError:
        raise DataError(f"to read {path} the package pypdfium2 is needed", INSTALL) from None
    try:
        opened = pypdfium2.PdfDocument(path)
    except (pypdfium2.PdfiumError, OSError) as error:
        locked = "password" in str(error).lower()
        what = "is encrypted" if locked else f"cannot be read as a PDF: {error}"
        raise DataError(f"{path} {what}", "save it without a password" if locked else "is it whole?") from error
    try:
        yield opened
    except pypdfium2.PdfiumError as error:
        raise DataError(f"{path} cannot be read as a PDF: {error}", "is it whole?") from error
    finally:
        opened.close()
