"""Contact sheets: what was found, at a glance, as one picture or as one page for a browser."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from gankit.errors import UsageError
from gankit_sketch_retrieval.use import formats
from gankit_sketch_retrieval.use.hits import Hit
from gankit_sketch_retrieval.use.sheet_page import html
from gankit_sketch_retrieval.use.sheet_picture import drawn
from gankit_sketch_retrieval.use.thumbnails import Sheet, gathered

SUFFIXES = (".png", ".html", ".htm")


def contact_sheet(
    query: np.ndarray,
    hits: Sequence[Hit],
    crop: Callable[[Hit], np.ndarray],
    page: Callable[[str, int], np.ndarray] | None,
    out: Path,
    title: str,
) -> Path:
    """Draws what was found. To get both forms without reading twice, call `thumbnails.gathered`, then `write` twice.

    Args:
        query: `[height, width]` uint8 grey.
        hits: Any order.
        crop: Gives a hit's own pixels, `[height, width]` uint8 grey.
        page: Gives a page by document and number, `[height, width]` uint8 grey; None shows no pages.
        out: The file: .png is a picture, .html a page that needs no network.
        title: What was searched for, in words.

    Raises:
        UsageError: The suffix is another, or the file cannot be written there.
    """
    _check(out)
    return write(gathered(query, hits, crop, page, title), out)


def write(sheet: Sheet, out: Path) -> Path:
    """Writes a sheet whole or not at all, in the form that the suffix asks for.

    Raises:
        UsageError: The suffix is neither .png nor .html, or the file cannot be written there.
    """
    _check(out)
    if out.suffix.lower() != ".png":
        return formats.save(html(sheet), out)
    partial, buffer = out.with_name(f".{out.name}.{os.getpid()}.tmp"), io.BytesIO()
    drawn(sheet).save(buffer, "PNG", compress_level=3)  # scans do not get smaller by more, just slower
    try:
        partial.write_bytes(buffer.getvalue())
        os.replace(partial, out)
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error.strerror}", "name a file in a folder that exists") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    return out


def _check(out: Path) -> None:
    if out.suffix.lower() not in SUFFIXES:
        raise UsageError(f"a contact sheet cannot be written as {out.name}", "let the name end in .png or .html")
