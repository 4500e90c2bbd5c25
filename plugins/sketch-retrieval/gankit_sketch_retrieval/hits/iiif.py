"""Hits as annotations that viewers of scanned books show on the page (IIIF Presentation API 3.0)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from gankit import DataError, UsageError
from gankit_sketch_retrieval.hits.hit import Hit, by_page, writable

CONTEXT = "http://iiif.io/api/presentation/3/context.json"
# IIIF demands web addresses; .invalid is reserved for those that nobody can own (RFC 2606).
CANVAS = "https://gankit.invalid/{document}/canvas/{page}"


def manifest(
    hits: Sequence[Hit],
    query: str,
    sizes: Mapping[tuple[str, int], tuple[int, int]],
    canvas: str = CANVAS,
    image: str = "",
) -> dict[str, Any]:
    """A IIIF manifest: a canvas for each page with hits, and on it its annotations.

    The hits of a canvas are one W3C `AnnotationPage`, embedded as the canvas's `annotations`. A manifest around them,
    because it is the one file that Mirador and its like open: they find annotation pages through a canvas only, never
    look inside an `AnnotationCollection`, and an annotation page may not span canvases. Who has a manifest already
    moves each page into the `annotations` of the canvas of the same id. The motivation is "tagging", because Mirador
    does not list "highlighting".

    Args:
        hits: Best first; canvases come in the order of their best hit.
        query: What was searched for, in words.
        sizes: (document, page) -> (width, height) in pixels.
        canvas: Web address of a canvas, with `{document}`, `{stem}` (the document without its suffix) and `{page}`.
        image: Web address of a page's picture, of the same form; "" leaves the canvases without pictures.

    Raises:
        UsageError: An address is no web address, has other fields, or is the same for two pages.
        DataError: A box reaches beyond its page, or there are no hits, which a manifest cannot say.
    """
    if not hits:
        raise DataError("nothing was found, so that there is nothing to annotate", "search for something else")
    groups, query = by_page(hits), writable(query)
    addresses = {key: address(canvas, *key) for key in groups}
    if len(set(addresses.values())) < len(addresses):
        raise UsageError(f"the address {canvas} is the same for several pages", "put {document} and {page} into it")
    digest = hashlib.sha256(json.dumps([query, canvas, [hit.row for hit in hits]]).encode()).hexdigest()[:16]
    base = f"https://gankit.invalid/hits/{digest}"
    canvases = []
    for number, (key, found) in enumerate(groups.items(), 1):
        width, height = sizes[key]
        target, label = addresses[key], f"{writable(key[0])}, page {key[1]}"
        items = [_annotation(f"{base}/hit/{hit.rank}", hit, query, target, (width, height)) for hit in found]
        one = {"id": target, "type": "Canvas", "label": {"none": [label]}, "width": int(width), "height": int(height)}
        if image:
            one["items"] = [_painting(f"{base}/image/{number}", address(image, *key), target, (width, height))]
        one["annotations"] = [{"id": f"{base}/page/{number}", "type": "AnnotationPage", "items": items}]
        canvases.append(one)
    label = {"en": [f"Places that look like {query}"]}
    return {"@context": CONTEXT, "id": f"{base}/manifest", "type": "Manifest", "label": label, "items": canvases}


def _annotation(name: str, hit: Hit, query: str, canvas: str, size: tuple[int, int]) -> dict[str, Any]:
    """A W3C annotation; its three texts appear as labels side by side."""
    x0, y0, x1, y1 = map(int, hit.box)
    if not (0 <= x0 < x1 <= size[0] and 0 <= y0 < y1 <= size[1]):
        raise DataError(
            f"a hit at {x0},{y0},{x1},{y1} does not lie on page {hit.page} of {hit.document}, which is "
            f"{size[0]} x {size[1]} pixels",
            "the file was changed after it was indexed: index it again",
        )
    texts = (f"rank {hit.rank}", f"score {hit.row['score']:.4f}", query)
    tags = [{"type": "TextualBody", "purpose": "tagging", "format": "text/plain", "value": text} for text in texts]
    target = f"{canvas}#xywh={x0},{y0},{x1 - x0},{y1 - y0}"
    return {"id": name, "type": "Annotation", "motivation": "tagging", "body": tags, "target": target}


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
