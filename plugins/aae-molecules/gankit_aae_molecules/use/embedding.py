"""Latent coordinates of molecules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gankit.runs.results import results_folder
from gankit.support import write_csv
from gankit_aae_molecules.library import tanimoto
from gankit_aae_molecules.use.trained import Trained


def embedded(trained: Trained, path: Path | None, output: Path | None) -> dict[str, Any]:
    """Writes the coordinates and a picture.

    Args:
        trained: The run.
        path: SMILES; None for the training compounds.
        output: A folder; None for one in the run.

    Returns:
        Paths of `table` and `picture`, and what was `left_out`.

    Raises:
        DataError: Nothing can be read.
        UsageError: The folder cannot be made, or has such files.
    """
    from gankit_aae_molecules.pictures import scatter

    bad: list[str] = []
    if path is None:
        names, smiles = trained.names, list(trained.facts["training"]["smiles"])
        bits = tanimoto.unpack(trained.words)
    else:
        from gankit_aae_molecules.chemistry.maccs import fingerprints
        from gankit_aae_molecules.use.predicting import molecules

        names, standards, bad, _ = molecules(path)
        smiles = [standard.smiles for standard in standards]
        bits = fingerprints(smiles)
    model = trained.model
    normal, gi = model.encode(bits, np.zeros((len(bits), 1)))
    response = model.response.value(gi)
    out = results_folder(trained.loaded.run.path, output, "embed")
    rows = [
        {
            "name": names[i],
            "smiles": smiles[i],
            "response": round(float(response[i]), 4),
            **{f"z{k + 1}": round(float(value), 5) for k, value in enumerate(normal[i])},
        }
        for i in range(len(names))
    ]
    write_csv(out / "latent.csv", rows)
    picture = scatter(
        normal, response, out / "latent.png", f"{len(rows):,} molecules", f"predicted {model.response.unit}"
    )
    return {"table": str(out / "latent.csv"), "picture": str(picture), "left_out": bad}
