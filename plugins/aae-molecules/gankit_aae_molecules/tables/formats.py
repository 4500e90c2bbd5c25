"""Which format a table is of, by its column names; never by guessing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gankit_aae_molecules.tables import ccle, gdsc, nci
from gankit_aae_molecules.tables.columns import plain
from gankit_aae_molecules.tables.pieces import PiecewiseTable
from gankit_aae_molecules.tables.points import Reading


@dataclass(frozen=True)
class Format:
    """A published format.

    Attributes:
        name: Short.
        title: In words.
        kind: Of its responses, a key of `responses.KINDS`.
        read: Reads all points.
        layouts: Plain names of the columns that it must have, between blanks, alternatives between bars; one layout is
            enough.
        fits: Whether columns and first row are its own, where names alone don't tell.
    """

    name: str
    title: str
    kind: str
    read: Callable[[Reading], None]
    layouts: tuple[str, ...] = ()
    fits: Callable[[list[str], list[str]], bool] = lambda columns, first: False


FORMATS = (
    Format(
        "ccle", "CCLE drug data, a curve a row", "viability", ccle.read,
        ("compound dosesum activitydatamedian cclecelllinename|primarycelllinename",),
    ),
    Format(
        "gdsc-raw", "GDSC raw plates, a well a row", "viability", gdsc.read_raw,
        ("tag drugid conc intensity celllinename barcode|scanid",),
    ),
    Format(
        "gdsc-fitted", "GDSC fitted curves (LN_IC50)", "gi50", gdsc.read_fitted,
        ("lnic50 celllinename drugid|drugname",),
    ),
    Format(
        "gdsc-matrix", "GDSC matrix of LN_IC50, drugs by lines", "gi50", gdsc.read_matrix, fits=gdsc.is_matrix
    ),
    Format(
        "nci-doseresp", "NCI-60 DOSERESP", "growth", nci.read_doseresp,
        ("nsc concentration concentrationunit cellname averagegiprcnt",),
    ),
    Format(
        "nci-gi50", "NCI-60 GI50", "gi50", nci.read_gi50,
        ("nsc cell nloggi50", "nsc cellname average concentrationunit"),
    ),
)  # fmt: skip
GENERIC = "a table with SMILES (or 166 MACCS columns) and a concentration with its response, a pIC50, or a label"


def detect(table: PiecewiseTable) -> Format | None:
    """The format of a table; None if it is none of `FORMATS`."""
    names = {plain(name) for name in table.columns}
    for found in FORMATS:
        wanted = [[set(word.split("|")) for word in layout.split()] for layout in found.layouts]
        if any(all(names & any_of for any_of in layout) for layout in wanted):
            return found
        if found.fits(table.columns, table.first):
            return found
    return None
