"""EXIF as bytes: read from any file, corrected for the enlarged picture, and added to TIFF files.

An EXIF block is a small TIFF file: directories (IFDs) of tagged values. Values are kept as the bytes that they were
(of text nobody knows the encoding), only their byte order becomes little-endian. The thumbnail (IFD 1) shows the
picture before, so that it is left out.
(CIPA DC-008 "Exif 2.32", section 4.6; TIFF 6.0, section 2; BigTIFF as libtiff defines it.)
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

Directory = dict[int, tuple[int, bytes]]
"""Tag -> (type of the values, the values, little-endian)."""

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # beginnings of a file; the last two are BigTIFF
RATIONALS = (5, 10)  # two numbers of four bytes each
SHORT, LONG, LONG8 = 3, 4, 16
WIDTH, HEIGHT, ORIENTATION, EXIF, GPS, INTEROP = 0x100, 0x101, 0x112, 0x8769, 0x8825, 0xA005
PIXEL_WIDTH, PIXEL_HEIGHT = 0xA002, 0xA003
# What describes the photograph rather than the file: ImageDescription, Make, Model, Software, DateTime, Artist,
# HostComputer, Rating, RatingPercent, Copyright, and XPTitle to XPSubject.
DESCRIPTIVE = {0x10E, 0x10F, 0x110, 0x131, 0x132, 0x13B, 0x13C, 0x4746, 0x4749, 0x8298, *range(0x9C9B, 0x9CA0)}
# Where the pixels lie, and blocks that are carried by themselves: strips, JPEG streams, SubIFDs, XMP, IPTC, Photoshop
# and ICC blocks.
STRUCTURAL = {0x111, 0x117, 0x144, 0x145, 0x14A, 0x201, 0x202, 0x2BC, 0x83BB, 0x8649, 0x8773}

# What pages of one file must have in common: besides these, BitsPerSample, PhotometricInterpretation, SamplesPerPixel,
# ExtraSamples, SampleFormat and the ICC profile.
KIND = {WIDTH, HEIGHT, 0x102, 0x106, ORIENTATION, 0x115, 0x152, 0x153, 0x8773}


@dataclass
class Exif:
    """The directories of an EXIF block, without pointers to each other.

    Attributes:
        image: IFD 0, which describes the picture.
        photo: The EXIF IFD: exposure, lens, dates.
        gps: Where it was taken.
        interop: The interoperability IFD.
    """

    image: Directory = field(default_factory=dict)
    photo: Directory = field(default_factory=dict)
    gps: Directory = field(default_factory=dict)
    interop: Directory = field(default_factory=dict)

    def corrected(self, width: int, height: int) -> Exif:
        """The same for an upright picture of another size.

        Args:
            width: Pixels.
            height: Pixels.
        """
        image, photo = dict(self.image), dict(self.photo)
        image[ORIENTATION] = (SHORT, struct.pack("<H", 1))
        for directory, tags in ((image, (WIDTH, HEIGHT)), (photo, (PIXEL_WIDTH, PIXEL_HEIGHT))):
            for tag, value in zip(tags, (width, height), strict=True):
                if tag in directory:
                    directory[tag] = (LONG, struct.pack("<I", value))
        return Exif(image, photo, dict(self.gps), dict(self.interop))

    def to_bytes(self) -> bytes:
        """The block as JPEG, PNG and WebP carry it."""
        out = bytearray(b"II*\0\0\0\0\0")
        start = self._append(out, dict(self.image), big=False)
        struct.pack_into("<I", out, 4, start)
        return b"Exif\0\0" + bytes(out)

    def _append(self, out: bytearray, image: Directory, big: bool, base: int = 0, following: int = 0) -> int:
        """Writes the directories behind `out`, which lies at `base` of its file; returns where `image` begins."""
        photo = dict(self.photo)
        if self.interop:
            photo[INTEROP] = _pointer(_write(out, self.interop, big, base), big)
        if photo:
            image[EXIF] = _pointer(_write(out, photo, big, base), big)
        if self.gps:
            image[GPS] = _pointer(_write(out, self.gps, big, base), big)
        return _write(out, image, big, base, following)


def parse(data: bytes | mmap.mmap, page: int = 0) -> Exif:
    """Reads an EXIF block, or a page's tags of a TIFF file.

    Args:
        data: With or without the six bytes `Exif` in front.
        page: From 0.

    Raises:
        ValueError: It is damaged.
    """
    if data[:6] == b"Exif\0\0":
        data = data[6:]
    try:
        order, big, start = _head(data)
        for _ in range(page):
            start = _following(data, start, order, big)
        room = [len(data)]
        image = _read(data, start, order, big, room)
        photo = _follow(data, image, EXIF, order, big, room)
        gps = _follow(data, image, GPS, order, big, room)
        interop = _follow(data, photo, INTEROP, order, big, room)
    except (struct.error, IndexError, KeyError, OverflowError) as error:
        raise ValueError(f"damaged EXIF: {error}") from error
    image = {tag: value for tag, value in image.items() if tag not in STRUCTURAL}
    return Exif(image, photo, gps, interop)


def of_tiff(path: Path, page: int = 0) -> Exif:
    """What a TIFF file's tags say about the photograph.

    Args:
        path: The file.
        page: From 0.

    Raises:
        ValueError: They are damaged.
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = parse(data, page)
    found.image = {tag: value for tag, value in found.image.items() if tag in DESCRIPTIVE}
    return found


