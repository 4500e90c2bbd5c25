"""What a screening leaves on disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gankit.errors import UsageError
from gankit.runs import versions
from gankit.runs.results import results_folder
from gankit.support import write_csv, write_json
from gankit_aae_molecules.library.packed import Library
from gankit_aae_molecules.use import sets
from gankit_aae_molecules.use.screening import Request, Row
from gankit_aae_molecules.use.trained import Trained

WARNING = (
    "Candidates are molecules of the library that resemble what a model generated. None is known to be active by this: "
    "the model saw cell-line responses and fingerprints, and nothing of toxicity, metabolism or dose in people."
)


def write(
    trained: Trained, library: Library, request: Request, rows: Sequence[Row], output: Path | None
) -> dict[str, Any]:
    """Writes table, structures, picture, figures of the set and provenance.

    Returns:
        `rows`, `set` (figures of `candidates` and of a `random draw`) and `files`.

    Raises:
        UsageError: No candidate is left, or the folder cannot be used.
    """
    from gankit_aae_molecules.chemistry.draw import grid, write_sdf

    if not rows:
        raise UsageError("no molecule of the library passes", "loosen the filters, or give -k or -n more")
    out = results_folder(trained.loaded.run.path, output, "screen")
    drawn = {
        "candidates": [row["smiles"] for row in rows],
        "random draw": sets.draw(library, len(rows), request.seed),
    }
    figures = {
        name: sets.with_fcd(
            sets.figures(smiles, trained.blocks, trained.words), smiles, trained.facts["training"]["smiles"]
        )
        for name, smiles in drawn.items()
    }
    write_csv(out / "candidates.csv", rows)
    write_sdf(rows, out / "candidates.sdf")
    grid(rows, out / "candidates.png")
    write_json(out / "set.json", figures)
    write_json(out / "provenance.json", provenance(trained, library, request))
    names = {"table": "csv", "structures": "sdf", "picture": "png"}
    files = {what: str(out / f"candidates.{suffix}") for what, suffix in names.items()}
    return {"rows": list(rows), "set": figures, "files": {**files, "provenance": str(out / "provenance.json")}}


def provenance(trained: Trained, library: Library, request: Request) -> dict[str, Any]:
    """All that decides the table, as JSON."""
    stored = json.loads((library.folder / "library.json").read_text("utf-8"))
    return {
        "warning": WARNING,
        "run": str(trained.loaded.run.path),
        "checkpoint": str(trained.loaded.checkpoint),
        "data": {key: trained.facts[key] for key in ("file", "response", "split", "compounds", "rows")},
        "library": {"name": library.name, "hash": library.folder.name, **stored},
        "request": asdict(request),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {**versions(), "rdkit": version("rdkit"), "gankit-aae-molecules": version("gankit-aae-molecules")},
    }
