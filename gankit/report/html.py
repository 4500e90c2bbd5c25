"""An HTML page that needs no network and no script, and a browser that holds it to that."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path


def document(title: str, style: str, sections: Iterable[str]) -> str:
    """The page.

    Args:
        title: Already escaped.
        style: All of its CSS, the only that a browser may apply.
        sections: HTML of the body.
    """
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    body = "\n".join(sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def write(content: str | bytes, path: Path) -> Path:
    """Writes a page, or any other file, whole or not at all.

    Raises:
        OSError: It cannot be written there.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        # A file name that is no valid UTF-8 reaches us as surrogates, which cannot be written.
        partial.write_bytes(content.encode("utf-8", "replace") if isinstance(content, str) else content)
        os.replace(partial, path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    return path
