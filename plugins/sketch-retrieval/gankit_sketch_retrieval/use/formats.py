"""Hits for other programs: CSV, JSON, and annotations that viewers of scanned books show on the page (IIIF)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from gankit import commands as common
from gankit.errors import DataError, UsageError
from gankit.report import html as pages
from gankit_sketch_retrieval.use.hits import Hit

COLUMNS = ("document", "page", "x0", "y0", "x1", "y1", "score", "rank")
CONTEXT = "http://iiif.io/api/presentation/3/context.json"
# IIIF demands web addresses; .invalid is reserved for those that nobody can own (RFC 2606).
CANVAS = "https://gankit.invalid/{document}/canvas/{page}"


def as_rows(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    """A flat dict for each hit, with the keys of `COLUMNS`, in the order given; scores have six decimals."""
    return [
        dict(
            zip(
                COLUMNS,
                (_text(hit.document), int(hit.page), *map(int, hit.box), _score(hit), int(hit.rank)),
                strict=True,
            )
        )
        for hit in hits
    ]


def as_json(hits: Sequence[Hit], query: str) -> dict[str, Any]:
    """`{"query": text, "count": n, "hits": rows of as_rows}`, which `json.dumps` takes."""
    return {"query": _text(query), "count": len(hits), "hits": as_rows(hits)}


def write_csv(path: Path, hits: Sequence[Hit]) -> Path:
    """Writes a table with the columns `COLUMNS`; without hits, just their names.

    Raises:
        UsageError: It cannot be written there.
    """
    if hits:
        common.write_csv(path, as_rows(hits))
        return path
    return save(",".join(COLUMNS) + "\n", path)


def write_json(path: Path, hits: Sequence[Hit], query: str) -> Path:
    """Writes what `as_json` returns.

    Raises:
        UsageError: It cannot be written there.
    """
    return save(json.dumps(as_json(hits, query), indent=1, ensure_ascii=False) + "\n", path)


def write_iiif(
    path: Path,
    hits: Sequence[Hit],
    query: str,
    size: Callable[[str, int], tuple[int, int]],
    canvas: str = CANVAS,
    image: str = "",
) -> Path:
    """Writes a IIIF manifest (Presentation API 3.0): a canvas for each page with hits, and on it its annotations.

    The hits of a canvas are one W3C `AnnotationPage`, embedded as the canvas's `annotations`. A manifest around them,
    because it is the one file that Mirador and its like open: they find annotation pages through a canvas only, never
    look inside an `AnnotationCollection`, and an annotation page may not span canvases. Who has a manifest already
    moves each page into the `annotations` of the canvas of the same id. The motivation is "tagging", because Mirador
    does not list "highlighting".

    Args:
        path: The file to write.
        hits: Best first; canvases come in the order of their best hit.
        query: What was searched for, in words.
        size: (width, height) in pixels of a document's page, as `size(document, page)`; called once a page.
        canvas: Web address of a canvas, with `{document}`, `{stem}` (the document without its suffix) and `{page}`.
        image: Web address of a page's picture, of the same form; "" leaves the canvases without pictures.

    Raises:
        UsageError: An address is no web address, has other fields, or is the same for two pages; or the file cannot
            be written there.
        DataError: A box reaches beyond its page, or there are no hits, which a manifest cannot say.
    """
    return save(json.dumps(manifest(hits, query, size, canvas, image), indent=1, ensure_ascii=False) + "\n", path)


def manifest(
    hits: Sequence[Hit], query: str, size: Callable[[str, int], tuple[int, int]], canvas: str = CANVAS, image: str = ""
) -> dict[str, Any]:
    """The manifest that `write_iiif` writes; arguments and errors are the same."""
    if not hits:
        raise DataError("nothing was found, so that there is nothing to annotate", "search for something else")
    groups, query = by_page(hits), _text(query)
    addresses = {key: address(canvas, *key) for key in groups}
    if len(set(addresses.values())) < len(addresses):
        raise UsageError(f"the address {canvas} is the same for several pages", "put {document} and {page} into it")
    digest = hashlib.sha256(json.dumps([query, canvas, as_rows(hits)]).encode()).hexdigest()[:16]
    base = f"https://gankit.invalid/hits/{digest}"
    canvases = []
    for number, (key, found) in enumerate(groups.items(), 1):
        width, height = size(*key)
        target, label = addresses[key], f"{_text(key[0])}, page {key[1]}"
        items = [_annotation(f"{base}/hit/{hit.rank}", hit, query, target, (width, height)) for hit in found]
        one = {"id": target, "type": "Canvas", "label": {"none": [label]}, "width": int(width), "height": int(height)}
        if image:
            one["items"] = [_painting(f"{base}/image/{number}", address(image, *key), target, (width, height))]
        one["annotations"] = [{"id": f"{base}/page/{number}", "type": "AnnotationPage", "items": items}]
        canvases.append(one)
    label = {"en": [f"Places that look like {query}"]}
    return {"@context": CONTEXT, "id": f"{base}/manifest", "type": "Manifest", "label": label, "items": canvases}


def by_page(hits: Sequence[Hit]) -> Mapping[tuple[str, int], list[Hit]]:
    """The hits of each (document, page), in the order of their first hits."""
    groups: dict[tuple[str, int], list[Hit]] = {}
    for hit in hits:
        groups.setdefault((hit.document, hit.page), []).append(hit)
    return groups


def save(content: str | bytes, path: Path) -> Path:
    """Writes a file whole or not at all.

    Raises:
        UsageError: It cannot be written there.
    """
    try:
        return pages.write(content, path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", "name a file in a folder that exists") from error


def _annotation(name: str, hit: Hit, query: str, canvas: str, size: tuple[int, int]) -> dict[str, Any]:
    """A W3C annotation; its three texts appear as labels side by side."""
    x0, y0, x1, y1 = map(int, hit.box)
    if not (0 <= x0 < x1 <= size[0] and 0 <= y0 < y1 <= size[1]):
        raise DataError(
            f"a hit at {x0},{y0},{x1},{y1} does not lie on page {hit.page} of {hit.document}, which is "
            f"{size[0]} x {size[1]} pixels",
            "the file was changed after it was indexed: index it again",
        )
    texts = (f"rank {hit.rank}", f"score {_score(hit):.4f}", query)
    return {
        "id": name,
        "type": "Annotation",
        "motivation": "tagging",
        "body": [
            {"type": "TextualBody", "purpose": "tagging", "format": "text/plain", "value": text} for text in texts
        ],
        "target": f"{canvas}#xywh={x0},{y0},{x1 - x0},{y1 - y0}",
    }


def _painting(name: str, address: str, canvas: str, size: tuple[int, int]) -> dict[str, Any]:
    """The annotation page that puts the scan on its canvas."""
    picture = {"id": address, "type": "Image", "width": int(size[0]), "height": int(size[1])}
    paint = {"id": f"{name}/paint", "type": "Annotation", "motivation": "painting", "body": picture, "target": canvas}
    return {"id": name, "type": "AnnotationPage", "items": [paint]}


def address(pattern: str, document: str, page: int) -> str:
    """The web address of a page, its document percent-encoded but for the slashes."""
    stem = document.removesuffix(PurePosixPath(document).suffix)
    # A name that is no valid UTF-8 has surrogates, which stand for the bytes that `quote` is to encode.
    names = {"document": quote(document, errors="surrogateescape"), "stem": quote(stem, errors="surrogateescape")}
    known = ", ".join(f"{{{field}}}" for field in (*names, "page"))
    try:
        made = pattern.format_map({**names, "page": page})
    except (LookupError, ValueError, AttributeError) as error:
        raise UsageError(f"{pattern} is no pattern of an address", f"its fields can be {known}") from error
    if not made.startswith(("https://", "http://")) or "#" in made:
        raise UsageError(f"{pattern} is no web address of a page", "begin with https:// and leave out the #")
    return made


def _score(hit: Hit) -> float:
    return round(float(hit.score), 6)


def _text(name: str) -> str:
    """A name that can be written as UTF-8: bytes that are not become question marks."""
    return name.encode("utf-8", "replace").decode("utf-8")
