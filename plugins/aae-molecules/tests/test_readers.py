"""Each format on a small file whose numbers are known."""

import gzip

import numpy as np
import pytest
from gankit_aae_molecules import tables
from gankit_aae_molecules.tables import Unresolved, read, write_unresolved

from gankit.errors import DataError, UsageError

CCLE = (
    "CCLE Cell Line Name,Primary Cell Line Name,Compound,Target,Doses (uM),Activity Data (median),Activity SD,"
    "Num Data,FitType,EC50 (uM),IC50 (uM),Amax,ActArea\n"
)
ASPIRIN, ETHANOL, BENZENE = "CC(=O)Oc1ccccc1C(=O)O", "CCO", "c1ccccc1"


@pytest.fixture
def write(tmp_path):
    def write(text, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def points(found):
    """Every point as a tuple: compound, line, dose in log10 mol/l, percent growth."""
    names = [found.compounds.name[i] for i in found.compound]
    lines = [found.cell_lines[i] for i in found.cell_line]
    doses = [None if np.isnan(dose) else round(float(dose), 4) for dose in found.log_conc]
    return list(zip(names, lines, doses, [round(float(gi), 3) for gi in found.gi], strict=True))


def counts(found):
    return {reason: dropped.count for reason, dropped in found.summary.dropped.items()}


def ccle_row(line, compound, doses, activities, ic50="1"):
    return f'{line},x,{compound},t,"{doses}","{activities}","1,1",8,Sigmoid,NA,{ic50},-1,1\n'


def test_ccle(write):
    text = (
        CCLE
        + ccle_row("MCF7_BREAST", "Erlotinib", ".0025,1,8", "0,-100,-53.5", "8")
        + ccle_row("T47D_BREAST", "erlotinib", "1,10", "-20,60")
        + ccle_row("T47D_BREAST", "Sorafenib", "1,2,4", "-1,-2")
        + ccle_row("T47D_BREAST", "Sorafenib", "1,0,4,-1", "-250,-2,NA,-3")
        + ccle_row("T47D_BREAST", "LBW242", "1,2", "-1,-2")
    )
    said = []
    found = read(write(text), tell=said.append)
    assert found.kind == "viability" and found.summary.format == "ccle"
    assert points(found) == [
        ("Erlotinib", "MCF7", -8.6021, 100),
        ("Erlotinib", "MCF7", -6, 0),
        ("Erlotinib", "MCF7", -5.0969, 46.5),
        ("Erlotinib", "T47D", -6, 80),
        ("Erlotinib", "T47D", -5, 150),
        ("Sorafenib", "T47D", -6, -100),
    ]
    assert counts(found) == {
        "curves with different counts of doses and activities": 1,
        "response is no number": 1,
        "concentration is no number above 0": 2,
        "points of compounds without a usable SMILES": 2,
    }
    assert found.summary.clipped == 2 and found.summary.censored == 1
    assert found.summary.unresolved == ["LBW242"] and found.summary.rows_read == 5
    assert found.summary.merged == [["Erlotinib", "erlotinib"]]
    assert [found.compound.dtype, found.log_conc.dtype, found.gi.dtype, found.cell_line.dtype] == [
        np.int32, np.float32, np.float32, np.int16,
    ]  # fmt: skip
    assert "all 2 cell lines" in said[0] and "LBW242" in said[1]
    one = read(write(text), cell_line="mcf-7")
    assert one.cell_lines == ["MCF7"] and len(one) == 3 and one.summary.cell_line == "MCF7"
    assert one.summary.lines_in_file == ["MCF7", "T47D"] and one.summary.unresolved == []
    with pytest.raises(UsageError, match="MFC7") as error:
        read(write(text), cell_line="MFC7")
    assert error.value.exit_code == 2


def plate(barcode, blank, untreated, wells, line="MCF7", tag="NC-1"):
    head = f"P,{barcode},{barcode}0,{line},"
    rows = [head + f"B,,,{value}" for value in blank] + [head + f"{tag},4000.0,,{value}" for value in untreated]
    rows += [head + f"{name},{drug},{conc},{value}" for name, drug, conc, value in wells]
    return "".join(row + "\n" for row in rows)


GDSC = "RESEARCH_PROJECT,BARCODE,SCAN_ID,CELL_LINE_NAME,TAG,DRUG_ID,CONC,INTENSITY\n"


def gdsc_text():
    return (
        GDSC
        + plate(1, [100, 300], [1000, 1400], [("L1-D1-S", "7.0", 10, 700), ("L1-D2-S", "7", 0.1, 1200)])
        + "P,1,10,MCF7,NC-0,,,90000\n"  # not looked at where there is NC-1
        + plate(2, [0], [500], [("L1-D1-S", 7, 1, 125)], "T47D", "NC-0")
        + plate(3, [], [500], [("L1-D1-S", 7, 1, 125)])
        + plate(4, [0], [100], [("L1-D1-S", 7, 1, 50), ("PC-1", 9, 4, 1), ("UN-USED", "", "", 1), ("L2-D1-C", 7, 1, 1)])
    )


@pytest.mark.parametrize("piece", [3, 50_000])
def test_gdsc_plates_are_normalised_by_their_own_controls(write, monkeypatch, piece):
    monkeypatch.setattr(tables.pieces, "PIECE", piece)  # plates that lie in several pieces
    known = write("DRUG_ID,smiles\n7,CCO\n", "known.csv")
    found = read(write(gdsc_text()), smiles_table=known)
    assert points(found) == [
        ("GDSC 7", "MCF7", -5, 50),
        ("GDSC 7", "MCF7", -7, 100),
        ("GDSC 7", "T47D", -6, 25),
        ("GDSC 7", "MCF7", -6, 50),
    ]
    assert found.kind == "viability"
    assert counts(found) == {
        "plates without usable controls": 1,
        "wells of plates without usable controls": 1,
        "wells of two drugs": 1,
    }
    assert found.summary.dropped["plates without usable controls"].examples == ["3/30"]
    assert any("NC-1" in note for note in found.summary.notes)
    assert len(read(write(gdsc_text()), smiles_table=known, cell_line="T47D")) == 1


def test_gdsc_fitted(write):
    text = (
        "DATASET,COSMIC_ID,CELL_LINE_NAME,DRUG_ID,DRUG_NAME,MIN_CONC,MAX_CONC,LN_IC50,AUC\n"
        f"GDSC1,905946,MCF7,1,Erlotinib,0.01,10,{np.log(2.0)},0.9\n"
        f"GDSC1,905945,T47D,1,Erlotinib,0.01,10,{np.log(50.0)},0.9\n"
    )
    found = read(write(text))
    assert found.kind == "gi50" and found.summary.censored == 1
    assert points(found) == [("Erlotinib", "MCF7", -5.699, 50), ("Erlotinib", "T47D", -4.301, 50)]


def test_gdsc_matrices_both_ways_round(write):
    known = write("drug_id,smiles\n1,CCO\n5,CCCO\n", "known.csv")
    by_drug = f'"","ACH-000019","ACH-000147"\n"GDSC:1",{np.log(1.0)},NA\n"GDSC:5",NA,{np.log(100.0)}\n'
    by_line = f"COSMIC_ID,Drug_1_IC50,Drug_5_IC50\n905946,{np.log(1.0)},\n905945,,{np.log(100.0)}\n"
    for text in (by_drug, by_line):
        found = read(write(text), smiles_table=known)
        assert found.kind == "gi50" and found.summary.format == "gdsc-matrix"
        assert sorted(points(found)) == [("GDSC 1", "MCF7", -6, 50), ("GDSC 5", "T47D", -4, 50)]
        assert counts(found) == {}
        assert points(read(write(text), smiles_table=known, cell_line="T47D")) == [("GDSC 5", "T47D", -4, 50)]


def test_nci_doseresp(write):
    text = (
        "RELEASE_DATE,EXPID,PREFIX,NSC,CONCENTRATION_UNIT,LOG_HI_CONCENTRATION,CONCENTRATION,PANEL_NAME,CELL_NAME,COUNT,"
        "AVERAGE_GIPRCNT,STDDEV\n"
        "2020,1,S,752,M,-4,-4.3,Breast Cancer,MCF7,1,-37.5,0\n"
        "2020,1,S,752,M,-4,-5.3,Breast Cancer,MDA-MB-231/ATCC,1,88,0\n"
        "2020,1,S,752,u,2,1.3,Breast Cancer,MCF7,1,12,0\n"
        "2020,1,S,740,M,-4,-8,Breast Cancer,MCF7,1,212,0\n"
    )
    known = write("NSC,NAME,SMILES\nNSC-752,a,CCO\n00740,b,CCCO\n", "known.csv")
    found = read(write(text), smiles_table=known)
    assert found.kind == "growth"
    assert points(found) == [
        ("NSC 752", "MCF7", -4.3, -37.5),
        ("NSC 752", "MDAMB231", -5.3, 88),
        ("NSC 740", "MCF7", -8, 150),
    ]
    assert counts(found) == {"concentration not in mol/l": 1} and found.summary.clipped == 1


def test_nci_gi50_old_and_new(write):
    known = write("NSC;SMILES\n1;CCO\n", "known.csv")
    old = "NSC,CONCUNIT,LCONC,PANEL,CELL,NLOGGI50\n1,M,-4,Breast,MCF7,5.5\n1,M,-4,Breast,T-47D,4\n1,u,2,B,T-47D,4\n"
    new = (
        "NSC,CONCENTRATION_UNIT,LOG_HI_CONCENTRATION,CELL_NAME,COUNT,AVERAGE\n1,M,-4,MCF7,1,-5.5\n1,M,-4,T-47D,1,-4\n"
        "1,u,2,T-47D,1,1\n"
    )
    for text in (old, new):
        found = read(write(text), smiles_table=known)
        assert found.kind == "gi50" and found.summary.format == "nci-gi50" and found.summary.censored == 1
        assert points(found) == [("NSC 1", "MCF7", -5.5, 50), ("NSC 1", "T47D", -4, 50)]
        assert counts(found) == {"concentration not in mol/l": 1}
    with pytest.raises(DataError, match="TGI"):
        read(write(new, "NCI60_TGI.csv"), smiles_table=known)


@pytest.mark.parametrize(
    ("head", "rows", "expected", "kind"),
    [
        ("SMILES,conc_uM,viability_percent", ["CCO,10,30", "CCO,1,130"], [(-5, 30), (-6, 130)], "viability"),
        (
            "smiles\tConcentration (nM)\tInhibition [%]",
            ["CCO\t100\t25", "CCO\t1\t-5"],
            [(-7, 75), (-9, 105)],
            "viability",
        ),
        (
            "smiles;dose (µM);viability fraction",
            ["CCO;0,5;0,25", "CCO;2;1"],
            [(-6.301, 25), (-5.699, 100)],
            "viability",
        ),
        ("Canonical_SMILES,log10_conc_M,GI", ["CCO,-4.5,-60", "CCO,-6,99"], [(-4.5, -60), (-6, 99)], "growth"),
        (
            "smiles,conc,unit,growth",
            ["CCO,10,uM,30", "CCO,1,mM,-5", "CCO,-7,log10M,3"],
            [(-5, 30), (-3, -5), (-7, 3)],
            "growth",
        ),
        ("smiles,pIC50", ["CCO,6.5", "CCO,4"], [(-6.5, 50), (-4, 50)], "potency"),
        ("smiles,IC50 (nM)", ["CCO,100", "CCO,1"], [(-7, 50), (-9, 50)], "potency"),
        ("smiles,Label", ["CCO,1", "CCO,0.0", "CCO,inactive"], [(None, 1), (None, 0), (None, 0)], "active"),
    ],
)
def test_generic(write, head, rows, expected, kind):
    found = read(write("\n".join([head, *rows]) + "\n"))
    assert found.kind == kind
    assert points(found) == [("CCO", "unnamed", dose, gi) for dose, gi in expected]


def test_a_known_name_is_told_apart_by_line(write):
    text = "Drug,Cell line,conc_uM,viability_percent\nErlotinib,MCF-7,1,50\nErlotinib,T47D,1,60\nXYZ-1,T47D,1,70\n"
    found = read(write(text), pool="MCF7,T-47D")
    assert points(found) == [("Erlotinib", "MCF7", -6, 50), ("Erlotinib", "T47D", -6, 60)]
    assert found.summary.unresolved == ["XYZ-1"]


def test_fingerprints_without_smiles(write):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (3, 166))
    bits[2] = bits[0]
    rows = [",".join(map(str, row)) for row in bits]
    for head, lead in ((range(1, 167), ""), (range(167), "0,")):
        text = ",".join(f"MACCS_{i}" for i in head) + ",conc_uM,GI\n"
        text += "".join(f"{lead}{row},{dose},{dose * 2 + 5}\n" for row, dose in zip(rows, (1, 10, 100), strict=True))
        found = read(write(text))
        assert np.array_equal(found.compounds.fingerprint, bits[:2])
        assert found.compound.tolist() == [0, 1, 0] and found.gi.tolist() == [7, 25, 150]
        assert found.compounds.smiles == ["", ""]


