"""What the verbs, and the commands of plugins, are made of: options, messages, tables, JSON, a quiet TensorFlow.

Examples:
    A recipe's own command. Imports of what is heavy stand inside, so that `--help` answers at once.

    >>> @click.command("status")
    ... @run_argument
    ... @runs_dir_option
    ... @json_option
    ... @common_options
    ... def status(run, runs_dir, as_json):
    ...     ready()
    ...     opened = open_run(run, runs_dir)
    ...     found = {"status": opened.info["status"]}
    ...     print_json(found) if as_json else print_table(["figure", "value"], found.items())
    >>> [option.name for option in status.params]
    ['run', 'trust_recipe', 'runs_dir', 'as_json', 'offline', 'debug']
    >>> print_table(["name", "dose"], [["aspirin", 3]])
    name     dose
    aspirin  3
    >>> found = Evaluation({"fid": 9.0}, {"untrained": {"fid": 80.0}}, {}, {"fid": "lower"})
    >>> print_evaluation({"recipe": "mine", "data": "mnist", **found.as_dict()})
    mine on mnist
    metric  ours  untrained
    fid     9     80.00      better
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.abc
import importlib.util
import json
import logging
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TextIO

import click

from gankit.errors import UsageError
from gankit.metrics.evaluation import Evaluation
from gankit.support.files import columns_of, stream_csv, write_csv
from gankit.support.values import figure

if TYPE_CHECKING:
    from gankit.runs.run import Run

__all__ = [
    "Commands",
    "common_options",
    "complete_recipe",
    "complete_run",
    "jobs_options",
    "json_option",
    "open_run",
    "print_csv",
    "print_error",
    "print_evaluation",
    "print_json",
    "print_table",
    "quiet_tensorflow",
    "ready",
    "rows_options",
    "run_argument",
    "runs_dir_option",
    "show_evaluation",
    "talk",
]


TRUST = "gankit.trust_recipe"
NOTES = re.compile(r"oneDNN custom operations are on|log messages before absl::InitializeLog")


class _Stderr(logging.StreamHandler):
    """Writes to what stderr is when a message comes: notebooks, test runners and `redirect_stderr` exchange it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stderr


def talk() -> None:
    """Sends gankit's messages to stderr."""
    log = logging.getLogger("gankit")
    if not log.handlers:
        handler = _Stderr()
        handler.setFormatter(logging.Formatter("%(message)s"))
        log.addHandler(handler)
        log.propagate = False
    if log.level == logging.NOTSET:
        log.setLevel(logging.INFO)


def ready() -> None:
    """Prepares a verb that computes."""
    quiet_tensorflow()
    talk()


def common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--debug` and `--offline`, which may stand before or after the verb."""

    def go_offline(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if value:
            os.environ["GANKIT_OFFLINE"] = "1"

    offline = click.option(
        "--offline", is_flag=True, expose_value=False, callback=go_offline, help="Never open a socket."
    )
    debug = click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")  # main() looks for it
    return offline(debug(command))


def jobs_options(default: int = 1, work: str = "the work") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--jobs`, `--backend` and `--scheduler`, of which the command gets `gankit.support.Jobs` as `jobs`.

    Args:
        default: Of `--jobs`.
        work: What is shared, for the help.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_jobs(*args: Any, jobs: int, backend: str, scheduler: str, **given: Any) -> Any:
            from gankit.support.jobs import Jobs

            if bool(scheduler) != (backend == "dask"):
                raise UsageError("--backend dask and --scheduler go together", "--scheduler tcp://HOST:8786")
            return command(*args, jobs=Jobs(1 if scheduler and jobs == default else jobs, scheduler), **given)

        options = (
            click.option(
                "--jobs",
                type=click.IntRange(0),
                default=default,
                show_default=True,
                help=f"Number of processes that share {work}; 0 for one a processor.",
            ),
            click.option(
                "--backend",
                type=click.Choice(["processes", "dask"]),
                default="processes",
                show_default=True,
                help="Where the processes are: on this machine, or in a Dask cluster.",
            ),
            click.option(
                "--scheduler", default="", metavar="ADDRESS", help="Dask's scheduler, such as tcp://host:8786."
            ),
        )
        decorated: Callable[..., Any] = with_jobs
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--json`."""
    return click.option("as_json", "--json", is_flag=True, help="Print JSON to stdout.")(command)


def rows_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--rows` and `--csv`."""
    rows = click.option("--rows", is_flag=True, help="Print the figures of every item, too.")
    path = click.Path(dir_okay=False, path_type=Path)
    return rows(click.option("--csv", type=path, help="CSV file for the figures of every item.")(command))


def runs_dir_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--runs-dir`."""
    return click.option(
        "--runs-dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of all runs.  [default: $GANKIT_RUNS or ./runs]",
    )(command)


