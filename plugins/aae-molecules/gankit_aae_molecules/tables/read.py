"""A drug-response table -> `Responses`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from gankit.errors import DataError
from gankit_aae_molecules.tables import generic
from gankit_aae_molecules.tables.cell_lines import UNNAMED, Wanted
from gankit_aae_molecules.tables.compounds import SmilesTable, resolve
from gankit_aae_molecules.tables.formats import FORMATS, GENERIC, Format, detect
from gankit_aae_molecules.tables.pieces import PiecewiseTable
from gankit_aae_molecules.tables.points import Reading
from gankit_aae_molecules.tables.responses import Responses, Summary

log = logging.getLogger("gankit")

MOST_LINES = np.iinfo(np.int16).max
FAR = -3.0  # log10 of mol/l


def read(
    path: Path | str,
    *,
    cell_line: str | None = None,
    pool: str | None = None,
    smiles_table: Path | str | None = None,
    columns: Mapping[str, str] | Sequence[str] | str | None = None,
    tell: Callable[[str], object] = log.info,
) -> Responses:
    """Reads a table of any known format, detected by its column names.

    Args:
        path: CSV or TSV, also compressed by gzip.
        cell_line: The line to read, by any name (MCF7, MCF-7, MCF7_BREAST, BR:MCF7, ACH-000019).
        pool: Lines between commas that are read too, or "all". Without `cell_line` and `pool` all lines are read.
        smiles_table: Names or numbers of compounds with their SMILES; comes before the drugs of CCLE, which are known.
        columns: Which column plays which role (`columns.ROLES`), in a table of no known format.
        tell: Is given sentences for people.

    Returns:
        Points of compounds whose structure is known, in the order of the file.

    Raises:
        DataError: The file cannot be read, is of no known format, or nothing usable is left.
        compounds.Unresolved: No structure is known.
        UsageError: A cell line, a role, a column or a unit is wrong or missing.
    """
    table, known = PiecewiseTable(Path(path)), SmilesTable(None if smiles_table is None else Path(smiles_table))
    wanted = Wanted(cell_line, pool)
    found = _format(table, columns)
    if not table.first:
        raise DataError(f"{table.path.name} has column names and no rows", "give a table with rows")
    summary = Summary(table.path.name, found.name, found.title, found.kind, cell_line=wanted.cell_line)
    reading = Reading(table, wanted, summary)
    found.read(reading)
    summary.rows_read = table.count
    reading.drop("rows with more fields than columns", table.ragged.count, table.ragged.examples)
    if any(wanted.present):
        wanted.missing(table.path.name)
    summary.lines_in_file = sorted(name for name in wanted.present if name and name != UNNAMED)
    return _resolved(reading, known, tell)


def _format(table: PiecewiseTable, columns: Mapping[str, str] | Sequence[str] | str | None) -> Format:
    """A known format, or a generic one by the roles of its columns."""
    if not columns and (found := detect(table)):
        return found
    chosen = generic.roles(table.columns, columns)
    if not chosen:
        names = [f"{known.name} ({known.title})" for known in FORMATS]
        raise generic.unknown(table.path.name, table.columns, [*names, GENERIC])
    title = ", ".join(f"{role}: {column.name}" for role, column in chosen.items())
    kind = generic.KINDS[next(role for role in generic.RESPONSES if role in chosen)]
    return Format("generic", title, kind, partial(generic.read, chosen=chosen))


def _resolved(reading: Reading, known: SmilesTable, tell: Callable[[str], object]) -> Responses:
    summary, wanted = reading.summary, reading.wanted
    compound, line, log_conc, gi, lines = reading.points()
    if not len(gi):
        reasons = "; ".join(f"{reason}: {dropped.count}" for reason, dropped in summary.dropped.items())
        raise DataError(
            f"{summary.file} has no usable response" + (f" ({reasons})" if reasons else ""),
            "; ".join(summary.notes) or "convert these values, or name the columns with their units (--columns)",
        )
    if summary.kind in ("gi50", "potency") and (far := int((log_conc > FAR).sum())):
        reading.note(f"{far} half-effect doses are above 1 mmol/l: extrapolated, as nobody doses that much")
    if len(lines) > MOST_LINES:
        raise DataError(f"{summary.file} names {len(lines)} cell lines", "is its column of cell lines the right one?")
    compounds, codes = resolve(reading.identities, known, summary)
    compound = codes[compound]
    kept = compound >= 0
    lost = sorted({reading.identities[i].name for i in np.flatnonzero(codes < 0)})
    reading.drop("points of compounds without a usable SMILES", int((~kept).sum()), lost)
    if not kept.any():
        raise DataError(
            f"{summary.file} has no usable response of a compound whose structure is known",
            "give --smiles-table for " + ", ".join(lost[:5]),
        )
    if len(lines) > 1 and wanted.lines is None:
        tell(f"the points of all {len(lines)} cell lines are pooled; choose with --cell-line or --pool")
    elif len(lines) > 1:
        tell(f"the points of {len(lines)} cell lines are pooled: {', '.join(lines[:10])}")
    unusable = len(summary.unresolved) + len(summary.bad_smiles)
    tell(
        f"{summary.file}: {int(kept.sum())} points of {len(compounds)} compounds"
        f" ({summary.named - unusable} of {summary.named} resolved"
        + (f"; without SMILES: {', '.join(summary.unresolved[:5])}" if summary.unresolved else "")
        + (f"; {len(summary.bad_smiles)} SMILES cannot be used" if summary.bad_smiles else "")
        + ")"
    )
    return Responses(
        summary.kind, compounds, compound[kept].astype(np.int32), log_conc[kept], gi[kept],
        line[kept].astype(np.int16), lines, summary,
    )  # fmt: skip