def test_columns_of_ones_own(write):
    path = write("molekuel,dosis,wuchs,zelle\nCCO,10,40,MCF-7\n")
    with pytest.raises(DataError, match="'molekuel', 'dosis', 'wuchs', 'zelle'") as error:
        read(path)
    assert "--columns" in error.value.hint and "gdsc-raw" in error.value.hint
    found = read(path, columns="smiles=molekuel,concentration=dosis:uM,inhibition=wuchs:percent,cell_line=zelle")
    assert points(found) == [("CCO", "MCF7", -5, 60)]
    found = read(path, columns={"smiles": "molekuel", "concentration": "dosis:log10nM", "gi": "wuchs"})
    assert points(found)[0][2:] == (1, 40)
    for wrong, hint in (
        ("smile=molekuel", "'smiles'"),
        ("smiles=molekul", "'molekuel'"),
        ("smiles=molekuel,concentration=dosis:furlong,gi=wuchs", "uM"),
        ("smiles", "smiles=NAME"),
    ):
        with pytest.raises(UsageError) as error:
            read(path, columns=wrong)
        assert hint in error.value.hint


def test_units_are_never_guessed(write):
    with pytest.raises(UsageError, match="unit of column 'conc'") as error:
        read(write("smiles,conc,GI\nCCO,1,50\n"))
    assert "concentration=conc:uM" in error.value.hint
    path = write("smiles,conc_uM,viability\nCCO,1,0.5\nCCO,2,0.25\n")
    with pytest.raises(UsageError, match="percent or fractions"):
        read(path)
    assert read(path, columns="viability=viability:fraction").gi.tolist() == [50, 25]
    assert read(path, columns="viability=viability:percent").gi.tolist() == [0.5, 0.25]
    assert read(write("smiles,conc_uM,viability\nCCO,1,50\nCCO,2,0.25\n")).gi.tolist() == [50, 0.25]


