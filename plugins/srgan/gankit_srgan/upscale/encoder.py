"""Files written strip by strip: an encoder never holds the picture.

The strips flow through a thread of libvips, which shrinks them where a factor between those of the networks is wanted,
and encodes while the next strip is computed. libvips reads streams of image files only, so the strips travel to it
as an uncompressed PNG.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gankit.errors import GankitError
from gankit.support import whole
from gankit_srgan.upscale.exif import Exif, add_to_tiff
from gankit_srgan.upscale.formats import FORMATS
from gankit_srgan.upscale.vips import reason, vips

BLOCK = 2**20  # bytes of rows a piece of the PNG stream
BIG_TIFF = 4e9  # bytes from which a TIFF file needs 64-bit offsets
WITHOUT_EXIF = 2 | 4 | 8 | 16  # libvips' VipsForeignKeep: XMP, IPTC, ICC and others; it would make up an EXIF block
SCREEN = 72 / 25.4  # pixels a millimetre: what files say that know no better


@dataclass(frozen=True)
class Output:
    """A file to be written.

    Attributes:
        path: The file.
        format: A key of `FORMATS`.
        width: Pixels.
        height: Pixels, of a page.
        channels: 1 or 3, and one for alpha.
        bits: 8 or 16 a channel.
        quality: 1 to 100; the format's default if None.
        force: Whether an existing file is replaced.
        density: Pixels a millimetre.
        icc: Colour profile.
        exif: As it shall be.
        xmp: Packet, as it shall be.
        iptc: IPTC block.
        comment: For JPEG and PNG.
        pages: Pages of a TIFF or frames of a WebP, which follow each other in the strips.
        delays: How long each frame is shown, in milliseconds.
        loop: How often the frames are played; 0 for ever.
    """

    path: Path
    format: str
    width: int
    height: int
    channels: int
    bits: int
    quality: int | None = None
    force: bool = False
    density: tuple[float, float] | None = None
    icc: bytes | None = None
    exif: Exif | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    comment: bytes | None = None
    pages: int = 1
    delays: tuple[int, ...] = ()
    loop: int = 0

    @property
    def raw_bytes(self) -> int:
        """Size of the pixels."""
        return self.pages * self.width * self.height * self.channels * self.bits // 8


@contextlib.contextmanager
def encoded(output: Output, width: int, height: int) -> Iterator[Encoder | Shrinker]:
    """A file that is written strip by strip, and appears when all of it is there, or not at all.

    Args:
        output: What to write.
        width: Of the strips, which are shrunk to `output.width` where they are wider.
        height: Of all strips of a page.

    Yields:
        What takes the strips.

    Raises:
        GankitError: The file or its folder cannot be written, or is there by now and is not to be replaced.
    """
    with whole(output.path) as aside:
        _make_folder(output.path.parent)
        apart = output.pages > 1 and (width, height) != (output.width, output.height)
        encoder = Shrinker(output, width, height, aside) if apart else Encoder(output, width, height, aside)
        try:
            yield encoder
            encoder.finish()
        finally:
            encoder.stop()
        if output.path.exists() and not output.force:
            raise GankitError(f"{output.path} has appeared while it was being made", "--force replaces it")


class Encoder:
    """Two threads: one sends strips through a pipe, the other is libvips, which writes what comes.

    Args:
        output: What to write.
        width: Of the strips.
        height: Of all strips of a page.
        aside: Where to write; or what takes the pixels, piece by piece.
    """

    def __init__(self, output: Output, width: int, height: int, aside: Path | Callable[[bytes], None]) -> None:
        vips()
        self.output, self.width, self.height, self._aside = output, width, height, aside
        self._error: Exception | None = None
        self._deflate = zlib.compressobj(0)
        self._reader, writer = os.pipe()
        self._pipe = os.fdopen(writer, "wb")
        self._threads = ThreadPoolExecutor(2)
        self._encoding = self._threads.submit(self._encode)
        self._sending: Future[None] | None = None

    def write(self, strip: np.ndarray) -> None:
        """Adds rows.

        Args:
            strip: `[rows, width, channels]` uint8 or uint16.

        Raises:
            GankitError: The file cannot be written.
        """
        if self._sending is None:
            kind = {1: 0, 2: 4, 3: 2, 4: 6}[self.output.channels]
            head = struct.pack(
                ">IIBBBBB", self.width, self.height * self.output.pages, strip.dtype.itemsize * 8, kind, 0, 0, 0
            )
            self._pipe.write(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head))
        else:  # until the last strip is encoded: two are in memory, this one and that which is computed next
            self._sending.result()
        self._fail_if_failed()
        self._sending = self._threads.submit(self._send, strip)

    def finish(self) -> None:
        """Waits until the last strip is on the disk; raises as `write`."""
        if self._sending is not None:
            self._sending.result()
        self._pipe.write(_chunk(b"IDAT", self._deflate.flush()) + _chunk(b"IEND", b""))
        self._pipe.close()
        self._encoding.result()
        self._fail_if_failed()
        if not isinstance(self._aside, Path):
            return
        if self.output.format == "tif" and self.output.exif:
            add_to_tiff(self._aside, self.output.exif)
        with open(self._aside, "r+b") as file:
            os.fsync(file.fileno())

    def stop(self) -> None:
        """Ends the threads, whether all strips came or not."""
        if self._sending is not None:
            self._sending.exception()
        self._pipe.close()
        self._threads.shutdown()
        os.close(self._reader)

    def _fail_if_failed(self) -> None:
        if self._error is None:
            return
        if isinstance(self._error, OSError | GankitError):
            raise self._error  # `whole` says what it means
        if isinstance(self._aside, Path):
            with open(self._aside, "ab") as file:  # raises what libvips does not tell: that the disk is full, say
                file.write(bytes(BLOCK))
                os.fsync(file.fileno())
        raise GankitError(f"cannot write {self.output.path}: {reason(self._error)}", "try another --format")

    def _send(self, strip: np.ndarray) -> None:
        """Sends a strip as a part of an uncompressed PNG (PNG specification, third edition, sections 5, 9 and 10)."""
        rows = np.ascontiguousarray(strip, strip.dtype.newbyteorder(">")).reshape(len(strip), -1).view(np.uint8)
        step = max(1, BLOCK // rows.shape[1])
        for first in range(0, len(rows), step):
            # A zero in front of every row: it is not filtered.
            data = self._deflate.compress(np.pad(rows[first : first + step], ((0, 0), (1, 0))).data)
            self._pipe.write(_chunk(b"IDAT", data))

    def _encode(self) -> None:
        try:
            pyvips = vips()
            source = pyvips.Source.new_from_descriptor(self._reader)
            image = pyvips.Image.pngload_source(source, access="sequential", fail_on="truncated")
            image = self._shrunk(image)
            if not isinstance(self._aside, Path):
                _piecewise(self._aside, image.rawsave_target)
                return
            image = self._described(image)
            quality = self.output.quality or FORMATS[self.output.format].quality
            target = str(self._aside)
            keep = {} if self.output.exif else {"keep": WITHOUT_EXIF}
            if self.output.format == "png":
                chunks = _png_chunks(self.output)
                _save(self._aside, chunks, 33, lambda to: image.pngsave_target(to, compression=3, filter="all", **keep))
            elif self.output.format == "jpg":
                segments = _jpeg_segments(self.output)
                _save(self._aside, segments, 2, lambda to: image.jpegsave_target(to, Q=quality, **keep))
            elif self.output.format == "webp":
                image.webpsave(target, Q=quality, **keep)
            else:
                big = self.output.raw_bytes > BIG_TIFF
                image.tiffsave(target, compression="deflate", predictor="horizontal", level=3, bigtiff=big)
        except Exception as error:
            self._error = error
            while os.read(self._reader, BLOCK):  # or the strips would wait for ever
                pass

    def _shrunk(self, image: Any) -> Any:
        """Antialiased bicubic (Keys' kernel, stretched by the factor); colours weighted by alpha."""
        if (self.width, self.height) == (self.output.width, self.output.height):
            return image
        # A gap would let libvips shrink by blocks first, which is faster and coarser.
        scale = {"vscale": self.output.height / image.height, "kernel": "cubic", "gap": 0}
        factor = self.output.width / image.width
        if not image.hasalpha():
            return image.resize(factor, **scale)
        return image.premultiply().resize(factor, **scale).unpremultiply().rint().cast(image.format)

    def _described(self, image: Any) -> Any:
        """With density, profile and metadata."""
        out, blob = self.output, vips().GValue.blob_type
        across, down = out.density or (SCREEN, SCREEN)
        image = image.copy(xres=across, yres=down)
        if out.pages > 1:
            image.set_type(vips().GValue.gint_type, "page-height", out.height)
            image.set_type(vips().GValue.gint_type, "loop", out.loop)
        if out.delays:
            image.set_type(vips().GValue.array_int_type, "delay", list(out.delays))
        blocks = {"icc-profile-data": out.icc, "iptc-data": out.iptc}
        if out.format != "png":
            blocks["xmp-data"] = out.xmp
        if out.format != "tif" and out.exif:
            blocks["exif-data"] = out.exif.to_bytes()
        for name, block in blocks.items():
            if block:
                image.set_type(blob, name, block)
        return image


class Shrinker:
    """Shrinks each page by itself, or they would bleed into each other, and hands them on; otherwise an `Encoder`."""

    def __init__(self, output: Output, width: int, height: int, aside: Path) -> None:
        self._out = Encoder(output, output.width, output.height, aside)
        self.width, self.height = width, height
        self._page: Encoder | None = None
        self._rows, self._rest = 0, b""

    def write(self, strip: np.ndarray) -> None:
        """`Encoder.write`; no strip belongs to two pages."""
        if self._page is None:
            self._page = Encoder(replace(self._out.output, pages=1), self.width, self.height, self._hand_on)
        self._page.write(strip)
        self._rows += len(strip)
        if self._rows == self.height:
            self._page.finish()
            self._page.stop()
            self._page, self._rows = None, 0

    def finish(self) -> None:
        """`Encoder.finish`."""
        self._out.finish()

    def stop(self) -> None:
        """`Encoder.stop`."""
        if self._page is not None:
            self._page.stop()
        self._out.stop()

    def _hand_on(self, piece: bytes) -> None:
        """Takes shrunk pixels, which come in pieces of any length."""
        out, kind = self._out.output, np.dtype(np.uint16 if self._out.output.bits == 16 else np.uint8)
        pixels = self._rest + piece
        row = out.width * out.channels * kind.itemsize
        end = len(pixels) // row * row
        self._rest = pixels[end:]
        if end:
            self._out.write(np.frombuffer(pixels[:end], kind).reshape(-1, out.width, out.channels))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return b"".join((struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))))


