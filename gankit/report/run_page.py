"""The report of a run: one HTML page that can be mailed, printed and read years later.

The page needs no network and no script: pictures are data URIs (`gankit.report.album`), charts are inline SVG
(`gankit.report.charts`). Every file of the run may be missing, since the page is most wanted when a run went wrong.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

from gankit.errors import UsageError
from gankit.metrics.evaluation import Evaluation
from gankit.report import album, charts
from gankit.report.html import arrow, document, text
from gankit.support.files import read_json, write
from gankit.support.values import duration, finite, flat, mapping

STANDINGS = {"better": "wins", "not better": "loses", "even": "even", "": "even"}  # classes of `base.css`

Evaluations = list[tuple[str, Evaluation]]  # what was evaluated on, and the figures


def write_report(run: Path, changes: Mapping[str, Any] | None = None) -> Path:
    """Writes `report.html` into a run, whole or not at all.

    Args:
        run: The run's directory; every file in it may be missing or torn.
        changes: Fields of run.json that are about to change: a run is done only once its report is there.

    Returns:
        The path of the page.

    Raises:
        GankitError: The page cannot be written.
        UsageError: `run` is not a directory.

    Examples:
        >>> write_report(Path("runs/srgan/20260101-120000-ab12")).name  # doctest: +SKIP
        'report.html'
    """
    if not run.is_dir():
        raise UsageError(f"no run at {run}", "give the directory of a run, as `gankit runs` lists them")
    facts = {**read_json(run / "run.json"), **(changes or {})}
    found, name = _evaluations(run), run.resolve().name
    recipe = text(facts.get("recipe") or "a run")
    figures, remarks = charts.training(run / "metrics.jsonl")
    code = f"\nexit code {facts['exit_code']}" if facts.get("exit_code") is not None else ""
    page = document(
        f"{recipe}: {name}",
        "{% include 'run.html' %}",
        style=charts.STYLE,
        recipe=recipe,
        name=name,
        facts=facts,
        status=text(facts.get("status") or "status unknown"),
        trained=_trained(facts),
        error=text(facts["error"]) + code if facts.get("error") else "",
        tiles=_tiles(facts, found),
        command=_command(facts),
        evaluations=[_evaluation(data, evaluation) for data, evaluation in found],
        alarms=_alarms(facts.get("alarms")),
        samples=album.samples(run / "samples"),
        figures=figures,
        note=charts.LEGEND if figures else "No metrics were recorded.",
        remarks=remarks,
        made=_made(facts),
        config=_config(run / "config.yaml"),
    )
    return write(run / "report.html", page)


def _evaluations(run: Path) -> Evaluations:
    found: Evaluations = []
    for path in [run / "evaluation.json", *sorted((run / "evaluations").glob("*.json"))[:20]]:
        raw = read_json(path)
        one = text(raw.get("data") or "held-out data"), Evaluation.from_dict(raw)
        if one[1].metrics and one not in found:  # evaluation.json may be a copy of one of the others
            found.append(one)
    return found


def _evaluation(data: str, evaluation: Evaluation) -> dict[str, Any]:
    """What the template shows of an evaluation; sentences first."""
    columns, metrics = evaluation.columns, evaluation.metrics
    lost = [
        f"{name} is better by {metric}: {text(evaluation.baselines[name][metric])} against {text(ours)}."
        for metric, ours in metrics.items()
        for name in evaluation.beaten_by(metric)
    ]
    ahead = [metric for metric in metrics if evaluation.standing(metric) == "better"]
    won = [f"This run is better than every baseline by {', '.join(ahead)}."]
    notes = ["* is a limit, which nothing is asked to beat."] if evaluation.limits else []
    if protocol := "; ".join(f"{key}: {text(value)}" for key, value in flat(evaluation.protocol).items()):
        notes.append(f"Protocol: {protocol}.")
    rows, directions = [], []
    for metric in dict.fromkeys(metric for column in columns.values() for metric in column):
        best = evaluation.best(metric)
        cells = [(text(values[metric]) if metric in values else "", name in best) for name, values in columns.items()]
        directions.append(arrow(evaluation.better.get(metric)))
        rows.append((metric + directions[-1], cells))
    return {
        "data": data,
        "verdict": list(evaluation.verdict),
        "lost": lost,
        "won": won if ahead and not evaluation.verdict else [],  # a recipe that judges knows more than the figures
        "head": ["metric", *(name + " *" * (name in evaluation.limits) for name in columns)],
        "rows": rows,
        "directions": directions,
        "notes": notes,
    }


def _tiles(facts: Mapping[str, Any], found: Evaluations) -> Iterator[tuple[str, str, str, Sequence[str]]]:
    """Title, value, the value's class and the lines below it; first of the first two figures."""
    for _, evaluation in found[:1]:
        for metric, value in list(evaluation.metrics.items())[:2]:
            beside = [f"{name} {text(figures.get(metric))}" for name, figures in evaluation.baselines.items()]
            yield metric, text(value), STANDINGS[evaluation.standing(metric)], beside
    if finite(facts.get("seconds")):
        yield "duration", duration(facts["seconds"]), "", ()
    where = [f"{facts['strategy']}, replicas: {facts.get('replicas', 1)}"] if facts.get("strategy") else []
    yield "device", text(facts.get("device") or "unknown"), "", where
    if facts.get("started"):
        yield "started", _moment(facts["started"]), "", [f"to {_moment(facts['ended'])}"] if facts.get("ended") else []