def test_compounds_merge_by_structure_and_bad_ones_are_named(write):
    text = (
        "id,smiles,Label\n"
        "a,C[C@H](N)C(=O)O,1\nb,C[C@@H](N)C(=O)O,0\nc,[Na+].CC(N)C(=O)[O-],1\nd,CCO,0\ne,C1CC,1\nf,,0\ng,CCO,maybe\n"
    )
    found = read(write(text))
    assert points(found) == [("a", "unnamed", None, value) for value in (1, 0, 1)] + [("d", "unnamed", None, 0)]
    assert found.summary.merged == [["a", "b", "c"]]  # the rows are kept
    assert found.summary.bad_smiles == [("e", "C1CC", "no valid SMILES")]
    assert found.summary.unresolved == ["f"]
    assert counts(found) == {"label is not 0 or 1": 1, "points of compounds without a usable SMILES": 2}
    described = tables.describe(found)
    assert described["responses"] == {"active_points": 2, "active_compounds": 0, "compounds_with_both_labels": 1}
    assert described["compounds"]["resolved"] == 4 and described["compounds"]["distinct"] == 2


def test_nothing_resolved_is_one_error_and_a_file_to_fill_in(write, tmp_path):
    text = CCLE + ccle_row("MCF7_BREAST", "Unknown, new", "1,2", "-1,-2").replace("Unknown, new", '"Unknown, new"')
    with pytest.raises(Unresolved, match="Unknown, new") as error:
        read(write(text))
    assert error.value.exit_code == 2 and "--smiles-table" in error.value.hint
    both = text + ccle_row("MCF7_BREAST", "Erlotinib", "1,2", "-1,-2")
    to_fill = write_unresolved(read(write(both)).summary, tmp_path / "unresolved.csv")
    assert to_fill.read_text() == 'name,smiles,why\n"Unknown, new",,no SMILES\n'
    to_fill.write_text(to_fill.read_text().replace(",,", ",CCO,"))
    assert read(write(both), smiles_table=to_fill).compounds.smiles[0] == "CCO"
    numbered = write("NSC,CELL,NLOGGI50\n1,MCF7,5\n2,MCF7,6\n", "nci.csv")
    half = read(numbered, smiles_table=write("nsc,smiles\n1,CCO\n", "half.csv"))
    to_fill = write_unresolved(half.summary, tmp_path / "unresolved.csv")
    to_fill.write_text(to_fill.read_text().replace(",,", ",CCCO,"))
    assert read(numbered, smiles_table=to_fill).compounds.smiles == ["CCCO"]  # by the name NSC 2
    with pytest.raises(Unresolved, match="usable SMILES"):
        read(write("smiles,pIC50\nC1CC,5\n"))


