"""`gankit aae-molecules embed`: latent coordinates of molecules."""

from __future__ import annotations

from pathlib import Path

import click

from gankit.commands import print_json
from gankit_aae_molecules.commands import DISTRIBUTION, folder_option, opened, run_options, say_left_out


@click.command("embed")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@folder_option("embed")
@run_options
def command(run: str, runs_dir: Path | None, as_json: bool, file: Path | None, output: Path | None) -> None:
    """Embed molecules, or the training compounds: latent coordinates, and a picture coloured by response."""
    from gankit.support import vacant

    vacant(output)  # before the long part
    loaded = opened(run, runs_dir)
    import numpy as np

    from gankit.runs import Results
    from gankit_aae_molecules.autoencoder import Autoencoder
    from gankit_aae_molecules.chemistry.maccs import fingerprints
    from gankit_aae_molecules.library import tanimoto
    from gankit_aae_molecules.molecules import read_molecules
    from gankit_aae_molecules.pictures import scatter
    from gankit_aae_molecules.training_set import TrainingSet

    bad: list[str] = []
    if file is None:
        training = TrainingSet(loaded.facts)
        names, smiles, bits = training.names, training.smiles, tanimoto.unpack(training.words)
    else:
        molecules, bad = read_molecules(file)
        names, smiles = [one.name for one in molecules], [one.standard.smiles for one in molecules]
        bits = fingerprints(smiles)
    model = Autoencoder(loaded.networks, loaded.facts)
    normal, gi = model.encode(bits, np.zeros((len(bits), 1)))
    response = model.response.value(gi)
    request = {"file": None if file is None else str(file)}
    results = Results("embed", output, loaded, distribution=DISTRIBUTION, request=request)
    rows = [
        {
            "name": names[i],
            "smiles": smiles[i],
            "response": round(float(response[i]), 4),
            **{f"z{k + 1}": round(float(value), 5) for k, value in enumerate(normal[i])},
        }
        for i in range(len(names))
    ]
    results.csv("latent.csv", rows, "table")
    title = f"{len(rows):,} molecules"
    scatter(normal, response, results.path("latent.png", "picture"), title, f"predicted {model.response.unit}")
    files = results.finish()
    say_left_out(bad)
    if as_json:
        return print_json({**files, "left_out": bad})
    for name, path in files.items():
        click.echo(f"{name:<12}{path}")
