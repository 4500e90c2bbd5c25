"""`gankit sketch-retrieval index`: makes an index, and brings one up to date."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gankit import UsageError
from gankit.commands import common_options, jobs_options, json_option, print_json, ready, runs_dir_option
from gankit_sketch_retrieval.commands import FILE, limit_option, run_option

if TYPE_CHECKING:
    from gankit.support import Jobs


@click.command("index")
@click.argument("sources", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    help="Index to write, such as marks.index; it is brought up to date if it is there.",
)
@click.option("--delete", multiple=True, help="Document to remove from the index; may be given again.")
@click.option("--forget", is_flag=True, help="Remove documents whose files are gone.")
@click.option(
    "--kind",
    "search",
    type=click.Choice(["auto", "exact", "ivf"]),
    help="Kind of search: exact compares all marks, ivf only the nearest cells (faiss); auto is ivf from 200,000 marks "
    "on.",
)
@click.option(
    "--as",
    "kind",
    type=click.Choice(["auto", "marks", "pages"]),
    default="auto",
    show_default=True,
    help="What a picture is: one mark, or a page with many; auto: up to 400 pixels, or one large drawing, is a mark.",
)
@limit_option
@run_option
@jobs_options()
@json_option
@runs_dir_option
@common_options
def command(
    sources: tuple[Path, ...], output: Path, delete: tuple[str, ...], forget: bool, search: str | None, kind: str,
    limit: int, run: str, runs_dir: Path | None, as_json: bool, jobs: Jobs,
) -> None:  # fmt: skip
    """Index the marks of SOURCES: folders and files, of single marks or of whole pages (multi-page TIFF, PDF).

    The same command goes on after a kill, and later reads only what is new or has changed.
    """
    if not sources and not delete and not forget:
        raise UsageError("nothing to index", "name folders or files of marks or pages")
    if sources and delete:
        raise UsageError("--delete goes without sources, which would be read again", "delete first, then index")
    ready()
    from gankit_sketch_retrieval.features.encoder import open_encoder
    from gankit_sketch_retrieval.index.archive import index_files
    from gankit_sketch_retrieval.index.search import SearchSettings
    from gankit_sketch_retrieval.index.store import Index
    from gankit_sketch_retrieval.pages.files import named_documents

    gone = 0
    if delete:
        found = Index.load(output)
        gone = found.delete(delete)
        found.save(output)
    result: dict[str, Any] = {"files": 0, "pages": 0, "marks": 0, "skipped": [], "seconds": 0.0}
    if sources or forget:
        encoder, _ = open_encoder(run, runs_dir)
        settings = SearchSettings(kind=search) if search else None
        result |= index_files(output, named_documents(sources), encoder, kind, limit, settings, forget, jobs)
    found = Index.load(output)
    if lost := sum(1 for path in found.documents.paths if path and not Path(path).is_file()):
        message = "%s documents of the index are no longer where they were; --forget takes them out"
        logging.getLogger("gankit").warning(message, f"{lost:,}")
    result |= {"deleted": gone, "index": str(output), "all": len(found), "kind": found.kind}
    if as_json:
        return print_json(result)
    names = ("files", "pages", "marks", "unchanged", "removed", "resumed", "deleted")
    said = ", ".join(f"{result[name]:,} {name}" for name in names if result.get(name) or name in names[:3])
    skipped = f"; {len(result['skipped']):,} files could not be read" if result["skipped"] else ""
    click.echo(f"indexed   {said} in {result['seconds']:.1f} s{skipped}")
    click.echo(f"index     {output}: {result['all']:,} marks, {result['kind']} search")