def test_a_users_smiles_come_before_ours(write):
    text = CCLE + ccle_row("MCF7_BREAST", "17-AAG", "1,2", "-1,-2")
    own = write("id\tsmiles\n17aag\tCCO\n", "own.tsv")
    assert read(write(text), smiles_table=own).compounds.smiles == ["CCO"]
    with pytest.raises(DataError, match="no table of SMILES; its columns are 'a', 'b'"):
        read(write(text), smiles_table=write("a,b\n1,2\n", "bad.csv"))
    mixed = write('NSC,DRUG_ID,Name,Synonyms,SMILES\n7,8,Foo,"Bar; Baz",CCO\n8,7,Bar,,CCCO\n', "mixed.csv")
    known = tables.SmilesTable(mixed)
    of = lambda **ids: known.of(tables.points.Identity("x", ids))  # noqa: E731
    assert of(nsc="7") == of(drug_id="8.0") == of(name="foo") == of(name="BAZ") == "CCO"
    assert of(nsc="8") == of(drug_id="7") == of(name="bar") == "CCCO"
    assert of(name="none") == of(nsc="9") == ""


@pytest.mark.parametrize(
    "how", ["plain", "gz", "bom", "utf16", "latin1", "quoted", "tab", "crlf", "misnamed gz", "blank"]
)
def test_however_it_is_written(write, how):
    text = 'smiles,name,conc_uM,GI\nCCO,"café, black",1,50\nCCCO,thé,2,60\n'
    if how == "quoted":
        text = text.replace("smiles,name,conc_uM,GI", '"smiles", "name","conc_uM","GI"')
    if how == "tab":
        text = "smiles\tname\tconc_uM\tGI\nCCO\tcafé, black\t1\t50\nCCCO\tthé\t2\t60\n"
    if how == "crlf":
        text = text.replace("\n", "\r\n")
    if how == "blank":
        text = "\n\n" + text.replace("\n", "\n\n") + ",,,\n"
    raw = text.encode({"latin1": "latin-1", "utf16": "utf-16", "bom": "utf-8-sig"}.get(how, "utf-8"))
    name = "x.csv.gz" if how == "gz" else "x.csv"
    found = read(write(gzip.compress(raw) if "gz" in how else raw, name))
    assert points(found) == [("café, black", "unnamed", -6, 50), ("thé", "unnamed", -5.699, 60)]
    assert counts(found) == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"smiles,conc_uM,GI\n", "no rows"),
        (bytes(range(256)) * 50, "binary"),
        (b"\x89PNG\r\n\x1a\n" + b"\xfe\x03\x07" * 50, "not readable"),
        (b"PK\x03\x04" + b"x" * 100, "export it as CSV"),
        (b"a" * 3_000_000, "longer than"),
        (gzip.compress(b"smiles,conc_uM,GI\nCCO,1,50\n" * 5000)[:200], "cut short"),
        (b"smiles,conc_uM,GI\nCCO,1,\"50\nCCO,1,50\n", "damaged"),
        (b"smiles,conc_uM,GI\nCCO,1,\"" + b"5" * 300_000 + b"\"\n", "damaged"),
        (b"smiles,conc_uM,GI\nCCO,abc,50\nCCO,1,n/a\n", "response is no number: 1"),
        (b"smiles,name\nCCO,x\n", "no known format"),
        (b"SMILES,drug_name,BR:MCF7,BR:T47D\nCCO,x,1,2\n", "z-scores"),
    ],
)  # fmt: skip
def test_what_is_no_table(write, content, said):
    with pytest.raises(DataError) as error:
        read(write(content))
    assert said in f"{error.value.message} | {error.value.hint}"
    assert len(error.value.message) < 1000