class Commands(click.Group):
    """A recipe's own commands, a file each, which is imported when its command is asked for.

    Args:
        package: The package of the files.
        names: Of the files, and of the commands as they are typed; each file defines `command`.

    Examples:
        >>> @click.group("mine", cls=Commands, package="gankit.cli", names=("list", "info"))
        ... def group() -> None:
        ...     "Mine."
        >>> group.get_command(click.Context(group), "list").help
        'List the recipes that can be trained.'
    """

    def __init__(self, *arguments: Any, package: str, names: Sequence[str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.package, self.names = package, tuple(names)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, in the order given."""
        return list(self.names)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """One of them; None if there is none of that name."""
        return importlib.import_module(f"{self.package}.{name}").command if name in self.names else None


def run_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """RUN: a folder, an id, a recipe's name or "latest"; and `--trust-recipe`, which `open_run` heeds."""

    def trust(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        ctx.meta[TRUST] = value

    told = "Execute the file that the run names as its recipe; a run that somebody sent you may name any."
    option = click.option("--trust-recipe", is_flag=True, expose_value=False, callback=trust, help=told)
    return click.argument("run", default="latest", shell_complete=complete_run)(option(command))


def complete_run(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Run ids for the shell."""
    from gankit.runs.run import runs_root

    root = runs_root(ctx.params.get("runs_dir"))
    names = ["latest", *(path.parent.name for path in root.glob("*/*/run.json"))]
    return [name for name in names if name.startswith(incomplete)]


def complete_recipe(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Recipe names for the shell."""
    from gankit import plugins

    return [point.name for point in plugins.entry_points() if point.name.startswith(incomplete)]


def open_run(reference: str, runs_dir: Path | None) -> Run:
    """The run that the user means."""
    from gankit.runs.run import find_run, runs_root

    run = find_run(reference, runs_root(runs_dir))
    context = click.get_current_context(silent=True)
    run.trusted = bool(context and context.meta.get(TRUST))
    return run


def print_json(value: Any) -> None:
    """JSON on stdout, for programs; paths are text in it."""
    click.echo(json.dumps(value, indent=1, ensure_ascii=False, default=os.fspath))


def print_csv(rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows as CSV on stdout; see `gankit.support.write_csv`.

    Examples:
        >>> print_csv([{"a": 1}, {"b": "=2+2"}])
        a,b
        1,
        ,'=2+2
    """
    stream_csv(sys.stdout, rows)


def print_table(head: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
    """Aligned columns on stdout; lines are cut at the terminal's edge, and never in a pipe or a file."""
    lines = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    limit = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    if title:
        click.secho(title, bold=True)
    for number, line in enumerate(lines):
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        click.secho(text[:limit], bold=number == 0)


def show_evaluation(
    result: dict[str, Any], *, as_json: bool, rows: bool, csv: Path | None, ours_name: str = "ours"
) -> None:
    """An evaluation in the forms that the user asked for."""
    if csv:
        write_csv(csv, result["rows"])
    if as_json:
        print_json(result)
        return
    if rows and result["rows"]:
        columns = columns_of(result["rows"])
        table = [[_cell(row.get(column)) for column in columns] for row in result["rows"]]
        print_table(columns, table)
        click.echo()
    print_evaluation(result, ours_name)


def _cell(value: Any) -> str:
    return "-" if value is None else figure(value) if isinstance(value, float) else str(value)


def print_evaluation(result: dict[str, Any], ours_name: str = Evaluation.OURS) -> None:
    """Figures beside baselines; a baseline that is better is said to be."""
    found = Evaluation.from_dict(result)
    rows = []
    for name, ours in found.metrics.items():
        others = [figures.get(name) for figures in found.baselines.values()]
        verdict = "" if found.verdict else found.standing(name)  # a recipe that judges knows more than the figures
        rows.append([name, figure(ours), *("-" if other is None else figure(other) for other in others), verdict])
    print_table(["metric", ours_name, *found.baselines, ""], rows, title=f"{result['recipe']} on {result['data']}")
    for said in found.verdict:
        click.echo(said)


def print_error(message: str, hint: str, label: str = "error:") -> None:
    """Writes `error:` and `hint:` lines to stderr."""
    click.echo(f"{click.style(label, fg='red', bold=True)} {message}", err=True)
    if hint:
        click.echo(f"{click.style('hint:', fg='cyan')} {hint}", err=True)


def quiet_tensorflow() -> None:
    """Keeps TensorFlow's start-up notes off the terminal; call it before TensorFlow is imported, which it does not do.

    Some are written by its libraries while they are loaded, past Python and whatever TF_CPP_MIN_LOG_LEVEL says.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if "tensorflow" not in sys.modules and not any(isinstance(finder, _TensorFlowFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _TensorFlowFinder())


class _TensorFlowFinder(importlib.abc.MetaPathFinder):
    """Lets TensorFlow be found as ever, and its loading be overheard."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                with _overheard():
                    load(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


@contextlib.contextmanager
def _overheard() -> Iterator[None]:
    """What the process writes to stderr meanwhile comes afterwards, without the notes."""
    import tempfile  # costs each verb some milliseconds

    try:
        stderr = os.dup(2)
    except OSError:  # there is none
        yield
        return
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            said.seek(0)
            lines = said.read().decode("utf-8", "replace").splitlines(keepends=True)
            sys.stderr.write("".join(line for line in lines if not NOTES.search(line)))
