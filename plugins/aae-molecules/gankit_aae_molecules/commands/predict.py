"""`gankit aae-molecules predict`: responses of one's own molecules."""

from __future__ import annotations

from pathlib import Path

import click

from gankit.commands import print_json
from gankit_aae_molecules.commands import DISTRIBUTION, opened, run_options, say_left_out, table_option, write_table


@click.command("predict")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--conc", type=float, help="Concentration in uM, where the run knows any.  [default: its middle]")
@table_option
@run_options
def command(
    run: str, runs_dir: Path | None, as_json: bool, file: Path, conc: float | None, output: Path | None
) -> None:
    """Predict the response of molecules: a file of SMILES, or a table with a column of them.

    Beside each response stand the spread over hidden bits, the range that held nine tenths of the held-out responses,
    the nearest training compound, and a warning where the molecule is unlike all of them.
    """
    loaded = opened(run, runs_dir)
    from gankit.runs import provenance
    from gankit_aae_molecules.molecules import read_molecules
    from gankit_aae_molecules.prediction import predict

    molecules, bad = read_molecules(file)
    rows = predict(loaded, molecules, conc)
    say_left_out(bad)
    if as_json:
        return print_json({"rows": rows, "left_out": bad})
    write_table(rows, output, provenance(loaded, DISTRIBUTION, {"file": str(file), "conc": conc}))
