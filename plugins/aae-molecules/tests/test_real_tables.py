"""The formats on real files of the development data, where they are."""

import csv

import numpy as np
import pytest
from gankit_aae_molecules.chemistry.standard import standardise
from gankit_aae_molecules.tables import SmilesTable, Unresolved, describe, read, text
from gankit_aae_molecules.tables.points import Identity

from gankit.errors import DataError


@pytest.fixture
def mol(test_data):
    return test_data / "mol"


def test_ccle_as_downloaded(mol):
    found = read(mol / "ccle/CCLE_NP24.2009_Drug_data_2015.02.24.csv")
    summary = found.summary
    assert summary.rows_read == 11_670 and summary.named == 24 and len(found.cell_lines) == 504
    assert summary.unresolved == ["LBW242"] and len(found.compounds) == 23
    lost = summary.dropped["points of compounds without a usable SMILES"].count
    assert list(summary.dropped) == ["points of compounds without a usable SMILES"]
    assert len(found) + lost == 93_251 and lost == 4_016
    assert summary.clipped == 292 and summary.censored == 6_451
    assert found.gi.min() == -100 and found.gi.max() == 150
    assert round(float(np.median(found.gi)), 1) == 94.0
    assert found.log_conc.min() == pytest.approx(np.log10(0.0025e-6)) and found.log_conc.max() == pytest.approx(
        np.log10(8e-6)
    )
    # The file's third row: PD-0325901 on OCI-AML2 starts at -62.
    row = np.flatnonzero(found.gi == 38)[0]
    assert (
        found.compounds.name[found.compound[row]] == "PD-0325901"
        and found.cell_lines[found.cell_line[row]] == "OCIAML2"
    )
    words = text(describe(found))
    assert "24 named, 23 resolved" in words and "LBW242" in words and "504 of 504" in words


@pytest.mark.parametrize("name", ["MCF7", "ACH-000019", "BR:MCF7"])
def test_ccle_mcf7(mol, name):
    found = read(mol / "ccle/CCLE_NP24.2009_Drug_data_2015.02.24.csv", cell_line=name)
    assert found.summary.named == 23 and len(found.compounds) == 22 and found.cell_lines == ["MCF7"]
    assert len(found) == 175 and found.summary.dropped["points of compounds without a usable SMILES"].count == 8


def test_our_ccle_drugs_are_those_of_the_reference(mol):
    known = SmilesTable()
    with open(mol / "ccle/ccle_compound_smiles.csv", newline="") as file:
        rows = {row["compound"]: row["smiles"] for row in csv.DictReader(file)}
    compared = 0
    for name, smiles in rows.items():
        ours = known.of(Identity(name, {"name": name}))
        if smiles:
            assert standardise(ours).block == standardise(smiles).block, name
            compared += 1
        elif name == "L-685458":
            assert standardise(ours).inchikey == "MURCDOXDAHPNRQ-ZJKZPDEISA-N"
        else:
            assert ours == "" and name == "LBW242"
    assert compared == 22
    assert known.of(Identity("x", {"name": "palbociclib"})) == known.of(Identity("x", {"name": "PD0332991"})) != ""


def test_gdsc_raw(mol):
    path, known = mol / "gdsc/gdsc_raw_example_subset.csv.gz", mol / "gdsc/gdsc_drugid_smiles.csv"
    found = read(path, smiles_table=known)
    assert found.kind == "viability" and found.summary.rows_read == 41_851
    assert found.summary.named == 6 and sorted(found.compounds.name) == [
        "GDSC 1032",
        "GDSC 1036",
        "GDSC 1060",
        "GDSC 1268",
    ]
    assert found.summary.unresolved == ["GDSC 1003", "GDSC 1510"]
    lost = found.summary.dropped["points of compounds without a usable SMILES"].count
    assert len(found) == 1_533 and len(found) + lost == 2_779 and len(found.cell_lines) == 11
    mcf7 = read(path, smiles_table=known, cell_line="MCF-7")
    assert len(mcf7) == 7 + 7 + 14 + 7
    # By hand: plate by plate, means of the wells B and NC-1.
    with pytest.raises(Unresolved):
        read(path, cell_line="MCF7")
    assert np.allclose(sorted(mcf7.gi), sorted(_by_hand(path)), atol=1e-3)


