"""Protocols of the molecules' recipe that take several trainings, or a library with known answers.

    python benchmarks/molecules.py folds TABLE [--folds 5] [--seed 0] [--runs-dir DIR] [--set OPTION=VALUE ...]
    python benchmarks/molecules.py recovery RUN TABLE LIBRARY --known LIST

`folds` trains once for each fold of the compounds (--folds 0: as many folds as compounds, leave one out) and scores
all held-out responses together, the baselines' likewise. `recovery` ranks the compounds of a library by what a run
predicts and asks where those of a list of known agents stand (both tables with a column SMILES); compounds that TABLE
labels active are left out of the library. Random forest and nearest neighbour, trained on what the run was trained on,
are asked the same.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

import gankit


def folds(options: argparse.Namespace) -> dict[str, Any]:
    """Cross-validation by compound."""
    from gankit_aae_molecules.data import read
    from gankit_aae_molecules.recipe import AAEMolecules

    from gankit.config import resolve

    settings = dict(setting.split("=", 1) for setting in options.settings)
    settings["fingerprints"] = str(options.table)
    config = resolve(AAEMolecules.Config, {}, {}, [f"{key}={value}" for key, value in settings.items()])
    names = list(dict.fromkeys(read(config).compounds.name))
    order = np.random.default_rng(options.seed).permutation(len(names))
    rows: list[dict[str, Any]] = []
    for fold in np.array_split(order, options.folds or len(names)):
        held_out = [names[i] for i in fold]
        loaded = gankit.train(
            "aae-molecules",
            runs_dir=options.runs_dir,
            seed=options.seed,
            held_out=";".join(held_out),
            **settings,
        )
        found = json.loads((loaded.run.path / "evaluation.json").read_text())["rows"]
        rows += found
        print(f"{', '.join(held_out)[:60]}: {pooled(found)}", flush=True)
    return {"compounds": len(names), "folds": options.folds or len(names), **pooled(rows)}


def pooled(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """R2 and Spearman's rho over the responses behind the rows, for each method."""
    from scipy.stats import spearmanr

    count = np.array([row["measured"] for row in rows], float)
    truth, within = (np.array([row[key] for row in rows]) for key in ("response", "deviation"))
    mean = np.average(truth, weights=count)
    total = float((count * (within**2 + (truth - mean) ** 2)).sum())
    found = {}
    for method in [
        key for key in rows[0] if key not in ("compound", "concentration", "measured", "response", "deviation")
    ]:
        guess = np.array([row[method] for row in rows])
        error = float((count * (within**2 + (truth - guess) ** 2)).sum())
        rho = spearmanr(truth, guess).statistic if len(rows) > 1 else float("nan")
        found[method] = {"r2": round(1 - error / total, 3), "rho": round(float(rho), 3)}
    return found


def recovery(options: argparse.Namespace) -> dict[str, Any]:
    """Known agents among the compounds of a library, ranked by their predicted response."""
    from gankit_aae_molecules.autoencoder import Autoencoder
    from gankit_aae_molecules.evaluation.effect import baselines, enrichment
    from gankit_aae_molecules.library import tanimoto
    from gankit_aae_molecules.library.search import density
    from gankit_aae_molecules.recipe import AAEMolecules
    from gankit_aae_molecules.tables import read
    from sklearn.metrics import roc_auc_score

    loaded = gankit.load(options.run)
    recipe = AAEMolecules(loaded.recipe.config)
    train = recipe.data().held_out["train"]
    labels = read(str(options.table))
    active = {labels.compounds.inchikey[i][:14] for i in np.unique(labels.compound[labels.gi > 0.5])}
    keys, bits = structures(options.library)
    known = set(structures(options.known)[0])
    left = np.array([key not in active for key in keys])
    keys, bits = [key for key, kept in zip(keys, left, strict=True) if kept], bits[left]
    truth = np.array([key in known for key in keys], float)
    model, dose = Autoencoder(loaded.networks, loaded.facts), np.zeros((len(bits), 1), np.float32)
    words = tanimoto.pack(bits)
    wanted, usual = (
        model.generate(value, 1000, seed)[0] for value, seed in ((0.9, 4), (float(train.response.mean()), 5))
    )
    scores = {"model": model.predict(bits, dose), "generated": density(wanted, words) - density(usual, words)}
    scores |= {name: predict(bits, dose) for name, predict in baselines(train, model.response).items()}
    return {
        "library": len(truth),
        "known": int(truth.sum()),
        **{
            name: {"auroc": round(float(roc_auc_score(truth, s)), 3), "ef1": round(enrichment(truth, s), 2)}
            for name, s in scores.items()
        },
    }


def structures(path: Path) -> tuple[list[str], np.ndarray]:
    """First blocks of InChIKeys and fingerprints of a table's distinct compounds."""
    import pandas as pd
    from gankit_aae_molecules.chemistry.maccs import fingerprints
    from gankit_aae_molecules.chemistry.standard import Standard, standardise_all

    table = pd.read_csv(path)
    column = next(name for name in table.columns if "smiles" in name.lower())
    found = standardise_all([str(text) for text in table[column].dropna()])
    distinct = {one.block: one.smiles for one in found if isinstance(one, Standard)}
    return list(distinct), fingerprints(list(distinct.values()))


def main() -> None:
    """Prints the protocol's figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    verb = verbs.add_parser("folds")
    verb.add_argument("table", type=Path)
    verb.add_argument("--set", dest="settings", action="append", default=[], metavar="OPTION=VALUE")
    verb.add_argument("--folds", type=int, default=5)
    verb.add_argument("--seed", type=int, default=0)
    verb.add_argument("--runs-dir", type=Path)
    verb.set_defaults(call=folds)
    verb = verbs.add_parser("recovery")
    verb.add_argument("run")
    verb.add_argument("table", type=Path)
    verb.add_argument("library", type=Path)
    verb.add_argument("--known", type=Path, required=True)
    verb.set_defaults(call=recovery)
    options = parser.parse_args()
    print(json.dumps(options.call(options), indent=2))


if __name__ == "__main__":
    main()
