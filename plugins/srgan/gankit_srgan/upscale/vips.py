"""libvips, which reads and writes what Pillow cannot: 16 bits a channel, CMYK profiles, and pictures strip by strip."""

from __future__ import annotations

from functools import cache
from typing import Any

from gankit.errors import GankitError


@cache
def vips() -> Any:
    """The module `pyvips`, set up.

    Raises:
        GankitError: It cannot be loaded.
    """
    try:
        import pyvips
    except Exception as error:  # an OSError where only the binding is installed
        raise GankitError(f"pyvips cannot be loaded: {error}", "pip install 'pyvips[binary]'") from error
    pyvips.cache_set_max(0)  # it would show a file as it was when first opened
    # The content decides how a file is read. Of forty loaders some run programs, and some were never tried on hostile
    # files: only those of the formats that are meant may be chosen.
    pyvips.operation_block_set("VipsForeignLoad", True)
    for name in ("Jpeg", "Png", "Tiff", "Webp", "Nsgif"):
        pyvips.operation_block_set(f"VipsForeignLoad{name}", False)
    return pyvips


def reason(error: Exception) -> str:
    """The line of a libvips error that says what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if any("not a known file format" in line for line in lines):
        return "not a picture, or damaged"
    telling = [line for line in lines if not line.startswith("unable to") and not line.endswith("load error")]
    return (telling or lines or [type(error).__name__])[-1]
