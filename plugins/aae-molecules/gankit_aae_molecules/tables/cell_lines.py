"""One name for each cell line, however a database writes it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import numpy as np

from gankit.errors import UsageError, did_you_mean
from gankit_aae_molecules.shipped import csv_rows

UNNAMED = "unnamed"  # the line of a file that has no column of lines

_PANEL = re.compile(r"^(BR|CNS|CO|LC|LE|ME|OV|PR|RE):")  # CellMiner
_SOURCE = re.compile(r"[/ ]?\(?ATCC\)?$")  # NCI
_TISSUE = re.compile(
    r"_(ADRENAL_CORTEX|AUTONOMIC_GANGLIA|BILIARY_TRACT|BONE|BREAST|CENTRAL_NERVOUS_SYSTEM|CERVIX|ENDOMETRIUM|EYE"
    r"|FIBROBLAST|HAEMATOPOIETIC_AND_LYMPHOID_TISSUE|KIDNEY|LARGE_INTESTINE|LIVER|LUNG|OESOPHAGUS|OVARY|PANCREAS"
    r"|PLACENTA|PLEURA|PROSTATE|SALIVARY_GLAND|SKIN|SMALL_INTESTINE|SOFT_TISSUE|STOMACH|TESTIS|THYROID"
    r"|UPPER_AERODIGESTIVE_TRACT|URINARY_TRACT|VULVA)$"
)  # CCLE

# Two pairs of lines differ by nothing but punctuation, or by their tissue in CCLE.
_APART = {
    "TT_OESOPHAGUS": "T-T",
    "T-T": "T-T",
    "T.T": "T-T",
    "ACH-000561": "T-T",
    "TT_THYROID": "TT",
    "ACH-001321": "TT",
    "KMH2_THYROID": "KMH-2",
    "KMH-2": "KMH-2",
    "ACH-002397": "KMH-2",
    "KMH2_HAEMATOPOIETIC_AND_LYMPHOID_TISSUE": "KM-H2",
    "KM-H2": "KM-H2",
    "ACH-000815": "KM-H2",
}


@cache
def canonical(name: str) -> str:
    """The name of a cell line in capitals and digits.

    DepMap's and COSMIC's numbers are known for the NCI-60 and other common lines; of another line they stay as they
    are.

    Args:
        name: As any database writes it.

    Returns:
        "" if it is blank.

    Examples:
        >>> {canonical(name) for name in ("MCF-7", "MCF7_BREAST", "BR:MCF7", "ACH-000019")}
        {'MCF7'}
    """
    text = name.strip().upper()
    if text in _APART:
        return _APART[text]
    text = re.sub(r"^(COSMIC[-_: ]*)?(\d{6,7})(\.0)?$", r"\2", text)
    if text in _known():
        return _known()[text]
    text = _TISSUE.sub("", _SOURCE.sub("", _PANEL.sub("", text)))
    bare = re.sub(r"[^A-Z0-9]", "", text) if not re.fullmatch(r"ACH-\d+", text) else text
    return _known().get(bare, bare or text)


@cache
def _known() -> dict[str, str]:
    """Numbers and other names -> canonical names."""
    found = {}
    for row in csv_rows(__package__, "cell_lines.csv"):
        for other in (row["depmap"], row["cosmic"], *row["others"].split()):
            if other:
                found[other] = row["name"]
    return found


class Wanted:
    """Which rows of a file are of the wanted cell lines.

    Args:
        cell_line: One line.
        pool: Lines between commas, or "all". Neither: all lines. Both: the pooled lines and the one.

    Attributes:
        lines: Canonical names; None for all.
        cell_line: Canonical; "" if none is asked for.
        present: The lines that the file has.
    """

    def __init__(self, cell_line: str | None = None, pool: str | None = None) -> None:
        self.cell_line = canonical(cell_line) if cell_line else ""
        self.written = {self.cell_line: cell_line.strip()} if cell_line else {}
        self.lines: set[str] | None = None
        if (pool or ("" if cell_line else "all")).strip().lower() != "all":
            self.written |= {canonical(name): name.strip() for name in (pool or "").split(",") if name.strip()}
            self.lines = set(self.written)
        self.present: set[str] = set()

    def of(self, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Canonical names of rows, and which of them are wanted.

        Args:
            names: `[rows]`, as the file writes them.

        Returns:
            Strings `[rows]` (object) and bool `[rows]`.
        """
        found = np.array([canonical(name) for name in names] + [None], object)[:-1]
        self.present.update(found.tolist())
        wanted = np.array([bool(name) and (self.lines is None or name in self.lines) for name in found], bool)
        return found, wanted

    def missing(self, file: str) -> None:
        """Checks, after the whole file, that it has every line that was asked for.

        Raises:
            UsageError: It lacks one.
        """
        present = [name for name in self.present if name]
        asked = (self.lines or set()) | ({self.cell_line} if self.cell_line else set())
        for name in sorted(asked - set(present)):
            if not present or present == [UNNAMED]:
                raise UsageError(
                    f"{file} has no column of cell lines, so {self.written[name]!r} cannot be chosen",
                    "leave the cell line out, or name the column with --columns cell_line=NAME",
                )
            hint = did_you_mean(name, present)
            if hint.startswith("known") and len(present) > 20:
                hint = f"it has {len(present)} lines, such as {', '.join(sorted(present)[:10])}"
            raise UsageError(f"{file} has no cell line {self.written[name]!r}", hint)
