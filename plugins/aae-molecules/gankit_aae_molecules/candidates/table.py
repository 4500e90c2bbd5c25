"""Generated fingerprints -> a table of candidate molecules."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from gankit.errors import UsageError
from gankit.support import Jobs
from gankit_aae_molecules.autoencoder import Autoencoder
from gankit_aae_molecules.chemistry import diverse, known
from gankit_aae_molecules.chemistry.maccs import fingerprints
from gankit_aae_molecules.chemistry.properties import properties
from gankit_aae_molecules.chemistry.standard import Standard, remark, standardise_all
from gankit_aae_molecules.chemistry.workers import mapped
from gankit_aae_molecules.library.packed import Library
from gankit_aae_molecules.library.search import ALONE, Hits, ratio, search
from gankit_aae_molecules.training_set import TrainingSet

Row = dict[str, Any]


@dataclass(frozen=True)
class Filters:
    """What a candidate must be; None, or False, asks for nothing.

    Attributes:
        qed: At least.
        sa: At most.
        np: At least.
        lipinski: Rules broken at most.
        pains: Whether molecules with a pattern of pan-assay interference are left out.
        novel: Whether training compounds are left out.
    """

    qed: float | None = None
    sa: float | None = None
    np: float | None = None
    lipinski: int | None = None
    pains: bool = False
    novel: bool = False

    def keeps(self, row: Row) -> bool:
        """Whether a row of the table passes."""
        return (
            (self.qed is None or row["qed"] >= self.qed)
            and (self.sa is None or row["sa"] <= self.sa)
            and (self.np is None or row["np"] >= self.np)
            and (self.lipinski is None or row["lipinski"] <= self.lipinski)
            and not (self.pains and row["pains"])
            and not (self.novel and not row["novel"])
        )


@dataclass(frozen=True)
class Request:
    """What to generate and how to screen.

    Attributes:
        value: The response that is asked for.
        count: Fingerprints to generate.
        k: Molecules of the library for each.
        by: "tanimoto" or "likelihood": the nearest of each fingerprint. "ratio": the whole library by how much likelier
            a molecule is for this response than for the mean one.
        top: Rows of the table.
        pick: Rows that are picked to differ most; 0 for none.
        seed: Of the noise.
        filters: What a candidate must be.
    """

    value: float
    count: int = 1000
    k: int = 10
    by: Literal["tanimoto", "likelihood", "ratio"] = "tanimoto"
    top: int = 100
    pick: int = 0
    seed: int = 0
    filters: Filters = Filters()


def screen(
    model: Autoencoder,
    training: TrainingSet,
    library: Library,
    request: Request,
    tell: Callable[[str], object],
    jobs: Jobs = ALONE,
) -> list[Row]:
    """The candidates of a library, the best first.

    Hits are described a few hundred at a time until enough of them have passed the filters.

    Args:
        model: Generates, and predicts responses.
        training: What the model was trained on.
        library: To look in.
        request: What to generate and how to screen.
        tell: Is given sentences on the progress.
        jobs: Where the library is looked through.

    Returns:
        A row for each: rank, SMILES, name, InChIKey, what was searched by and its ties, read-back response and
        concentration, properties, the nearest training compound, whether it is new, and the known agent that it is.
    """
    if request.filters.novel and not training.blocks:
        raise UsageError("the run knows no structures, only fingerprints", "leave --novel out")
    probabilities, dose = model.generate(request.value, request.count, request.seed)
    read, bad = library.facts.read, library.facts.bad
    if lost := read - library.n:
        tell(f"{lost:,} of {read:,} records of the library cannot be used" + (f", such as {bad[0]}" if bad else ""))
    tell(f"looking up {request.count:,} fingerprints among {library.n:,} molecules")
    if request.by == "ratio":
        usual, _ = model.generate(float(model.response.value(0.0)), request.count, request.seed + 1)
        hits = ratio(library, probabilities, usual, jobs)
    else:
        hits = search(library, probabilities, request.k, request.by, jobs)
    rows: list[Row] = []
    blocks: set[str] = set()
    size = max(200, 2 * request.top)
    for start in range(0, len(hits), size):
        chosen = np.arange(start, min(start + size, len(hits)))
        for row in _described(model, training, library, hits, chosen, dose):
            if request.filters.keeps(row) and row["inchikey"][:14] not in blocks:  # one compound, one row
                blocks.add(row["inchikey"][:14])
                rows.append(row)
        if len(rows) >= max(request.top, 10 * request.pick):
            break
        if request.filters != Filters():
            tell(f"{len(rows)} of {len(chosen) + start} hits pass")
    if request.pick and rows:
        bits = fingerprints([row["smiles"] for row in rows])
        rows = [rows[i] for i in diverse.pick(bits, min(request.pick, len(rows)))]
    return [{"rank": rank, **row} for rank, row in enumerate(rows[: request.pick or request.top], 1)]


def _described(
    model: Autoencoder, training: TrainingSet, library: Library, hits: Hits, chosen: np.ndarray, dose: np.ndarray
) -> list[Row]:
    records = [library.record(int(row)) for row in hits.row[chosen]]
    standards = standardise_all([record.smiles for record in records])
    usable = [
        (int(hit), record, standard)
        for hit, record, standard in zip(chosen, records, standards, strict=True)
        if isinstance(standard, Standard) and remark(record.smiles, standard) != "no carbon"
    ]
    smiles = [standard.smiles for _, _, standard in usable]
    bits = fingerprints(smiles)
    at = dose[hits.query[[hit for hit, _, _ in usable]]]
    effect, concentration = model.predict(bits, at), model.log_conc(at)
    alike, nearest = training.nearest(bits)
    agents = known.agents()
    rows = []
    for j, ((hit, record, standard), figures) in enumerate(zip(usable, mapped(properties, smiles), strict=True)):
        rows.append(
            {
                "smiles": standard.smiles,
                "name": record.name,
                "inchikey": standard.inchikey,
                "tanimoto": _rounded(hits.tanimoto[hit]),
                "log_likelihood": _rounded(hits.log_likelihood[hit]),
                **({} if hits.log_ratio is None else {"log_ratio": _rounded(hits.log_ratio[hit])}),
                "found": int(hits.found[hit]),
                "ties": int(hits.ties[hit]),
                "response": _rounded(effect[j]),
                "log_conc": _rounded(concentration[j]),
                **{name: _rounded(value) for name, value in asdict(figures).items()},
                "nearest_training": training.names[int(nearest[j])],
                "nearest_similarity": _rounded(alike[j]),
                "novel": standard.block not in training.blocks if training.blocks else None,
                "known_agent": agents.get(standard.block, ""),
            }
        )
    return rows


def _rounded(value: Any) -> Any:
    if isinstance(value, str | int):
        return value
    return None if math.isnan(float(value)) else round(float(value), 4)
