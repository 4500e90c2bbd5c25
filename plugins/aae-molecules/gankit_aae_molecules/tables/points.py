"""Points as they come out of a file: filtered, checked and counted, a piece at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from gankit_aae_molecules.tables.cell_lines import UNNAMED, Wanted
from gankit_aae_molecules.tables.pieces import Piece, PiecewiseTable
from gankit_aae_molecules.tables.responses import EXAMPLES, Dropped, Summary

LOWEST, HIGHEST = -100.0, 150.0  # percent growth


@dataclass(frozen=True)
class Identity:
    """What a file says of a compound.

    Attributes:
        name: For people.
        ids: Kind ("name", "nsc", "drug_id", ...) -> the value by which a table of SMILES may know it.
        smiles: If the file has it, else "".
        bits: MACCS keys, uint8 `[166]`, if the file has them in place of SMILES.
    """

    name: str
    ids: Mapping[str, str] = field(default_factory=dict)
    smiles: str = ""
    bits: np.ndarray | None = None


class Reading:
    """Gathers the points of a file.

    Args:
        table: The file.
        wanted: The cell lines.
        summary: Is counted into.

    Attributes:
        identities: The compounds, as the file tells them apart.
    """

    def __init__(self, table: PiecewiseTable, wanted: Wanted, summary: Summary) -> None:
        self.table, self.wanted, self.summary = table, wanted, summary
        self.identities: list[Identity] = []
        self._codes: dict[str, int] = {}
        self._lines: dict[str, int] = {}
        self._parts: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []

    def of_lines(self, piece: Piece, column: str | None) -> tuple[Piece, np.ndarray]:
        """The rows of the wanted lines, and their canonical names `[rows]`; rows that name none are dropped.

        Args:
            piece: Rows.
            column: Of the lines; None if the file has none, and all rows are of the line "unnamed".
        """
        if column is None:
            lines = np.full(len(next(iter(piece.values()))), UNNAMED, object)
            self.wanted.present.add(UNNAMED)
            return piece, lines
        lines, mask = self.wanted.of(piece[column])
        self.drop("no cell line", int((lines == "").sum()))
        return {name: values[mask] for name, values in piece.items()}, lines[mask]

    def drop(self, reason: str, count: int = 1, examples: Sequence[str] = ()) -> None:
        """Counts what is left out."""
        if count:
            self.summary.dropped.setdefault(reason, Dropped()).add(count, examples)

    def note(self, sentence: str) -> None:
        """Says what was assumed, once."""
        if sentence not in self.summary.notes:
            self.summary.notes.append(sentence)

    def numbers(self, values: Sequence[str]) -> np.ndarray:
        """Strings as float64 `[n]`; NaN for what is no number. In files without commas as separators, 0,5 is 0.5."""
        texts = pd.Series(values, dtype=object)
        if self.table.separator != ",":
            texts = texts.str.replace(r"^([+-]?\d*),(\d+(?:[eE][+-]?\d+)?)$", r"\1.\2", regex=True)
        return pd.to_numeric(texts, errors="coerce").to_numpy(np.float64)

    def bounds(self, values: Sequence[str]) -> np.ndarray:
        """`numbers` of half-effect doses, of which some are bounds such as >10: their numbers, counted as censored."""
        texts = pd.Series(values, dtype=object)
        signs = texts.str.match(r"^[<>≤≥]=?\s*[\d.,+-]").fillna(False).to_numpy(bool)
        self.summary.censored += int(signs.sum())
        return self.numbers(texts.str.replace(r"^[<>≤≥]=?\s*", "", regex=True))

    def identify(
        self, keys: Sequence[str], identity: Sequence[Identity] | None = None, **columns: Sequence[str]
    ) -> np.ndarray:
        """Numbers of compounds; what is new gets the next one.

        Args:
            keys: `[rows]`, equal for equal compounds.
            identity: `[rows]`, if it is not given by columns.
            **columns: `[rows]` each: "name", "smiles", or a kind of id.

        Returns:
            int32 `[rows]`; -1 where a key is blank.
        """
        keys = np.asarray(keys, object)
        places, distinct = pd.factorize(keys)
        _, first = np.unique(places, return_index=True)
        codes = np.full(len(distinct), -1, np.int32)
        for i, key in enumerate(distinct):
            if not key:
                continue
            if key not in self._codes:
                self._codes[key] = len(self.identities)
                row = first[i]
                fields = {kind: values[row] for kind, values in columns.items()}
                smiles = fields.pop("smiles", "")
                own = Identity(fields.get("name") or key, fields, smiles)
                self.identities.append(own if identity is None else identity[row])
            codes[i] = self._codes[key]
        return codes[places]

    def add(
        self, compound: np.ndarray, lines: np.ndarray, log_conc: np.ndarray, gi: np.ndarray, labels: bool = False
    ) -> None:
        """Takes points of wanted lines.

        Args:
            compound: `[rows]`, from `identify`.
            lines: `[rows]`, from `of_lines`.
            log_conc: `[rows]`, log10 of mol/l; not finite where it is missing or the concentration is not positive.
            gi: `[rows]`, percent growth, or with `labels` 1 and 0.
            labels: There are no concentrations, and nothing is clipped.
        """
        nameless = compound < 0
        self.drop("no compound", int(nameless.sum()))
        bad_gi = ~np.isfinite(gi) & ~nameless
        reason = "label is not 0 or 1" if labels else "response is no number"
        self.drop(reason, int(bad_gi.sum()), self._names(compound, bad_gi))
        good = ~nameless & ~bad_gi
        if not labels:
            bad_dose = good & ~np.isfinite(log_conc)
            self.drop("concentration is no number above 0", int(bad_dose.sum()), self._names(compound, bad_dose))
            good &= ~bad_dose
            clipped = np.clip(gi, LOWEST, HIGHEST)
            self.summary.clipped += int((clipped[good] != gi[good]).sum())
            gi = clipped
        codes = np.array([self._lines.setdefault(name, len(self._lines)) for name in lines[good]], np.int64)
        self._parts.append((compound[good], codes, log_conc[good].astype(np.float32), gi[good].astype(np.float32)))

    def points(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[str]]:
        """All points: compound, cell line, log_conc, gi `[rows]`, and the lines' names, sorted."""
        names = sorted(self._lines)
        order = {name: i for i, name in enumerate(names)}
        ranks = np.array([order[name] for name in self._lines], np.int64)
        compound, line, log_conc, gi = (
            (np.concatenate(part) for part in zip(*self._parts, strict=True))
            if self._parts
            else [np.zeros(0, np.int64)] * 4
        )
        return compound.astype(np.int32), ranks[line.astype(np.int64)] if len(line) else line, log_conc, gi, names

    def _names(self, compound: np.ndarray, rows: np.ndarray) -> list[str]:
        some = dict.fromkeys(compound[rows][:1000].tolist())
        return [self.identities[i].name for i in list(some)[:EXAMPLES]]


def log_molar(values: np.ndarray, exponent: int) -> np.ndarray:
    """log10 of mol/l of concentrations in 10^exponent mol/l; NaN for those not above 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values > 0, np.log10(values), np.nan) + exponent