def _by_hand(path):
    import pandas as pd

    wells = pd.read_csv(path).query("CELL_LINE_NAME == 'MCF7'")
    found = []
    for _, of_plate in wells.groupby("BARCODE"):
        blank = of_plate[of_plate.TAG == "B"].INTENSITY.mean()
        untreated = of_plate[of_plate.TAG == "NC-1"].INTENSITY.mean()
        drugs = of_plate[of_plate.TAG.str.startswith("L") & of_plate.DRUG_ID.isin([1032, 1036, 1060, 1268])]
        found += list(100 * (drugs.INTENSITY - blank) / (untreated - blank))
    return np.clip(found, -100, 150)


@pytest.mark.parametrize("file", ["gdsctools_IC50_v17", "deepcdr_GDSC_IC50"])
def test_gdsc_matrices(mol, file):
    found = read(mol / f"gdsc/{file}.csv.gz", smiles_table=mol / "gdsc/gdsc_drugid_smiles.csv", cell_line="MCF7")
    assert found.kind == "gi50" and set(found.gi) == {50}
    assert 190 < len(found.compounds) < 240 and found.cell_lines == ["MCF7"]
    assert -10 < found.log_conc.min() < -9 and -4 < found.log_conc.max() < -2


def test_nci_gi50(mol):
    found = read(mol / "nci60/AOD_IOA_GI50.csv", smiles_table=mol / "nci60/aod_ioa_nsc_smiles.csv", cell_line="MCF7")
    assert found.kind == "gi50" and found.summary.rows_read == 10_849
    assert found.summary.named == 168 and len(found) == 152
    assert len(found.compounds) == 134 and len(found.summary.unresolved) == 16
    # The same values as the joined table of the same source has.
    joined = read(mol / "nci60/mcf7_pgi50_smiles.csv")
    assert joined.kind == "potency" and len(joined) == 152
    assert np.allclose(np.sort(joined.log_conc), np.sort(found.log_conc), atol=1e-3)


@pytest.mark.slow
def test_potencies(mol):
    found = read(mol / "benchmarks/kekulescope_LoVo_pIC50.csv")
    assert found.kind == "potency" and found.summary.rows_read == 1_120
    assert len(found) == 1_120 and len(found.compounds) < found.summary.named < 1_120 and not found.summary.bad_smiles
    assert found.log_conc[0] == pytest.approx(-6.17)


def test_breast_panel_labels(mol, tmp_path):
    import gzip

    with gzip.open(mol / "nci60/iacp_BRE.csv.gz", "rt") as file:
        head, *rows = file.readlines()
    labels = [row.rsplit(",", 1)[1].strip() for row in rows]
    assert len(rows) == 41_782 and labels.count("1") == 973
    (tmp_path / "some.csv").write_text(head + "".join(rows[::40]))
    found = read(tmp_path / "some.csv")
    assert found.kind == "active" and found.summary.rows_read == 1_045
    assert np.isnan(found.log_conc).all() and set(found.gi) == {0, 1}
    assert found.gi.sum() == labels[::40].count("1")
    assert [name for name, *_ in found.summary.bad_smiles] == ["NSC 88357"] and len(found) == 1_044
    assert found.compounds.name[0] == "NSC 131074"


@pytest.mark.slow
def test_the_whole_breast_panel(mol):
    found = read(mol / "nci60/iacp_BRE.csv.gz")
    assert found.summary.rows_read == 41_782
    assert len(found.summary.bad_smiles) == 80 and len(found) == 41_702  # among them 6 of the 973 active ones
    assert found.gi.sum() == 967 and len(found.compounds) == 41_685


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("nci60/dtp_nci60_compounds.csv.gz", "z-scores"),
        ("nci60/nsc_smiles_splits_k7.csv", "no known format"),
        ("ccle/Cell_lines_annotations_20181226.txt", "no known format"),
        ("gdsc/deepcdr_drug_list.csv", "no known format"),
        ("library/rdkit_NCI_first_5K.smi", "no known format"),
    ],
)
def test_other_tables_are_refused(mol, file, said):
    with pytest.raises(DataError, match=said):
        read(mol / file)
