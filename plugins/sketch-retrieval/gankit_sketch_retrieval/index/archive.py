"""Files of pages and marks, indexed: what `build` does, with the readers and the bar of the command line."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gankit.support import Bar, Jobs
from gankit_sketch_retrieval.features.encoder import Encoder
from gankit_sketch_retrieval.index.build import ALONE, build
from gankit_sketch_retrieval.index.search import SearchSettings
from gankit_sketch_retrieval.pages.cutouts import cutter
from gankit_sketch_retrieval.pages.files import pages


def index_files(
    output: Path,
    files: Mapping[str, Path],
    encoder: Encoder,
    kind: str,
    limit: int,
    settings: SearchSettings | None = None,
    forget: bool = False,
    jobs: Jobs = ALONE,
) -> dict[str, Any]:
    """Indexes files; the arguments are those of `build` and `cutter`.

    Returns:
        The `Summary` as a dictionary, and as "empty" how many pictures have no mark on them.
    """
    about = {"kind": kind, "limit": limit, "stretch": encoder.stretch}
    cut = cutter(kind, encoder.stretch, limit)
    with Bar("indexing", len(files)) as bar:

        def tell(done: int, total: int, text: str) -> None:
            bar.label = text
            bar.show(done)

        summary = build(output, files, pages, cut, encoder, about, settings, forget=forget, progress=tell, jobs=jobs)
    if empty := summary.empty:
        message = "no mark was found on %s pictures (%s, say)"
        logging.getLogger("gankit").warning(message, f"{len(empty):,}", empty[0])
    return {**dataclasses.asdict(summary), "empty": len(empty)}
