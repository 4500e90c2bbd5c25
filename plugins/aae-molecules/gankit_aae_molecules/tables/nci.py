"""The NCI-60 screen of the Developmental Therapeutics Program (Shoemaker, Nat. Rev. Cancer 6, 2006).

DOSERESP gives percent growth against a count at time zero as it is: 100 as the control, 0 stasis, -100 all killed.
The tables of GI50 give the logarithm of the dose at which it is 50.
"""

from __future__ import annotations

import re

import numpy as np

from gankit.errors import DataError
from gankit_aae_molecules.tables.columns import maybe, the
from gankit_aae_molecules.tables.points import Reading

MOLAR = ("M", "MOLAR")


def read_doseresp(reading: Reading) -> None:
    """Reads percent growth."""
    columns = reading.table.columns
    nsc, conc, unit, cell, gi = (
        the(columns, name) for name in ("nsc", "concentration", "concentrationunit", "cellname", "averagegiprcnt")
    )
    for piece in reading.table.pieces():
        piece, lines = reading.of_lines(piece, cell)
        piece, lines = _molar(reading, piece, lines, unit)
        reading.add(_compounds(reading, piece[nsc]), lines, reading.numbers(piece[conc]), reading.numbers(piece[gi]))


def read_gi50(reading: Reading) -> None:
    """Reads one point of half growth for each row.

    Raises:
        DataError: The file's name says that it is of TGI or LC50, whose columns are the same.
    """
    other = re.search(r"(?i)(?<![a-z])(TGI|LC50|IC50)(?![a-z])", reading.table.path.name)
    columns = reading.table.columns
    old = maybe(columns, "nloggi50")
    if other and old is None:
        raise DataError(
            f"{reading.table.path.name} is a table of {other.group(1).upper()}, whose columns are those of GI50",
            "give the table of GI50, or DOSERESP, which has the whole curves",
        )
    value = the(columns, "nloggi50", "average")
    nsc, cell = the(columns, "nsc"), the(columns, "cell" if old is not None else "cellname")
    unit = maybe(columns, "concunit", "concentrationunit")
    highest = maybe(columns, "lconc", "loghiconcentration")
    if unit is None:
        reading.note("the table has no units, so all concentrations are taken to be molar")
    for piece in reading.table.pieces():
        piece, lines = reading.of_lines(piece, cell)
        if unit is not None:
            piece, lines = _molar(reading, piece, lines, unit)
        dose = reading.numbers(piece[value]) * (-1 if old is not None else 1)
        if highest is not None:
            with np.errstate(invalid="ignore"):
                reading.summary.censored += int((dose >= reading.numbers(piece[highest])).sum())
        reading.add(_compounds(reading, piece[nsc]), lines, dose, np.full(len(dose), 50.0))


def _molar(reading: Reading, piece: dict, lines: np.ndarray, unit: str) -> tuple[dict, np.ndarray]:
    """Without what was dosed by mass or volume: mixtures and extracts of unknown molecular weight."""
    known = {text: text.upper() in MOLAR for text in set(piece[unit])}
    mask = np.array([known[text] for text in piece[unit]], bool)
    others = sorted(f"unit {text!r}" for text, molar in known.items() if not molar)
    reading.drop("concentration not in mol/l", int((~mask).sum()), others)
    return {name: values[mask] for name, values in piece.items()}, lines[mask]


def _compounds(reading: Reading, numbers: np.ndarray) -> np.ndarray:
    nsc = [re.sub(r"\.0$", "", text) for text in numbers]
    return reading.identify([number and f"NSC {number}" for number in nsc], nsc=nsc)
