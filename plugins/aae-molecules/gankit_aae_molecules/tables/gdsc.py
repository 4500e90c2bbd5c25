"""Genomics of Drug Sensitivity in Cancer: raw plates, fitted curves, and matrices of fitted half-effect doses.

Raw: a well's viability is (I - B) / (NC - B) of its plate, the means of wells without cells and of untreated wells
(Vis et al., Pharmacogenomics 17, 2016). Fitted: LN_IC50 is the natural logarithm of umol/l.
"""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np

from gankit_aae_molecules.tables.columns import maybe, plain, the
from gankit_aae_molecules.tables.points import Reading, log_molar

MICRO = -6
LN_10 = np.log(10.0)

_DRUG = re.compile(r"^[LR]\d+(-D\d+)?-S$")  # a drug of the library, or a reference drug, alone
_COSMIC_DRUG = re.compile(r"^Drug_(\d+)_IC50$", re.IGNORECASE)
_DEPMAP = re.compile(r"^ACH-\d{6}$")


def read_raw(reading: Reading) -> None:
    """Reads wells; a plate may lie in several pieces of the file."""
    columns = reading.table.columns
    tag, drug, conc, light, line = (the(columns, n) for n in ("tag", "drugid", "conc", "intensity", "celllinename"))
    plate_columns = [name for name in columns if plain(name) in ("barcode", "scanid")]
    plates: dict[tuple[str, ...], int] = {}
    # Sums and counts of a plate's wells: blank, NC-1, any other NC.
    controls: dict[int, np.ndarray] = defaultdict(lambda: np.zeros((3, 2)))
    wells: list[tuple[np.ndarray, ...]] = []
    for piece in reading.table.pieces():
        piece, lines = reading.of_lines(piece, line)
        if not len(lines):
            continue
        tags, intensity = piece[tag], reading.numbers(piece[light])
        keys = zip(*(piece[name] for name in plate_columns), strict=True)
        plate = np.array([plates.setdefault(key, len(plates)) for key in keys], np.int64)
        kinds = {name: _control(name) for name in set(tags)}
        kind = np.array([kinds[name] for name in tags])
        for which in range(3):
            rows = (kind == which) & np.isfinite(intensity)
            for number in np.unique(plate[rows]):
                of_plate = intensity[rows & (plate == number)]
                controls[int(number)][which] += of_plate.sum(), len(of_plate)
        drugs = kind == 3
        names = [_number(text) for text in piece[drug][drugs]]
        codes = reading.identify([name and f"GDSC {name}" for name in names], drug_id=names)
        wells.append((codes, lines[drugs], reading.numbers(piece[conc][drugs]), intensity[drugs], plate[drugs]))
        reading.drop("wells of two drugs", int((kind == 4).sum()))
    _normalise(reading, controls, wells, ["/".join(key) for key in plates])


def _normalise(
    reading: Reading, controls: dict[int, np.ndarray], wells: list[tuple[np.ndarray, ...]], names: list[str]
) -> None:
    blank, untreated = np.full(len(names), np.nan), np.full(len(names), np.nan)
    without = 0
    for number, sums in controls.items():
        which = 1 if sums[1, 1] else 2
        without += which == 2
        if sums[0, 1] and sums[which, 1]:
            blank[number], untreated[number] = sums[0, 0] / sums[0, 1], sums[which, 0] / sums[which, 1]
    if without:
        reading.note(f"{without} plates have no wells NC-1: their other untreated wells are used")
    usable = untreated > blank
    bad = np.flatnonzero(~usable)
    reading.drop("plates without usable controls", len(bad), [names[i] for i in bad[:3]])
    lost = sum(int((~usable[plate]).sum()) for *_, plate in wells)
    reading.drop("wells of plates without usable controls", lost)
    for codes, lines, conc, intensity, plate in wells:
        gi = 100 * (intensity - blank[plate]) / (untreated[plate] - blank[plate])
        kept = usable[plate]
        reading.add(codes[kept], lines[kept], log_molar(conc[kept], MICRO), gi[kept])


def _control(tag: str) -> int:
    """0 blank, 1 the untreated wells to prefer, 2 other untreated wells, 3 one drug, 4 two drugs, 5 anything else."""
    tag = tag.upper()
    if _DRUG.match(tag):
        return 3
    if re.match(r"^(L\d+|A\d+)(-D\d+)?-C$", tag):
        return 4
    return 0 if tag == "B" else 1 if tag == "NC-1" else 2 if re.match(r"^NC-?\d*$", tag) else 5


def read_fitted(reading: Reading) -> None:
    """Reads one point of half effect for each curve."""
    columns = reading.table.columns
    ln, line = the(columns, "lnic50"), the(columns, "celllinename")
    drug, name = maybe(columns, "drugid"), maybe(columns, "drugname")
    low, high = maybe(columns, "minconc"), maybe(columns, "maxconc")
    for piece in reading.table.pieces():
        piece, lines = reading.of_lines(piece, line)
        values = reading.numbers(piece[ln])
        given = {"drug_id": [_number(text) for text in piece[drug]]} if drug is not None else {}
        given |= {"name": piece[name]} if name is not None else {}
        # Of one compound, GDSC may have two numbers; the two are then merged by structure.
        keys = given["name"] if drug is None else [number and f"GDSC {number}" for number in given["drug_id"]]
        _half_effect(reading, reading.identify(keys, **given), lines, values)
        if low is not None and high is not None and len(values):
            dose = np.exp(values)
            with np.errstate(invalid="ignore"):
                outside = (dose < reading.numbers(piece[low])) | (dose > reading.numbers(piece[high]))
            reading.summary.censored += int(outside.sum())


def is_matrix(columns: list[str], first: list[str]) -> bool:
    """Whether these are drugs by DepMap's lines, or COSMIC's lines by drugs."""
    if plain(columns[0]) == "cosmicid":
        return len(columns) > 1 and all(_COSMIC_DRUG.match(name) for name in columns[1:])
    drugs = bool(first) and first[0].upper().startswith("GDSC:")
    return drugs and len(columns) > 1 and all(_DEPMAP.match(name) for name in columns[1:])


def read_matrix(reading: Reading) -> None:
    """Reads one point of half effect for each cell that is not empty."""
    reading.note("the matrix is taken to hold natural logarithms of umol/l, as GDSC's do")
    head, *rest = reading.table.columns
    by_line = plain(head) == "cosmicid"
    numbers = [_COSMIC_DRUG.match(name).group(1) if by_line else "" for name in rest]
    for piece in reading.table.pieces():
        for i, column in enumerate(rest):
            rows = np.array([value.upper() not in ("", "NA", "NAN") for value in piece[column]], bool)
            count = int(rows.sum())
            if by_line:
                lines, wanted = reading.wanted.of(piece[head][rows])
            else:
                lines, wanted = (np.repeat(one, count) for one in reading.wanted.of([column]))
            if not wanted.any():
                continue
            values = reading.numbers(piece[column][rows][wanted])
            drugs = [numbers[i]] * len(values) if by_line else [_number(v) for v in piece[head][rows][wanted]]
            codes = reading.identify([number and f"GDSC {number}" for number in drugs], drug_id=drugs)
            _half_effect(reading, codes, lines[wanted], values)


def _half_effect(reading: Reading, codes: np.ndarray, lines: np.ndarray, ln_micro: np.ndarray) -> None:
    reading.add(codes, lines, ln_micro / LN_10 + MICRO, np.full(len(ln_micro), 50.0))


def _number(text: str) -> str:
    """A drug's number: 1003 for 1003.0 and GDSC:1003."""
    return re.sub(r"(?i)^GDSC:|\.0$", "", text)
