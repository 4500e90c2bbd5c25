"""One name for each cell line."""

import pytest
from gankit_aae_molecules.tables.cell_lines import Wanted, canonical

from gankit.errors import UsageError


@pytest.mark.parametrize(
    ("names", "one"),
    [
        (["MCF7", "MCF-7", "mcf7", " MCF 7 ", "MCF7_BREAST", "BR:MCF7", "ACH-000019", "905946", "905946.0"], "MCF7"),
        (["MDA-MB-231/ATCC", "MDAMB231_BREAST", "BR:MDA_MB_231", "ACH-000768"], "MDAMB231"),
        (["HL-60(TB)", "HL-60", "LE:HL_60", "HL60_HAEMATOPOIETIC_AND_LYMPHOID_TISSUE", "ACH-000002"], "HL60"),
        (["OVCAR-3", "NIHOVCAR3_OVARY", "NIH:OVCAR-3", "OV:OVCAR_3", "ACH-000001"], "OVCAR3"),
        (["786-0", "786-O", "786O_KIDNEY", "RE:786_0"], "7860"),
        (["U251", "U251MG_CENTRAL_NERVOUS_SYSTEM", "U-251 MG", "CNS:U251"], "U251"),
        (["A549/ATCC", "A549_LUNG", "LC:A549"], "A549"),
        (["SR", "SR-786"], "SR"),
        (["TT", "TT_THYROID", "ACH-001321"], "TT"),
        (["T-T", "TT_OESOPHAGUS", "ACH-000561"], "T-T"),
        (["KM-H2", "KMH2_HAEMATOPOIETIC_AND_LYMPHOID_TISSUE"], "KM-H2"),
        (["KMH-2", "KMH2_THYROID"], "KMH-2"),
        (["ACH-009999"], "ACH-009999"),
        (["", "  "], ""),
    ],
)
def test_names(names, one):
    assert {canonical(name) for name in names} == {one}


def test_lines_that_are_not_one():
    names = [
        "MCF7",
        "MCF7-E6",
        "NCI/ADR-RES",
        "OVCAR-8",
        "MDA-MB-435",
        "MDA-N",
        "SK-MEL-2",
        "SK-MEL-28",
        "PC-3",
        "TT",
        "T-T",
    ]
    assert len({canonical(name) for name in names}) == len(names)


def test_every_name_of_the_table_is_its_own(test_data):
    import csv

    with open(test_data / "mol/ccle/Cell_lines_annotations_20181226.txt") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["CCLE_ID"] != "NA"]
    names = [canonical(row["CCLE_ID"]) for row in rows]
    assert len(set(names)) == len(names) > 1400
    known = [(canonical(row["CCLE_ID"]), canonical(row["depMapID"])) for row in rows]
    both = [(a, b) for a, b in known if not b.startswith("ACH-") and b not in ("NA", "")]
    assert len(both) > 95 and all(a == b for a, b in both)


def test_pools():
    def chosen(**asked):
        lines, mask = Wanted(**asked).of(["MCF-7", "T-47D", "BT-549", ""])
        return list(lines[mask])

    assert chosen() == chosen(pool="ALL") == chosen(cell_line="MCF7", pool="all") == ["MCF7", "T47D", "BT549"]
    assert chosen(cell_line="MCF7_BREAST") == ["MCF7"]
    assert chosen(pool="t47d, MCF7") == ["MCF7", "T47D"]
    assert chosen(cell_line="BT549", pool="T47D") == ["T47D", "BT549"]


def test_a_line_that_is_not_there():
    wanted = Wanted("MFC7", "all")
    wanted.of(["MCF7", "T47D"])
    with pytest.raises(UsageError, match="'MFC7'") as error:
        wanted.missing("x.csv")
    assert "'MCF7'" in error.value.hint
