"""What a chemist asks of a candidate before looking closer: likeness to drugs, ease of synthesis, known nuisances."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from functools import cache
from typing import Any

from rdkit import rdBase
from rdkit.Chem import QED, Crippen, Descriptors, FilterCatalog, Lipinski

from gankit_aae_molecules.chemistry.standard import molecule


@dataclass(frozen=True)
class Properties:
    """Figures of one molecule.

    Attributes:
        weight: Molecular weight in g/mol.
        logp: Crippen's estimate of log10 of the partition coefficient between octanol and water.
        qed: Quantitative estimate of drug-likeness, 0 to 1 (Bickerton et al., Nat. Chem. 4, 2012).
        sa: Synthetic accessibility, 1 easy to 10 hard (Ertl & Schuffenhauer, J. Cheminform. 1, 2009).
        np: Likeness to natural products, about -5 to 5 (Ertl et al., J. Chem. Inf. Model. 48, 2008).
        lipinski: Rules of five that are broken, 0 to 4 (Lipinski et al. 1997).
        pains: Name of the first pattern of pan-assay interference that is found (Baell & Holloway, J. Med. Chem. 53,
            2010), "" for none.
    """

    weight: float
    logp: float
    qed: float
    sa: float
    np: float
    lipinski: int
    pains: str


def properties(smiles: str) -> Properties:
    """The figures of a SMILES.

    Raises:
        BadMolecule: It cannot be used.
    """
    from rdkit.Contrib.NP_Score import npscorer
    from rdkit.Contrib.SA_Score import sascorer

    found = molecule(smiles)
    with rdBase.BlockLogs():
        weight, logp = float(Descriptors.MolWt(found)), float(Crippen.MolLogP(found))
        rules = (weight > 500, logp > 5, Lipinski.NumHDonors(found) > 5, Lipinski.NumHAcceptors(found) > 10)
        match = _pains().GetFirstMatch(found)
        return Properties(
            weight,
            logp,
            float(QED.qed(found)),
            float(sascorer.calculateScore(found)),
            float(npscorer.scoreMol(found, _natural())),
            sum(rules),
            match.GetDescription() if match is not None else "",
        )


@cache
def _pains() -> Any:
    chosen = FilterCatalog.FilterCatalogParams()
    chosen.AddCatalog(FilterCatalog.FilterCatalogParams.FilterCatalogs.PAINS)
    return FilterCatalog.FilterCatalog(chosen)


@cache
def _natural() -> Any:
    from rdkit.Contrib.NP_Score import npscorer

    with contextlib.redirect_stderr(io.StringIO()):  # it speaks while it reads
        return npscorer.readNPModel()
