"""Libraries: packed once, whole or not at all, and right."""

import gzip
import json

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="RDKit is not installed")
from gankit_aae_molecules.chemistry.maccs import fingerprint
from gankit_aae_molecules.library import packed, tanimoto
from gankit_aae_molecules.library.records import Record, records
from mutation import altered, mutated

from gankit.errors import DataError, GankitError
from gankit.support import Jobs

SMILES = ["CCO", "c1ccccc1", "CC(=O)Oc1ccccc1C(=O)O", "nonsense", "CN1CCC[C@H]1c1cccnc1", "[Na+].CC(=O)[O-]"]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("GANKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(packed, "PIECE", 2)
    return tmp_path / "home" / "molecules"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "some.smi"
    path.write_text("\n".join(f"{smiles} molecule {i}" for i, smiles in enumerate(SMILES)) + "\n\n")
    return path


def test_a_library_is_what_its_file_holds(file):
    found = packed.open_library(file, jobs=Jobs(1))
    usable = [i for i in range(6) if i != 3]
    assert (found.n, found.facts.read, found.name) == (5, 6, "some.smi") and found.facts.bad == (
        "nonsense: no valid SMILES",
    )
    assert [found.record(row) for row in range(5)] == [Record(SMILES[i], f"molecule {i}") for i in usable]
    assert np.array_equal(tanimoto.unpack(found.words), np.stack([fingerprint(SMILES[i]) for i in usable]))
    assert np.array_equal(found.counts, tanimoto.ones(found.words))


def test_it_is_packed_once(file, home, monkeypatch):
    first = packed.open_library(file, jobs=Jobs(1))
    monkeypatch.setattr(packed, "write_part", None)
    again = packed.open_library(file, jobs=Jobs(1))
    assert again.folder == first.folder and not list(home.glob("*.parts"))
    monkeypatch.undo()
    monkeypatch.setenv("GANKIT_HOME", str(home.parent))
    file.write_text("CCO other\n")
    assert packed.open_library(file, jobs=Jobs(1)).folder != first.folder


def test_a_packing_that_was_stopped_goes_on(file, home, monkeypatch):
    made, write = [], packed.write_part

    def stop_at_the_second(piece, part):
        if len(made) == 1:
            raise KeyboardInterrupt
        made.append(part)
        write(piece, part)

    monkeypatch.setattr(packed, "write_part", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        packed.open_library(file, jobs=Jobs(1))
    assert not list(home.glob("*/library.json")) and len(list(home.glob("*.parts/*.npz"))) == 1
    monkeypatch.setattr(packed, "write_part", lambda piece, part: (made.append(part), write(piece, part)))
    assert packed.open_library(file, jobs=Jobs(1)).n == 5
    assert [part.name for part in made] == ["000000.npz", "000001.npz", "000002.npz"]


@pytest.mark.slow
def test_processes_pack_the_same(file):
    one = packed.open_library(file, jobs=Jobs(1))
    words, facts = one.words.copy(), json.loads((one.folder / "library.json").read_text())
    (one.folder / "library.json").unlink()
    two = packed.open_library(file, jobs=Jobs(2))
    assert np.array_equal(two.words, words) and json.loads((two.folder / "library.json").read_text()) == facts


def test_what_cannot_be_a_library_is_refused(tmp_path, home):
    with pytest.raises(DataError, match="cannot be read"):
        packed.open_library(tmp_path / "none.smi")
    for name, text, said in (
        ("bad.smi", "nonsense\nmore\n", "no usable molecule among 2 records; the first is 'nonsense: no valid SMILES'"),
        ("empty.smi", "", "no usable molecule among 0 records"),
        ("other.csv", "a,b\n1,2\n", "no column of SMILES, but a, b"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(DataError) as caught:
            packed.open_library(tmp_path / name, jobs=Jobs(1))
        assert said in caught.value.message
    assert not list(home.glob("*.parts"))
    whole = gzip.compress(b"CCO a\n" * 100)
    (tmp_path / "torn.smi.gz").write_bytes(whole[:-12])
    with pytest.raises(DataError, match="cannot be read"):
        packed.open_library(tmp_path / "torn.smi.gz", jobs=Jobs(1))


def test_records_of_files(tmp_path):
    (tmp_path / "a.csv").write_text('Name,SMILES,x\n"ethanol, pure",CCO,1\n,CC,2\n')
    assert list(records(tmp_path / "a.csv")) == [("CCO", "ethanol, pure"), ("CC", "2")]
    (tmp_path / "b.smi.gz").write_bytes(gzip.compress(b"SMILES\nCCO\tone two\n\nCC\n"))
    assert list(records(tmp_path / "b.smi.gz")) == [("CCO", "one two"), ("CC", "2")]


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"{", b"[]", b"{}", b"[" * 100_000, b"\xff", b'{"n": 5}', b'{"n": "5", "read": 6}'),
        *(b'{"n": 5.0, "read": 6}', b'{"n": -1, "read": 6}', b'{"n": 7, "read": 6}', b'{"n": true, "read": 6}'),
        b'{"n": 5, "read": 6, "bad": [1]}',
    ],
)
def test_a_damaged_library_is_told(file, text):
    folder = packed.open_library(file, jobs=Jobs(1)).folder
    (folder / "library.json").write_bytes(text)
    with pytest.raises(DataError, match=r"library\.json is damaged") as caught:
        packed.open_library(file, jobs=Jobs(1))
    assert str(folder) in caught.value.hint


def test_any_other_bytes_give_a_library_or_an_error(file):
    folder = packed.open_library(file, jobs=Jobs(1)).folder
    whole = {path: path.read_bytes() for path in folder.iterdir()}
    document = json.loads(whole[folder / "library.json"])
    rng, damaged = np.random.default_rng(0), 0
    for number in range(400):
        path = list(whole)[number % len(whole)]
        changed = mutated(whole[path], rng)
        if path.suffix == ".json" and rng.random() < 0.8:
            changed = json.dumps(altered(document, rng)).encode()
        path.write_bytes(changed)
        try:
            found = packed.open_library(file, jobs=Jobs(1))
            assert len(found.counts) == found.n
            for row in range(found.n):
                found.record(row)
        except GankitError as error:
            assert error.hint
            damaged += 1
        path.write_bytes(whole[path])
    assert damaged > 150
