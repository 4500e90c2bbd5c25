"""`gankit aae-molecules ...`: what one does with a trained run. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from gankit.commands import common_options, complete_run, json_option, open_run, print_json, ready, runs_dir_option

SAID = "Ranks of what was learned from a table: hypotheses to test, not activities."


@click.group("aae-molecules")
def group() -> None:
    """Generate fingerprints, screen libraries, predict responses, look at the latent space."""


def run_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """--run."""
    return click.option(
        "--run", default="aae-molecules", shell_complete=complete_run, help="Folder, id or 'latest'.  [default: newest]"
    )(command)


def asking(command: Callable[..., Any]) -> Callable[..., Any]:
    """What to generate."""
    for option in (
        click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the noise."),
        click.option(
            "-n",
            "--count",
            type=click.IntRange(1, 10**6),
            default=1000,
            show_default=True,
            help="Fingerprints to generate.",
        ),
        click.option(
            "--gi",
            type=float,
            help="Response to ask for: percent growth (0), pGI50 (the highest), or of labels a probability (0.9).",
        ),
    ):
        command = option(command)
    return command


@group.command("generate")
@run_option
@asking
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="CSV.  [default: standard output]"
)
@runs_dir_option
@json_option
@common_options
def generate(run: str, gi: float | None, count: int, seed: int, output: Path | None, **options: Any) -> None:
    """Generate fingerprints that should have a response.

    Each row has the response that was asked for, the one that the encoder reads back, the concentration (log10 of
    mol/l) where the run knows any, and the 166 MACCS keys as one word of 0 and 1.
    """
    ready()
    from gankit_aae_molecules.use.generating import generated
    from gankit_aae_molecules.use.trained import Trained

    rows = generated(Trained.opened(open_run(run, options["runs_dir"])), gi, count, seed)
    if options["as_json"]:
        return print_json(rows)
    write(rows, output)


@group.command("screen")
@run_option
@asking
@click.option("--library", default="builtin", show_default=True, help="SMILES file, builtin, moses-train, moses-test.")
@click.option("-k", type=click.IntRange(1, 1000), default=10, show_default=True, help="Molecules for each fingerprint.")
@click.option(
    "--by",
    type=click.Choice(["tanimoto", "likelihood", "ratio"]),
    default="tanimoto",
    show_default=True,
    help="Nearest to each fingerprint, or (ratio) likelier for this response than for the mean one.",
)
@click.option("--top", type=click.IntRange(1, 10**5), default=100, show_default=True, help="Rows of the table.")
@click.option("--pick", type=click.IntRange(2, 1000), help="So many that differ most (MaxMin) in place of the best.")
@click.option("--qed", type=click.FloatRange(0, 1), help="Drug-likeness, at least.")
@click.option("--sa", type=click.FloatRange(1, 10), help="Synthetic accessibility, at most: 1 easy, 10 hard.")
@click.option("--np", "natural", type=float, help="Likeness to natural products, at least.")
@click.option("--lipinski", type=click.IntRange(0, 4), help="Broken rules of five, at most.")
@click.option("--no-pains", is_flag=True, help="Leave out patterns of assay interference.")
@click.option("--novel", is_flag=True, help="Leave out training compounds.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder.  [default: screen-<time> in the run]")
@runs_dir_option
@json_option
@common_options
def screen(
    run: str, gi: float | None, count: int, seed: int, library: str, output: Path | None, **options: Any
) -> None:
    """Screen a library for what is generated: a ranked table of candidates.

    Writes candidates.csv, candidates.sdf, candidates.png, set.json (uniqueness, novelty, diversity of the table, beside
    a random draw of the library) and provenance.json.
    """
    ready()
    from gankit.support import vacant
    from gankit_aae_molecules.library import builtin
    from gankit_aae_molecules.use import output as written
    from gankit_aae_molecules.use.screening import Filters, Request
    from gankit_aae_molecules.use.screening import screen as screened
    from gankit_aae_molecules.use.trained import Trained

    vacant(output)  # before the long part
    trained = Trained.opened(open_run(run, options["runs_dir"]))
    filters = Filters(
        qed=options["qed"], sa=options["sa"], np=options["natural"], lipinski=options["lipinski"],
        pains=options["no_pains"], novel=options["novel"],
    )  # fmt: skip
    request = Request(
        trained.checked(gi), count, options["k"], options["by"], options["top"], options["pick"] or 0, seed, filters
    )
    found = builtin.find(library)
    rows = screened(trained, found, request, lambda text: click.echo(text, err=True))
    result = written.write(trained, found, request, rows, output)
    if options["as_json"]:
        return print_json(result)
    show(result)


@group.command("predict")
@click.argument("file", type=click.Path(path_type=Path))
@run_option
@click.option("--conc", type=float, help="Concentration in uM, where the run knows any.  [default: its middle]")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="CSV.  [default: standard output]"
)
@runs_dir_option
@json_option
@common_options
def predict(file: Path, run: str, conc: float | None, output: Path | None, **options: Any) -> None:
    """Predict the response of molecules: a file of SMILES, or a table with a column of them.

    Beside each response stand the spread over hidden bits, the range that held nine tenths of the held-out responses,
    the nearest training compound, and a warning where the molecule is unlike all of them.
    """
    ready()
    from gankit_aae_molecules.use.predicting import predicted
    from gankit_aae_molecules.use.trained import Trained

    rows, bad = predicted(Trained.opened(open_run(run, options["runs_dir"])), file, conc)
    say_left_out(bad)
    if options["as_json"]:
        return print_json({"rows": rows, "left_out": bad})
    write(rows, output)


@group.command("embed")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@run_option
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder.  [default: embed-<time> in the run]")
@runs_dir_option
@json_option
@common_options
def embed(file: Path | None, run: str, output: Path | None, **options: Any) -> None:
    """Latent coordinates of molecules, or of the training compounds, and a picture coloured by response."""
    ready()
    from gankit_aae_molecules.use.embedding import embedded
    from gankit_aae_molecules.use.trained import Trained

    result = embedded(Trained.opened(open_run(run, options["runs_dir"])), file, output)
    say_left_out(result["left_out"])
    if options["as_json"]:
        return print_json(result)
    for name in ("table", "picture"):
        click.echo(f"{name:<10}{result[name]}")


def say_left_out(bad: list[str]) -> None:
    """Names the molecules that could not be used."""
    for text in bad[:5]:
        click.echo(f"left out: {text}", err=True)
    if len(bad) > 5:
        click.echo(f"left out: {len(bad) - 5} more", err=True)


def write(rows: list[dict[str, Any]], output: Path | None) -> None:
    """Rows as CSV, to a file or to standard output."""
    import csv
    import sys

    from gankit.support import columns_of, write_csv

    if output is not None:
        write_csv(output, rows)
        click.echo(str(output))
        return
    writer = csv.DictWriter(sys.stdout, columns_of(rows), restval="")
    writer.writeheader()
    writer.writerows(rows)


def show(result: dict[str, Any]) -> None:
    """The first candidates, the figures of the set, the files."""
    from gankit.commands import print_table

    columns = ["rank", "name", "response", "tanimoto", "ties", "qed", "sa", "novel", "known_agent", "smiles"]
    if result["rows"] and "log_ratio" in result["rows"][0]:
        columns.insert(3, "log_ratio")
    print_table(columns, [[row[name] for name in columns] for row in result["rows"][:20]])
    click.echo()
    values, draw = result["set"]["candidates"], result["set"]["random draw"]
    lines = [[name, *(f"{found[name]:.4g}" if name in found else "-" for found in (values, draw))] for name in values]
    print_table(("set", "candidates", "random draw"), lines)
    click.echo()
    for name, path in result["files"].items():
        click.echo(f"{name:<12}{path}")
    click.echo(SAID)
