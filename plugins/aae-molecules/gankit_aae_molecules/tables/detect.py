"""Which format a table is of, by its column names; never by guessing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gankit_aae_molecules.tables import ccle, gdsc, nci
from gankit_aae_molecules.tables.opening import Table
from gankit_aae_molecules.tables.reading import Reading


@dataclass(frozen=True)
class Format:
    """A published format.

    Attributes:
        name: Short.
        title: In words.
        kind: Of its responses, a key of `responses.KINDS`.
        matches: Is given the columns and the first row.
        read: Reads all points.
    """

    name: str
    title: str
    kind: str
    matches: Callable[[list[str], list[str]], bool]
    read: Callable[[Reading], None]


FORMATS = (
    Format("ccle", "CCLE drug data, a curve a row", "viability", ccle.matches, ccle.read),
    Format("gdsc-raw", "GDSC raw plates, a well a row", "viability", gdsc.raw_matches, gdsc.read_raw),
    Format("gdsc-fitted", "GDSC fitted curves (LN_IC50)", "gi50", gdsc.fitted_matches, gdsc.read_fitted),
    Format("gdsc-matrix", "GDSC matrix of LN_IC50, drugs by lines", "gi50", gdsc.matrix_matches, gdsc.read_matrix),
    Format("nci-doseresp", "NCI-60 DOSERESP", "growth", nci.doseresp_matches, nci.read_doseresp),
    Format("nci-gi50", "NCI-60 GI50", "gi50", nci.gi50_matches, nci.read_gi50),
)
GENERIC = "a table with SMILES (or 166 MACCS columns) and a concentration with its response, a pIC50, or a label"


def detect(table: Table) -> Format | None:
    """The format of a table; None if it is none of `FORMATS`."""
    return next((found for found in FORMATS if found.matches(table.columns, table.first)), None)