def pages_are_alike(path: Path, pages: int) -> bool:
    """Whether all pages of a TIFF file have the size, the kind of pixels and the profile of the first one.

    Args:
        path: The file.
        pages: How many there are.
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            order, big, start = _head(data)
            first = None
            for _ in range(pages):
                found = {
                    tag: data[at : at + size] for tag, _, size, at in _entries(data, start, order, big) if tag in KIND
                }
                if found != (first := first or found):
                    return False
                start = _following(data, start, order, big)
        except (struct.error, OverflowError, KeyError):
            return False
    return True


def overlaps(path: Path) -> bool:
    """Whether tags of a page of a TIFF file ask for more bytes than it has; libtiff takes seconds to find that out."""
    with open(path, "rb") as file:
        if file.read(4) not in TIFF:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                order, big, start = _head(data)
                seen, entries = set(), 0
                while start and start not in seen:
                    seen.add(start)
                    sizes = [size for _, _, size, _ in _entries(data, start, order, big)]
                    entries += len(sizes)
                    if sum(sizes) > len(data) or 12 * entries > len(data):  # or directories lie over each other
                        return True
                    start = _following(data, start, order, big)
                return False
            except (struct.error, OverflowError):
                return False  # and libtiff says what is wrong


def add_to_tiff(path: Path, exif: Exif) -> None:
    """Adds the tags to a finished TIFF file: its directory is written once more, behind all else.

    Args:
        path: A little-endian TIFF or BigTIFF file; what its first page says itself stays, and the others.
        exif: What to add.
    """
    with open(path, "r+b") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            _, big, start = _head(data)
            end = len(data)
            image = _read(data, start, "<", big, [end])
            following = _following(data, start, "<", big)
        image = {tag: value for tag, value in exif.image.items() if tag in DESCRIPTIVE} | image
        out = bytearray(end % 2)  # directories begin at even places
        start = exif._append(out, image, big, end, following)
        file.seek(end)
        file.write(out)
        file.seek(8 if big else 4)
        file.write(struct.pack("<Q" if big else "<I", start))


def _head(data: bytes | mmap.mmap) -> tuple[str, bool, int]:
    """Byte order, whether it is a BigTIFF, place of the first directory."""
    order = {b"II": "<", b"MM": ">"}[bytes(data[:2])]
    version = struct.unpack_from(order + "H", data, 2)[0]
    if version not in (42, 43):
        raise ValueError("neither TIFF nor BigTIFF")
    big = version == 43
    return order, big, struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)[0]


def _read(data: bytes | mmap.mmap, start: int, order: str, big: bool, room: list[int]) -> Directory:
    """A directory.

    Args:
        data: The block or file.
        start: Of the directory in it.
        order: Of the bytes.
        big: Whether it is a BigTIFF.
        room: Bytes that the values of all directories may still have: together no more than the file, since they lie
            side by side in it. Thousands of tags that mean the same megabyte would fill the memory.
    """
    found: Directory = {}
    for tag, kind, size, at in _entries(data, start, order, big):
        if at + size > len(data):
            raise ValueError(f"damaged EXIF: tag {tag} lies behind the end")
        room[0] -= size
        if room[0] < 0:
            raise ValueError("damaged EXIF: its values have more bytes than the file")
        found[tag] = (kind, _little(bytes(data[at : at + size]), kind, order))
    return found


def _entries(data: bytes | mmap.mmap, start: int, order: str, big: bool) -> Iterator[tuple[int, int, int, int]]:
    """Tag, type, size in bytes and place of each value of a directory."""
    count_format, entry_format, inside = ("Q", "HHQ", 8) if big else ("H", "HHI", 4)
    (count,) = struct.unpack_from(order + count_format, data, start)
    place = start + struct.calcsize(order + count_format)
    for _ in range(count):
        tag, kind, number = struct.unpack_from(order + entry_format, data, place)
        place += struct.calcsize(order + entry_format)
        size = SIZES.get(kind, 0) * number
        if size:
            at = place if size <= inside else struct.unpack_from(order + ("Q" if big else "I"), data, place)[0]
            yield tag, kind, size, at
        place += inside


def _following(data: bytes | mmap.mmap, start: int, order: str, big: bool) -> int:
    """The place of the directory that follows the one at `start`; 0 after the last."""
    count_format, entry, place_format = ("Q", 20, "Q") if big else ("H", 12, "I")
    (count,) = struct.unpack_from(order + count_format, data, start)
    place = start + struct.calcsize(order + count_format) + count * entry
    return int(struct.unpack_from(order + place_format, data, place)[0])


def _little(values: bytes, kind: int, order: str) -> bytes:
    """Values in little-endian order."""
    step = 4 if kind in RATIONALS else SIZES[kind]
    if order == "<" or step == 1:
        return values
    return b"".join(values[i : i + step][::-1] for i in range(0, len(values), step))


def _follow(data: bytes | mmap.mmap, parent: Directory, tag: int, order: str, big: bool, room: list[int]) -> Directory:
    """Takes a pointer out of `parent` and reads what it points to."""
    if tag not in parent:
        return {}
    return _read(data, int.from_bytes(parent.pop(tag)[1], "little"), order, big, room)


def _pointer(place: int, big: bool) -> tuple[int, bytes]:
    return (LONG8, struct.pack("<Q", place)) if big else (LONG, struct.pack("<I", place))


def _write(out: bytearray, directory: Directory, big: bool, base: int, following: int = 0) -> int:
    """Appends a directory and its values; returns its place in the file. `following` is that of the next page."""
    count_format, entry_format, room = ("<Q", "<HHQ", 8) if big else ("<H", "<HHI", 4)
    start = base + len(out)
    head = struct.calcsize(count_format) + len(directory) * (struct.calcsize(entry_format) + room) + room
    entries = bytearray(struct.pack(count_format, len(directory)))
    values = bytearray()
    for tag, (kind, content) in sorted(directory.items()):
        entries += struct.pack(entry_format, tag, kind, len(content) // SIZES[kind])
        if len(content) <= room:
            entries += content.ljust(room, b"\0")
        else:
            place = start + head + len(values)
            entries += struct.pack("<Q" if big else "<I", place)
            values += content + bytes(len(content) % 2)
    out += entries + following.to_bytes(room, "little") + values
    return start
