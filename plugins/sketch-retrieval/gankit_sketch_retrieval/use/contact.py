"""Contact sheets: what was found, at a glance, as one picture or as one page for a browser."""

from __future__ import annotations

import io
from pathlib import Path

from gankit.errors import UsageError
from gankit_sketch_retrieval.use import formats
from gankit_sketch_retrieval.use.sheet_page import html
from gankit_sketch_retrieval.use.sheet_picture import drawn
from gankit_sketch_retrieval.use.thumbnails import Sheet

SUFFIXES = (".png", ".html", ".htm")


def write(sheet: Sheet, out: Path) -> Path:
    """Writes a sheet whole or not at all, in the form that the suffix asks for.

    Raises:
        UsageError: The suffix is neither .png nor .html, or the file cannot be written there.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise UsageError(f"a contact sheet cannot be written as {out.name}", "let the name end in .png or .html")
    if out.suffix.lower() != ".png":
        return formats.save(html(sheet), out)
    buffer = io.BytesIO()
    drawn(sheet).save(buffer, "PNG", compress_level=3)  # scans do not get smaller by more, just slower
    return formats.save(buffer.getvalue(), out)
