"""The arithmetic of the molecules' cross-validation against scikit-learn on the responses themselves."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import r2_score

pytest.importorskip("gankit_aae_molecules", reason="the plugin gankit-aae-molecules is not installed")


def test_pooled_rows_give_the_r2_of_all_responses():
    path = Path(__file__).parents[2] / "benchmarks" / "molecules.py"
    spec = importlib.util.spec_from_file_location("molecules", path)
    molecules = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(molecules)
    rng = np.random.default_rng(0)
    groups = [rng.normal(mean, 2, size) for mean, size in ((0, 5), (3, 1), (-2, 9))]
    guesses = [0.4, 2.0, -1.0]
    rows = [
        {
            "compound": str(i),
            "concentration": 0.0,
            "measured": len(x),
            "response": x.mean(),
            "deviation": x.std(),
            "m": g,
        }
        for i, (x, g) in enumerate(zip(groups, guesses, strict=True))
    ]
    expected = r2_score(np.concatenate(groups), np.repeat(guesses, [len(x) for x in groups]))
    assert molecules.pooled(rows)["m"] == {"r2": pytest.approx(expected, abs=5e-4), "rho": 1.0}