def _trained(facts: Mapping[str, Any]) -> str:
    """A sentence on stages, data and seed."""
    done = []
    for stage in map(mapping, facts["stages"] if isinstance(facts.get("stages"), list) else []):
        steps, planned = stage.get("steps"), stage.get("planned_steps")
        of = f" of {text(planned)}" if planned not in (None, steps) else ""
        done.append(f"{text(stage.get('name'))} ({text(steps)}{of} steps)")
    line = "Trained " + ", then ".join(done) if done else "No training steps are recorded"
    examples = mapping(mapping(facts.get("data")).get("examples"))
    counts = [f"{text(n)} of {text(name)}" for name, n in examples.items() if isinstance(n, int)]
    line += f" on examples: {', '.join(counts)}" if counts else ""
    return line + (f", seed {facts['seed']}." if facts.get("seed") is not None else ".")


def _command(facts: Mapping[str, Any]) -> str:
    """The command line of the run, with the seed that it drew if none was given."""
    argv = [str(word) for word in facts["argv"]] if isinstance(facts.get("argv"), list) else []
    program = PurePath(argv[0]).name if argv else ""
    if program in ("gankit", "__main__.py"):  # where it was installed does not matter to others
        argv[0] = "gankit"
    elif argv and not program.startswith("python"):
        argv.insert(0, "gankit")
    if "run" in argv[:4] and facts.get("seed") is not None and not any(word.startswith("--seed") for word in argv):
        argv += ["--seed", str(facts["seed"])]
    return shlex.join(argv)


def _alarms(found: Any) -> list[dict[str, str]] | tuple[()]:
    """What the monitors found; () if it is not known whether they looked."""
    keys = ("level", "kind", "stage", "since", "message", "hint")
    return [{key: text(mapping(one).get(key)) for key in keys} for one in found] if isinstance(found, list) else ()


def _moment(value: Any) -> str:
    try:
        return datetime.fromisoformat(str(value)).strftime("%Y-%m-%d %H:%M %Z").strip()
    except ValueError:
        return str(value)


def _made(facts: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, bool]]]]:
    """Weights, data and versions, as rows of a table."""
    rows = [(f"{name} weights", count) for name, count in mapping(facts.get("weights")).items()]
    rows += [(f"data: {key}", value) for key, value in flat(mapping(facts.get("data"))).items()]
    rows += mapping(facts.get("versions")).items()
    rows += [(key, facts[key]) for key in ("git", "exit_code") if facts.get(key) is not None]
    return [(key, [(text(value), False)]) for key, value in rows]


def _config(path: Path) -> str | None:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(200_000)
    except OSError:
        return None
