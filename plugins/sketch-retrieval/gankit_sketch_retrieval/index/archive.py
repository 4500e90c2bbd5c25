"""Files of pages and marks, indexed: what `build` does, with the readers and the bar of the command line."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gankit.support import Bar
from gankit_sketch_retrieval.features.encoder import Encoder
from gankit_sketch_retrieval.index.build import build
from gankit_sketch_retrieval.index.search import SearchSettings
from gankit_sketch_retrieval.pages.cutouts import cutter
from gankit_sketch_retrieval.pages.files import Page, pages


def index_files(
    output: Path,
    files: Mapping[str, Path],
    encoder: Encoder,
    kind: str,
    limit: int,
    settings: SearchSettings | None = None,
    forget: bool = False,
) -> dict[str, Any]:
    """Indexes files; the arguments are those of `build` and `cutter`.

    Returns:
        The `Summary` as a dictionary, and as "empty" how many pictures have no mark on them.
    """
    about = {"kind": kind, "limit": limit, "stretch": encoder.stretch}
    cut, empty = cutter(kind, encoder.stretch, limit), []

    def counted(page: Page) -> tuple[np.ndarray, np.ndarray]:
        boxes, marks = cut(page)
        if not len(marks):
            empty.append(f"{page.document}, page {page.number}")
        return boxes, marks

    with Bar("indexing", len(files)) as bar:

        def tell(done: int, total: int, text: str) -> None:
            bar.label = text
            bar.show(done)

        summary = build(output, files, pages, counted, encoder, about, settings, forget=forget, progress=tell)
    if empty:
        message = "no mark was found on %s pictures (%s, say)"
        logging.getLogger("gankit").warning(message, f"{len(empty):,}", empty[0])
    return {**dataclasses.asdict(summary), "empty": len(empty)}
