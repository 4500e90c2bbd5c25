"""Compounds held out by name."""

import pytest
from gankit_aae_molecules.config import AAEConfig
from gankit_aae_molecules.data import read, split

from gankit.errors import UsageError


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Alanine under three names, and a name with a comma."""
    path = tmp_path_factory.mktemp("table") / "table.csv"
    path.write_text(
        "id,smiles,Label\nL-alanine,C[C@H](N)C(=O)O,1\nD-alanine,C[C@@H](N)C(=O)O,0\nNa salt,[Na+].CC(N)C(=O)[O-],1\n"
        'ethanol,CCO,0\n"1,3-diol",OCCCO,1\n'
    )
    return read(AAEConfig(fingerprints=str(path)))


@pytest.mark.parametrize(
    ("text", "held_out"),
    [
        ("ethanol", ["ethanol"]),
        ("L-alanine", ["L-alanine"]),
        ("NA SALT", ["L-alanine"]),  # what is merged answers to all its names
        ("D-alanine, ethanol", ["L-alanine", "ethanol"]),
        ("1,3-diol", ["1,3-diol"]),
        ("1,3-diol; na salt", ["L-alanine", "1,3-diol"]),
    ],
)
def test_names(table, text, held_out):
    chosen, by = split(AAEConfig(held_out=text), table.compounds, table.summary.merged)
    assert by == "name" and [table.compounds.name[i] for i in chosen.nonzero()[0]] == held_out


def test_a_name_that_is_not_there(table):
    with pytest.raises(UsageError, match="no compound is called 'D-alanin'") as error:
        split(AAEConfig(held_out="D-alanin"), table.compounds, table.summary.merged)
    assert "D-alanine" in error.value.hint