def test_no_such_file(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read(tmp_path / "none.csv")
    with pytest.raises(DataError, match="is a folder"):
        read(tmp_path)


def test_rows_that_do_not_fit_are_counted(write):
    found = read(write("smiles,conc_uM,GI,note\nCCO,1,50\nCCO,1,60,a,b\nCCO,2,70,x\nCCO,3,80,x,\n"))
    assert found.gi.tolist() == [50, 70, 80] and found.summary.rows_read == 4
    assert counts(found) == {"rows with more fields than columns": 1}
    named = read(write("smiles,conc_uM,GI\nrow1,CCO,1,50\nrow2,CCO,2,60\n"))  # as R writes row names
    assert named.gi.tolist() == [50, 60]


def test_a_line_for_a_table_without_lines(write):
    with pytest.raises(UsageError, match="no column of cell lines"):
        read(write("smiles,pIC50\nCCO,5\n"), cell_line="MCF7")


def test_lines_are_sorted_and_each_point_keeps_its_own(write):
    found = read(write("smiles,cell_line,pIC50\nCCO,T47D,5\nCCO,A549,6\nCCO,MCF7,7\nCCO,T-47D,8\n"))
    assert found.cell_lines == ["A549", "MCF7", "T47D"]
    assert [line for _, line, *_ in points(found)] == ["T47D", "A549", "MCF7", "T47D"]


def test_bounds_are_numbers_and_counted(write):
    found = read(write("smiles,IC50_uM\nCCO,>10\nCCC,< 0.01\nCCN,1\nCCCC,ND\n"))
    assert points(found) == [
        ("CCO", "unnamed", -5.0, 50), ("CCC", "unnamed", -8.0, 50), ("CCN", "unnamed", -6.0, 50)
    ]  # fmt: skip
    assert found.summary.censored == 2 and counts(found) == {"response is no number": 1}


def test_a_column_of_doses_is_no_column_of_potencies(write):
    rows = "".join(f"{'C' * n},{value}\n" for n, value in enumerate((5.1, 6.2, 1e4, 250, 7), 1))
    with pytest.raises(UsageError, match=r"no negative logarithms.*from 5.1 to 10000") as error:
        read(write("smiles,pIC50\n" + rows))
    assert "half=pIC50:nM" in error.value.hint
    good = "".join(f"{'C' * n},{4 + n / 10}\n" for n in range(1, 20))
    found = read(write("smiles,pIC50\n" + good + "CCO,900\n"))
    assert len(found) == 19 and any("1 values of 'pIC50'" in note for note in found.summary.notes)
