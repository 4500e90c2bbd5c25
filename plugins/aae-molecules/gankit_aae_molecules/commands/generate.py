"""`gankit aae-molecules generate`: fingerprints for a response."""

from __future__ import annotations

import math
from pathlib import Path

import click

from gankit.commands import print_json
from gankit_aae_molecules.commands import DISTRIBUTION, opened, request_options, run_options, table_option, write_table


@click.command("generate")
@request_options
@table_option
@run_options
def command(
    run: str, runs_dir: Path | None, as_json: bool, gi: float | None, count: int, seed: int, output: Path | None
) -> None:
    """Generate fingerprints that should have a response.

    Each row has the response that was asked for, the one that the encoder reads back of the likely bits, the
    concentration (log10 of mol/l) where the run knows any, the mean probability of the more likely value of a bit, and
    the 166 MACCS keys as one word of 0 and 1.
    """
    loaded = opened(run, runs_dir)
    import numpy as np

    from gankit.runs import provenance
    from gankit_aae_molecules.autoencoder import Autoencoder

    model = Autoencoder(loaded.networks, loaded.facts)
    value = model.response.checked(gi)
    probabilities, dose = model.generate(value, count, seed)
    bits = (probabilities >= 0.5).astype(np.uint8)
    read, log_conc = model.predict(bits, dose), model.log_conc(dose)
    sure = np.maximum(probabilities, 1 - probabilities).mean(axis=1)
    rows = [
        {
            "asked": value,
            "read_back": round(float(read[i]), 4),
            "log_conc": None if math.isnan(log_conc[i]) else round(float(log_conc[i]), 3),
            "sure": round(float(sure[i]), 4),
            "bits": "".join(map(str, bits[i])),
        }
        for i in range(count)
    ]
    if as_json:
        return print_json(rows)
    write_table(rows, output, provenance(loaded, DISTRIBUTION, {"gi": value, "count": count, "seed": seed}))