def _png_chunks(output: Output) -> bytes:
    """XMP and comment. libvips would compress the XMP (zTXt), which few readers expect.

    (XMP specification, part 3, section 1.1.5.)
    """
    chunks = _chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + output.xmp) if output.xmp else b""
    if output.comment:
        text = output.comment.replace(b"\0", b" ")
        try:
            text.decode()
            chunks += _chunk(b"iTXt", b"Comment\0\0\0\0\0" + text)
        except UnicodeDecodeError:
            chunks += _chunk(b"tEXt", b"Comment\0" + text)
    return chunks


def _jpeg_segments(output: Output) -> bytes:
    """Density (JFIF 1.02) and comment, neither of which libvips writes."""
    segments = b""
    if output.density:
        inch = [side * 25.4 for side in output.density]
        centimetre = [side * 10 for side in output.density]
        whole_centimetres = all(abs(side - round(side)) < 1e-3 for side in centimetre)
        unit, sides = (2, centimetre) if whole_centimetres else (1, inch)
        across, down = (min(max(1, round(side)), 65_535) for side in sides)
        segments += b"\xff\xe0" + struct.pack(">H5sHBHHBB", 16, b"JFIF", 0x0102, unit, across, down, 0, 0)
    comment = output.comment or b""
    for start in range(0, len(comment), 65_533):
        piece = comment[start : start + 65_533]
        segments += b"\xff\xfe" + struct.pack(">H", len(piece) + 2) + piece
    return segments


def _save(path: Path, extra: bytes, at: int, save: Callable[[Any], None]) -> None:
    """Saves what libvips makes, with `extra` behind its first `at` bytes."""
    head: bytes | None = b""  # until it is complete

    def write(piece: bytes) -> None:
        nonlocal head
        if head is None:
            file.write(piece)
            return
        head += piece
        if len(head) >= at:
            file.write(head[:at] + extra + head[at:])
            head = None

    with open(path, "wb") as file:
        _piecewise(write, save)


def _piecewise(take: Callable[[bytes], None], save: Callable[[Any], None]) -> None:
    """Saves to what takes pieces of bytes, and raises what that raises."""
    target = vips().TargetCustom()
    failed: list[Exception] = []

    def write(data: Any) -> int:
        piece = bytes(data)
        try:
            take(piece)
        except Exception as error:
            failed.append(error)
            return -1
        return len(piece)

    target.on_write(write)
    try:
        save(target)
    except Exception as error:
        raise (failed or [error])[0] from error  # libvips only knows that writing failed


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise GankitError(f"cannot make the folder {folder}: a file stands in its place", "write elsewhere") from error
