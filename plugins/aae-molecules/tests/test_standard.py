"""Structures: salts, identity, fingerprints and splits."""

import os
import subprocess
import sys

import numpy as np
import pytest
from gankit_aae_molecules.chemistry import workers
from gankit_aae_molecules.chemistry.maccs import fingerprint, fingerprints
from gankit_aae_molecules.chemistry.scaffolds import groups, scaffold, split
from gankit_aae_molecules.chemistry.standard import MOST_ATOMS, BadMolecule, remark, standardise, standardise_all
from gankit_aae_molecules.tables import Compounds

from gankit.errors import DataError, UsageError
from gankit.support import Jobs

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


def test_salts_go_and_the_key_is_that_of_the_acid():
    acid, salt = standardise(ASPIRIN), standardise("[Na+].CC(=O)Oc1ccccc1C(=O)[O-]")
    assert acid.inchikey == "BSYNRYMUTXBXSQ-UHFFFAOYSA-N"  # as published
    assert salt.smiles == "CC(=O)Oc1ccccc1C(=O)[O-]"  # the charge is left alone
    assert salt.block == acid.block == "BSYNRYMUTXBXSQ"
    assert standardise("Cl.CCN").smiles == "CCN"
    assert standardise("CCN.O=S(=O)(O)OS(=O)(=O)OS(=O)(=O)O").smiles == "CCN"  # organic before large


def test_stereoisomers_share_a_block_and_not_a_key():
    left, right = standardise("C[C@H](N)C(=O)O"), standardise("C[C@@H](N)C(=O)O")
    assert left.block == right.block and left.inchikey != right.inchikey


@pytest.mark.parametrize(
    "text", [f'"{ASPIRIN}"', f"{ASPIRIN} |c:5|", f"  {ASPIRIN} aspirin", f'"{ASPIRIN} |&1:8,9,r|"']
)
def test_what_surrounds_a_smiles_is_ignored(text):
    assert standardise(text) == standardise(ASPIRIN)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("C1CC", "no valid"),
        ("hello", "no valid"),
        ("c1ccccc1(C)(C)C", "no valid"),
        ("C" * (MOST_ATOMS + 1), "atoms"),
        ("C" * 100_000, "characters"),
        ("*CC*", "InChI"),
    ],
)
def test_what_is_no_molecule_is_said(text, why, capfd):
    with pytest.raises(BadMolecule, match=why):
        standardise(text)
    assert standardise_all([ASPIRIN, text])[0] == standardise(ASPIRIN)
    assert why in standardise_all([ASPIRIN, text])[1]
    assert capfd.readouterr().err == ""  # RDKit keeps silent


def test_keys_start_at_the_first_and_not_at_rdkits_unused_one():
    benzene = fingerprint("c1ccccc1")
    assert benzene.dtype == np.uint8 and benzene.shape == (166,)
    # An aromatic ring, a ring of six, a ring.
    assert set(np.flatnonzero(benzene) + 1) == {162, 163, 165}
    assert set(np.flatnonzero(fingerprint("O")) + 1) == {139, 164}  # OH, and oxygen
    assert set(np.flatnonzero(fingerprint("CF")) + 1) == {42, 93, 134, 160}  # F, CH3 beside it, halogen, CH3


def test_many_in_processes_are_as_one_by_one(monkeypatch):
    smiles = ["C" * n for n in range(1, 8)] + ["c1ccccc1", "CCO"]
    alone = fingerprints(smiles, jobs=Jobs(1))
    monkeypatch.setattr(workers, "PIECE", 4)
    assert np.array_equal(fingerprints(smiles, jobs=Jobs(2)), alone)
    assert [row.tolist() for row in alone] == [fingerprint(text).tolist() for text in smiles]
    assert fingerprints([]).shape == (0, 166)


def test_a_scaffold_is_the_rings_and_what_links_them():
    assert scaffold("Cc1ccc(CCc2ccncc2)cc1") == "c1ccc(CCc2ccncc2)cc1"
    assert scaffold("CCCC(=O)O") == ""


def compounds(smiles):
    found = [standardise(text) for text in smiles]
    return Compounds(list(smiles), [s.smiles for s in found], [s.inchikey for s in found], fingerprints(smiles))


