"""Pictures and structure files of candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem import AllChem, Draw
from rdkit.Chem.Draw import rdMolDraw2D

COLUMNS, CELL = 5, (300, 260)  # of a grid; pixels


def grid(rows: Sequence[Mapping[str, Any]], out: Path, most: int = 50) -> Path:
    """The first molecules of a table as one PNG, each with its rank, name and response."""
    with rdBase.BlockLogs():
        molecules = [Chem.MolFromSmiles(row["smiles"]) for row in rows[:most]]
        legends = [_legend(row) for row in rows[:most]]
        options = rdMolDraw2D.MolDrawOptions()
        options.drawMolsSameScale, options.fixedBondLength = False, 30  # one long chain would make all others tiny
        options.legendFontSize = 18
        picture = Draw.MolsToGridImage(
            molecules, molsPerRow=COLUMNS, subImgSize=CELL, legends=legends, returnPNG=False, drawOptions=options
        )
    picture.save(out)
    return out


def _legend(row: Mapping[str, Any]) -> str:
    name = str(row["name"])
    agent = f" = {row['known_agent']}" if row["known_agent"] else ""
    return f"{row['rank']}. {name[:24]}{agent[:24]}, predicted {row['response']:.3g}"


def write_sdf(rows: Sequence[Mapping[str, Any]], out: Path) -> Path:
    """All molecules with flat coordinates, and the columns of the table as properties."""
    with rdBase.BlockLogs(), Chem.SDWriter(str(out)) as writer:
        for row in rows:
            found = Chem.MolFromSmiles(row["smiles"])
            AllChem.Compute2DCoords(found)
            found.SetProp("_Name", str(row["name"]))
            for key, value in row.items():
                found.SetProp(key, "" if value is None else str(value))
            writer.write(found)
    return out
