"""What is read of a drug-response table: compounds, responses and what happened to them on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

EXAMPLES = 3  # of what is left out for one reason
KINDS = {
    "growth": "percent growth against a count at time zero (100 as the control, 0 stasis, -100 all killed)",
    "viability": "viability against the untreated control in percent; no count at time zero, so stasis is unknown",
    "gi50": "concentrations of half effect: the response is pGI50 = -log10 of mol/l, and no concentration is an input",
    "potency": "pIC50 or pGI50: the potency itself is the response, and no concentration is an input",
    "active": "labels: 1 active, 0 inactive; no concentration",
}


@dataclass(frozen=True)
class Compounds:
    """Distinct compounds: no two share the first block of their InChIKey.

    Attributes:
        name: As the file calls it, the first of merged ones.
        smiles: Standardised (`chemistry.standard`); "" where the file has fingerprints only.
        inchikey: Whole; "" where the file has fingerprints only.
        fingerprint: uint8 `[n, 166]`, MACCS keys without RDKit's unused bit 0.
    """

    name: list[str]
    smiles: list[str]
    inchikey: list[str]
    fingerprint: np.ndarray

    def __len__(self) -> int:
        return len(self.name)


@dataclass
class Dropped:
    """Rows, doses or plates that were left out for one reason.

    Attributes:
        count: How many.
        examples: The first few, by name.
    """

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, count: int, examples: Sequence[str] = ()) -> None:
        """Counts more of them."""
        self.count += count
        self.examples += examples[: EXAMPLES - len(self.examples)]


@dataclass
class Summary:
    """What was read, and what became of it.

    Attributes:
        file: Its name, without the folder.
        format: Name of the format.
        title: The format in words.
        kind: Key of `KINDS`.
        rows_read: Data rows of the file.
        cell_line: The line that was asked for, canonical; "" if none was.
        lines_in_file: Canonical names of the lines that the file has.
        named: Compounds as the file tells them apart, in the wanted lines.
        merged: Names of those that proved to be one compound, a list for each.
        unresolved: Names without a SMILES.
        bad_smiles: Name, SMILES and reason of those that cannot be used.
        dropped: Reason -> what was left out.
        clipped: Responses outside [-100, 150], set to the nearest bound.
        censored: Half-effect concentrations that are bounds of the tested range, not measured.
        notes: Sentences on what was assumed.
    """

    file: str
    format: str
    title: str
    kind: str
    rows_read: int = 0
    cell_line: str = ""
    lines_in_file: list[str] = field(default_factory=list)
    named: int = 0
    merged: list[list[str]] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)
    bad_smiles: list[tuple[str, str, str]] = field(default_factory=list)
    dropped: dict[str, Dropped] = field(default_factory=dict)
    clipped: int = 0
    censored: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Responses:
    """One row a measured point.

    Attributes:
        kind: Key of `KINDS`.
        compounds: The distinct compounds.
        compound: int32 `[rows]`, index into `compounds`.
        log_conc: float32 `[rows]`, log10 of mol/l; NaN where there is none (kind "active").
        gi: float32 `[rows]`, percent growth in [-100, 150], lower is more effective; for "active" 1 or 0.
        cell_line: int16 `[rows]`, index into `cell_lines`.
        cell_lines: Canonical names; one "unnamed" if the file has none.
        summary: What was read, resolved, merged, clipped, censored and dropped.
    """

    kind: str
    compounds: Compounds
    compound: np.ndarray
    log_conc: np.ndarray
    gi: np.ndarray
    cell_line: np.ndarray
    cell_lines: list[str]
    summary: Summary

    def __len__(self) -> int:
        return len(self.gi)
