"""The drug data of the Cancer Cell Line Encyclopedia (Barretina et al., Nature 483, 2012), as downloaded.

A row is a curve: doses in umol/l and activities are comma lists in quotes. Activity 0 is no effect and -100 a full
loss of viability against the untreated control, so percent growth is 100 + activity.
"""

from __future__ import annotations

import itertools

import numpy as np

from gankit_aae_molecules.tables.columns import maybe, the
from gankit_aae_molecules.tables.points import Reading, log_molar

HIGHEST_DOSE = 8.0  # umol/l; an IC50 of this is a bound
MICRO = -6


def read(reading: Reading) -> None:
    """Reads the table."""
    columns = reading.table.columns
    line = the(columns, "cclecelllinename", "primarycelllinename")
    compound, doses, activities = (the(columns, name) for name in ("compound", "dosesum", "activitydatamedian"))
    bound = maybe(columns, "ic50um")
    for piece in reading.table.pieces():
        piece, lines = reading.of_lines(piece, line)
        names = piece[compound]
        lists = [
            tuple(text.split(",") if text else [] for text in pair)
            for pair in zip(piece[doses], piece[activities], strict=True)
        ]
        uneven = [i for i, (a, b) in enumerate(lists) if len(a) != len(b)]
        said = [f"{names[i]} on {lines[i]}: {len(lists[i][0])} and {len(lists[i][1])}" for i in uneven[:3]]
        reading.drop("curves with different counts of doses and activities", len(uneven), said)
        for i in uneven:
            lists[i] = ([], [])
        if bound is not None:
            reading.summary.censored += int((reading.numbers(piece[bound]) >= HIGHEST_DOSE).sum())
        counts = [len(a) for a, _ in lists]
        dose = reading.numbers(list(itertools.chain.from_iterable(a for a, _ in lists)))
        activity = reading.numbers(list(itertools.chain.from_iterable(b for _, b in lists)))
        codes = reading.identify(names, name=names)
        reading.add(np.repeat(codes, counts), np.repeat(lines, counts), log_molar(dose, MICRO), 100 + activity)