def test_no_compound_is_on_both_sides():
    # Alanine stands twice, as two stereoisomers.
    table = compounds(["C[C@H](N)C(=O)O", *["C" * n for n in range(2, 10)], "C[C@@H](N)C(=O)O"])
    sides = {bool(split(table, "compound", 0.3, seed)[0]) for seed in range(20)}
    assert sides == {True, False}
    for seed in range(20):
        held_out = split(table, "compound", 0.3, seed)
        assert held_out[0] == held_out[9]
        assert 3 <= held_out.sum() <= 4


def test_scaffolds_stay_together_and_the_share_is_kept():
    rings = [
        "c1ccccc1",
        "c1ccncc1",
        "C1CCCCC1",
        "c1ccsc1",
        "c1ccoc1",
        "C1CCNCC1",
        "c1ccc2ccccc2c1",
        "C1CC1",
        "C1CCC1",
        "C1CCOC1",
    ]
    table = compounds([tail + ring for ring in rings for tail in ("C", "CC", "CCC", "N")])
    names = np.array(groups(table, "scaffold"))
    assert len(set(names)) == 10
    chosen = []
    for seed in range(5):
        held_out = split(table, "scaffold", 0.2, seed)
        assert held_out.sum() == 8
        assert not set(names[held_out]) & set(names[~held_out])
        chosen.append(frozenset(names[held_out]))
    assert len(set(chosen)) > 1
    assert np.array_equal(split(table, "scaffold", 0.2, 3), split(table, "scaffold", 0.2, 3))


def test_a_split_does_not_depend_on_the_order():
    smiles = ["C" * n for n in range(2, 30)]
    there = split(compounds(smiles), "compound", 0.25, 1)
    back = split(compounds(smiles[::-1]), "compound", 0.25, 1)
    assert np.array_equal(there, back[::-1]) and there.sum() == 7


def test_a_group_of_most_is_not_held_out():
    table = compounds(["C" * n for n in range(2, 18)] + ["c1ccccc1", "c1ccncc1", "C1CCCCC1", "c1ccsc1"])
    for seed in range(10):
        assert split(table, "scaffold", 0.2, seed).tolist() == [False] * 16 + [True] * 4


def test_what_cannot_be_split():
    with pytest.raises(DataError, match="one scaffold"):
        split(compounds(["CC", "CCC"]), "scaffold")
    with pytest.raises(UsageError, match="known"):
        split(compounds(["CC", "CCC"]), "colour")
    with pytest.raises(UsageError, match="share"):
        split(compounds(["CC", "CCC"]), "compound", 1.5)
    bits = np.eye(4, 166, dtype=np.uint8)
    bare = Compounds(list("abcd"), [""] * 4, [""] * 4, bits)
    assert split(bare, "compound", 0.25).sum() == 1
    with pytest.raises(UsageError, match="SMILES"):
        split(bare, "scaffold")


@pytest.mark.slow
def test_a_script_without_a_guard_is_not_run_again_by_the_processes(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from gankit.support import Jobs\n"
        "from gankit_aae_molecules.chemistry.maccs import fingerprints\n"
        "found = fingerprints(['CC' + 'O' * (i % 3) for i in range(1200)], Jobs(2))\n"
        "print('once', len({bytes(one) for one in found}))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env={**os.environ, **path()})
    assert done.stdout == "once 3\n" and done.stderr == ""


def path():
    return {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}


@pytest.mark.parametrize("text", ["CCO\u00e9", "CC\x00O"])
def test_a_damaged_smiles_is_none(text):
    with pytest.raises(BadMolecule, match="no valid SMILES"):
        standardise(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[Pt+2].[NH3].[NH3].[Cl-].[Cl-]", "no carbon"),
        ("[Na+].[Cl-]", "no carbon"),
        ("CC(=O)[O-].CC(=O)[O-].[Zn+2]", "without its Zn"),
        ("CC(=O)[O-].[Na+]", ""),
        ("CCO", ""),
        ('"[Pt+2].NCCN"', "without its Pt"),
    ],
)
def test_what_standardising_loses_is_said(text, said):
    assert remark(text, standardise(text)) == said
