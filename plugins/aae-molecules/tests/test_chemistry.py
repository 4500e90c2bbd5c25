"""Properties, diverse picks and figures of sets, against known molecules and brute force."""

import itertools

import numpy as np
import pytest
from gankit_aae_molecules.candidates import chemnet, sets
from gankit_aae_molecules.chemistry.diverse import pick
from gankit_aae_molecules.chemistry.maccs import fingerprints
from gankit_aae_molecules.chemistry.properties import properties
from gankit_aae_molecules.library import tanimoto
from gankit_aae_molecules.training_set import TrainingSet
from rdkit import DataStructs

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
RNG = np.random.default_rng(0)


def test_properties_of_aspirin():
    found = properties(ASPIRIN)
    assert found.weight == pytest.approx(180.16, abs=0.01) and found.logp == pytest.approx(1.31, abs=0.01)
    assert found.qed == pytest.approx(0.550, abs=0.001)  # Bickerton et al. 2012
    assert found.sa == pytest.approx(1.58, abs=0.01)
    assert found.lipinski == 0 and found.pains == ""


def test_a_dye_breaks_rules_and_is_a_nuisance():
    dye = properties("CCCCCCCCCCCCCCCCCCCCN(CCCCCCCC)c1ccc(cc1)N=Nc1ccccc1")
    assert dye.lipinski == 2 and dye.pains.startswith("anil_di_alk_A")
    assert properties("C[C@H]1CCC[C@@H]2[C@@]1(CC[C@H]2O)C").np > 1 > properties("O=S(=O)(Nc1ccccc1)c1ccc(Cl)cc1").np


def test_maxmin_picks_are_those_of_brute_force():
    bits = (RNG.random((40, 166)) < 0.3).astype(np.uint8)
    explicit = [DataStructs.CreateFromBitString("".join(map(str, row))) for row in bits]
    apart = np.array([[1 - DataStructs.TanimotoSimilarity(a, b) for b in explicit] for a in explicit])
    chosen = [0]
    while len(chosen) < 6:
        nearest = apart[:, chosen].min(axis=1)
        nearest[chosen] = -1
        chosen.append(int(nearest.argmax()))
    assert pick(bits, 6).tolist() == chosen
    assert pick(bits, 40).tolist() == list(range(40))


def test_figures_of_a_set():
    smiles = [ASPIRIN, "c1ccccc1C(=O)O", "CCO", "OCC"]  # the last two are one
    bits = fingerprints(smiles)
    words = tanimoto.pack(bits[1:2]).T.astype("<u8").tobytes().hex()
    benzoic = {"name": [""], "smiles": [""], "inchikey": ["WPYMKLBDIGXBTP-UHFFFAOYSA-N"], "bits": [words]}
    found = sets.figures(smiles, TrainingSet({"training": benzoic}))

    def alike(a, b):
        return (a & b).sum() / (a | b).sum()

    pairs = [alike(a, b) for a, b in itertools.combinations(bits, 2)]
    assert found["molecules"] == 4 and found["unique"] == 3 / 4 and found["novel"] == 3 / 4
    assert found["diversity"] == pytest.approx(1 - np.mean(pairs))
    assert found["nearest_similarity"] == pytest.approx(np.mean([alike(row, bits[1]) for row in bits]))
    assert found["scaffolds"] == 2 / 4  # benzene, and none


def test_smiles_are_read_character_by_character():
    encoded = chemnet.encoded(["CCl", "C[Zr]"])
    tokens = [[chemnet.TOKENS[i] for i in row.argmax(axis=1)[row.any(axis=1)]] for row in encoded]
    assert tokens == [["C", "Cl", "."], ["C", "[", "X", "X", "]", "."]]
    assert encoded.shape == (2, 350, 35) and encoded.max() == pytest.approx(1 / 35)


@pytest.mark.slow
def test_chemnet_is_the_one_of_its_package():
    if chemnet.weights() is None:
        pytest.skip("the package fcd, which brings ChemNet's weights, is not installed")
    fcd = pytest.importorskip("fcd", reason="the package fcd cannot be imported here (it needs PyTorch)")
    smiles = [ASPIRIN, "CCO", "c1ccc2[nH]ccc2c1", "CC(C)Cc1ccc(cc1)C(C)C(=O)O"]
    theirs = fcd.get_predictions(fcd.load_ref_model(), smiles)
    assert np.abs(chemnet.activations(smiles) - theirs).max() < 1e-4
