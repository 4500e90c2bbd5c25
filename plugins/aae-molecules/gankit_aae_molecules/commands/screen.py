"""`gankit aae-molecules screen`: a library's molecules that resemble what is generated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gankit.commands import jobs_options, print_json, print_table
from gankit_aae_molecules.commands import DISTRIBUTION, folder_option, opened, request_options, run_options

if TYPE_CHECKING:
    from gankit.support import Jobs
    from gankit_aae_molecules.candidates.table import Request
    from gankit_aae_molecules.library.packed import Library

LARGE = 10**9  # comparisons, which take a few seconds
SAID = "Ranks of what was learned from a table: hypotheses to test, not activities."
WARNING = (
    "Candidates are molecules of the library that resemble what a model generated. None is known to be active by this: "
    "the model saw cell-line responses and fingerprints, and nothing of toxicity, metabolism or dose in people."
)


@click.command("screen")
@request_options
@click.option(
    "--library",
    "place",
    default="builtin",
    show_default=True,
    help="Library: a file of SMILES, or builtin, moses-train, moses-test.",
)
@click.option("-k", type=click.IntRange(1, 1000), default=10, show_default=True, help="Molecules for each fingerprint.")
@click.option(
    "--by",
    type=click.Choice(["tanimoto", "likelihood", "ratio"]),
    default="tanimoto",
    show_default=True,
    help="What ranks: nearness to each fingerprint, or (ratio) how much likelier for this response than for the mean.",
)
@click.option("--top", type=click.IntRange(1, 10**5), default=100, show_default=True, help="Rows of the table.")
@click.option(
    "--pick",
    type=click.IntRange(2, 1000),
    default=None,
    help="Number of molecules that differ most (MaxMin) to take in place of the best.",
)
@click.option("--qed", type=click.FloatRange(0, 1), help="Least drug-likeness (QED).")
@click.option("--sa", type=click.FloatRange(1, 10), help="Greatest difficulty of synthesis: 1 easy, 10 hard.")
@click.option("--np", type=float, help="Least likeness to natural products.")
@click.option("--lipinski", type=click.IntRange(0, 4), help="Most rules of five that a molecule may break.")
@click.option("--no-pains", "pains", is_flag=True, help="Leave out patterns of assay interference.")
@click.option("--novel", is_flag=True, help="Leave out training compounds.")
@folder_option("screen")
@jobs_options(0)
@run_options
def command(
    run: str, runs_dir: Path | None, as_json: bool, output: Path | None, place: str, gi: float | None, count: int,
    seed: int, k: int, by: Any, top: int, pick: int | None, jobs: Jobs, **filters: Any,
) -> None:  # fmt: skip
    """Screen a library for what is generated: a ranked table of candidates.

    Writes candidates.csv, candidates.sdf, candidates.png, set.json (uniqueness, novelty, diversity of the table, beside
    a random draw of the library) and provenance.json.
    """
    from gankit.support import vacant

    vacant(output)  # before the long part
    loaded = opened(run, runs_dir)
    from dataclasses import asdict

    from gankit.errors import UsageError
    from gankit.runs import Results
    from gankit_aae_molecules.autoencoder import Autoencoder
    from gankit_aae_molecules.candidates import sets
    from gankit_aae_molecules.candidates.table import Filters, Request, screen
    from gankit_aae_molecules.chemistry.draw import grid, write_sdf
    from gankit_aae_molecules.library import builtin
    from gankit_aae_molecules.training_set import TrainingSet

    model, training = Autoencoder(loaded.networks, loaded.facts), TrainingSet(loaded.facts)
    request = Request(model.response.checked(gi), count, k, by, top, pick or 0, seed, Filters(**filters))
    library = builtin.find(place, jobs)
    rows = screen(
        model, training, library, request, lambda text: click.echo(text, err=True), _for(library, request, jobs)
    )
    if not rows:
        raise UsageError("no molecule of the library passes", "loosen the filters, or give -k or -n more")
    results = Results("screen", output, loaded, distribution=DISTRIBUTION, request=asdict(request))
    drawn = {
        "candidates": [row["smiles"] for row in rows],
        "random draw": sets.random_molecules(library, len(rows), seed),
    }
    figures = {name: sets.figures(smiles, training) for name, smiles in drawn.items()}
    results.csv("candidates.csv", rows, "table")
    write_sdf(rows, results.path("candidates.sdf", "structures"))
    grid(rows, results.path("candidates.png", "picture"))
    results.json("set.json", figures, "set")
    files = results.finish(
        warning=WARNING,
        data={key: loaded.facts[key] for key in ("file", "response", "split", "compounds", "rows")},
        library={"name": library.name, "hash": library.folder.name, **asdict(library.facts)},
    )
    result = {"rows": rows, "set": figures, "files": files}
    if as_json:
        return print_json(result)
    show(result)


def _for(library: Library, request: Request, jobs: Jobs) -> Jobs:
    """Where a library is looked through: starting processes takes longer than a small search does."""
    from gankit.support import Jobs

    return jobs if jobs.scheduler or library.n * request.count > LARGE else Jobs()


def show(result: Mapping[str, Any]) -> None:
    """The first candidates, the figures of the set, the files."""
    columns = ["rank", "name", "response", "tanimoto", "ties", "qed", "sa", "novel", "known_agent", "smiles"]
    if "log_ratio" in result["rows"][0]:
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
